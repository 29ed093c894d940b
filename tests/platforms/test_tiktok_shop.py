"""TikTok Shop: formulas and examples disagree, so every sign is measured or refused."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from platforms.adapters import _app_key_push as push
from platforms.adapters.tiktok_shop import ADAPTER, request
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

VECTORS = json.loads((FIXTURES / "known_answer_vectors.json").read_text())["tiktok_shop"]
NOW = datetime(2026, 3, 14, tzinfo=UTC)


def answer_of(case: str) -> dict[str, Any]:
    return dict(json.loads((FIXTURES / "tiktok_shop" / case / "input.json").read_text()))


def read(answer: dict[str, Any], **context: str) -> list[Record]:
    return list(ADAPTER.read(document(json.dumps(answer).encode(), **context)))


def lines(records: list[Record]) -> list[Line]:
    return [record for record in records if isinstance(record, Line)]


def payouts(records: list[Record]) -> list[Payout]:
    return [record for record in records if isinstance(record, Payout)]


def order(**changes: Any) -> list[Record]:
    """A statement whose costs are printed positive, its first order changed."""
    answer = answer_of("statement_costs_are_subtracted")
    answer["data"]["transactions"][0].update(changes)
    return read(answer)


def amounts(records: list[Record], row: int = 1) -> dict[str, Decimal]:
    return {line.label: line.amount for line in lines(records) if line.row == row}


def test_costs_are_negative_however_they_are_printed() -> None:
    subtracted = amounts(order())
    assert subtracted == {
        "ORDER": Decimal("24.99"),
        "shipping": Decimal("-3.20"),
        "fees": Decimal("-2.98"),
        "adjustment": Decimal("-0.20"),
    }
    signed = order(shipping_cost_amount="-3.20", fee_tax_amount="-2.98", adjustment_amount="-0.20")
    assert amounts(signed) == subtracted and verdicts(signed) == [True]


def test_costs_that_cancel_out_have_no_sign_that_could_be_measured() -> None:
    assert amounts(order(), row=2) == {"ORDER": Decimal("9.00")}


def test_a_statement_is_what_was_counted_by_hand() -> None:
    records = read(answer_of("statement_every_type"), payment_id="P")
    stated = answer_of("statement_every_type")["data"]
    reserve = [line.amount for line in lines(records) if line.kind.startswith("reserve")]
    assert sum(reserve) == Decimal("-1.50") == Decimal(stated["total_reserve_amount"])
    assert sum(line.amount for line in lines(records)) == Decimal(stated["payable_amount"])
    assert {line.payout_ref for line in lines(records)} == {"P"}


def test_a_reserve_is_held_below_nothing_and_released_above() -> None:
    found = lines(read(answer_of("statement_every_type")))
    kinds = {line.amount: line.kind for line in found if line.label == "RESERVE"}
    assert kinds == {
        Decimal("-5.00"): LineKind.RESERVE_HELD,
        Decimal("3.50"): LineKind.RESERVE_RELEASED,
    }


def test_a_page_proves_nothing_of_a_longer_statement() -> None:
    answer = answer_of("statement_one_page_of_two")
    assert verdicts(read(answer)) == [None]
    answer["data"]["payable_amount"] = "90.01"
    assert verdicts(read(answer)) == [False]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"settlement_amount": "18.62"}, "do not give the settlement 18.62"),
        ({"fee_tax_amount": "-2.98"}, "do not give the settlement"),
        ({"settlement_amount": "NaN"}, "not an amount"),
        ({"revenue_amount": "1e9999"}, "not an amount"),
        ({"revenue_amount": ""}, "not an amount"),
        ({"revenue_amount": None}, "revenue_amount is no amount"),
        ({"reserve_amount": "1.00"}, "ORDER with a reserve of 1.00"),
        ({"type": "RESERVE", "reserve_amount": "1"}, "a reserve that settles"),
        ({"type": "REBATE", "adjustment_amount": "3"}, "settles 18.61 and adjusts 3"),
        ({"type": ""}, "no type"),
        ({"id": 16367000414135.5}, "id is no id"),
    ],
)
def test_a_row_whose_money_is_not_clear_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ReadError, match=reason) as caught:
        order(**changes)
    assert caught.value.row == 1


def test_a_transaction_twice_is_refused() -> None:
    with pytest.raises(ReadError, match="occurs twice"):
        order(id=answer_of("statement_costs_are_subtracted")["data"]["transactions"][1]["id"])


def test_an_order_is_evidence_and_adds_up_to_itself() -> None:
    answer = answer_of("order_transactions")
    records = read(answer)
    assert not any(record.books for record in records if isinstance(record, Statement))
    assert sum(line.amount for line in lines(records)) == Decimal("18.81")
    answer["data"]["settlement_amount"] = "18.80"
    assert verdicts(read(answer)) == [False]


def test_a_days_statement_is_read_as_its_settlement_alone() -> None:
    records = read(answer_of("statements"))
    assert [line.amount for line in lines(records)] == [
        Decimal("27.61"),
        Decimal("-4.20"),
        Decimal("10.00"),
    ]
    assert lines(records)[0].payout_ref == "3459275187040250001"
    assert not any(record.books for record in records if isinstance(record, Statement))


def test_a_payment_is_what_arrives_after_the_exchange() -> None:
    found = payouts(read(answer_of("payments")))
    assert [(payout.amount, payout.currency, payout.status) for payout in found] == [
        (Decimal("26.11"), "GBP", "paid"),
        (Decimal("11.50"), "EUR", "failed"),
        (Decimal("5.75"), "EUR", "in_transit"),
    ]


def test_a_payment_in_an_unknown_state_is_refused() -> None:
    answer = answer_of("payments")
    answer["data"]["payments"][0]["status"] = "SOMEHOW"
    with pytest.raises(ReadError, match="unknown status 'SOMEHOW'"):
        read(answer)


def test_a_withdrawal_goes_out_and_a_failed_one_moves_nothing() -> None:
    records = read(answer_of("withdrawals"))
    assert [line.amount for line in lines(records)] == [
        Decimal(250000),
        Decimal(-200000),
        Decimal(-10000),
        Decimal(10000),
        Decimal(-500),
        Decimal(1),
    ]
    assert [payout.status for payout in payouts(records)] == ["in_transit", "paid"]
    assert all(payout.amount > 0 for payout in payouts(records))
    failed = read(answer_of("withdrawals_failed"))
    assert [payout.status for payout in payouts(failed)] == ["failed"]
    assert [line.label for line in lines(failed)] == ["SETTLE/SUCCESS"]


@pytest.mark.parametrize(
    ("number", "changes", "reason"),
    [
        (0, {"amount": "-1"}, "SETTLE comes in with -1"),
        (3, {"amount": "-1"}, "REVERSE comes in with -1"),
        (0, {"status": "FAILED"}, "a failed SETTLE"),
        (1, {"currency": "Rp"}, "not a currency"),
    ],
)
def test_a_movement_that_contradicts_itself_is_refused(
    number: int, changes: dict[str, Any], reason: str
) -> None:
    answer = answer_of("withdrawals")
    answer["data"]["withdrawals"][number].update(changes)
    with pytest.raises(ReadError, match=reason):
        read(answer)


def test_estimates_and_errors_are_refused_with_a_reason() -> None:
    unsettled = {"transactions": [{"est_settlement_amount": "1", "est_revenue_amount": "1"}]}
    with pytest.raises(ReadError, match="estimates, not money"):
        read({"code": 0, "data": unsettled})
    with pytest.raises(ReadError, match="105002 Expired"):
        read({**answer_of("payments"), "code": 105002, "message": "Expired"})
    with pytest.raises(ReadError, match="no answer of TikTok Shop"):
        read({"code": 0})


def test_a_request_is_signed_by_the_rule_and_by_what_is_printed() -> None:
    """The guide prints a slash after the path that its rule does not have."""
    printed, ruled = VECTORS
    parameters = {"timestamp": "1234567890", "app_key": "123456", "access_token": "t", "sign": "s"}
    for path, vector in (
        ("/authorization/202309/shops/", printed),
        ("/authorization/202309/shops", ruled),
    ):
        assert request.sign(path, parameters, secret=vector["secret"]) == vector["expected"]


def test_the_body_is_signed_before_the_last_secret() -> None:
    made = request.sign("/p", {"b": "2", "a": "1"}, secret="k", body=b'{"x":1}')
    assert made == hmac.new(b"k", b'k/pa1b2{"x":1}k', hashlib.sha256).hexdigest()


@pytest.mark.parametrize("scheme", ["Bearer ", "sha256=", "HMAC "])
def test_the_header_has_no_scheme_word(scheme: str) -> None:
    folder = FIXTURES / "tiktok_shop/hook_order_status"
    facts, body = json.loads((folder / "hook.json").read_text()), (folder / "body.bin").read_bytes()
    headers = {"authorization": scheme + facts["headers"]["authorization"]}
    with pytest.raises(BadSignatureError, match="does not fit"):
        push.verify(RawHook(headers=headers, body=body), Link(secrets=facts["secrets"]), NOW)
