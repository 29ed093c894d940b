"""One small entry is checked in a short way: nothing may pass for one that is none.

The short way looks at up to eight postings of one entry; what else a statement brings must take the
long way, and be refused there if it is wrong.
"""

from __future__ import annotations

import pytest
from django.db import connections

from ledger.balances import balance
from ledger.book import credit, debit, post
from tests.ledger.build import (
    CASH,
    NOW,
    OWED,
    Line,
    a_book,
    a_draft,
    broken,
    in_book,
    insert_entries,
    insert_entry,
    tampering,
)

pytestmark = pytest.mark.usefixtures("database")

ROLES = ["default", "owner"]
REFUSED = "entry_has_all_its_postings"


@pytest.mark.parametrize("postings", [2, 3, 7, 8, 9, 10])
def test_entries_of_any_length_arrive_whole(postings: int) -> None:
    book, each = a_book(), [credit(OWED, 10 + n, "CNY") for n in range(postings - 1)]
    total = sum(movement.amount for movement in each)
    with in_book(book):
        post(book=book, draft=a_draft(debit(CASH, total, "CNY"), *each), now=NOW)
        assert balance(book=book, code=CASH) == total
        assert balance(book=book, code=OWED) == total
    assert broken("ops", book) == {}


@pytest.mark.parametrize("using", ROLES)
def test_two_halves_are_no_entry(using: str) -> None:
    """Two postings that balance, as many as the first entry states, and half of two entries."""
    with tampering(book := a_book(), using, REFUSED) as (cursor, ids):
        insert_entries(cursor, book, [[Line(ids[CASH], "D")], [Line(ids[OWED], "C")]], stated=2)


@pytest.mark.parametrize("using", ROLES)
def test_two_entries_that_balance_only_together(using: str) -> None:
    with tampering(book := a_book(), using, "entry_is_balanced") as (cursor, ids):
        debits, credits = ([Line(ids[code], side)] * 2 for code, side in ((CASH, "D"), (OWED, "C")))
        insert_entries(cursor, book, [debits, credits], stated=2)


@pytest.mark.parametrize("using", ROLES)
@pytest.mark.parametrize("more", [1, 2])
def test_postings_beyond_those_that_are_looked_at(using: str, more: int) -> None:
    with tampering(book := a_book(), using, REFUSED) as (cursor, ids):
        whole = [Line(ids[CASH], "D"), Line(ids[OWED], "C")] * 4
        beyond = [Line(ids[CASH], "D")] * more
        insert_entry(cursor, book, [*whole, *beyond], posting_count=8)


@pytest.mark.parametrize("using", ROLES)
def test_half_an_entry_beyond_a_whole_one(using: str) -> None:
    with tampering(book := a_book(), using, REFUSED) as (cursor, ids):
        whole = [Line(ids[CASH], "D"), Line(ids[OWED], "C")] * 4
        insert_entries(cursor, book, [whole, [Line(ids[CASH], "D")]], stated=8)


def test_the_first_statement_of_a_connection_may_be_an_entry() -> None:
    """Accounts are remembered by the process; the connection of the last request is closed."""
    book = a_book()
    post(book=book, draft=a_draft(), now=NOW)
    connections["default"].close()
    post(book=book, draft=a_draft(), now=NOW)
    with in_book(book):
        assert balance(book=book, code=CASH) == 200


def test_an_entry_is_one_statement_prepared_once_whatever_its_amounts() -> None:
    book = a_book()
    connections["default"].close()
    for amount in (1, 70_000, 5_000_000_000):
        post(
            book=book,
            draft=a_draft(debit(CASH, amount, "CNY"), credit(OWED, amount, "CNY")),
            now=NOW,
        )
    assert _prepared() == [("ledger_single_2", 3)]
    with in_book(book):
        assert balance(book=book, code=CASH) == 5_000_070_001


def test_behind_a_pooler_nothing_is_prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next transaction may have another connection to the server."""
    book = a_book()
    connections["default"].close()
    connections["default"].ensure_connection()
    monkeypatch.setattr(connections["default"].connection, "prepare_threshold", None)
    draft = a_draft()
    entry = post(book=book, draft=draft, now=NOW)
    assert post(book=book, draft=draft, now=NOW) == entry
    assert _prepared() == []
    with in_book(book):
        assert balance(book=book, code=CASH) == balance(book=book, code=OWED) > 0


def _prepared() -> list[tuple[str, int]]:
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT name, generic_plans + custom_plans FROM pg_prepared_statements"
            " WHERE name LIKE 'ledger%'"
        )
        return cursor.fetchall()
