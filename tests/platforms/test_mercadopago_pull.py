"""Mercado Pago makes reports when they are ordered: each is ordered once, and found again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from platforms.contract import (
    Document,
    Link,
    RateLimitedError,
    UnauthorisedError,
    UnavailableError,
)
from platforms.pulling import NotYetError, RefusedCallError, Request, Response, Window
from tests.platforms.pulled import (
    adapter_of,
    answer,
    booked,
    payouts_of,
    records_of,
    require_resumable,
)
from tests.platforms.wire import Wire

MERCADOPAGO = adapter_of("mercadopago")
LINK = Link(secrets={"access_token": "APP_USR-t0k3n", "secret": "h00k-s3cr3t"})
OPERATOR = Link(secrets={"app_id": "1234567890", "app_secret": "cl13nt-s3cr3t"})
DAY = datetime(2026, 3, 1, tzinfo=UTC)
WINDOW = Window(begin=DAY, end=DAY + timedelta(days=1))
RELEASE = (
    "DATE,SOURCE_ID,EXTERNAL_REFERENCE,RECORD_TYPE,DESCRIPTION,NET_CREDIT_AMOUNT,"
    "NET_DEBIT_AMOUNT,GROSS_AMOUNT,MP_FEE_AMOUNT\n"
    "{day}T00:00:00.000Z,,,initial_available_balance,,0.00,0.00,0.00,\n"
    "{day}T09:00:00.000Z,17{number},A-1,release,payment,95.00,0.00,100.00,-5.00\n"
    "{day}T10:00:00.000Z,18{number},,release,payout,0.00,60.00,-60.00,0.00\n"
    ",,,total,,35.00,0.00,,\n"
)
SETTLEMENT = (
    "SOURCE_ID,TRANSACTION_TYPE,TRANSACTION_AMOUNT,TRANSACTION_CURRENCY,TRANSACTION_DATE,"
    "FEE_AMOUNT,SETTLEMENT_NET_AMOUNT\n"
    "17{number},SETTLEMENT,100.00,BRL,{day}T09:00:00.000Z,-5.00,95.00\n"
)
BODIES = {"release_report": RELEASE, "settlement_report": SETTLEMENT}


@dataclass(kw_only=True)
class MercadoPago:
    """Makes a report some calls after it was ordered; answers in the form of the guide."""

    slow: int = 0
    status: int = 202
    reports: list[dict[str, Any]] = field(default_factory=list)
    ordered: list[dict[str, Any]] = field(default_factory=list)
    empty: tuple[str, ...] = ()
    extension: str = "csv"

    def __call__(self, request: Request) -> Response:
        assert request.headers["Authorization"] == "Bearer APP_USR-t0k3n"
        path = urlsplit(request.url).path
        if path == "/users/me":
            return answer({"id": 77, "nickname": "LOJA UM", "site_id": "MLB"})
        _, _, account, report, *name = path.split("/")
        assert account == "account"
        if request.method == "POST":
            return self._order(report, json.loads(request.body))
        if name == ["list"]:
            return answer([self._listed(made) for made in self.reports if made["kind"] == report])
        return self._file(report, name[0])

    def _order(self, report: str, body: dict[str, str]) -> Response:
        self.ordered.append({"report": report, **body})
        if self.status != 202:
            return answer({"message": "choose other dates"}, self.status)
        number = 1000 + len(self.reports)
        self.reports.append({"kind": report, "id": number, **body, "left": self.slow})
        return answer({"id": number, **body, "status": "pending"}, 202)

    def _listed(self, made: dict[str, Any]) -> dict[str, Any]:
        made["left"] -= 1
        shown = {
            "id": made["id"],
            "user_id": 77,
            "begin_date": made["begin_date"],
            "end_date": made["end_date"].replace("Z", ".000Z"),
            "created_from": "manual",
            "date_created": made.get("date_created", "2026-06-05T10:07:53.000-04:00"),
        }
        if made["left"] >= 0:
            return {**shown, "status": "pending"}
        return {**shown, "file_name": f"{made['kind']}-{made['id']}.{self.extension}"}

    def _file(self, report: str, name: str) -> Response:
        made = next(made for made in self.reports if name.startswith(f"{report}-{made['id']}."))
        text = BODIES[report].format(day=made["begin_date"][:10], number=made["id"])
        if report in self.empty:
            text = text.splitlines()[0] + "\n"
        return Response(status=200, headers={}, body=text.encode())


def pulled(server: Any, window: Window) -> Iterator[Document]:
    return iter(MERCADOPAGO.pull(Wire(answer=server), LINK, window))


def patiently(server: MercadoPago, window: Window) -> list[Document]:
    """As the hub does it: come back with the cursor of what was kept or is being made."""
    kept: list[Document] = []
    for _ in range(50):
        try:
            for found in pulled(server, window):
                kept.append(found)
                window = replace(window, cursor=found.cursor)
            return kept
        except NotYetError as error:
            assert error.retry_after > 0
            window = replace(window, cursor=error.cursor)
    raise AssertionError("never made")


def test_a_report_is_ordered_for_the_window_to_its_last_second() -> None:
    wire = Wire(answer=MercadoPago())
    with pytest.raises(NotYetError, match="release_report"):
        list(MERCADOPAGO.pull(wire, LINK, WINDOW))
    order = wire.sent[-1]
    assert (order.method, order.url) == (
        "POST",
        "https://api.mercadopago.com/v1/account/release_report",
    )
    assert order.headers["Content-Type"] == "application/json"
    assert json.loads(order.body) == {
        "begin_date": "2026-03-01T00:00:00Z",
        "end_date": "2026-03-01T23:59:59Z",
    }


@pytest.mark.parametrize("slow", [0, 1, 4])
def test_each_report_is_ordered_once_however_long_it_takes(slow: int) -> None:
    server = MercadoPago(slow=slow)
    found = patiently(server, WINDOW)
    assert [document.name for document in found] == [
        "mercadopago-release-report-2026-03-01-2026-03-01.csv",
        "mercadopago-settlement-report-2026-03-01-2026-03-01.csv",
    ]
    assert [order["report"] for order in server.ordered] == ["release_report", "settlement_report"]


def test_what_is_fetched_is_read_in_the_currency_of_the_sellers_country() -> None:
    found = patiently(MercadoPago(), WINDOW)
    records = records_of(found, "mercadopago")
    assert {found.context["currency"] for found in found} == {"BRL"}
    assert sum(booked(records).values()) == Decimal("35.00")
    assert payouts_of(records) == {"181000": Decimal("60.00")}


def test_the_same_window_asked_again_takes_the_reports_that_are_there() -> None:
    server = MercadoPago()
    first = [document.name for document in patiently(server, WINDOW)]
    assert [document.name for document in pulled(server, WINDOW)] == first
    assert len(server.ordered) == 2


def test_a_report_made_before_the_window_ended_is_not_taken_for_the_whole() -> None:
    early = {
        "kind": "release_report",
        "id": 5,
        "begin_date": "2026-03-01T00:00:00Z",
        "end_date": "2026-03-01T23:59:59Z",
        "date_created": "2026-03-01T12:00:00.000-04:00",
        "left": 0,
    }
    server = MercadoPago(reports=[early])
    with pytest.raises(NotYetError):
        list(pulled(server, WINDOW))
    assert len(server.ordered) == 1


def test_an_order_without_a_number_is_found_by_its_days_and_never_repeated() -> None:
    server = MercadoPago(slow=2)

    def silent(request: Request) -> Response:
        real = server(request)
        return Response(status=202, headers={}, body=b"") if request.method == "POST" else real

    window, kept = WINDOW, []
    for _ in range(20):
        try:
            for found in pulled(silent, window):
                kept.append(found)
                window = replace(window, cursor=found.cursor)
            break
        except NotYetError as error:
            window = replace(window, cursor=error.cursor)
    assert len(kept) == 2
    assert len(server.ordered) == 2


def test_a_cursor_that_says_ordered_never_orders_even_if_the_list_forgot_it() -> None:
    server = MercadoPago()
    cursor = "release_report/2026-03-01T00:00:00Z/report:1000"
    with pytest.raises(NotYetError) as caught:
        list(pulled(server, replace(WINDOW, cursor=cursor)))
    assert server.ordered == []
    assert caught.value.cursor == cursor


def test_a_window_longer_than_60_days_is_ordered_in_parts() -> None:
    server = MercadoPago()
    found = patiently(server, Window(begin=DAY, end=DAY + timedelta(days=70)))
    assert [(order["begin_date"][:10], order["end_date"][:10]) for order in server.ordered] == [
        ("2026-03-01", "2026-04-29"),
        ("2026-04-30", "2026-05-09"),
    ] * 2
    assert sum(booked(records_of(found, "mercadopago")).values()) == Decimal("70.00")


def test_from_every_cursor_the_rest_follows() -> None:
    server = MercadoPago()
    window = Window(begin=DAY, end=DAY + timedelta(days=90))
    patiently(server, window)
    require_resumable(lambda asked: pulled(server, asked), window)


def test_a_report_with_a_header_alone_is_not_given() -> None:
    found = patiently(MercadoPago(empty=("release_report",)), WINDOW)
    assert [document.name[:24] for document in found] == ["mercadopago-settlement-r"]


def test_days_that_it_will_not_report_are_refused_with_its_words() -> None:
    with pytest.raises(RefusedCallError, match="choose other dates"):
        list(pulled(MercadoPago(status=203), WINDOW))


def test_a_report_that_is_no_csv_is_refused_with_what_to_do() -> None:
    server = MercadoPago(extension="xlsx")
    with pytest.raises(RefusedCallError, match="choose that format"):
        patiently(server, WINDOW)


def test_a_name_that_leads_elsewhere_is_not_followed() -> None:
    wire = Wire(answer=MercadoPago(extension="/../../users/me?x=.csv"))
    with pytest.raises(NotYetError) as caught:
        list(MERCADOPAGO.pull(wire, LINK, WINDOW))
    with pytest.raises(RefusedCallError, match="is no CSV"):
        list(MERCADOPAGO.pull(wire, LINK, replace(WINDOW, cursor=caught.value.cursor)))
    assert wire.sent[-1].url.endswith("/list")


def test_a_file_that_is_listed_and_not_there_yet_is_waited_for() -> None:
    server = MercadoPago()

    def late(request: Request) -> Response:
        if request.url.endswith(".csv"):
            return answer({"message": "not_found"}, 404)
        return server(request)

    with pytest.raises(NotYetError) as caught:
        list(pulled(late, WINDOW))
    with pytest.raises(NotYetError) as again:
        list(pulled(late, replace(WINDOW, cursor=caught.value.cursor)))
    assert len(server.ordered) == 1
    assert again.value.cursor == caught.value.cursor


def test_a_cursor_of_something_else_is_refused() -> None:
    for cursor in ("x", "release_report/2026-01-01T00:00:00Z/kept"):
        with pytest.raises(RefusedCallError, match="cursor"):
            list(pulled(MercadoPago(), replace(WINDOW, cursor=cursor)))


@pytest.mark.parametrize(
    ("status", "said", "error"),
    [
        (401, {"message": "Invalid token"}, UnauthorisedError),
        (400, {"message": "x", "error": "invalid_grant"}, UnauthorisedError),
        (400, {"error": "local_rate_limited"}, RateLimitedError),
        (400, {"error": "internal_error"}, UnavailableError),
        (403, {"message": "no scope for APP_USR-t0k3n"}, RefusedCallError),
        (400, {"message": "bad days", "cause": [{"code": "h00k-s3cr3t"}]}, RefusedCallError),
    ],
)
def test_a_refusal_is_named_and_holds_no_secret(
    status: int, said: dict[str, Any], error: type[Exception]
) -> None:
    wire = Wire(answer=lambda request: answer(said, status))
    for call in (
        lambda: MERCADOPAGO.probe(wire, LINK),
        lambda: list(MERCADOPAGO.pull(wire, LINK, WINDOW)),
    ):
        with pytest.raises(error, match=f"Mercado Pago answered {status}") as caught:
            call()
        assert "t0k3n" not in str(caught.value)
        assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    "body", [b"<html>", b"{}", b'[{"id": 1}]', b'[{"begin_date": "x", "end_date": "y"}]']
)
def test_a_list_that_is_none_is_an_outage(body: bytes) -> None:
    def server(request: Request) -> Response:
        if request.url.endswith("/list"):
            return Response(status=200, headers={}, body=body)
        return answer({"id": 77})

    with pytest.raises(UnavailableError):
        list(pulled(server, WINDOW))


def test_the_probe_names_the_seller() -> None:
    assert MERCADOPAGO.probe(Wire(answer=MercadoPago()), LINK) == "77"


# --- consent --------------------------------------------------------------------------

GRANTED = {
    "access_token": "APP_USR-new",
    "token_type": "Bearer",
    "expires_in": 15552000,
    "scope": "offline_access read write",
    "user_id": 77,
    "refresh_token": "TG-new",
}


def test_the_seller_is_sent_to_the_page_of_consent() -> None:
    url = urlsplit(MERCADOPAGO.consent_url(OPERATOR, state="st/1", back="https://hub.test/b?x=1"))
    assert f"{url.scheme}://{url.netloc}{url.path}" == (
        "https://auth.mercadopago.com/authorization"
    )
    assert parse_qs(url.query) == {
        "client_id": ["1234567890"],
        "response_type": ["code"],
        "platform_id": ["mp"],
        "state": ["st/1"],
        "redirect_uri": ["https://hub.test/b?x=1"],
    }


def test_a_code_is_redeemed_for_tokens_of_180_days() -> None:
    wire = Wire(answer=lambda request: answer(GRANTED))
    tokens = MERCADOPAGO.exchange(
        wire, OPERATOR, answer={"code": "TG-1", "state": "s"}, back="https://hub.test/b"
    )
    (sent,) = wire.sent
    assert (sent.method, sent.url) == ("POST", "https://api.mercadopago.com/oauth/token")
    assert json.loads(sent.body) == {
        "client_id": "1234567890",
        "client_secret": "cl13nt-s3cr3t",
        "grant_type": "authorization_code",
        "code": "TG-1",
        "redirect_uri": "https://hub.test/b",
    }
    assert tokens.secrets == {
        "access_token": "APP_USR-new",
        "refresh_token": "TG-new",
        "shop": "77",
    }
    assert tokens.expires_at == tokens.renewable_until == wire.at + timedelta(days=180)
    assert (tokens.shop, tokens.scopes) == ("77", ("offline_access", "read", "write"))


def test_a_renewal_gives_the_next_refresh_token() -> None:
    wire = Wire(answer=lambda request: answer(GRANTED))
    link = Link(secrets={**OPERATOR.secrets, "refresh_token": "TG-old"})
    assert MERCADOPAGO.renew(wire, link).secrets["refresh_token"] == "TG-new"
    assert json.loads(wire.sent[0].body) == {
        "client_id": "1234567890",
        "client_secret": "cl13nt-s3cr3t",
        "grant_type": "refresh_token",
        "refresh_token": "TG-old",
    }


@pytest.mark.parametrize("brought", [{}, {"error": "access_denied"}, {"code": ""}])
def test_a_browser_without_a_code_is_no_consent(brought: dict[str, str]) -> None:
    wire = Wire(answer=lambda request: answer(GRANTED))
    with pytest.raises(UnauthorisedError):
        MERCADOPAGO.exchange(wire, OPERATOR, answer=brought, back="https://hub.test/b")
    assert wire.sent == []


def test_a_spent_refresh_token_is_the_end_of_consent_and_stays_unsaid() -> None:
    said = {"message": "TG-old is spent", "error": "invalid_grant", "status": 400}
    link = Link(secrets={**OPERATOR.secrets, "refresh_token": "TG-old"})
    with pytest.raises(UnauthorisedError) as caught:
        MERCADOPAGO.renew(Wire(answer=lambda request: answer(said, 400)), link)
    assert "TG-old" not in str(caught.value)


def test_an_answer_without_tokens_is_an_outage() -> None:
    wire = Wire(answer=lambda request: answer({"access_token": "a"}))
    with pytest.raises(UnavailableError, match="refresh_token"):
        MERCADOPAGO.exchange(wire, OPERATOR, answer={"code": "TG-1"}, back="https://hub.test/b")
