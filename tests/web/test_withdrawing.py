"""A merchant withdraws: it sees the price, orders once, and follows the money to the bank."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from djmoney.money import Money

from accounts.access import acting_for
from accounts.models import BankAccount, Payee, PayeeState, Role
from accounts.onboarding import add_payee
from settlement.models import FeeQuote, SourceDocument, Withdrawal, WithdrawalState
from settlement.money_out import queries, quotes
from tests.money import Shop, a_shop, with_money
from tests.web.pages import read
from tests.web.withdrawing import (
    a_quote,
    a_withdrawal,
    accepted,
    at_the_bank,
    browser_of,
    in_state,
    text_of,
    words,
)

pytestmark = pytest.mark.usefixtures("database")
FORM = reverse("withdraw_money")


@pytest.fixture(autouse=True)
def bank(settings: Any) -> None:
    """A bank is connected; no worker runs here, so nobody talks to it."""
    settings.BANK_URL = "http://127.0.0.1:9"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A merchant with 9,000.00 available."""
    return with_money(a_shop(), tmp_path)


def filled_in(shop: Shop, amount: str, **fields: object) -> dict[str, object]:
    """The form's fields."""
    return {"bank_account": shop.bank_account.id, "payee": shop.payee.id, "amount": amount,
            "text": ""} | fields  # fmt: skip


def quote_page(client: Client, shop: Shop, amount: str, **fields: object) -> str:
    """Fill in the form; the address of the quote it leads to."""
    response = client.post(FORM, filled_in(shop, amount, **fields))
    assert response.status_code == 302, read(response.content.decode()).text
    return str(response["Location"])


def hidden(client: Client, url: str) -> dict[str, str]:
    """The hidden fields of a page's forms, without the token."""
    found = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"',
                            client.get(url).content.decode()))  # fmt: skip
    found.pop("csrfmiddlewaretoken", None)
    return found


def available(shop: Shop) -> Money:
    with acting_for(shop.id):
        return queries.funds(shop.account)[0].available


def orders(shop: Shop) -> list[Withdrawal]:
    with acting_for(shop.id):
        return list(Withdrawal.objects.order_by("id"))


# --- from the form to the receipt ---------------------------------------------------------


def test_a_merchant_sees_the_price_then_orders_and_gets_a_receipt(shop: Shop) -> None:
    client = browser_of(shop)
    page = text_of(client, FORM)
    for said in ("¥9,000.00", "¥10,000.00", "First 3 of a month free", "3 of 3 left"):
        assert said in page
    assert "Only for merchants of the segment “E-commerce”." in page

    quote = quote_page(client, shop, "8,000.50", text="rent")
    page = text_of(client, quote)
    assert "forgives 5.00 CNY, as number 1 of 3" in page
    assert "Leaves your account ¥8,000.50 CNY Available afterwards ¥999.50 CNY" in page
    assert orders(shop) == []

    response = client.post(quote, hidden(client, quote))
    (made,) = orders(shop)
    assert response["Location"] == reverse("withdrawal", args=[made.id])
    assert (made.amount, made.text) == (Money("8000.50", "CNY"), "rent")
    receipt = text_of(client, response["Location"])
    assert made.number in receipt
    assert "First 3 of a month free (1 of 3)" in receipt
    assert "Cancel it" in receipt
    assert available(shop) == Money("999.50", "CNY")
    assert "2 of 3 left" in text_of(client, FORM)
    assert "¥8,000.50" in text_of(client, reverse("withdrawals"))
    # Looking at the quote again leads to what was ordered.
    assert client.get(quote)["Location"] == reverse("withdrawal", args=[made.id])


def test_a_confirmation_sent_twice_orders_once(shop: Shop) -> None:
    client = browser_of(shop)
    quote = quote_page(client, shop, "100")
    confirm = hidden(client, quote)
    first, again = client.post(quote, confirm), client.post(quote, confirm)
    assert first["Location"] == again["Location"]
    other = client.post(quote, confirm | {"key": "another key"})
    assert other.status_code == 409
    assert f'href="{first["Location"]}"' in other.content.decode()
    assert len(orders(shop)) == 1
    assert available(shop) == Money("8900", "CNY")


