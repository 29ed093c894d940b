"""TikTok Shop: statements after their transactions, and payments or withdrawals, never both."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from platforms.adapters.tiktok_shop import ADAPTER
from platforms.contract import (
    AdapterError,
    Link,
    Payout,
    RateLimitedError,
    Statement,
    UnauthorisedError,
    UnavailableError,
)
from platforms.pulling import RefusedCallError, Request, Response, Window
from tests.platforms.page_pulls import (
    asked,
    booked_lines,
    booked_payouts,
    check_every_cut,
    check_refusal,
    content,
    errors_of,
    fetched,
    host,
    instant,
    path,
    query,
    records,
    said,
    total,
)
from tests.platforms.wire import Wire

LINK = Link(
    secrets={
        "app_key": "123456",
        "secret": "abc000def111",
        "access_token": "TTP_Fw8rBwAAAAAkW03FYd09DG",
        "refresh_token": "TTP_NTUxZTNhYTQ2ZDk2YmRm",
        "shop": "7000714532876273420",
    }
)
DAY = Window(begin=instant("2026-03-14T00:00"), end=instant("2026-03-15T00:00"))
BEGIN = int(DAY.begin.timestamp())

SHOP = {
    "id": "7000714532876273420",
    "name": "Maomao beauty shop",
    "region": "GB",
    "seller_type": "CROSS_BORDER",
    "cipher": "GCP_XF90igAAAABh00qsWgtvOiGFNqyubMt3",
    "code": "CNGBCBA4LLU8",
}
OTHER = {**SHOP, "id": "7000714532876273999", "region": "DE", "cipher": "GCP_DE", "code": "DE1"}

# Three statements of one night on two pages; the transactions of the first on two pages too.
STATEMENTS = [("71", "27.61", "9001"), ("72", "-4.20", ""), ("73", "10.00", "9002")]
TRANSACTIONS = {
    "71": [("1", "18.61", "24.99", "-3.40", "-2.98"), ("2", "9.00", "9.00", "0", "0")],
    "72": [("3", "-4.20", "0", "-4.20", "0")],
    "73": [("4", "10.00", "12.00", "-1.50", "-0.50")],
}
PAYMENTS = [("9001", "27.61", "PAID"), ("9002", "10.00", "PROCESSING")]


def statement(number: str, amount: str, payment: str) -> dict[str, Any]:
    return {
        "id": number,
        "statement_time": BEGIN,
        "settlement_amount": amount,
        "currency": "GBP",
        "payment_status": "PAID" if payment else "PROCESSING",
        "payment_id": payment,
    }


def transaction(
    number: str, settled: str, revenue: str, shipping: str, fees: str
) -> dict[str, Any]:
    return {
        "id": number,
        "type": "ORDER",
        "order_id": f"5764{number}",
        "settlement_amount": settled,
        "revenue_amount": revenue,
        "shipping_cost_amount": shipping,
        "fee_tax_amount": fees,
        "adjustment_amount": "0",
    }


def payment(number: str, amount: str, status: str) -> dict[str, Any]:
    money = {"value": amount, "currency": "GBP"}
    nothing = {"value": "0", "currency": "GBP"}
    return {
        "id": number,
        "status": status,
        "create_time": BEGIN + 60,
        "amount": money,
        "settlement_amount": money,
        "reserve_amount": nothing,
        "payment_amount_before_exchange": money,
        "exchange_rate": "1.000000",
    }


def paged(rows: list[Any], token: str, size: int) -> tuple[list[Any], str]:
    begin = int(token.removeprefix("tok+/=") or "0")
    after = begin + size
    return rows[begin:after], f"tok+/={after}" if after < len(rows) else ""


def shop(request: Request, *, size: int = 2, region: str = "GB") -> Response:
    """A shop with pages of `size` rows."""
    given = query(request)
    token = given.get("page_token", "")
    parts = path(request).split("/")
    data: dict[str, Any]
    if parts[1] == "authorization":
        assert "shop_cipher" not in given
        return answered({"shops": [{**SHOP, "region": region}, OTHER]})
    assert given["shop_cipher"] == SHOP["cipher"] and given["page_size"] == "100"
    if parts[-1] == "statements":
        found, after = paged(STATEMENTS, token, size)
        data = {"statements": [statement(*row) for row in found]}
    elif parts[-1] == "statement_transactions":
        assert parts[2] == "202501"
        number = parts[-2]
        found, after = paged(TRANSACTIONS[number], token, size - 1)
        data = {
            "id": number,
            "create_time": BEGIN,
            "currency": "GBP",
            "payable_amount": "0",
            "total_settlement_amount": "0",
            "total_reserve_amount": "0",
            "total_count": len(TRANSACTIONS[number]),
            "transactions": [transaction(*row) for row in found],
        }
        settled = {"71": "27.61", "72": "-4.20", "73": "10.00"}[number]
        data |= {"payable_amount": settled, "total_settlement_amount": settled}
    elif parts[-1] == "payments":
        found, after = paged(PAYMENTS, token, size)
        data = {"payments": [payment(*row) for row in found]}
    else:
        assert parts[-1] == "withdrawals"
        assert given["types"] == "WITHDRAW,SETTLE,TRANSFER,REVERSE"
        after = ""
        row = {"id": "W1", "type": "WITHDRAW", "amount": "100", "currency": "IDR"}
        data = {"withdrawals": [{**row, "status": "SUCCESS", "create_time": BEGIN}]}
    return answered({**data, "next_page_token": after})


def answered(data: dict[str, Any]) -> Response:
    return said({"code": 0, "data": data, "message": "Success", "request_id": "2022"})


def sign(request: Request, secret: str = "abc000def111") -> str:
    """The guide's rule, written anew."""
    given = query(request)
    middle = path(request) + "".join(n + given[n] for n in sorted(given) if n != "sign")
    message = f"{secret}{middle}{secret}".encode()
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def names(request: Request) -> str:
    return path(request).split("/", 3)[-1]


