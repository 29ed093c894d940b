"""Posting, repeating and reversing, as the caller of the ledger sees it."""

from __future__ import annotations

import uuid
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from ledger.balances import balance, balances
from ledger.book import (
    AccountSpec,
    Draft,
    Movement,
    Side,
    credit,
    debit,
    open_accounts,
    post,
    post_many,
    reverse,
)
from ledger.drafts import check
from ledger.errors import (
    BookNotOpenError,
    CurrencyMismatchError,
    DuplicateReferenceError,
    IncompleteEntryError,
    InsufficientFundsError,
    InvalidAmountError,
    InvalidDraftError,
    LedgerError,
    MissingPartitionError,
    UnbalancedError,
    UnknownAccountError,
)
from ledger.models import JournalEntry, Posting
from tests.ledger.build import (
    CASH,
    DOLLARS,
    INCOME,
    NOW,
    OWED,
    SPECS,
    TODAY,
    WALLET,
    a_book,
    a_draft,
    broken,
    in_book,
)

pytestmark = pytest.mark.usefixtures("database")


def test_an_entry_moves_its_accounts_and_keeps_what_it_was_told() -> None:
    book, subject = a_book(), uuid.uuid4()
    draft = a_draft(
        debit(CASH, 700, "CNY", subject=subject),
        credit(OWED, 650, "CNY"),
        credit(INCOME, 50, "CNY"),
        kind="arrival",
        memo="到账 700",
        booked_on=date(2026, 3, 14),
        event_at=NOW - timedelta(days=1),
    )
    with in_book(book):
        entry_id = post(book=book, draft=draft, now=NOW)
        entry = JournalEntry.objects.get(id=entry_id)
        lines = list(Posting.objects.filter(entry_id=entry_id).select_related("account"))
        assert balance(book=book, code=CASH) == 700
        assert balance(book=book, code=OWED) == 650
        assert balance(book=book, code=INCOME) == 50
    assert (entry.reference, entry.kind, entry.memo) == (draft.reference, "arrival", "到账 700")
    assert (entry.event_at, entry.known_at) == (NOW - timedelta(days=1), NOW)
    assert (entry.booked_on, entry.posting_count, entry.reverses) == (date(2026, 3, 14), 3, None)
    assert [(x.line_no, x.account.code, x.side, x.amount, x.subject) for x in lines] == [
        (1, CASH, "D", 700, subject),
        (2, OWED, "C", 650, None),
        (3, INCOME, "C", 50, None),
    ]
    assert {(x.known_at, x.booked_on, x.currency) for x in lines} == {
        (NOW, date(2026, 3, 14), "CNY")
    }


def test_ids_sort_in_the_order_of_the_drafts() -> None:
    book = a_book()
    drafts = [a_draft() for _ in range(50)]
    with in_book(book):
        ids = post_many(book=book, drafts=drafts, now=NOW)
        found = dict(JournalEntry.objects.filter(book=book).values_list("id", "reference"))
    assert ids == sorted(ids)
    assert [found[id] for id in ids] == [draft.reference for draft in drafts]


def test_one_entry_may_move_several_currencies_each_balanced() -> None:
    dollars_owed = AccountSpec(code="owed:USD", currency="USD", normal_side=Side.CREDIT)
    book = a_book(dollars_owed)
    with in_book(book):
        draft = a_draft(
            debit(CASH, 720, "CNY"),
            credit(OWED, 720, "CNY"),
            debit(DOLLARS, 100, "USD"),
            credit("owed:USD", 100, "USD"),
        )
        post(book=book, draft=draft, now=NOW)
        assert balance(book=book, code="owed:USD") == 100


