"""Fetching from Pinduoduo: the bill of the goods' money (货款日账单) of each day.

Source: platforms-cn.md §4.4 and `pdd.finance.balance.daily.bill.url.get` in the vendor's Java and
PHP SDKs and four others, which agree on `bill_date` and `download_url`. It is the vendor's only
call of its finance API. The marketing account has none: its bill is uploaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from platforms.adapters import _day_bills
from platforms.adapters.pinduoduo import gateway
from platforms.contract import Document, Link, UnavailableError
from platforms.pulling import Http, Rate, RefusedCallError, Request, Terms, Window
from platforms.reading import shown

ZONE: Final = ZoneInfo("Asia/Shanghai")
GOODS: Final = "goods"
TERMS: Final = Terms(
    rates={"": Rate(calls=5, seconds=1, per="app_key", source="assumed")},
    # Neither is stated: the next day's noon, and what one may count on to be there.
    ready=timedelta(hours=12),
    reach=timedelta(days=90),
)

_METHOD: Final = "pdd.finance.balance.daily.bill.url.get"


def probe(http: Http, link: Link) -> str:
    """Ask for the bill of some days ago; Pinduoduo says no name. Raises as `pull` does."""
    _address(http, link, _day_bills.earlier(http.now(), zone=ZONE, days=3))
    return ""


def pull(http: Http, link: Link, window: Window) -> Iterator[Document]:
    """The bill of each day. Raises NotYetError where yesterday has none."""
    for step in _day_bills.steps(window, zone=ZONE, parts=(GOODS,)):
        if not (url := _address(http, link, step.day)):
            _day_bills.require_settled(http, step, zone=ZONE, whose="Pinduoduo")
            continue
        # The address is its own permission: nothing of ours goes there.
        download = http.download(Request(method="GET", url=url))
        if download.status != 200:
            raise UnavailableError(f"the address of Pinduoduo's bill answers {download.status}")
        if download.size:
            yield _day_bills.document(
                download,
                name=f"pinduoduo-store-bill-{step.day}.csv",
                cursor=step.cursor,
                context={"account": link.secrets.get("shop", "")},
            )


def _address(http: Http, link: Link, day: date) -> str:
    """Where the bill of a day lies, "" if there is none. Raises the errors of `pull`."""
    said = gateway.call(http, link, _METHOD, {"bill_date": day.isoformat()})
    url = str(said.get("download_url") or "").strip()
    if url and urlsplit(url).scheme not in {"http", "https"}:
        raise RefusedCallError(f"Pinduoduo gave no address of the bill: {shown(url)}")
    return url
