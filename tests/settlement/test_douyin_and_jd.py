"""What Douyin and JD say on its way into the books: wallets, what is not settled, workbooks."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from accounts.access import acting_for
from accounts.models import Merchant, Store
from accounts.onboarding import add_store, open_settlement_account
from ledger import balances
from ledger.checks import prove
from settlement import bookings
from settlement.models import Line, Payout, SourceDocument
from tests.build import a_merchant, upload, work_off

pytestmark = pytest.mark.usefixtures("database")

FIXTURES = Path(__file__).parent.parent / "platforms" / "fixtures"


def _store(platform: str) -> tuple[Merchant, Store]:
    merchant = a_merchant()
    with acting_for(merchant.id):
        account = open_settlement_account(merchant, name="main")
        return merchant, add_store(account, platform=platform, name="shop")


def _given(merchant: Merchant, store: Store, case: str) -> SourceDocument:
    (path,) = (FIXTURES / store.platform / case).glob("input.*")
    document = upload(merchant.id, path, store=store)
    work_off(merchant.id)
    with acting_for(merchant.id):
        document.refresh_from_db()
    return document


def _owed(merchant: Merchant, store: Store) -> Decimal:
    with acting_for(merchant.id):
        code = bookings.receivable(store.id, "CNY")
        return Decimal(balances.balances(book=merchant.id, prefix=code)[code].amount) / 100


def _faults(merchant: Merchant) -> list[object]:
    return [fault for fault in prove(using="ops", book=merchant.id) if fault.violations]


def test_the_export_and_the_file_of_the_api_hold_two_kinds_of_movement() -> None:
    merchant, store = _store("douyin")
    document = _given(merchant, store, "fund_flow_export")
    assert (document.state, document.unverified) == ("loaded", "fund_flow_export")
    with acting_for(merchant.id):
        (payout,) = Payout.objects.filter(live=True)
    # 170.05 + 96.50 − 179 − 22.86 + 3, less the withdrawal of 200.
    assert payout.amount.amount == 200
    assert _owed(merchant, store) == Decimal("67.69") - 200
    again = _given(merchant, store, "fund_flow_workbook")
    # The same rows saved as a workbook, the last left out, add nothing.
    assert (again.state, again.rows_kept, again.rows_restated) == ("loaded", 0, 0)
    assert not _faults(merchant)


def test_a_page_of_movements_and_the_bill_of_the_same_money() -> None:
    merchant, store = _store("douyin")
    page = _given(merchant, store, "api_account_items")
    before = _owed(merchant, store)
    bill = _given(merchant, store, "api_settle_bill")
    assert (page.state, bill.state) == ("loaded", "loaded")
    assert bill.rows_kept == 8 and _owed(merchant, store) == before
    assert _given(merchant, store, "api_account_items_short").state == "refused"
    assert not _faults(merchant)


@pytest.mark.parametrize(
    ("case", "owed", "told"),
    [
        ("settlement_detail_open", "105.00", 3),
        ("settlement_export", "14.79", 1),
        ("wallet", "21.16", 4),
    ],
)
def test_jd_owes_what_is_settled_and_tells_the_rest(case: str, owed: str, told: int) -> None:
    merchant, store = _store("jd")
    assert _given(merchant, store, case).state == "loaded"
    assert _owed(merchant, store) == Decimal(owed)
    with acting_for(merchant.id):
        assert Line.objects.filter(live=True, books=False).count() == told
    assert not _faults(merchant)


def test_two_numberings_of_one_store_are_not_mixed() -> None:
    merchant, store = _store("jd")
    assert _given(merchant, store, "settlement_detail").state == "loaded"
    assert _given(merchant, store, "settlement_export").state == "refused"
    assert _given(merchant, store, "wallet").state == "loaded"
