"""What moved an account, row by row, with the balance each posting left behind.

Conventions as in `ledger/balances.py`. `statement` goes back through what the ledger learnt;
`account_statement` goes through the days entries are booked on, as a bank's statement does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS

from ledger.errors import UnknownAccountError
from ledger.models import Side
from ledger.reading import (
    ALWAYS,
    BALANCES_NOW,
    OPEN_BOOK,
    SPAN_OF_DAY,
    UNFOLDED,
    check_period,
    of_accounts,
    rows_of_open_book,
)

RECENT = timedelta(days=40)
"""A page is looked for in so much of the past first, and in all of it if that does not fill it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A place in an account's statement, to read on from."""

    booked_on: date
    known_at: datetime
    entry_id: UUID
    line_no: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementRow:
    """One posting with what its entry says, and the balance it left behind."""

    position: Position
    reference: str
    kind: str
    memo: str
    event_at: datetime
    booked_on: date
    side: Side
    amount: int
    subject: UUID | None
    balance: int
    """After this posting, in the statement's order; positive on the account's normal side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountStatement:
    """An account from the first to the last of some days; positive on its normal side."""

    opening: int
    """Before the first day, of everything booked on earlier days."""
    rows: tuple[StatementRow, ...]
    """By the day they are booked on; a page of them, if a limit was asked for."""
    closing: int
    """With all that is booked on the days, be it on this page or not."""


def statement(
    *,
    book: UUID,
    code: str,
    limit: int,
    before: Position | None = None,
    using: str = DEFAULT_DB_ALIAS,
) -> list[StatementRow]:
    """The account's newest `limit` postings, newest first, each with the balance it left.

    `before` is the position of the last row of the page before. The first page begins with the
    balance of now, a later one with the totals of the days before its position: no page sums what
    lies before it, posting by posting. Raises UnknownAccountError.
    """
    which, accounts = of_accounts(codes=[code])
    parameters = {"book": book, "accounts": accounts, "limit": limit, **_place(before)}
    last = before.known_at if before else _last_day(which, parameters, using)
    sql = (_NEWEST if before is None else _OLDER).replace("{which}", which)
    # Planning a query takes as long as there are partitions that it may read.
    if last is not None:
        recent = parameters | {"since": last - RECENT}
        rows = rows_of_open_book(book, sql, recent, using=using)
        if len(rows) == limit:
            return _rows(rows)
    rows = rows_of_open_book(book, sql, parameters | {"since": "-infinity"}, using=using)
    if not rows:
        raise UnknownAccountError(f"no such account: {code}")
    return _rows(rows)


def _rows(rows: list[tuple[Any, ...]]) -> list[StatementRow]:
    """Rows, newest first, of which the first left the net behind that all of them state."""
    found = []
    left: int = rows[0][1]
    for normal_side, _, *columns in rows:
        if columns[0] is not None:
            row = _statement_row(normal_side, left, columns)
            found.append(row)
            left -= row.amount if row.side is Side.DEBIT else -row.amount
    return found


def account_statement(
    *,
    book: UUID,
    code: str,
    start: date,
    end: date,
    limit: int | None = None,
    after: Position | None = None,
    using: str = DEFAULT_DB_ALIAS,
) -> AccountStatement:
    """What is booked on the account from `start` to `end`, both included, day by day.

    Within a day rows are in the order in which the ledger learnt them. `limit` gives a page;
    `after`, the position of the last row of the page before, the next one. A page reads postings
    learnt on the days on which what it shows was learnt, and no others. Raises
    UnknownAccountError and InvalidPeriodError.
    """
    check_period(start, end)
    which, accounts = of_accounts(codes=[code])
    parameters = {"book": book, "accounts": accounts, "limit": limit, "start": start, "end": end}
    parameters |= _place(after) | {"first": start if after is None else after.booked_on}
    rows = rows_of_open_book(book, _BOOKED.replace("{which}", which), parameters, using=using)
    if not rows:
        raise UnknownAccountError(f"no such account: {code}")
    normal_side, opening, closing = rows[0][:3]
    return AccountStatement(
        opening=_signed(normal_side, opening),
        rows=tuple(
            _statement_row(normal_side, left, columns)
            for _, _, _, left, *columns in rows
            if left is not None
        ),
        closing=_signed(normal_side, closing),
    )


def _last_day(which: str, parameters: Mapping[str, Any], using: str) -> datetime | None:
    """When the ledger learnt the last folded day's postings on the account, about."""
    sql = _LAST_DAY.replace("{which}", which)
    rows = rows_of_open_book(parameters["book"], sql, parameters, using=using)
    return None if not rows else datetime.combine(rows[0][0], time(), UTC)


