"""Lazada: days of details from an offset, all payouts since a day, consent for one country."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from platforms.adapters.lazada import ADAPTER, pull
from platforms.contract import (
    AdapterError,
    Link,
    RateLimitedError,
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
    said,
    total,
)
from tests.platforms.wire import Wire

LINK = Link(
    secrets={
        "app_key": "123456",
        "secret": "helloworld",
        "access_token": "50000601c30at",
        "refresh_token": "500016000300b",
        "region": "sg",
    }
)
# Singapore's 14 March 2026.
DAY = Window(begin=instant("2026-03-13T16:00"), end=instant("2026-03-14T16:00"))

ROW = {
    "order_no": "910000000001",
    "transaction_date": "14 Mar 2026",
    "paid_status": "Not paid",
    "WHT_included_in_amount": "Yes",
    "WHT_amount": "0.00",
    "orderItem_no": "920000000001",
    "payment_ref_id": "",
    "transaction_type": "Orders-Sales",
}
MONEY = [("13", "39.90"), ("16", "-2.39"), ("3", "-0.80"), ("7", "-1.49"), ("44", "3.00")]
ROWS = [
    {**ROW, "fee_type": kind, "amount": amount, "transaction_number": f"SG10ABC-{number:06}"}
    for number, (kind, amount) in enumerate(MONEY)
]
PAYOUT = {
    "statement_number": "SG10ABC-20260308",
    "payout": "1146.85 SGD",
    "paid": "1",
    "item_revenue": "1250.00",
    "other_revenue_total": "35.40",
    "fees_total": "98.65",
    "subtotal1": "1186.75",
    "refunds": "39.90",
    "subtotal2": "1146.85",
    "opening_balance": "0.00",
    "closing_balance": "1146.85",
    "created_at": "2026-03-09 01:12:09",
    "updated_at": "2026-03-11 09:00:00",
}


def shop(request: Request, *, size: int = 2) -> Response:
    """A shop whose pages have at most `size` rows, whatever limit is asked for."""
    data: object
    match path(request):
        case "/rest/finance/transaction/details/get":
            offset = int(query(request)["offset"])
            data = ROWS[offset : offset + size]
        case "/rest/finance/payout/status/get":
            data = [PAYOUT]
        case "/rest/seller/get":
            data = {"seller_id": "1001", "name": "abc shop", "short_code": "SG10ABC"}
        case other:
            raise AssertionError(other)
    return said({"code": "0", "data": data, "request_id": "0ba2"})


def sign(request: Request, secret: str = "helloworld") -> str:
    """The vendor's rule, written anew: path, then names and values in the order of names."""
    given = query(request)
    message = path(request).removeprefix("/rest") + "".join(
        name + given[name] for name in sorted(given) if name != "sign"
    )
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest().upper()


def test_a_request_of_ours_has_the_signature_that_the_vendor_printed() -> None:
    at = datetime.fromtimestamp(1517820392, UTC)
    link = Link(secrets={**LINK.secrets, "access_token": "test"})
    request = pull.signed(
        Wire(answer=shop, at=at),
        link,
        "https://api.lazada.sg/rest",
        "/order/get",
        {"access_token": "test", "order_id": "1234"},
    )
    assert query(request) == {
        "app_key": "123456",
        "access_token": "test",
        "timestamp": "1517820392000",
        "sign_method": "sha256",
        "order_id": "1234",
        "sign": "4190D32361CFB9581350222F345CB77F3B19F0E31D162316848A2C1FFD5FAB4A",
    }


def test_details_are_asked_from_offsets_until_a_page_is_empty_then_payouts_once() -> None:
    sent = asked(ADAPTER, shop, LINK, DAY)
    assert {(request.method, host(request), request.body) for request in sent} == {
        ("GET", "api.lazada.sg", b"")
    }
    assert [path(request).rsplit("/", 2)[1] for request in sent] == [*["details"] * 4, "status"]
    assert [query(request)["offset"] for request in sent[:4]] == ["0", "2", "4", "5"]
    first, last = query(sent[0]), query(sent[-1])
    assert (first["start_time"], first["end_time"]) == ("2026-03-14", "2026-03-15")
    assert first["limit"] == "500"
    assert last["created_after"] == "2026-02-28"
    assert all(query(request)["sign"] == sign(request) for request in sent)
    assert all(query(request)["timestamp"] == "1773547200000" for request in sent)


def test_what_is_fetched_reads_to_the_sums_counted_by_hand() -> None:
    documents = fetched(ADAPTER, shop, LINK, DAY)
    lines = booked_lines(documents)
    assert total(lines) == Decimal("38.22")  # 39.90 − 2.39 − 0.80 − 1.49 + 3.00
    assert {line.currency for line in lines} == {"SGD"}
    (payout,) = booked_payouts(documents)
    assert (payout.external_id, payout.amount) == ("SG10ABC-20260308", Decimal("1146.85"))
    assert payout.status == "paid"


def test_documents_are_the_answers_bytes_and_named_for_people() -> None:
    documents = fetched(ADAPTER, shop, LINK, DAY)
    assert [document.name for document in documents] == [
        "lazada-transaction-details-2026-03-14-1.json",
        "lazada-transaction-details-2026-03-14-2.json",
        "lazada-transaction-details-2026-03-14-3.json",
        "lazada-payout-status-since-2026-02-28-1.json",
    ]
    body = said({"code": "0", "data": ROWS[:2], "request_id": "0ba2"}).body
    assert content(documents[0]) == documents[0].head == body
    assert {document.origin for document in documents} == {"pull"}


