"""Adds up a statement's records and compares them with what it says itself.

One definition for everyone who asks "does this document tie out?": the
inspection, the ingest and the exam of the adapters.
"""

from __future__ import annotations

from decimal import Decimal

from platforms.contract import BankLine, Line, Payout, Totals
from platforms.values import EXACT, NOTHING


class Tally:
    """Counts and sums of one statement's source rows; credit and debit both positive.

    Records that share a row (a charge and its fee) follow one another and count
    once, with their net. A bank entry is a row of its own wherever it stands. A
    payout counts only where its row has no line; a derived one never does.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._row = 0
        self._net = NOTHING
        self._credit_count = 0
        self._credit = NOTHING
        self._debit_count = 0
        self._debit = NOTHING

    def add(self, record: Line | Payout | BankLine) -> None:
        """Take one record, in the order of the document."""
        if isinstance(record, Line):
            if record.row == self._row:
                self._net = EXACT.add(self._net, record.amount)
            else:
                self._open(record.row, record.amount)
        elif isinstance(record, BankLine):
            self._open(0, record.amount)
        elif not record.derived and record.row != self._row:
            self._open(record.row, record.amount)

    @property
    def credit_count(self) -> int:
        """Rows that increase the balance."""
        return self._credit_count + (self._net > 0)

    @property
    def credit(self) -> Decimal:
        """Their sum, positive."""
        return EXACT.add(self._credit, max(self._net, NOTHING))

    @property
    def debit_count(self) -> int:
        """Rows that decrease the balance."""
        return self._debit_count + (self._net < 0)

    @property
    def debit(self) -> Decimal:
        """Their sum, positive."""
        return EXACT.subtract(self._debit, min(self._net, NOTHING))

    def agrees(self, totals: Totals | None) -> bool | None:
        """Whether the records are what the statement says they are.

        None if it says nothing that could be checked.
        """
        if totals is None:
            return None
        checks = [*self._sums(totals), *self._counts(totals)]
        if totals.ties is not None:
            checks.append(totals.ties)
        return all(checks) if checks else None

    def _sums(self, totals: Totals) -> list[bool]:
        checks = []
        if totals.credit is not None:
            checks.append(self.credit == totals.credit)
        if totals.debit is not None:
            checks.append(self.debit == totals.debit)
        if totals.opening is not None and totals.closing is not None:
            moved = EXACT.subtract(self.credit, self.debit)
            checks.append(EXACT.add(totals.opening, moved) == totals.closing)
        return checks

    def _counts(self, totals: Totals) -> list[bool]:
        # A row of 0.00 stands on the side its direction says, which its amount
        # no longer shows: it may be counted on either side.
        nothing = self.rows - self.credit_count - self.debit_count
        return [
            counted <= stated <= counted + nothing
            for counted, stated in (
                (self.credit_count, totals.credit_count),
                (self.debit_count, totals.debit_count),
            )
            if stated is not None
        ]

    def _open(self, row: int, net: Decimal) -> None:
        """Close the current row and begin the next."""
        if self._net > 0:
            self._credit_count += 1
            self._credit = EXACT.add(self._credit, self._net)
        elif self._net < 0:
            self._debit_count += 1
            self._debit = EXACT.subtract(self._debit, self._net)
        self.rows += 1
        self._row = row
        self._net = net