def test_a_call_has_the_signature_of_the_known_answer() -> None:
    wire = Wire(answer=shop, at=datetime.fromtimestamp(1234567890, UTC))
    assert ADAPTER.probe(wire, LINK) == "7000714532876273420"
    (request,) = wire.sent
    assert request.url == (
        "https://open-api.tiktokglobalshop.com/authorization/202309/shops"
        "?app_key=123456&timestamp=1234567890"
        "&sign=c8767e4fd7a1b48a0ce3fd23197f058159ce11b53f1ae1ad6d1ec931a1da5540"
    )
    assert request.headers == {
        "content-type": "application/json",
        "x-tts-access-token": "TTP_Fw8rBwAAAAAkW03FYd09DG",
    }


def test_every_call_is_a_signed_get_and_the_token_stands_in_a_header_only() -> None:
    sent = asked(ADAPTER, shop, LINK, DAY)
    shape = {(request.method, host(request), request.body) for request in sent}
    assert shape == {("GET", "open-api.tiktokglobalshop.com", b"")}
    assert all(query(request)["sign"] == sign(request) for request in sent)
    assert not any(LINK.secrets["access_token"] in request.url for request in sent)


def test_the_transactions_of_a_statement_come_before_the_page_that_lists_it() -> None:
    sent = asked(ADAPTER, shop, LINK, DAY)
    assert [names(request) for request in sent] == [
        "shops",
        "statements",
        "statements/71/statement_transactions",
        "statements/71/statement_transactions",
        "statements/72/statement_transactions",
        "statements",
        "statements/73/statement_transactions",
        "payments",
    ]
    assert query(sent[1])["sort_field"] == "statement_time"
    assert query(sent[1])["statement_time_ge"] == str(BEGIN)
    assert query(sent[1])["statement_time_lt"] == str(BEGIN + 86400)
    assert query(sent[2])["sort_field"] == "order_create_time"
    assert query(sent[5])["page_token"] == "tok+/=2"
    assert query(sent[7])["create_time_ge"] == str(BEGIN - 14 * 86400)
    assert query(sent[7])["create_time_lt"] == str(BEGIN + 86400)


def test_documents_are_named_for_people_and_say_which_payment_carries_them() -> None:
    documents = fetched(ADAPTER, shop, LINK, DAY)
    assert [(document.name, document.context) for document in documents] == [
        ("tiktok-shop-statement-71-1.json", {"payment_id": "9001"}),
        ("tiktok-shop-statement-71-2.json", {"payment_id": "9001"}),
        ("tiktok-shop-statement-72-1.json", {}),
        ("tiktok-shop-statements-2026-03-14-1.json", {}),
        ("tiktok-shop-statement-73-1.json", {"payment_id": "9002"}),
        ("tiktok-shop-statements-2026-03-14-2.json", {}),
        ("tiktok-shop-payments-since-2026-02-28-1.json", {}),
    ]
    assert {document.origin for document in documents} == {"pull"}


def test_money_is_booked_once_from_transactions_and_payments() -> None:
    documents = fetched(ADAPTER, shop, LINK, DAY)
    lines = booked_lines(documents)
    assert total(lines) == Decimal("33.41")  # 18.61 + 9.00 − 4.20 + 10.00
    assert {line.payout_ref for line in lines} == {"9001", "", "9002"}
    payouts = booked_payouts(documents)
    assert [(payout.external_id, payout.amount) for payout in payouts] == [
        ("9001", Decimal("27.61")),
        ("9002", Decimal("10.00")),
    ]


def test_where_sellers_withdraw_payments_are_not_asked_for() -> None:
    def indonesia(request: Request) -> Response:
        return shop(request, region="ID")

    sent = asked(ADAPTER, indonesia, LINK, DAY)
    assert names(sent[-1]) == "withdrawals" and "payments" not in map(names, sent)
    documents = fetched(ADAPTER, indonesia, LINK, DAY)
    # No payment of theirs is known, so none is named.
    assert {line.payout_ref for line in booked_lines(documents)} == {""}
    found = records(documents[-1])
    assert [r.books for r in found if isinstance(r, Statement)] == [False]
    assert [r.external_id for r in found if isinstance(r, Payout)] == ["W1"]