def test_it_is_resumed_after_any_document() -> None:
    check_every_cut(ADAPTER, shop, LINK, DAY)
    check_every_cut(ADAPTER, shop, LINK, replace(DAY, end=DAY.end + timedelta(days=70)))


def test_a_page_that_was_kept_is_not_asked_for_again() -> None:
    second = fetched(ADAPTER, shop, LINK, DAY)[1]
    sent = asked(ADAPTER, shop, LINK, replace(DAY, cursor=second.cursor))
    assert [query(request).get("offset", "") for request in sent] == ["4", "5", ""]
    last = fetched(ADAPTER, shop, LINK, DAY)[-1]
    assert asked(ADAPTER, shop, LINK, replace(DAY, cursor=last.cursor)) == []


@pytest.mark.parametrize(
    "cursor", ["x", "[]", '["a"]', '["a","x",""]', '[1,"1",""]', '["a","1",""]']
)
def test_a_cursor_that_leads_nowhere_begins_anew(cursor: str) -> None:
    again = fetched(ADAPTER, shop, LINK, replace(DAY, cursor=cursor))
    assert len(again) == 4


def test_a_long_window_is_asked_in_spans_that_meet() -> None:
    window = replace(DAY, end=DAY.begin + timedelta(days=65))
    sent = [r for r in asked(ADAPTER, shop, LINK, window) if query(r).get("offset") == "0"]
    assert [(query(r)["start_time"], query(r)["end_time"]) for r in sent] == [
        ("2026-03-14", "2026-04-13"),
        ("2026-04-13", "2026-05-13"),
        ("2026-05-13", "2026-05-18"),
    ]


def test_nothing_that_is_empty_is_kept() -> None:
    nothing = said({"code": "0", "data": [], "request_id": "0ba2"})
    assert fetched(ADAPTER, lambda _: nothing, LINK, DAY) == []
    left_out = said({"code": "0", "request_id": "0ba2"})
    assert fetched(ADAPTER, lambda _: left_out, LINK, DAY) == []


@pytest.mark.parametrize(
    ("region", "address", "currency"),
    [
        ("SG", "api.lazada.sg", "SGD"),
        ("my", "api.lazada.com.my", "MYR"),
        ("th", "api.lazada.co.th", "THB"),
        ("vn", "api.lazada.vn", "VND"),
        ("ph", "api.lazada.com.ph", "PHP"),
        ("id", "api.lazada.co.id", "IDR"),
    ],
)
def test_each_country_has_its_host_and_currency(region: str, address: str, currency: str) -> None:
    link = Link(secrets={**LINK.secrets, "region": region})
    assert {host(request) for request in asked(ADAPTER, shop, link, DAY)} == {address}
    documents = fetched(ADAPTER, shop, link, DAY)
    assert {document.context["currency"] for document in documents} == {currency}


@pytest.mark.parametrize("region", ["", "cb", "us"])
def test_a_country_where_lazada_is_not_is_refused(region: str) -> None:
    link = Link(secrets={**LINK.secrets, "region": region})
    with pytest.raises(RefusedCallError, match="sg, my, th, vn, ph, id"):
        fetched(ADAPTER, shop, link, DAY)


@pytest.mark.parametrize("name", ["app_key", "secret", "access_token"])
def test_a_link_without_keys_is_unauthorised(name: str) -> None:
    link = Link(secrets={**LINK.secrets, name: ""})
    with pytest.raises(UnauthorisedError, match=name):
        fetched(ADAPTER, shop, link, DAY)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("IllegalAccessToken", UnauthorisedError),
        ("IncompleteSignature", UnauthorisedError),
        ("ApiCallLimit", RateLimitedError),
        ("ServiceTimeout", UnavailableError),
        ("15", UnavailableError),
        ("1000012", RefusedCallError),
        ("SomethingNew", RefusedCallError),
        ("", RefusedCallError),
    ],
)
def test_each_code_is_one_error(code: str, kind: type[AdapterError]) -> None:
    answer = errors_of({"code": code, "message": "their own words", "type": "ISV"}, LINK)
    error = check_refusal(ADAPTER, said(answer), LINK, DAY, kind)
    assert f"{code} their own words […]".strip() in str(error)


def test_a_ban_lasts_as_long_as_lazada_says() -> None:
    words = "Api access frequency exceeds the limit. this ban will last 7 seconds"
    answer = said({"code": "ApiCallLimit", "message": words})
    error = check_refusal(ADAPTER, answer, LINK, DAY, RateLimitedError)
    assert isinstance(error, RateLimitedError) and error.retry_after == 7


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, b"<html>", UnauthorisedError),
        (403, b"{}", UnauthorisedError),
        (200, b"<html>", UnavailableError),
        (200, b"[]", UnavailableError),
        (404, b'{"code":"0"}', RefusedCallError),
        (200, b'{"code":"0","data":{}}', UnavailableError),
        (200, b'{"code":"0","data":[1]}', UnavailableError),
    ],
)
def test_answers_that_are_none(status: int, body: bytes, kind: type[AdapterError]) -> None:
    check_refusal(ADAPTER, Response(status=status, headers={}, body=body), LINK, DAY, kind)


def test_a_probe_names_the_seller() -> None:
    wire = Wire(answer=shop)
    assert ADAPTER.probe(wire, LINK) == "1001"
    (request,) = wire.sent
    assert path(request) == "/rest/seller/get" and query(request)["sign"] == sign(request)