def test_the_same_fact_posted_again_gives_the_old_entry_and_writes_nothing() -> None:
    book, draft = a_book(), a_draft()
    with in_book(book):
        first = post(book=book, draft=draft, now=NOW)
    with in_book(book):
        later = NOW + timedelta(hours=1)
        assert post(book=book, draft=draft, now=later) == first
        assert post_many(book=book, drafts=[draft, a_draft(), draft], now=later)[::2] == [first] * 2
        assert balance(book=book, code=CASH) == 200


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "other"},
        {"memo": "other"},
        {"booked_on": TODAY + timedelta(days=1)},
        {"event_at": NOW + timedelta(microseconds=1)},
        {"movements": (debit(CASH, 101, "CNY"), credit(OWED, 101, "CNY"))},
        {"movements": (credit(CASH, 100, "CNY"), debit(OWED, 100, "CNY"))},
        {"movements": (debit(CASH, 100, "CNY"), credit(INCOME, 100, "CNY"))},
        {"movements": (debit(CASH, 100, "CNY", subject=uuid.uuid4()), credit(OWED, 100, "CNY"))},
    ],
)
def test_the_same_reference_with_other_content_is_refused(change: dict[str, Any]) -> None:
    book, draft = a_book(), a_draft()
    other = a_draft(**{"reference": draft.reference} | change)
    with in_book(book):
        post(book=book, draft=draft, now=NOW)
        with pytest.raises(DuplicateReferenceError):
            post_many(book=book, drafts=[a_draft(), other], now=NOW)
        with pytest.raises(DuplicateReferenceError):
            post_many(book=book, drafts=[draft, other], now=NOW)
        assert balance(book=book, code=CASH) == 100


def test_the_same_reference_in_another_book_is_another_fact() -> None:
    mine, yours, draft = a_book(), a_book(), a_draft()
    with in_book(mine):
        first = post(book=mine, draft=draft, now=NOW)
    with in_book(yours):
        assert post(book=yours, draft=draft, now=NOW) != first


def test_a_batch_is_posted_whole_or_not_at_all() -> None:
    book = a_book()
    too_much = a_draft(debit(WALLET, 1, "CNY"), credit(CASH, 1, "CNY"))
    with in_book(book):
        with pytest.raises(InsufficientFundsError):
            post_many(book=book, drafts=[a_draft(), too_much, a_draft()], now=NOW)
        assert balance(book=book, code=CASH) == 0


def test_after_a_named_error_the_callers_transaction_goes_on() -> None:
    book = a_book()
    with in_book(book):
        post(book=book, draft=a_draft(), now=NOW)
        with pytest.raises(InsufficientFundsError):
            post(book=book, draft=a_draft(debit(WALLET, 1, "CNY"), credit(CASH, 1, "CNY")), now=NOW)
        post(book=book, draft=a_draft(), now=NOW)
    with in_book(book):
        assert balance(book=book, code=CASH) == 200


def test_an_empty_batch_is_nothing() -> None:
    book = a_book()
    with in_book(book):
        assert post_many(book=book, drafts=[], now=NOW) == []


@pytest.mark.parametrize(
    ("draft", "error"),
    [
        (a_draft(debit(CASH, 100, "CNY"), credit(OWED, 99, "CNY")), UnbalancedError),
        (a_draft(debit(CASH, 100, "CNY"), credit(DOLLARS, 100, "USD")), UnbalancedError),
        (a_draft(debit(CASH, 100, "CNY")), IncompleteEntryError),
        (a_draft(*[debit(CASH, 1, "CNY"), credit(OWED, 1, "CNY")] * 16_384), IncompleteEntryError),
        (a_draft(movements=()), IncompleteEntryError),
        (a_draft(debit(CASH, 0, "CNY"), credit(OWED, 0, "CNY")), InvalidAmountError),
        (a_draft(debit(CASH, -5, "CNY"), credit(OWED, -5, "CNY")), InvalidAmountError),
        (a_draft(debit(CASH, 10**15, "CNY"), credit(OWED, 10**15, "CNY")), InvalidAmountError),
        (a_draft(debit(CASH, True, "CNY"), credit(OWED, True, "CNY")), InvalidAmountError),
        (a_draft(debit(CASH, 1.0, "CNY"), credit(OWED, 1.0, "CNY")), InvalidAmountError),  # type: ignore[arg-type]
        (a_draft(debit(CASH, 1, "CNY"), credit("nowhere", 1, "CNY")), UnknownAccountError),
        (a_draft(debit(DOLLARS, 1, "CNY"), credit(OWED, 1, "CNY")), CurrencyMismatchError),
        (a_draft(reference=""), InvalidDraftError),
        (a_draft(reference="x" * 201), InvalidDraftError),
        (a_draft(reference="a\0b"), InvalidDraftError),
        (a_draft(memo="\ud800"), InvalidDraftError),
        (a_draft(memo="x" * 2001), InvalidDraftError),
        (a_draft(kind=""), InvalidDraftError),
        (a_draft(kind="x" * 101), InvalidDraftError),
        (a_draft(event_at=NOW.replace(tzinfo=None)), InvalidDraftError),
    ],
)
def test_a_wrong_draft_is_refused_by_name(draft: Draft, error: type[LedgerError]) -> None:
    book = a_book()
    with in_book(book):
        with pytest.raises(error):
            post(book=book, draft=draft, now=NOW)
        assert all(b.amount == 0 for b in balances(book=book).values())
    if error not in (UnknownAccountError, CurrencyMismatchError):
        with pytest.raises(error):
            check(draft)


