"""Asking Stripe: balance transactions and payouts by the time they were created.

The API key (a restricted one that may read balance transactions and payouts is enough) is the
link's `access_token`; `secret` remains that of the webhooks.

A transaction does not say its payout. Stripe tells it by `?payout=po_…`, for automatic payouts
once they are reconciled and for no others: those of the window are asked for after the window's
own transactions, so that what names the payout comes later. The payouts themselves come last: a
transaction says that one was sent, its own object whether it failed. A window that reaches the
present asks for the payouts of the days before once more, as they may fail until they have
arrived. Sources: platforms-global.md §5; docs.stripe.com "List all balance transactions",
"List all payouts", "Pagination", "Rate limits", "Errors".
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from platforms.adapters._steps import Page, Step, document, since, span, walk
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
_LINES: Final = "balance_transactions"
_PAYOUTS: Final = "payouts"
_TO_ITEMISE: Final = "payouts_to_itemise"
_OF_PAYOUT: Final = "balance_transactions_of_payout"
_UNREADY: Final = "in_progress"
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
    _call(http, link, _LINES, {"limit": 1})
    return ""


def pull(http: Http, link: Link, window: Window) -> Iterator[Document]:
    """Yield the window's pages, the newest first. Raises the errors of `Pulls.pull`."""
    whole = _seconds(window.begin, window.end)
    back = _seconds(since(window, http.now()), window.end)
    steps = [Step(_LINES, whole), Step(_TO_ITEMISE, whole), Step(_PAYOUTS, back)]
    return walk(steps, window.cursor, functools.partial(_page, http, link, window))


def _page(http: Http, link: Link, window: Window, step: Step) -> Page:
    name = _LINES if step.what in (_LINES, _OF_PAYOUT) else _PAYOUTS
    response = _call(
        http, link, name, {"limit": _LIMIT, **_filter(step), "starting_after": step.at}
    )
    answer = json_object(response.body)
    found = rows(answer, "data")
    if not found:
        return Page()
    payouts = [row for row in found if step.what == _TO_ITEMISE and _is_itemised(row)]
    then = [Step(_OF_PAYOUT, text(row, "id")) for row in payouts]
    if answer.get("has_more") is True:
        last = text(found[-1], "id")
        if not last:
            raise UnavailableError("the last row of a page has no id")
        then.append(step.following(last))
    told = None if step.what == _TO_ITEMISE else _document(step, window, response.body)
    return Page(document=told, then=tuple(then))


def _filter(step: Step) -> dict[str, object]:
    if step.what == _OF_PAYOUT:
        return {"payout": step.about}
    first, last = step.about.split("..")
    return {"created[gte]": first, "created[lt]": last}


def _is_itemised(payout: Mapping[str, object]) -> bool:
    """Whether Stripe tells its transactions."""
    return payout.get("automatic") is True and text(payout, "reconciliation_status") != _UNREADY


def _document(step: Step, window: Window, body: bytes) -> Document:
    kind = step.what.replace("_", "-")
    if step.what != _OF_PAYOUT:
        return document(f"stripe-{kind}-{span(window)}-{step.page}.json", body)
    named = document(f"stripe-{kind}-{step.about}-{step.page}.json", body)
    # The transactions do not name the payout they were asked for by.
    return dataclasses.replace(named, context={"payout": step.about})


def _seconds(begin: datetime, end: datetime) -> str:
    return f"{int(begin.timestamp())}..{int(end.timestamp())}"


def _call(http: Http, link: Link, name: str, asked: Mapping[str, object]) -> Response:
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
