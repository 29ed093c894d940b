"""What a figure costs: PostgreSQL's own count of the rows it touched to answer."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from ledger.balances import Axis, balance, balances, funds
from ledger.book import credit, debit, post_many
from ledger.statements import account_statement, statement
from ledger.totals import period_totals, trial_balance
from tests.ledger.build import CASH, OWED, WALLET, a_book, a_draft, fold, in_book

pytestmark = pytest.mark.usefixtures("database")

FIRST, DAYS, ENTRIES = datetime(2026, 4, 1, 9, tzinfo=UTC), 20, 60
LAST = FIRST + timedelta(days=DAYS - 1)
WHEN = FIRST + timedelta(days=10, hours=5)


def post_days(book: UUID, days: range) -> None:
    """So many entries a day, learnt on the day after they happened and were booked."""
    for day in days:
        happened = FIRST + timedelta(days=day)
        drafts = [
            a_draft(
                debit(CASH, 5, "CNY"),
                credit([OWED, WALLET][n % 2], 5, "CNY"),
                event_at=happened + timedelta(minutes=n),
                booked_on=happened.date(),
            )
            for n in range(ENTRIES)
        ]
        with in_book(book):
            post_many(book=book, drafts=drafts, now=happened + timedelta(days=1))


@pytest.fixture(scope="module")
def _long_book() -> list[UUID]:
    return []


@pytest.fixture
def long_book(_long_book: list[UUID]) -> UUID:
    """A book with days and days of postings, all of them folded."""
    if not _long_book:
        book = a_book()
        post_days(book, range(DAYS))
        fold(book)
        with connections["owner"].cursor() as cursor:
            cursor.execute("ANALYZE ledger_posting, ledger_journalentry, ledger_daily")
        _long_book.append(book)
    return _long_book[0]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def touched(book: UUID, read: Callable[[], object], queries: int = 1) -> Counter[str]:
    """How many rows of each table so many queries had in their hands, dropped or not.

    Rows of indexes are counted like rows of their tables.
    """
    found: Counter[str] = Counter()
    with in_book(book) as cursor:
        with CaptureQueriesContext(connections["default"]) as captured:
            read()
        assert len(captured) == queries
        # A table of a few pages is read whole, and rightly so; in earnest none has a few pages.
        cursor.execute("SET LOCAL enable_seqscan = off")
        for query in captured.captured_queries[:queries]:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query['sql']}")
            [(answer,)] = cursor.fetchall()
            [root] = json.loads(answer) if isinstance(answer, str) else answer
            found += _rows_by_table(root["Plan"])
    return found


def _rows_by_table(plan: dict[str, Any]) -> Counter[str]:
    found: Counter[str] = Counter()
    for node in nodes(plan):
        if table := node.get("Relation Name"):
            dropped = (value for key, value in node.items() if key.startswith("Rows Removed by"))
            rows = (node["Actual Rows"] + sum(dropped)) * node["Actual Loops"]
            found["_".join(table.split("_")[:2])] += round(rows)
    return found


NOW_READS: list[Callable[[UUID], object]] = [
    lambda book: balance(book=book, code=CASH),
    lambda book: balance(book=book, code=WALLET),
    lambda book: balances(book=book),
    lambda book: balances(book=book, codes=[CASH, OWED]),
    lambda book: funds(book=book, code=WALLET),
    lambda book: trial_balance(book=book),
]


@pytest.mark.parametrize("read", NOW_READS)
def test_what_an_account_has_now_takes_no_posting_and_no_day(
    long_book: UUID, read: Callable[[UUID], object]
) -> None:
    found = touched(long_book, lambda: read(long_book))
    assert found["ledger_posting"] == found["ledger_journalentry"] == found["ledger_daily"] == 0
    assert 0 < found["ledger_balance"] <= 5
    assert found["ledger_arrival"] == 0


def test_what_has_just_arrived_is_counted_without_its_postings() -> None:
    book = a_book()
    fold(book)
    post_days(book, range(2))
    assert touched(book, lambda: balance(book=book, code=CASH)) == {
        "ledger_ledgeraccount": 1,
        "ledger_balance": 1,
        "ledger_arrival": 2,
    }
    assert touched(book, lambda: balance(book=book, code=WALLET))["ledger_arrival"] == 0


@pytest.mark.parametrize("by", Axis)
def test_a_past_instant_takes_the_postings_of_one_day(long_book: UUID, by: Axis) -> None:
    found = touched(long_book, lambda: balance(book=long_book, code=CASH, as_of=WHEN, by=by))
    assert 0 < found["ledger_posting"] <= ENTRIES
    assert found["ledger_journalentry"] <= ENTRIES
    assert found["ledger_daily"] <= 2 * DAYS


@pytest.mark.parametrize("by", Axis)
def test_the_end_of_a_day_takes_no_posting(long_book: UUID, by: Axis) -> None:
    midnight = WHEN.replace(hour=0) - timedelta(microseconds=1)
    found = touched(long_book, lambda: balances(book=long_book, as_of=midnight, by=by))
    assert found["ledger_posting"] == found["ledger_journalentry"] == 0


def test_days_of_booking_take_the_days_since_and_no_posting(long_book: UUID) -> None:
    start, end = LAST.date() - timedelta(days=2), LAST.date()
    found = touched(long_book, lambda: period_totals(book=long_book, start=start, end=end))
    assert found["ledger_posting"] == 0
    # A mean of rows for each of five accounts, rounded.
    assert 0 < found["ledger_daily"] <= 3 * 5


def test_a_statement_takes_the_postings_of_the_days_it_shows(long_book: UUID) -> None:
    first = WHEN.date()

    def read(end: date, limit: int | None = None) -> Counter[str]:
        return touched(
            long_book,
            lambda: account_statement(book=long_book, code=CASH, start=first, end=end, limit=limit),
        )

    assert read(first)["ledger_posting"] == ENTRIES
    assert read(first + timedelta(days=1))["ledger_posting"] == 2 * ENTRIES
    assert read(LAST.date(), limit=ENTRIES)["ledger_posting"] == ENTRIES
    assert read(LAST.date(), limit=ENTRIES + 1)["ledger_posting"] == 2 * ENTRIES


def test_a_page_of_what_is_newest_takes_its_own_rows(long_book: UUID) -> None:
    def first_page() -> object:
        return statement(book=long_book, code=CASH, limit=5)

    # All of a day were learnt at one instant, so that one instant is what is sorted. One query
    # looks for the last day.
    found = touched(long_book, first_page, queries=2)
    assert found["ledger_posting"] <= ENTRIES + 1
    assert found["ledger_daily"] == 1
    with in_book(long_book):
        before = statement(book=long_book, code=CASH, limit=5 * ENTRIES + 5)[-1].position
    found = touched(long_book, lambda: statement(book=long_book, code=CASH, limit=5, before=before))
    assert found["ledger_posting"] <= 3 * ENTRIES


def test_a_page_is_sought_in_the_past_of_late(long_book: UUID) -> None:
    """Partitions before it are not so much as planned for, unless it is not filled by then."""
    with in_book(long_book), CaptureQueriesContext(connections["default"]) as queries:
        page = statement(book=long_book, code=CASH, limit=5)
        assert len(page) == 5
        everything = statement(book=long_book, code=CASH, limit=10 * DAYS * ENTRIES)
        assert len(everything) == DAYS * ENTRIES
    bounded = ["-infinity" not in query["sql"] for query in queries.captured_queries]
    assert bounded == [True, True, True, True, False]
