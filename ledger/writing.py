"""How `ledger/book.py` hands entries to PostgreSQL: one call of `ledger_post`, columns as arrays.

The arrays are written as PostgreSQL reads them (`{1,2}`), because for thousands of values text
joined by Python's own means costs a fraction of what a driver takes that looks at each.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from django.db import connection
from django.db.backends.utils import CursorWrapper

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
    codes, currencies, postings = _postings(batch)
    parameters = [now, reverses, hold, codes, currencies, *_entries(batch), *postings]
    more = ""
    if any(entry.draft.links for entry in batch):
        parameters += _links(batch)
        more = f", {_LINKS}"
    its = driver()
    first = _WITHIN if connection.in_atomic_block else _ALONE
    # Not Django's own cursor, which writes parameters into the SQL text.
    with CursorWrapper(psycopg.Cursor(its), connection) as cursor:
        cursor.execute(f"SELECT ledger_post({first}, {_REST}{more})", [str(book), *parameters])
        [(answer,)] = cursor.fetchall()
    return {} if answer is None else _outcome(json.loads(answer))


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


def _entries(batch: Sequence[Entry]) -> list[str]:
    drafts = [entry.draft for entry in batch]
    return [
        _array([f"{entry.id.int:032x}" for entry in batch]),
        _texts([draft.reference for draft in drafts]),
        _texts([draft.kind for draft in drafts]),
        _array([entry.hash.hex() for entry in batch]),
        _array([str(len(draft.movements)) for draft in drafts]),
        _array([draft.event_at.isoformat() for draft in drafts]),
        _array([draft.booked_on.isoformat() for draft in drafts]),
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


def _postings(batch: Sequence[Entry]) -> tuple[str, str, list[str]]:
    """The accounts' codes, the currencies they must have, and columns that point into them."""
    accounts: dict[tuple[str, str], str] = {}
    columns: tuple[list[object], ...] = [], [], [], [], []
    entries, lines, places, amounts, subjects = columns
    debit = Side.DEBIT
    for number, (_, draft, _) in enumerate(batch, start=1):
        for line, movement in enumerate(draft.movements, start=1):
            account = movement.account, movement.currency
            place = accounts.get(account)
            if place is None:
                place = accounts[account] = str(len(accounts) + 1)
            subject = movement.subject
            entries.append(number)
            lines.append(line)
            places.append(place)
            amounts.append(movement.amount if movement.side is debit else -movement.amount)
            subjects.append("NULL" if subject is None else subject.hex)
    return (
        _texts([code for code, _ in accounts]),
        _texts([currency for _, currency in accounts]),
        [_array(map(str, column)) for column in columns],
    )


def _array(values: Iterable[str]) -> str:
    return f"{{{','.join(values)}}}"


def _texts(values: Sequence[str]) -> str:
    return _array(map(_text, values))


def _text(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
