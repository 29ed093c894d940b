"""Shopee: a local shop's wallet in spans that fit a page, escrows beside it, payouts abroad."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from platforms.adapters.shopee import ADAPTER
from platforms.contract import (
    AdapterError,
    Line,
    Link,
    RateLimitedError,
    Statement,
    UnauthorisedError,
    UnavailableError,
)
from platforms.pulling import RefusedCallError, Request, Response, Window
from tests.platforms.cases import FIXTURES
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
        "app_id": "2001887",
        "secret": "test_partner_key",
        "access_token": "59777174636562737266615546704c6d",
        "refresh_token": "456e416149664b76745a6a794156794a",
        "shop": "14701711",
    }
)
DAY = Window(begin=instant("2026-03-14T00:00"), end=instant("2026-03-15T00:00"))
NOON = int(instant("2026-03-14T12:00").timestamp())

# Newest first, as Shopee's example has them: three orders, an adjustment, a withdrawal.
MOVES: list[dict[str, Any]] = [
    {"type": "WITHDRAWAL_COMPLETED", "amount": -500.5, "at": NOON + 40, "withdrawal_id": 77},
    {"type": "WITHDRAWAL_CREATED", "amount": -500.5, "at": NOON + 30, "withdrawal_id": 77},
    {"type": "ADJUSTMENT_MINUS", "amount": -3.25, "at": NOON + 2, "withdrawal_id": 0},
    {"type": "ESCROW_VERIFIED_ADD", "amount": 120.4, "at": NOON + 1, "order_sn": "260303C"},
    {"type": "ESCROW_VERIFIED_ADD", "amount": 300.1, "at": NOON, "order_sn": "260302B"},
    {"type": "ESCROW_VERIFIED_ADD", "amount": 99.75, "at": NOON, "order_sn": "260301A"},
]
ESCROWS = [
    {"order_sn": "260301A", "payout_amount": 6.06, "escrow_release_time": NOON},
    {"order_sn": "260302B", "payout_amount": 6.06, "escrow_release_time": NOON},
    {"order_sn": "260303C", "payout_amount": 6.06, "escrow_release_time": NOON + 1},
]
DETAIL = json.loads((FIXTURES / "shopee" / "escrow_detail" / "input.json").read_text())
PAYOUTS = json.loads((FIXTURES / "shopee" / "payout_detail" / "input.json").read_text())
SHOP = {"error": "", "message": "", "shop_name": "Tea", "region": "MY", "is_cb": False}


def row(move: dict[str, Any]) -> dict[str, Any]:
    return {
        "status": "COMPLETED",
        "transaction_type": move["type"],
        "amount": move["amount"],
        "current_balance": 0,
        "create_time": move["at"],
        "order_sn": move.get("order_sn", ""),
        "withdrawal_id": move.get("withdrawal_id", 0),
        "transaction_fee": 0,
        "money_flow": "MONEY_IN" if move["amount"] > 0 else "MONEY_OUT",
    }


def local(request: Request, *, size: int = 2, region: str = "MY", included: int = 1) -> Response:
    """A local shop that gives at most `size` rows on a page; is the last second `included`?"""
    given = query(request)
    response: dict[str, Any]
    match path(request).rsplit("/", 1)[1]:
        case "get_shop_info":
            return said({**SHOP, "region": region})
        case "get_wallet_transaction_list":
            begin, end = int(given["create_time_from"]), int(given["create_time_to"])
            assert 0 <= end - begin <= 15 * 86400
            assert (given["page_no"], given["page_size"]) == ("0", "100")
            found = [row(move) for move in MOVES if begin <= move["at"] < end + included]
            response = {"transaction_list": found[:size], "more": len(found) > size}
        case "get_escrow_list":
            number = int(given["page_no"])
            assert given["page_size"] == "100"
            assert int(given["release_time_to"]) - int(given["release_time_from"]) <= 15 * 86400
            found = ESCROWS[(number - 1) * size : number * size]
            response = {"escrow_list": found, "more": number * size < len(ESCROWS)}
        case "get_escrow_detail":
            response = {**DETAIL["response"], "order_sn": given["order_sn"]}
        case other:
            raise AssertionError(other)
    return said({"error": "", "message": "", "request_id": "x", "response": response})


def abroad(request: Request) -> Response:
    """A cross-border shop with two payouts, each on a page of its own."""
    if path(request).endswith("get_shop_info"):
        return said({**SHOP, "is_cb": True})
    assert path(request) == "/api/v2/payment/get_payout_detail"
    number = int(query(request)["page_no"])
    assert query(request)["page_size"] == "10"
    pages = PAYOUTS["response"]["payout_list"]
    response = {"payout_list": pages[number - 1 : number], "more": number < len(pages)}
    return said({"error": "", "message": "", "request_id": "x", "response": response})


def sign(request: Request, *secured: str) -> str:
    given = query(request)
    message = given["partner_id"] + path(request) + given["timestamp"] + "".join(secured)
    return hmac.new(b"test_partner_key", message.encode(), hashlib.sha256).hexdigest()


def test_a_call_has_the_signature_of_the_known_answer() -> None:
    wire = Wire(answer=local, at=datetime.fromtimestamp(1655714431, UTC))
    assert ADAPTER.probe(wire, LINK) == "14701711"
    (request,) = wire.sent
    assert query(request) == {
        "partner_id": "2001887",
        "timestamp": "1655714431",
        "access_token": "59777174636562737266615546704c6d",
        "shop_id": "14701711",
        "sign": "9fdae5aeed86e753249982ec04aa54339280f12d3f456b9e3f7d8ee91e66a2b3",
    }


def test_every_call_is_a_signed_get_to_one_host() -> None:
    sent = asked(ADAPTER, local, LINK, DAY)
    shape = {(request.method, host(request), request.body) for request in sent}
    assert shape == {("GET", "partner.shopeemobile.com", b"")}
    token, shop = LINK.secrets["access_token"], LINK.secrets["shop"]
    assert all(query(request)["sign"] == sign(request, token, shop) for request in sent)


def test_the_wallet_is_booked_once_and_the_escrows_are_evidence() -> None:
    documents = fetched(ADAPTER, local, LINK, DAY)
    # 99.75 + 300.10 + 120.40 − 3.25 − 500.50; what completes a withdrawal moves nothing.
    assert total(booked_lines(documents)) == Decimal("16.50")
    assert len({line.external_id for line in booked_lines(documents)}) == 5
    payouts = booked_payouts(documents)
    assert {(payout.external_id, payout.amount) for payout in payouts} == {
        ("77", Decimal("500.50"))
    }
    assert payouts[-1].status == "paid"
    assert {line.currency for line in booked_lines(documents)} == {"MYR"}


def test_the_wallet_is_halved_in_time_until_a_page_holds_it_all() -> None:
    spans = [
        (int(query(request)["create_time_from"]), int(query(request)["create_time_to"]))
        for request in asked(ADAPTER, local, LINK, DAY)
        if "wallet" in path(request)
    ]
    assert spans[0] == (int(DAY.begin.timestamp()), int(DAY.end.timestamp()))
    assert spans[-1][1] == int(DAY.end.timestamp())
    kept = [
        document.name
        for document in fetched(ADAPTER, local, LINK, DAY)
        if "wallet" in document.name
    ]
    # Pages without rows are counted, and not kept.
    assert kept[0].startswith("shopee-wallet-2026-03-14-") and len(kept) < len(spans)


@pytest.mark.parametrize("included", [0, 1])
@pytest.mark.parametrize("size", [2, 3, 100])
def test_nothing_is_lost_whether_or_not_the_last_second_counts(size: int, included: int) -> None:
    def shop(request: Request) -> Response:
        return local(request, size=size, included=included)

    documents = fetched(ADAPTER, shop, LINK, DAY)
    assert total(booked_lines(documents)) == Decimal("16.50")
    check_every_cut(ADAPTER, shop, LINK, DAY)


@pytest.mark.parametrize("included", [0, 1])
def test_a_second_with_more_than_a_page_is_refused_not_cut(included: int) -> None:
    def one_a_page(request: Request) -> Response:
        return local(request, size=1, included=included)

    with pytest.raises(RefusedCallError, match=f"around the second {NOON - included};"):
        fetched(ADAPTER, one_a_page, LINK, DAY)


def test_an_orders_detail_comes_before_its_list_with_the_time_of_its_release() -> None:
    documents = [d for d in fetched(ADAPTER, local, LINK, DAY) if "escrow" in d.name]
    assert [document.name for document in documents] == [
        "shopee-escrow-260301A-1.json",
        "shopee-escrow-260302B-1.json",
        "shopee-escrow-list-2026-03-14-1.json",
        "shopee-escrow-260303C-1.json",
        "shopee-escrow-list-2026-03-14-2.json",
    ]
    assert documents[0].context == {"currency": "MYR", "released_at": str(NOON)}
    assert documents[3].context["released_at"] == str(NOON + 1)
    assert documents[2].context == {"currency": "MYR"}
    found = records(documents[0])
    assert [r.books for r in found if isinstance(r, Statement)] == [False]
    terms = [record.amount for record in found if isinstance(record, Line)]
    assert sum(terms) == Decimal("6.06")  # 7.98 − 0.24 − 1.02 − 0.66


def test_a_shop_abroad_is_booked_from_its_payouts_alone() -> None:
    documents = fetched(ADAPTER, abroad, LINK, DAY)
    assert [document.name for document in documents] == [
        "shopee-payout-detail-2026-03-14-1.json",
        "shopee-payout-detail-2026-03-14-2.json",
    ]
    first = documents[:1]
    # 62455 + 53122 + 8928 − 45 + 40
    assert total(booked_lines(first)) == Decimal("124500")
    (payout,) = booked_payouts(first)
    assert (payout.amount, payout.currency) == (Decimal("4.79"), "USD")
    sent = asked(ADAPTER, abroad, LINK, DAY)
    assert [query(request).get("page_no") for request in sent] == [None, "1", "2"]
    assert query(sent[1])["payout_time_from"] == str(int(DAY.begin.timestamp()))
    assert query(sent[1])["payout_time_to"] == str(int(DAY.end.timestamp()))


@pytest.mark.parametrize("days", [1, 33])
def test_it_is_resumed_after_any_document(days: int) -> None:
    window = replace(DAY, end=DAY.begin + timedelta(days=days))
    check_every_cut(ADAPTER, local, LINK, window)
    check_every_cut(ADAPTER, abroad, LINK, window)


def test_a_place_of_another_version_begins_its_run_anew() -> None:
    documents = fetched(ADAPTER, local, LINK, DAY)
    first = f'["wallet-{int(DAY.begin.timestamp())}","1","x"]'
    again = fetched(ADAPTER, local, LINK, replace(DAY, cursor=first))
    assert [found.name for found in again] == [found.name for found in documents]


def test_after_an_orders_detail_its_list_is_asked_again_and_the_detail_is_not() -> None:
    documents = fetched(ADAPTER, local, LINK, DAY)
    second = next(d for d in documents if d.name == "shopee-escrow-260302B-1.json")
    sent = asked(ADAPTER, local, LINK, replace(DAY, cursor=second.cursor))
    assert [path(request).rsplit("/", 1)[1] for request in sent] == [
        "get_shop_info",
        "get_escrow_list",
        "get_escrow_list",
        "get_escrow_detail",
    ]
    assert query(sent[-1])["order_sn"] == "260303C"


def test_a_long_window_is_asked_in_fifteen_days_at_most() -> None:
    window = replace(DAY, end=DAY.begin + timedelta(days=33))
    sent = [r for r in asked(ADAPTER, abroad, LINK, window) if query(r).get("page_no") == "1"]
    lengths = [int(query(r)["payout_time_to"]) - int(query(r)["payout_time_from"]) for r in sent]
    assert lengths == [15 * 86400, 15 * 86400, 3 * 86400]


def test_documents_are_the_answers_bytes() -> None:
    documents = fetched(ADAPTER, abroad, LINK, DAY)
    pages = PAYOUTS["response"]["payout_list"]
    response = {"payout_list": pages[:1], "more": True}
    body = said({"error": "", "message": "", "request_id": "x", "response": response}).body
    assert content(documents[0]) == documents[0].head == body


def test_nothing_that_is_empty_is_kept() -> None:
    def empty(request: Request) -> Response:
        if path(request).endswith("get_shop_info"):
            return said(SHOP)
        return said({"error": "", "message": "", "response": {"more": False}})

    assert fetched(ADAPTER, empty, LINK, DAY) == []


def test_an_answer_that_says_it_lacks_something_is_not_kept() -> None:
    def warns(request: Request) -> Response:
        answer = json.loads(local(request).body)
        return said({**answer, "warning": "some transactions were not returned"})

    with pytest.raises(UnavailableError, match="some transactions were not returned"):
        fetched(ADAPTER, warns, LINK, DAY)


def test_a_region_without_a_known_currency_is_refused() -> None:
    def elsewhere(request: Request) -> Response:
        return local(request, region="XX")

    with pytest.raises(RefusedCallError, match="XX is not known; known are SG, MY"):
        fetched(ADAPTER, elsewhere, LINK, DAY)


@pytest.mark.parametrize(
    ("code", "words", "kind"),
    [
        ("error_auth", "Invalid access_token.", UnauthorisedError),
        ("error_auth", "No permission to current api.", RefusedCallError),
        ("error_sign", "Wrong sign.", UnauthorisedError),
        ("invalid_acceess_token", "", UnauthorisedError),
        ("shop_access_expired", "Your access to shop has expired.", UnauthorisedError),
        ("error_server", "Something wrong. Please try later.", UnavailableError),
        ("error_system_busy", "", UnavailableError),
        ("error_limit", "", UnavailableError),
        ("error_rate_limit", "", RateLimitedError),
        ("common.error_auth", "Invalid access_token.", UnauthorisedError),
        ("common.error_auth", "No permission to current api.", RefusedCallError),
        ("wallet.time_invalid", "The param error: time period too long.", RefusedCallError),
        ("error_param", "This API is no longer available in this region.", RefusedCallError),
        ("time_period_too_large", "", RefusedCallError),
    ],
)
def test_each_code_is_one_error(code: str, words: str, kind: type[AdapterError]) -> None:
    answer = errors_of({"error": code, "message": words}, LINK)
    error = check_refusal(ADAPTER, said(answer), LINK, DAY, kind)
    assert code in str(error) and words in str(error)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "", UnauthorisedError),
        (403, "error_something", UnauthorisedError),
        (403, "error_server", UnavailableError),
        (400, "error_param", RefusedCallError),
    ],
)
def test_statuses_count_where_the_code_is_not_known(
    status: int, code: str, kind: type[AdapterError]
) -> None:
    answer = said({"error": code, "message": ""}, status=status)
    check_refusal(ADAPTER, answer, LINK, DAY, kind)


def test_a_page_that_leads_back_to_itself_is_not_asked_for_ever() -> None:
    def stuck(request: Request) -> Response:
        if path(request).endswith("get_shop_info"):
            return said({**SHOP, "is_cb": True})
        assert int(query(request)["page_no"]) < 4
        response = {"payout_list": [], "more": int(query(request)["page_no"]) < 3}
        return said({"error": "", "message": "", "response": response})

    # Empty pages are followed as long as Shopee says that there are more.
    assert fetched(ADAPTER, stuck, LINK, DAY) == []


@pytest.mark.parametrize(("name", "value"), [("app_id", "x1"), ("shop", ""), ("secret", " ")])
def test_a_link_without_its_numbers_is_unauthorised(name: str, value: str) -> None:
    link = Link(secrets={**LINK.secrets, name: value})
    with pytest.raises(UnauthorisedError, match=name):
        fetched(ADAPTER, local, link, DAY)