def test_the_code_names_what_is_wrong_before_the_database_does() -> None:
    book = a_book()
    foreign = a_draft(debit(DOLLARS, 1, "CNY"), credit(OWED, 1, "CNY"), reference="the fact")
    with in_book(book), pytest.raises(CurrencyMismatchError, match=f"the fact: CNY on {DOLLARS}"):
        post(book=book, draft=foreign, now=NOW)


@pytest.mark.parametrize("side", ["X", "D", ""])
def test_a_movement_needs_a_side(side: Any) -> None:
    book = a_book()
    sideless = a_draft(Movement(side, CASH, 1, "CNY"), credit(OWED, 1, "CNY"))
    with in_book(book), pytest.raises(InvalidDraftError):
        post(book=book, draft=sideless, now=NOW)


def test_a_day_is_no_instant() -> None:
    book, draft = a_book(), a_draft()
    with in_book(book):
        post(book=book, draft=draft, now=NOW)
        with pytest.raises(InvalidDraftError):
            post(book=book, draft=a_draft(booked_on=NOW), now=NOW)
        with pytest.raises(InvalidDraftError):
            reverse(book=book, reference=draft.reference, reason="", now=NOW, booked_on=NOW)


def test_the_largest_amounts_and_longest_texts_are_posted() -> None:
    book, most = a_book(), 10**15 - 1
    draft = a_draft(
        debit(CASH, most, "CNY"),
        credit(OWED, most, "CNY"),
        reference="界" * 200,
        memo="界" * 2000,
        kind="界" * 100,
    )
    with in_book(book):
        post(book=book, draft=draft, now=NOW)
        reverse(book=book, reference=draft.reference, reason="x" * 2000, now=NOW, booked_on=TODAY)
        assert balance(book=book, code=CASH) == 0


def test_the_smallest_and_the_largest_entry_are_posted() -> None:
    one = AccountSpec(code="x", currency="CNY", normal_side=Side.DEBIT)
    book, pairs = a_book(one), [debit(CASH, 1, "CNY"), credit(OWED, 1, "CNY")]
    small = a_draft(debit("x", 1, "CNY"), credit("x", 1, "CNY"), reference="r", kind="k")
    large = a_draft(*pairs * 16_382, debit(CASH, 2, "CNY"), credit(OWED, 1, "CNY"), pairs[1])
    with in_book(book):
        post_many(book=book, drafts=[small, large], now=NOW)
        assert len(large.movements) == 32_767
        assert balance(book=book, code=CASH) == 16_384


