"""Lazada: signed details, payouts as text with a currency, a wallet that is evidence."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from platforms.adapters import _app_key_push as push
from platforms.adapters.lazada import ADAPTER, request
from platforms.contract import BadSignatureError, Line, Link, Payout, RawHook, ReadError, Record
from tests.platforms.cases import FIXTURES, document, verdicts

VECTORS = json.loads((FIXTURES / "known_answer_vectors.json").read_text())["lazada"]
NOW = datetime(2026, 3, 14, tzinfo=UTC)


def rows_of(case: str) -> dict[str, Any]:
    return dict(json.loads((FIXTURES / "lazada" / case / "input.json").read_text()))


def read(answer: dict[str, Any], **context: str) -> list[Record]:
    return list(ADAPTER.read(document(json.dumps(answer).encode(), **context)))


def one_order(**changes: Any) -> dict[str, Any]:
    answer = rows_of("transaction_details_one_order")
    answer["data"] = [{**answer["data"][2], **changes}]
    return answer


def one_payout(**changes: Any) -> dict[str, Any]:
    answer = rows_of("payout_status")
    answer["data"] = [{**answer["data"][0], **changes}]
    return answer


def lines(records: list[Record]) -> list[Line]:
    return [record for record in records if isinstance(record, Line)]


def test_an_order_adds_up_to_what_was_counted_by_hand() -> None:
    found = lines(read(rows_of("transaction_details_one_order"), currency="SGD"))
    order = [line.amount for line in found if line.order_ref == "910000000001"]
    assert sum(order) == Decimal("38.22")  # 39.90 − 2.39 − 0.80 − 1.49 + 3.00
    assert found[-1].kind == "unknown" and found[-1].label == "A fee of next year"


def test_tax_withheld_beside_the_amount_is_told_not_booked() -> None:
    (line,) = lines(read(one_order(), currency="SGD"))
    assert line.amount == Decimal("-0.80")
    assert line.label == "Payment Fee (withholding tax 0.02 not in the amount)"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"amount": "NaN"}, "not an amount"),
        ({"amount": "1e9999"}, "not an amount"),
        ({"amount": "１.00"}, "not an amount"),
        ({"amount": ""}, "not an amount"),
        ({"amount": None}, "amount is no amount"),
        ({"transaction_number": ""}, "no transaction_number"),
        ({"transaction_date": "17 Mai 2026"}, "not a day"),
        ({"transaction_date": "30 Feb 2026"}, "not a day"),
        ({"transaction_date": "2026-05-17"}, "not a day"),
        ({"WHT_included_in_amount": "Perhaps"}, "neither in the amount nor out"),
    ],
)
def test_a_detail_that_cannot_be_read_names_its_row(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ReadError, match=reason) as caught:
        read(one_order(**changes), currency="SGD")
    assert caught.value.row == 1


def test_a_number_that_is_not_unique_is_refused() -> None:
    answer = one_order()
    answer["data"] *= 2
    with pytest.raises(ReadError, match="occurs twice"):
        read(answer, currency="SGD")


def test_the_currency_of_details_is_never_guessed() -> None:
    with pytest.raises(ReadError, match="states no currency"):
        read(one_order())
    with pytest.raises(ReadError, match="not a currency"):
        read(one_order(), currency="sgd")


def test_an_error_answer_is_no_empty_statement() -> None:
    answer = {**one_order(), "code": "IllegalAccessToken", "message": "The token is invalid"}
    with pytest.raises(ReadError, match="IllegalAccessToken The token is invalid"):
        read(answer, currency="SGD")
    for success in ("false", False):
        with pytest.raises(ReadError, match="answered an error"):
            read({**rows_of("account_transactions"), "success": success})


def test_the_vendors_example_of_a_payout_is_read() -> None:
    records = read(
        one_payout(
            subtotal2="51.20",
            subtotal1="51.20",
            payout="3962.41 EUR",
            item_revenue="0",
            other_revenue_total="0",
            fees_total="51.20",
            refunds="0",
            paid="0",
            statement_number="EG100RT-20141228",
        )
    )
    (payout,) = [record for record in records if isinstance(record, Payout)]
    assert (payout.amount, payout.currency) == (Decimal("3962.41"), "EUR")
    assert payout.status == "scheduled" and verdicts(records) == [True]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"payout": "1146.85"}, "not a currency"),
        ({"payout": "SGD 1146.85"}, "not an amount"),
        ({"payout": "1,146.85 SGD"}, "not an amount"),
        ({"paid": "2"}, "neither 0 nor 1"),
        ({"created_at": "2026-05-18T01:12:09Z"}, "not a time"),
    ],
)
def test_a_payout_that_cannot_be_read_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ReadError, match=reason):
        read(one_payout(**changes))


def test_payouts_of_two_currencies_are_two_statements() -> None:
    answer = rows_of("payout_status")
    answer["data"][1]["payout"] = "728.00 USD"
    found = [record for record in read(answer) if isinstance(record, Payout)]
    assert [payout.currency for payout in found] == ["SGD", "USD"]


def test_the_wallet_is_evidence_and_the_printed_sample_amount_is_no_amount() -> None:
    answer = rows_of("account_transactions")
    assert all(line.external_id.startswith("wallet:") for line in lines(read(answer)))
    answer["data"]["transactions"][0]["amount"] = "±0.01"
    with pytest.raises(ReadError, match="not an amount"):
        read(answer)


def test_published_request_signature() -> None:
    vector = next(found for found in VECTORS if found["kind"] == "api_request")
    parameters = {**vector["params"], "sign": "itself", "nothing": ""}
    made = request.sign("/order/get", parameters, secret=vector["secret"])
    assert made == vector["expected"]


def test_the_body_of_a_json_post_is_signed_too() -> None:
    assert request.sign("/a", {"b": "c"}, secret="s", body="{}") != request.sign(
        "/a", {"b": "c"}, secret="s"
    )


def test_a_push_signed_for_another_app_is_refused() -> None:
    vector = next(found for found in VECTORS if found["kind"] == "push")
    hook = RawHook(headers={"authorization": vector["expected"]}, body=vector["body"].encode())
    push.verify(hook, Link(secrets={"app_key": "999\n123456", "secret": "helloworld"}), NOW)
    with pytest.raises(BadSignatureError, match="does not fit"):
        push.verify(hook, Link(secrets={"app_key": "999", "secret": "helloworld"}), NOW)
    with pytest.raises(BadSignatureError, match="the link has no app_key"):
        push.verify(hook, Link(secrets={"secret": "helloworld"}), NOW)
