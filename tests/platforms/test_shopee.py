"""Shopee: magnitudes that need a direction, an escrow's formula, payouts in two currencies."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from platforms.adapters.shopee import ADAPTER, push, words
from platforms.contract import (
    BadSignatureError,
    Line,
    LineKind,
    Link,
    Payout,
    RawHook,
    ReadError,
    Record,
    Statement,
)
from tests.platforms.cases import FIXTURES, document, verdicts

VECTORS = json.loads((FIXTURES / "known_answer_vectors.json").read_text())["shopee"]
NOW = datetime(2026, 3, 14, tzinfo=UTC)
RELEASED = {"currency": "SGD", "released_at": "1778989200"}
FORMULA = """
original_cost_of_goods_sold − original_shopee_discount + seller_return_refund +
shopee_discount − voucher_from_seller − seller_coin_cash_back + buyer_paid_shipping_fee −
actual_shipping_fee + shopee_shipping_rebate + shipping_fee_discount_from_3pl −
reverse_shipping_fee + rsf_seller_protection_fee_claim_amount −
final_return_to_seller_shipping_fee − seller_transaction_fee − service_fee −
commission_fee − campaign_fee − shipping_seller_protection_fee_amount −
delivery_seller_protection_fee_premium_amount − final_escrow_product_gst −
order_ams_commission_fee − escrow_tax − sales_tax_on_lvg − reverse_shipping_fee_sst −
shipping_fee_sst − withholding_tax − overseas_return_service_fee − vat_on_imported_goods −
withholding_vat_tax − withholding_pit_tax − seller_order_processing_fee +
buyer_paid_packaging_fee − trade_in_bonus_by_seller − fbs_fee
"""


def answer_of(case: str) -> dict[str, Any]:
    return dict(json.loads((FIXTURES / "shopee" / case / "input.json").read_text()))


def read(answer: dict[str, Any], **context: str) -> list[Record]:
    return list(ADAPTER.read(document(json.dumps(answer).encode(), **context)))


def lines(records: list[Record]) -> list[Line]:
    return [record for record in records if isinstance(record, Line)]


def payouts(records: list[Record]) -> list[Payout]:
    return [record for record in records if isinstance(record, Payout)]


def wallet(*changes: dict[str, Any]) -> list[Record]:
    """The rows of one sale, changed."""
    answer = answer_of("wallet_with_pending_rows")
    sale = answer["response"]["transaction_list"][3]
    answer["response"]["transaction_list"] = [{**sale, **changed} for changed in changes]
    return read(answer, currency="MYR")


def escrow(**changes: Any) -> list[Record]:
    answer = answer_of("escrow_detail")
    answer["response"]["order_income"].update(changes)
    return read(answer, **RELEASED)


# --- the wallet ---------------------------------------------------------------------------


def test_the_wallet_adds_up_to_what_was_counted_by_hand() -> None:
    records = read(answer_of("wallet_with_pending_rows"), currency="MYR")
    booked, pending = (record for record in records if isinstance(record, Statement))
    assert (booked.books, pending.books) == (True, False)
    # 715 + 1500.25 + 45.25 − 2260.50; what failed or waits is not among them.
    wallet_lines = [line for line in lines(records) if line.external_id.startswith("wallet:")]
    assert sum(line.amount for line in wallet_lines) == 0
    assert verdicts(records) == [True, None]


@pytest.mark.parametrize("amount", [100, -100, "100.00"])
def test_a_charge_is_negative_whether_it_is_printed_with_a_sign_or_not(amount: Any) -> None:
    word = "PAID_ADS_CHARGE"
    for flow in ("MONEY_OUT", "", None):
        (line,) = lines(wallet({"transaction_type": word, "amount": amount, "money_flow": flow}))
        assert line.amount == Decimal(-100) and line.kind is LineKind.ADVERTISING


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"money_flow": "MONEY_OUT"}, "ESCROW_VERIFIED_ADD with MONEY_OUT"),
        ({"money_flow": "SIDEWAYS"}, "unknown money_flow"),
        ({"amount": -5}, "comes in with -5"),
        ({"transaction_type": "NEW", "money_flow": ""}, "neither in nor out"),
        ({"status": "MAYBE"}, "unknown status"),
        ({"transaction_fee": 0.5}, "a transaction fee of 0.5"),
        ({"create_time": "soon"}, "no whole number"),
        ({"create_time": 10**18}, "create_time is no time"),
        ({"amount": "NaN"}, "not an amount"),
        ({"amount": True}, "amount is no amount"),
        ({"amount": None}, "amount is no amount"),
        ({"transaction_type": "WITHDRAWAL_CREATED", "money_flow": ""}, "without withdrawal_id"),
    ],
)
def test_a_row_whose_money_is_not_clear_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ReadError, match=reason) as caught:
        wallet({}, changes)
    assert caught.value.row == 2


def test_an_unknown_type_with_a_flow_is_unknown_and_keeps_its_direction() -> None:
    (line,) = lines(wallet({"transaction_type": "NEW", "money_flow": "MONEY_OUT"}))
    assert (line.kind, line.amount) == (LineKind.UNKNOWN, Decimal(-715))


def test_equal_rows_of_one_second_are_told_apart_and_keep_their_ids() -> None:
    first, second = lines(wallet({}, {}))
    assert first.external_id != second.external_id
    assert lines(wallet({}))[0].external_id == first.external_id


def test_a_completed_withdrawal_is_a_payout_and_moves_nothing_again() -> None:
    row = {"withdrawal_id": 9, "money_flow": "", "order_sn": ""}
    records = wallet(
        {**row, "transaction_type": "WITHDRAWAL_CREATED"},
        {**row, "transaction_type": "WITHDRAWAL_COMPLETED"},
    )
    (line,), (payout,) = lines(records), payouts(records)
    assert line.amount == -payout.amount == Decimal(-715)
    assert (payout.external_id, payout.status) == ("9", "paid")


def test_a_chain_that_does_not_hold_proves_nothing() -> None:
    assert verdicts(wallet({}, {"current_balance": 1})) == [None]


def test_the_vendors_floats_are_read_exactly_or_not_at_all() -> None:
    data = (FIXTURES / "shopee/wallet_with_pending_rows/input.json").read_bytes()
    for broken in (b"1500.2500000000001", b"1e9999", b"NaN", b"Infinity"):
        with pytest.raises(ReadError, match="not an amount"):
            list(ADAPTER.read(document(data.replace(b"1500.25", broken), currency="MYR")))


def test_no_currency_is_ever_guessed() -> None:
    for case in ("wallet_every_type", "escrow_list", "escrow_detail"):
        with pytest.raises(ReadError, match="states no currency"):
            read(answer_of(case))


# --- escrows ------------------------------------------------------------------------------


def test_the_formula_is_that_of_the_reference() -> None:
    """Restated from the vendor's text, sign by sign."""
    text = FORMULA.split()
    signs = dict(zip(text[::2], ["+", *text[1::2]], strict=True))
    assert signs == {name: "+" if sign > 0 else "−" for name, (_, sign) in words.TERMS.items()}