def _place(position: Position | None) -> dict[str, Any]:
    """A position as parameters; all null without one."""
    if position is None:
        return dict.fromkeys(("booked_on", "known_at", "entry", "line", "midnight", "day"))
    known_at = position.known_at.astimezone(UTC)
    midnight = known_at.replace(hour=0, minute=0, second=0, microsecond=0)
    return {
        "booked_on": position.booked_on,
        "known_at": known_at,
        "entry": position.entry_id,
        "line": position.line_no,
        "midnight": midnight,
        "day": midnight.date(),
    }


def _signed(normal_side: str, net: int) -> int:
    """Debits less credits as a balance, positive on the normal side."""
    return net if normal_side == Side.DEBIT else -net


def _statement_row(normal_side: str, left: int, columns: Sequence[Any]) -> StatementRow:
    """The row of a posting that left this net behind."""
    booked_on, known_at, entry_id, line_no, side, amount, subject = columns[:7]
    reference, kind, memo, event_at = columns[7:]
    return StatementRow(
        position=Position(
            booked_on=booked_on, known_at=known_at, entry_id=entry_id, line_no=line_no
        ),
        reference=reference,
        kind=kind,
        memo=memo,
        event_at=event_at,
        booked_on=booked_on,
        side=Side(side),
        amount=amount,
        subject=subject,
        balance=_signed(normal_side, left),
    )


# --- Queries ------------------------------------------------------------------------------

_COLUMNS = """p.booked_on, p.known_at, p.entry_id, p.line_no, p.side, p.amount, p.subject,
           e.reference, e.kind, e.memo, e.event_at"""
_ENTRY = """
    LEFT JOIN LATERAL (
        SELECT reference, kind, memo, event_at FROM ledger_journalentry
        WHERE book = %(book)s AND id = p.entry_id LIMIT 1
    ) e ON true
"""
_NET = "CASE side WHEN 'D' THEN amount ELSE -amount END"


def _newest_first(before: str, begin: str) -> str:
    """The page whose first row left `begin` behind; `before` is a condition for postings."""
    return f"""
    SELECT {OPEN_BOOK}, c.normal_side, ({begin})::bigint, {_COLUMNS}
    FROM {ALWAYS}
    LEFT JOIN present c ON true
    LEFT JOIN LATERAL (
        SELECT * FROM ledger_posting
        WHERE book = %(book)s AND account_id = c.id AND known_at >= %(since)s AND {before}
        ORDER BY known_at DESC, entry_id DESC, line_no DESC LIMIT %(limit)s
    ) p ON true
    {_ENTRY}
    ORDER BY p.known_at DESC, p.entry_id DESC, p.line_no DESC
"""


_LAST_DAY = f"""
    SELECT {OPEN_BOOK}, d.known_day
    FROM {ALWAYS}
    LEFT JOIN ({{which}}) a ON true
    LEFT JOIN LATERAL (
        SELECT known_day FROM ledger_daily
        WHERE book = %(book)s AND account_id = a.id ORDER BY booked_on DESC LIMIT 1
    ) d ON true
"""
_NEWEST = f"WITH {BALANCES_NOW} {_newest_first('true', 'c.debits_now - c.credits_now')}"

# `known_at <=` tells PostgreSQL which partitions it need not open; the row comparison does not.
_BEFORE = """known_at <= %(known_at)s
        AND (known_at, entry_id, line_no) < (%(known_at)s, %(entry)s, %(line)s)"""
