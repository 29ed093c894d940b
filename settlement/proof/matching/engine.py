"""Which bank lines are which payouts. Pure: the same input in any order gives the same answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from settlement.proof.matching.candidates import OpenLine, OpenPayout, References
from settlement.proof.matching.rules import (
    Conclusion,
    Doubt,
    Finding,
    Pairing,
    Rule,
    by_amount,
    by_name,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is the same money, and what stays open with a reason."""

    pairings: tuple[Pairing, ...]
    findings: tuple[Finding, ...]


def solve(
    *,
    payouts: Iterable[OpenPayout],
    lines: Iterable[OpenLine],
    covered_to: Mapping[str, date],
) -> Outcome:
    """Pair by whole reference, then by shortened reference, then by the only equal amount.

    `covered_to` names per currency the last day the bank's statements reach: a
    payout is MISSING only if its whole arrival window has been seen.
    """
    open_payouts = sorted(payouts, key=lambda p: (p.announced_on, p.id))
    open_lines = sorted(lines, key=lambda line: (line.booked_on, line.id))
    concluded: Conclusion = []

    names = References(open_payouts)
    named = [(line, names.named_in(line)) for line in open_lines]
    concluded += by_name(named, rule=Rule.REFERENCE)
    open_payouts, open_lines = _left(open_payouts, open_lines, concluded)

    cuts = References(open_payouts)
    cut = [(line, cuts.cut_in(line)) for line in open_lines]
    concluded += by_name(_only_ones(cut), rule=Rule.CUT_REFERENCE)
    open_payouts, open_lines = _left(open_payouts, open_lines, concluded)

    concluded += by_amount(open_payouts, open_lines)
    open_payouts, open_lines = _left(open_payouts, open_lines, concluded)

    concluded += [
        Finding(payout=payout, doubt=Doubt.MISSING)
        for payout in open_payouts
        if payout.window[1] <= covered_to.get(payout.currency, date.min)
    ]
    return Outcome(
        pairings=tuple(c for c in concluded if isinstance(c, Pairing)),
        findings=tuple(c for c in concluded if isinstance(c, Finding)),
    )


def _only_ones(
    cut: list[tuple[OpenLine, list[OpenPayout]]],
) -> list[tuple[OpenLine, list[OpenPayout]]]:
    """A shortened reference counts only where one payout of that amount begins so."""
    exact = [(line, [p for p in hits if p.amount == line.amount]) for line, hits in cut]
    return [(line, hits) for line, hits in exact if len(hits) == 1]


def _left(
    payouts: list[OpenPayout], lines: list[OpenLine], concluded: Conclusion
) -> tuple[list[OpenPayout], list[OpenLine]]:
    """What no conclusion has claimed yet."""
    taken: set[object] = set()
    for conclusion in concluded:
        if isinstance(conclusion, Pairing):
            taken.update(payout.id for payout in conclusion.payouts)
            taken.update(line.id for line in conclusion.lines)
        else:
            taken.add(conclusion.payout.id)
            if conclusion.line is not None:
                taken.add(conclusion.line.id)
    return (
        [payout for payout in payouts if payout.id not in taken],
        [line for line in lines if line.id not in taken],
    )
