"""What an owner does to closed days with the guards off, check_books finds.

Each test tampers as the owner in a transaction that is rolled back.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from ledger.periods import close, reopen
from tests.ledger.build import NOW, TODAY, in_book
from tests.ledger.build import broken as broken_in
from tests.ledger.tampering import CLOSED, CLOSINGS, some_books, tampering

pytestmark = pytest.mark.usefixtures("database")

CLOSED_BOOKS = [
    # Something booked on a closed day, moved out of it, or of another size.
    ("UPDATE ledger_posting SET amount = amount + 1 WHERE entry_id = %(plain)s", {CLOSED}),
    ("UPDATE ledger_posting SET booked_on = booked_on + 40 WHERE entry_id = %(plain)s", {CLOSED}),
    ("UPDATE ledger_posting SET side = CASE side WHEN 'D' THEN 'C' ELSE 'D' END"
     " WHERE entry_id = %(plain)s", {CLOSED}),
    ("UPDATE ledger_ledgeraccount SET code = 'x' WHERE book = %(book)s AND code = 'owed:CNY'",
     {CLOSED}),
    ("WITH e AS (INSERT INTO ledger_journalentry (id, book, reference, kind, content_hash,"
     " posting_count, event_at, known_at, booked_on, memo) SELECT gen_random_uuid(), book,"
     " 'slipped', kind, content_hash, 2, event_at, known_at, booked_on, memo"
     " FROM ledger_journalentry WHERE id = %(plain)s RETURNING *)"
     " INSERT INTO ledger_posting (book, entry_id, account_id, amount, known_at,"
     " booked_on, line_no, currency, side) SELECT e.book, e.id, account_id,"
     " amount, e.known_at, e.booked_on, line_no, currency, side FROM e, ledger_posting"
     " WHERE entry_id = %(plain)s", {CLOSED}),
    # The closings themselves.
    ("UPDATE ledger_closing SET digest = sha256('x') WHERE book = %(book)s AND number = 1",
     {CLOSED}),
    ("UPDATE ledger_closing SET digest = sha256('x') WHERE book = %(book)s AND number = 2", set()),
    ("UPDATE ledger_closing SET digest = sha256('x') WHERE book = %(book)s AND number = 3",
     {CLOSED}),
    ("UPDATE ledger_closing SET through = through - 1 WHERE book = %(book)s AND number = 3",
     {CLOSED}),
    ("DELETE FROM ledger_closing WHERE book = %(book)s AND number = 1", {CLOSINGS}),
    ("DELETE FROM ledger_closing WHERE book = %(book)s AND number = 2", {CLOSINGS}),
    ("UPDATE ledger_closing SET number = 4 WHERE book = %(book)s AND number = 3", {CLOSINGS}),
    ("UPDATE ledger_closing SET action = 'close' WHERE book = %(book)s AND number = 3",
     {CLOSINGS}),
    ("UPDATE ledger_closing SET action = 'reopen', approved_by = 'Bob', reason = 'x'"
     " WHERE book = %(book)s AND number = 2", {CLOSINGS}),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "expected"), CLOSED_BOOKS)
def test_tampering_with_closed_days_is_found(sql: str, expected: set[str]) -> None:
    books = some_books()
    with in_book(books.book):
        close(book=books.book, through=TODAY, by="Ann", reason="", now=NOW)
        tomorrow = TODAY + timedelta(days=1)
        close(book=books.book, through=tomorrow, by="Ann", reason="", now=NOW)
        reopen(book=books.book, through=TODAY, by="Ann", approved_by="Bob", reason="x", now=NOW)
    assert broken_in("ops", books.book) == {}
    with tampering(guards=False) as cursor:
        cursor.execute(sql, vars(books))
        assert broken_in("owner", books.book).keys() & {CLOSINGS, CLOSED} == expected
