"""Whether the balances of a wallet lead from row to row, in the order of the file.

Exports and answers run oldest first or newest first, which no source says for
certain, and rows of one second stand in the order of their booking; so both
directions are tried and one must hold throughout.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from platforms.contract import ReadError
from platforms.values import EXACT, NOTHING


class Chain:
    """Follows balances; raises ReadError at the row that follows neither way."""

    def __init__(self) -> None:
        self.rows = 0
        self._oldest_first = self._newest_first = True
        self._first = self._last = (NOTHING, NOTHING)
        self._began: datetime | None = None
        self._ended: datetime | None = None

    def add(self, row: int, balance: Decimal, moved: Decimal, at: datetime) -> None:
        """Take the balance after a row, what the row moved (signed), and when."""
        if not self.rows:
            self._first, self._began = (balance, moved), at
        else:
            before, moved_before = self._last
            self._oldest_first &= EXACT.add(before, moved) == balance
            self._newest_first &= EXACT.subtract(before, moved_before) == balance
            if not (self._oldest_first or self._newest_first):
                raise ReadError(
                    "the balance does not follow from the row before it: a row is missing, "
                    "or an amount or its direction was misread",
                    row=row,
                )
        self.rows += 1
        self._last, self._ended = (balance, moved), at

    def balances(self) -> tuple[Decimal, Decimal] | None:
        """Opening and closing; None if there are no rows, or if their order cannot be told.

        Rows that undo one another (+5, −5) fit both ways: then the time decides.
        """
        if self._began is None or self._ended is None:
            return None
        oldest_first = self._oldest_first
        if oldest_first and self._newest_first and self.rows > 1:
            if self._began == self._ended:
                return None
            oldest_first = self._began < self._ended
        early, late = self._first, self._last
        if not oldest_first:
            early, late = late, early
        return EXACT.subtract(*early), late[0]
