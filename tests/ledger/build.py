"""What the ledger's tests need: books, drafts, and rows written past the ledger's own code."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, IntegrityError, connections, transaction
from django.db.backends.utils import CursorWrapper

from ledger import partitions
from ledger.book import AccountSpec, Draft, Movement, Side, credit, debit, open_accounts, post
from ledger.checks import Finding, prove
from ledger.holds import place

NOW = datetime(2026, 3, 15, 12, 30, 0, 123456, tzinfo=UTC)
TODAY = date(2026, 3, 15)

CASH, OWED, INCOME, WALLET = "cash:CNY", "owed:CNY", "income:CNY", "wallet:CNY"
DOLLARS = "cash:USD"
SPECS = (
    AccountSpec(code=CASH, currency="CNY", normal_side=Side.DEBIT),
    AccountSpec(code=OWED, currency="CNY", normal_side=Side.CREDIT),
    AccountSpec(code=INCOME, currency="CNY", normal_side=Side.CREDIT),
    AccountSpec(code=WALLET, currency="CNY", normal_side=Side.CREDIT, floor=0),
    AccountSpec(code=DOLLARS, currency="USD", normal_side=Side.DEBIT),
)


@contextmanager
def in_book(book: UUID, using: str = "default") -> Iterator[CursorWrapper]:
    """One transaction that acts for the book."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute("SELECT set_config('tributary.tenant', %s, true)", [str(book)])
        yield cursor


def fold(book: UUID, most: int | None = None) -> int:
    """Fold what has arrived in the book, or so many arrivals of it; returns how many there were."""
    sql = """
        DELETE FROM ledger_arrival WHERE book = %s AND ctid = ANY(ARRAY(
            SELECT ctid FROM ledger_arrival WHERE book = %s ORDER BY md5(ids::text) LIMIT %s))
    """
    with connections["owner"].cursor() as cursor:
        cursor.execute(sql, [book, book, most])
        return int(cursor.rowcount)


class RolledBackError(Exception):
    """Ends a transaction of which nothing is to stay."""


@contextmanager
def trying(book: UUID, using: str = "default") -> Iterator[CursorWrapper]:
    """One transaction that acts for the book and is rolled back: rows by hand have no true hash."""
    with pytest.raises(RolledBackError), in_book(book, using) as cursor:
        yield cursor
        raise RolledBackError


def a_book(*more: AccountSpec) -> UUID:
    """A book of its own with the accounts above, and a partition for NOW."""
    book = uuid.uuid4()
    with in_book(book):
        partitions.ensure(NOW, months=3)
        open_accounts(book=book, specs=(*SPECS, *more), now=NOW)
    return book


def a_draft(*movements: Movement, **fields: Any) -> Draft:
    """A draft under a reference of its own; 100 from `owed` to `cash` unless told otherwise."""
    usual = (debit(CASH, 100, "CNY"), credit(OWED, 100, "CNY"))
    content: dict[str, Any] = {
        "reference": f"fact:{uuid.uuid4()}",
        "kind": "test",
        "movements": movements or usual,
        "event_at": NOW,
        "booked_on": TODAY,
    }
    return Draft(**content | fields)


def a_funded_book(amount: int, *more: AccountSpec) -> UUID:
    """A book whose guarded wallet has so much."""
    book = a_book(*more)
    with in_book(book):
        filled = a_draft(debit(CASH, amount, "CNY"), credit(WALLET, amount, "CNY"))
        post(book=book, draft=filled, now=NOW)
    return book


def spending(amount: int, account: str = WALLET, **fields: Any) -> Draft:
    """A draft that takes so much from the wallet, or from another account, to cash."""
    return a_draft(debit(account, amount, "CNY"), credit(CASH, amount, "CNY"), **fields)


def hold(book: UUID, amount: int, account: str = WALLET, **fields: Any) -> UUID:
    """Hold so much of the wallet, under a reference of its own unless told otherwise."""
    usual = {"reference": f"hold:{uuid.uuid4()}", "currency": "CNY", "subject": None, "now": NOW}
    return place(book=book, account=account, amount=amount, **usual | fields)


def broken(using: str, book: UUID | None) -> dict[str, Finding]:
    """The findings that are no good, by invariant."""
    return {f.invariant: f for f in prove(using, book) if f.violations}


@contextmanager
def refused(match: str, error: type[DatabaseError] = IntegrityError) -> Iterator[None]:
    """The database must refuse the block with this sentence."""
    with pytest.raises(error, match=match):
        yield


