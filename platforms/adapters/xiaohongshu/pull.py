"""Fetching from Xiaohongshu: the wallets' records, settled orders, settled services.

Source: platforms-cn.md §8.4. Page by page, counted from 1; times in Unix milliseconds. The
monthly file (`bill.downloadStatement`) is not fetched: its columns are not confirmed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from platforms.adapters._fetch import (
    Feed,
    Page,
    Span,
    is_count,
    listed,
    paged,
    require_own_cursor,
    secret,
    text,
    walk,
)
from platforms.adapters.xiaohongshu.calls import call
from platforms.adapters.xiaohongshu.words import ZONE
from platforms.contract import Document, Link, UnavailableError
from platforms.pulling import Http, Rate, Terms, Window

TERMS: Final = Terms(
    # 100 calls in a second are an app's, whatever it calls (document/developer/file/292).
    rates={"": Rate(calls=50, seconds=1, per="app_id", source="half of the app's 100 a second")},
    # Neither is stated.
    ready=timedelta(hours=6),
    reach=timedelta(days=90),
)
UNVERIFIED: Final = (
    "calls from copies of the documentation and programs that make them, no real answer seen; "
    "how large a page may be and how far back it answers are not stated, error codes neither"
)

# "At most one day" for settlements (§8.4); records state no limit.
_LONGEST: Final = timedelta(days=1)
_PAGE: Final = 50
# Of settlements only those that were made: their time is that of the settlement, that of others
# when the order ended. The two calls name the state differently.
_TRANSACTIONS_SETTLED: Final = {"commonSettleStatus": 1}
_EXPENSES_SETTLED: Final = {"settleStatus": 1}


def probe(http: Http, link: Link) -> str:
    """The store's number, if anything moved in the last day. Raises the errors of `pull`."""
    end = http.now()
    asked = _asked(Span(begin=end - _LONGEST, end=end), page=1, size=1)
    _, data = _call(http, link, "finance.querySellerAccountRecords", asked)
    rows = listed(data, "records")
    return text(rows[0], "sellerId") if rows and isinstance(rows[0], dict) else ""


def pull(http: Http, link: Link, window: Window) -> Iterator[Document]:
    """The window's records, settlements and services. Raises the errors of `pulling.Pulls`."""
    kinds: tuple[tuple[str, str, str, Mapping[str, object]], ...] = (
        ("records", "finance.querySellerAccountRecords", "records", {}),
        ("transactions", "finance.pageQueryTransaction", "transactions", _TRANSACTIONS_SETTLED),
        ("expenses", "finance.pageQueryExpense", "expenses", _EXPENSES_SETTLED),
    )
    feeds = [
        Feed(name=name, longest=_LONGEST, pieces=paged(_asker(http, link, method, key, only)))
        for name, method, key, only in kinds
    ]
    return walk(feeds, window, prefix="xiaohongshu", zone=ZONE)


def _asker(
    http: Http, link: Link, method: str, key: str, only: Mapping[str, object]
) -> Callable[[Span, str], Page]:
    """What asks for a page of one kind, which is its number in the place."""

    def ask(span: Span, place: str) -> Page:
        require_own_cursor(not place or is_count(place))
        number = int(place or "1")
        body, data = _call(http, link, method, {**_asked(span, page=number, size=_PAGE), **only})
        rows = len(listed(data, key))
        following = str(number + 1) if number < _pages(data, key) else None
        return Page(body=body, rows=rows, next=following)

    return ask


def _call(
    http: Http, link: Link, method: str, asked: Mapping[str, object]
) -> tuple[bytes, Mapping[str, object]]:
    return call(http, link, method, asked, token=secret(link, "access_token"))


def _asked(span: Span, *, page: int, size: int) -> dict[str, object]:
    return {
        "startTime": _millis(span.begin),
        "endTime": _millis(span.end),
        "pageNum": page,
        "pageSize": size,
    }


def _pages(data: Mapping[str, object], key: str) -> int:
    """How many pages there are. Raises UnavailableError for an answer that does not say it."""
    stated = text(data, "totalPage")
    if not stated and data.get(key) == []:
        return 0
    if not (stated.isascii() and stated.isdigit()):
        raise UnavailableError("Xiaohongshu: the answer does not say how many pages there are")
    return int(stated)


def _millis(moment: datetime) -> int:
    return int(moment.timestamp()) * 1000
