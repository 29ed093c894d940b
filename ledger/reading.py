"""How every query makes sure that the book it reads is open, and what queries have in common.

Row-level security hides a book that is not open, so "nothing found" must never be taken for
"there is nothing". A query of ours therefore begins with the open book, in a row that is always
there, and joins everything else to the left.

Sums are never taken over a whole history. What is folded lies in `ledger_balance` and
`ledger_daily`; what is not folded yet is found through the arrivals, entry by entry. One statement
sees one moment, so every posting is in one of the two places and in one only.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections

from ledger.drafts import check_day
from ledger.errors import BookNotOpenError, InvalidPeriodError

OPEN_BOOK = "NULLIF(current_setting('tributary.tenant', true), '')::uuid"
ALWAYS = "(VALUES (1)) AS always"

DEBITS = "coalesce(sum(amount) FILTER (WHERE side = 'D'), 0)"
CREDITS = "coalesce(sum(amount) FILTER (WHERE side = 'C'), 0)"

SPAN_OF_DAY = """known_day::timestamp AT TIME ZONE 'UTC' AS since,
            (known_day + 1)::timestamp AT TIME ZONE 'UTC' AS before"""
"""The instants of a day of learning, for a query grouped by `known_day`.

They are columns by the time postings are looked for: under row-level security older PostgreSQL
uses no index for a comparison with AT TIME ZONE in it, which is not known to keep secrets.
"""

# LIMIT and OFFSET leave the planner one way: a look-up by key for each entry, however many it
# takes the arrivals to hold. Else it may read all entries of the book to join them.
UNFOLDED = """
    unfolded AS MATERIALIZED (
        SELECT unnest(ids) AS id FROM ledger_arrival WHERE book = %(book)s AND kind = 'entry'
    ), fresh AS MATERIALIZED (
        SELECT u.id AS entry_id, e.known_at, e.event_at, e.booked_on, p.account_id, p.line_no,
               p.side, p.amount, p.subject
        FROM unfolded u
        JOIN LATERAL (
            SELECT known_at, event_at, booked_on FROM ledger_journalentry
            WHERE book = %(book)s AND id = u.id LIMIT 1
        ) e ON true
        JOIN LATERAL (
            SELECT account_id, line_no, side, amount, subject FROM ledger_posting
            WHERE book = %(book)s AND entry_id = u.id AND known_at = e.known_at OFFSET 0
        ) p ON true
    )
"""
"""Common table expressions: the entries that are not folded yet, and their postings (`fresh`)."""

BALANCES_NOW = """
    chosen AS MATERIALIZED (
        SELECT a.*, b.debits, b.credits FROM ({which}) a
        LEFT JOIN LATERAL (
            SELECT debits, credits FROM ledger_balance
            WHERE book = %(book)s AND account_id = a.id LIMIT 1
        ) b ON true
    ), present AS MATERIALIZED (
        SELECT c.*, (c.debits + coalesce(r.debits, 0))::bigint AS debits_now,
               (c.credits + coalesce(r.credits, 0))::bigint AS credits_now
        FROM chosen c
        LEFT JOIN (
            SELECT u.account_id, sum(u.debits) AS debits, sum(u.credits) AS credits
            FROM ledger_arrival r,
                unnest(r.accounts, r.debits, r.credits) AS u (account_id, debits, credits)
            WHERE r.book = %(book)s AND r.kind = 'entry'
              AND EXISTS (SELECT FROM chosen WHERE floor IS NULL)
            GROUP BY u.account_id
        ) r ON r.account_id = c.id
    )
"""
"""Common table expressions: accounts with what they have now, without a look at any posting.

Guarded accounts have it in their row; the others, in their row and in the arrivals.
"""


_WITH_PREFIX = """
    SELECT id, code, currency, normal_side, floor FROM ledger_ledgeraccount
    WHERE book = %(book)s AND code ^@ %(accounts)s
"""
# Most books have few accounts: for `=` PostgreSQL may read all of a book, and some have many.
_WITH_CODES = """
    SELECT a.* FROM unnest(%(accounts)s::text[]) AS w (wanted)
    JOIN LATERAL (
        SELECT id, code, currency, normal_side, floor FROM ledger_ledgeraccount
        WHERE book = %(book)s AND code >= wanted ORDER BY code LIMIT 1
    ) a ON a.code = wanted
"""


def of_accounts(prefix: str = "", codes: Collection[str] | None = None) -> tuple[str, Any]:
    """A query for accounts, to stand for `{which}`, and its parameter `accounts`."""
    if codes is None:
        return _WITH_PREFIX, prefix
    return _WITH_CODES, sorted(set(codes))


def check_period(start: date, end: date) -> None:
    """Raise InvalidPeriodError unless the period's last day is its first or later."""
    check_day("start", start)
    check_day("end", end)
    if end < start:
        raise InvalidPeriodError(f"from {start} to {end}")


def open_book(book: UUID, *, using: str = DEFAULT_DB_ALIAS) -> None:
    """Open the book for the rest of the transaction."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT set_config('tributary.tenant', %s, true)", [str(book)])


def rows_of_open_book(
    book: UUID,
    sql: str,
    parameters: Sequence[Any] | Mapping[str, Any],
    *,
    using: str = DEFAULT_DB_ALIAS,
) -> list[tuple[Any, ...]]:
    """Rows of a query that selects OPEN_BOOK, then a column never null, from ALWAYS LEFT JOIN ….

    The open book is taken off, as is the row of nulls that stands for "nothing found". Raises
    BookNotOpenError unless the transaction acts for the book.
    """
    with connections[using].cursor() as cursor:
        cursor.execute(sql, parameters)
        rows = cursor.fetchall()
    if not rows or rows[0][0] != book:
        open_now = rows[0][0] if rows else None
        raise BookNotOpenError(f"the transaction acts for {open_now or 'no book'}, not {book}")
    return [row[1:] for row in rows if row[1] is not None]
