"""A document's statements, read in a stream and tied out one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _

from platforms.contract import BankLine, Line, Payout, Record, Statement, Totals
from platforms.tally import Tally
from settlement.errors import RefusedError

Write = Callable[[int, Statement, Any], None]
"""Takes (number of the statement in the document, the statement, a line)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One statement of a document with what it says it adds up to."""

    statement: Statement
    totals: Totals | None
    balanced: bool | None
    first_day: date | None = None
    last_day: date | None = None
    first_at: datetime | None = None
    last_at: datetime | None = None


def read_sections(
    records: Iterator[Record], *, write: Write, payouts: list[Payout]
) -> list[Section]:
    """Write every line, collect the payouts; each statement must add up to what it says.

    Raises RefusedError for one that does not tie out.
    """
    sections: list[Section] = []
    current: _Open | None = None
    for record in records:
        if isinstance(record, Line | BankLine | Payout):
            assert current is not None, "an adapter opens a statement before its records"
            current.add(record)
            if isinstance(record, Payout):
                payouts.append(record)
            else:
                write(len(sections), current.statement, record)
        elif isinstance(record, Statement):
            if current is not None:
                sections.append(current.closed(None))
            current = _Open(record)
        else:
            assert current is not None, "totals close a statement"
            sections.append(current.closed(record))
            current = None
    if current is not None:
        sections.append(current.closed(None))
    return sections


class _Open:
    """The statement being read."""

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self.tally = Tally()
        self.first_day: date | None = None
        self.last_day: date | None = None
        self.first_at: datetime | None = None
        self.last_at: datetime | None = None

    def add(self, record: Line | BankLine | Payout) -> None:
        """Count a record and widen the period by it."""
        self.tally.add(record)
        if isinstance(record, Line):
            moment = record.event_at
            if self.first_at is None or self.last_at is None:
                self.first_at = self.last_at = moment
            elif moment > self.last_at:
                self.last_at = moment
            elif moment < self.first_at:
                self.first_at = moment
        elif isinstance(record, BankLine) and (day := record.booked_on or record.value_on):
            self.first_day = min(day, self.first_day or day)
            self.last_day = max(day, self.last_day or day)

    def closed(self, totals: Totals | None) -> Section:
        """Tie the statement out. Raises RefusedError."""
        balanced = self.tally.agrees(totals)
        if balanced is False and totals is not None:
            raise RefusedError(_difference(self.tally, totals))
        return Section(
            statement=self.statement,
            totals=totals,
            balanced=balanced,
            first_day=self.first_day,
            last_day=self.last_day,
            first_at=self.first_at,
            last_at=self.last_at,
        )


def _difference(tally: Tally, totals: Totals) -> str:
    """What a statement says against what its rows add up to, in words."""
    if totals.opening is not None and totals.closing is not None:
        stated = _("opening %(opening)s and closing %(closing)s") % {
            "opening": totals.opening,
            "closing": totals.closing,
        }
    elif totals.credit is not None or totals.debit is not None:
        stated = _in_and_out(totals.credit, totals.debit)
    else:
        stated = _("other totals")
    return _(
        "the file does not tie out: it states %(stated)s, but its rows give %(found)s; "
        "it may be an excerpt, or may have been edited"
    ) % {"stated": stated, "found": _in_and_out(tally.credit, tally.debit)}


def _in_and_out(credit: object, debit: object) -> str:
    return _("%(credit)s in and %(debit)s out") % {"credit": credit, "debit": debit}
