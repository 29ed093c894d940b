"""What TikTok Shop is asked: statements with their transactions, and what was paid.

Source: platforms-global.md §9 and the vendor's pages for the calls named below. A statement is
made daily at 00:00 UTC; its transactions are the books. Payments are the payouts, but not in
South-East Asia, where sellers withdraw: payments are asked for elsewhere and withdrawals there,
never both, as both would state one transfer under two numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from platforms.adapters._asking import (
    Page,
    Refusals,
    Run,
    inside,
    needed,
    required,
    rows,
    text,
    walk,
)
from platforms.adapters.tiktok_shop import request
from platforms.contract import (
    Document,
    Link,
    RateLimitedError,
    UnauthorisedError,
    UnavailableError,
)
from platforms.pulling import Http, Rate, RefusedCallError, Request, Terms, Window

BASE: Final = "https://open-api.tiktokglobalshop.com"
SHOPS: Final = "/authorization/202309/shops"
STATEMENTS: Final = "/finance/202309/statements"
TRANSACTIONS: Final = "/finance/202501/statements/{id}/statement_transactions"
PAYMENTS: Final = "/finance/202309/payments"
WITHDRAWALS: Final = "/finance/202309/withdrawals"
MOST_ROWS: Final = 100
# A payment is transferred days after it was made, and is listed by when it was made.
LOOK_BACK: Final = timedelta(days=14)

TERMS: Final = Terms(
    rates={
        "": Rate(calls=50, seconds=1, per="shop", source="the vendor's guide 'API rate limits'")
    },
    ready=timedelta(hours=6),
    # The vendor has nothing from before 2023-07-01.
    reach=timedelta(days=1095),
)

REFUSALS: Final = Refusals(
    platform="TikTok Shop",
    field="code",
    success=frozenset({"0"}),
    errors={
        "101000": UnauthorisedError,
        "105002": UnauthorisedError,
        "106001": UnauthorisedError,
        "36009004 Invalid credentials": UnauthorisedError,
        "36009004 Missing credentials": UnauthorisedError,
        "36009002": RateLimitedError,
        "36009003": UnavailableError,
        "36009007": UnavailableError,
    },
)

# Where sellers withdraw, and where they are paid.
SOUTH_EAST_ASIA: Final = ("ID", "MY", "PH", "SG", "TH", "VN")
PAID: Final = ("BR", "DE", "ES", "FR", "GB", "IE", "IT", "JP", "MX", "US")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asker:
    """Asks for one seller; with a cipher, for one of the shops."""

    http: Http
    link: Link
    cipher: str = ""

    def get(self, path: str, parameters: Mapping[str, str]) -> tuple[bytes, Mapping[str, object]]:
        """The bytes of an answer, and its data."""
        stated = {
            "app_key": needed(self.link, "app_key"),
            "timestamp": str(int(self.http.now().timestamp())),
            **({"shop_cipher": self.cipher} if self.cipher else {}),
            **parameters,
        }
        sign = request.sign(path, stated, secret=needed(self.link, "secret"))
        response = self.http.send(
            Request(
                method="GET",
                url=f"{BASE}{path}?{urlencode({**stated, 'sign': sign})}",
                headers={
                    "content-type": "application/json",
                    "x-tts-access-token": needed(self.link, "access_token"),
                },
            )
        )
        return response.body, inside(REFUSALS.answer(response, self.link), "data")


def probe(http: Http, link: Link) -> str:
    """The shop's number."""
    return required(shop_of(http, link), "id")


def shop_of(http: Http, link: Link) -> Mapping[str, object]:
    """The one shop that the link means: by its number, code or cipher, or by its region.

    A cross-border seller has one in each country. Raises RefusedCallError where none fits or
    several do.
    """
    _, data = _Asker(http=http, link=link).get(SHOPS, {})
    shops = rows(data, "shops")
    wanted = link.secrets.get("shop", "").strip()
    region = link.secrets.get("region", "").strip().upper()
    found = [
        shop
        for shop in shops
        if wanted in ("", *(text(shop, name) for name in ("id", "code", "cipher")))
        and region in ("", text(shop, "region").upper())
    ]
    if len(found) != 1:
        known = ", ".join(
            f"{text(shop, 'id')} ({text(shop, 'region')} {text(shop, 'name')})" for shop in shops
        )
        raise RefusedCallError(
            f"TikTok Shop: {len(found)} shops fit the link; authorised are {known or 'none'}"
        )
    return found[0]


