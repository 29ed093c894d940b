"""Closing a book through a day: nothing is booked on that day or earlier any more.

The third writer of the ledger beside `ledger/book.py` and `ledger/holds.py`, under the same
conventions: inside the caller's transaction, in which `tributary.tenant` is the book, and within
a savepoint of its own; no function reads a clock.

Who posts looks which days are closed, and keeps a lock until it commits; who closes waits until
nobody has it. When `close` has returned and its transaction is committed, no entry of those days
is under way. Closings are rows that are only ever added: the last one says what is closed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, transaction
from uuid_utils.compat import uuid7

from ledger.drafts import check_day, check_instant, check_text
from ledger.errors import BookBusyError, InvalidClosingError, named_errors
from ledger.models import ClosingAction
from ledger.reading import ALWAYS, OPEN_BOOK, SPAN_OF_DAY, UNFOLDED, rows_of_open_book

PATIENCE = timedelta(seconds=10)
"""How long those under way get to come to an end: nobody can post while somebody waits to close."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LateEntry:
    """An entry of days that had been closed before it was learnt, and were open again."""

    reference: str
    booked_on: date
    event_at: datetime
    known_at: datetime
    closed_at: datetime
    """When its day was first closed."""


def close(
    *,
    book: UUID,
    through: date,
    by: str,
    reason: str,
    now: datetime,
    patience: timedelta = PATIENCE,
) -> int:
    """Close the book through a day and return the closing's number.

    Waits for those who are posting, at most so long, else raises BookBusyError. Raises
    PeriodOrderError if the book is closed through that day already, InvalidClosingError for a day
    that has not begun and for a name or reason that is none, and BookNotOpenError.
    """
    return _write(book, ClosingAction.CLOSE, through, by, None, reason, now, patience)


def reopen(
    *,
    book: UUID,
    through: date | None,
    by: str,
    approved_by: str,
    reason: str,
    now: datetime,
    patience: timedelta = PATIENCE,
) -> int:
    """Leave the book closed through an earlier day, or None for not at all; returns the number.

    It takes two persons and a reason. Raises PeriodOrderError unless the book is closed beyond
    that day, InvalidClosingError, BookBusyError and BookNotOpenError.
    """
    check_text("approved_by", approved_by, least=0, most=200)
    return _write(book, ClosingAction.REOPEN, through, by, approved_by, reason, now, patience)


def closed_through(*, book: UUID, using: str = DEFAULT_DB_ALIAS) -> date | None:
    """The last day on which nothing can be booked any more; None if every day is open."""
    sql = f"""
        SELECT {OPEN_BOOK}, c.through FROM {ALWAYS} LEFT JOIN LATERAL (
            SELECT through FROM ledger_closing WHERE book = %s ORDER BY number DESC LIMIT 1
        ) c ON true
    """
    rows = rows_of_open_book(book, sql, [book], using=using)
    return rows[0][0] if rows else None


def first_open_day(*, book: UUID, using: str = DEFAULT_DB_ALIAS) -> date | None:
    """The first day on which something can be booked; None if every day is open."""
    through = closed_through(book=book, using=using)
    return None if through is None else through + timedelta(days=1)


def late_entries(*, book: UUID, through: date, using: str = DEFAULT_DB_ALIAS) -> list[LateEntry]:
    """Entries booked on `through` or earlier after their day had been closed, oldest first.

    By the instants of the writers: what was learnt after its day was closed, and so was written
    when it was open again.
    """
    check_day("through", through)
    rows = rows_of_open_book(book, _LATE, {"book": book, "through": through}, using=using)
    return [
        LateEntry(
            reference=reference,
            booked_on=booked_on,
            event_at=event_at,
            known_at=known_at,
            closed_at=closed_at,
        )
        for reference, booked_on, event_at, known_at, closed_at in rows
    ]


def _write(
    book: UUID,
    action: ClosingAction,
    through: date | None,
    by: str,
    approved_by: str | None,
    reason: str,
    now: datetime,
    patience: timedelta,
) -> int:
    """Add a closing; PostgreSQL numbers it and states what the book is at that moment."""
    check_instant("now", now)
    check_text("by", by, least=0, most=200)
    check_text("reason", reason, least=0, most=2000)
    if through is not None:
        check_day("through", through)
    elif action is ClosingAction.CLOSE:
        raise InvalidClosingError("a book is closed through a day")
    sql = """
        INSERT INTO ledger_closing (id, book, action, through, closed_by, approved_by, reason,
            closed_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING number
    """
    closed_through(book=book)  # An error with a name, if the book is not open.
    values: list[Any] = [uuid7(), book, action.value, through, by, approved_by, reason, now]
    with named_errors(), transaction.atomic(), _waiting(patience), connection.cursor() as cursor:
        cursor.execute(sql, values)
        [(number,)] = cursor.fetchall()
    return int(number)


@contextmanager
def _waiting(patience: timedelta) -> Iterator[None]:
    """Wait for locks so long and no longer. Raises BookBusyError."""
    wait = str(round(patience.total_seconds() * 1000))
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout')")
        [(before,)] = cursor.fetchall()
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [wait])
        try:
            yield
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) != "55P03":
                raise
            raise BookBusyError(f"others were writing to the book for {patience}") from error
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [before])


# --- Queries ------------------------------------------------------------------------------

# Only what was learnt since the first closing can be late: the daily totals tell which days of
# learning have something that is booked so early.
_LATE = f"""
    WITH {UNFOLDED}, closed AS MATERIALIZED (
        SELECT through, closed_at, (closed_at AT TIME ZONE 'UTC')::date AS day
        FROM ledger_closing WHERE book = %(book)s AND action = 'close'
    ), days AS MATERIALIZED (
        SELECT account_id, {SPAN_OF_DAY}, array_agg(DISTINCT booked_on) AS booked
        FROM ledger_daily
        WHERE book = %(book)s AND booked_on <= %(through)s
          AND known_day >= (SELECT min(day) FROM closed)
        GROUP BY account_id, known_day
    ), learnt AS (
        SELECT p.entry_id FROM days d
        JOIN LATERAL (
            SELECT entry_id FROM ledger_posting
            WHERE book = %(book)s AND account_id = d.account_id AND booked_on = ANY(d.booked)
              AND known_at >= d.since AND known_at < d.before
            OFFSET 0
        ) p ON true
        UNION
        SELECT entry_id FROM fresh WHERE booked_on <= %(through)s
    ), late AS (
        SELECT e.*, c.closed_at FROM learnt
        JOIN LATERAL (
            SELECT id, reference, booked_on, event_at, known_at FROM ledger_journalentry
            WHERE book = %(book)s AND id = learnt.entry_id LIMIT 1
        ) e ON true
        JOIN LATERAL (
            SELECT min(closed_at) AS closed_at FROM closed WHERE through >= e.booked_on
        ) c ON e.known_at > c.closed_at
    )
    SELECT {OPEN_BOOK}, l.reference, l.booked_on, l.event_at, l.known_at, l.closed_at
    FROM {ALWAYS} LEFT JOIN late l ON true ORDER BY l.known_at, l.id
"""
