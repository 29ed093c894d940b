"""A hold is taken in parts, each by an entry that says so; what is left can go back, or expires."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connections

from ledger.balances import Funds, balance, funds
from ledger.book import AccountSpec, Draft, Side, credit, debit, post, reverse
from ledger.drafts import content_hash
from ledger.errors import (
    BookNotOpenError,
    DuplicateReferenceError,
    HoldMismatchError,
    HoldSettledError,
    InsufficientFundsError,
    InvalidDraftError,
)
from ledger.holds import books_to_expire, expire, release
from ledger.holds import post as post_hold
from ledger.models import Hold, JournalEntry
from ledger.writing import Broken, Earlier, Entry, write
from tests.ledger.build import (
    CASH,
    NOW,
    OWED,
    TODAY,
    WALLET,
    a_book,
    a_draft,
    a_funded_book,
    broken,
    hold,
    in_book,
    spending,
)

pytestmark = pytest.mark.usefixtures("database")

LATER = NOW + timedelta(hours=1)
TILL = AccountSpec(code="till:CNY", currency="CNY", normal_side=Side.DEBIT, floor=0)


def state_of(id: UUID) -> tuple[str, int]:
    """A hold's state, and what was taken of it."""
    row = Hold.objects.get(id=id)
    return row.state, row.taken


# --- In parts -----------------------------------------------------------------------------


def test_a_hold_is_taken_in_parts_until_nothing_is_left() -> None:
    book = a_funded_book(100)
    with in_book(book):
        id = hold(book, 70, reference="r")
        post_hold(book=book, reference="r", draft=spending(20), now=NOW, part=True)
        assert state_of(id) == ("held", 20)
        assert funds(book=book, code=WALLET) == Funds(balance=80, held=50)
        post_hold(book=book, reference="r", draft=spending(49), now=NOW, part=True)
        with pytest.raises(InsufficientFundsError):
            hold(book, 31)
        post_hold(book=book, reference="r", draft=spending(1), now=LATER)
        assert state_of(id) == ("posted", 70)
        assert Hold.objects.get(id=id).settled_at == LATER
        assert funds(book=book, code=WALLET) == Funds(balance=30, held=0)
        with pytest.raises(HoldSettledError, match=r"posted by \S+, \S+, \S+"):
            post_hold(book=book, reference="r", draft=spending(1), now=NOW, part=True)
        assert JournalEntry.objects.filter(hold_id=id).count() == 3
    assert broken("ops", book) == {}


def test_what_is_left_of_a_hold_goes_back() -> None:
    book = a_funded_book(100)
    with in_book(book):
        id = hold(book, 70, reference="r")
        post_hold(book=book, reference="r", draft=spending(20), now=NOW, part=True)
        release(book=book, reference="r", reason="the rest is not needed", now=LATER)
        assert state_of(id) == ("released", 20)
        assert funds(book=book, code=WALLET) == Funds(balance=80, held=0)
        with pytest.raises(HoldSettledError, match="released"):
            post_hold(book=book, reference="r", draft=spending(50), now=NOW)
    assert broken("ops", book) == {}


def test_a_part_posted_again_is_the_same_entry_whatever_became_of_the_hold() -> None:
    book, first, last = a_funded_book(100), spending(20), spending(50)
    with in_book(book):
        hold(book, 70, reference="r")
        entry = post_hold(book=book, reference="r", draft=first, now=NOW, part=True)
        assert post_hold(book=book, reference="r", draft=first, now=LATER, part=True) == entry
        assert post_hold(book=book, reference="r", draft=first, now=LATER) == entry
        assert funds(book=book, code=WALLET) == Funds(balance=80, held=50)
        post_hold(book=book, reference="r", draft=last, now=NOW)
        assert post_hold(book=book, reference="r", draft=first, now=LATER, part=True) == entry
        other = spending(20, reference=first.reference, memo="other")
        with pytest.raises(DuplicateReferenceError):
            post_hold(book=book, reference="r", draft=other, now=NOW, part=True)
    assert broken("ops", book) == {}