def pull(http: Http, link: Link, window: Window) -> Iterator[Document]:
    """Yield the statements of the window, each after its transactions, and what was paid."""
    shop = shop_of(http, link)
    region = required(shop, "region").upper()
    if region not in (*SOUTH_EAST_ASIA, *PAID):
        raise RefusedCallError(
            f"TikTok Shop: the region {region} is not known; known are "
            f"{', '.join((*SOUTH_EAST_ASIA, *PAID))}"
        )
    asker = _Asker(http=http, link=link, cipher=required(shop, "cipher"))
    withdraws = region in SOUTH_EAST_ASIA
    paid = _withdrawals(asker, window) if withdraws else _payments(asker, window)
    return walk([_statements(asker, window, withdraws), paid], window.cursor)


def _statements(asker: _Asker, window: Window, withdraws: bool) -> Run:
    """A list of statements; the transactions of each come before it."""
    period = {
        "statement_time_ge": _second(window.begin),
        "statement_time_lt": _second(window.end),
    }

    def ask(place: str) -> Page:
        body, data = _page(asker, STATEMENTS, {**period, "sort_field": "statement_time"}, place)
        found = {required(row, "id"): row for row in rows(data, "statements")}
        parts = [
            _transactions(asker, number, "" if withdraws else text(row, "payment_id"))
            for number, row in found.items()
        ]
        return Page(body=body, rows=len(found), after=text(data, "next_page_token"), parts=parts)

    return Run(key="statements", name=f"tiktok-shop-statements-{_day(window.begin)}", ask=ask)


def _transactions(asker: _Asker, statement: str, payment: str) -> Run:
    """The transactions of a statement; `payment` carries them, where there are payments."""
    path = TRANSACTIONS.format(id=statement)

    def ask(place: str) -> Page:
        body, data = _page(asker, path, {"sort_field": "order_create_time"}, place)
        count = len(rows(data, "transactions"))
        return Page(body=body, rows=count, after=text(data, "next_page_token"))

    return Run(
        key=statement,
        name=f"tiktok-shop-statement-{statement}",
        ask=ask,
        context={"payment_id": payment} if payment else {},
    )


def _payments(asker: _Asker, window: Window) -> Run:
    """What was paid to the bank, made since some time before the window."""
    since = window.begin - LOOK_BACK
    period = {"create_time_ge": _second(since), "create_time_lt": _second(window.end)}

    def ask(place: str) -> Page:
        body, data = _page(asker, PAYMENTS, {**period, "sort_field": "create_time"}, place)
        count = len(rows(data, "payments"))
        return Page(body=body, rows=count, after=text(data, "next_page_token"))

    return Run(key="payments", name=f"tiktok-shop-payments-since-{_day(since)}", ask=ask)


def _withdrawals(asker: _Asker, window: Window) -> Run:
    """What moved the balance a seller withdraws from, since some time before the window."""
    since = window.begin - LOOK_BACK
    period = {"create_time_ge": _second(since), "create_time_lt": _second(window.end)}
    types = {"types": "WITHDRAW,SETTLE,TRANSFER,REVERSE"}

    def ask(place: str) -> Page:
        body, data = _page(asker, WITHDRAWALS, {**period, **types}, place)
        count = len(rows(data, "withdrawals"))
        return Page(body=body, rows=count, after=text(data, "next_page_token"))

    return Run(key="withdrawals", name=f"tiktok-shop-withdrawals-since-{_day(since)}", ask=ask)


def _page(
    asker: _Asker, path: str, parameters: Mapping[str, str], place: str
) -> tuple[bytes, Mapping[str, object]]:
    token = {"page_token": place} if place else {}
    return asker.get(path, {**parameters, "page_size": str(MOST_ROWS), **token})


def _second(moment: datetime) -> str:
    return str(int(moment.timestamp()))


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).date().isoformat()
