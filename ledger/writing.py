"""How `ledger/book.py` hands entries to PostgreSQL: one call of `ledger_post`, columns as arrays.

The arrays are written as PostgreSQL reads them, because for thousands of values what is joined by
Python's own means costs a fraction of what a driver takes that looks at each: in binary what has a
fixed size, as text (`{a,b}`) what has not.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg.adapt import Dumper
from psycopg.pq import Format

from ledger.drafts import Draft
from ledger.models import Side


class Entry(NamedTuple):
    """A draft that was checked, with the id it is to have and the hash of its content."""

    id: UUID
    draft: Draft
    hash: bytes


class Broken(NamedTuple):
    """What was refused: the sentence (or PostgreSQL's code, if it has none) and its own words."""

    sentence: str
    message: str | None


Earlier = dict[str, tuple[UUID, bytes]]
"""Entries posted before: id and content hash, by reference."""

_WITHIN, _ALONE = "%s", "set_config('tributary.tenant', %s, true)::uuid"
"""The book; alone, the statement is a transaction of its own, for which it opens it."""
_REST = ", ".join(["%s"] * 19)
_LINKS = ", ".join(["%s"] * 7)


def write(
    book: UUID,
    batch: Sequence[Entry],
    now: datetime,
    *,
    reverses: UUID | None = None,
    hold: UUID | None = None,
) -> Broken | Earlier:
    """Write all entries, or none: then returns what is broken, or which references are taken.

    Waits for whoever is writing the same reference. Leaves the transaction usable in every case;
    outside of one the call is a transaction of its own, which saves four round trips.
    """
    first = _WITHIN if connection.in_atomic_block else _ALONE
    # Not Django's own cursor, which writes parameters into the SQL text.
    with CursorWrapper(psycopg.Cursor(driver()), connection) as cursor:
        _call(cursor, first, book, batch, now, reverses, hold)
        [(answer,)] = cursor.fetchall()
    return {} if answer is None else _outcome(json.loads(answer))


def write_pieces(book: UUID, pieces: Iterable[Sequence[Entry]], now: datetime) -> bool:
    """Write piece after piece, each while the next one is made ready; False if one is refused.

    Works in the caller's transaction. What was written of the pieces before one that is refused,
    or that cannot be made, is the caller's to take back.
    """
    its = driver()
    with connection.wrap_database_errors, its.pipeline():
        sent = []
        for piece in pieces:
            cursor = psycopg.Cursor(its)
            _call(cursor, _WITHIN, book, piece, now)
            sent.append(cursor)
        return all(cursor.fetchall() == [(None,)] for cursor in sent)


def _call(
    cursor: CursorWrapper | psycopg.Cursor[Any],
    first: str,
    book: UUID,
    batch: Sequence[Entry],
    now: datetime,
    reverses: UUID | None = None,
    hold: UUID | None = None,
) -> None:
    codes, currencies, postings = _postings(batch)
    parameters = [now, reverses, hold, codes, currencies, *_entries(batch), *postings]
    more = ""
    if any(entry.draft.links for entry in batch):
        parameters += _links(batch)
        more = f", {_LINKS}"
    cursor.adapters.register_dumper(_Binary, _AsItIs)
    cursor.execute(f"SELECT ledger_post({first}, {_REST}{more})", [str(book), *parameters])


def driver() -> psycopg.Connection[Any]:
    """The connection as its driver has it, open, and healthy if Django is to see to that."""
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    its: psycopg.Connection[Any] = connection.connection
    return its


def _outcome(answer: dict[str, Any]) -> Broken | Earlier:
    if "broken" in answer:
        return Broken(answer["broken"], answer.get("said"))
    return {
        reference: (UUID(id), bytes.fromhex(content))
        for reference, (id, content) in answer["earlier"].items()
    }


def _entries(batch: Sequence[Entry]) -> list[str | _Binary]:
    drafts = [entry.draft for entry in batch]
    return [
        _binary(_UUID, [_uuid(entry.id) for entry in batch]),
        _texts([draft.reference for draft in drafts]),
        _texts([draft.kind for draft in drafts]),
        _array([entry.hash.hex() for entry in batch]),
        _binary(_INT2, [_int2(2, len(draft.movements)) for draft in drafts]),
        _binary(_TIMESTAMPTZ, [_instant(draft.event_at) for draft in drafts]),
        _binary(_DATE, [_day(draft.booked_on) for draft in drafts]),
        _texts([draft.memo for draft in drafts]),
        _array([_json(draft.metadata) for draft in drafts]),
    ]


def _json(metadata: Mapping[str, str]) -> str:
    if not metadata:
        return "NULL"
    return _text(json.dumps(dict(metadata), ensure_ascii=False))


def _links(batch: Sequence[Entry]) -> list[Any]:
    """How many links each entry has, and all of them."""
    rows = [
        (entry, number, link.relation, link.reference, link.account, link.amount)
        for entry, (_, draft, _) in enumerate(batch, start=1)
        for number, link in enumerate(draft.links, start=1)
    ]
    counts = _array([str(len(entry.draft.links)) for entry in batch])
    return [counts, *map(list, zip(*rows, strict=True))]


def _postings(batch: Sequence[Entry]) -> tuple[str, str, list[_Binary]]:
    """The accounts' codes, the currencies they must have, and columns that point into them."""
    accounts: dict[tuple[str, str], bytes] = {}
    columns: tuple[list[bytes], ...] = [], [], [], [], []
    entries, lines, places, amounts, subjects = columns
    debit = Side.DEBIT
    for number, (_, draft, _) in enumerate(batch, start=1):
        its_number = _int4(4, number)
        for line, movement in enumerate(draft.movements, start=1):
            account = movement.account, movement.currency
            place = accounts.get(account)
            if place is None:
                place = accounts[account] = _int4(4, len(accounts) + 1)
            subject = movement.subject
            entries.append(its_number)
            lines.append(_int2(2, line))
            places.append(place)
            amounts.append(
                _int8(8, movement.amount if movement.side is debit else -movement.amount)
            )
            subjects.append(_NULL if subject is None else _uuid(subject))
    return (
        _texts([code for code, _ in accounts]),
        _texts([currency for _, currency in accounts]),
        [
            _binary(type, column)
            for type, column in zip((_INT4, _INT2, _INT4, _INT8, _UUID), columns, strict=True)
        ],
    )


# --- Arrays in binary ---------------------------------------------------------------------
#
# As `array_recv` of PostgreSQL reads them: number of dimensions, whether a null may occur, type of
# the elements, their number, the first one's index; then each with its length in bytes before it.


class _Binary(bytes):
    """What PostgreSQL is to take as it is."""


class _AsItIs(Dumper):
    format = Format.BINARY

    def dump(self, obj: bytes) -> bytes:
        return obj


_INT8, _INT2, _INT4, _DATE, _TIMESTAMPTZ, _UUID = 20, 21, 23, 1082, 1184, 2950
"""PostgreSQL's numbers of types, which never change."""
_NULL = b"\xff\xff\xff\xff"
_EPOCH, _MICROSECOND = datetime(2000, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_int2, _int4, _int8 = (struct.Struct(f">i{code}").pack for code in "hiq")
_header = struct.Struct(">iiIii").pack


def _binary(type: int, elements: Collection[bytes]) -> _Binary:
    return _Binary(_header(1, 1, type, len(elements), 1) + b"".join(elements))


def _uuid(value: UUID) -> bytes:
    return b"\0\0\0\x10" + value.bytes


# Entries of a batch often share instants and days.
@lru_cache(maxsize=4096)
def _instant(value: datetime) -> bytes:
    return _int8(8, (value - _EPOCH) // _MICROSECOND)


@lru_cache(maxsize=4096)
def _day(value: date) -> bytes:
    return _int4(4, (value - _EPOCH.date()).days)


# --- Arrays as text -----------------------------------------------------------------------


def _array(values: Iterable[str]) -> str:
    return f"{{{','.join(values)}}}"


def _texts(values: Sequence[str]) -> str:
    plain = '","'.join(values)
    if values and plain.count('"') == 2 * len(values) - 2 and "\\" not in plain:
        return f'{{"{plain}"}}'
    return _array(map(_text, values))


def _text(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
