"""Entries by SQL that post a hold: they take something, and no more than is left of it."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.db.backends.utils import CursorWrapper

from ledger.balances import Funds, funds
from ledger.book import credit, debit, post
from ledger.models import Hold
from tests.ledger.build import (
    CASH,
    NOW,
    OWED,
    WALLET,
    Line,
    a_draft,
    a_funded_book,
    accounts_of,
    broken,
    hold,
    in_book,
    insert_entry,
    tampering,
    trying,
)
from tests.ledger.test_hold_guards import ROLES, a_held_book, settled_books

pytestmark = pytest.mark.usefixtures("database")

TAKES = [
    ("D", 60, "posted"),
    ("D", 20, "held"),
    ("D", 61, "no_more_is_taken_than_was_held"),
    ("D", 100, "no_more_is_taken_than_was_held"),
    ("C", 60, "entry_takes_from_the_hold_it_posts"),
]


@pytest.mark.parametrize("using", ROLES)
@pytest.mark.parametrize(("side", "amount", "outcome"), TAKES)
def test_an_entry_by_hand_takes_what_is_left_and_no_more(
    using: str, side: str, amount: int, outcome: str
) -> None:
    book = a_held_book()
    with in_book(book):
        hold(book, 40)
        id = Hold.objects.get(reference="r").id
    other = "C" if side == "D" else "D"

    def insert(cursor: CursorWrapper, ids: dict[str, UUID]) -> None:
        lines = [Line(ids[WALLET], side, amount), Line(ids[CASH], other, amount)]
        insert_entry(cursor, book, lines, hold=id)

    if outcome in ("posted", "held"):
        with trying(book, using) as cursor:
            insert(cursor, accounts_of(cursor, book))
            cursor.execute("SELECT state, taken FROM ledger_hold WHERE id = %s", [id])
            assert cursor.fetchall() == [(outcome, amount)]
            left = Funds(balance=100 - amount, held=100 - amount)
            assert funds(book=book, code=WALLET, using=using) == left
    else:
        with tampering(book, using, outcome) as (cursor, ids):
            insert(cursor, ids)


@pytest.mark.parametrize("using", ROLES)
def test_an_entry_that_posts_another_books_hold(using: str) -> None:
    other, book = a_held_book(), a_funded_book(100)
    with in_book(other):
        theirs = Hold.objects.get(reference="r").id
    with tampering(book, using, "entry_posts_a_hold_of_its_book") as (cursor, ids):
        lines = [Line(ids[WALLET], "D", 60), Line(ids[CASH], "C", 60)]
        insert_entry(cursor, book, lines, hold=theirs)
    assert broken("ops", other) == {}


@pytest.mark.parametrize("using", ROLES)
def test_an_entry_that_posts_a_hold_without_touching_its_account(using: str) -> None:
    book = a_held_book()
    with in_book(book):
        id = Hold.objects.get(reference="r").id
    with tampering(book, using, "entry_takes_from_the_hold_it_posts") as (cursor, ids):
        insert_entry(cursor, book, [Line(ids[OWED], "D"), Line(ids[CASH], "C")], hold=id)


@pytest.mark.parametrize("using", ROLES)
def test_an_entry_that_posts_a_hold_that_is_settled(using: str) -> None:
    for book in settled_books():
        with in_book(book):
            post(book=book, draft=a_draft(debit(CASH, 99, "CNY"), credit(WALLET, 99, "CNY")),
                 now=NOW)  # fmt: skip
            hold(book, 60)
            id = Hold.objects.get(reference="r").id
        with tampering(book, using, "posted_hold_is_live") as (cursor, ids):
            lines = [Line(ids[WALLET], "D", 1), Line(ids[CASH], "C", 1)]
            insert_entry(cursor, book, lines, hold=id)
