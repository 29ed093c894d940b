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

from platforms.adapters._answers import ZONE
from platforms.adapters._fetch import (
    Feed,
    Page,
    Refusals,
    Span,
    inside,
    listed,
    paged,
    secret,
    text,
    walk,
)
from platforms.adapters.kuaishou.requests import sign
from platforms.contract import Document, Link, UnavailableError
from platforms.pulling import Http, Rate, Request, Terms, Window

HOST: Final = "https://openapi.kwaixiaodian.com"

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

_REFUSALS: Final = Refusals(
    platform="Kuaishou",
    # 21, 24: the token; 27, 28: the signature; 100200101 and 100200102: app and token, as the
    # developer pages list them for every call.
    unauthorised=frozenset({"21", "24", "27", "28", "100200101", "100200102"}),
    unavailable=frozenset({"100200500"}),
    # 802006: the app's calls of the day are used up.
    slower={
        **dict.fromkeys(("15", "16", "17", "1016", "1017", "802000"), 60),
        "802006": 3600,
    },
)


def probe(http: Http, link: Link) -> str:
    """The shop's name. Raises the errors of `pull`."""
    _, data = _call(http, link, "open.shop.info.get", {})
    return text(data, "shopName")


def pull(http: Http, link: Link, window: Window) -> Iterator[Document]:
    """The orders settled in the window. Raises the errors of `pulling.Pulls`."""

    def settled(span: Span, place: str) -> Page:
        asked = {
            "cursor": place,
            "settlementStartTime": _millis(span.begin),
            "settlementEndTime": _millis(span.end),
            "size": _PAGE,
        }
        body, data = _call(http, link, _BILL, asked)
        rows = len(listed(data, "orders"))
        return Page(body=body, rows=rows, next=_following(data, rows))

    feed = Feed(name="settled-bill", longest=_DAY, pieces=paged(settled))
    return walk([feed], window, prefix="kuaishou", zone=ZONE)


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
    answer = _REFUSALS.answer(response)
    if text(answer, "result") != "1":
        codes = [text(answer, name) for name in ("sub_code", "result", "code")]
        said = " ".join(text(answer, name) for name in ("error", "error_msg", "msg", "sub_msg"))
        raise _REFUSALS.error(link, said.strip(), *codes)
    return response.body, inside(answer, "data")


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
