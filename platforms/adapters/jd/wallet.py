"""Movements of a JD wallet: evidence, tied out by its balances where they lead from row to row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from platforms.adapters.jd.rows import CURRENCY, content_id
from platforms.contract import Line, LineKind, ReadError, Totals
from platforms.occurrences import Occurrences

_ID: Final = "wallet:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """A row as written; `outgo` with or without its minus, `balance` None if not stated."""

    row: int
    account: str
    at: datetime
    income: Decimal
    outgo: Decimal
    balance: Decimal | None
    batch: str
    label: str


class Funds:
    """The rows of one account: gives them ids, and follows their balances."""

    def __init__(self) -> None:
        self._occurrences = Occurrences()
        self._oldest_first = self._newest_first = True
        self._first: tuple[Decimal, Decimal] | None = None
        self._last: tuple[Decimal, Decimal] | None = None

    def line(self, move: Movement) -> Line:
        """The row; what its words mean is not confirmed. Raises ReadError."""
        if move.income and move.outgo:
            raise ReadError(f"income {move.income} and outgo {move.outgo}", row=move.row)
        if move.income < 0:
            raise ReadError(f"the income is negative: {move.income}", row=move.row)
        moved = move.income or (-move.outgo.copy_abs() if move.outgo else move.outgo)
        self._follow(moved, move.balance)
        return Line(
            external_id=self._id(move, moved),
            kind=LineKind.UNKNOWN,
            amount=moved,
            currency=CURRENCY,
            event_at=move.at,
            row=move.row,
            remittance=move.batch,
            label=move.label,
        )

    def totals(self) -> Totals:
        """The first and last balance, where every row follows from the one before it."""
        if self._first is None or self._last is None:
            return Totals()
        if not (self._oldest_first or self._newest_first):
            return Totals()
        early, late = (self._first, self._last) if self._oldest_first else (self._last, self._first)
        return Totals(opening=early[0] - early[1], closing=late[0])

    def _follow(self, moved: Decimal, balance: Decimal | None) -> None:
        if balance is None:
            self._oldest_first = self._newest_first = False
            return
        if self._last is not None:
            before, moved_before = self._last
            self._oldest_first = self._oldest_first and balance == before + moved
            self._newest_first = self._newest_first and balance == before - moved_before
        self._last = balance, moved
        self._first = self._first or self._last

    def _id(self, move: Movement, moved: Decimal) -> str:
        balance = "" if move.balance is None else f"{move.balance.normalize():f}"
        said = (move.account, move.at.isoformat(), f"{moved.normalize():f}", balance)
        key = content_id(*said, move.batch, move.label)
        nth = self._occurrences.nth(int(key[:16], 16))
        return f"{_ID}{key}" + (f"|{nth}" if nth > 1 else "")
