"""One entry in a transaction of its own: the statement most entries are written with.

The same rows as by `ledger/writing.py`, through the same guards, in half the time: no function in
between, no arrays, and accounts by the ids this process has seen. Accounts neither change nor
vanish, so what was seen once stays right; an id that is not (another database) is refused by the
guards like any other. Whatever is refused is written once more the long way, which says why.
"""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import psycopg
from django.db import IntegrityError, connection, transaction
from django.db.backends.utils import CursorWrapper

from ledger.drafts import Movement
from ledger.models import Side
from ledger.reading import ALWAYS, OPEN_BOOK, open_book, rows_of_open_book
from ledger.writing import Broken, Earlier, Entry, write

MOST_MOVEMENTS = 8
"""Beyond, the statement of arrays is as fast; each number of movements is a statement to keep."""
MOST_ACCOUNTS = 100_000
_seen: dict[tuple[UUID, str], UUID] = {}


def write_one(book: UUID, entry: Entry, now: datetime) -> Broken | Earlier:
    """Write one entry that has no links; errors as by `writing.write`."""
    movements = entry.draft.movements
    accounts = _accounts(book, movements)
    if accounts is None or len(movements) > MOST_MOVEMENTS:
        return write(book, [entry], now)
    parameters = _parameters(book, entry, now)
    for movement, account in zip(movements, accounts, strict=True):
        side = "D" if movement.side is Side.DEBIT else "C"
        parameters += (account, movement.currency, side, movement.amount, movement.subject)
    connection.ensure_connection()
    try:
        # Not Django's own cursor, which writes parameters into the SQL text.
        with CursorWrapper(psycopg.Cursor(connection.connection), connection) as cursor:
            cursor.execute(_statement(len(movements)), parameters)
    except IntegrityError:
        return write(book, [entry], now)
    return {}


def _parameters(book: UUID, entry: Entry, now: datetime) -> list[Any]:
    id, draft, content = entry
    return [
        str(book),
        id,
        draft.reference,
        draft.kind,
        content,
        len(draft.movements),
        draft.event_at,
        draft.booked_on,
        draft.memo,
        json.dumps(dict(draft.metadata)) if draft.metadata else None,
        now,
    ]


@cache
def _statement(movements: int) -> str:
    types = "(%s::smallint, %s::uuid, %s::text, %s::text, %s::bigint, %s::uuid)"
    rows = ", ".join(types.replace("%s", str(n + 1), 1) for n in range(movements))
    return f"""
        WITH opened AS MATERIALIZED (
            SELECT set_config('tributary.tenant', %s, true)::uuid AS book
        ), entry AS (
            INSERT INTO ledger_journalentry (id, reference, kind, content_hash, posting_count,
                event_at, booked_on, memo, metadata, known_at, book)
            SELECT %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, book FROM opened
            RETURNING id, book, known_at, booked_on
        )
        INSERT INTO ledger_posting (entry_id, book, known_at, booked_on, line_no, account_id,
            currency, side, amount, subject)
        SELECT e.id, e.book, e.known_at, e.booked_on, m.* FROM entry e, (VALUES {rows}) AS m
    """


def _accounts(book: UUID, movements: tuple[Movement, ...]) -> list[UUID] | None:
    """The ids of the movements' accounts; None where one is not open."""
    try:
        return [_seen[book, movement.account] for movement in movements]
    except KeyError:
        _look(book, [movement.account for movement in movements])
    found = [_seen.get((book, movement.account)) for movement in movements]
    return None if None in found else [id for id in found if id is not None]


def _look(book: UUID, codes: list[str]) -> None:
    if len(_seen) > MOST_ACCOUNTS:
        _seen.clear()
    sql = f"""
        SELECT {OPEN_BOOK}, a.code, a.id
        FROM {ALWAYS} LEFT JOIN ledger_ledgeraccount a ON a.book = %s AND a.code = ANY(%s)
    """
    # A transaction of its own: what it sees is committed and stays.
    with transaction.atomic():
        open_book(book)
        for code, id in rows_of_open_book(book, sql, [book, codes]):
            _seen[book, code] = id