@contextmanager
def tampering(
    book: UUID, using: str, match: str
) -> Iterator[tuple[CursorWrapper, dict[str, UUID]]]:
    """The block's SQL must be refused with this sentence, and leave the books whole."""
    with refused(match), in_book(book, using) as cursor:
        yield cursor, accounts_of(cursor, book)
    assert broken("ops", book) == {}


# --- Rows written by hand -----------------------------------------------------------------


@dataclass
class Line:
    """A posting as an attacker would write it; None is what a good one would have."""

    account: UUID
    side: str
    amount: int = 100
    currency: str = "CNY"
    line_no: int | None = None
    book: UUID | None = None
    known_at: datetime | None = None
    booked_on: date | None = None
    subject: UUID | None = None


_ENTRY = """
INSERT INTO ledger_journalentry (id, book, reference, kind, content_hash, posting_count,
    event_at, known_at, booked_on, memo, reverses, hold_id)
VALUES (%s, %s, %s, 'test', sha256('?'), %s, %s, %s, %s, '', %s, %s)
"""
_POSTINGS = """
INSERT INTO ledger_posting (book, entry_id, line_no, account_id, currency, side, amount,
    subject, known_at, booked_on) VALUES
"""


def accounts_of(cursor: CursorWrapper, book: UUID) -> dict[str, UUID]:
    """The ids of a book's accounts by code."""
    cursor.execute("SELECT code, id FROM ledger_ledgeraccount WHERE book = %s", [book])
    return dict(cursor.fetchall())


def insert_entry(
    cursor: CursorWrapper,
    book: UUID,
    lines: Sequence[Line],
    *,
    posting_count: int | None = None,
    reverses: UUID | None = None,
    reference: str | None = None,
    entry: UUID | None = None,
    hold: UUID | None = None,
) -> UUID:
    """An entry and its postings in one statement, as the database demands."""
    entry = entry or uuid.uuid4()
    count = len(lines) if posting_count is None else posting_count
    sql, parameters = _entry(book, entry, count, reverses, reference, hold)
    more, values = _postings(book, entry, lines)
    cursor.execute(f"WITH entry AS ({sql}) {more}", [*parameters, *values])
    return entry


def insert_entries(
    cursor: CursorWrapper, book: UUID, entries: Sequence[Sequence[Line]], *, stated: int
) -> None:
    """Several entries in one statement, each of which states so many postings."""
    heads, parameters, values = [], [], []
    rows: list[str] = []
    for number, lines in enumerate(entries):
        entry = uuid.uuid4()
        sql, more = _entry(book, entry, stated, None, None)
        heads.append(f"entry_{number} AS ({sql})")
        parameters += more
        sql, more = _postings(book, entry, lines)
        rows.append(sql.removeprefix(_POSTINGS))
        values += more
    postings = _POSTINGS + ", ".join(rows)
    cursor.execute(f"WITH {', '.join(heads)} {postings}", [*parameters, *values])


def insert_entry_alone(cursor: CursorWrapper, book: UUID, *, posting_count: int = 2) -> UUID:
    """An entry without postings."""
    entry = uuid.uuid4()
    cursor.execute(*_entry(book, entry, posting_count, None, None))
    return entry


def insert_postings(cursor: CursorWrapper, book: UUID, entry: UUID, lines: Sequence[Line]) -> None:
    """Postings without an entry of their own."""
    cursor.execute(*_postings(book, entry, lines))


def _entry(
    book: UUID,
    entry: UUID,
    count: int,
    reverses: UUID | None,
    reference: str | None,
    hold: UUID | None = None,
) -> tuple[str, list[Any]]:
    reference = reference or f"raw:{entry}"
    return _ENTRY, [entry, book, reference, count, NOW, NOW, TODAY, reverses, hold]


def _postings(book: UUID, entry: UUID, lines: Sequence[Line]) -> tuple[str, list[Any]]:
    values: list[Any] = []
    for number, x in enumerate(lines, start=1):
        line_no = number if x.line_no is None else x.line_no
        values += [x.book or book, entry, line_no, x.account, x.currency, x.side, x.amount]
        values += [x.subject, x.known_at or NOW, x.booked_on or TODAY]
    row = f"({', '.join(['%s'] * 10)})"
    return _POSTINGS + ", ".join([row] * len(lines)), values
