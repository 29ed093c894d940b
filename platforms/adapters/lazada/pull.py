"""What Lazada is asked: the transaction details of a window, and the payouts around it.

Source: platforms-global.md §11 and the vendor's pages for the two calls (docId 1294 and 1293),
for the shop (1346), and "API endpoint URLs". The details are asked for in days, as a page of at
most 500 rows from an offset; the payouts come all at once from a day on. Neither states a
currency for its lines: it is that of the country.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from platforms.adapters._asking import (
    Page,
    Refusals,
    Run,
    counted,
    inside,
    needed,
    pieces,
    required,
    rows,
    walk,
)
from platforms.adapters.lazada import answers, request
from platforms.contract import (
    Document,
    Link,
    RateLimitedError,
    UnauthorisedError,
    UnavailableError,
)
from platforms.pulling import Http, Rate, RefusedCallError, Request, Response, Terms, Window

DETAILS: Final = "/finance/transaction/details/get"
PAYOUTS: Final = "/finance/payout/status/get"
SELLER: Final = "/seller/get"
MOST_ROWS: Final = 500
# The vendor allows less than 180 days; some who use it say 30.
LONGEST: Final = timedelta(days=30)
# A statement is paid days after it was made, and only the list of statements says so.
LOOK_BACK: Final = timedelta(days=14)

TERMS: Final = Terms(
    rates={"": Rate(calls=5, seconds=1, per="app_key", source="assumed")},
    ready=timedelta(days=1),
    reach=timedelta(days=730),
)

REFUSALS: Final = Refusals(
    platform="Lazada",
    field="code",
    success=frozenset({"0"}),
    errors={
        "IllegalAccessToken": UnauthorisedError,
        "IllegalRefreshToken": UnauthorisedError,
        "InvalidCode": UnauthorisedError,
        "IncompleteSignature": UnauthorisedError,
        # "Api access frequency exceeds the limit. this ban will last 1 seconds."
        "ApiCallLimit": RateLimitedError,
        "ServiceTimeout": UnavailableError,
        # "Remote service error"
        "15": UnavailableError,
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One of the six countries: where its API is, and the currency of its shops."""

    base: str
    currency: str


SITES: Final[Mapping[str, Site]] = {
    "sg": Site(base="https://api.lazada.sg/rest", currency="SGD"),
    "my": Site(base="https://api.lazada.com.my/rest", currency="MYR"),
    "th": Site(base="https://api.lazada.co.th/rest", currency="THB"),
    "vn": Site(base="https://api.lazada.vn/rest", currency="VND"),
    "ph": Site(base="https://api.lazada.com.ph/rest", currency="PHP"),
    "id": Site(base="https://api.lazada.co.id/rest", currency="IDR"),
}


def probe(http: Http, link: Link) -> str:
    """The seller's number, which tokens and push messages name too."""
    answer = REFUSALS.answer(_asked(http, link, SELLER, {}), link)
    return required(inside(answer, "data"), "seller_id")


def pull(http: Http, link: Link, window: Window) -> Iterator[Document]:
    """Yield the details of the window page by page, and the payouts around it."""
    site = site_of(link)
    context = {"currency": site.currency}
    runs = [
        _details(http, link, begin, end, context)
        for begin, end in pieces(window.begin, window.end, LONGEST)
    ]
    return walk([*runs, _payouts(http, link, window, context)], window.cursor)


def site_of(link: Link) -> Site:
    """The country of the link. Raises RefusedCallError for one where Lazada is not."""
    region = link.secrets.get("region", "").strip().lower()
    if region not in SITES:
        raise RefusedCallError(
            f"Lazada: the link's region is {region!r}; there are {', '.join(SITES)}"
        )
    return SITES[region]


def signed(http: Http, link: Link, base: str, path: str, parameters: Mapping[str, str]) -> Request:
    """A GET with everything in its query, signed by the application's secret."""
    stated = {
        "app_key": needed(link, "app_key"),
        "sign_method": "sha256",
        "timestamp": str(int(http.now().timestamp() * 1000)),
        **parameters,
    }
    sign = request.sign(path, stated, secret=needed(link, "secret"))
    return Request(method="GET", url=f"{base}{path}?{urlencode({**stated, 'sign': sign})}")


def _asked(http: Http, link: Link, path: str, parameters: Mapping[str, str]) -> Response:
    stated = {"access_token": needed(link, "access_token"), **parameters}
    return http.send(signed(http, link, site_of(link).base, path, stated))


def _details(
    http: Http, link: Link, begin: datetime, end: datetime, context: Mapping[str, str]
) -> Run:
    """The rows of some days, from an offset on.

    Whether the last day is included is not stated, so the day after is named: one day too many
    may come, never one too few. Pages are asked for until one is empty: a page that is shorter
    than asked for is not said to be the last.
    """
    days = {"start_time": _day(begin), "end_time": _day(end)}

    def ask(place: str) -> Page:
        offset = counted(place, 0)
        page = {"limit": str(MOST_ROWS), "offset": str(offset)}
        response = _asked(http, link, DETAILS, {**days, **page})
        count = len(rows(REFUSALS.answer(response, link), "data"))
        after = str(offset + count) if count else ""
        return Page(body=response.body, rows=count, after=after)

    name = f"lazada-transaction-details-{days['start_time']}"
    return Run(key=f"details-{days['start_time']}", name=name, ask=ask, context=context)


def _payouts(http: Http, link: Link, window: Window, context: Mapping[str, str]) -> Run:
    """Every statement made since some time before the window; there are no pages."""
    since = _day(window.begin - LOOK_BACK)

    def ask(_: str) -> Page:
        response = _asked(http, link, PAYOUTS, {"created_after": since})
        return Page(body=response.body, rows=len(rows(REFUSALS.answer(response, link), "data")))

    name = f"lazada-payout-status-since-{since}"
    return Run(key="payouts", name=name, ask=ask, context=context)


def _day(moment: datetime) -> str:
    return moment.astimezone(ZoneInfo(answers.ZONE)).date().isoformat()
