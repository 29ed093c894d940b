"""Bills of Alipay and Pinduoduo on their way into the books."""

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
from web.dashboard import looking

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


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_overlapping_exports_of_pinduoduo_hold_each_row_once(order: tuple[int, int]) -> None:
    merchant, store = _store("pinduoduo")
    cases = ("store_bill", "store_bill_overlapping")
    first, second = (_given(merchant, store, cases[which]) for which in order)
    assert (first.state, second.state) == ("loaded", "loaded")
    # Eleven rows are in both, five of them as equals of another.
    assert first.rows_kept + second.rows_kept == 14 + 2
    assert second.unverified == "store_bill"
    with acting_for(merchant.id):
        assert Line.objects.filter(live=True).count() == 16
        (payout,) = Payout.objects.filter(live=True)
    assert (payout.amount.amount, payout.numbered) == (Decimal(99600), False)
    # 100.51 − 119,635.33 of the first, 29.90 − 3.00 of the day that the second adds.
    assert _owed(merchant, store) == Decimal("-119507.92")
    assert not [fault for fault in prove(using="ops", book=merchant.id) if fault.violations]


def test_a_bill_of_alipay_goes_in_as_the_zip_it_came_in() -> None:
    merchant, store = _store("alipay")
    document = _given(merchant, store, "zip_summary_first")
    assert (document.state, document.code, document.rows_kept) == ("loaded", "alipay", 3)
    # What the wallet held before is owed too.
    assert _owed(merchant, store) == Decimal("1080.65")


def test_people_look_through_a_zip_at_the_rows_inside() -> None:
    merchant, store = _store("alipay")
    document = _given(merchant, store, "zip_summary_first")
    with acting_for(merchant.id):
        line = Line.objects.filter(live=True).order_by("row").first()
        assert line is not None
        shown = looking.excerpt_of(document, line.row, needle="")
        preview = looking.preview_of(document)
    [asked] = [row for row in shown if row.asked]
    assert line.external_id in asked.text
    assert preview is not None
    assert any("账务明细" in cell for row in preview.rows for cell in row)


def test_a_bill_with_a_row_missing_is_refused() -> None:
    for platform, case in (
        ("alipay", "classic_row_missing"),
        ("pinduoduo", "store_bill_row_missing"),
    ):
        merchant, store = _store(platform)
        document = _given(merchant, store, case)
        assert document.state == "refused"
        with acting_for(merchant.id):
            assert not Line.objects.exists()
