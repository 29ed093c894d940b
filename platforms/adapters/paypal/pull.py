"""Asks the Transaction Search API for what moved the balance.

A token by client credentials, then `GET /v1/reporting/transactions` in spans of at most 31 days,
500 rows a page; a span of more than 10,000 rows is refused and asked in halves. The reports that
state settlements (STL, TRR) come by SFTP only: no HTTP call for them is published.
Source: developer.paypal.com, Transaction Search API v1 (list transactions, errors).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from platforms.adapters._rest import (
    FORM,
    JSON,
    Faults,
    basic,
    form,
    granted,
    needed,
    text_of,
)
from platforms.adapters._spans import Page, Place, TooManyError, stamp, walk
from platforms.contract import (
    Document,
    Link,
    RateLimitedError,
    UnauthorisedError,
    UnavailableError,
)
from platforms.pulling import Http, NotYetError, Rate, Request, Response, Terms, Window

HOST: Final = "https://api-m.paypal.com"
ROWS: Final = 500
TERMS: Final = Terms(
    # PayPal publishes no number of calls.
    rates={"": Rate(calls=60, seconds=60, per="app_key", source="assumed")},
    # "a maximum of three hours for executed transactions to appear"
    ready=timedelta(hours=3),
    # "lists transactions for the previous three years"
    reach=timedelta(days=3 * 365),
)

_LONGEST: Final = timedelta(days=31)
_RECENT: Final = timedelta(days=3)
_LATER: Final = 3600
_TOO_MANY: Final = "RESULTSET_TOO_LARGE"
_NOT_YET: Final = "Data for the given start date is not available"
_FAULTS: Final = Faults(
    platform="PayPal",
    fields=frozenset({"name", "message", "issue", "error", "error_description"}),
    codes={
        "401": UnauthorisedError,
        "invalid_client": UnauthorisedError,
        "invalid_token": UnauthorisedError,
        "AUTHENTICATION_FAILURE": UnauthorisedError,
        "RATE_LIMIT_REACHED": RateLimitedError,
        "INTERNAL_SERVICE_ERROR": UnavailableError,
        "INTERNAL_SERVER_ERROR": UnavailableError,
        "SERVICE_UNAVAILABLE": UnavailableError,
    },
)


def probe(http: Http, link: Link) -> str:
    """The account's number, by a search for one row. Raises the errors of `pull`."""
    token, end = _token(http, link), http.now() - _RECENT
    answer = _search(http, link, token, begin=end - timedelta(days=1), end=end, page=1, rows=1)
    return text_of(_FAULTS.answer(answer, link, hidden=[token]), "account_number")


def pull(http: Http, link: Link, window: Window) -> Iterator[Document]:
    """Yield the pages of the window, as PayPal sent them.

    Raises NotYetError as long as PayPal's search has not been refreshed up to the end of a span.
    """
    token = _token(http, link)

    def ask(place: Place) -> Page:
        response = _search(
            http, link, token, begin=place.begin, end=place.last, page=place.page, rows=ROWS
        )
        _require_ready(response, place, http.now())
        answer = _FAULTS.answer(response, link, hidden=[token])
        _require_refreshed(answer, place)
        return Page(
            name=f"paypal-transactions-{place.title}.json",
            body=response.body if answer.get("transaction_details") else b"",
            more=place.page < _whole(answer, "total_pages"),
        )

    yield from walk(window, longest=_LONGEST, ask=ask)


def _token(http: Http, link: Link) -> str:
    """An access token. It lives for hours: each pull asks for its own."""
    authorization = basic(needed(link, "app_key"), needed(link, "secret"))
    response = http.send(
        Request(
            method="POST",
            url=f"{HOST}/v1/oauth2/token",
            headers={"Authorization": authorization, "Accept": JSON, "Content-Type": FORM},
            body=form(grant_type="client_credentials"),
        )
    )
    return granted(_FAULTS.answer(response, link), "access_token", platform="PayPal")


def _search(
    http: Http, link: Link, token: str, *, begin: datetime, end: datetime, page: int, rows: int
) -> Response:
    query = {
        "start_date": stamp(begin),
        "end_date": stamp(end),
        # Neither payers' addresses nor carts: the hub keeps what it needs, and no more.
        "fields": "transaction_info",
        "balance_affecting_records_only": "Y",
        "page_size": str(rows),
        "page": str(page),
    }
    return http.send(
        Request(
            method="GET",
            url=f"{HOST}/v1/reporting/transactions?{urlencode(query)}",
            headers={"Authorization": f"Bearer {token}", "Accept": JSON, "Content-Type": JSON},
        )
    )


def _require_ready(response: Response, place: Place, now: datetime) -> None:
    """Raise TooManyError or NotYetError where that is what PayPal says."""
    if response.status != 400:
        return
    words = _FAULTS.words(response)
    if _TOO_MANY in words:
        raise TooManyError
    # The same is said of what is too old: there, waiting would never end.
    if any(_NOT_YET in word for word in words) and place.begin > now - _RECENT:
        raise _not_yet(place)


def _require_refreshed(answer: Mapping[str, object], place: Place) -> None:
    """Raise NotYetError if the search does not know the whole span yet."""
    text = text_of(answer, "last_refreshed_datetime")
    if not text:
        return
    try:
        refreshed = datetime.fromisoformat(text)
    except ValueError as error:
        raise UnavailableError("PayPal's last_refreshed_datetime is no time") from error
    if refreshed.tzinfo is None:
        raise UnavailableError("PayPal's last_refreshed_datetime has no offset")
    if refreshed < place.last:
        raise _not_yet(place)


def _not_yet(place: Place) -> NotYetError:
    return NotYetError(
        f"PayPal's search is not complete up to {stamp(place.end)}",
        retry_after=_LATER,
        cursor=place.cursor,
    )


def _whole(answer: Mapping[str, object], name: str) -> int:
    value = answer.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise UnavailableError(f"PayPal stated no {name}")
    return value