def test_the_parts_of_the_vendors_order_are_its_escrow() -> None:
    found = {line.label: line.amount for line in lines(escrow())}
    assert found == {
        "original_cost_of_goods_sold": Decimal("7.98"),
        "commission_fee": Decimal("-1.02"),
        "seller_transaction_fee": Decimal("-0.24"),
        "final_escrow_product_gst": Decimal("-0.66"),
    }
    assert sum(found.values()) == Decimal("6.06")


def test_a_field_that_is_in_no_formula_is_refused_unless_it_is_nothing() -> None:
    assert verdicts(escrow(fee_of_next_year=0)) == [True]
    for name in ("fee_of_next_year", "seller_lost_compensation", "drc_adjustable_refund"):
        with pytest.raises(ReadError, match=f"{name} is 0.01, and in no formula"):
            escrow(**{name: 0.01})


def test_an_order_of_a_sip_affiliate_has_another_formula_and_is_refused() -> None:
    with pytest.raises(ReadError, match="escrow_amount_pri"):
        escrow(escrow_amount_pri=4.2)


def test_adjustments_without_their_list_do_not_tie() -> None:
    assert verdicts(escrow(total_adjustment_amount=1, escrow_amount_after_adjustment=7.06)) == [
        False
    ]
    with pytest.raises(ReadError, match="an adjustment in TWD, not SGD"):
        escrow(order_adjustment=[{"amount": 1, "date": 1778989200, "currency": "TWD"}])


