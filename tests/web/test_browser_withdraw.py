"""Withdrawing in a real browser: from the form to the bank's statement, on a desk and a phone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from accounts.access import acting_for
from accounts.models import User
from settlement.models import Withdrawal
from tests.money import Shop, a_shop, with_money
from tests.web import test_browser
from tests.web.test_browser import Visit
from tests.web.withdrawing import a_withdrawal, accepted, at_the_bank, owner_of

pytestmark = test_browser.pytestmark
browser, server = test_browser.browser, test_browser.server


@dataclass(frozen=True)
class Signing:
    """Who signs in."""

    owner: User


@pytest.fixture(autouse=True)
def bank(settings: Any) -> None:
    """A bank is connected; no worker runs here, so nobody talks to it."""
    settings.BANK_URL = "http://127.0.0.1:9"


@pytest.fixture
def shop(database: None, tmp_path: Path) -> Shop:
    """A merchant with 128,430.50 available."""
    return with_money(a_shop("云溪家居有限公司"), tmp_path, amount="128430.50")


@pytest.mark.parametrize(
    ("width", "language", "words"),
    [
        (1280, "en-GB", ("3 of 3 left", "Withdraw ¥8,000.50 now", "Reserved", "Paid")),
        (390, "zh-CN", ("剩余 3 / 3 次", "立即提现 ¥8,000.50", "已预留", "已付款")),
    ],
)
def test_money_goes_out_and_its_receipt_follows_by_itself(
    width: int,
    language: str,
    words: tuple[str, ...],
    browser: object,
    server: str,
    shop: Shop,
    tmp_path: Path,
) -> None:
    left, confirm, reserved, paid = words
    visit = Visit(browser, server, width=width, language=language)
    visit.sign_in(Signing(owner_of(shop)))  # type: ignore[arg-type]
    visit.open("/withdraw/")
    visit.sees(left)
    assert visit.fits()
    visit.page.fill("input[name=amount]", "8000.50")
    visit.page.fill("input[name=text]", "rent")
    visit.page.keyboard.press("Enter")
    button = visit.page.get_by_text(confirm)
    button.wait_for()
    assert visit.fits()
    button.dblclick()

    visit.page.locator("#receipt").get_by_text(reserved).first.wait_for()
    visit.page.locator("#cancel").wait_for()
    assert visit.fits()
    with acting_for(shop.id):
        made = Withdrawal.objects.get()
    at_the_bank(shop, tmp_path, (accepted(made), "-"), opening="129430.50")
    visit.page.locator("#receipt").get_by_text(paid).first.wait_for()
    visit.page.locator("#cancel").wait_for(state="detached")
    assert visit.page.locator("#receipt[hx-get]").count() == 0

    visit.open("/withdrawals/")
    visit.page.locator(f'a[href="/withdrawals/{made.id}/"]').click()
    visit.sees(made.number)
    for path in ("/", "/payees/", "/withdrawals/", "/withdraw/", "/bank/"):
        visit.open(path)
        assert visit.fits(), path
    assert visit.complaints == []


def test_an_order_is_taken_back_by_the_keyboard_and_printed_without_the_menu(
    browser: object, server: str, shop: Shop
) -> None:
    made = a_withdrawal(shop, "100")
    visit = Visit(browser, server, width=360, language="en-GB")
    visit.sign_in(Signing(owner_of(shop)))  # type: ignore[arg-type]
    visit.open(f"/withdrawals/{made.id}/")
    visit.page.locator("#cancel").focus()
    visit.page.keyboard.press("Enter")
    visit.sees("The withdrawal was cancelled.")
    assert visit.fits()
    visit.page.emulate_media(media="print")
    assert not visit.page.locator(".nav").is_visible()
    assert visit.page.locator(".slip").is_visible()
    assert visit.complaints == []
