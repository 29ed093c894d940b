"""Shopify and Stripe, fetched day after day as the hub fetches, end with the truth.

The marketplaces know nothing of the adapters. As in the hub, the same bytes are never read
twice, and of what is said of one thing the later document counts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from platforms import registry
from platforms.adapters.shopify import ADAPTER as SHOPIFY
from platforms.adapters.shopify import pull as shopify_pull
from platforms.adapters.stripe import pull as stripe_pull
from platforms.contract import Line, Link, Payout, Totals, UnauthorisedError, UnavailableError
from platforms.pulling import Download, Pulls, Request, Response, Window
from sandbox.marketplaces import Running, Store, make_world, serve

from .market import NOW, call, store_of, struck, truth, turn

ENDS_ON = date(2026, 3, 14)
DAYS = 12
Row = dict[str, Any]


@dataclass
class Clock:
    """One clock for both sides."""

    at: datetime = NOW


@dataclass
class Wire:
    """Sends what the adapter asks to the simulated marketplaces."""

    market: Running
    clock: Clock

    def send(self, request: Request) -> Response:
        """One request."""
        came = call(
            self.market,
            request.method,
            request.url,
            headers=dict(request.headers),
            content=request.body,
        )
        if came.status_code >= 500:
            raise UnavailableError(f"{came.status_code}")
        headers = {name.lower(): value for name, value in came.headers.items()}
        return Response(status=came.status_code, headers=headers, body=came.content)

    def download(self, request: Request) -> Download:
        """Neither of the two has files."""
        raise AssertionError(request.url)

    def now(self) -> datetime:
        """The clock of the marketplaces."""
        return self.clock.at

    def nonce(self) -> str:
        """Neither of the two wants one."""
        raise AssertionError


@dataclass
class Books:
    """What was read, the latest version of each."""

    lines: dict[str, Line] = field(default_factory=dict)
    payouts: dict[str, Payout] = field(default_factory=dict)
    seen: set[bytes] = field(default_factory=set)

    def fetch(self, wire: Wire, store: Store, day: date, at: datetime) -> None:
        """Fetch a day at an instant."""
        wire.clock.at = at
        adapter = registry.get(store.platform)
        assert isinstance(adapter, Pulls)
        begin = datetime.combine(day, datetime.min.time(), UTC)
        window = Window(begin=begin, end=begin + timedelta(days=1))
        for document in adapter.pull(wire, Link(secrets=store.secrets), window):
            mark = hashlib.sha256(document.open().read()).digest()
            if mark not in self.seen:
                self.seen.add(mark)
                self._read(registry.recognise(document).read(document))

    def _read(self, records: Iterator[object]) -> None:
        for record in records:
            if isinstance(record, Line):
                self.lines[record.external_id] = record
            elif isinstance(record, Payout):
                self.payouts[record.external_id] = record
            else:
                assert not (isinstance(record, Totals) and record.ties is False)


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of a few rows, so that every list has several."""
    monkeypatch.setattr(stripe_pull, "_LIMIT", 6)
    for name in ("payouts", "transactions"):
        monkeypatch.setitem(shopify_pull._LIMITS, name, 6)


@pytest.mark.usefixtures("small_pages")
@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("shopify", ""),
        ("shopify", "shuffle"),
        ("stripe", ""),
        ("stripe", "shuffle"),
        # Shopify's pages are counted from the first row here, so that the row which a doubled
        # one pushes out of its page is on no page at all: only Stripe's cursor finds it again.
        ("stripe", "duplicate"),
    ],
)
def test_day_after_day_every_line_payout_and_what_pays_it_is_known(code: str, fault: str) -> None:
    clock = Clock()
    world = make_world(seed=11, stores=1, days=DAYS, ends_on=ENDS_ON, platforms=[code])
    books = Books()
    with serve(world, now=lambda: clock.at) as market:
        if fault:
            turn(market, **{fault: {"every": 2}})
        store, wire = store_of(market, code), Wire(market, clock)
        for back in range(DAYS + 4, -1, -1):
            day = ENDS_ON + timedelta(days=2 - back)
            begun = datetime.combine(day, datetime.min.time(), UTC)
            books.fetch(wire, store, day, begun + timedelta(minutes=5))
            # Once it is over the day is asked for a last time.
            books.fetch(wire, store, day, begun + timedelta(days=1, hours=1, minutes=2))
        told = truth(market, store)
        assert not fault or struck(market, fault)
    _agrees(books, told)


def _agrees(books: Books, told: Row) -> None:
    lines = {row["id"] or f"{row['of']}:fee": row for row in told["lines"]}
    assert {name: (line.amount, line.payout_ref) for name, line in books.lines.items()} == {
        name: (Decimal(row["amount"]), row["payout"]) for name, row in lines.items()
    }
    assert {name: (each.amount, each.status) for name, each in books.payouts.items()} == {
        row["id"]: (Decimal(row["amount"]), row["status"]) for row in told["payouts"]
    }
    assert len(lines) > 50
    assert len(told["payouts"]) > 3


def test_a_store_consents_is_renewed_and_ended() -> None:
    world = make_world(seed=7, stores=1, days=3, ends_on=ENDS_ON, platforms=["shopify"])
    with serve(world, now=lambda: NOW) as market:
        store, wire = store_of(market, "shopify"), Wire(market, Clock())
        asked = Link(secrets={k: v for k, v in store.secrets.items() if k != "access_token"})
        back = "https://hub.example.com/links/back"
        went = call(market, "POST", SHOPIFY.consent_url(asked, state="abc", back=back))
        answer = dict(parse_qsl(urlsplit(went.headers["location"]).query))
        assert answer["state"] == "abc"
        tokens = SHOPIFY.exchange(wire, asked, answer=answer, back=back)
        linked = Link(secrets={**asked.secrets, **tokens.secrets})
        assert SHOPIFY.probe(wire, linked) == store.external_id
        fresh = SHOPIFY.renew(wire, linked)
        with pytest.raises(UnauthorisedError):
            SHOPIFY.probe(wire, linked)
        with pytest.raises(UnauthorisedError):
            SHOPIFY.renew(wire, linked)
        renewed = Link(secrets={**asked.secrets, **fresh.secrets})
        SHOPIFY.revoke(wire, renewed)
        with pytest.raises(UnauthorisedError):
            SHOPIFY.probe(wire, renewed)
        with pytest.raises(UnauthorisedError):
            SHOPIFY.exchange(wire, asked, answer={**answer, "state": "abd"}, back=back)
