"""Fetching from WeChat Store: every movement of the balance, and what orders are settled with.

Source: platforms-cn.md §9.1, §9.3; developers.weixin.qq.com/doc/store/shop/API/funds (copies of
its parameter tables). Requests are not signed: a token stands in the query. The token is the
stable one, which several programs of a shop can hold at once; asked for again it may have only
minutes left, so its stated life decides, not 7200 s.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from platforms.adapters._fetch import (
    Feed,
    Page,
    Piece,
    Refusals,
    Span,
    inside,
    is_count,
    listed,
    paged,
    require_own_cursor,
    secret,
    text,
    walk,
)
from platforms.adapters.wechat_store.words import ZONE
from platforms.contract import Document, Link
from platforms.pulling import Http, Rate, RefusedCallError, Request, Response, Terms, Window

HOST: Final = "https://api.weixin.qq.com"

TERMS: Final = Terms(
    rates={
        "": Rate(calls=10, seconds=1, per="app_id", source="assumed"),
        "token": Rate(calls=10_000, seconds=60, per="app_id", source="platforms-cn.md §9.1"),
    },
    # A day's movements are there from 16:00 of the next day on; a query for later ones is
    # answered with what there is, without a word.
    ready=timedelta(hours=16),
    # Not stated.
    reach=timedelta(days=365),
)
UNVERIFIED: Final = (
    "calls from copies of the documentation; the limits of the calls about funds are not stated, "
    "and the documentation calls the time range of orders create_time_range here and "
    "order_create_time_range there: the former is sent"
)

# The documented default; how many are allowed at most is not stated.
_PAGE: Final = 10
_ALL_STATES: Final = 0
_DAY: Final = timedelta(days=1)
# A token is given up a little before its end: a request takes time.
_MARGIN: Final = timedelta(seconds=30)

_REFUSALS: Final = Refusals(
    platform="WeChat Store",
    # 40001, 40014, 42001: the token; 40013, 40125: the app's id and secret.
    unauthorised=frozenset({"40001", "40013", "40014", "40125", "41001", "42001"}),
    unavailable=frozenset({"-1", "669900001"}),
    # 45009: the day's calls are used up; 45011: the minute's.
    slower={"45009": 3600, "45011": 60},
)


def probe(http: Http, link: Link) -> str:
    """The shop's original number (gh_…), or its name. Raises the errors of `pull`."""
    info = inside(_Session(http, link).get("/channels/ec/basics/info/get"), "info")
    return text(info, "username") or text(info, "nickname")


