"""A hold keeps money of a guarded account until it is posted or released."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest

from ledger.balances import Funds, funds
from ledger.book import AccountSpec, Side, credit, debit, post
from ledger.errors import (
    BookNotOpenError,
    CurrencyMismatchError,
    DuplicateReferenceError,
    HoldMismatchError,
    HoldSettledError,
    InsufficientFundsError,
    InvalidAmountError,
    InvalidDraftError,
    UnguardedAccountError,
    UnknownAccountError,
    UnknownHoldError,
)
from ledger.holds import place, release
from ledger.holds import post as post_hold
from ledger.models import Hold, HoldState, JournalEntry
from tests.ledger.build import (
    CASH,
    NOW,
    OWED,
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
LOW = AccountSpec(code="low:CNY", currency="CNY", normal_side=Side.CREDIT, floor=-(10**15 - 1))
TILL = AccountSpec(code="till:CNY", currency="CNY", normal_side=Side.DEBIT, floor=0)


# --- The three ways -----------------------------------------------------------------------


def test_a_hold_is_placed_and_posted() -> None:
    book, subject = a_funded_book(100), uuid.uuid4()
    with in_book(book):
        id = hold(book, 70, reference="out:1", subject=subject, expires_at=LATER)
        assert funds(book=book, code=WALLET) == Funds(balance=100, held=70)
        assert funds(book=book, code=WALLET).available == 30

        entry = post_hold(book=book, reference="out:1", draft=spending(70), now=LATER)
        assert funds(book=book, code=WALLET) == Funds(balance=30, held=0)

        row = Hold.objects.get(id=id)
        assert (row.state, row.taken, row.subject) == (HoldState.POSTED, 70, subject)
        assert (row.placed_at, row.settled_at, row.expires_at) == (NOW, LATER, LATER)
        posted = JournalEntry.objects.get(id=entry)
        assert (posted.known_at, posted.hold_id) == (LATER, id)
    assert broken("ops", book) == {}


def test_a_hold_is_placed_and_released() -> None:
    book = a_funded_book(100)
    with in_book(book):
        id = hold(book, 100, reference="out:1")
        release(book=book, reference="out:1", reason="the bank said no", now=LATER)
        assert funds(book=book, code=WALLET) == Funds(balance=100, held=0)
        row = Hold.objects.get(id=id)
        assert (row.state, row.reason) == (HoldState.RELEASED, "the bank said no")
        assert (row.settled_at, row.taken) == (LATER, 0)
    assert broken("ops", book) == {}


def test_a_hold_of_an_account_with_a_debit_side_is_the_same() -> None:
    book = a_book(TILL)
    with in_book(book):
        filled = a_draft(debit("till:CNY", 9, "CNY"), credit(OWED, 9, "CNY"))
        post(book=book, draft=filled, now=NOW)
        hold(book, 9, "till:CNY", reference="r")
        with pytest.raises(InsufficientFundsError):
            hold(book, 1, "till:CNY")
        out = a_draft(debit(CASH, 9, "CNY"), credit("till:CNY", 9, "CNY"))
        post_hold(book=book, reference="r", draft=out, now=NOW)
        assert funds(book=book, code="till:CNY") == Funds(balance=0, held=0)
    assert broken("ops", book) == {}


# --- Promises need money, facts do not ----------------------------------------------------


def test_no_more_is_held_than_there_is() -> None:
    book = a_funded_book(100)
    with in_book(book):
        hold(book, 60)
        with pytest.raises(InsufficientFundsError):
            hold(book, 41)
        hold(book, 40)
        assert funds(book=book, code=WALLET).available == 0


def test_a_low_floor_lends_nothing_to_a_hold() -> None:
    book = a_book(LOW)
    with in_book(book):
        with pytest.raises(InsufficientFundsError):
            hold(book, 1, LOW.code)
        post(book=book, draft=a_draft(debit(CASH, 5, "CNY"), credit(LOW.code, 5, "CNY")), now=NOW)
        hold(book, 5, LOW.code)
        with pytest.raises(InsufficientFundsError):
            hold(book, 1, LOW.code)


def test_a_hold_may_take_what_is_available_as_far_below_zero_as_was_agreed() -> None:
    agreed = AccountSpec(
        code="agreed:CNY", currency="CNY", normal_side=Side.CREDIT, floor=-1000, overdraft=30
    )
    book = a_book(agreed)
    with in_book(book):
        hold(book, 20, agreed.code, reference="r")
        with pytest.raises(InsufficientFundsError):
            hold(book, 11, agreed.code)
        hold(book, 10, agreed.code)
        assert funds(book=book, code=agreed.code) == Funds(balance=0, held=30)
        post_hold(book=book, reference="r", draft=spending(20, agreed.code), now=NOW)
        assert funds(book=book, code=agreed.code) == Funds(balance=-20, held=10)
        with pytest.raises(InsufficientFundsError):
            hold(book, 1, agreed.code)
    assert broken("ops", book) == {}


def test_what_has_happened_overdraws_what_is_held_and_every_way_out_stays_open() -> None:
    """The bank took the money: the books say so, down to the floor, whatever was promised."""
    book = a_book(LOW)
    with in_book(book):
        post(book=book, draft=a_draft(debit(CASH, 10, "CNY"), credit(LOW.code, 10, "CNY")), now=NOW)
        hold(book, 6, LOW.code, reference="one")
        hold(book, 4, LOW.code, reference="two")
        post(book=book, draft=spending(25, LOW.code), now=NOW)
        assert funds(book=book, code=LOW.code) == Funds(balance=-15, held=10)
        assert funds(book=book, code=LOW.code).available == -25

        release(book=book, reference="one", reason="", now=NOW)
        post_hold(book=book, reference="two", draft=spending(4, LOW.code), now=NOW)
        assert funds(book=book, code=LOW.code) == Funds(balance=-19, held=0)
        with pytest.raises(InsufficientFundsError):
            hold(book, 1, LOW.code)
    assert broken("ops", book) == {}


def test_what_is_held_is_not_spent_where_the_floor_is_nothing() -> None:
    book = a_funded_book(100)
    with in_book(book):
        hold(book, 70)
        with pytest.raises(InsufficientFundsError):
            post(book=book, draft=spending(31), now=NOW)
        post(book=book, draft=spending(30), now=NOW)


# --- Again and again ----------------------------------------------------------------------


def test_a_hold_asked_for_again_is_the_same_hold() -> None:
    book, subject = a_funded_book(100), uuid.uuid4()
    asked: dict[str, Any] = {"reference": "r", "subject": subject, "expires_at": LATER}
    with in_book(book):
        first = hold(book, 100, **asked)
        assert hold(book, 100, **asked | {"now": LATER}) == first
        release(book=book, reference="r", reason="", now=NOW)
        assert hold(book, 100, **asked) == first
        assert funds(book=book, code=WALLET).held == 0


@pytest.mark.parametrize(
    "other",
    [
        {"amount": 11},
        {"subject": uuid.uuid4()},
        {"expires_at": LATER},
        {"account": LOW.code},
    ],
)
def test_a_hold_asked_for_again_otherwise_is_refused(other: dict[str, Any]) -> None:
    book = a_funded_book(100, LOW)
    asked: dict[str, Any] = {"reference": "r", "account": WALLET, "amount": 10, "subject": None}
    with in_book(book):
        post(book=book, draft=a_draft(debit(CASH, 99, "CNY"), credit(LOW.code, 99, "CNY")), now=NOW)
        hold(book, **asked)
        with pytest.raises(DuplicateReferenceError):
            hold(book, **asked | other)
        assert funds(book=book, code=WALLET).held == 10


def test_a_hold_posted_again_by_the_same_draft_gives_the_same_entry() -> None:
    book, draft = a_funded_book(100), spending(60)
    with in_book(book):
        hold(book, 60, reference="r")
        entry = post_hold(book=book, reference="r", draft=draft, now=NOW)
        assert post_hold(book=book, reference="r", draft=draft, now=LATER) == entry
        with pytest.raises(HoldSettledError, match=f"posted by {draft.reference}"):
            post_hold(book=book, reference="r", draft=spending(60), now=NOW)
        with pytest.raises(DuplicateReferenceError):
            other = spending(60, reference=draft.reference, memo="other")
            post_hold(book=book, reference="r", draft=other, now=NOW)
        with pytest.raises(HoldSettledError, match=f"posted by {draft.reference}"):
            release(book=book, reference="r", reason="", now=NOW)
        # As a plain entry the same draft is another content: that one takes from no hold.
        with pytest.raises(DuplicateReferenceError):
            post(book=book, draft=draft, now=NOW)
        assert funds(book=book, code=WALLET) == Funds(balance=40, held=0)
    assert broken("ops", book) == {}


def test_a_released_hold_stays_released_for_its_first_reason() -> None:
    book = a_funded_book(100)
    with in_book(book):
        id = hold(book, 60, reference="r")
        release(book=book, reference="r", reason="first", now=NOW)
        release(book=book, reference="r", reason="second", now=LATER)
        with pytest.raises(HoldSettledError, match="released"):
            post_hold(book=book, reference="r", draft=spending(60), now=NOW)
        row = Hold.objects.get(id=id)
        assert (row.reason, row.settled_at) == ("first", NOW)
        assert funds(book=book, code=WALLET) == Funds(balance=100, held=0)


def test_a_fact_that_is_in_the_books_already_posts_no_hold() -> None:
    """An entry says itself which hold it posts, and cannot be told so afterwards."""
    book, draft = a_funded_book(100), spending(40)
    with in_book(book):
        hold(book, 40, reference="r")
        post(book=book, draft=draft, now=NOW)
        with pytest.raises(DuplicateReferenceError):
            post_hold(book=book, reference="r", draft=draft, now=NOW)
        assert funds(book=book, code=WALLET) == Funds(balance=60, held=40)
        release(book=book, reference="r", reason="spent without it", now=NOW)
    assert broken("ops", book) == {}


# --- What is refused leaves no trace ------------------------------------------------------


def test_an_entry_posts_one_hold() -> None:
    book, draft = a_funded_book(100), spending(40)
    with in_book(book):
        hold(book, 40, reference="one")
        hold(book, 40, reference="two")
        post_hold(book=book, reference="one", draft=draft, now=NOW)
        with pytest.raises(DuplicateReferenceError):
            post_hold(book=book, reference="two", draft=draft, now=NOW)
        assert funds(book=book, code=WALLET) == Funds(balance=60, held=40)
    assert broken("ops", book) == {}


@pytest.mark.parametrize("amount", [39, 41])
def test_an_entry_that_takes_another_amount_posts_nothing(amount: int) -> None:
    book = a_funded_book(100)
    with in_book(book):
        hold(book, 40, reference="r")
        with pytest.raises(HoldMismatchError):
            post_hold(book=book, reference="r", draft=spending(amount), now=NOW)
        assert funds(book=book, code=WALLET) == Funds(balance=100, held=40)
        # In two movements it is the same amount.
        two = a_draft(debit(WALLET, 39, "CNY"), debit(WALLET, 1, "CNY"), credit(CASH, 40, "CNY"))
        post_hold(book=book, reference="r", draft=two, now=NOW)
    assert broken("ops", book) == {}


def test_an_entry_that_does_not_touch_the_account_posts_nothing() -> None:
    book = a_funded_book(100)
    with in_book(book):
        hold(book, 100, reference="r")
        with pytest.raises(HoldMismatchError):
            post_hold(book=book, reference="r", draft=a_draft(), now=NOW)
        nowhere = a_draft(debit(WALLET, 100, "CNY"), credit("nowhere", 100, "CNY"))
        with pytest.raises(UnknownAccountError):
            post_hold(book=book, reference="r", draft=nowhere, now=NOW)
        dollars = a_draft(debit(WALLET, 100, "USD"), credit(CASH, 100, "USD"))
        with pytest.raises(CurrencyMismatchError):
            post_hold(book=book, reference="r", draft=dollars, now=NOW)
        assert funds(book=book, code=WALLET) == Funds(balance=100, held=100)


def test_a_hold_names_what_is_wrong_with_it() -> None:
    book = a_funded_book(100)
    wrong: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"account": "nowhere"}, UnknownAccountError),
        ({"account": CASH}, UnguardedAccountError),
        ({"currency": "USD"}, CurrencyMismatchError),
        ({"amount": 0}, InvalidAmountError),
        ({"amount": -1}, InvalidAmountError),
        ({"amount": 10**15}, InvalidAmountError),
        ({"amount": 1.0}, InvalidAmountError),
        ({"amount": True}, InvalidAmountError),
        ({"reference": ""}, InvalidDraftError),
        ({"reference": "x" * 201}, InvalidDraftError),
        ({"account": "a\0"}, InvalidDraftError),
        ({"now": NOW.replace(tzinfo=None)}, InvalidDraftError),
        ({"expires_at": NOW.replace(tzinfo=None)}, InvalidDraftError),
    ]
    with in_book(book):
        for fields, error in wrong:
            asked: dict[str, Any] = {"account": WALLET, "amount": 1}
            with pytest.raises(error):
                hold(book, **asked | fields)
        assert not Hold.objects.exists()


def test_nothing_is_settled_that_was_never_held() -> None:
    book = a_funded_book(100)
    with in_book(book):
        with pytest.raises(UnknownHoldError):
            release(book=book, reference="nothing", reason="", now=NOW)
        with pytest.raises(UnknownHoldError):
            post_hold(book=book, reference="nothing", draft=spending(1), now=NOW)
        with pytest.raises(InvalidDraftError):
            release(book=book, reference="nothing", reason="x" * 2001, now=NOW)


def test_another_books_hold_is_neither_seen_nor_settled() -> None:
    book, other = a_funded_book(100), a_funded_book(100)
    with in_book(book):
        hold(book, 60, reference="r")
    with in_book(other):
        with pytest.raises(BookNotOpenError):
            release(book=book, reference="r", reason="", now=NOW)
        with pytest.raises(BookNotOpenError):
            post_hold(book=book, reference="r", draft=spending(60), now=NOW)
        with pytest.raises(BookNotOpenError):
            place(book=book, reference="s", account=WALLET, amount=1, currency="CNY",
                  subject=None, now=NOW)  # fmt: skip
        with pytest.raises(BookNotOpenError):
            funds(book=book, code=WALLET)
        with pytest.raises(UnknownHoldError):
            release(book=other, reference="r", reason="", now=NOW)
        hold(other, 100, reference="r")
    with in_book(book):
        assert funds(book=book, code=WALLET) == Funds(balance=100, held=60)


def test_funds_are_known_of_guarded_accounts_only() -> None:
    book = a_book()
    with in_book(book):
        assert funds(book=book, code=WALLET) == Funds(balance=0, held=0)
        with pytest.raises(UnguardedAccountError):
            funds(book=book, code=CASH)
        with pytest.raises(UnknownAccountError):
            funds(book=book, code="nowhere")