@pytest.mark.parametrize(("amount", "part"), [(49, False), (51, False), (51, True), (70, True)])
def test_what_is_taken_is_what_is_left_or_less_of_it_if_that_is_meant(
    amount: int, part: bool
) -> None:
    book = a_funded_book(200)
    with in_book(book):
        hold(book, 70)
        id = hold(book, 70, reference="r")
        post_hold(book=book, reference="r", draft=spending(20), now=NOW, part=True)
        with pytest.raises(HoldMismatchError, match="50 of r is left"):
            post_hold(book=book, reference="r", draft=spending(amount), now=NOW, part=part)
        assert state_of(id) == ("held", 20)
        assert funds(book=book, code=WALLET) == Funds(balance=180, held=120)


def test_a_part_takes_something() -> None:
    book = a_funded_book(200)
    there_and_back = a_draft(debit(WALLET, 9, "CNY"), credit(WALLET, 9, "CNY"))
    brings = a_draft(debit(CASH, 5, "CNY"), credit(WALLET, 5, "CNY"))
    with in_book(book):
        hold(book, 70, reference="r")
        for draft in (there_and_back, brings, a_draft()):
            with pytest.raises(HoldMismatchError):
                post_hold(book=book, reference="r", draft=draft, now=NOW, part=True)
        assert funds(book=book, code=WALLET) == Funds(balance=200, held=70)


def test_what_an_entry_takes_and_brings_back_is_counted_net() -> None:
    book = a_funded_book(100)
    net = a_draft(debit(WALLET, 50, "CNY"), credit(WALLET, 20, "CNY"), credit(CASH, 30, "CNY"))
    with in_book(book):
        id = hold(book, 30, reference="r")
        post_hold(book=book, reference="r", draft=net, now=NOW)
        assert state_of(id) == ("posted", 30)
        assert funds(book=book, code=WALLET) == Funds(balance=70, held=0)
    assert broken("ops", book) == {}


def test_all_that_is_available_can_be_held_and_taken() -> None:
    """In no moment of the posting is less available than before: the floor is nothing."""
    book = a_book(TILL)
    with in_book(book):
        filled = a_draft(debit(TILL.code, 9, "CNY"), credit(OWED, 9, "CNY"))
        post(book=book, draft=filled, now=NOW)
        hold(book, 4, TILL.code, reference="a")
        hold(book, 5, TILL.code, reference="b")
        for reference, amount in (("a", 3), ("b", 2), ("a", 1), ("b", 3)):
            out = a_draft(debit(OWED, amount, "CNY"), credit(TILL.code, amount, "CNY"))
            post_hold(book=book, reference=reference, draft=out, now=NOW, part=True)
        assert funds(book=book, code=TILL.code) == Funds(balance=0, held=0)
    assert broken("ops", book) == {}


def test_an_entry_says_which_hold_it_posts_in_its_hash() -> None:
    book, draft = a_funded_book(100), spending(20)
    with in_book(book):
        hold(book, 20, reference="r")
        id = post_hold(book=book, reference="r", draft=draft, now=NOW)
        its_hash = bytes(JournalEntry.objects.get(id=id).content_hash)
    assert its_hash == content_hash(book=book, draft=draft, hold="r")
    assert its_hash != content_hash(book=book, draft=draft)


def test_reversing_an_entry_gives_the_money_to_the_account_not_to_the_hold() -> None:
    book, draft = a_funded_book(100), spending(20)
    with in_book(book):
        id = hold(book, 30, reference="r")
        post_hold(book=book, reference="r", draft=draft, now=NOW, part=True)
        reverse(book=book, reference=draft.reference, reason="", now=NOW, booked_on=TODAY)
        assert state_of(id) == ("held", 20)
        assert funds(book=book, code=WALLET) == Funds(balance=100, held=10)
    assert broken("ops", book) == {}


def test_a_hold_takes_part_in_an_entry_that_moves_other_guarded_accounts_too() -> None:
    book = a_funded_book(100, TILL)
    moves = a_draft(debit(WALLET, 60, "CNY"), debit(TILL.code, 5, "CNY"), credit(OWED, 65, "CNY"))
    with in_book(book):
        hold(book, 60, reference="r")
        post_hold(book=book, reference="r", draft=moves, now=NOW)
        assert funds(book=book, code=WALLET) == Funds(balance=40, held=0)
        assert funds(book=book, code=TILL.code) == Funds(balance=5, held=0)
    assert broken("ops", book) == {}


# --- Several entries in one statement -----------------------------------------------------


