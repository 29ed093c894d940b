"""A book is closed to everybody who has not opened it."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db import ProgrammingError, connections

from ledger.book import credit, debit, post
from ledger.models import Balance, Closing, Hold, JournalEntry, LedgerAccount, Posting
from ledger.periods import close
from tests.ledger.build import (
    CASH,
    NOW,
    OWED,
    TODAY,
    WALLET,
    Line,
    a_book,
    a_draft,
    accounts_of,
    hold,
    in_book,
    insert_entry,
    refused,
)

pytestmark = pytest.mark.usefixtures("database")

MODELS = [LedgerAccount, JournalEntry, Posting, Balance, Hold, Closing]


def a_used_book() -> uuid.UUID:
    book = a_book()
    with in_book(book):
        post(book=book, draft=a_draft(debit(CASH, 5, "CNY"), credit(WALLET, 5, "CNY")), now=NOW)
        hold(book, 3)
        close(book=book, through=TODAY - timedelta(days=1), by="Ann", reason="", now=NOW)
    return book


@pytest.mark.parametrize("model", MODELS)
def test_the_application_sees_the_open_book_only(model: type[LedgerAccount]) -> None:
    book, other = a_used_book(), a_used_book()
    assert list(model.objects.all()) == []
    with in_book(other):
        assert set(model.objects.values_list("book", flat=True)) == {other}
        assert not model.objects.filter(book=book).exists()
    assert list(model.objects.all()) == []


@pytest.mark.parametrize("model", MODELS)
def test_the_operator_sees_every_book(model: type[LedgerAccount]) -> None:
    books = {a_used_book(), a_used_book()}
    seen = set(model.objects.using("ops").values_list("book", flat=True))
    assert books <= seen


@pytest.mark.parametrize("setting", ["", str(uuid.uuid4())])
def test_nothing_is_written_into_a_book_that_is_not_open(setting: str) -> None:
    book = a_used_book()
    with in_book(book) as cursor:
        ids = accounts_of(cursor, book)
    with refused("row-level security", ProgrammingError), in_book(book) as cursor:
        cursor.execute("SELECT set_config('tributary.tenant', %s, true)", [setting])
        insert_entry(cursor, book, [Line(ids[CASH], "D"), Line(ids[OWED], "C")])
    with refused("row-level security", ProgrammingError), in_book(book) as cursor:
        cursor.execute("SELECT set_config('tributary.tenant', %s, true)", [setting])
        cursor.execute(
            "INSERT INTO ledger_ledgeraccount (id, book, code, currency, normal_side, opened_at)"
            " VALUES (gen_random_uuid(), %s, 'x', 'CNY', 'D', now())",
            [book],
        )


def test_the_open_book_ends_with_the_transaction() -> None:
    with in_book(a_used_book()):
        assert LedgerAccount.objects.exists()
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT current_setting('tributary.tenant', true)")
        assert cursor.fetchone() == ("",)
    assert not LedgerAccount.objects.exists()


@pytest.mark.parametrize("using", ["default", "ops"])
@pytest.mark.parametrize("verb", ["SELECT * FROM", "DELETE FROM", "TRUNCATE"])
def test_partitions_are_no_way_around(using: str, verb: str) -> None:
    with refused("permission denied", ProgrammingError), in_book(a_used_book(), using) as cursor:
        cursor.execute(f"{verb} ledger_posting_2026_03")