def pull(http: Http, link: Link, window: Window) -> Iterator[Document]:
    """Each movement of the window, then its orders page by page.

    Movements are of the window by their bookkeeping, orders by when they were made: what an
    order is settled with is a forecast until it is. Raises the errors of `pulling.Pulls`.
    """
    session = _Session(http, link)
    feeds = [
        Feed(name="funds-flow", longest=_DAY, pieces=session.movements),
        Feed(name="order-flow", longest=_DAY, pieces=paged(session.orders)),
    ]
    return walk(feeds, window, prefix="wechat-store", zone=ZONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A page of the list of movements, its key, and the last movement kept of it."""

    page: int = 1
    last: str = ""
    key: str = ""

    def written(self) -> str:
        return f"{self.page}~{self.last}~{self.key}"


class _Session:
    """One pull's calls, with a token that is asked for again before it ends."""

    def __init__(self, http: Http, link: Link) -> None:
        self._http = http
        self._link = link
        self._token = ""
        self._until: datetime | None = None

    def movements(self, span: Span, place: str) -> Iterator[Piece]:
        """The movements of a span: the list gives numbers only, each is asked for by itself."""
        at = _read_place(place)
        before: list[str] = []
        while True:
            found = self._numbers(span, at)
            numbers = [str(number) for number in listed(found, "flow_ids")]
            if numbers and numbers == before:
                raise RefusedCallError("WeChat Store answers with the same page again")
            following = _following(found, at)
            # A number that is no longer in its page is no reason to leave any out.
            begin = numbers.index(at.last) + 1 if at.last in numbers else 0
            for number in numbers[begin:]:
                kept = _Place(page=at.page, last=number, key=at.key)
                after = following if number == numbers[-1] else kept
                body, _ = self._post("/channels/ec/funds/getfundsflowdetail", {"flow_id": number})
                yield Piece(body=body, after=after.written() if after else None)
            if following is None:
                return
            at, before = following, numbers

    def orders(self, span: Span, place: str) -> Page:
        """A page of the orders made in a span, in every state."""
        asked = {
            "order_settle_state": _ALL_STATES,
            "pagination_info": {"limit": _PAGE, "use_page_ctx": True, "page_ctx": place},
            "create_time_range": {"begin": _seconds(span.begin), "end": _seconds(span.end)},
        }
        body, answer = self._post("/channels/ec/funds/listorderflow", asked)
        rows = len(listed(answer, "data_list"))
        # The context of the last page leads to an empty one, which gives none or the same.
        return Page(body=body, rows=rows, next=(text(answer, "page_ctx") or None) if rows else None)

    def get(self, path: str) -> Mapping[str, object]:
        """The answer to a call without parameters."""
        return self._checked(self._http.send(Request(method="GET", url=self._url(path))))

    def _numbers(self, span: Span, at: _Place) -> Mapping[str, object]:
        asked: dict[str, object] = {
            "page": at.page,
            "page_size": _PAGE,
            "start_time": _seconds(span.begin),
            "end_time": _seconds(span.end),
        }
        if at.key:
            asked["next_key"] = at.key
        return self._post("/channels/ec/funds/getfundsflowlist", asked)[1]

    def _post(self, path: str, asked: Mapping[str, object]) -> tuple[bytes, Mapping[str, object]]:
        response = self._http.send(_json_request(self._url(path), asked))
        return response.body, self._checked(response)

    def _url(self, path: str) -> str:
        return f"{HOST}{path}?access_token={self._valid_token()}"

    def _valid_token(self) -> str:
        if self._until is None or self._http.now() >= self._until:
            asked = {
                "grant_type": "client_credential",
                "appid": secret(self._link, "app_id"),
                "secret": secret(self._link, "secret"),
                "force_refresh": False,
            }
            request = _json_request(f"{HOST}/cgi-bin/stable_token", asked, rate="token")
            answer = self._checked(self._http.send(request))
            self._token, life = text(answer, "access_token"), text(answer, "expires_in")
            if not self._token or not (life.isascii() and life.isdigit()):
                raise RefusedCallError("WeChat Store: the answer holds no token")
            self._until = self._http.now() + timedelta(seconds=int(life)) - _MARGIN
        return self._token

    def _checked(self, response: Response) -> Mapping[str, object]:
        if response.status == 403:
            # So is answered who calls from an address that the shop has not listed (§9.1).
            raise RefusedCallError(
                "WeChat Store: status 403, this address is not on the shop's list"
            )
        answer = _REFUSALS.answer(response)
        code = text(answer, "errcode")
        if code not in ("", "0"):
            hidden = Link(secrets={**self._link.secrets, "access_token": self._token})
            raise _REFUSALS.error(hidden, text(answer, "errmsg"), code)
        return answer


def _following(found: Mapping[str, object], at: _Place) -> _Place | None:
    """The next page, if there is one."""
    if found.get("has_more") is not True:
        return None
    following = _Place(page=at.page + 1, key=text(found, "next_key"))
    if not listed(found, "flow_ids"):
        raise RefusedCallError("WeChat Store: a page without movements is not the last one")
    return following


def _read_place(place: str) -> _Place:
    if not place:
        return _Place()
    page, _, rest = place.partition("~")
    last, mark, key = rest.partition("~")
    require_own_cursor(bool(mark) and is_count(page))
    return _Place(page=int(page), last=last, key=key)


def _json_request(url: str, asked: Mapping[str, object], *, rate: str = "") -> Request:
    return Request(
        method="POST",
        url=url,
        headers={"content-type": "application/json"},
        body=json.dumps(asked, separators=(",", ":"), ensure_ascii=False).encode(),
        rate=rate,
    )


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
