"""Who can be paid: numbers are checked, sealed, and shown by their end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from accounts.access import acting_for
from accounts.models import Payee, PayeeState
from accounts.queries import number_of_payee
from tests.money import Shop, a_shop, with_money
from tests.web.pages import read
from tests.web.withdrawing import browser_of, words

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A merchant with 9,000.00 available."""
    return with_money(a_shop(), tmp_path)


def a_payee(number: str, **fields: str) -> dict[str, str]:
    return {"holder": "Li Lei", "bank": "A Bank", "number": number, "currency": "CNY"} | fields


@pytest.mark.parametrize(
    ("number", "kept"),
    [
        ("6222 0212 3456 7890 128", "6222021234567890128"),
        ("6222-0212-3456-7890", "6222021234567890"),
        ("６２２２０２１２３４５６７８９０", "6222021234567890"),
        ("gb82 west 1234 5698 7654 32", "GB82WEST12345698765432"),
        ("DE89 3704 0044 0532 0130 00", "DE89370400440532013000"),
    ],
)
def test_a_payee_is_saved_sealed_and_shown_by_its_end(number: str, kept: str) -> None:
    shop = a_shop()
    client = browser_of(shop)
    response = client.post(reverse("payees"), a_payee(number, agent="icbkcnbj"), follow=True)
    page = response.content.decode()
    assert f"•••• {kept[-4:]}" in page
    assert kept not in page
    with acting_for(shop.id):
        payee = Payee.objects.get(holder="Li Lei")
        assert number_of_payee(payee) == kept
        assert payee.agent == "ICBKCNBJ"
    again = client.post(reverse("payees"), a_payee(number))
    assert again.status_code == 409
    assert "This account is among your payees already." in words(again)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"number": "GB82 WEST 1234 5698 7654 33"}, "check sum differs"),
        ({"number": "DE00370400440532013000"}, "check sum differs"),
        ({"number": "1234567"}, "8 to 34 digits"),
        ({"number": "1" * 35}, "8 to 34 digits"),
        ({"number": "12345678x"}, "8 to 34 digits"),
        ({"agent": "short"}, "A bank code is"),
        ({"agent": "12345678901"}, "A bank code is"),
        ({"holder": "a\x07b"}, "cannot be printed"),
        ({"currency": "XXX"}, "not one of the available choices"),
    ],
)
def test_a_payee_that_cannot_be_paid_is_not_saved(wrong: dict[str, str], said: str) -> None:
    shop = a_shop()
    response = browser_of(shop).post(reverse("payees"), a_payee("6222021234567890") | wrong)
    assert response.status_code == 409
    assert said in words(response)
    with acting_for(shop.id):
        assert Payee.objects.count() == 1


def test_whoever_has_no_payee_is_told_to_add_one(shop: Shop, settings: Any) -> None:
    settings.BANK_URL = "http://127.0.0.1:9"
    with acting_for(shop.id):
        Payee.objects.update(state=PayeeState.BLOCKED)
    page = read(browser_of(shop).get(reverse("withdraw_money")).content.decode())
    assert "No payee yet" in page.text
    assert reverse("payees") in page.links
