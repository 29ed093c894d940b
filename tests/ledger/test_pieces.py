"""A large batch is written in pieces, and is still one: all of it or nothing, each entry once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

import pytest
from django.db import connections

from ledger.balances import balance
from ledger.book import PIECE, Draft, credit, debit, post, post_many
from ledger.errors import (
    BookNotOpenError,
    CurrencyMismatchError,
    DuplicateReferenceError,
    InvalidDraftError,
    LedgerError,
    UnknownAccountError,
)
from tests.ledger.build import CASH, NOW, OWED, WALLET, a_book, a_draft, broken, in_book

pytestmark = pytest.mark.usefixtures("database")

MANY = PIECE * 2 + 1
Spoil = Callable[[Draft], Draft]


def many() -> list[Draft]:
    return [a_draft() for _ in range(MANY)]


def arrivals(book: UUID) -> list[int]:
    """How many entries each statement brought, the largest first."""
    with in_book(book) as cursor:
        cursor.execute("SELECT cardinality(ids) FROM ledger_arrival WHERE kind = 'entry'")
        return sorted((count for (count,) in cursor.fetchall()), reverse=True)


def entries(book: UUID) -> dict[str, UUID]:
    with in_book(book) as cursor:
        cursor.execute("SELECT reference, id FROM ledger_journalentry WHERE book = %s", [book])
        return dict(cursor.fetchall())


@pytest.mark.parametrize("alone", [False, True])
def test_new_drafts_come_in_pieces_and_their_ids_in_order(alone: bool) -> None:
    book, drafts = a_book(), many()
    if alone:
        ids = post_many(book=book, drafts=drafts, now=NOW)
    else:
        with in_book(book):
            ids = post_many(book=book, drafts=drafts, now=NOW)
    found = entries(book)
    assert ids == [found[draft.reference] for draft in drafts]
    assert arrivals(book) == [PIECE, PIECE, 1]
    with in_book(book):
        assert balance(book=book, code=CASH) == balance(book=book, code=OWED) == 100 * MANY
    assert broken("ops", book) == {}


def test_what_was_posted_before_is_not_posted_again() -> None:
    book, drafts = a_book(), many()
    old = post(book=book, draft=drafts[700], now=NOW)
    with in_book(book):
        ids = post_many(book=book, drafts=drafts, now=NOW)
    assert ids[700] == old
    assert len(set(ids)) == len(entries(book)) == MANY
    assert broken("ops", book) == {}


def test_a_draft_twice_in_the_batch_is_posted_once() -> None:
    book, drafts = a_book(), many()
    ids = post_many(book=book, drafts=[*drafts, drafts[0]], now=NOW)
    assert ids[-1] == ids[0]
    assert len(entries(book)) == MANY


def test_guarded_balances_are_locked_after_all_references() -> None:
    book, drafts = a_book(), many()
    movements = (debit(CASH, 1, "CNY"), credit(WALLET, 1, "CNY"))
    post_many(book=book, drafts=[*drafts, a_draft(*movements)], now=NOW)
    assert arrivals(book) == [MANY + 1]
    assert broken("ops", book) == {}


def _in_dollars(draft: Draft) -> Draft:
    movements = (debit(CASH, 1, "USD"), credit(OWED, 1, "USD"))
    return dataclasses.replace(draft, movements=movements)


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda draft: dataclasses.replace(draft, kind=""), InvalidDraftError),
        (
            lambda draft: dataclasses.replace(
                draft, movements=(debit("nowhere", 1, "CNY"), credit(OWED, 1, "CNY"))
            ),
            UnknownAccountError,
        ),
        (_in_dollars, CurrencyMismatchError),
    ],
)
def test_one_bad_draft_leaves_nothing_and_the_transaction_usable(
    spoil: Spoil, error: type[LedgerError]
) -> None:
    book, drafts = a_book(), many()
    last = max(range(MANY), key=lambda n: drafts[n].reference)
    drafts[last] = spoil(drafts[last])
    with in_book(book):
        with pytest.raises(error):
            post_many(book=book, drafts=drafts, now=NOW)
        kept = post(book=book, draft=a_draft(), now=NOW)
    assert list(entries(book).values()) == [kept]


def test_other_content_under_an_old_reference_leaves_nothing() -> None:
    book, drafts = a_book(), many()
    old = post(book=book, draft=dataclasses.replace(drafts[3], memo="other"), now=NOW)
    with pytest.raises(DuplicateReferenceError):
        post_many(book=book, drafts=drafts, now=NOW)
    assert list(entries(book).values()) == [old]


def test_another_open_book_is_no_help() -> None:
    book = a_book()
    with in_book(a_book()), pytest.raises(BookNotOpenError):
        post_many(book=book, drafts=many(), now=NOW)
    assert entries(book) == {}


def test_the_same_batches_from_several_at_once_are_posted_once() -> None:
    """Each has them in an order of its own; for references all wait in one order."""
    book, batches, together = a_book(), [many() for _ in range(5)], 4
    barrier = Barrier(together)

    def work(turn: int) -> list[list[UUID]]:
        try:
            connections["default"].ensure_connection()
            return [sorted(_posted_by(turn, book, drafts, barrier)) for drafts in batches]
        finally:
            connections["default"].close()

    with ThreadPoolExecutor(together) as pool:
        results = list(pool.map(work, range(together)))
    assert all(ids == results[0] for ids in results)
    assert sorted(entries(book).values()) == sorted(id for ids in results[0] for id in ids)
    assert broken("ops", book) == {}


def _posted_by(turn: int, book: UUID, drafts: list[Draft], barrier: Barrier) -> list[UUID]:
    mine = drafts[turn * 250 :] + drafts[: turn * 250]
    barrier.wait(30)
    with in_book(book):
        return post_many(book=book, drafts=mine, now=NOW)
