"""Asking Stripe: balance transactions and payouts by the time they were created.

The API key (a restricted one that may read balance transactions and payouts is enough) is the
link's `access_token`; `secret` remains that of the webhooks.

Lines come from the list of the window alone, never from that of a payout as well
(`?payout=po_…`, which works for automatic payouts only). A transaction's own page changes when
its money becomes available, so a window that is asked again would take from its lines the payout
that the other list had told: whichever was read last would count. A payout's own transaction
still names it. Sources: platforms-global.md §5; docs.stripe.com "List all balance transactions",
"List all payouts", "Pagination", "Rate limits", "Errors".
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from platforms.adapters._steps import Page, Step, document, span, walk
from platforms.adapters._web import Faults, json_object, query, refusal, rows, secret, text
from platforms.contract import Document, Link, UnauthorisedError, UnavailableError
from platforms.pulling import Http, Rate, Request, Response, Terms, Window

TERMS: Final = Terms(
    # Of one endpoint; an account has four times as many in live mode.
    rates={"": Rate(calls=25, seconds=1, per="access_token", source="docs.stripe.com Rate limits")},
    # Neither is stated by Stripe.
    ready=timedelta(hours=1),
    reach=timedelta(days=730),
)
# Answers keep the form of this version, whatever the account's own is.
VERSION: Final = "2024-06-20"

_BASE: Final = "https://api.stripe.com/v1"
_LISTS: Final = ("balance_transactions", "payouts")
_LIMIT: Final = 100
# 409: another request holds the object; 424: something Stripe depends on has failed. 403 is a
# key without the permission, and 400 a parameter: both stay refusals.
_FAULTS: Final[Faults] = {
    "401": UnauthorisedError,
    "409": UnavailableError,
    "424": UnavailableError,
}


def probe(http: Http, link: Link) -> str:
    """Ask for one balance transaction; a key says nothing of the account's name."""
    _call(http, link, "balance_transactions", {"limit": 1})
    return ""


def pull(http: Http, link: Link, window: Window) -> Iterator[Document]:
    """Yield the window's pages, the newest first. Raises the errors of `Pulls.pull`."""
    ask = functools.partial(_page, http, link, window)
    return walk([Step(name) for name in _LISTS], window.cursor, ask)


def _page(http: Http, link: Link, window: Window, step: Step) -> Page:
    asked: dict[str, object] = {
        "limit": _LIMIT,
        "created[gte]": int(window.begin.timestamp()),
        "created[lt]": int(window.end.timestamp()),
        "starting_after": step.at,
    }
    response = _call(http, link, step.what, asked)
    answer = json_object(response.body)
    found = rows(answer, "data")
    if not found:
        return Page()
    last = text(found[-1], "id")
    more = answer.get("has_more") is True
    if more and not last:
        raise UnavailableError("the last row of a page has no id")
    name = f"stripe-{step.what.replace('_', '-')}-{span(window)}-{step.page}.json"
    return Page(
        document=document(name, response.body), then=(step.following(last),) if more else ()
    )


def _call(http: Http, link: Link, name: str, asked: dict[str, object]) -> Response:
    request = Request(
        method="GET",
        url=f"{_BASE}/{name}?{query(asked)}",
        headers={
            "Authorization": f"Bearer {secret(link, 'access_token')}",
            "Stripe-Version": VERSION,
        },
    )
    response = http.send(request)
    if response.status != 200:
        raise refusal(response, faults=_FAULTS, link=link)
    return response