def test_an_escrow_is_evidence_and_needs_to_be_told_its_time() -> None:
    (statement,) = [record for record in escrow() if isinstance(record, Statement)]
    assert not statement.books
    with pytest.raises(ReadError, match="states no time"):
        read(answer_of("escrow_detail"), currency="SGD")
    with pytest.raises(ReadError, match="no whole number"):
        read(answer_of("escrow_detail"), currency="SGD", released_at="yesterday")


# --- payouts ------------------------------------------------------------------------------


def test_the_lines_of_a_payout_add_up_in_the_currency_of_the_orders() -> None:
    records = read(answer_of("payout_detail"))
    first, _ = payouts(records)
    found = [line.amount for line in lines(records) if line.payout_ref == first.external_id]
    assert sum(found) == Decimal(124500)  # 62455 + 53122 + 8928 − 45 + 40
    assert (first.amount, first.currency, first.numbered) == (Decimal("4.79"), "USD", False)


def test_a_payout_collected_from_the_shop_is_negative_and_nothing_is_no_payout() -> None:
    found = {payout.external_id: payout for payout in payouts(read(answer_of("payout_info")))}
    assert found["1037637926329180766"].amount == Decimal("-594.78")
    assert "1037637926329180767" not in found


def test_orders_of_another_currency_than_their_payout_are_refused() -> None:
    answer = answer_of("payout_detail")
    answer["response"]["payout_list"][0]["escrow_list"][0]["currency"] = "THB"
    with pytest.raises(ReadError, match="THB in a payout from VND"):
        read(answer)


def test_a_payout_without_adjustments_may_leave_the_list_out() -> None:
    answer = answer_of("payout_detail")
    second = answer["response"]["payout_list"][1]
    second["offline_adjustment_list"] = None
    answer["response"]["payout_list"] = [second]
    assert verdicts(read(answer)) == [True]


@pytest.mark.parametrize("case", ["billing", "income_detail", "escrow_list"])
def test_what_states_money_booked_elsewhere_is_evidence(case: str) -> None:
    context = {"currency": "SGD", "released_at": "1778989200"}
    statements = [r for r in read(answer_of(case), **context) if isinstance(r, Statement)]
    assert statements and not any(statement.books for statement in statements)


def test_an_income_that_is_only_estimated_is_refused() -> None:
    answer = answer_of("income_detail")
    answer["income_detail_list"]["list"][0]["released_amount"] = None
    with pytest.raises(ReadError, match="an estimate, not money"):
        read(answer)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"total_income": {"pending_amount": 1, "released_amount": 2}}, "two sums and no rows"),
        ({"response": {"file_name": "a", "file_link": "b", "generated_time": 1}}, "that is a PDF"),
        ({"response": {}}, "no answer of Shopee"),
    ],
)
def test_answers_without_rows_are_refused_with_a_reason(
    answer: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ReadError, match=reason):
        read(answer)


def test_an_error_answer_is_no_empty_statement() -> None:
    answer = {**answer_of("payout_info"), "error": "error_auth", "message": "Invalid token"}
    with pytest.raises(ReadError, match="error_auth Invalid token"):
        read(answer)


# --- signatures ---------------------------------------------------------------------------


def test_a_request_is_signed_as_the_base_string_says() -> None:
    (vector,) = VECTORS
    made = push.sign(
        "/api/v2/shop/get_shop_info",
        partner_id="2001887",
        timestamp=1655714431,
        access_token="59777174636562737266615546704c6d",
        shop_id="14701711",
        secret=vector["secret"],
    )
    assert made == vector["expected"]


def test_a_public_request_is_signed_without_token_and_shop() -> None:
    path = "/api/v2/auth/token/get"
    made = push.sign(path, partner_id="1", timestamp=2, secret="k")
    assert made == hmac.new(b"k", f"1{path}2".encode(), hashlib.sha256).hexdigest()


def test_a_message_for_another_url_is_refused() -> None:
    folder = FIXTURES / "shopee/hook_order_status"
    facts, body = json.loads((folder / "hook.json").read_text()), (folder / "body.bin").read_bytes()
    for url in (facts["url"] + "/", facts["url"].replace("https", "http"), ""):
        hook = RawHook(headers=facts["headers"], body=body, url=url)
        with pytest.raises(BadSignatureError, match="does not fit"):
            push.verify(hook, Link(secrets=facts["secrets"]), NOW)