@pytest.mark.parametrize(
    "text",
    ['"', "\\", '\\"', "{}", "a,b", "NULL", " ", "\n\t\r", "%s", "$1", "'", "结算 🧾", '{"a"}'],
)
def test_any_text_is_kept_as_it_is(text: str) -> None:
    book = a_book(AccountSpec(code=text, currency="CNY", normal_side=Side.DEBIT))
    draft = a_draft(
        debit(text, 1, "CNY"), credit(OWED, 1, "CNY"), reference=text, kind=text, memo=text
    )
    with in_book(book):
        entry = post(book=book, draft=draft, now=NOW)
        assert post_many(book=book, drafts=[a_draft(), draft], now=NOW)[1] == entry
        kept = JournalEntry.objects.get(id=entry)
        assert (kept.reference, kept.kind, kept.memo) == (text, text, text)
        assert balance(book=book, code=text) == 1
    assert broken("ops", book) == {}


def test_now_must_be_aware() -> None:
    book = a_book()
    naive = NOW.replace(tzinfo=None)
    with in_book(book):
        with pytest.raises(InvalidDraftError):
            post(book=book, draft=a_draft(), now=naive)
        with pytest.raises(InvalidDraftError):
            reverse(book=book, reference="x", reason="", now=naive, booked_on=TODAY)
        with pytest.raises(InvalidDraftError):
            open_accounts(book=book, specs=SPECS, now=naive)


def test_a_month_without_a_partition_is_a_named_error() -> None:
    book = a_book()
    with in_book(book), pytest.raises(MissingPartitionError):
        post(book=book, draft=a_draft(), now=datetime(1999, 1, 1, tzinfo=NOW.tzinfo))


# --- The book must be open ----------------------------------------------------------------


def test_without_the_book_nothing_is_written_read_or_quietly_zero() -> None:
    book, other = a_book(), a_book()
    with in_book(other):
        with pytest.raises(BookNotOpenError):
            post(book=book, draft=a_draft(), now=NOW)
        with pytest.raises(BookNotOpenError):
            reverse(book=book, reference="x", reason="", now=NOW, booked_on=TODAY)
        with pytest.raises(BookNotOpenError):
            open_accounts(book=book, specs=SPECS, now=NOW)
        with pytest.raises(BookNotOpenError):
            balances(book=book)
    with transaction.atomic(), pytest.raises(BookNotOpenError):
        post(book=book, draft=a_draft(), now=NOW)
    with pytest.raises(BookNotOpenError):
        balance(book=book, code=CASH)


def test_outside_of_a_transaction_an_entry_is_one_of_its_own() -> None:
    """It is there when the call returns, and the book is open to nobody afterwards."""
    book, draft = a_book(), a_draft()
    statements: list[str] = []
    post(book=book, draft=a_draft(), now=NOW)
    with connection.execute_wrapper(noting(statements)):
        entry = post(book=book, draft=draft, now=NOW)
    assert statements == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(current_setting('tributary.tenant', true), '')")
        assert cursor.fetchone() == ("",)
    assert post(book=book, draft=draft, now=NOW) == entry
    with in_book(book):
        assert post(book=book, draft=draft, now=NOW) == entry
    other = a_draft(reference=draft.reference, memo="another")
    with pytest.raises(DuplicateReferenceError):
        post(book=book, draft=other, now=NOW)
    fresh = a_draft()
    with pytest.raises(UnknownAccountError):
        post_many(
            book=book,
            drafts=[fresh, a_draft(debit("nowhere", 1, "CNY"), credit(OWED, 1, "CNY"))],
            now=NOW,
        )
    with in_book(book):
        assert not JournalEntry.objects.filter(reference=fresh.reference).exists()


# --- Cost ---------------------------------------------------------------------------------


def noting(statements: list[str]) -> Any:
    """A wrapper that notes the first word of each statement."""

    def note(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        statements.append(sql.split()[0])
        return execute(sql, parameters, many, context)

    return note


def test_posting_takes_one_statement_however_many_entries() -> None:
    book = a_book()
    statements: list[str] = []
    with in_book(book), connection.execute_wrapper(noting(statements)):
        post(book=book, draft=a_draft(), now=NOW)
        post_many(book=book, drafts=[a_draft() for _ in range(300)], now=NOW)
    assert statements == ["SELECT"] * 2


def test_an_error_without_a_name_passes_as_it_is() -> None:
    from ledger.errors import named_errors

    with pytest.raises(IntegrityError), named_errors():
        raise IntegrityError("not of the database")
