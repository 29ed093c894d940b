"""Fetching from Kuaishou: the orders that were settled.

Source: platforms-cn.md §7.1, §7.4. Everything stands in the query, signed with the signSecret. A
cursor leads from page to page; the last one says `nomore` (so is it with orders; one program
reads `no_more` here). Withdrawals are in no answer whose fields are known.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from platforms.adapters._fetch import (
    Feed,
    Page,
    Span,
    inside,
    listed,
    paged,
    secret,
    text,
    walk,
)
from platforms.adapters.kuaishou.bill import ZONE
from platforms.adapters.kuaishou.calls import HOST, succeeded
from platforms.adapters.kuaishou.requests import sign
from platforms.contract import Document, Link, UnavailableError
from platforms.pulling import Http, Rate, Request, Terms, Window

TERMS: Final = Terms(
    # A program that makes this call waits two seconds between pages.
    rates={"": Rate(calls=1, seconds=2, per="app_key", source="assumed")},
    # Neither is stated.
    ready=timedelta(hours=15),
    reach=timedelta(days=90),
)
UNVERIFIED: Final = (
    "the call from a model of the official SDK and a program that makes it; its limits, the units "
    "of its figures and the word of the last page are not confirmed, error codes from one SDK"
)

_BILL: Final = "open.funds.financial.settled.bill.detail"
_DAY: Final = timedelta(days=1)
_PAGE: Final = 100
_LAST: Final = ("", "nomore", "no_more")


def probe(http: Http, link: Link) -> str:
    """Ask for one order of yesterday; the answer does not name the shop, so "" is returned.

    Raises the errors of `pull`.
    """
    end = http.now()
    _call(http, link, _BILL, _asked(Span(begin=end - _DAY, end=end), "", size=1))
    return ""


def pull(http: Http, link: Link, window: Window) -> Iterator[Document]:
    """The orders settled in the window. Raises the errors of `pulling.Pulls`."""

    def settled(span: Span, place: str) -> Page:
        body, data = _call(http, link, _BILL, _asked(span, place, size=_PAGE))
        rows = len(listed(data, "orders"))
        return Page(body=body, rows=rows, next=_following(data, rows))

    feed = Feed(name="settled-bill", longest=_DAY, pieces=paged(settled))
    return walk([feed], window, prefix="kuaishou", zone=ZONE)


def _asked(span: Span, cursor: str, *, size: int) -> dict[str, object]:
    return {
        "cursor": cursor,
        "settlementStartTime": _millis(span.begin),
        "settlementEndTime": _millis(span.end),
        "size": size,
    }


def _call(
    http: Http, link: Link, method: str, asked: Mapping[str, object]
) -> tuple[bytes, Mapping[str, object]]:
    """Make one call; give the answer's bytes and what is in its `data`."""
    query = {
        "appkey": secret(link, "app_key"),
        "method": method,
        "version": "1",
        "param": json.dumps(asked, separators=(",", ":"), ensure_ascii=False),
        "access_token": secret(link, "access_token"),
        "timestamp": str(int(http.now().timestamp() * 1000)),
        "signMethod": "HMAC_SHA256",
    }
    query["sign"] = sign(query, secret=secret(link, "secret"))
    url = f"{HOST}/{method.replace('.', '/')}?{urlencode(query)}"
    headers = {"content-type": "application/x-www-form-urlencoded"}
    response = http.send(Request(method="GET", url=url, headers=headers))
    return response.body, inside(succeeded(response, link), "data")


def _following(data: Mapping[str, object], rows: int) -> str | None:
    """The next page's cursor, if there is one.

    Raises UnavailableError where none is stated beside a full page, or beside nothing at all.
    """
    stated = text(data, "cursor")
    if not stated and (not data or rows >= _PAGE):
        raise UnavailableError("Kuaishou: the answer does not say where the next page is")
    return None if stated in _LAST else stated


def _millis(moment: datetime) -> int:
    return int(moment.timestamp()) * 1000
