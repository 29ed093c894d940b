"""eBay: transactions and payouts of the Finances API, the transaction report, notifications.

Source: reference platforms-global.md §3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import ClassVar, Final

from platforms.adapters._parts import AuthorisesBy, Consent, PullsBy, Source
from platforms.adapters.ebay import api, consent, pull, push, report, words
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
from platforms.pulling import Terms


class Ebay(Adapter, Pushes, PullsBy, AuthorisesBy):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "ebay"
    name: ClassVar[str] = "eBay"
    family: ClassVar[str] = "platform"
    # The API says UTC. The report has days only: read in the zone of the store
    # (context "zone"), and in this one where it is not given.
    zone: ClassVar[str] = "UTC"
    cash_accounts: ClassVar[tuple[str, ...]] = ("",)
    credentials: ClassVar[tuple[str, ...]] = (
        *("region", "refresh_token", "app_key", "secret", "private_key", "serial"),
        *("public_key", "verification_token"),
    )
    kinds: ClassVar[Mapping[str, LineKind]] = words.KINDS
    unverified: ClassVar[Mapping[str, str]] = {
        api.PAYOUTS: "fields from eBay's own schema, no real answer seen",
        report.PROFILE: "a real header, and the words of Type from programs that read real "
        "reports; no real rows seen, and that of a payout not confirmed",
        "pull": "calls as in eBay's documentation, and its own example of a signature; not tried "
        "with a real account",
        "consent": "as in eBay's documentation; not tried with a real account",
    }
    terms: ClassVar[Terms] = pull.TERMS
    source: ClassVar[Source] = pull
    application: ClassVar[tuple[str, ...]] = consent.APPLICATION
    consent: ClassVar[Consent] = consent

    def recognises(self, document: Document) -> bool:
        """Whether the JSON's fields or the report's header are eBay's."""
        return api.recognises(document) or report.recognises(document)

    def read(self, document: Document) -> Iterator[Record]:
        """Read an API answer (JSON) or a transaction report (CSV). Raises ReadError."""
        if api.recognises(document):
            return api.read(document)
        if report.recognises(document):
            return report.read(document)
        raise ReadError("neither a transaction report nor an API answer of eBay", row=1)

    def verify(self, hook: RawHook, link: Link, now: datetime) -> None:
        """Raise BadSignatureError unless eBay signed the raw body; `now` is not used."""
        push.verify(hook, link)

    def unwrap(self, hook: RawHook, link: Link) -> Document:
        """The body as it came; eBay encrypts nothing. Raises BadSignatureError."""
        return push.unwrap(hook)

    def delivery_id(self, hook: RawHook) -> str:
        """The notification's id. Raises BadSignatureError."""
        return push.delivery_id(hook)

    def reply(self, accepted: bool) -> Reply:
        """204 or 412, both without a body."""
        return push.reply(accepted)


ADAPTER: Final = Ebay()
