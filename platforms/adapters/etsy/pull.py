"""Asks for the entries of the payment account's ledger, which state lines and disbursements.

At most 31 days a question, 100 entries a page, and no offset beyond 12,000: a span of more
entries is asked in halves. Source: platforms-global.md §7; etsy/open-api #346 ("Time window …
must be no more than 2678400 seconds"), #344 (offset).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final
from urllib.parse import quote, urlencode

from platforms.adapters._rest import needed, text_of
from platforms.adapters._spans import Page, Place, TooManyError, walk
from platforms.adapters.etsy.calls import FAULTS, request
from platforms.contract import Document, Link, UnavailableError
from platforms.pulling import Http, Rate, Terms, Window

TERMS: Final = Terms(
    # 10 a second and 10,000 in 24 hours; the second one Etsy says by 429.
    rates={"": Rate(calls=10, seconds=1, per="app_key", source="developers.etsy.com, rate limits")},
    # Neither how soon an entry appears nor how far back entries go is published.
    ready=timedelta(hours=1),
    reach=timedelta(days=3 * 365),
)

_LONGEST: Final = timedelta(seconds=2_678_400)
_ROWS: Final = 100
_MOST: Final = 12_000


def probe(http: Http, link: Link) -> str:
    """The number of the seller's shop. Raises the errors of `pull`."""
    response = http.send(request(link, "users/me", needed(link, "access_token")))
    return text_of(FAULTS.answer(response, link), "shop_id")


def pull(http: Http, link: Link, window: Window) -> Iterator[Document]:
    """Yield the pages of the window, as Etsy sent them."""
    token, shop = needed(link, "access_token"), quote(needed(link, "shop"), safe="")

    def ask(place: Place) -> Page:
        offset = (place.page - 1) * _ROWS
        query = {
            "min_created": int(place.begin.timestamp()),
            "max_created": int(place.last.timestamp()),
            "limit": _ROWS,
            "offset": offset,
        }
        path = f"shops/{shop}/payment-account/ledger-entries?{urlencode(query)}"
        response = http.send(request(link, path, token))
        answer = FAULTS.answer(response, link)
        count, rows = answer.get("count"), answer.get("results")
        if isinstance(count, bool) or not isinstance(count, int) or not isinstance(rows, list):
            raise UnavailableError("Etsy's page has no count or no results")
        if count > _MOST and place.page == 1:
            raise TooManyError
        return Page(
            name=f"etsy-ledger-entries-{place.title}.json",
            body=response.body if rows else b"",
            # A page may come short of its rows, and a count that counts the page alone would end
            # the ledger after it: either says that there is more.
            more=offset + _ROWS < count or len(rows) >= _ROWS,
        )

    yield from walk(window, longest=_LONGEST, ask=ask)
