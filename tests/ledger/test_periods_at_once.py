"""Closing while others post: what is in is in, and nothing comes after."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Event
from uuid import UUID

import pytest
from django.db import connections, transaction

from ledger.balances import balance
from ledger.book import credit, debit, post, post_many, reverse
from ledger.errors import BookBusyError, PeriodClosedError, PeriodOrderError
from ledger.models import Closing, JournalEntry
from ledger.periods import close, closed_through, reopen
from ledger.totals import trial_balance
from tests.ledger.build import (
    CASH,
    NOW,
    WALLET,
    a_book,
    a_draft,
    a_funded_book,
    broken,
    hold,
    in_book,
    spending,
)
from tests.ledger.test_concurrency import all_at_once

pytestmark = pytest.mark.usefixtures("database")

FEBRUARY = date(2026, 2, 28)
THREADS = 12


def february(book: UUID, *, alone: bool, guarded: bool) -> int:
    """Post until February is closed; returns how many entries there were of it."""
    sides = debit(CASH, 1, "CNY"), credit(WALLET if guarded else "owed:CNY", 1, "CNY")
    for n in range(10_000):
        draft = a_draft(*sides, booked_on=FEBRUARY)
        try:
            if alone:
                post(book=book, draft=draft, now=NOW)
            else:
                with in_book(book):
                    post_many(book=book, drafts=[draft], now=NOW)
                    post(book=book, draft=a_draft(), now=NOW)
        except PeriodClosedError:
            return n
    raise AssertionError("never closed")


def test_nothing_lands_after_close_has_returned() -> None:
    book = a_book()
    closed: list[tuple[int, int]] = []

    def work(number: int) -> int:
        if number:
            return february(book, alone=number % 2 == 0, guarded=number % 3 == 0)
        while JournalEntry.objects.using("ops").filter(book=book).count() < 50:
            time.sleep(0.01)  # Not to hide a race but to begin one: others are posting meanwhile.
        with in_book(book):
            close(book=book, through=FEBRUARY, by="Ann", reason="", now=NOW)
        with in_book(book):
            closed.append(trial_balance(book=book, through=FEBRUARY)["CNY"])
        return 0

    posted = sum(all_at_once(work, THREADS))
    assert posted >= 25
    with in_book(book):
        assert trial_balance(book=book, through=FEBRUARY)["CNY"] == closed[0] == (posted, posted)
        post(book=book, draft=a_draft(booked_on=FEBRUARY + timedelta(days=1)), now=NOW)
    assert broken("ops", book) == {}


def test_two_who_close_at_once_close_once() -> None:
    book = a_book()

    def work(_: int) -> bool:
        try:
            with in_book(book):
                close(book=book, through=FEBRUARY, by="Ann", reason="", now=NOW)
        except PeriodOrderError:
            return False
        return True

    assert sum(all_at_once(work, THREADS)) == 1
    assert broken("ops", book) == {}


def test_closing_day_by_day_from_everywhere_leaves_no_gap() -> None:
    book = a_book()

    def work(number: int) -> int:
        done = 0
        for day in range(20):
            through = FEBRUARY - timedelta(days=20) + timedelta(days=day)
            try:
                with in_book(book):
                    close(book=book, through=through, by=f"{number}", reason="", now=NOW)
                    done += 1
            except PeriodOrderError:
                continue
        return done

    done = sum(all_at_once(work, THREADS))
    with in_book(book):
        numbers = Closing.objects.filter(book=book).order_by("number").values_list("number")
        assert [n for (n,) in numbers] == list(range(1, done + 1))
        assert closed_through(book=book) == FEBRUARY - timedelta(days=1)
    assert broken("ops", book) == {}


def test_who_is_under_way_is_waited_for() -> None:
    """The posting is made before the closing begins, and committed while it waits."""
    book = a_book()
    posted, closing = Event(), Event()

    def slow() -> None:
        try:
            with in_book(book):
                post(book=book, draft=a_draft(booked_on=FEBRUARY), now=NOW)
                posted.set()
                assert closing.wait(10)
                wait_for_a_lock(book)
        finally:
            connections["default"].close()

    with ThreadPoolExecutor(1) as elsewhere:
        other = elsewhere.submit(slow)
        assert posted.wait(10)
        with in_book(book):
            closing.set()
            close(book=book, through=FEBRUARY, by="Ann", reason="", now=NOW)
            assert balance(book=book, code=CASH) == 100
        other.result()
    assert broken("ops", book) == {}


def wait_for_a_lock(book: UUID) -> None:
    """Return when somebody waits to close the book."""
    sql = """
        SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
            AND ((classid::bigint << 32) | objid::bigint)
                = hashtextextended('ledger_closing ' || %s, 0)
    """
    with connections["owner"].cursor() as cursor:
        for _ in range(1000):
            cursor.execute(sql, [str(book)])
            if cursor.fetchone() != (0,):
                break
            time.sleep(0.01)
        else:
            raise AssertionError("nobody waits")
    connections["owner"].close()


def test_who_holds_and_then_posts_does_not_wait_in_a_circle() -> None:
    """Another poster waits for the account that is held; the closing waits for that poster.

    PostgreSQL would find the circle after a second and let the first one pass.
    """
    book = a_funded_book(1000)
    posted, held = Event(), Event()

    def other() -> None:
        try:
            with in_book(book):
                post(book=book, draft=a_draft(), now=NOW)
                posted.set()
                assert held.wait(10)
                post(book=book, draft=spending(10), now=NOW)
        finally:
            connections["default"].close()

    def closing() -> None:
        try:
            with in_book(book):
                close(book=book, through=FEBRUARY, by="Ann", reason="", now=NOW)
        finally:
            connections["default"].close()

    with ThreadPoolExecutor(2) as elsewhere:
        with in_book(book) as cursor:
            waiting = [elsewhere.submit(other)]
            assert posted.wait(10)
            hold(book, 100)
            held.set()
            waiting.append(elsewhere.submit(closing))
            wait_for_a_lock(book)
            cursor.execute("SET LOCAL lock_timeout = '500ms'")
            post(book=book, draft=spending(20), now=NOW)
        for each in waiting:
            each.result()
    assert broken("ops", book) == {}


def test_who_does_not_come_to_an_end_is_not_waited_for_for_ever() -> None:
    book = a_book()
    with in_book(book):
        post(book=book, draft=a_draft(), now=NOW)
        with ThreadPoolExecutor(1) as elsewhere:
            assert elsewhere.submit(closed_soon, book).result() == "0"
    with in_book(book):
        assert closed_through(book=book) is None


def closed_soon(book: UUID) -> str:
    """Try to close for a moment; the transaction goes on as it was."""
    try:
        with in_book(book) as cursor:
            with pytest.raises(BookBusyError):
                close(
                    book=book,
                    through=FEBRUARY,
                    by="Ann",
                    reason="",
                    now=NOW,
                    patience=timedelta(seconds=0.1),
                )
            cursor.execute("SELECT current_setting('lock_timeout')")
            [(timeout,)] = cursor.fetchall()
            assert closed_through(book=book) is None
            return str(timeout)
    finally:
        connections["default"].close()


def test_reversals_meet_a_closing_and_a_reopening() -> None:
    book = a_book()
    drafts = [a_draft(booked_on=FEBRUARY) for _ in range(THREADS * 5)]
    with in_book(book):
        post_many(book=book, drafts=drafts, now=NOW)

    def work(number: int) -> int:
        if number == 0:
            with in_book(book):
                close(book=book, through=FEBRUARY, by="Ann", reason="", now=NOW)
            with in_book(book):
                approved = {"approved_by": "Bob", "reason": "x"}
                reopen(book=book, through=None, by="Ann", now=NOW, **approved)
            return 0
        done = 0
        for draft in drafts[number::THREADS]:
            try:
                with transaction.atomic(), in_book(book):
                    reference, day = draft.reference, FEBRUARY
                    reverse(book=book, reference=reference, reason="", now=NOW, booked_on=day)
                    done += 1
            except PeriodClosedError:
                continue
        return done

    done = sum(all_at_once(work, THREADS))
    with in_book(book):
        assert balance(book=book, code=CASH) == 100 * (len(drafts) - done)
    assert broken("ops", book) == {}