def test_a_colleagues_quote_may_be_ordered(shop: Shop) -> None:
    quote = quote_page(browser_of(shop), shop, "100")
    colleague = browser_of(shop, role=Role.FINANCE)
    assert colleague.post(quote, hidden(colleague, quote)).status_code == 302
    (made,) = orders(shop)
    with acting_for(shop.id):
        assert made.requested_by_id != FeeQuote.objects.get(id=made.quote_id).quoted_by_id


@pytest.mark.parametrize(
    ("amount", "taken"),
    [("1,234.50", "1234.50"), (" 1234.5 ", "1234.50"), ("１２３４．５０", "1234.50"),
     ("0.01", "0.01")],
)  # fmt: skip
def test_amounts_are_taken_as_people_write_them(amount: str, taken: str, shop: Shop) -> None:
    quote_page(browser_of(shop), shop, amount)
    with acting_for(shop.id):
        assert FeeQuote.objects.get().amount == Money(taken, "CNY")


@pytest.mark.parametrize(
    "amount",
    ["", "0", "-5", "1e3", "1,23", "1,2345.00", "1_000", "NaN", "٣", "0.001", "¥5", "9" * 16],
)
def test_what_is_not_plainly_an_amount_is_asked_for_again(amount: str, shop: Shop) -> None:
    response = browser_of(shop).post(FORM, filled_in(shop, amount))
    assert response.status_code == 409
    page = response.content.decode()
    assert 'id="id_amount_error"' in page or 'class="errorlist"' in page
    with acting_for(shop.id):
        assert not FeeQuote.objects.exists()


# --- refusals, each with a way onward -----------------------------------------------------


def test_an_old_quote_is_renewed_by_a_button(shop: Shop) -> None:
    with acting_for(shop.id):
        old = quotes.quote_fee(
            BankAccount.objects.select_related("merchant").get(id=shop.bank_account.id),
            amount=Money(100, "CNY"),
            by=None,
            now=timezone.now() - timedelta(minutes=16),
        )
    client = browser_of(shop)
    url = f"{reverse('quote', args=[old.id])}?payee={shop.payee.id}&text=rent"
    assert "This quote has expired" in text_of(client, url)
    sent = client.post(url, {"payee": shop.payee.id, "key": "a key of mine"})
    assert sent.status_code == 409
    assert "this quote has expired" in words(sent)
    again = client.post(FORM, hidden(client, url))
    assert again.status_code == 302
    assert "text=rent" in again["Location"]
    assert orders(shop) == []


def test_whoever_comes_too_late_for_the_free_withdrawal_is_offered_the_new_price(
    shop: Shop,
) -> None:
    client = browser_of(shop)
    quote = quote_page(client, shop, "100")
    for _turn in range(3):
        a_withdrawal(shop, "1")
    before = available(shop)
    refused = client.post(quote, hidden(client, quote))
    assert refused.status_code == 409
    assert "have been used meanwhile" in words(refused)
    assert "Get a new quote" in words(refused)
    assert (len(orders(shop)), available(shop)) == (3, before)
    assert "you pay 5.00 CNY" in text_of(client, quote_page(client, shop, "100"))


def test_more_than_there_is_is_said_before_and_refused_after(shop: Shop) -> None:
    client = browser_of(shop)
    quote = quote_page(client, shop, "9000.01")
    assert "does not cover" in text_of(client, quote)
    assert "key" not in hidden(client, quote)
    refused = client.post(quote, {"payee": shop.payee.id, "key": "a key of mine"})
    assert refused.status_code == 409
    assert "the available balance does not cover this amount" in words(refused)
    assert orders(shop) == []
    with acting_for(shop.id):
        assert not queries.funds(shop.account)[0].held.amount


