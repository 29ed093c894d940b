"""What Shopee is asked: a local shop's wallet and escrows, a cross-border shop's payouts.

Source: platforms-global.md §10 and the vendor's pages for the calls named below. Money is in
once: a local shop's movements are booked from its wallet, with its escrows as evidence beside; a
cross-border shop has no wallet, and its movements are booked from the details of its payouts.
`get_payout_info`, the bills and the incomes state the same money once more and are not asked.
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
    counted,
    inside,
    needed,
    number_of,
    pieces,
    required,
    rows,
    seconds,
    text,
    walk,
)
from platforms.adapters.shopee import push
from platforms.contract import (
    AdapterError,
    Document,
    Link,
    RateLimitedError,
    UnauthorisedError,
    UnavailableError,
)
from platforms.pulling import Http, Rate, RefusedCallError, Request, Terms, Window

# Three hosts serve every shop; the vendor lets one choose by where one's servers stand.
BASE: Final = "https://partner.shopeemobile.com"
SHOP: Final = "/api/v2/shop/get_shop_info"
WALLET: Final = "/api/v2/payment/get_wallet_transaction_list"
ESCROWS: Final = "/api/v2/payment/get_escrow_list"
ESCROW: Final = "/api/v2/payment/get_escrow_detail"
PAYOUTS: Final = "/api/v2/payment/get_payout_detail"

LONGEST: Final = timedelta(days=15)
MOST_ROWS: Final = 100
# A payout holds all its orders, so that a page of many could become too long to answer.
MOST_PAYOUTS: Final = 10

TERMS: Final = Terms(
    rates={"": Rate(calls=5, seconds=1, per="app_id", source="assumed")},
    # Movements are listed by when they began: those that were pending then are done by now.
    ready=timedelta(days=1),
    reach=timedelta(days=730),
)

CURRENCIES: Final[Mapping[str, str]] = {
    "SG": "SGD",
    "MY": "MYR",
    "TH": "THB",
    "VN": "VND",
    "PH": "PHP",
    "ID": "IDR",
    "TW": "TWD",
    "BR": "BRL",
    "MX": "MXN",
    "CO": "COP",
    "CL": "CLP",
}

_UNAUTHORISED: Final = (
    *("error_auth", "error_sign", "invalid_code", "invalid_shop_id", "shop_banned"),
    *("refresh_token_expired", "error_shop_refresh_token", "shop_access_expired"),
    "shop_no_linked",
    # So it is spelt.
    "invalid_acceess_token",
    "invalid_access_token",
)
_UNAVAILABLE: Final = (
    *("error_server", "error_network", "error_system_busy", "internal_error_server"),
    *("income_error_server", "order_error_server", "return_info_error_server"),
    # "Core server error", and for others the end of a day's calls: both pass with time.
    *("get_item_error_server", "error_limit"),
)
_ERRORS: Final[Mapping[str, type[AdapterError]]] = {
    **dict.fromkeys(_UNAUTHORISED, UnauthorisedError),
    **dict.fromkeys(_UNAVAILABLE, UnavailableError),
    "error_auth No permission": RefusedCallError,
    "error_rate_limit": RateLimitedError,
}
REFUSALS: Final = Refusals(
    platform="Shopee", field="error", success=frozenset({"", "-"}), errors=_ERRORS
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asker:
    """Asks for one shop."""

    http: Http
    link: Link

    def get(self, path: str, parameters: Mapping[str, str]) -> tuple[bytes, Mapping[str, object]]:
        """The bytes of an answer, and what they say."""
        token, shop = needed(self.link, "access_token"), str(number_of(self.link, "shop"))
        stated = {"access_token": token, "shop_id": shop, **parameters}
        query = urlencode({**signature(self.http, self.link, path, token, shop), **stated})
        request = Request(method="GET", url=f"{BASE}{path}?{query}")
        response = self.http.send(request)
        answer = REFUSALS.answer(response, self.link)
        # "Some data is not returned": what is kept would be a quiet subset.
        if warning := text(answer, "warning"):
            raise UnavailableError(f"Shopee warns: {warning[:300]}")
        return response.body, answer

    def shop(self) -> Mapping[str, object]:
        """What Shopee says of the shop itself."""
        return self.get(SHOP, {})[1]


def signature(http: Http, link: Link, path: str, token: str = "", shop: str = "") -> dict[str, str]:
    """The three parameters that every call has in its query."""
    partner, second = str(number_of(link, "app_id")), int(http.now().timestamp())
    sign = push.sign(
        path,
        partner_id=partner,
        timestamp=second,
        secret=needed(link, "secret"),
        access_token=token,
        shop_id=shop,
    )
    return {"partner_id": partner, "timestamp": str(second), "sign": sign}


def probe(http: Http, link: Link) -> str:
    """The shop's number, where the link's token opens it (the answer states no number)."""
    _Asker(http=http, link=link).shop()
    return str(number_of(link, "shop"))


def pull(http: Http, link: Link, window: Window) -> Iterator[Document]:
    """Yield what moved the shop's money; whether it is local Shopee says itself."""
    asker = _Asker(http=http, link=link)
    shop = asker.shop()
    spans = pieces(window.begin, window.end, LONGEST)
    if shop.get("is_cb") is True:
        return walk([_payouts(asker, *span) for span in spans], window.cursor)
    context = {"currency": currency_of(shop)}
    wallets = [_wallet(asker, *span, context) for span in spans]
    escrows = [_escrows(asker, *span, context) for span in spans]
    return walk([*wallets, *escrows], window.cursor)


