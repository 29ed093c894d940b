"""Shopify Payments: exports, REST payouts and balance transactions, webhooks.

Source: reference platforms-global.md §2. A charge row becomes two lines, the
gross amount and the fee, so that the lines of a payout add up to the payout.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import ClassVar, Final

from platforms.adapters._parts import AuthorisesBy, Consent, PullsBy, Source
from platforms.adapters.shopify import api, consent, payouts, pull, push, transactions, words
from platforms.contract import (
    Adapter,
    Document,
    LineKind,
    Link,
    Pushes,
    RawHook,
    ReadError,
    Record,
    Reply,
)
from platforms.pulling import Http, Revokes, Terms

_Recognises = Callable[[Document], bool]
_Reads = Callable[[Document], Iterator[Record]]

_READERS: Final[tuple[tuple[_Recognises, _Reads], ...]] = (
    (transactions.recognises, transactions.read),
    (payouts.recognises, payouts.read),
    (api.recognises, api.read),
)


class Shopify(Adapter, Pushes, PullsBy, AuthorisesBy, Revokes):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "shopify"
    name: ClassVar[str] = "Shopify Payments"
    family: ClassVar[str] = "platform"
    # Exports state the offset of each time. Dates without a time are read in the
    # zone of the store (context "zone"), and in this one where it is not given.
    zone: ClassVar[str] = words.ZONE
    cash_accounts: ClassVar[tuple[str, ...]] = ("",)
    credentials: ClassVar[tuple[str, ...]] = ("shop", "access_token", "secret")
    kinds: ClassVar[Mapping[str, LineKind]] = words.KINDS
    unverified: ClassVar[Mapping[str, str]] = {
        payouts.PROFILE: "columns and the sign of Fees from other people's parsers, "
        "no real file seen; it has no payout ids",
        "pull": "calls and answers as in Shopify's documentation; not tried with a real store",
        "consent": "as in Shopify's documentation and libraries; only the signature of the "
        "return has published vectors",
    }
    terms: ClassVar[Terms] = pull.TERMS
    source: ClassVar[Source] = pull
    application: ClassVar[tuple[str, ...]] = consent.APPLICATION
    consent: ClassVar[Consent] = consent

    def recognises(self, document: Document) -> bool:
        """Whether the header or the first JSON keys are Shopify's."""
        return any(recognises(document) for recognises, _ in _READERS)

    def read(self, document: Document) -> Iterator[Record]:
        """Read an export (CSV) or an API answer (JSON). Raises ReadError."""
        for recognises, read in _READERS:
            if recognises(document):
                return read(document)
        raise ReadError("neither an export nor an API answer of Shopify Payments", row=1)

    def verify(self, hook: RawHook, link: Link, now: datetime) -> None:
        """Raise BadSignatureError unless one of the secrets signed the raw body."""
        push.verify(hook, link, now)

    def unwrap(self, hook: RawHook, link: Link) -> Document:
        """The body as it came; Shopify encrypts nothing."""
        return push.unwrap(hook, link)

    def delivery_id(self, hook: RawHook) -> str:
        """The webhook id, the same in every retry. Raises BadSignatureError."""
        return push.delivery_id(hook)

    def reply(self, accepted: bool) -> Reply:
        """200 or 401, both with an empty body."""
        return push.reply(accepted)

    def revoke(self, http: Http, link: Link) -> None:
        """Uninstall our app from the store; see consent.revoke."""
        consent.revoke(http, link)


ADAPTER: Final = Shopify()
