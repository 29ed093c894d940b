"""The whole circle in a real browser: fifty stores, a statement, a matched payout, money out.

Workers' work is done by hand between the clicks; the bank is a simulated one over HTTP. A second
merchant signs in at the end and sees none of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from accounts.access import acting_for
from accounts.models import Store, User
from sandbox.online_bank import RunningBank
from settlement.models import Withdrawal
from tests.bank import close_day, collect, connected_bank, pay
from tests.build import work_off
from tests.money import PAID, Shop, a_shop, statement
from tests.settlement.files import fund_flow
from tests.settlement.sheets import fifty, filled
from tests.web import test_browser
from tests.web.test_browser import Visit
from tests.web.withdrawing import owner_of

pytestmark = test_browser.pytestmark
browser, server = test_browser.browser, test_browser.server


@dataclass(frozen=True)
class Signing:
    """Who signs in."""

    owner: User


WORDS = {
    "en-GB": {
        "linked": "50 stores are linked", "waiting": "Waiting", "read": "Loaded",
        "matched": "Reconciled", "left": "3 of 3 left", "confirm": "Withdraw ¥2,500.00 now",
        "taken": "Taken by the bank", "paid": "Paid", "saved": "You saved",
    },
    "zh-CN": {
        "linked": "已关联 50 家店铺", "waiting": "等待中", "read": "已载入",
        "matched": "已核对", "left": "剩余 3 / 3 次", "confirm": "立即提现 ¥2,500.00",
        "taken": "银行已受理", "paid": "已付款", "saved": "您节省了",
    },
}  # fmt: skip


@pytest.mark.parametrize(("width", "language"), [(1280, "en-GB"), (390, "zh-CN")])
def test_from_fifty_stores_to_money_out(
    width: int,
    language: str,
    browser: object,
    server: str,
    tmp_path: Path,
    settings: Any,
) -> None:
    words = WORDS[language]
    shop = a_shop("云溪家居有限公司")
    with connected_bank(tmp_path, settings, shop) as bank:
        visit = Visit(browser, server, width=width, language=language)
        visit.sign_in(Signing(owner_of(shop)))  # type: ignore[arg-type]
        store = fifty_stores_are_linked(visit, shop, tmp_path, words)
        a_payout_is_matched(visit, shop, store, tmp_path, words)
        withdrawal = money_goes_out(visit, shop, bank, words)
        assert visit.complaints == []
        visit.context.close()

    stranger = a_shop("another merchant")
    other = Visit(browser, server, width=width, language=language)
    other.sign_in(Signing(owner_of(stranger)))  # type: ignore[arg-type]
    nothing_of_it_is_seen(other, shop, store, withdrawal)


def fifty_stores_are_linked(visit: Visit, shop: Shop, folder: Path, words: dict[str, str]) -> Store:
    """Download the template, fill it in, look it over, confirm; returns the first of them."""
    visit.open("/stores/link/")
    with visit.page.expect_download() as download:
        visit.page.click("a[download]")
    rows = fifty("微信支付")
    sheet = folder / "stores.xlsx"
    sheet.write_bytes(filled(Path(download.value.path()).read_bytes(), rows))
    visit.page.set_input_files("input[name=sheet]", str(sheet))
    visit.page.click("#by-sheet button[type=submit]")
    visit.page.click("form[action$='/confirm/'] button")
    visit.sees(words["linked"])
    assert visit.fits()
    with acting_for(shop.id):
        return Store.objects.get(name=rows[0][1])


def a_payout_is_matched(
    visit: Visit, shop: Shop, store: Store, folder: Path, words: dict[str, str]
) -> None:
    """Upload the platform's bill and the bank's statement, and follow them to the match."""
    flows = [("10:00:00", "1", "交易", "9000.00"), ("20:00:00", "2", "提现", "-9000.00")]
    bill = fund_flow(folder / "bill.csv", flows)
    credit = [("2026-11-03", "B1", "9000.00", f"财付通提现 {PAID}")]
    camt = statement(shop, folder / "statement.xml", credit, opening="1000.00")
    for file, whose in ((bill, str(store.id)), (camt, "bank")):
        visit.open("/documents/")
        visit.page.select_option("select[name=belongs_to]", whose)
        visit.page.set_input_files("input[name=originals]", str(file))
        visit.page.click("#upload button[type=submit]")
        badge = visit.page.locator("#document-list .badge").first
        badge.get_by_text(words["waiting"]).wait_for()
        visit.page.locator("#work").wait_for()
        work_off(shop.id)
        visit.page.locator("#work").wait_for(state="detached")
        visit.page.locator("#document-list .badge").first.get_by_text(words["read"]).wait_for()
        assert visit.fits()
    visit.open("/payouts/")
    visit.page.locator("tbody .badge").get_by_text(words["matched"]).wait_for()
    assert visit.fits()


def money_goes_out(
    visit: Visit, shop: Shop, bank: RunningBank, words: dict[str, str]
) -> Withdrawal:
    """Order it free of charge; a worker pays it, and the next statement shows it."""
    visit.open("/withdraw/")
    visit.sees(words["left"])
    visit.page.fill("input[name=amount]", "2500")
    visit.page.keyboard.press("Enter")
    visit.page.get_by_text(words["confirm"]).click()
    visit.page.locator("#receipt").wait_for()
    with acting_for(shop.id):
        withdrawal = Withdrawal.objects.get()
    pay(shop, withdrawal)
    visit.page.locator("#receipt").get_by_text(words["taken"]).first.wait_for()
    close_day(bank)
    collect(shop)
    visit.page.locator("#receipt").get_by_text(words["paid"]).first.wait_for()
    assert visit.fits()
    visit.open("/withdrawals/")
    visit.sees(words["saved"])
    return withdrawal


def nothing_of_it_is_seen(visit: Visit, shop: Shop, store: Store, withdrawal: Withdrawal) -> None:
    for path in ("/", "/stores/", "/payouts/", "/bank/", "/documents/", "/withdrawals/",
                 "/withdraw/", "/payees/"):  # fmt: skip
        visit.open(path)
        seen = visit.page.content()
        assert store.name not in seen, path
        assert str(shop.bank_account.number_tail) not in seen, path
        assert withdrawal.number not in seen, path
    answer = visit.page.goto(f"{visit.server}/withdrawals/{withdrawal.id}/")
    assert answer is not None
    assert answer.status == 404
