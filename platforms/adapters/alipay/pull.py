"""Fetching from Alipay: the fund bill (账务明细, `signcustomer`) of each day, as a ZIP.

Source: platforms-cn.md §1.4 (a) and copies of the official page of
`alipay.data.dataservice.bill.downloadurl.query`. The address that comes back is good for 30
seconds and needs no signature. The pages of `alipay.data.bill.accountlog.query` say the same rows
under the same numbers, without sums that would prove them whole: they are read, not asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final
from urllib.parse import urlsplit

from platforms.adapters import _day_bills
from platforms.adapters.alipay import gateway
from platforms.archives import Archive
from platforms.contract import Document, Link, ReadError, UnavailableError
from platforms.pulling import Download, Http, Rate, RefusedCallError, Request, Terms, Window

TERMS: Final = Terms(
    rates={"": Rate(calls=5, seconds=1, per="app_id", source="assumed")},
    # A day's bill is made before nine in the morning, "later in special cases".
    ready=timedelta(hours=10),
    # Since 2016-01-01.
    reach=timedelta(days=3_650),
)
FUNDS: Final = "funds"

_METHOD: Final = "alipay.data.dataservice.bill.downloadurl.query"
# Documented in capitals, met as isp.bill_not_exist: nothing moved on that day.
_NO_BILL: Final = frozenset(
    {"isp.bill_not_exist", "BILL_NOT_EXIST", "BILL_DATE_BEFORE_REGISTRATION"}
)


def probe(http: Http, link: Link) -> str:
    """Ask for the bill of some days ago; Alipay says no name. Raises as `pull` does."""
    _address(http, link, _day_bills.earlier(http.now(), zone=gateway.ZONE, days=3))
    return ""


def pull(http: Http, link: Link, window: Window) -> Iterator[Document]:
    """The fund bill of each day; a day on which nothing moved has none.

    Raises NotYetError where yesterday has none, which may still be made.
    """
    for step in _day_bills.steps(window, zone=gateway.ZONE, parts=(FUNDS,)):
        url = _address(http, link, step.day)
        if not url:
            _day_bills.require_settled(http, step, zone=gateway.ZONE, whose="Alipay")
            continue
        yield _day_bills.document(
            _fetched(http, url),
            name=f"alipay-fund-bill-{step.day}.zip",
            cursor=step.cursor,
            context={},
        )


def _address(http: Http, link: Link, day: date) -> str:
    """Where the bill of a day lies, "" if there is none. Raises the errors of `pull`."""
    content = {"bill_type": "signcustomer", "bill_date": day.isoformat()}
    said = gateway.call(http, link, _METHOD, content, expected=_NO_BILL)
    url = str(said.get("bill_download_url") or "").strip()
    if said.get("code") == gateway.DONE and urlsplit(url).scheme not in {"http", "https"}:
        raise RefusedCallError("Alipay gave no address of the bill")
    return url


def _fetched(http: Http, url: str) -> Download:
    """The ZIP, whole. Raises UnavailableError for anything else: the address has run out."""
    download = http.download(Request(method="GET", url=url))
    if download.status != 200:
        raise UnavailableError(f"the address of Alipay's bill answers {download.status}")
    try:
        with download.open() as stream:
            archive = Archive(stream)
            for position in range(len(archive)):
                _read_through(archive, position)
    except ReadError as error:
        raise UnavailableError(f"Alipay's bill did not come whole: {error.reason}") from error
    return download


def _read_through(archive: Archive, position: int) -> None:
    """To the last byte, where the checksum of the member is compared."""
    with archive.open(position) as member:
        while member.read(_day_bills.HEAD):
            pass
