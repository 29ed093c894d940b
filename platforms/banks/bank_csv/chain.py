"""The running balance, checked row by row, whichever end the file begins at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from platforms.contract import ReadError
from platforms.values import EXACT

OLDEST: Final = "oldest_first"
NEWEST: Final = "newest_first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One row: what it moved, and the balance after it."""

    row: int
    on: date
    amount: Decimal
    balance: Decimal

    @property
    def before(self) -> Decimal:
        """The balance before it."""
        return EXACT.subtract(self.balance, self.amount)


class Chain:
    """Follows the balance under each order that is still possible."""

    def __init__(self, order: str) -> None:
        self._orders = {order} if order else {OLDEST, NEWEST}
        self._first: Link | None = None
        self._last: Link | None = None

    def add(self, link: Link) -> None:
        """Take the next row of the file. Raises ReadError where no order is left."""
        if self._last is None:
            self._first = self._last = link
            return
        last = self._last
        holds = {OLDEST: link.before == last.balance, NEWEST: link.balance == last.before}
        self._orders = {order for order in self._orders if holds[order]}
        if not self._orders:
            raise ReadError(
                f"the balance {link.balance} does not follow from the row before "
                f"({last.balance}): a row is missing or was changed",
                row=link.row,
            )
        self._last = link

    def ends(self) -> tuple[Decimal | None, Decimal | None]:
        """The opening and the closing balance, (None, None) if no row was added.

        Raises ReadError if the rows fit both orders and the days do not decide.
        """
        if self._first is None or self._last is None:
            return None, None
        found = {self._ends(order, self._first, self._last) for order in self._possible()}
        if len(found) > 1:
            raise ReadError("the rows do not show whether the newest or the oldest is first")
        return found.pop()

    def _possible(self) -> set[str]:
        assert self._first is not None and self._last is not None
        if len(self._orders) == 1 or self._first.on == self._last.on:
            return self._orders
        return {OLDEST if self._first.on < self._last.on else NEWEST}

    @staticmethod
    def _ends(order: str, first: Link, last: Link) -> tuple[Decimal, Decimal]:
        if order == OLDEST:
            return first.before, last.balance
        return last.before, first.balance
