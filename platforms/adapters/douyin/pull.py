"""Fetching from Douyin: the wallets' movements, and the settlement of orders.

Source: platforms-cn.md §5.4. Both are asked for page by page; the next page begins at a time and
an index that the one before it gives. The same movements as a file (`downloadShopAccountItem`) are
not ordered: whether the file is in yuan or in fen is not confirmed, the pages are in fen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from platforms.adapters._fetch import Feed, Page, Span, listed, paged, secret, text, walk
from platforms.adapters.douyin import consent
from platforms.adapters.douyin.calls import call, require_done
from platforms.adapters.douyin.movements import ZONE
from platforms.contract import Document, Link
from platforms.pulling import Http, Rate, RefusedCallError, Terms, Window

TERMS: Final = Terms(
    rates={"": Rate(calls=5, seconds=1, per="app_key", source="assumed")},
    # "T+1, query after 15:00 of the next day", and it may be later (§5.4).
    ready=timedelta(hours=15),
    # Not stated.
    reach=timedelta(days=90),
)
UNVERIFIED: Final = (
    "calls from copies of the documentation and the official SDK; limits and how far back it "
    "answers are not stated"
)

# "Not more than 7 days" is advised for settlements (§5.4); movements state no limit.
_LONGEST: Final = timedelta(days=7)
_MOVEMENTS: Final = "/order/getShopAccountItem"
_SETTLEMENTS: Final = "/order/getSettleBillDetailV3"
# The largest that each allows.
_SIZES: Final[Mapping[str, int]] = {_MOVEMENTS: 1000, _SETTLEMENTS: 100}


def probe(http: Http, link: Link) -> str:
    """The shop's number, where it is told; its name where a token names nothing else.

    Raises the errors of `pull`.
    """
    if not _is_given(link):
        return consent.own(http, link).shop
    end = http.now()
    span = Span(begin=end - timedelta(days=2), end=end - timedelta(days=1))
    _, data = _Session(http, link).asked(_MOVEMENTS, span, "", size=1)
    rows = listed(data, "data")
    told = text(rows[0], "shop_id") if rows and isinstance(rows[0], dict) else ""
    return told or link.secrets.get("shop", "").strip()


def pull(http: Http, link: Link, window: Window) -> Iterator[Document]:
    """The window's movements, then its settlements. Raises the errors of `pulling.Pulls`."""
    session = _Session(http, link)
    feeds = [
        Feed(name="account-items", longest=_LONGEST, pieces=paged(session.movements)),
        Feed(name="settle-bill", longest=_LONGEST, pieces=paged(session.settlements)),
    ]
    return walk(feeds, window, prefix="douyin", zone=ZONE)


class _Session:
    """One pull's calls, with the link's token, or one made for the merchant's own app."""

    def __init__(self, http: Http, link: Link) -> None:
        self._http = http
        self._link = link
        self._token = ""

    def movements(self, span: Span, place: str) -> Page:
        """A page of the wallets' movements."""
        return self._page(_MOVEMENTS, span, place)

    def settlements(self, span: Span, place: str) -> Page:
        """A page of settled orders."""
        return self._page(_SETTLEMENTS, span, place)

    def asked(
        self, path: str, span: Span, place: str, *, size: int
    ) -> tuple[bytes, Mapping[str, object]]:
        """An answer from a place on, which is an index and the time it counts from."""
        index, _, begin = place.partition("~")
        asked: dict[str, object] = {
            "size": size,
            "start_time": begin or _written(span.begin),
            "end_time": _written(span.end),
        }
        if index:
            asked["start_index"] = index
        body, data = call(self._http, self._link, path, asked, token=self._valid_token())
        require_done(data, self._link)
        return body, data

    def _page(self, path: str, span: Span, place: str) -> Page:
        body, data = self.asked(path, span, place, size=_SIZES[path])
        is_last, index = text(data, "is_end") == "1", text(data, "next_start_index")
        if not (is_last or index):
            raise RefusedCallError("Douyin: a page that is not the last one names no next one")
        following = f"{index}~{text(data, 'next_start_time')}"
        return Page(body=body, rows=len(listed(data, "data")), next=None if is_last else following)

    def _valid_token(self) -> str:
        if not self._token:
            given = _is_given(self._link)
            self._token = (
                secret(self._link, "access_token")
                if given
                else consent.own(self._http, self._link).secrets["access_token"]
            )
        return self._token


def _is_given(link: Link) -> bool:
    return bool(link.secrets.get("access_token", "").strip())


def _written(moment: datetime) -> str:
    return f"{moment.astimezone(ZONE):%Y-%m-%d %H:%M:%S}"
