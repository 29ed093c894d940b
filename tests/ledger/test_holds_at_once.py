"""Holds from everywhere at the same moment: exactly as many as there is money for."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress
from uuid import UUID

import pytest

from ledger.balances import Funds, funds
from ledger.book import AccountSpec, Side, credit, debit, post, post_many
from ledger.errors import HoldMismatchError, HoldSettledError, InsufficientFundsError
from ledger.holds import expire, release
from ledger.holds import post as post_hold
from ledger.models import Hold
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

THREADS = 16


def test_as_many_holds_as_fit_and_no_more() -> None:
    book = a_funded_book(1000)

    def work(_: int) -> int:
        placed = 0
        for _ in range(3):
            with suppress(InsufficientFundsError), in_book(book):
                hold(book, 70)
                placed += 1
        return placed

    assert sum(all_at_once(work, THREADS)) == 1000 // 70
    with in_book(book):
        assert funds(book=book, code=WALLET) == Funds(balance=1000, held=1000 // 70 * 70)
    assert broken("ops", book) == {}


def test_one_reference_from_everywhere_is_one_hold() -> None:
    book = a_funded_book(1000)

    def work(_: int) -> object:
        with in_book(book):
            return hold(book, 600, reference="r")

    assert len(set(all_at_once(work, THREADS))) == 1
    with in_book(book):
        assert funds(book=book, code=WALLET).held == 600


def test_a_hold_posted_released_and_expired_from_everywhere_is_settled_one_way() -> None:
    book, draft = a_funded_book(1000), spending(600)
    with in_book(book):
        hold(book, 600, reference="r", expires_at=NOW)

    def work(number: int) -> str:
        try:
            with in_book(book):
                if number % 3 == 0:
                    return "expired" if expire(book=book, now=NOW) else "nothing due"
                if number % 3 == 1:
                    release(book=book, reference="r", reason="", now=NOW)
                    return "released"
                post_hold(book=book, reference="r", draft=draft, now=NOW)
                return "posted"
        except HoldSettledError as error:
            return str(error)

    told = Counter(all_at_once(work, 15))
    with in_book(book):
        state = Hold.objects.get(reference="r").state
        # Whoever asks for what has been done already is told that it is; expiring counts once.
        assert told[state] == (1 if state == "expired" else 5)
        how = {
            "posted": f"r was posted by {draft.reference}",
            "released": "r was released",
            "expired": "r has expired",
        }[state]
        assert set(told) <= {state, how, "nothing due"}
        left = 400 if state == "posted" else 1000
        assert funds(book=book, code=WALLET) == Funds(balance=left, held=0)
    assert broken("ops", book) == {}


def test_parts_from_everywhere_are_as_many_as_the_hold_has() -> None:
    """Other holds on the account have enough for all of them; this one has not."""
    book = a_funded_book(10_000)
    with in_book(book):
        hold(book, 5000)
        id = hold(book, 330, reference="r")

    def work(_: int) -> int:
        taken = 0
        for _ in range(3):
            with suppress(HoldMismatchError, HoldSettledError), in_book(book):
                post_hold(book=book, reference="r", draft=spending(30), now=NOW, part=True)
                taken += 30
        return taken

    assert sum(all_at_once(work, THREADS)) == 330
    with in_book(book):
        row = Hold.objects.get(id=id)
        assert (row.state, row.taken) == ("posted", 330)
        assert funds(book=book, code=WALLET) == Funds(balance=10_000 - 330, held=5000)
    assert broken("ops", book) == {}


def test_one_part_from_everywhere_is_taken_once() -> None:
    book, draft = a_funded_book(1000), spending(30)
    with in_book(book):
        hold(book, 100, reference="r")

    def work(_: int) -> object:
        with in_book(book):
            return post_hold(book=book, reference="r", draft=draft, now=NOW, part=True)

    assert len(set(all_at_once(work, THREADS))) == 1
    with in_book(book):
        assert funds(book=book, code=WALLET) == Funds(balance=970, held=70)
    assert broken("ops", book) == {}


def test_a_whole_life_in_every_thread_ends_with_nothing_held() -> None:
    """Placing, posting, releasing and plain postings on one account, whose floor is nothing."""
    book = a_funded_book(1000)

    def work(number: int) -> int:
        dice, spent = random.Random(number), 0
        for turn in range(5):
            amount, reference = dice.randint(1, 150), f"{number}:{turn}"
            try:
                with in_book(book):
                    hold(book, amount, reference=reference)
            except InsufficientFundsError:
                continue
            with in_book(book):
                assert funds(book=book, code=WALLET).available >= 0
                if dice.random() < 0.5:
                    release(book=book, reference=reference, reason="", now=NOW)
                else:
                    draft = spending(amount)
                    post_hold(book=book, reference=reference, draft=draft, now=NOW)
                    spent += amount
        return spent

    spent = sum(all_at_once(work, THREADS))
    with in_book(book):
        assert funds(book=book, code=WALLET) == Funds(balance=1000 - spent, held=0)
    assert broken("ops", book) == {}


def a_book_with(amount: int, codes: list[str]) -> UUID:
    """A book with guarded accounts of these codes, each of which has so much."""
    specs = [
        AccountSpec(code=code, currency="CNY", normal_side=Side.CREDIT, floor=0) for code in codes
    ]
    book = a_book(*specs)
    with in_book(book):
        filled = [
            a_draft(debit(CASH, amount, "CNY"), credit(code, amount, "CNY")) for code in codes
        ]
        post_many(book=book, drafts=filled, now=NOW)
    return book


def test_holds_posted_across_two_accounts_do_not_deadlock() -> None:
    """Each hold's own account is one of two that its entry moves, in either order."""
    codes = ["first:CNY", "second:CNY"]
    book = a_book_with(999, codes)

    def work(number: int) -> None:
        mine, other = codes if number % 2 else reversed(codes)
        for turn in range(8):
            reference = f"{number}:{turn}"
            with in_book(book):
                hold(book, 5, mine, reference=reference)
            with in_book(book):
                draft = a_draft(debit(mine, 5, "CNY"), credit(other, 5, "CNY"))
                post_hold(book=book, reference=reference, draft=draft, now=NOW)

    all_at_once(work, THREADS)
    with in_book(book):
        for code in codes:
            assert funds(book=book, code=code) == Funds(balance=999, held=0)
    assert broken("ops", book) == {}