def test_a_blocked_payee_is_neither_offered_nor_paid(shop: Shop) -> None:
    client = browser_of(shop)
    quote = quote_page(client, shop, "100")
    with acting_for(shop.id):
        Payee.objects.filter(id=shop.payee.id).update(state=PayeeState.BLOCKED)
    refused = client.post(quote, hidden(client, quote))
    assert refused.status_code == 409
    assert "this payee is blocked" in words(refused)
    assert client.post(FORM, filled_in(shop, "100")).status_code == 409
    assert orders(shop) == []


def test_a_payee_is_paid_in_its_own_currency(shop: Shop) -> None:
    with acting_for(shop.id):
        dollars = add_payee(shop.merchant, holder="D", bank="B", number="12345678", currency="USD")
    response = browser_of(shop).post(FORM, filled_in(shop, "100", payee=dollars.id))
    assert "This payee's account is in USD." in words(response)


def test_without_a_bank_nothing_is_quoted_or_ordered(shop: Shop, settings: Any) -> None:
    client = browser_of(shop)
    quote = quote_page(client, shop, "100")
    confirm = hidden(client, quote)
    settings.BANK_URL = ""
    page = text_of(client, FORM)
    assert "No bank is connected." in page
    assert "See what it costs" not in page
    assert "¥9,000.00" in page
    assert client.post(FORM, filled_in(shop, "5")).status_code == 409
    refused = client.post(quote, confirm)
    assert refused.status_code == 409
    assert "No bank is connected." in words(refused)
    assert orders(shop) == []
    with acting_for(shop.id):
        assert FeeQuote.objects.count() == 1


def test_a_viewer_looks_and_cannot_touch(shop: Shop) -> None:
    made = a_withdrawal(shop, "100")
    client = browser_of(shop, role=Role.VIEWER)
    assert "Owners and finance may withdraw" in text_of(client, FORM)
    assert 'name="amount"' not in client.get(FORM).content.decode()
    assert "Add a payee" not in text_of(client, reverse("payees"))
    receipt = text_of(client, reverse("withdrawal", args=[made.id]))
    assert made.number in receipt
    assert "Cancel it" not in receipt
    assert client.post(FORM, filled_in(shop, "5")).status_code == 403
    assert client.post(reverse("payees"), {"holder": "me"}).status_code == 403
    assert client.post(reverse("cancel_withdrawal", args=[made.id])).status_code == 403
    assert orders(shop)[0].state == WithdrawalState.RESERVED


def test_another_merchants_payee_or_account_is_no_choice(shop: Shop, tmp_path: Path) -> None:
    other = a_shop("another")
    client = browser_of(shop)
    for fields in ({"payee": other.payee.id}, {"bank_account": other.bank_account.id}):
        assert client.post(FORM, filled_in(shop, "5", **fields)).status_code == 409
    quote = quote_page(client, shop, "100")
    for named in (str(other.payee.id), "nonsense", ""):
        assert client.get(f"{quote.partition('?')[0]}?payee={named}").status_code == 404
    sent = client.post(quote, hidden(client, quote) | {"payee": str(other.payee.id)})
    assert sent.status_code == 404
    assert orders(shop) == []


# --- taking it back -----------------------------------------------------------------------


def test_what_has_not_gone_out_can_be_cancelled_and_nothing_else(shop: Shop) -> None:
    client = browser_of(shop)
    waiting, gone = a_withdrawal(shop, "100"), accepted(a_withdrawal(shop, "50"))
    said = client.post(reverse("cancel_withdrawal", args=[waiting.id]), follow=True)
    assert "The withdrawal was cancelled." in words(said)
    assert available(shop) == Money("8950", "CNY")
    for withdrawal in (waiting, gone):
        said = client.post(reverse("cancel_withdrawal", args=[withdrawal.id]), follow=True)
        assert "cannot be cancelled any more" in words(said)
    assert [made.state for made in orders(shop)] == ["cancelled", "accepted"]


# --- what became of it --------------------------------------------------------------------


