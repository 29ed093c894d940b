"""Fetches recon reports: a token, the days that have one, then the file of each day.

`POST /v3/token` gives a token of 15 minutes, `GET …/availableReconFiles` the reports' days as
`MMDDYYYY`, `GET …/reconFile` a ZIP with the CSV. A report states a fortnight and is named by one
day; those of the window's days are fetched, and those of the week before it, as nothing says
how long after its day a report appears. Source: platforms-global.md §8, developer.walmart.com
(US marketplace: Token API, available recon report dates, recon report).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, timedelta
from typing import Final
from urllib.parse import urlencode

from platforms.adapters._rest import FORM, JSON, Faults, basic, file, form, granted, needed
from platforms.archives import MAGIC
from platforms.contract import (
    Document,
    Link,
    RateLimitedError,
    UnauthorisedError,
    UnavailableError,
)
from platforms.pulling import Download, Http, Rate, RefusedCallError, Request, Terms, Window
from platforms.reading import shown

HOST: Final = "https://marketplace.walmartapis.com"
TERMS: Final = Terms(
    # Walmart publishes limits by feed type only.
    rates={"": Rate(calls=10, seconds=60, per="app_key", source="assumed")},
    ready=timedelta(days=1),
    # How long reports stay is not published; the list says which there are.
    reach=timedelta(days=365),
)
# Other countries' sellers have other headers and no recon report in version 1.
REGIONS: Final = ("US",)

_REPORTS: Final = "/v3/report/reconreport"
_LATE: Final = timedelta(days=7)
_DAY: Final = re.compile(r"(\d\d)(\d\d)(\d{4})", re.ASCII)
_FILE: Final = "application/octet-stream"
_FAULTS: Final = Faults(
    platform="Walmart",
    fields=frozenset({"code", "info", "description", "message", "error_description"}),
    codes={
        "401": UnauthorisedError,
        "UNAUTHORIZED.GMP_GATEWAY_API": UnauthorisedError,
        "REQUEST_THRESHOLD_VIOLATED.GMP_GATEWAY_API": RateLimitedError,
        "REQUEST_THRESHOLD_VIOLATED": RateLimitedError,
        "SYSTEM_ERROR.GMP_GATEWAY_API": UnavailableError,
        "SYSTEM_ERROR": UnavailableError,
    },
)


def probe(http: Http, link: Link) -> str:
    """Ask which reports there are; no call names the seller. Raises the errors of `pull`."""
    _available(http, link, _token(http, link))
    return ""


def pull(http: Http, link: Link, window: Window) -> Iterator[Document]:
    """Yield the reports whose day is in the window or in the week before it, by day."""
    token = _token(http, link)
    first = (window.begin - _LATE).astimezone(UTC).date()
    last = (window.end - timedelta(seconds=1)).astimezone(UTC).date()
    kept = _kept(window.cursor)
    for day in sorted(_available(http, link, token)):
        if first <= day <= last and (kept is None or day > kept):
            download = _report(http, link, token, day)
            yield file(_name(day, download), download, cursor=day.isoformat())


def _kept(cursor: str) -> date | None:
    if not cursor:
        return None
    try:
        return date.fromisoformat(cursor)
    except ValueError as error:
        raise RefusedCallError("the cursor is not one of this platform") from error


def _token(http: Http, link: Link) -> str:
    """An access token. Raises RefusedCallError for a seller of another country."""
    region = link.secrets.get("region", "").strip() or REGIONS[0]
    if region.upper() not in REGIONS:
        raise RefusedCallError(f"no recon reports of {shown(region)}: {', '.join(REGIONS)} only")
    request = Request(
        method="POST",
        url=f"{HOST}/v3/token",
        headers={
            "Authorization": basic(needed(link, "app_key"), needed(link, "app_secret")),
            "Accept": JSON,
            "Content-Type": FORM,
            **_said(http),
        },
        body=form(grant_type="client_credentials"),
    )
    answer = _FAULTS.answer(http.send(request), link)
    return granted(answer, "access_token", platform=_FAULTS.platform)


def _available(http: Http, link: Link, token: str) -> set[date]:
    """The days that have a report."""
    response = http.send(_request(http, token, "availableReconFiles", accept=JSON))
    days = _FAULTS.answer(response, link, hidden=[token]).get("availableApReportDates")
    if not isinstance(days, list):
        raise UnavailableError("Walmart stated no availableApReportDates")
    return {_day(day) for day in days}


def _day(text: object) -> date:
    """`05052026`, month before day. Raises RefusedCallError: what is it then?"""
    match = _DAY.fullmatch(text) if isinstance(text, str) else None
    try:
        month, day, year = (int(part) for part in match.groups()) if match else (0, 0, 0)
        return date(year, month, day)
    except ValueError as error:
        raise RefusedCallError(f"no day of a report: {shown(str(text))}") from error


def _report(http: Http, link: Link, token: str, day: date) -> Download:
    download = http.download(
        _request(http, token, "reconFile", accept=_FILE, reportDate=f"{day:%m%d%Y}")
    )
    _FAULTS.require(download, link, hidden=[token])
    if not download.size:
        raise UnavailableError(f"Walmart's recon report of {day} came empty")
    return download


def _name(day: date, download: Download) -> str:
    """Named by what it is: the guide says a ZIP, and programs have met the CSV alone."""
    with download.open() as stream:
        zipped = stream.read(len(MAGIC)) == MAGIC
    return f"walmart-recon-report-{day}.{'zip' if zipped else 'csv'}"


def _request(http: Http, token: str, name: str, *, accept: str, **query: str) -> Request:
    return Request(
        method="GET",
        url=f"{HOST}{_REPORTS}/{name}?{urlencode({**query, 'reportVersion': 'v1'})}",
        headers={"WM_SEC.ACCESS_TOKEN": token, "Accept": accept, **_said(http)},
    )


def _said(http: Http) -> dict[str, str]:
    """What every call says of itself; the id is another one each time."""
    return {"WM_SVC.NAME": "Walmart Marketplace", "WM_QOS.CORRELATION_ID": http.nonce()}
