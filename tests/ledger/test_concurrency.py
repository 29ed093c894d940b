"""Many at once: one entry per fact, no floor broken, nobody locked out."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar
from uuid import UUID

import pytest
from django.db import OperationalError, connections, transaction

from ledger import partitions
from ledger.balances import balance
from ledger.book import (
    AccountSpec,
    Draft,
    Side,
    credit,
    debit,
    open_accounts,
    post,
    post_many,
    reverse,
)
from ledger.errors import InsufficientFundsError
from tests.ledger.build import (
    CASH,
    NOW,
    SPECS,
    TODAY,
    WALLET,
    a_book,
    a_draft,
    broken,
    in_book,
)

pytestmark = pytest.mark.usefixtures("database")

THREADS = 32
Result = TypeVar("Result")


def all_at_once(work: Callable[[int], Result], threads: int = THREADS) -> list[Result]:
    """Run `work` in so many threads, each with a connection of its own, from one moment on."""
    barrier = Barrier(threads)

    def run(number: int) -> Result:
        try:
            connections["default"].ensure_connection()
            barrier.wait()
            return work(number)
        finally:
            connections["default"].close()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(threads)))


def test_the_same_fact_from_everywhere_is_one_entry() -> None:
    book, draft = a_book(), a_draft()

    def work(_: int) -> object:
        with in_book(book):
            return post(book=book, draft=draft, now=NOW)

    assert len(set(all_at_once(work))) == 1
    with in_book(book):
        assert balance(book=book, code=CASH) == 100
    assert broken("ops", book) == {}


def test_overlapping_batches_in_any_order_post_each_fact_once() -> None:
    book, drafts = a_book(), [a_draft() for _ in range(40)]

    def work(number: int) -> int:
        mine = random.Random(number).sample(drafts, 30)
        with in_book(book):
            return len(post_many(book=book, drafts=mine, now=NOW))

    assert all_at_once(work) == [30] * THREADS
    with in_book(book):
        assert balance(book=book, code=CASH) == 4000
    assert broken("ops", book) == {}


def test_a_fact_the_snapshot_cannot_show_is_no_duplicate_but_a_reason_to_repeat() -> None:
    book, draft = a_book(), a_draft()
    with transaction.atomic():
        with connections["default"].cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        with in_book(book):
            assert balance(book=book, code=CASH) == 0
            with ThreadPoolExecutor(1) as elsewhere:
                elsewhere.submit(posted_elsewhere, book, draft).result()
            with pytest.raises(OperationalError, match="after the transaction began"):
                post(book=book, draft=draft, now=NOW)
            transaction.set_rollback(True)


def posted_elsewhere(book: UUID, draft: Draft) -> None:
    try:
        with in_book(book):
            post(book=book, draft=draft, now=NOW)
    finally:
        connections["default"].close()


def test_withdrawals_at_once_never_break_the_floor() -> None:
    book = a_book()
    with in_book(book):
        filled = a_draft(debit(CASH, 1000, "CNY"), credit(WALLET, 1000, "CNY"))
        post(book=book, draft=filled, now=NOW)

    def work(_: int) -> bool:
        try:
            with in_book(book):
                spent = a_draft(debit(WALLET, 70, "CNY"), credit(CASH, 70, "CNY"))
                post(book=book, draft=spent, now=NOW)
        except InsufficientFundsError:
            return False
        return True

    assert sum(all_at_once(work)) == 1000 // 70
    with in_book(book):
        assert balance(book=book, code=WALLET) == 1000 % 70
    assert broken("ops", book) == {}


def test_guarded_accounts_in_opposite_orders_do_not_deadlock() -> None:
    codes = [f"guarded:{n}" for n in range(6)]
    specs = [
        AccountSpec(code=code, currency="CNY", normal_side=Side.DEBIT, floor=-(10**9))
        for code in codes
    ]
    book = a_book(*specs)

    def work(number: int) -> None:
        order = random.Random(number)
        for _ in range(10):
            chosen = order.sample(codes, 6)
            legs = [debit(code, 3, "CNY") for code in chosen[:3]]
            legs += [credit(code, 3, "CNY") for code in chosen[3:]]
            with in_book(book):
                post(book=book, draft=a_draft(*legs), now=NOW)

    all_at_once(work)
    with in_book(book):
        assert sum(balance(book=book, code=code) for code in codes) == 0
    assert broken("ops", book) == {}


def test_an_entry_reversed_from_everywhere_is_reversed_once() -> None:
    book, draft = a_book(), a_draft()
    with in_book(book):
        post(book=book, draft=draft, now=NOW)

    def work(number: int) -> object:
        with in_book(book):
            return reverse(
                book=book, reference=draft.reference, reason=str(number), now=NOW, booked_on=TODAY
            )

    assert len(set(all_at_once(work))) == 1
    with in_book(book):
        assert balance(book=book, code=CASH) == 0
    assert broken("ops", book) == {}


def test_a_book_opened_from_everywhere_is_opened_once() -> None:
    book = a_book()
    more = [
        AccountSpec(code=f"new:{n}", currency="CNY", normal_side=Side.DEBIT, floor=0)
        for n in range(20)
    ]

    def work(number: int) -> None:
        mine = random.Random(number).sample([*more, *SPECS], 25)
        with in_book(book):
            open_accounts(book=book, specs=mine, now=NOW)

    all_at_once(work)
    assert broken("ops", book) == {}


def test_partitions_made_from_everywhere_are_made_once() -> None:
    book, far = a_book(), NOW.replace(year=2040, month=1)

    def work(_: int) -> int:
        with in_book(book):
            return partitions.ensure(far, months=3)

    assert sum(all_at_once(work, threads=8)) in (0, 3)