_OLDER = f"""
    WITH {UNFOLDED}, present AS MATERIALIZED ({{which}}), earlier AS MATERIALIZED (
        SELECT sum(net) AS net FROM (
            SELECT sum(debits) - sum(credits) AS net FROM ledger_daily
            WHERE book = %(book)s AND account_id = (SELECT id FROM present)
              AND known_day < %(day)s
            UNION ALL
            SELECT sum({_NET}) FROM ledger_posting
            WHERE book = %(book)s AND account_id = (SELECT id FROM present)
              AND known_at >= %(midnight)s AND {_BEFORE}
            UNION ALL
            SELECT sum({_NET}) FROM fresh
            WHERE account_id = (SELECT id FROM present) AND known_at < %(midnight)s
        ) parts
    )
    {_newest_first(_BEFORE, "SELECT net FROM earlier")}
"""

# Balances are told backwards from that of now. A day is needed if the days before it, from the
# page's first on, do not fill the page; of the first day some rows are on the page before.
_BOOKED = f"""
    WITH {BALANCES_NOW}, {UNFOLDED}, folded AS MATERIALIZED (
        SELECT booked_on, known_day, sum(debits) - sum(credits) AS net, sum(postings) AS postings
        FROM ledger_daily
        WHERE book = %(book)s AND account_id = (SELECT id FROM present)
          AND booked_on >= %(start)s
        GROUP BY booked_on, known_day
    ), recent AS MATERIALIZED (
        SELECT * FROM fresh WHERE account_id = (SELECT id FROM present) AND booked_on >= %(start)s
    ), later AS MATERIALIZED (
        SELECT coalesce(sum(net), 0) AS from_start,
               coalesce(sum(net) FILTER (WHERE booked_on >= %(first)s), 0) AS from_first,
               coalesce(sum(net) FILTER (WHERE booked_on > %(end)s), 0) AS after_end
        FROM (SELECT booked_on, net FROM folded
              UNION ALL SELECT booked_on, {_NET} FROM recent) moved (booked_on, net)
    ), needed AS (
        SELECT {SPAN_OF_DAY}, array_agg(booked_on) AS days FROM (
            SELECT known_day, booked_on, sum(CASE booked_on WHEN %(booked_on)s::date THEN 0
                ELSE postings END) OVER (ORDER BY booked_on
                RANGE BETWEEN UNBOUNDED PRECEDING AND interval '1 day' PRECEDING) AS before
            FROM folded WHERE booked_on BETWEEN %(first)s AND %(end)s
        ) each
        WHERE coalesce(coalesce(before, 0) < %(limit)s, true) GROUP BY known_day
    ), moved AS (
        SELECT p.* FROM needed n
        JOIN LATERAL (
            SELECT booked_on, known_at, entry_id, line_no, side, amount, subject
            FROM ledger_posting
            WHERE book = %(book)s AND account_id = (SELECT id FROM present)
              AND known_at >= n.since AND known_at < n.before
              AND booked_on = ANY(n.days)
            OFFSET 0
        ) p ON NOT EXISTS (SELECT FROM unfolded u WHERE u.id = p.entry_id)
        UNION ALL
        SELECT booked_on, known_at, entry_id, line_no, side, amount, subject FROM recent
        WHERE booked_on BETWEEN %(first)s AND %(end)s
    ), explained AS (
        SELECT *, sum({_NET}) OVER (ORDER BY booked_on, known_at, entry_id, line_no) AS net
        FROM moved
    ), page AS MATERIALIZED (
        SELECT * FROM explained
        WHERE coalesce((booked_on, known_at, entry_id, line_no)
            > (%(booked_on)s, %(known_at)s, %(entry)s, %(line)s), true)
        ORDER BY booked_on, known_at, entry_id, line_no LIMIT %(limit)s
    )
    SELECT {OPEN_BOOK}, c.normal_side,
           (c.debits_now - c.credits_now - l.from_start)::bigint,
           (c.debits_now - c.credits_now - l.after_end)::bigint,
           (c.debits_now - c.credits_now - l.from_first + p.net)::bigint, {_COLUMNS}
    FROM {ALWAYS}
    LEFT JOIN present c ON true
    LEFT JOIN later l ON true
    LEFT JOIN page p ON true
    {_ENTRY}
    ORDER BY p.booked_on, p.known_at, p.entry_id, p.line_no
"""
