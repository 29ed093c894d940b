"""The matching rule applied to a finished world, to prove its truth before it is written.

This is the rule as agreed for the hub, written from its words alone: by reference
(normalised, or cut by the bank to a token of at least 12 characters that begins one
payout's reference only) with the exact amount; n:1 by the references of the
details; else exact amount inside the arrival window, mutually unique. What is left
is short, late or ambiguous; without any line it is in transit until the last day of
its window has been seen, then missing. A world whose truth differs from this verdict
is refused.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import date, timedelta

from sandbox.fates import UnsoundWorldError
from sandbox.model import Entry, Fate, Outcome, Payout

_OVERDUE = timedelta(days=7)
_A_DAY_BEFORE = timedelta(days=1)
_AFTER_DUE = timedelta(days=5)
_LEAST_CUT = 12
_NOT_ALPHANUMERIC = re.compile(r"[^0-9A-Z]")


def require_sound(fates: Sequence[Fate], entries: Sequence[Entry], today: date) -> None:
    """Raises UnsoundWorldError where the rule's verdict is not the intended outcome."""
    verdict = judge([fate.payout for fate in fates], entries, today)
    wrong = [
        f"{fate.payout.store} {fate.payout.reference}: {fate.outcome} but {found}"
        for fate in fates
        if (found := verdict[fate.payout.reference]) is not fate.outcome
    ]
    if wrong or len(verdict) != len(fates):
        raise UnsoundWorldError("; ".join(wrong) or "two payouts share a reference")


def judge(payouts: Sequence[Payout], entries: Sequence[Entry], today: date) -> dict[str, Outcome]:
    """The outcome of each payout by its reference, `today` being the last day."""
    known = _Known(payouts)
    verdict: dict[str, Outcome] = {}
    unnamed: list[Entry] = []
    for entry in entries:
        named = known.named_by(entry)
        if named:
            verdict.update(_by_reference(entry, named))
        elif entry.amount > 0:
            unnamed.append(entry)
    unclaimed = [payout for payout in payouts if payout.reference not in verdict]
    return verdict | _by_amount(unclaimed, unnamed, today)


class _Known:
    """The references of all payouts, to be found in a text whole or cut."""

    def __init__(self, payouts: Sequence[Payout]) -> None:
        self._payouts = {payout.reference: payout for payout in payouts}
        self._sorted = sorted(self._payouts)
        self._lengths = {len(reference) for reference in self._payouts}

    def named_by(self, entry: Entry) -> list[Payout]:
        """The payouts an entry names, through details that name exactly one."""
        named = [self._references("".join(detail.texts)) for detail in entry.details]
        return [
            self._payouts[reference] for found in named if len(found) == 1 for reference in found
        ]

    def _references(self, text: str) -> set[str]:
        whole = _NOT_ALPHANUMERIC.sub("", text.upper())
        windows = {
            whole[i : i + length]
            for length in self._lengths
            for i in range(len(whole) - length + 1)
        }
        exact = windows & self._payouts.keys()
        if exact:
            return exact
        tokens = [t for t in _NOT_ALPHANUMERIC.split(text.upper()) if len(t) >= _LEAST_CUT]
        return {reference for token in tokens for reference in self._begun_by(token)}

    def _begun_by(self, token: str) -> list[str]:
        first = bisect_left(self._sorted, token)
        last = bisect_right(self._sorted, token + "\uffff")
        return self._sorted[first:last]


def _by_reference(entry: Entry, named: list[Payout]) -> dict[str, Outcome]:
    exact = sum(payout.amount for payout in named) == entry.amount
    if not exact:
        return {payout.reference: Outcome.SHORT for payout in named}
    if len(named) > 1:
        return {payout.reference: Outcome.MERGED for payout in named}
    late = entry.booked_on > named[0].announced_on + _OVERDUE
    return {named[0].reference: Outcome.LATE_MATCHED if late else Outcome.MATCHED_BY_REFERENCE}


def _by_amount(
    payouts: Sequence[Payout], entries: Sequence[Entry], today: date
) -> dict[str, Outcome]:
    """Payouts and lines alike in amount and window: one and one is a match, more is doubt."""
    alike: dict[tuple[str, int], tuple[list[Payout], list[Entry]]] = {}
    for payout in payouts:
        alike.setdefault((payout.currency, payout.amount), ([], []))[0].append(payout)
    for entry in entries:
        alike.setdefault((entry.currency, entry.amount), ([], []))[1].append(entry)
    return {
        payout.reference: _alone(payout, rivals, lines, today)
        for rivals, lines in alike.values()
        for payout in rivals
    }


def _alone(
    payout: Payout, rivals: Sequence[Payout], lines: Sequence[Entry], today: date
) -> Outcome:
    fitting = [entry for entry in lines if _fits(payout, entry)]
    claimants = [rival for rival in rivals if any(_fits(rival, entry) for entry in fitting)]
    if not fitting:
        overdue = _window(payout)[1] <= today
        return Outcome.MISSING if overdue else Outcome.IN_TRANSIT
    unique = len(fitting) == 1 and len(claimants) == 1
    return Outcome.MATCHED_BY_AMOUNT if unique else Outcome.AMBIGUOUS


def _fits(payout: Payout, entry: Entry) -> bool:
    """Whether a line of the payout's amount was booked inside its arrival window."""
    first, last = _window(payout)
    return first <= entry.booked_on <= last


def _window(payout: Payout) -> tuple[date, date]:
    """The days on which the money may be booked, both included."""
    if payout.due_on is None:
        return payout.announced_on - _A_DAY_BEFORE, payout.announced_on + _OVERDUE
    return payout.due_on - _A_DAY_BEFORE, payout.due_on + _AFTER_DUE
