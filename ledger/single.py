"""One entry in a transaction of its own: the statement most entries are written with.

The same rows as by `ledger/writing.py`, through the same guards, in half the time: no function in
between, no arrays, and accounts by the ids this process has seen. Accounts neither change nor
vanish, so what was seen once stays right; an id that is not (another database) is refused by the
guards like any other. Whatever is refused is written once more the long way, which says why.

The statement is prepared and executed by libpq itself (`psycopg.pq`): a cursor takes as long as the
ledger's own work, and prepares anew for every size of number. A wait for somebody who is writing
the same reference cannot be interrupted by a signal.
"""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import transaction
from psycopg.pq import DiagnosticField, ExecStatus

from ledger.drafts import Movement
from ledger.models import Side
from ledger.reading import ALWAYS, OPEN_BOOK, open_book, rows_of_open_book
from ledger.writing import Broken, Earlier, Entry, driver, write

MOST_MOVEMENTS = 8
"""Beyond, the statement of arrays is as fast; each number of movements is a statement to keep."""
MOST_ACCOUNTS = 100_000
_DEBIT, _DONE = Side.DEBIT, ExecStatus.COMMAND_OK
_NOT_PREPARED = b"26000"
_seen: dict[tuple[UUID, str], bytes] = {}


def write_one(book: UUID, entry: Entry, now: datetime) -> Broken | Earlier:
    """Write one entry that has no links; errors as by `writing.write`."""
    movements = entry.draft.movements
    accounts = _accounts(book, movements)
    if accounts is None or len(movements) > MOST_MOVEMENTS:
        return write(book, [entry], now)
    if _execute(len(movements), _values(book, entry, now, accounts)):
        return {}
    return write(book, [entry], now)


def _execute(movements: int, values: list[Any]) -> bool:
    """Whether the statement was executed; it is prepared when its connection does not know it."""
    its = driver()
    server = its.pgconn
    if its.prepare_threshold is None:
        # Behind a pooler: the next transaction may have another connection.
        return server.exec_params(_statement(movements), values).status == _DONE
    name = b"ledger_single_%d" % movements
    result = server.exec_prepared(name, values)
    if result.status != _DONE and result.error_field(DiagnosticField.SQLSTATE) == _NOT_PREPARED:
        server.prepare(name, _statement(movements))
        result = server.exec_prepared(name, values)
    return result.status == _DONE


def _values(book: UUID, entry: Entry, now: datetime, accounts: list[bytes]) -> list[Any]:
    id, draft, content = entry
    values = [
        str(book).encode(),
        id.hex.encode(),
        draft.reference.encode(),
        draft.kind.encode(),
        b"\\x%s" % content.hex().encode(),
        b"%d" % len(draft.movements),
        draft.event_at.isoformat().encode(),
        draft.booked_on.isoformat().encode(),
        draft.memo.encode(),
        json.dumps(dict(draft.metadata)).encode() if draft.metadata else None,
        now.isoformat().encode(),
    ]
    for movement, account in zip(draft.movements, accounts, strict=True):
        values += (
            account,
            movement.currency.encode(),
            b"D" if movement.side is _DEBIT else b"C",
            b"%d" % movement.amount,
            movement.subject.hex.encode() if movement.subject else None,
        )
    return values


@cache
def _statement(movements: int) -> bytes:
    # Types of its own: those of the columns are domains, which take longer to read.
    rows = ", ".join(
        f"({line}::smallint, ${at}::uuid, ${at + 1}::text, ${at + 2}::text, ${at + 3}::bigint,"
        f" ${at + 4}::uuid)"
        for line, at in enumerate(range(12, 12 + 5 * movements, 5), start=1)
    )
    return f"""
        WITH opened AS MATERIALIZED (
            SELECT set_config('tributary.tenant', $1, true)::uuid AS book
        ), entry AS (
            INSERT INTO ledger_journalentry (id, reference, kind, content_hash, posting_count,
                event_at, booked_on, memo, metadata, known_at, book)
            SELECT $2::uuid, $3::text, $4::text, $5::bytea, $6::smallint, $7::timestamptz,
                $8::date, $9::text, $10::jsonb, $11::timestamptz, book
            FROM opened
            RETURNING id, book, known_at, booked_on
        )
        INSERT INTO ledger_posting (entry_id, book, known_at, booked_on, line_no, account_id,
            currency, side, amount, subject)
        SELECT e.id, e.book, e.known_at, e.booked_on, m.* FROM entry e, (VALUES {rows}) AS m
    """.encode()


def _accounts(book: UUID, movements: tuple[Movement, ...]) -> list[bytes] | None:
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
            _seen[book, code] = id.hex.encode()
