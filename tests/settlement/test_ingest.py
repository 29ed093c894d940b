"""Documents come in whole, once, in any order; or not at all, with a reason."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.access import acting_for
from accounts.models import Merchant, SettlementAccount, Store
from accounts.onboarding import add_bank_account, add_store, open_settlement_account
from ledger import balances
from ledger.checks import prove
from settlement import bookings, queries
from settlement.errors import AlreadyStoredError, IllegalTransitionError, RefusedError
from settlement.models import (
    BankLine,
    DocumentState,
    Line,
    Payout,
    PayoutState,
    Reason,
    SourceDocument,
)
from settlement.money_in import ingest, originals
from settlement.money_in.withdrawing import withdraw
from tests.build import a_merchant, upload, work_off
from tests.settlement.files import Flow, camt053, fund_flow, shopify_export

pytestmark = pytest.mark.usefixtures("database")

SALES: list[Flow] = [
    ("09:00:00", "1", "交易", "100.00"),
    ("09:00:01", "2", "扣除交易手续费", "-0.60"),
    ("10:00:00", "3", "交易", "50.50"),
]


@dataclass
class Shop:
    """A merchant with one WeChat Pay store, one Shopify store and one bank account."""

    merchant: Merchant
    account: SettlementAccount
    wechat: Store
    shopify: Store
    number: str

    def give(self, path: Path, store: Store | None) -> SourceDocument:
        """Upload a file, let the workers finish, and look at the document."""
        document = upload(self.merchant.id, path, store=store)
        work_off(self.merchant.id)
        with acting_for(self.merchant.id):
            document.refresh_from_db()
        return document

    def owed(self, store: Store, currency: str = "CNY") -> Decimal:
        """What the books say the platform owes, in major units."""
        with acting_for(self.merchant.id):
            code = bookings.receivable(store.id, currency)
            found = balances.balances(book=self.merchant.id, prefix=code)
        return Decimal(found[code].amount) / 100 if code in found else Decimal(0)

    def in_bank(self) -> Decimal:
        """What the books say the bank holds, in major units."""
        with acting_for(self.merchant.id):
            return queries.overview(self.account).banks[0].booked.amount

    def broken_invariants(self) -> list[object]:
        return [f for f in prove(using="ops", book=self.merchant.id) if f.violations]


@pytest.fixture
def shop(database: None) -> Shop:
    merchant = a_merchant()
    number = f"62{uuid.uuid4().int % 10**17:017d}"
    with acting_for(merchant.id):
        account = open_settlement_account(merchant, name="main")
        add_bank_account(account, bank="Bank", holder="H", number=number, currency="CNY")
        wechat = add_store(account, platform="wechatpay", name="shop")
        shopify = add_store(account, platform="shopify", name="web shop")
    return Shop(merchant, account, wechat, shopify, number)


# --- taken ---------------------------------------------------------------------------------


def test_lines_are_stored_and_what_they_moved_is_owed(shop: Shop, tmp_path: Path) -> None:
    document = shop.give(fund_flow(tmp_path / "a.csv", SALES), shop.wechat)
    assert (document.state, document.code, document.rows_kept) == ("loaded", "wechatpay", 3)
    assert document.percent == 100
    assert shop.owed(shop.wechat) == Decimal("149.90")
    with acting_for(shop.merchant.id):
        first, fee, _last = Line.objects.order_by("row")
        assert (first.row, first.kind, first.amount.amount) == (2, "sale", Decimal("100.00"))
        assert (fee.kind, fee.amount.amount) == ("commission", Decimal("-0.60"))


def test_the_wallet_before_the_first_document_is_owed_too(shop: Shop, tmp_path: Path) -> None:
    later = fund_flow(tmp_path / "b.csv", [("11:00:00", "9", "交易", "7.00")], opening="349.90")
    shop.give(later, shop.wechat)
    assert shop.owed(shop.wechat) == Decimal("356.90")
    shop.give(fund_flow(tmp_path / "a.csv", SALES, opening="200.00"), shop.wechat)
    assert shop.owed(shop.wechat) == Decimal("356.90")
    assert not shop.broken_invariants()


def test_a_missing_day_between_two_documents_is_an_exception(shop: Shop, tmp_path: Path) -> None:
    shop.give(fund_flow(tmp_path / "a.csv", SALES), shop.wechat)
    later = fund_flow(tmp_path / "b.csv", [("11:00:00", "9", "交易", "7.00")], opening="160.00")
    shop.give(later, shop.wechat)
    with acting_for(shop.merchant.id):
        gap = queries.open_exceptions(shop.account).get()
        assert gap.reason == Reason.STATEMENT_GAP
        assert gap.difference.amount == Decimal("10.10")


def test_the_same_bytes_are_taken_once(shop: Shop, tmp_path: Path) -> None:
    path = fund_flow(tmp_path / "a.csv", SALES)
    document = shop.give(path, shop.wechat)
    with pytest.raises(AlreadyStoredError) as caught:
        upload(shop.merchant.id, path, store=shop.wechat)
    assert caught.value.document_id == document.id


def test_another_merchant_may_have_the_same_bytes(shop: Shop, tmp_path: Path) -> None:
    path = fund_flow(tmp_path / "a.csv", SALES)
    shop.give(path, shop.wechat)
    other = a_merchant()
    with acting_for(other.id):
        account = open_settlement_account(other, name="main")
        store = add_store(account, platform="wechatpay", name="shop")
    document = upload(other.id, path, store=store)
    work_off(other.id)
    with acting_for(other.id):
        document.refresh_from_db()
        assert (document.state, document.rows_kept) == ("loaded", 3)


def test_an_overlapping_period_adds_only_what_is_new(shop: Shop, tmp_path: Path) -> None:
    shop.give(fund_flow(tmp_path / "a.csv", SALES), shop.wechat)
    more: list[Flow] = [*SALES[1:], ("11:00:00", "4", "交易", "10.00")]
    document = shop.give(fund_flow(tmp_path / "b.csv", more, opening="100.00"), shop.wechat)
    assert (document.rows_kept, document.rows_known) == (1, 2)
    assert shop.owed(shop.wechat) == Decimal("159.90")


def test_a_restated_row_becomes_the_next_version(shop: Shop, tmp_path: Path) -> None:
    shop.give(fund_flow(tmp_path / "a.csv", SALES), shop.wechat)
    restated: list[Flow] = [("09:00:00", "1", "交易", "90.00"), *SALES[1:]]
    document = shop.give(fund_flow(tmp_path / "b.csv", restated), shop.wechat)
    assert (document.rows_kept, document.rows_known, document.rows_restated) == (0, 2, 1)
    assert shop.owed(shop.wechat) == Decimal("139.90")
    with acting_for(shop.merchant.id):
        old, new = Line.objects.filter(order_ref="S1").order_by("version")
        assert (old.version, old.live, new.version, new.live) == (1, False, 2, True)


def test_a_pending_sale_that_is_paid_later_is_the_same_sale(shop: Shop, tmp_path: Path) -> None:
    pending = shopify_export(
        tmp_path / "1.csv", [("charge", "#1", "pending", "", "100.00", "3.00")]
    )
    shop.give(pending, shop.shopify)
    assert shop.owed(shop.shopify, "EUR") == Decimal("97.00")
    paid = shopify_export(
        tmp_path / "2.csv", [("charge", "#1", "paid", "140769394954", "100.00", "3.00")]
    )
    document = shop.give(paid, shop.shopify)
    assert (document.rows_kept, document.rows_restated) == (0, 2)
    assert shop.owed(shop.shopify, "EUR") == 0
    with acting_for(shop.merchant.id):
        payout = Payout.objects.get()
        assert (payout.amount.amount, payout.derived) == (Decimal("97.00"), True)
        lines, named = queries.payout_lines(payout)
        assert named
        assert lines.count() == 2


def test_a_payout_moves_from_owed_to_in_transit_to_the_bank(shop: Shop, tmp_path: Path) -> None:
    flows: list[Flow] = [*SALES, ("20:00:00", "7", "提现", "-149.90")]
    shop.give(fund_flow(tmp_path / "a.csv", flows), shop.wechat)
    assert shop.owed(shop.wechat) == 0
    with acting_for(shop.merchant.id):
        payout = Payout.objects.get()
        assert payout.state == PayoutState.IN_TRANSIT
    statement = camt053(
        tmp_path / "s.xml",
        shop.number,
        [
            ("2026-11-03", "B1", "149.90", f"WECHAT {payout.external_id}"),
            ("2026-11-04", "B2", "-20.00", "rent"),
        ],
        opening="1000.00",
    )
    shop.give(statement, None)
    with acting_for(shop.merchant.id):
        payout.refresh_from_db()
        assert payout.state == PayoutState.RECONCILED
        assert str(payout.arrived_on) == "2026-11-03"
        [row] = queries.overview(shop.account).banks
        assert row.agrees
        assert row.booked.amount == Decimal("1129.90")
        assert row.unrelated.amount == Decimal("-20.00")
        fall = queries.waterfall(payout)
        assert (fall.gross.amount, fall.fees.amount) == (Decimal("150.50"), Decimal("-0.60"))
        assert fall.carried.amount == 0
        assert [line.reference for line in fall.bank_lines] == ["B1"]
    assert not shop.broken_invariants()


def test_an_earlier_statement_moves_the_opening_balance_back(shop: Shop, tmp_path: Path) -> None:
    second = camt053(
        tmp_path / "2.xml", shop.number, [("2026-11-09", "B2", "5.00", "x")],
        opening="110.00", first="2026-11-09", last="2026-11-15",
    )  # fmt: skip
    shop.give(second, None)
    assert shop.in_bank() == Decimal("115.00")
    first = camt053(
        tmp_path / "1.xml", shop.number, [("2026-11-03", "B1", "10.00", "y")], opening="100.00"
    )
    shop.give(first, None)
    assert shop.in_bank() == Decimal("115.00")
    assert not shop.broken_invariants()


def test_equal_bank_entries_survive_and_an_overlap_adds_none(shop: Shop, tmp_path: Path) -> None:
    twins = [("2026-11-03", "", "4.50", "coffee"), ("2026-11-03", "", "4.50", "coffee")]
    shop.give(camt053(tmp_path / "1.xml", shop.number, twins, opening="0.00"), None)
    more = [*twins, ("2026-11-04", "B9", "1.00", "new")]
    document = shop.give(camt053(tmp_path / "2.xml", shop.number, more, opening="0.00"), None)
    assert (document.rows_kept, document.rows_known) == (1, 2)
    assert shop.in_bank() == Decimal("10.00")
    with acting_for(shop.merchant.id):
        assert BankLine.objects.filter(live=True).count() == 3


def test_an_mt940_is_booked_and_an_mt942_is_not(shop: Shop, tmp_path: Path) -> None:
    """Two days, one without an entry; a zero moves nothing; an interim report books nothing."""
    head, entries = (
        f":25:{shop.number}CNY\n:28C:1/1\n",
        (":61:2611021102CY80,5NTRFNONREF//R1\n:86:payout\n:61:2611021102D0,NMSCNONREF//R2\n"),
    )
    statement = tmp_path / "a.sta"
    statement.write_text(
        f":20:A\n{head}:60F:C261101CNY100,\n{entries}:62F:C261102CNY180,5\n-\n"
        f":20:B\n{head}:60F:C261102CNY180,5\n:62F:C261103CNY180,5\n-\n"
    )
    interim = tmp_path / "b.sta"
    interim.write_text(f":20:C\n{head}:34F:CNY0,\n{entries}:90C:1CNY80,5\n:90D:1CNY0,\n-\n")
    for path in (interim, statement):
        document = shop.give(path, None)
        assert (document.state, document.code, document.rows_kept) == ("loaded", "mt940", 2)
    assert shop.in_bank() == Decimal("180.50")
    assert not shop.broken_invariants()
    statement.write_text(statement.read_text().replace("C261103CNY180,5", "C261103CNY180,6"))
    document = shop.give(statement, None)
    assert document.state == "refused" and "does not tie out" in document.error_reason


def test_words_nobody_knows_wait_in_suspense(shop: Shop, tmp_path: Path) -> None:
    shop.give(fund_flow(tmp_path / "a.csv", [("09:00:00", "1", "新业务", "8.00")]), shop.wechat)
    with acting_for(shop.merchant.id):
        code = bookings.suspense(shop.account.id, "CNY")
        assert balances.balance(book=shop.merchant.id, code=code) == 800
        assert queries.open_exceptions(shop.account).get().reason == Reason.UNKNOWN_KIND


# --- refused -------------------------------------------------------------------------------


def test_a_broken_row_refuses_the_file_and_keeps_nothing_else(shop: Shop, tmp_path: Path) -> None:
    path = fund_flow(tmp_path / "a.csv", SALES)
    path.write_bytes(path.read_bytes().replace(b"`50.50", b"`50.5O", 1))
    document = shop.give(path, shop.wechat)
    assert (document.state, document.error_row) == ("refused", 4)
    assert "50.5O" in document.error_reason
    with acting_for(shop.merchant.id):
        assert not Line.objects.exists()
    assert shop.owed(shop.wechat) == 0
    kept = originals.open_original(merchant_id=shop.merchant.id, sha256=document.sha256)
    assert kept.read() == path.read_bytes()


def test_a_file_that_does_not_tie_out_is_refused(shop: Shop, tmp_path: Path) -> None:
    path = fund_flow(tmp_path / "a.csv", SALES)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:2] + lines[3:]))
    document = shop.give(path, shop.wechat)
    assert document.state == DocumentState.REFUSED
    assert "150.50" in document.error_reason
    with acting_for(shop.merchant.id):
        assert not Line.objects.exists()


def test_a_statement_that_does_not_balance_is_refused(shop: Shop, tmp_path: Path) -> None:
    path = camt053(
        tmp_path / "s.xml", shop.number, [("2026-11-03", "B1", "1.00", "x")],
        opening="0.00", closing="2.00",
    )  # fmt: skip
    assert shop.give(path, None).state == DocumentState.REFUSED
    assert shop.in_bank() == 0


def test_one_line_twice_in_a_file_is_refused_with_both_rows(shop: Shop, tmp_path: Path) -> None:
    twice: list[Flow] = [*SALES, SALES[0]]
    document = shop.give(fund_flow(tmp_path / "a.csv", twice), shop.wechat)
    assert (document.state, document.error_row) == ("refused", 5)
    assert "2" in document.error_reason


@pytest.mark.parametrize("what", ["bank as store", "store as bank", "other platform", "no format"])
def test_a_file_in_the_wrong_place_is_refused(shop: Shop, tmp_path: Path, what: str) -> None:
    path, store = tmp_path / "x", None
    if what == "bank as store":
        camt053(path, shop.number, [], opening="0.00")
        store = shop.wechat
    elif what == "no format":
        path.write_text("just a text\n")
        store = shop.wechat
    else:
        fund_flow(path, SALES)
        store = shop.shopify if what == "other platform" else None
    document = shop.give(path, store)
    assert document.state == DocumentState.REFUSED
    assert document.error_reason


def test_a_statement_of_a_strange_account_is_refused_without_its_number(
    shop: Shop, tmp_path: Path
) -> None:
    path = camt053(tmp_path / "s.xml", "1234567890123456", [], opening="0.00")
    document = shop.give(path, None)
    assert document.state == DocumentState.REFUSED
    assert "••••3456" in document.error_reason
    assert "1234567890" not in document.error_reason


def test_a_refused_file_may_be_sent_again_to_the_right_store(shop: Shop, tmp_path: Path) -> None:
    path = fund_flow(tmp_path / "a.csv", SALES)
    assert shop.give(path, shop.shopify).state == DocumentState.REFUSED
    assert shop.give(path, shop.wechat).state == DocumentState.LOADED


def test_one_sale_under_two_numbers_is_not_owed_twice(shop: Shop, tmp_path: Path) -> None:
    rows = [("charge", "#1", "pending", "", "100.00", "3.00")]
    shop.give(shopify_export(tmp_path / "1.csv", rows), shop.shopify)
    from_the_api = tmp_path / "api.json"
    from_the_api.write_text(
        '{"transactions":[{"id":1,"type":"charge","test":false,"payout_id":null,'
        '"payout_status":"pending","currency":"EUR","amount":"100.00","fee":"3.00",'
        '"net":"97.00","source_id":2,"source_type":"charge","source_order_id":3,'
        '"source_order_transaction_id":4,"processed_at":"2026-11-01"}]}\n'
    )
    document = shop.give(from_the_api, shop.shopify)
    assert document.state == DocumentState.REFUSED
    assert shop.owed(shop.shopify, "EUR") == Decimal("97.00")


def test_an_empty_file_is_refused_at_the_door(shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.touch()
    with pytest.raises(RefusedError):
        upload(shop.merchant.id, path, store=shop.wechat)


def test_reading_twice_does_nothing(shop: Shop, tmp_path: Path) -> None:
    document = shop.give(fund_flow(tmp_path / "a.csv", SALES), shop.wechat)
    ingest.read(merchant_id=shop.merchant.id, document_id=document.id)
    assert shop.owed(shop.wechat) == Decimal("149.90")


# --- withdrawn -----------------------------------------------------------------------------


def take_back(shop: Shop, document: SourceDocument) -> None:
    withdraw(merchant_id=shop.merchant.id, document_id=document.id, now=timezone.now())
    work_off(shop.merchant.id)


def test_a_withdrawn_restatement_leaves_what_was_there_before(shop: Shop, tmp_path: Path) -> None:
    shop.give(fund_flow(tmp_path / "a.csv", SALES), shop.wechat)
    restated: list[Flow] = [("09:00:00", "1", "交易", "90.00"), *SALES[1:]]
    document = shop.give(fund_flow(tmp_path / "b.csv", restated), shop.wechat)
    take_back(shop, document)
    assert shop.owed(shop.wechat) == Decimal("149.90")
    with acting_for(shop.merchant.id):
        live = Line.objects.get(order_ref="S1", live=True)
        assert (live.amount.amount, live.version) == (Decimal("100.00"), 1)
    assert not shop.broken_invariants()


def test_rows_another_document_also_says_come_back_from_it(shop: Shop, tmp_path: Path) -> None:
    first = shop.give(fund_flow(tmp_path / "a.csv", SALES), shop.wechat)
    more: list[Flow] = [*SALES[1:], ("11:00:00", "4", "交易", "10.00")]
    shop.give(fund_flow(tmp_path / "b.csv", more, opening="100.00"), shop.wechat)
    take_back(shop, first)
    # The wallet held 100.00 before what is left begins.
    assert shop.owed(shop.wechat) == Decimal("159.90")
    with acting_for(shop.merchant.id):
        assert Line.objects.filter(live=True).count() == 3
    assert not shop.broken_invariants()


def test_a_withdrawn_payout_takes_its_match_with_it(shop: Shop, tmp_path: Path) -> None:
    flows: list[Flow] = [*SALES, ("20:00:00", "7", "提现", "-149.90")]
    document = shop.give(fund_flow(tmp_path / "a.csv", flows), shop.wechat)
    with acting_for(shop.merchant.id):
        text = Payout.objects.get().external_id
    statement = camt053(
        tmp_path / "s.xml", shop.number, [("2026-11-03", "B1", "149.90", text)], opening="0.00"
    )
    shop.give(statement, None)
    take_back(shop, document)
    with acting_for(shop.merchant.id):
        [row] = queries.overview(shop.account).banks
        assert row.agrees
        assert row.unrelated.amount == Decimal("149.90")
        assert not Payout.objects.filter(live=True).exists()
    assert shop.owed(shop.wechat) == 0
    assert not shop.broken_invariants()


def test_a_payout_that_failed_was_never_booked_and_can_be_withdrawn(
    shop: Shop, tmp_path: Path
) -> None:
    payouts = tmp_path / "payouts.json"
    payouts.write_text(
        '{"payouts":[{"id":512467833,"status":"failed","date":"2026-11-01","currency":"EUR",'
        '"amount":"43.12"}]}\n'
    )
    document = shop.give(payouts, shop.shopify)
    with acting_for(shop.merchant.id):
        assert Payout.objects.get().state == PayoutState.RETURNED
    assert shop.owed(shop.shopify, "EUR") == 0
    take_back(shop, document)
    with acting_for(shop.merchant.id):
        assert not Payout.objects.filter(live=True).exists()
    assert not shop.broken_invariants()


def test_a_document_is_withdrawn_once(shop: Shop, tmp_path: Path) -> None:
    document = shop.give(fund_flow(tmp_path / "a.csv", SALES), shop.wechat)
    take_back(shop, document)
    with pytest.raises(IllegalTransitionError):
        take_back(shop, document)


def test_a_withdrawn_file_may_be_sent_again(shop: Shop, tmp_path: Path) -> None:
    path = fund_flow(tmp_path / "a.csv", SALES)
    take_back(shop, shop.give(path, shop.wechat))
    assert shop.owed(shop.wechat) == 0
    document = shop.give(path, shop.wechat)
    assert document.state == DocumentState.LOADED
    assert shop.owed(shop.wechat) == Decimal("149.90")
    with acting_for(shop.merchant.id):
        assert set(Line.objects.filter(live=True).values_list("version", flat=True)) == {2}
