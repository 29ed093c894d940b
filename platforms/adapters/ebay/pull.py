"""Asking eBay: transactions and payouts by their date, then the transactions of each payout.

A transaction says its payout only once that has begun, which may be long after the window of its
own date was asked for; so those of each payout are asked for again. Both lists tell what is true
at the moment, so neither undoes the other. A window that reaches the present asks for the payouts
of the days before once more, as their status changes until they have arrived.

Every call is signed where the link has a signing key (`private_key`, and as `serial` the JWE that
eBay gave with it): eBay needs it for sellers of the EU and the UK and ignores it for others.
Sources: platforms-global.md §3.3, §3.4; developer.ebay.com "getTransactions", "getPayouts",
"Digital Signatures for APIs", Finances API release notes (1.17.3: five years back, 36 months at
a time).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from platforms.adapters._steps import Page, Step, document, pieces, since, walk
from platforms.adapters._web import (
    Faults,
    access_token,
    json_object,
    query,
    refusal,
    rows,
    secret,
    text,
)
from platforms.adapters.ebay import consent
from platforms.adapters.ebay import request as signing
from platforms.contract import Document, Link, UnauthorisedError, UnavailableError
from platforms.pulling import Http, Rate, RefusedCallError, Request, Response, Terms, Window

TERMS: Final = Terms(
    rates={"": Rate(calls=2, seconds=1, per="app_key", source="assumed")},
    # Not stated by eBay.
    ready=timedelta(hours=6),
    reach=timedelta(days=5 * 365),
)

_HOST: Final = "apiz.ebay.com"
_BASE: Final = "/sell/finances/v1"
_TRANSACTIONS: Final = "transaction"
_PAYOUTS: Final = "payout"
_OF_PAYOUT: Final = "transactions-of-payout"
_LIMITS: Final = {_TRANSACTIONS: 1000, _PAYOUTS: 200}
_KEYS: Final = {_TRANSACTIONS: "transactions", _PAYOUTS: "payouts"}
_DATES: Final = {_TRANSACTIONS: "transactionDate", _PAYOUTS: "payoutDate"}
# Of the 36 months that one filter may span.
_LONGEST: Final = timedelta(days=1_000)
# Sites whose sellers live in the EU or the UK, for whom nothing is answered without a signature.
_SIGNED: Final = frozenset({"AT", "BE", "DE", "ES", "FR", "GB", "IE", "IT", "NL", "PL"})
_SITES: Final = (*sorted(_SIGNED), *("AU", "CA", "CH", "HK", "MY", "PH", "SG", "TW", "US"))
# 403 is a scope that was not granted, or a signature that is missing or wrong: both stay refusals.
_FAULTS: Final[Faults] = {"401": UnauthorisedError}


def probe(http: Http, link: Link) -> str:
    """Ask for one payout; eBay does not say what the shop is called."""
    _Asked(http, link).call(_PAYOUTS, {"limit": 1})
    return ""


def pull(http: Http, link: Link, window: Window) -> Iterator[Document]:
    """Yield the window's pages, the newest first. Raises the errors of `Pulls.pull`."""
    back = dataclasses.replace(window, begin=since(window, http.now()))
    steps = [*_spans(_TRANSACTIONS, window), *_spans(_PAYOUTS, back)]
    return walk(steps, window.cursor, _Asked(http, link, _iso(window.begin)))


def _spans(what: str, window: Window) -> list[Step]:
    """A step for each part of the window that eBay answers for at once; its ends count."""
    return [
        Step(what, f"{_iso(begin)}..{_iso(end - timedelta(milliseconds=1))}")
        for begin, end in pieces(window, longest=_LONGEST)
    ]


@dataclass(slots=True)
class _Asked:
    """Asks for a page, with one access token for a whole pull."""

    http: Http
    link: Link
    begin: str = ""
    token: str = ""

    def __call__(self, step: Step) -> Page:
        what = _PAYOUTS if step.what == _PAYOUTS else _TRANSACTIONS
        wanted = {"filter": _filter(step), "limit": _LIMITS[what], "offset": step.at}
        response = self.call(what, wanted)
        answer = json_object(response.body) if response.status == 200 else {}
        found = rows(answer, _KEYS[what]) if _KEYS[what] in answer else []
        if not found:
            return Page()
        # Of the payouts of the days before, their own windows have told the transactions.
        payouts = [
            row for row in found if step.what == _PAYOUTS and text(row, "payoutDate") >= self.begin
        ]
        then = [Step(_OF_PAYOUT, text(row, "payoutId")) for row in payouts]
        reached = int(step.at or 0) + len(found)
        if reached < _total(answer):
            then.append(step.following(str(reached)))
        return Page(document=document(_name(step), response.body), then=tuple(then))

    def call(self, what: str, wanted: Mapping[str, object]) -> Response:
        """Give the answer if it is one. Raises the errors of `pull`."""
        site, path = _site(self.link), f"{_BASE}/{what}"
        signature = _signature(self.http, self.link, site, path)
        headers = {
            "Authorization": f"Bearer {self._token()}",
            "Accept": "application/json",
            "X-EBAY-C-MARKETPLACE-ID": f"EBAY_{site}",
            **signature,
        }
        url = f"https://{_HOST}{path}?{query(wanted)}"
        response = self.http.send(Request(method="GET", url=url, headers=headers))
        if response.status not in (200, 204):
            raise refusal(response, faults=_FAULTS, link=self.link)
        return response

    def _token(self) -> str:
        self.token = self.token or access_token(self.http, self.link, consent)
        return self.token


def _filter(step: Step) -> str:
    if step.what == _OF_PAYOUT:
        return f"payoutId:{{{step.about}}}"
    return f"{_DATES[step.what]}:[{step.about}]"


def _total(answer: Mapping[str, object]) -> int:
    total = text(answer, "total")
    if not total.isdecimal():
        raise UnavailableError("the answer does not say how many there are")
    return int(total)


def _name(step: Step) -> str:
    if step.what == _OF_PAYOUT:
        return f"ebay-transactions-of-payout-{step.about}-{step.page}.json"
    first, last = (each[:10] for each in step.about.split(".."))
    days = first if first == last else f"{first}-to-{last}"
    return f"ebay-{step.what}s-{days}-{step.page}.json"


def _signature(http: Http, link: Link, site: str, path: str) -> dict[str, str]:
    """The headers that sign the call, none for a link without a key.

    Raises UnauthorisedError where the site needs them.
    """
    pem = link.secrets.get("private_key", "")
    if not pem and site not in _SIGNED:
        return {}
    if not pem:
        raise UnauthorisedError(f"the link has no private_key, which EBAY_{site} needs")
    return signing.sign(
        method="GET",
        path=path,
        authority=_HOST,
        body=b"",
        created=int(http.now().timestamp()),
        signature_key=secret(link, "serial"),
        private_key="".join(line.strip() for line in pem.splitlines() if "-----" not in line),
    )


def _site(link: Link) -> str:
    """The marketplace's country; eBay takes the United States where none is said."""
    site = link.secrets.get("region", "").strip().upper() or "US"
    if site not in _SITES:
        raise RefusedCallError(f"no such region; there are {', '.join(_SITES)}")
    return site


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
