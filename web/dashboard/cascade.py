"""The waterfall picture: gross → each deduction → net → payout → bank. Pure geometry.

Every step is a row of a table with a bar beside its amount; bars are drawn in
a box 1000 wide, so that they stretch with the page.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from djmoney.money import Money

from settlement.models import BankLine
from settlement.queries import Waterfall

BOX: Final = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One row. `start` and `end` are running amounts before and after it."""

    role: str
    """in, out, net, carried, payout, bank (matched) or differs (named, but not equal)."""
    amount: Money
    start: Decimal
    end: Decimal
    kind: str = ""
    count: int = 0
    bank_line: BankLine | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A step with where its bar lies, in BOX units; `level` is where the next one begins."""

    step: Step
    x: float
    width: float
    level: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Cascade:
    """The rows from top to bottom and where zero lies."""

    bars: list[Bar]
    zero: float


def cascade(waterfall: Waterfall, *, differing: Iterable[BankLine] = ()) -> Cascade:
    """Lay the steps of a payout out on one scale.

    `differing` are bank lines that name the payout with another amount.
    """
    steps = [*_steps(waterfall), *(_arrived("differs", line) for line in differing)]
    low = min(Decimal(0), *(min(step.start, step.end) for step in steps))
    high = max(Decimal(0), *(max(step.start, step.end) for step in steps))
    span = high - low or Decimal(1)

    def at(amount: Decimal) -> float:
        return round(float((amount - low) / span) * BOX, 1)

    return Cascade(
        bars=[
            Bar(
                step=step,
                x=min(at(step.start), at(step.end)),
                width=max(2.0, round(abs(at(step.end) - at(step.start)), 1)),
                level=at(step.end),
            )
            for step in steps
        ],
        zero=at(Decimal(0)),
    )


def _steps(waterfall: Waterfall) -> list[Step]:
    zero = Decimal(0)
    steps = list(_parts(waterfall))
    if waterfall.parts:
        steps.append(Step(role="net", amount=waterfall.net, start=zero, end=waterfall.net.amount))
        if waterfall.carried.amount:
            steps.append(
                Step(
                    role="carried",
                    amount=waterfall.carried,
                    start=waterfall.net.amount,
                    end=waterfall.payout.amount.amount,
                )
            )
    amount = waterfall.payout.amount
    steps.append(Step(role="payout", amount=amount, start=zero, end=amount.amount))
    return [*steps, *(_arrived("bank", line) for line in waterfall.bank_lines)]


def _arrived(role: str, line: BankLine) -> Step:
    return Step(
        role=role, amount=line.amount, start=Decimal(0), end=line.amount.amount, bank_line=line
    )


def _parts(waterfall: Waterfall) -> Iterable[Step]:
    """Income first, then deductions, the largest of each first."""
    running = Decimal(0)
    income = [part for part in waterfall.parts if part.amount.amount >= 0]
    deductions = [part for part in waterfall.parts if part.amount.amount < 0]
    for part in [*income, *sorted(deductions, key=lambda part: part.amount.amount)]:
        yield Step(
            role="in" if part.amount.amount >= 0 else "out",
            amount=part.amount,
            start=running,
            end=running + part.amount.amount,
            kind=part.kind,
            count=part.count,
        )
        running += part.amount.amount