def currency_of(shop: Mapping[str, object]) -> str:
    """The currency of a local shop. Raises RefusedCallError for a region that is not known."""
    region = required(shop, "region").upper()
    if region not in CURRENCIES:
        raise RefusedCallError(
            f"Shopee: the currency of the region {region} is not known; known are "
            f"{', '.join(CURRENCIES)}"
        )
    return CURRENCIES[region]


# --- the wallet -------------------------------------------------------------


def _wallet(asker: _Asker, begin: datetime, end: datetime, context: Mapping[str, str]) -> Run:
    """What moved the wallet, in spans of time that fit on one page.

    What `page_no` counts is contradictory (the vendor: "the starting entry", default 0; others
    count pages, from 0 or from 1), and a wrong guess would lose movements. So the first page
    alone is asked for, and the span halved while more would follow. Equal movements of one second
    then stand on one page too, where the reader can tell them apart. A place is where a span
    begins, and how long the one before it was.
    """
    last = _second(end)

    def ask(place: str) -> Page:
        first, _, length = place.partition("+")
        start = counted(first, _second(begin))
        span = min(counted(length, last - start) * 2, last - start)
        while True:
            body, answer = _moved(asker, start, start + span)
            response = inside(answer, "response")
            found = rows(response, "transaction_list")
            more = response.get("more") is True
            # A span of one may be two seconds, one of none is a second or nothing.
            if span == 0 and (more or not found):
                raise RefusedCallError(
                    f"Shopee: more than {MOST_ROWS} movements around the second {start}; how to "
                    "ask for the others is not known"
                )
            if not more:
                break
            span //= 2
        reached = start + max(span, 1)
        after = f"{reached}+{max(span, 1)}" if reached < last else ""
        return Page(body=body, rows=len(found), after=after)

    name = f"shopee-wallet-{begin.astimezone(UTC):%Y-%m-%d}"
    return Run(key=f"wallet-{_second(begin)}", name=name, ask=ask, context=context)


def _moved(asker: _Asker, start: int, end: int) -> tuple[bytes, Mapping[str, object]]:
    """Whether the last second is included is not stated: the next span begins with it."""
    return asker.get(
        WALLET,
        {
            "page_no": "0",
            "page_size": str(MOST_ROWS),
            "create_time_from": str(start),
            "create_time_to": str(end),
        },
    )


# --- escrows and payouts ----------------------------------------------------


def _escrows(asker: _Asker, begin: datetime, end: datetime, context: Mapping[str, str]) -> Run:
    """The orders whose money was released, each with its detail before the list itself."""
    period = {"release_time_from": str(_second(begin)), "release_time_to": str(_second(end))}

    def ask(place: str) -> Page:
        page = {"page_no": str(counted(place, 1)), "page_size": str(MOST_ROWS)}
        body, answer = asker.get(ESCROWS, {**period, **page})
        response = inside(answer, "response")
        found = rows(response, "escrow_list")
        # An order may be released in parts: its detail is one, of the last.
        orders = {
            required(row, "order_sn"): str(seconds(row, "escrow_release_time")) for row in found
        }
        parts = [_escrow(asker, order, released, context) for order, released in orders.items()]
        return Page(body=body, rows=len(found), after=_next(response, place), parts=parts)

    name = f"shopee-escrow-list-{begin.astimezone(UTC):%Y-%m-%d}"
    return Run(key=f"escrows-{_second(begin)}", name=name, ask=ask, context=context)


def _escrow(asker: _Asker, order: str, released: str, context: Mapping[str, str]) -> Run:
    def ask(_: str) -> Page:
        body, answer = asker.get(ESCROW, {"order_sn": order})
        return Page(body=body, rows=1 if text(inside(answer, "response"), "order_sn") else 0)

    return Run(
        key=order,
        name=f"shopee-escrow-{order}",
        ask=ask,
        context={**context, "released_at": released},
    )


def _payouts(asker: _Asker, begin: datetime, end: datetime) -> Run:
    """Payouts with their orders and adjustments; every amount states its currency."""
    period = {"payout_time_from": str(_second(begin)), "payout_time_to": str(_second(end))}

    def ask(place: str) -> Page:
        page = {"page_no": str(counted(place, 1)), "page_size": str(MOST_PAYOUTS)}
        body, answer = asker.get(PAYOUTS, {**period, **page})
        response = inside(answer, "response")
        return Page(
            body=body, rows=len(rows(response, "payout_list")), after=_next(response, place)
        )

    name = f"shopee-payout-detail-{begin.astimezone(UTC):%Y-%m-%d}"
    return Run(key=f"payouts-{_second(begin)}", name=name, ask=ask)


def _next(response: Mapping[str, object], place: str) -> str:
    """The number of the next page, where Shopee says that there is one; the first is 1."""
    return str(counted(place, 1) + 1) if response.get("more") is True else ""


def _second(moment: datetime) -> int:
    return int(moment.timestamp())
