"""What the matcher may conclude. Only exact rules confirm themselves. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from settlement.proof.matching.candidates import OpenLine, OpenPayout


class Rule(StrEnum):
    """Why the two sides are the same money."""

    REFERENCE = "reference"
    DETAILS = "details"
    CUT_REFERENCE = "cut_reference"
    AMOUNT = "amount"


class Doubt(StrEnum):
    """Why a payout stays open."""

    MISSING = "missing"
    SHORT = "short"
    OVER = "over"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """Payouts and bank lines that are the same money, to the cent."""

    rule: Rule
    payouts: tuple[OpenPayout, ...]
    lines: tuple[OpenLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A payout that stays open. `difference` = bank − payout, where a line is named."""

    payout: OpenPayout
    doubt: Doubt
    line: OpenLine | None = None
    difference: Decimal | None = None


Conclusion = list[Pairing | Finding]


def by_name(named: Iterable[tuple[OpenLine, Sequence[OpenPayout]]], *, rule: Rule) -> Conclusion:
    """Conclude from lines that name payouts; every payout and line at most once.

    Lines and payouts that name one another form a group. A group is the same
    money if it is one line for its payouts (or one payout for its lines) and
    the sums agree exactly.
    """
    return [
        conclusion
        for lines, payouts in _groups(named)
        for conclusion in _group(lines, payouts, rule)
    ]


def by_amount(payouts: Sequence[OpenPayout], lines: Sequence[OpenLine]) -> Conclusion:
    """Pair payouts and lines of one amount, each being the other's only candidate.

    A payout with rivals is AMBIGUOUS: it is left to a person.
    """
    lines_of: dict[tuple[str, Decimal], list[OpenLine]] = defaultdict(list)
    for line in lines:
        lines_of[line.currency, line.amount].append(line)
    fitting = {
        payout.id: [
            line
            for line in lines_of[payout.currency, payout.amount]
            if payout.window[0] <= line.booked_on <= payout.window[1]
        ]
        for payout in payouts
    }
    claims: dict[object, int] = defaultdict(int)
    for candidates in fitting.values():
        for line in candidates:
            claims[line.id] += 1
    result: Conclusion = []
    for payout in payouts:
        candidates = fitting[payout.id]
        if len(candidates) == 1 and claims[candidates[0].id] == 1:
            result.append(Pairing(rule=Rule.AMOUNT, payouts=(payout,), lines=(candidates[0],)))
        elif candidates:
            result.append(Finding(payout=payout, doubt=Doubt.AMBIGUOUS))
    return result


def _group(lines: list[OpenLine], payouts: list[OpenPayout], rule: Rule) -> Conclusion:
    announced = sum(payout.amount for payout in payouts)
    arrived = sum(line.amount for line in lines)
    if len(lines) == 1 or len(payouts) == 1:
        if announced == arrived:
            several = len(payouts) > 1
            return [
                Pairing(
                    rule=Rule.DETAILS if several else rule,
                    payouts=tuple(payouts),
                    lines=tuple(lines),
                )
            ]
        exact = [line for line in lines if line.amount == announced]
        if len(exact) == 1:
            return [Pairing(rule=rule, payouts=tuple(payouts), lines=tuple(exact))]
    if len(lines) == len(payouts) == 1 and rule is Rule.REFERENCE:
        difference = lines[0].amount - payouts[0].amount
        doubt = Doubt.SHORT if difference < 0 else Doubt.OVER
        return [Finding(payout=payouts[0], doubt=doubt, line=lines[0], difference=difference)]
    if rule is not Rule.REFERENCE:
        return []  # a shortened reference with another amount names nobody
    return [Finding(payout=payout, doubt=Doubt.AMBIGUOUS) for payout in payouts]


def _groups(
    named: Iterable[tuple[OpenLine, Sequence[OpenPayout]]],
) -> list[tuple[list[OpenLine], list[OpenPayout]]]:
    """Connected components, in the order of their first line."""
    group_of: dict[object, int] = {}
    lines: dict[int, list[OpenLine]] = {}
    payouts: dict[int, dict[object, OpenPayout]] = {}
    for number, (line, hits) in enumerate(named):
        if not hits:
            continue
        lines[number], payouts[number] = [line], {p.id: p for p in hits}
        for other in {group_of[p.id] for p in hits if p.id in group_of}:
            lines[number] = lines.pop(other) + lines[number]
            payouts[number] = payouts.pop(other) | payouts[number]
        for id in payouts[number]:
            group_of[id] = number
    return [(lines[n], list(payouts[n].values())) for n in sorted(lines)]