@pytest.mark.parametrize("region", ["GB", "ID"])
def test_it_is_resumed_after_any_document(region: str) -> None:
    def here(request: Request) -> Response:
        return shop(request, region=region)

    check_every_cut(ADAPTER, here, LINK, DAY)
    check_every_cut(ADAPTER, here, LINK, replace(DAY, end=DAY.end + timedelta(days=40)))


def test_after_the_last_part_only_its_page_is_asked_again() -> None:
    documents = fetched(ADAPTER, shop, LINK, DAY)
    sent = asked(ADAPTER, shop, LINK, replace(DAY, cursor=documents[4].cursor))
    assert [names(request) for request in sent] == ["shops", "statements", "payments"]
    assert query(sent[1])["page_token"] == "tok+/=2"


def test_a_statement_that_is_gone_from_its_page_costs_the_page_again_and_nothing_else() -> None:
    second = fetched(ADAPTER, shop, LINK, DAY)[1]
    changed = second.cursor.replace('"72"', '"79"')
    assert changed != second.cursor
    again = fetched(ADAPTER, shop, LINK, replace(DAY, cursor=changed))
    assert [document.name for document in again] == [
        document.name for document in fetched(ADAPTER, shop, LINK, DAY)
    ]


def test_documents_are_the_answers_bytes() -> None:
    last = fetched(ADAPTER, shop, LINK, DAY)[-1]
    data = {"payments": [payment(*row) for row in PAYMENTS], "next_page_token": ""}
    assert content(last) == last.head == answered(data).body


def test_an_empty_page_is_not_kept_and_its_successor_is_asked_for() -> None:
    def sparse(request: Request) -> Response:
        if names(request) == "payments" and "page_token" not in query(request):
            return answered({"payments": [], "next_page_token": "more"})
        if names(request) == "payments":
            return answered({"payments": [payment(*PAYMENTS[0])]})
        if names(request) == "statements":
            return answered({"next_page_token": ""})
        return shop(request)

    (document,) = fetched(ADAPTER, sparse, LINK, DAY)
    assert document.name == "tiktok-shop-payments-since-2026-02-28-2.json"


def test_a_page_that_leads_back_to_itself_is_no_answer() -> None:
    def stuck(request: Request) -> Response:
        if names(request) == "statements":
            return answered({"statements": [], "next_page_token": "same"})
        return shop(request)

    with pytest.raises(UnavailableError, match="the same page"):
        fetched(ADAPTER, stuck, LINK, DAY)


@pytest.mark.parametrize(
    "secrets",
    [
        {"shop": "7000714532876273420"},
        {"shop": "CNGBCBA4LLU8"},
        {"shop": SHOP["cipher"]},
        {"shop": "", "region": "gb"},
    ],
)
def test_the_shop_is_found_by_any_of_its_names_or_its_region(secrets: dict[str, str]) -> None:
    link = Link(secrets={**LINK.secrets, **secrets})
    assert ADAPTER.probe(Wire(answer=shop), link) == "7000714532876273420"


@pytest.mark.parametrize("secrets", [{"shop": ""}, {"shop": "1"}, {"region": "DE"}])
def test_a_shop_that_is_not_the_only_one_is_refused_with_those_there_are(
    secrets: dict[str, str],
) -> None:
    link = Link(secrets={**LINK.secrets, **secrets})
    with pytest.raises(RefusedCallError, match=r"7000714532876273420 \(GB Maomao"):
        fetched(ADAPTER, shop, link, DAY)


def test_a_region_that_is_not_known_is_refused() -> None:
    def elsewhere(request: Request) -> Response:
        return shop(request, region="XX")

    with pytest.raises(RefusedCallError, match="XX is not known; known are ID, MY"):
        fetched(ADAPTER, elsewhere, LINK, DAY)


@pytest.mark.parametrize(
    ("code", "words", "kind"),
    [
        (105002, "Expired credentials.", UnauthorisedError),
        (106001, "Invalid credentials.", UnauthorisedError),
        (36009004, "Invalid credentials. The header is invalid.", UnauthorisedError),
        (36009004, "Invalid timestamp.", RefusedCallError),
        (105005, "Access denied.", RefusedCallError),
        (36009002, "Too many requests.", RateLimitedError),
        (36009003, "Internal error.", UnavailableError),
        (36009007, "Request timeout.", UnavailableError),
        (99, "Something new.", RefusedCallError),
    ],
)
def test_each_code_is_one_error(code: int, words: str, kind: type[AdapterError]) -> None:
    answer = errors_of({"code": code, "message": words}, LINK)
    error = check_refusal(ADAPTER, said(answer), LINK, DAY, kind)
    assert f"{code} {words} […]" in str(error)
    if isinstance(error, RateLimitedError):
        assert error.retry_after == 60
