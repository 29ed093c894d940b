"""Asking Shopify: payouts by date, the balance transactions of each, and those not yet paid out.

Balance transactions can be asked for by payout, never by date, so a window is the payouts that
fall into it: `payouts.json`, then `balance/transactions.json?payout_id=…` for each of them. A
window that reaches to the present also gives the transactions that are in no payout yet
(`payout_status=pending`); they come again, with their payout, in a later window. Payouts may be
dated ahead of the day on which they are made, so such a window has no last date; and it asks for
the payouts of the days before once more, as their status changes until they have arrived.

Pages follow by the `page_info` of the Link header, and only that mark is taken from it: the host
is always the store's own. Marks do not live for ever; one that was kept and has died begins its
list anew. Sources: platforms-global.md §2.3; shopify.dev "Payouts", "Transactions", "Make
paginated requests to the REST Admin API", "REST Admin API rate limits".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import parse_qs, urlsplit

from platforms.adapters._steps import Page, Step, document, since, span, walk
from platforms.adapters._web import json_object, query, rows, secret, text
from platforms.adapters.shopify import rest
from platforms.contract import Document, Link
from platforms.pulling import Http, Rate, RefusedCallError, Request, Response, Terms, Window

VERSION: Final = "2026-10"
TERMS: Final = Terms(
    rates={
        "": Rate(calls=2, seconds=1, per="shop", source="shopify.dev REST Admin API rate limits")
    },
    # Neither is stated by Shopify.
    ready=timedelta(hours=1),
    reach=timedelta(days=730),
)

_INSTANT: Final = timedelta(microseconds=1)
_PAYOUTS: Final = "payouts"
_PENDING: Final = "pending"
_PAYOUT: Final = "payout"
_LISTS: Final = {_PAYOUTS: "payouts", _PENDING: "transactions", _PAYOUT: "transactions"}
_PATHS: Final = {"payouts": "payouts.json", "transactions": "balance/transactions.json"}
_LIMITS: Final = {"payouts": 100, "transactions": 250}
_NEXT: Final = re.compile(r'<([^>]*)>\s*;\s*rel="?next"?')


def probe(http: Http, link: Link) -> str:
    """Ask for one payout, which needs the permission that pulls need; give the store's host."""
    rest.call(http, link, _request(link, "payouts", {"limit": 1}))
    return rest.host(link)


def pull(http: Http, link: Link, window: Window) -> Iterator[Document]:
    """Yield the window's pages; see the module. Raises the errors of `Pulls.pull`."""
    first = since(window, http.now())
    present = first < window.begin
    dates = f"{_date(first)}..{'' if present else _date(window.end - _INSTANT)}"
    steps = [Step(_PENDING)] if present else []
    asked = _Asked(http, link, window, kept=bool(window.cursor))
    return walk([*steps, Step(_PAYOUTS, dates)], window.cursor, asked)


@dataclass(slots=True)
class _Asked:
    """Asks for a page; `kept` while the next step is one that a cursor has kept."""

    http: Http
    link: Link
    window: Window
    kept: bool

    def __call__(self, step: Step) -> Page:
        kept, self.kept = self.kept, False
        request = _request(self.link, _LISTS[step.what], self._filter(step))
        try:
            response = rest.call(self.http, self.link, request)
        except RefusedCallError:
            if not (kept and step.at):
                raise
            return Page(then=(Step(step.what, step.about),))
        return self._page(step, response)

    def _filter(self, step: Step) -> dict[str, object]:
        limit = _LIMITS[_LISTS[step.what]]
        if step.at:
            # Beside page_info Shopify takes no other filter: it stands for all of them.
            return {"limit": limit, "page_info": step.at}
        if step.what == _PAYOUT:
            return {"limit": limit, "payout_id": step.about}
        if step.what == _PENDING:
            return {"limit": limit, "payout_status": "pending", "test": "false"}
        first, _, last = step.about.partition("..")
        return {"limit": limit, "date_min": first, "date_max": last}

    def _page(self, step: Step, response: Response) -> Page:
        name = _LISTS[step.what]
        found = rows(json_object(response.body), name)
        # Of the payouts of the days before, their own windows have told the transactions.
        begin = _date(self.window.begin)
        payouts = [row for row in found if step.what == _PAYOUTS and text(row, "date") >= begin]
        then = [Step(_PAYOUT, text(payout, "id")) for payout in payouts]
        mark = _next_mark(response)
        if mark:
            then.append(step.following(mark))
        named = document(self._name(step), response.body) if found else None
        return Page(document=named, then=tuple(then))

    def _name(self, step: Step) -> str:
        if step.what == _PAYOUT:
            return f"shopify-balance-transactions-of-payout-{step.about}-{step.page}.json"
        if step.what == _PENDING:
            return (
                f"shopify-balance-transactions-pending-{self.http.now():%Y-%m-%d}-{step.page}.json"
            )
        return f"shopify-payouts-{span(self.window)}-{step.page}.json"


def _request(link: Link, name: str, pairs: dict[str, object]) -> Request:
    path = f"/admin/api/{VERSION}/shopify_payments/{_PATHS[name]}"
    token = secret(link, "access_token")
    return Request(
        method="GET",
        url=f"https://{rest.host(link)}{path}?{query(pairs)}",
        headers={"X-Shopify-Access-Token": token, "Accept": "application/json"},
    )


def _date(instant: datetime) -> str:
    return instant.astimezone(UTC).date().isoformat()


def _next_mark(response: Response) -> str:
    """The `page_info` of the next page, "" on the last one."""
    found = _NEXT.search(response.headers.get("link", ""))
    marks = parse_qs(urlsplit(found.group(1)).query).get("page_info", []) if found else []
    return marks[0] if marks else ""
