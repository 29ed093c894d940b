"""What arrives is sealed once, in whatever order it was committed, and folded in that moment."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Event
from uuid import UUID

import psycopg
import pytest
from django.db import IntegrityError, ProgrammingError, connections

from ledger.book import post, post_many
from ledger.chain import prove_chain
from ledger.errors import BookNotOpenError, InvalidDraftError
from ledger.seals import seal, waiting
from tests.ledger.build import NOW, SPECS, a_book, a_draft, broken, in_book, refused
from tests.ledger.sealed import Sealed, tampered

pytestmark = pytest.mark.usefixtures("database")


def seals_of(book: UUID) -> list[tuple[int, list[str], list[UUID]]]:
    with in_book(book) as cursor:
        cursor.execute(
            "SELECT number, kinds, ids FROM ledger_seal WHERE book = %s ORDER BY number", [book]
        )
        return list(cursor.fetchall())


def proved(book: UUID) -> None:
    """Rows and chain are sound."""
    assert broken("ops", book) == {}
    assert [f for f in prove_chain("ops", book, now=NOW) if f.violations] == []


def test_what_arrived_is_sealed_and_then_nothing_waits() -> None:
    book = a_book()
    with in_book(book):
        entry = post(book=book, draft=a_draft(), now=NOW)
    assert book in waiting("ops")
    assert seal(book=book, now=NOW) == len(SPECS) + 1
    assert seal(book=book, now=NOW) == 0
    assert book not in waiting("ops")
    [(number, kinds, ids)] = seals_of(book)
    assert (number, kinds, ids[-1]) == (1, ["account"] * len(SPECS) + ["entry"], entry)
    assert ids[:-1] == sorted(ids[:-1])
    proved(book)


def test_within_a_transaction_sealing_is_a_part_of_it() -> None:
    book = a_book()
    with in_book(book):
        entry = post(book=book, draft=a_draft(), now=NOW)
        assert seal(book=book, now=NOW) == len(SPECS) + 1
    assert seals_of(book)[0][2][-1] == entry
    proved(book)


def test_a_call_takes_whole_arrivals_until_it_has_enough() -> None:
    book = a_book()
    with in_book(book):
        for _ in range(3):
            post_many(book=book, drafts=[a_draft() for _ in range(4)], now=NOW)
    assert [seal(book=book, now=NOW, most=5) for _ in range(4)] == [5, 8, 4, 0]
    assert [len(ids) for _, _, ids in seals_of(book)] == [5, 8, 4]
    proved(book)


def test_a_seal_has_at_most_ten_thousand_records() -> None:
    book = a_book()
    with in_book(book):
        post_many(book=book, drafts=[a_draft() for _ in range(10_001)], now=NOW)
    assert seal(book=book, now=NOW) == 10_001 + len(SPECS)
    assert [len(ids) for _, _, ids in seals_of(book)] == [10_000, 1 + len(SPECS)]
    proved(book)


@contextmanager
def posting_slowly(book: UUID) -> Iterator[Callable[[], UUID]]:
    """An entry of the day before, by a transaction that commits when what is yielded is called."""
    written, commit = Event(), Event()
    yesterdays = a_draft(event_at=NOW - timedelta(days=1))

    def slowly() -> UUID:
        try:
            with in_book(book):
                entry = post(book=book, draft=yesterdays, now=NOW)
                written.set()
                commit.wait(30)
                return entry
        finally:
            connections["default"].close()

    def finish() -> UUID:
        commit.set()
        return slow.result()

    with ThreadPoolExecutor(1) as elsewhere:
        slow = elsewhere.submit(slowly)
        written.wait(30)
        yield finish


def test_what_commits_late_is_sealed_late_and_nothing_is_skipped() -> None:
    book = a_book()
    seal(book=book, now=NOW)
    with posting_slowly(book) as finish:
        fast = post(book=book, draft=a_draft(), now=NOW)
        assert seal(book=book, now=NOW) == 1
        older = finish()
    assert seal(book=book, now=NOW) == 1
    assert older < fast
    assert [ids for _, _, ids in seals_of(book)[1:]] == [[fast], [older]]
    proved(book)


def test_late_comers_are_folded_with_others_and_their_neighbours_are_not_folded_again() -> None:
    book = a_book()

    def post_and_seal(entries: int) -> list[UUID]:
        try:
            with in_book(book):
                ids = post_many(book=book, drafts=[a_draft() for _ in range(entries)], now=NOW)
            seal(book=book, now=NOW)
            return ids
        finally:
            connections["default"].close()

    with posting_slowly(book) as finish, ThreadPoolExecutor(1) as elsewhere:
        elsewhere.submit(post_and_seal, 300).result()
        with in_book(book):
            before = post_many(book=book, drafts=[a_draft() for _ in range(100)], now=NOW)
            neighbours = elsewhere.submit(post_and_seal, 40).result()
            after = post_many(book=book, drafts=[a_draft() for _ in range(100)], now=NOW)
        older = finish()
    assert seal(book=book, now=NOW) == 201
    assert older < min(before) and max(before) < min(neighbours) and max(neighbours) < min(after)
    proved(book)


def test_a_transaction_seals_only_the_book_it_acts_for() -> None:
    with in_book(a_book()), pytest.raises(BookNotOpenError):
        seal(book=uuid.uuid4(), now=NOW)
    with pytest.raises(InvalidDraftError):
        seal(book=uuid.uuid4(), now=datetime(2026, 1, 1))  # noqa: DTZ001  the point of it


@pytest.mark.parametrize("table", ["ledger_seal", "ledger_arrival"])
def test_the_application_writes_no_seal_and_takes_no_arrival(table: str) -> None:
    book = a_book()
    for sql in (f"INSERT INTO {table} DEFAULT VALUES", f"DELETE FROM {table}"):
        with refused("permission denied", ProgrammingError), in_book(book) as cursor:
            cursor.execute(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE ledger_seal SET sealed_at = now()",
        "DELETE FROM ledger_seal",
        "TRUNCATE ledger_seal CASCADE",
        "DELETE FROM ledger_anchor",
        "TRUNCATE ledger_anchor",
    ],
)
def test_the_owner_changes_no_seal_while_the_guards_are_up(sql: str) -> None:
    book = a_book()
    seal(book=book, now=NOW)
    with in_book(book) as cursor:
        cursor.execute(
            "INSERT INTO ledger_anchor VALUES (%s, 1, %s, %s, 'here')", [book, NOW, bytes(64)]
        )
    with refused("the ledger is only ever added to"), in_book(book, "owner") as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql)
    with in_book(book, "owner") as cursor:
        cursor.execute("SELECT count(*) FROM ledger_anchor WHERE book = %s", [book])
        assert cursor.fetchone() == (1,)


def test_an_arrival_without_its_record_stops_the_seal_and_is_kept() -> None:
    book = a_book()
    entry = post(book=book, draft=a_draft(), now=NOW)
    nobody = Sealed(book, None, *[entry] * 10)  # type: ignore[arg-type]
    gone = "DELETE FROM ledger_posting WHERE book = %(book)s;"
    gone += "DELETE FROM ledger_journalentry WHERE book = %(book)s"
    with tampered(nobody, gone):
        with pytest.raises(IntegrityError, match=f"arrival_has_its_record.*{entry}"):
            seal(book=book, now=NOW)
        assert book in waiting("ops")
    assert seal(book=book, now=NOW) == 1 + len(SPECS)
    proved(book)


# --- Many at once -------------------------------------------------------------------------

BALANCED = """
SELECT coalesce(sum(b.debits), 0) + coalesce((
        SELECT sum(d) FROM ledger_arrival, unnest(debits) AS d WHERE book = %(book)s), 0),
    coalesce(sum(b.credits), 0) + coalesce((
        SELECT sum(c) FROM ledger_arrival, unnest(credits) AS c WHERE book = %(book)s), 0),
    (SELECT coalesce(sum(amount), 0) FROM ledger_posting
     WHERE book = %(book)s AND side = 'D')