def test_everything_at_once_across_two_accounts_does_not_deadlock() -> None:
    """Parts, releases and expiry of many holds in batches, on both accounts in either order."""
    codes = ["first:CNY", "second:CNY"]
    book = a_book_with(9999, codes)

    def work(number: int) -> None:
        mine, other = codes if number % 2 else reversed(codes)
        for turn in range(8):
            reference = f"{number}:{turn}"
            with in_book(book):
                hold(book, 5, mine, reference=reference, expires_at=NOW)
            with suppress(HoldSettledError), in_book(book):
                draft = a_draft(debit(mine, 2, "CNY"), credit(other, 2, "CNY"))
                post_hold(book=book, reference=reference, draft=draft, now=NOW, part=True)
            with in_book(book):
                if number % 4 < 2:
                    expire(book=book, now=NOW, limit=7)
                else:
                    with suppress(HoldSettledError):
                        release(book=book, reference=reference, reason="", now=NOW)

    all_at_once(work, THREADS)
    with in_book(book):
        while expire(book=book, now=NOW):
            pass
        assert sum(funds(book=book, code=code).balance for code in codes) == 2 * 9999
        assert [funds(book=book, code=code).held for code in codes] == [0, 0]
        assert set(Hold.objects.values_list("state", flat=True)) == {"released", "expired"}
    assert broken("ops", book) == {}


def test_facts_and_holds_at_once_never_promise_what_a_fact_has_taken() -> None:
    low = AccountSpec(code="low:CNY", currency="CNY", normal_side=Side.CREDIT, floor=-(10**12))
    book = a_book(low)
    with in_book(book):
        filled = a_draft(debit(CASH, 1000, "CNY"), credit(low.code, 1000, "CNY"))
        post(book=book, draft=filled, now=NOW)

    def work(number: int) -> int:
        if number % 4 == 0:
            with in_book(book):
                post(book=book, draft=spending(300, low.code), now=NOW)
            return 0
        try:
            with in_book(book):
                hold(book, 90, low.code)
                assert funds(book=book, code=low.code).available >= 0
        except InsufficientFundsError:
            return 0
        return 90

    held = sum(all_at_once(work, THREADS))
    with in_book(book):
        assert funds(book=book, code=low.code) == Funds(balance=1000 - 4 * 300, held=held)
    assert broken("ops", book) == {}
