"""PayPal is asked for what moved the balance, in spans it allows, and never for more."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from platforms.contract import (
    Document,
    Link,
    RateLimitedError,
    ReadError,
    UnauthorisedError,
    UnavailableError,
)
from platforms.pulling import NotYetError, RefusedCallError, Request, Response, Window
from tests.platforms.cases import document
from tests.platforms.pulled import (
    adapter_of,
    answer,
    booked,
    payouts_of,
    records_of,
    require_resumable,
    told,
)
from tests.platforms.wire import Wire

PAYPAL = adapter_of("paypal")
LINK = Link(secrets={"app_key": "CLIENT-1", "secret": "s3cr3t-of-the-app"})
DAY = datetime(2026, 3, 14, tzinfo=UTC)
ONE_DAY = Window(begin=DAY, end=DAY + timedelta(days=1))
TOO_LARGE = {"name": "RESULTSET_TOO_LARGE", "message": "Result set size is greater than …"}


def row(number: int, at: datetime, value: str = "10.00", **more: Any) -> dict[str, Any]:
    info = {
        "transaction_id": f"T{number}",
        "transaction_event_code": "T0006",
        "transaction_initiation_date": f"{at:%Y-%m-%dT%H:%M:%S}+0000",
        "transaction_amount": {"currency_code": "USD", "value": value},
        "fee_amount": {"currency_code": "USD", "value": "-0.50"},
        "transaction_status": "S",
    }
    return {"transaction_info": {**info, **more}}


class PayPal:
    """Answers as the vendor's API description says, from `rows` by their time."""

    def __init__(self, rows: list[dict[str, Any]], *, most: int = 10_000, size: int = 2) -> None:
        self.rows = rows
        self.most = most
        self.size = size
        self.refreshed = "2026-04-30T00:00:00+0000"

    def __call__(self, request: Request) -> Response:
        if urlsplit(request.url).path == "/v1/oauth2/token":
            return answer({"access_token": "A21-token", "token_type": "Bearer"})
        query = {name: values[0] for name, values in parse_qs(urlsplit(request.url).query).items()}
        begin, end = (datetime.fromisoformat(query[f"{name}_date"]) for name in ("start", "end"))
        found = [
            found
            for found in self.rows
            if begin
            <= datetime.fromisoformat(found["transaction_info"]["transaction_initiation_date"])
            <= end
        ]
        if len(found) > self.most:
            return answer(TOO_LARGE, 400)
        page = int(query["page"])
        return answer(
            {
                "transaction_details": found[(page - 1) * self.size : page * self.size],
                "account_number": "MERCHANT1",
                "last_refreshed_datetime": self.refreshed,
                "page": page,
                "total_items": len(found),
                "total_pages": -(-len(found) // self.size),
            }
        )


def pulled(server: Any, window: Window, at: datetime | None = None) -> Iterator[Document]:
    wire = Wire(answer=server) if at is None else Wire(answer=server, at=at)
    return iter(PAYPAL.pull(wire, LINK, window))


def test_a_token_is_asked_by_the_applications_key_and_secret() -> None:
    wire = Wire(answer=PayPal([]))
    assert list(PAYPAL.pull(wire, LINK, ONE_DAY)) == []
    token = wire.sent[0]
    assert (token.method, token.url) == ("POST", "https://api-m.paypal.com/v1/oauth2/token")
    known = base64.b64encode(b"CLIENT-1:s3cr3t-of-the-app").decode()
    assert token.headers["Authorization"] == f"Basic {known}"
    assert token.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert token.body == b"grant_type=client_credentials"


def test_the_search_is_asked_for_what_moved_the_balance_and_for_no_payer() -> None:
    wire = Wire(answer=PayPal([]))
    list(PAYPAL.pull(wire, LINK, ONE_DAY))
    search = wire.sent[1]
    assert (search.method, search.body) == ("GET", b"")
    assert search.url == (
        "https://api-m.paypal.com/v1/reporting/transactions"
        "?start_date=2026-03-14T00%3A00%3A00Z&end_date=2026-03-14T23%3A59%3A59Z"
        "&fields=transaction_info&balance_affecting_records_only=Y&page_size=500&page=1"
    )
    assert search.headers["Authorization"] == "Bearer A21-token"


def test_pages_follow_one_another_and_say_what_they_are() -> None:
    rows = [row(number, DAY + timedelta(hours=number)) for number in range(5)]
    found = list(pulled(PayPal(rows), ONE_DAY))
    assert [document.name for document in found] == [
        f"paypal-transactions-2026-03-14-{page}.json" for page in (1, 2, 3)
    ]
    records = records_of(found, "paypal")
    assert sum(booked(records).values()) == Decimal("47.50")


def test_a_withdrawal_is_a_payout_with_what_the_bank_is_told() -> None:
    sent = row(
        9,
        DAY,
        "-388.00",
        transaction_event_code="T0400",
        fee_amount=None,
        bank_reference_id="1047428557999",
    )
    records = records_of(pulled(PayPal([sent]), ONE_DAY), "paypal")
    assert payouts_of(records) == {"T9": Decimal("388.00")}
    assert list(booked(records).values()) == [Decimal("-388.00")]


def test_what_is_pending_is_no_money_yet_and_is_not_taken_for_the_money_that_follows() -> None:
    pending = records_of(pulled(PayPal([row(1, DAY, transaction_status="P")]), ONE_DAY), "paypal")
    moved = records_of(pulled(PayPal([row(1, DAY)]), ONE_DAY), "paypal")
    assert booked(pending) == {}
    assert sum(booked([*pending, *moved]).values()) == Decimal("9.50")


def test_a_long_window_is_asked_in_spans_of_31_days() -> None:
    rows = [row(number, DAY + timedelta(days=20 * number)) for number in range(4)]
    wire = Wire(answer=PayPal(rows), at=datetime(2026, 6, 20, tzinfo=UTC))
    server = wire.answer
    assert isinstance(server, PayPal)
    server.refreshed = "2026-06-20T00:00:00Z"
    found = list(PAYPAL.pull(wire, LINK, Window(begin=DAY, end=DAY + timedelta(days=70))))
    asked = [parse_qs(urlsplit(request.url).query) for request in wire.sent[1:]]
    assert [(query["start_date"][0][:10], query["end_date"][0][:10]) for query in asked] == [
        ("2026-03-14", "2026-04-13"),
        ("2026-04-14", "2026-05-14"),
        ("2026-05-15", "2026-05-22"),
    ]
    assert sum(booked(records_of(found, "paypal")).values()) == Decimal("38.00")


def test_a_span_of_too_many_rows_is_asked_in_halves() -> None:
    rows = [row(number, DAY + timedelta(minutes=13 * number)) for number in range(100)]
    found = list(pulled(PayPal(rows, most=30, size=10), ONE_DAY))
    assert len(found) > 4
    assert len({document.name for document in found}) == len(found)
    assert sum(booked(records_of(found, "paypal")).values()) == Decimal("950.00")


def test_one_second_of_too_many_rows_is_refused() -> None:
    rows = [row(number, DAY) for number in range(5)]
    with pytest.raises(RefusedCallError, match="2026-03-14T00:00:00Z"):
        list(pulled(PayPal(rows, most=4), ONE_DAY))


@pytest.mark.parametrize("most", [10_000, 7])
def test_from_every_cursor_the_rest_follows(most: int) -> None:
    rows = [row(number, DAY + timedelta(hours=3 * number)) for number in range(40)]
    server = PayPal(rows, most=most, size=3)
    window = Window(begin=DAY, end=DAY + timedelta(days=7))
    require_resumable(lambda asked: pulled(server, asked), window)


def test_a_cursor_of_something_else_is_refused() -> None:
    with pytest.raises(RefusedCallError, match="cursor"):
        list(pulled(PayPal([]), Window(begin=DAY, end=DAY, cursor="report:1")))


def test_a_page_without_rows_is_not_given_but_the_next_span_is_asked() -> None:
    later = DAY + timedelta(days=40)
    found = list(pulled(PayPal([row(1, later)]), Window(begin=DAY, end=DAY + timedelta(days=45))))
    assert [document.name for document in found] == ["paypal-transactions-2026-04-14-1.json"]


def test_a_search_that_is_not_refreshed_yet_is_asked_again_at_the_same_place() -> None:
    server = PayPal([row(1, DAY), row(2, DAY), row(3, DAY)])
    server.refreshed = "2026-03-14T20:00:00+0000"
    with pytest.raises(NotYetError) as caught:
        list(pulled(server, ONE_DAY))
    assert caught.value.retry_after == 3600
    server.refreshed = "2026-03-15T00:00:00+0000"
    resumed = Window(begin=ONE_DAY.begin, end=ONE_DAY.end, cursor=caught.value.cursor)
    assert told(pulled(server, resumed)) == told(pulled(server, ONE_DAY))


def test_what_is_not_available_yet_comes_later_and_what_is_too_old_never() -> None:
    said = {"name": "INVALID_REQUEST", "message": "Data for the given start date is not available."}

    def server(request: Request) -> Response:
        return answer({"access_token": "t0ken"}) if "token" in request.url else answer(said, 400)

    with pytest.raises(NotYetError):
        list(pulled(server, ONE_DAY))
    with pytest.raises(RefusedCallError, match="given start date"):
        list(pulled(server, ONE_DAY, at=DAY + timedelta(days=30)))


@pytest.mark.parametrize(
    ("status", "said", "error"),
    [
        (401, {"error": "invalid_client", "error_description": "…"}, UnauthorisedError),
        (401, {"name": "AUTHENTICATION_FAILURE", "message": "…"}, UnauthorisedError),
        (400, {"name": "RATE_LIMIT_REACHED"}, RateLimitedError),
        (400, {"name": "INTERNAL_SERVICE_ERROR"}, UnavailableError),
        (403, {"name": "NOT_AUTHORIZED", "message": "no permission s3cr3t-of-the-app"}, None),
        (400, {"name": "INVALID_REQUEST", "details": [{"issue": "A21-token"}]}, None),
        (301, {}, None),
    ],
)
def test_a_refusal_is_named_and_holds_no_secret(
    status: int, said: dict[str, Any], error: type[Exception] | None
) -> None:
    def server(request: Request) -> Response:
        token = {"access_token": "A21-token"}
        return answer(token) if "oauth2" in request.url else answer(said, status)

    with pytest.raises(error or RefusedCallError, match=f"PayPal answered {status}") as caught:
        list(pulled(server, ONE_DAY))
    assert "s3cr3t" not in str(caught.value)
    assert "A21-token" not in str(caught.value)
    with pytest.raises(error or RefusedCallError):
        PAYPAL.probe(Wire(answer=server), LINK)


def test_an_answer_that_is_no_json_is_an_outage() -> None:
    with pytest.raises(UnavailableError):
        PAYPAL.probe(
            Wire(answer=lambda request: Response(status=200, headers={}, body=b"<html>")), LINK
        )


def test_the_probe_names_the_account() -> None:
    wire = Wire(answer=PayPal([row(1, DAY)]))
    assert PAYPAL.probe(wire, LINK) == "MERCHANT1"
    assert "page_size=1&" in wire.sent[1].url


def test_without_credentials_nothing_is_sent() -> None:
    wire = Wire(answer=PayPal([]))
    with pytest.raises(UnauthorisedError, match="no app_key"):
        PAYPAL.probe(wire, Link())
    assert wire.sent == []


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"transaction_status": "X"}, "unknown transaction_status"),
        ({"transaction_initiation_date": "2026-03-14"}, "not a time with an offset"),
        ({"transaction_initiation_date": "2026-13-14T00:00:00Z"}, "not a time"),
        ({"fee_amount": {"currency_code": "EUR", "value": "-1.00"}}, "a fee in EUR on USD"),
        ({"transaction_amount": {"currency_code": "USD", "value": "1,00"}}, "not an amount"),
    ],
)
def test_a_row_that_cannot_be_read_is_refused(more: dict[str, Any], words: str) -> None:
    page = answer({"transaction_details": [row(1, DAY, **more)]}).body
    with pytest.raises(ReadError, match=words):
        list(PAYPAL.read(document(page)))
