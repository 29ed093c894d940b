"""The back-office shows the books of everybody and offers no way to change them."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.test import RequestFactory

from ledger import holds
from ledger.book import AccountSpec, Side, credit, debit, post
from ledger.models import Balance, Closing, Hold, JournalEntry, LedgerAccount, Posting, Seal
from ledger.periods import close
from ledger.seals import seal
from tests.ledger.build import (
    CASH,
    NOW,
    OWED,
    TODAY,
    a_book,
    a_draft,
    a_funded_book,
    hold,
    in_book,
    spending,
)

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def request_(rf: RequestFactory) -> HttpRequest:
    return rf.get("/")


@pytest.mark.parametrize("model", [LedgerAccount, JournalEntry, Hold, Closing, Seal])
def test_nothing_can_be_changed(
    model: type[LedgerAccount | JournalEntry | Hold | Closing | Seal], request_: HttpRequest
) -> None:
    page = admin.site._registry[model]
    assert not page.has_add_permission(request_)
    assert not page.has_change_permission(request_)
    assert not page.has_delete_permission(request_)
    permissions = {name for m in (model, Posting, Balance) for name in m._meta.default_permissions}
    assert permissions == {"view"}


def test_there_is_no_permission_but_to_view() -> None:
    for model in (LedgerAccount, JournalEntry, Posting, Balance, Hold, Closing, Seal):
        assert list(model._meta.default_permissions) == ["view"]


def test_an_entry_is_shown_with_its_postings(request_: HttpRequest) -> None:
    book, subject = a_book(), uuid.uuid4()
    with in_book(book):
        draft = a_draft(debit(CASH, 1234, "CNY", subject=subject), credit(OWED, 1234, "CNY"))
        entry_id = post(book=book, draft=draft, now=NOW)
    page = admin.site._registry[JournalEntry]
    entry = page.get_queryset(request_).get(id=entry_id)
    table = page.postings_table(entry)  # type: ignore[attr-defined]
    assert f"<td>{CASH}</td><td>1234</td><td></td><td>CNY</td><td>{subject}</td>" in table
    assert f"<td>{OWED}</td><td></td><td>1234</td><td>CNY</td><td></td>" in table
    shown = page.fingerprint(entry)  # type: ignore[attr-defined]
    assert shown.replace("<wbr>", "") == bytes(entry.content_hash).hex()


def test_the_pages_are_drawn(rf: RequestFactory) -> None:
    book = a_funded_book(5)
    with in_book(book):
        entry_id = post(book=book, draft=a_draft(reference=f"shown:{book}"), now=NOW)
        hold_id = hold(book, 5, reference=f"kept:{book}")
        close(book=book, through=TODAY, by=f"Ann {book}", reason="", now=NOW)
        closing = Closing.objects.get(book=book)
    seal(book=book, now=NOW)
    account = LedgerAccount.objects.using("ops").get(book=book, code=CASH)
    sealed = Seal.objects.using("ops").get(book=book)
    for model, text, pk in [
        (JournalEntry, f"shown:{book}", entry_id),
        (LedgerAccount, str(book), account.pk),
        (Hold, f"kept:{book}", hold_id),
        (Closing, f"Ann {book}", closing.pk),
        (Seal, str(book), sealed.pk),
    ]:
        page: Any = admin.site._registry[model]
        request = rf.get("/", {"q": text})
        request.user = get_user_model()(email="a@b.c", is_active=True, is_superuser=True)
        for response in (page.changelist_view(request), page.change_view(request, str(pk))):
            assert text in response.render().content.decode()


def test_names_are_escaped(request_: HttpRequest) -> None:
    book = a_book(AccountSpec(code="<b>", currency="CNY", normal_side=Side.DEBIT))
    with in_book(book):
        draft = a_draft(debit("<b>", 1, "CNY"), credit(OWED, 1, "CNY"))
        entry_id = post(book=book, draft=draft, now=NOW)
    page = admin.site._registry[JournalEntry]
    entry = page.get_queryset(request_).get(id=entry_id)
    assert "<td>&lt;b&gt;</td>" in page.postings_table(entry)  # type: ignore[attr-defined]
    accounts = admin.site._registry[LedgerAccount].get_queryset(request_)
    assert accounts.filter(book=book, code="<b>").exists()


def test_a_hold_is_shown_with_the_entries_that_took_from_it(request_: HttpRequest) -> None:
    book = a_funded_book(50)
    with in_book(book):
        id = hold(book, 20, reference="r")
        for number in (1, 2):
            draft = spending(number, reference=f"part:{number}")
            holds.post(book=book, reference="r", draft=draft, now=NOW, part=True)
    page = admin.site._registry[Hold]
    shown = page.get_queryset(request_).get(id=id)
    assert page.entries(shown) == "part:1, part:2"  # type: ignore[attr-defined]