def written(book: UUID, id: UUID, *drafts: Draft) -> Broken | Earlier:
    """Entries that all post from one hold, in one statement."""
    batch = [
        Entry(uuid.uuid4(), draft, content_hash(book=book, draft=draft, hold="r"))
        for draft in drafts
    ]
    return write(book, batch, NOW, hold=id)


def test_several_entries_of_one_statement_take_from_one_hold() -> None:
    book = a_funded_book(100)
    with in_book(book):
        hold(book, 10)
        id = hold(book, 70, reference="r")
        assert written(book, id, spending(20), spending(30)) == {}
        assert state_of(id) == ("held", 50)
        assert funds(book=book, code=WALLET) == Funds(balance=50, held=30)
        assert written(book, id, spending(15), spending(5)) == {}
        assert state_of(id) == ("posted", 70)
        assert funds(book=book, code=WALLET) == Funds(balance=30, held=10)
    assert broken("ops", book) == {}


def test_several_entries_of_one_statement_that_take_too_much_take_nothing() -> None:
    book = a_funded_book(200)
    with in_book(book):
        hold(book, 100)
        id = hold(book, 70, reference="r")
        for drafts, sentence in [
            ([spending(40), spending(31)], "no_more_is_taken_than_was_held"),
            ([spending(70), a_draft()], "entry_takes_from_the_hold_it_posts"),
            ([spending(71)], "no_more_is_taken_than_was_held"),
            (
                [spending(40), a_draft(debit(CASH, 1, "CNY"), credit(WALLET, 1, "CNY"))],
                "entry_takes_from_the_hold_it_posts",
            ),
        ]:
            outcome = written(book, id, *drafts)
            assert isinstance(outcome, Broken)
            assert outcome.sentence == sentence
        unknown = written(book, uuid.uuid4(), spending(1))
        assert isinstance(unknown, Broken)
        assert unknown.sentence == "entry_posts_a_hold_of_its_book"
        assert state_of(id) == ("held", 0)
        assert funds(book=book, code=WALLET) == Funds(balance=200, held=170)
    assert broken("ops", book) == {}


# --- Time ---------------------------------------------------------------------------------


def test_a_hold_expires_when_its_time_has_come() -> None:
    book = a_funded_book(100)
    with in_book(book):
        due = hold(book, 30, reference="due", expires_at=LATER)
        later = hold(book, 20, expires_at=LATER + timedelta(microseconds=1))
        never = hold(book, 10)
        post_hold(book=book, reference="due", draft=spending(5), now=NOW, part=True)
        assert expire(book=book, now=NOW) == 0
        assert expire(book=book, now=LATER) == 1
        assert expire(book=book, now=LATER) == 0
        assert state_of(due) == ("expired", 5)
        assert Hold.objects.get(id=due).settled_at == LATER
        assert [state_of(id)[0] for id in (later, never)] == ["held", "held"]
        assert funds(book=book, code=WALLET) == Funds(balance=95, held=30)
        for settle in (
            lambda: release(book=book, reference="due", reason="", now=NOW),
            lambda: post_hold(book=book, reference="due", draft=spending(25), now=NOW),
        ):
            with pytest.raises(HoldSettledError, match="expired"):
                settle()
        with pytest.raises(InvalidDraftError):
            expire(book=book, now=NOW.replace(tzinfo=None))
    with in_book(a_book()), pytest.raises(BookNotOpenError):
        expire(book=book, now=LATER)
    assert broken("ops", book) == {}


def test_a_due_hold_stands_until_it_is_expired() -> None:
    book = a_funded_book(100)
    with in_book(book):
        id = hold(book, 30, reference="r", expires_at=NOW)
        post_hold(book=book, reference="r", draft=spending(30), now=LATER)
        assert expire(book=book, now=LATER) == 0
        assert state_of(id) == ("posted", 30)


def test_many_holds_expire_a_batch_at_a_time_those_first_that_are_due_longest() -> None:
    book = a_funded_book(100, TILL)
    with in_book(book):
        filled = a_draft(debit(TILL.code, 9, "CNY"), credit(OWED, 9, "CNY"))
        post(book=book, draft=filled, now=NOW)
        ids = [
            hold(book, 1, account, expires_at=NOW + timedelta(seconds=n))
            for n in range(4)
            for account in (WALLET, TILL.code)
        ]
        assert expire(book=book, now=LATER, limit=5) == 5
        assert [state_of(id)[0] for id in ids[:4]] == ["expired"] * 4
        assert funds(book=book, code=WALLET).held + funds(book=book, code=TILL.code).held == 3
        assert expire(book=book, now=LATER, limit=5) == 3
        assert funds(book=book, code=TILL.code).held == 0
    assert broken("ops", book) == {}


