"""Adapters fetch from the simulated marketplaces through a bad line, and miss nothing.

Each adapter that can fetch is asked again from the last cursor it gave, as the hub does,
until its window is whole. One that cannot fetch yet has nothing to show here.
"""

from __future__ import annotations

import io
from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import httpx
import pytest

from platforms import registry
from platforms.contract import (
    Document,
    Line,
    Link,
    Payout,
    RateLimitedError,
    Statement,
    UnavailableError,
)
from platforms.pulling import Download, NotYetError, Pulls, Request, Response, Window
from sandbox.marketplaces import Running, Store, make_world, serve

from .market import ENDS_ON, NOW, truth

# The second store of some is another case: a zone, a currency, a seller who must sign.
CASES = [("shopify", 0), ("shopify", 1), ("stripe", 0), ("stripe", 1), ("ebay", 0), ("ebay", 1)]
CASES += [("wechatpay", 0), ("alipay", 0), ("douyin", 0)]
# Bills are fetched a day at a time, in many calls: fewer days do.
DAYS = {"wechatpay": 7, "alipay": 7}
BAD_LINE = {
    "storm": {"every": 7},
    "error": {"every": 11, "status": 502},
    "silence": {"every": 13},
    "truncate": {"every": 17},
    "small_pages": {"rows": 9},
    "duplicate": {"every": 2},
    "shuffle": {"every": 3},
    "drift": {"every": 5},
}


class Wires:
    """The port's HTTP over the simulated server, real Hosts kept; the clock stands."""

    def __init__(self, address: str) -> None:
        self._line = httpx.Client(base_url=address, timeout=10, trust_env=False)
        self._sent = 0

    def send(self, request: Request) -> Response:
        answer = self._ask(request)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Response(status=answer.status_code, headers=headers, body=answer.content)

    def download(self, request: Request) -> Download:
        answer = self.send(request)
        return Download(
            status=answer.status,
            headers=answer.headers,
            size=len(answer.body),
            open=lambda: io.BytesIO(answer.body),
        )

    def now(self) -> datetime:
        return NOW

    def nonce(self) -> str:
        return f"{self._sent:032x}"

    def _ask(self, request: Request) -> httpx.Response:
        self._sent += 1
        parts = urlsplit(request.url)
        target = f"{parts.path}{'?' + parts.query if parts.query else ''}"
        headers = {**request.headers, "Host": parts.netloc}
        try:
            answer = self._line.request(
                request.method, target, headers=headers, content=request.body
            )
        except httpx.TransportError as error:
            raise UnavailableError("no answer") from error
        if answer.status_code == 429:
            raise RateLimitedError("too many", retry_after=2)
        if answer.status_code >= 500:
            raise UnavailableError(f"{answer.status_code}")
        return answer


@pytest.mark.parametrize(("platform", "index"), CASES)
def test_what_is_pulled_through_a_bad_line_is_the_truth(platform: str, index: int) -> None:
    adapter = registry.get(platform)
    if not isinstance(adapter, Pulls):
        return
    days = DAYS.get(platform, 14)
    world = make_world(seed=7, stores=2, days=days, ends_on=ENDS_ON, platforms=[platform])
    with serve(world, now=lambda: NOW) as market:
        for name, settings in BAD_LINE.items():
            market.faults.turn_on(name, **settings)
        store = world.of(platform)[index]
        documents = _pulled(market, store, adapter, days)
        struck = market.faults.counts()
        assert min(struck["storm"], struck["error"]) > 0
        market.faults.turn_off()
        _agrees(documents, market, store)


def _pulled(market: Running, store: Store, adapter: Pulls, days: int) -> list[Document]:
    """Everything of the world's days, however often the line breaks."""
    http, link = Wires(market.address), Link(secrets=store.secrets)
    zone = ZoneInfo(registry.get(store.platform).zone)
    end = datetime(2026, 3, 15, tzinfo=zone)
    begin = end - timedelta(days=days + 1)
    kept: list[Document] = []
    cursor = ""
    for _ in range(200):
        try:
            for document in adapter.pull(http, link, Window(begin=begin, end=end, cursor=cursor)):
                kept.append(document)
                cursor = document.cursor
        except NotYetError as error:
            cursor = error.cursor or cursor
        except (RateLimitedError, UnavailableError):
            continue
        else:
            return kept
    raise AssertionError(f"{store.platform} never ends")


def _agrees(documents: list[Document], market: Running, store: Store) -> None:
    """Booked lines, once for each external id, and payouts are the truth's."""
    lines: dict[str, tuple[str, Decimal]] = {}
    payouts: dict[str, Decimal] = {}
    for document in documents:
        adapter = registry.recognise(document)
        assert adapter.code == store.platform
        books = True
        for record in adapter.read(document):
            if isinstance(record, Statement):
                books = record.books
            elif isinstance(record, Line) and books:
                lines[record.external_id] = (record.kind.value, record.amount)
            elif isinstance(record, Payout):
                payouts[record.external_id] = record.amount
    told = truth(market, store)
    want = Counter((line["kind"], Decimal(line["amount"])) for line in told["lines"])
    assert Counter(lines.values()) == want
    assert payouts == {payout["id"]: Decimal(payout["amount"]) for payout in told["payouts"]}
