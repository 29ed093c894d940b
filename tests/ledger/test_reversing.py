"""Corrections are reversals: the mirror of an entry, posted once."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from ledger.balances import balance
from ledger.book import credit, debit, post, post_many, reverse
from ledger.errors import (
    DuplicateReferenceError,
    InsufficientFundsError,
    InvalidDraftError,
    UnknownEntryError,
)
from ledger.models import JournalEntry, Posting
from tests.ledger.build import CASH, NOW, OWED, TODAY, WALLET, a_book, a_draft, broken, in_book

pytestmark = pytest.mark.usefixtures("database")


def test_a_reversal_is_the_mirror_and_leaves_both_entries() -> None:
    book, subject = a_book(), uuid.uuid4()
    draft = a_draft(debit(CASH, 100, "CNY", subject=subject), credit(OWED, 100, "CNY"))
    with in_book(book):
        original = post(book=book, draft=draft, now=NOW)
        reversal = reverse(
            book=book,
            reference=draft.reference,
            reason="uploaded twice",
            now=NOW + timedelta(days=1),
            booked_on=TODAY + timedelta(days=1),
        )
        entry = JournalEntry.objects.get(id=reversal)
        lines = list(Posting.objects.filter(entry_id=reversal).select_related("account"))
        assert balance(book=book, code=CASH) == 0
        assert JournalEntry.objects.filter(book=book).count() == 2
    assert entry.reference == f"{draft.reference}:reversed"
    assert (entry.kind, entry.memo) == ("reversal", "uploaded twice")
    assert (entry.reverses, entry.booked_on) == (original, TODAY + timedelta(days=1))
    assert entry.event_at == entry.known_at == NOW + timedelta(days=1)
    assert [(x.line_no, x.account.code, x.side, x.amount, x.subject) for x in lines] == [
        (1, CASH, "C", 100, subject),
        (2, OWED, "D", 100, None),
    ]
    assert broken("ops", book) == {}


def test_reversing_twice_gives_the_first_reversal_whatever_the_reason() -> None:
    book, draft = a_book(), a_draft()
    with in_book(book):
        post(book=book, draft=draft, now=NOW)
        first = reverse(
            book=book, reference=draft.reference, reason="one", now=NOW, booked_on=TODAY
        )
        again = reverse(
            book=book,
            reference=draft.reference,
            reason="another",
            now=NOW + timedelta(days=3),
            booked_on=TODAY + timedelta(days=3),
        )
        assert again == first
        assert balance(book=book, code=CASH) == 0


def test_a_reversal_can_be_reversed_which_restores_the_fact() -> None:
    book, draft = a_book(), a_draft()
    with in_book(book):
        post(book=book, draft=draft, now=NOW)
        for reference in (draft.reference, f"{draft.reference}:reversed"):
            reverse(book=book, reference=reference, reason="", now=NOW, booked_on=TODAY)
        assert balance(book=book, code=CASH) == 100
    assert broken("ops", book) == {}


def test_only_a_known_entry_is_reversed() -> None:
    book, draft = a_book(), a_draft()
    with in_book(book):
        with pytest.raises(UnknownEntryError):
            reverse(book=book, reference="nothing", reason="", now=NOW, booked_on=TODAY)
        post(book=book, draft=draft, now=NOW)
        for reason in ("\0", "x" * 2001):
            with pytest.raises(InvalidDraftError):
                reverse(
                    book=book, reference=draft.reference, reason=reason, now=NOW, booked_on=TODAY
                )


def test_a_reversal_keeps_the_floor_too() -> None:
    book = a_book()
    topped_up = a_draft(debit(CASH, 10, "CNY"), credit(WALLET, 10, "CNY"))
    spent = a_draft(debit(WALLET, 4, "CNY"), credit(CASH, 4, "CNY"))
    with in_book(book):
        post_many(book=book, drafts=[topped_up, spent], now=NOW)
        with pytest.raises(InsufficientFundsError):
            reverse(book=book, reference=topped_up.reference, reason="", now=NOW, booked_on=TODAY)
        assert balance(book=book, code=WALLET) == 6


def test_a_reference_in_the_way_of_a_reversal_is_named() -> None:
    book, draft = a_book(), a_draft()
    squatter = a_draft(reference=f"{draft.reference}:reversed")
    with in_book(book):
        post_many(book=book, drafts=[draft, squatter], now=NOW)
        with pytest.raises(DuplicateReferenceError):
            reverse(book=book, reference=draft.reference, reason="", now=NOW, booked_on=TODAY)
