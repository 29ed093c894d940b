"""Asking Amazon: the settlement reports it has made, then the payouts of Transfers.

Amazon tells a store's money in two worlds that number it differently: settlement reports and
Transfers by the settlement, the Finances APIs by transaction and event group. Only one may be
read into a store, or every sale would be there twice. Settlements are chosen: a report is whole,
adds up to its payout, never changes and is what Amazon itself settles by, and Transfers says of
the same settlement when the money arrived and under which trace id. The price is that sales are
known when their settlement closes, mostly after 14 days. Finances would know them within 48
hours, with deferred ones twice and without a document that adds up to a payout.

Reports are not ordered (Amazon makes them by itself), so nothing has to be waited for: `getReports`
for those created in the window, `getReportDocument` for the address of each, and the file from
there, without any credentials. Reports come before payouts, so that "paid" is read after the
report's "under way"; a window that reaches the present asks for those of the days before too, as
their status and trace id come later. Sources: platforms-global.md §1.2, §1.3; Amazon's models
reports_2021-06-30.json and transfers_2024-06-01.json.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import BinaryIO, Final
from urllib.parse import quote, urlsplit

from platforms.adapters._steps import HEAD, Page, Step, document, since, span, walk
from platforms.adapters._web import Faults, access_token, json_object, query, refusal, rows, text
from platforms.adapters.amazon import consent
from platforms.adapters.amazon.sites import has_payouts, site
from platforms.contract import Document, Link, UnauthorisedError, UnavailableError
from platforms.pulling import (
    Download,
    Http,
    Rate,
    RefusedCallError,
    Request,
    Response,
    Terms,
    Window,
)

_MODELS: Final = "platforms-global.md §1.2, §1.3; Amazon's models"
# A rate and its burst as what they allow from a full bucket: 0.0222 a second and 10 are 10 in 450.
TERMS: Final = Terms(
    rates={
        "": Rate(calls=10, seconds=20, per="refresh_token", source=_MODELS),
        "reports": Rate(calls=10, seconds=451, per="refresh_token", source=_MODELS),
        "documents": Rate(calls=15, seconds=899, per="refresh_token", source=_MODELS),
        "file": Rate(calls=10, seconds=1, source="assumed"),
        "token": Rate(calls=1, seconds=1, per="refresh_token", source="assumed"),
    },
    # A report may still be made for a while after its creation; not stated by Amazon.
    ready=timedelta(hours=6),
    # Reports are kept for 90 days; the last of them may be over before the call arrives.
    reach=timedelta(days=89),
)

_TYPE: Final = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"
_REPORTS: Final = "reports"
_REPORT: Final = "report"
_PAYOUTS: Final = "payouts"
_LARGEST: Final = 1 << 30
# 403 is all of access denied, a token that has ended and a role that was not granted: each of
# them is mended by consenting again.
_FAULTS: Final[Faults] = {"401": UnauthorisedError, "403": UnauthorisedError}


def probe(http: Http, link: Link) -> str:
    """Ask for one report; Amazon does not say what the shop is called."""
    _Asked(http, link).call(f"/reports/2021-06-30/reports?{_reports(link, 1)}", _REPORTS)
    return ""


def pull(http: Http, link: Link, window: Window) -> Iterator[Document]:
    """Yield the reports made in the window and the payouts begun in it."""
    asked = _Asked(http, link)
    first = since(window, http.now())
    steps = [Step(_REPORTS), Step(_PAYOUTS, f"{_iso(first)}..{_iso(window.end)}")]
    return walk(steps, window.cursor, lambda step: _page(asked, window, step))


def _page(asked: _Asked, window: Window, step: Step) -> Page:
    if step.what == _REPORTS:
        return _reports_page(asked, window, step)
    if step.what == _REPORT:
        return Page(document=_report(asked, *step.about.split(" ", 1)))
    return _payouts_page(asked, window, step)


def _reports_page(asked: _Asked, window: Window, step: Step) -> Page:
    # With a nextToken no other parameter may be given.
    wanted = (
        query({"nextToken": step.at})
        if step.at
        else _reports(
            asked.link, 100, createdSince=_iso(window.begin), createdUntil=_iso(window.end)
        )
    )
    response = asked.call(f"/reports/2021-06-30/reports?{wanted}", _REPORTS)
    answer = json_object(response.body)
    found = [
        Step(_REPORT, f"{text(row, 'reportId')} {text(row, 'reportDocumentId')}")
        for row in rows(answer, "reports")
        if text(row, "reportType") == _TYPE and text(row, "processingStatus") == "DONE"
    ]
    return Page(then=(*found, *_following(step, answer)))


def _reports(link: Link, size: int, **more: str) -> str:
    return query(
        {
            "reportTypes": _TYPE,
            "processingStatuses": "DONE",
            "marketplaceIds": site(link).marketplace,
            "pageSize": size,
            **more,
        }
    )


def _payouts_page(asked: _Asked, window: Window, step: Step) -> Page:
    first, last = step.about.split("..")
    wanted = query(
        {
            "marketplaceIds": site(asked.link).marketplace,
            "createdAfter": first,
            "createdBefore": last,
            "nextToken": step.at,
        }
    )
    try:
        response = asked.call(f"/finances/transfers/2024-06-01/payouts?{wanted}", "")
    except RefusedCallError:
        # The settlement reports have told the payouts too. Amazon names the marketplaces it
        # serves; elsewhere a refusal of the first page is its way to say that it does not.
        if has_payouts(asked.link) or step.at:
            raise
        return Page()
    answer = json_object(response.body)
    # What pays nothing out is no payout, and a page of only such has nothing to read.
    paid = [row for row in rows(answer, "payouts") if text(row, "currentStatus") != "NO_PAYOUT"]
    name = f"amazon-payouts-{span(window)}-{step.page}.json"
    return Page(
        document=document(name, response.body) if paid else None, then=_following(step, answer)
    )


def _following(step: Step, answer: dict[str, object]) -> tuple[Step, ...]:
    """The next page; even an empty page may have one."""
    token = text(answer, "nextToken")
    return (step.following(token),) if token else ()


def _report(asked: _Asked, number: str, place: str) -> Document:
    """The file of a report, unpacked. Its address holds for five minutes and is not kept."""
    path = f"/reports/2021-06-30/documents/{quote(place, safe='')}"
    answer = json_object(asked.call(path, "documents").body)
    url, packing = text(answer, "url"), text(answer, "compressionAlgorithm")
    if urlsplit(url).scheme != "https" or packing not in ("", "GZIP"):
        raise RefusedCallError(f"report {number}: its address or its packing is not known")
    # The address itself is the permission: credentials would go to a stranger.
    file = asked.http.download(Request(method="GET", url=url, rate="file"))
    if file.status != 200:
        raise UnavailableError(f"report {number}: HTTP {file.status} from where it is stored")
    packed = _Packed(file) if packing else None
    opened = packed.open if packed else file.open
    if packed:
        packed.check(number)
    with opened() as stream:
        head = stream.read(HEAD)
    return Document(
        name=f"amazon-settlement-report-{number}.txt", head=head, open=opened, origin="pull"
    )


@dataclass(frozen=True, slots=True)
class _Packed:
    """A file that Amazon has packed with gzip."""

    file: Download

    def open(self) -> BinaryIO:
        """The content, as a new stream each time."""
        return io.BufferedReader(gzip.GzipFile(fileobj=self.file.open(), mode="rb"))

    def check(self, number: str) -> None:
        """Raise UnavailableError if it cannot be unpacked, RefusedCallError if it is endless."""
        size = 0
        try:
            with self.open() as stream:
                while block := stream.read(HEAD):
                    size += len(block)
                    if size > _LARGEST:
                        raise RefusedCallError(f"report {number} is larger than {_LARGEST} bytes")
        except (OSError, EOFError, zlib.error) as error:
            raise UnavailableError(f"report {number} came damaged") from error


@dataclass(slots=True)
class _Asked:
    """Calls the store's region, with one access token for a whole pull."""

    http: Http
    link: Link
    token: str = ""

    def call(self, path: str, rate: str) -> Response:
        """Give the answer if it is one. Raises the errors of `pull`."""
        headers = {
            "x-amz-access-token": self._token(),
            "user-agent": "Tributary (Language=Python)",
            "accept": "application/json",
        }
        url = f"https://{site(self.link).host}{path}"
        response = self.http.send(Request(method="GET", url=url, headers=headers, rate=rate))
        if response.status != 200:
            raise refusal(response, faults=_FAULTS, link=self.link)
        return response

    def _token(self) -> str:
        self.token = self.token or access_token(self.http, self.link, consent)
        return self.token


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
