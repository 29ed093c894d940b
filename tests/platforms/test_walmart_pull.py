"""Walmart is asked which reports there are, and then for those that the window wants."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
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
from platforms.pulling import RefusedCallError, Request, Response, Window
from tests.platforms.pulled import (
    adapter_of,
    answer,
    booked,
    payouts_of,
    records_of,
    require_resumable,
)
from tests.platforms.wire import Wire

WALMART = adapter_of("walmart")
LINK = Link(secrets={"app_key": "CLIENT-1", "app_secret": "cl13nt-s3cr3t", "secret": "h00k"})
DAY = datetime(2026, 5, 5, tzinfo=UTC)
WINDOW = Window(begin=DAY, end=DAY + timedelta(days=1))
DAYS = [date(2026, 4, 21), date(2026, 5, 5), date(2026, 5, 19), date(2026, 6, 2)]
COLUMNS = (
    "Period Start Date,Period End Date,Total Payable,Currency,Transaction Key,"
    "Transaction Posted Timestamp,Transaction Type,Transaction Description,Customer Order #,"
    "Customer Order line #,Purchase Order #,Purchase Order line #,Amount,Amount Type\n"
)


def report(day: date) -> bytes:
    """A sale of 20.00 less 2.40, as a CSV."""
    begin, end = day - timedelta(days=17), day - timedelta(days=4)
    period, posted = f"{begin:%m/%d/%Y},{end:%m/%d/%Y}", f"{day:%m/%d/%Y}"
    rows = (
        f"{period},17.60,USD,,{posted},PaymentSummary,Deposited in account,,,,,,\n"
        f",,,,K{day:%m%d},{posted},Sale,Purchase,2000,1,1291,1,20.00,Product Price\n"
        f",,,,K{day:%m%d},{posted},Sale,Purchase,2000,1,1291,1,-2.40,Commission on Product\n"
    )
    return (COLUMNS + rows).encode()


def zipped(data: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("report.csv", (2026, 5, 5, 0, 0, 0)), data)
    return stream.getvalue()


class Walmart:
    """Answers in the form of the guide."""

    def __init__(self, days: list[date], *, zips: bool = True) -> None:
        self.days = days
        self.zips = zips

    def __call__(self, request: Request) -> Response:
        url = urlsplit(request.url)
        if url.path == "/v3/token":
            return answer({"access_token": "eyJ-t0k3n", "token_type": "Bearer", "expires_in": 900})
        assert request.headers["WM_SEC.ACCESS_TOKEN"] == "eyJ-t0k3n"
        if url.path.endswith("/availableReconFiles"):
            return answer({"availableApReportDates": [f"{day:%m%d%Y}" for day in self.days]})
        day = datetime.strptime(parse_qs(url.query)["reportDate"][0], "%m%d%Y").date()  # noqa: DTZ007
        data = report(day)
        return Response(status=200, headers={}, body=zipped(data) if self.zips else data)


def pulled(server: Any, window: Window) -> Iterator[Document]:
    return iter(WALMART.pull(Wire(answer=server), LINK, window))


def test_a_token_is_asked_with_walmarts_headers() -> None:
    wire = Wire(answer=Walmart(DAYS))
    list(WALMART.pull(wire, LINK, WINDOW))
    token = wire.sent[0]
    assert (token.method, token.url) == ("POST", "https://marketplace.walmartapis.com/v3/token")
    known = base64.b64encode(b"CLIENT-1:cl13nt-s3cr3t").decode()
    assert dict(token.headers) == {
        "Authorization": f"Basic {known}",
        "Accept": "application/json",
        "Content-Type": "application/x-www-form-urlencoded",
        "WM_SVC.NAME": "Walmart Marketplace",
        "WM_QOS.CORRELATION_ID": f"{0:032x}",
    }
    assert token.body == b"grant_type=client_credentials"


def test_each_call_has_the_token_and_an_id_of_its_own_and_not_the_secret() -> None:
    wire = Wire(answer=Walmart(DAYS))
    list(WALMART.pull(wire, LINK, WINDOW))
    _, days, report = wire.sent
    base = "https://marketplace.walmartapis.com/v3/report/reconreport"
    assert days.url == f"{base}/availableReconFiles?reportVersion=v1"
    assert report.url == f"{base}/reconFile?reportDate=05052026&reportVersion=v1"
    assert report.headers["Accept"] == "application/octet-stream"
    assert "Authorization" not in report.headers
    ids = {request.headers["WM_QOS.CORRELATION_ID"] for request in wire.sent}
    assert len(ids) == 3


@pytest.mark.parametrize("zips", [True, False])
def test_a_report_is_read_and_ties_to_its_deposit(zips: bool) -> None:
    (found,) = pulled(Walmart(DAYS, zips=zips), WINDOW)
    assert found.name == f"walmart-recon-report-2026-05-05.{'zip' if zips else 'csv'}"
    records = records_of([found], "walmart")
    assert payouts_of(records) == {"2026-04-18/2026-05-01": Decimal("17.60")}
    assert sum(booked(records).values()) == Decimal("0.00")


def test_a_report_that_appears_late_is_still_fetched_in_the_week_after_its_day() -> None:
    for late in range(8):
        day = DAY + timedelta(days=late)
        found = pulled(Walmart(DAYS), Window(begin=day, end=day + timedelta(days=1)))
        assert [document.name[21:31] for document in found] == ["2026-05-05"]
    day = DAY + timedelta(days=8)
    assert list(pulled(Walmart(DAYS), Window(begin=day, end=day + timedelta(days=1)))) == []


def test_windows_that_overlap_give_the_same_lines() -> None:
    whole = Window(begin=DAY - timedelta(days=20), end=DAY + timedelta(days=20))
    records = records_of([*pulled(Walmart(DAYS), whole), *pulled(Walmart(DAYS), WINDOW)], "walmart")
    assert len(payouts_of(records)) == 3
    assert len(booked(records)) == 9


def test_from_every_cursor_the_rest_follows_whatever_the_lists_order() -> None:
    whole = Window(begin=DAY - timedelta(days=20), end=DAY + timedelta(days=40))
    require_resumable(lambda asked: pulled(Walmart(DAYS[::-1]), asked), whole)


def test_a_cursor_of_something_else_is_refused() -> None:
    with pytest.raises(RefusedCallError, match="cursor"):
        list(pulled(Walmart(DAYS), Window(begin=DAY, end=DAY, cursor="report:1")))


def test_other_countries_are_refused_before_anything_is_sent() -> None:
    wire = Wire(answer=Walmart(DAYS))
    link = Link(secrets={**LINK.secrets, "region": "MX"})
    with pytest.raises(RefusedCallError, match=r"'MX': US only"):
        WALMART.probe(wire, link)
    assert wire.sent == []


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (401, "UNAUTHORIZED.GMP_GATEWAY_API", UnauthorisedError),
        (400, "REQUEST_THRESHOLD_VIOLATED.GMP_GATEWAY_API", RateLimitedError),
        (400, "SYSTEM_ERROR", UnavailableError),
        (403, "FORBIDDEN", RefusedCallError),
        (400, "INVALID_REQUEST_PARAM", RefusedCallError),
    ],
)
def test_a_refusal_is_named_and_holds_no_secret(
    status: int, code: str, error: type[Exception]
) -> None:
    said = {"error": [{"code": code, "info": "eyJ-t0k3n of cl13nt-s3cr3t", "severity": "ERROR"}]}

    def server(request: Request) -> Response:
        token = request.url.endswith("/token")
        return answer({"access_token": "eyJ-t0k3n"}) if token else answer(said, status)

    for call in (
        lambda: WALMART.probe(Wire(answer=server), LINK),
        lambda: list(pulled(server, WINDOW)),
        lambda: WALMART.probe(Wire(answer=lambda request: answer(said, status)), LINK),
    ):
        with pytest.raises(error, match=f"Walmart answered {status}: {code}") as caught:
            call()
        assert "cl13nt" not in str(caught.value)
    with pytest.raises(error) as caught:
        list(pulled(server, WINDOW))
    assert "t0k3n" not in str(caught.value)


@pytest.mark.parametrize("days", [["5/5/2026"], ["13052026"], [None], [20260505]])
def test_a_day_that_cannot_be_read_is_refused(days: list[Any]) -> None:
    def server(request: Request) -> Response:
        if "available" in request.url:
            return answer({"availableApReportDates": days})
        return answer({"access_token": "eyJ-t0k3n"})

    with pytest.raises(RefusedCallError, match="no day of a report"):
        list(pulled(server, WINDOW))


def test_an_empty_file_is_an_outage_and_no_empty_fortnight() -> None:
    server = Walmart(DAYS)

    def broken(request: Request) -> Response:
        real = server(request)
        return Response(status=200, headers={}, body=b"") if "reconFile" in request.url else real

    with pytest.raises(UnavailableError, match="2026-05-05 came empty"):
        list(pulled(broken, WINDOW))


def test_answers_that_lack_what_they_must_state_are_outages() -> None:
    with pytest.raises(UnavailableError, match="access_token"):
        WALMART.probe(Wire(answer=lambda request: answer({})), LINK)
    with pytest.raises(UnavailableError, match="availableApReportDates"):
        WALMART.probe(Wire(answer=lambda request: answer({"access_token": "eyJ-t0k3n"})), LINK)


def test_without_credentials_nothing_is_sent() -> None:
    wire = Wire(answer=Walmart(DAYS))
    with pytest.raises(UnauthorisedError, match="no app_key"):
        WALMART.probe(wire, Link(secrets={"secret": "h00k"}))
    assert wire.sent == []
