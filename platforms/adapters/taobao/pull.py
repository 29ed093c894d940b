"""Fetching from Taobao's open platform: what a shop was charged, a page at a time.

Source: the official page of `taobao.bill.bills.get` (apiId=21713): at most a day a query, 40 to
100 bills a page, at most 5,000 bills a query. Days are asked for in quarters, so that a day may
have 20,000; bills are found by the time Alipay took them.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from platforms.adapters._json import Item
from platforms.adapters.taobao import bills, gateway
from platforms.contract import Document, Link, ReadError, UnavailableError
from platforms.pulling import Http, Rate, RefusedCallError, Response, Terms, Window
from platforms.reading import shown

TERMS: Final = Terms(
    rates={"": Rate(calls=5, seconds=1, per="app_key", source="assumed")},
    # Neither is stated.
    ready=timedelta(hours=6),
    reach=timedelta(days=90),
)
PAGE: Final = 100
MOST: Final = 5_000

_METHOD: Final = "taobao.bill.bills.get"
# What is not needed is not asked for: the mail addresses of both accounts.
_FIELDS: Final = (
    *("bid", "account_id", "trade_id", "order_id", "total_amount", "amount", "book_time"),
    *("biz_time", "pay_time", "alipay_outno", "alipay_notice", "status"),
)
_BY_PAYMENT: Final = "2"
_QUARTER: Final = timedelta(hours=6)
_SECOND: Final = timedelta(seconds=1)
_AT: Final = "%Y-%m-%d %H:%M:%S"
_NAMED: Final = "%Y-%m-%dT%H"


def probe(http: Http, link: Link) -> str:
    """Ask for the charges of one hour; Taobao says no name here. Raises as `pull` does."""
    _page(http, link, http.now() - timedelta(hours=1), http.now(), 1)
    return ""


def pull(http: Http, link: Link, window: Window) -> Iterator[Document]:
    """The pages that have bills, from the oldest quarter of a day on."""
    begin, page = _place(window)
    while begin < window.end:
        end = min(begin + _QUARTER, window.end)
        response, rows, more = _page(http, link, begin, end - _SECOND, page + 1)
        if more and (page + 1) * PAGE >= MOST:
            raise RefusedCallError(
                f"Taobao gives {MOST} charges of a quarter of a day at most; "
                f"there are more from {_local(begin):{_AT}} on"
            )
        asked, number = begin, page + 1
        begin, page = (begin, page + 1) if more else (end, 0)
        if rows:
            yield _document(response, link, asked, number, cursor=_cursor(begin, page))


def _page(
    http: Http, link: Link, begin: datetime, last: datetime, page: int
) -> tuple[Response, int, bool]:
    """A page, how many bills are on it, and whether another follows."""
    content = {
        "fields": ",".join(_FIELDS),
        "start_time": f"{_local(begin):{_AT}}",
        "end_time": f"{_local(last):{_AT}}",
        "time_type": _BY_PAYMENT,
        "page_no": str(page),
        "page_size": str(PAGE),
    }
    response, said = gateway.call(http, link, _METHOD, content)
    more = said.get("has_next")
    if not isinstance(more, bool):
        raise UnavailableError("Taobao's answer does not say whether a page follows")
    try:
        rows = len(bills.bills_of(Item(1, said)))
    except ReadError as error:
        raise UnavailableError(f"Taobao's answer cannot be read: {error.reason}") from error
    return response, rows, more


def _document(
    response: Response, link: Link, begin: datetime, page: int, *, cursor: str
) -> Document:
    body = response.body
    return Document(
        name=f"taobao-fee-bills-{_local(begin):{_NAMED}}-{page}.json",
        head=body[: 64 * 1024],
        open=lambda: io.BytesIO(body),
        origin="pull",
        context={"account": link.secrets.get("shop", "")},
        cursor=cursor,
    )


def _local(instant: datetime) -> datetime:
    return instant.astimezone(gateway.ZONE)


def _cursor(begin: datetime, page: int) -> str:
    """So many pages from `begin` on are here, and all before it."""
    return f"{_local(begin).isoformat()}/{page}"


def _place(window: Window) -> tuple[datetime, int]:
    if not window.cursor:
        return window.begin, 0
    begin, _, page = window.cursor.partition("/")
    try:
        return datetime.fromisoformat(begin), int(page)
    except ValueError as error:
        raise RefusedCallError(f"no cursor of Taobao: {shown(window.cursor)}") from error