FROM ledger_balance b WHERE book = %(book)s
"""


def test_many_post_and_many_seal_and_every_record_is_sealed_once() -> None:
    book, done = a_book(), Event()

    def posting(number: int) -> list[UUID]:
        try:
            ids = []
            for turn in range(25):
                drafts = [a_draft() for _ in range(1 + (turn * number) % 7)]
                ids += post_many(book=book, drafts=drafts, now=NOW)
            return ids
        finally:
            connections["default"].close()

    def sealing(_: int) -> int:
        try:
            sealed = 0
            while not done.is_set():
                sealed += seal(book=book, now=NOW, most=20)
            return sealed
        finally:
            connections["default"].close()

    def looking(_: int) -> int:
        looks = 0
        try:
            while not done.is_set():
                with in_book(book) as cursor:
                    cursor.execute(BALANCED, {"book": book})
                    [(debits, credits, posted)] = cursor.fetchall()
                assert debits == credits == posted
                looks += 1
            return looks
        finally:
            connections["default"].close()

    with ThreadPoolExecutor(12) as pool:
        posters = [pool.submit(posting, number) for number in range(1, 7)]
        sealers = [pool.submit(sealing, number) for number in range(3)]
        looker = pool.submit(looking, 0)
        try:
            ids = [entry for poster in posters for entry in poster.result()]
        finally:
            done.set()
        sealed = sum(sealer.result() for sealer in sealers)
        assert looker.result() > 0
    sealed += seal(book=book, now=NOW)
    assert sealed == len(ids) + len(SPECS)
    chain = [record for _, _, records in seals_of(book) for record in records]
    assert len(set(chain)) == len(chain) == sealed
    assert set(ids) <= set(chain)
    proved(book)


KILLED = """
import os, sys, psycopg
with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as connection:
    connection.execute("SELECT set_config('tributary.tenant', %s, true)", [sys.argv[1]])
    print(*connection.execute(
        "SELECT ledger_seal_arrivals(%s, now(), 1000)", [sys.argv[1]]).fetchone(), flush=True)
    sys.stdin.read()
"""


def test_a_killed_sealer_leaves_nothing_half() -> None:
    book = a_book()
    post(book=book, draft=a_draft(), now=NOW)
    sealer = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(book)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with sealer:
        assert sealer.stdout is not None
        assert sealer.stdout.readline().strip() == str(1 + len(SPECS))
        with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as other:
            other.execute("SET LOCAL lock_timeout = 200")
            other.execute("SELECT set_config('tributary.tenant', %s, true)", [str(book)])
            with pytest.raises(psycopg.errors.LockNotAvailable):
                other.execute("SELECT ledger_seal_arrivals(%s, now(), 9)", [book])
        sealer.kill()
    assert seals_of(book) == []
    assert seal(book=book, now=NOW) == 1 + len(SPECS)
    proved(book)