def test_the_operator_finds_the_books_with_due_holds() -> None:
    books = [a_funded_book(9) for _ in range(4)]
    due, later, posted, never = books
    for book, expires_at in ((due, LATER), (later, LATER), (posted, NOW), (never, None)):
        with in_book(book):
            hold(book, 5, reference="r", expires_at=expires_at)
    with in_book(posted):
        post_hold(book=posted, reference="r", draft=spending(5), now=NOW)
    found = books_to_expire(now=LATER, using="ops")
    assert [book in found for book in books] == [True, True, False, False]


# --- What is written down for the seal ----------------------------------------------------


def arrivals(book: UUID, kind: str) -> list[UUID]:
    """What has arrived in a book of this kind."""
    sql = "SELECT unnest(ids) FROM ledger_arrival WHERE book = %s AND kind = %s"
    with connections["owner"].cursor() as cursor:
        cursor.execute(sql, [book, kind])
        return sorted(id for (id,) in cursor.fetchall())


def test_holds_and_what_became_of_them_arrive_to_be_sealed() -> None:
    book = a_funded_book(100)
    with in_book(book):
        posted = hold(book, 5, reference="posted")
        released = hold(book, 5, reference="released")
        expired = hold(book, 5, expires_at=NOW)
        live = hold(book, 5)
        post_hold(book=book, reference="posted", draft=spending(2), now=NOW, part=True)
        entry = post_hold(book=book, reference="posted", draft=spending(3), now=NOW)
        release(book=book, reference="released", reason="", now=NOW)
        release(book=book, reference="released", reason="", now=NOW)
        expire(book=book, now=NOW)
    assert arrivals(book, "hold") == sorted([posted, released, expired, live])
    assert arrivals(book, "settlement") == sorted([released, expired])
    assert entry in arrivals(book, "entry")
    with in_book(book, "owner") as cursor:
        cursor.execute("DELETE FROM ledger_arrival WHERE book = %s", [book])
    with in_book(book):
        assert balance(book=book, code=WALLET) == 95
    assert broken("ops", book) == {}


# --- Many live holds ----------------------------------------------------------------------


@contextmanager
def reading_holds() -> Iterator[list[int]]:
    """How many rows of holds PostgreSQL reads in the block, by whatever plan."""
    sql = """
        SELECT seq_tup_read + idx_tup_fetch, (
            SELECT sum(pg_stat_get_xact_tuples_returned(indexrelid)) FROM pg_index
            WHERE indrelid = relid)
        FROM pg_stat_xact_user_tables WHERE relname = 'ledger_hold'
    """
    counted: list[int] = []
    with connections["default"].cursor() as cursor:
        cursor.execute(sql)
        before = cursor.fetchone()
        yield counted
        cursor.execute(sql)
        counted += [now - then for now, then in zip(cursor.fetchone(), before, strict=True)]


def test_what_a_hold_costs_does_not_grow_with_the_live_holds_of_its_account() -> None:
    """Counted in rows and index entries that PostgreSQL reads, statistics old or new."""

    def read(book: UUID) -> list[list[int]]:
        with in_book(book):
            with reading_holds() as placing:
                hold(book, 5, reference="a", expires_at=NOW)
            hold(book, 5, reference="b")
            hold(book, 5, reference="c")
            with reading_holds() as posting:
                post_hold(book=book, reference="b", draft=spending(2), now=NOW, part=True)
                post_hold(book=book, reference="b", draft=spending(3), now=NOW)
            with reading_holds() as releasing:
                release(book=book, reference="c", reason="", now=NOW)
            with reading_holds() as expiring:
                assert expire(book=book, now=NOW) == 1
            return [placing, posting, releasing, expiring]

    small, hot = a_funded_book(10_000), a_funded_book(10_000)
    usual = read(small)
    with in_book(hot):
        for number in range(400):
            hold(hot, 5, reference=f"h{number}", expires_at=LATER if number % 2 else None)
    assert read(hot) == usual
    assert all(0 <= count <= 12 for counts in usual for count in counts)
