"""What arrives is sealed once, in whatever order it was committed, and folded in the same step."""

from __future__ import annotations

import uuid

import pytest
from django.db import ProgrammingError

from ledger.book import post
from ledger.errors import BookNotOpenError
from ledger.seals import seal, waiting
from tests.ledger.build import NOW, SPECS, a_book, a_draft, broken, in_book, refused

pytestmark = pytest.mark.usefixtures("database")


def test_what_arrived_is_sealed_and_then_nothing_waits() -> None:
    book = a_book()
    with in_book(book):
        post(book=book, draft=a_draft(), now=NOW)
    assert book in waiting("ops")
    assert seal(book=book, now=NOW) == len(SPECS) + 1
    assert seal(book=book, now=NOW) == 0
    assert book not in waiting("ops")
    assert broken("ops", book) == {}


def test_a_transaction_seals_only_the_book_it_acts_for() -> None:
    with in_book(a_book()), pytest.raises(BookNotOpenError):
        seal(book=uuid.uuid4(), now=NOW)


@pytest.mark.parametrize("table", ["ledger_seal", "ledger_arrival"])
def test_the_application_writes_no_seal_and_takes_no_arrival(table: str) -> None:
    book = a_book()
    for sql in (f"INSERT INTO {table} DEFAULT VALUES", f"DELETE FROM {table}"):
        with refused("permission denied", ProgrammingError), in_book(book) as cursor:
            cursor.execute(sql)