def test_a_withdrawal_is_followed_to_its_bank_line_and_back(shop: Shop, tmp_path: Path) -> None:
    client = browser_of(shop)
    kept, back = accepted(a_withdrawal(shop, "1000")), accepted(a_withdrawal(shop, "200"))
    at_the_bank(shop, tmp_path, (kept, "-"), (back, "-"), opening="10000.00")
    at_the_bank(shop, tmp_path, (back, ""), opening="8800.00")
    for withdrawal, entries in ((kept, 1), (back, 2)):
        page = read(client.get(reverse("withdrawal", args=[withdrawal.id])).content.decode())
        lines = [link for link in page.links if re.fullmatch(r"/bank/[0-9a-f-]{36}/", link)]
        assert len(lines) == entries
        for line in lines:
            shown = client.get(line).content.decode()
            assert reverse("withdrawal", args=[withdrawal.id]) in shown
            assert "carries the number of your withdrawal" in read(shown).text
    assert "sent the money back" in text_of(client, reverse("withdrawal", args=[back.id]))
    lines_page = client.get(reverse("bank_lines")).content.decode()
    assert lines_page.count(reverse("withdrawal", args=[back.id])) == 2
    # The one that came back saved nothing.
    history = text_of(client, reverse("withdrawals"))
    assert "You saved ¥5.00 CNY of ¥5.00 CNY in fees." in history
    assert "This month: ¥5.00 ." in history
    overview = client.get(reverse("overview")).content.decode()
    assert "Came back: ¥200.00 CNY" in overview
    assert 'class="to-gone"' in overview


@pytest.mark.parametrize("state", WithdrawalState)
def test_a_page_asks_again_only_while_something_may_happen(
    state: WithdrawalState, shop: Shop
) -> None:
    withdrawal = a_withdrawal(shop, "100")
    with acting_for(shop.id):
        in_state(withdrawal, state)
    page = browser_of(shop).get(reverse("withdrawal", args=[withdrawal.id])).content.decode()
    moving = state in ("reserved", "submitted", "accepted", "outcome_unknown")
    assert ('hx-trigger="every' in page) is moving
    assert ("Cancel it" in page) is (state == "reserved")
    assert str(state.label).replace("'", "&#x27;") in page


def test_a_statement_that_proves_a_withdrawal_cannot_be_withdrawn(
    shop: Shop, tmp_path: Path
) -> None:
    paid = accepted(a_withdrawal(shop, "1000"))
    at_the_bank(shop, tmp_path, (paid, "-"), opening="10000.00")
    with acting_for(shop.id):
        document = SourceDocument.objects.latest("id")
    said = browser_of(shop).post(reverse("withdraw", args=[document.id]), follow=True)
    assert f"proves your withdrawal {paid.number}" in words(said)
    assert orders(shop)[0].state == WithdrawalState.SUCCEEDED


def test_an_entry_that_differs_from_its_withdrawal_is_explained(shop: Shop, tmp_path: Path) -> None:
    ordered = accepted(a_withdrawal(shop, "1000"))
    wrong = Withdrawal(id=ordered.id, number=ordered.number, amount=Money("1003.00", "CNY"),
                       merchant_id=shop.id)  # fmt: skip
    at_the_bank(shop, tmp_path, (wrong, "-"), opening="10000.00")
    page = text_of(browser_of(shop), reverse("exceptions"))
    assert "A withdrawal the bank shows differently" in page
    assert "differs from it by ¥3.00 CNY" in page


# --- what it costs us ---------------------------------------------------------------------


def test_a_receipt_and_a_quote_ask_a_fixed_number_of_questions(shop: Shop) -> None:
    client = browser_of(shop)
    withdrawal = accepted(a_withdrawal(shop, "100"))
    quote = f"{reverse('quote', args=[a_quote(shop, '5').id])}?payee={shop.payee.id}"
    for url in (quote, reverse("withdrawal", args=[withdrawal.id])):
        client.get(url)
        with CaptureQueriesContext(connections["default"]) as seen:
            text_of(client, url)
        assert len(seen) <= 24, url
