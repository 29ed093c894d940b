"""What becomes of each payout: on time, or the trouble its store was chosen for.

One store suffers one trouble, once (the spaced store has a second payout whose
reference is split over two text elements). Twins are made by the stores' lives: here
they are only marked. All other payouts arrive as they should.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from random import Random

from sandbox import money
from sandbox.days import Period, business_days_later, is_business_day, on_or_after
from sandbox.model import Fate, Outcome, Payout, Platform, Store, Trouble

LATE_BY = timedelta(days=10)
BANK_FEE = 1250
_Strike = Callable[[list[Fate], Period, money.Taken], None]


class UnsoundWorldError(Exception):
    """The generator broke a promise its truth depends on."""


def decide(
    store: Store, payouts: Sequence[Payout], period: Period, rng: Random, taken: money.Taken
) -> list[Fate]:
    """The fate of each payout of a store, in the order of the payouts."""
    fates = [_ordinary(store, payout, period, rng) for payout in payouts]
    strike = _STRIKES.get(store.trouble)
    if strike is not None:
        strike(fates, period, taken)
    return fates


def mark_twins(fates: list[Fate], day: date) -> list[Fate]:
    """The fates of a twin store with that day's payout marked, whose amount another has too."""
    return [
        replace(fate, outcome=Outcome.AMBIGUOUS, trouble=Trouble.TWIN_AMOUNT)
        if fate.payout.announced_on == day
        else fate
        for fate in fates
    ]


def _ordinary(store: Store, payout: Payout, period: Period, rng: Random) -> Fate:
    arrives = _arrival(store, payout, rng)
    if arrives > period.last:
        last_day = payout.announced_on == period.last
        trouble = Trouble.LAST_DAY if last_day else Trouble.NONE
        return Fate(payout=payout, outcome=Outcome.IN_TRANSIT, trouble=trouble)
    named = store.names_payouts
    return Fate(
        payout=payout,
        outcome=Outcome.MATCHED_BY_REFERENCE if named else Outcome.MATCHED_BY_AMOUNT,
        arrived_on=arrives,
        received=payout.amount,
    )


def _arrival(store: Store, payout: Payout, rng: Random) -> date:
    """Shopify: up to a day before or two business days after its date; others: T+1 or T+2."""
    if store.platform is not Platform.SHOPIFY:
        return business_days_later(payout.announced_on, 2 if rng.random() < 0.15 else 1)
    day = payout.announced_on
    offset = rng.choices((-1, 0, 1, 2), (5, 50, 35, 10))[0]
    if offset < 0:
        eve = day - timedelta(days=1)
        return eve if is_business_day(eve) else day
    return business_days_later(day, offset)


def _late(fates: list[Fate], period: Period, _taken: money.Taken) -> None:
    payout = fates[0].payout
    arrives = on_or_after(payout.announced_on + LATE_BY)
    _require(arrives in period, "the late payout must arrive before the end")
    fates[0] = replace(
        fates[0], outcome=Outcome.LATE_MATCHED, trouble=Trouble.LATE, arrived_on=arrives
    )


def _missing(fates: list[Fate], period: Period, _taken: money.Taken) -> None:
    age = period.last - fates[2].payout.announced_on
    _require(age >= LATE_BY, "the missing payout must be overdue at the end")
    fates[2] = Fate(payout=fates[2].payout, outcome=Outcome.MISSING, trouble=Trouble.MISSING)


def _short(fates: list[Fate], _period: Period, taken: money.Taken) -> None:
    payout = fates[0].payout
    received = taken.below(payout.currency, payout.amount - BANK_FEE)
    fates[0] = replace(fates[0], outcome=Outcome.SHORT, trouble=Trouble.SHORT, received=received)


def _merged(fates: list[Fate], period: Period, taken: money.Taken) -> None:
    """Two neighbouring payouts arrive as one deposit, on the later one's day."""
    for index in range(3, len(fates) - 1):
        pair = [fates[index].payout, fates[index + 1].payout]
        total = (pair[0].currency, pair[0].amount + pair[1].amount)
        arrives = business_days_later(pair[1].announced_on, 1)
        if total in taken or arrives not in period:
            continue
        taken.add(*total)
        fates[index : index + 2] = [
            Fate(
                payout=payout,
                outcome=Outcome.MERGED,
                trouble=Trouble.MERGED,
                arrived_on=arrives,
                received=payout.amount,
            )
            for payout in pair
        ]
        return
    raise UnsoundWorldError("no two payouts can be merged")


def _cut(fates: list[Fate], _period: Period, _taken: money.Taken) -> None:
    fates[4] = replace(fates[4], trouble=Trouble.CUT_REFERENCE)


def _spaced(fates: list[Fate], _period: Period, _taken: money.Taken) -> None:
    fates[4] = replace(fates[4], trouble=Trouble.SPACED_REFERENCE)
    fates[6] = replace(fates[6], trouble=Trouble.SPLIT_REFERENCE)


def _require(condition: bool, promise: str) -> None:
    if not condition:
        raise UnsoundWorldError(promise)


_STRIKES: dict[Trouble, _Strike] = {
    Trouble.LATE: _late,
    Trouble.MISSING: _missing,
    Trouble.SHORT: _short,
    Trouble.MERGED: _merged,
    Trouble.CUT_REFERENCE: _cut,
    Trouble.SPACED_REFERENCE: _spaced,
}
