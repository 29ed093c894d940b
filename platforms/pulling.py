"""The port's second half: how an adapter fetches, and how a store is linked.

The adapter builds and signs requests and reads answers; the hub owns the HTTP client, the clock,
time-outs, rate limits, secrets and the order in which things are tried again. An adapter never
waits and never repeats a request: it raises one of the named errors, and the hub comes back later
with the cursor of the last document it has kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import BinaryIO, ClassVar, Protocol, runtime_checkable

from platforms.contract import AdapterError, Document, Link


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request, signed and complete; `url` carries its query.

    `rate` names the limit of `Terms.rates` it counts against.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    rate: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer with a status below 500 that is not 429; header names lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A file as it came, whole, kept aside; `open` gives a new seekable stream each time."""

    status: int
    headers: Mapping[str, str]
    size: int
    open: Callable[[], BinaryIO]


class Http(Protocol):
    """What the hub lends an adapter. Redirects are not followed, cookies not kept.

    `send` and `download` raise UnavailableError (no answer in time, 5xx) and RateLimitedError
    (429, with the seconds of Retry-After where it is stated); other statuses are the adapter's.
    """

    def send(self, request: Request) -> Response:
        """Send one request; its answer has at most 32 MiB."""
        ...

    def download(self, request: Request) -> Download:
        """Fetch a file of any size the hub allows."""
        ...

    def now(self) -> datetime:
        """The instant, for the time a platform wants signed."""
        ...

    def nonce(self) -> str:
        """32 random hexadecimal digits, other ones each time."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """At most `calls` in `seconds`, for each value of the link's secret `per` ("" : in all)."""

    calls: int
    seconds: float
    per: str = ""
    source: str = ""
    """Where the limit is stated; "assumed" where the platform states none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What is wanted: everything that happened from `begin` (included) to `end` (not).

    Aware instants; the hub asks for whole days in the adapter's zone. `cursor` is "" at first, then
    that of the last document kept or of the NotYetError raised: what came before it is here.
    """

    begin: datetime
    end: datetime
    cursor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On what terms a platform may be asked."""

    rates: Mapping[str, Rate]
    """Limits by name; "" is the one of every request that names none."""
    ready: timedelta
    """How long after its end a day is complete at the platform."""
    reach: timedelta
    """How far back the platform answers."""


@runtime_checkable
class Pulls(Protocol):
    """An adapter that can fetch."""

    terms: ClassVar[Terms]

    def probe(self, http: Http, link: Link) -> str:
        """Make the cheapest signed call and return the platform's own number of the shop, or its
        host, the same for ever ("" if it does not say). Raises UnauthorisedError and the errors of
        `pull`.
        """
        ...

    def pull(self, http: Http, link: Link, window: Window) -> Iterator[Document]:
        """Yield the window's documents, each with the cursor that follows it; none that is empty.

        The same window gives the same documents, and a page that was kept is not asked for again.
        A document's context names what its bytes do not say (currency, zone). Raises
        UnauthorisedError, RateLimitedError, UnavailableError, NotYetError and RefusedCallError.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a platform granted: secrets to keep under their common names (see contract.Link).

    `expires_at` is when reading stops without renewal, `renewable_until` when even renewal does
    and the merchant must consent again; None where it does not end.
    """

    secrets: Mapping[str, str]
    expires_at: datetime | None = None
    renewable_until: datetime | None = None
    scopes: tuple[str, ...] = ()
    shop: str = ""


@runtime_checkable
class Authorises(Protocol):
    """An adapter whose platform asks the merchant for consent (OAuth and its kin)."""

    application: ClassVar[tuple[str, ...]]
    """The secrets of the operator's own application, by their common names."""

    def consent_url(self, link: Link, *, state: str, back: str) -> str:
        """Where the merchant's browser is sent. `state` returns with it, to the address `back`."""
        ...

    def exchange(self, http: Http, link: Link, *, answer: Mapping[str, str], back: str) -> Tokens:
        """Redeem what the browser brought back. Raises UnauthorisedError and those of `pull`."""
        ...

    def renew(self, http: Http, link: Link) -> Tokens:
        """Get new tokens for the kept ones. Raises UnauthorisedError where consent has ended."""
        ...


@runtime_checkable
class Revokes(Protocol):
    """An adapter that can end a permission at the platform."""

    def revoke(self, http: Http, link: Link) -> None:
        """End it. Raises the errors of `pull`."""
        ...


class NotYetError(AdapterError):
    """The platform is still making the document; ask again in `retry_after` seconds.

    `cursor` lets the next pull find what was ordered: nothing is ordered twice.
    """

    def __init__(self, reason: str, *, retry_after: int, cursor: str = "") -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        self.cursor = cursor


class RefusedCallError(AdapterError):
    """The platform refuses the call itself (a scope, a parameter): trying again does not help."""
