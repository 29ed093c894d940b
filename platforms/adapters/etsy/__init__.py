"""Etsy: ledger entries of the payment account, the monthly statement, webhooks.

Source: reference platforms-global.md §7. Requests carry a bearer token and a key and
are not signed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import ClassVar, Final

from platforms.adapters._parts import AuthorisesBy, Consent, PullsBy, Source
from platforms.adapters.etsy import consent, ledger, pull, push, statement, words
from platforms.adapters.etsy.consent import APPLICATION
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


class Etsy(Adapter, Pushes, PullsBy, AuthorisesBy):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "etsy"
    name: ClassVar[str] = "Etsy Payments"
    family: ClassVar[str] = "platform"
    # The statement's days are read in the zone of the store (context "zone").
    zone: ClassVar[str] = words.ZONE
    cash_accounts: ClassVar[tuple[str, ...]] = ("",)
    credentials: ClassVar[tuple[str, ...]] = ("shop", "access_token", "refresh_token", "secret")
    kinds: ClassVar[Mapping[str, LineKind]] = words.KINDS
    unverified: ClassVar[Mapping[str, str]] = {
        ledger.PROFILE: "fields from the vendor's API description, words also from users' lists in "
        "its tracker, no real answer seen; what stands in which of the two fields is not confirmed",
        statement.PROFILE: "real rows of two months seen, never a whole file; its deposits and "
        "fee rows are known from other people's tests only",
        "pull": "the calls are the vendor's guide and its maintainers' answers, never made: in "
        "which order entries come, and how soon they appear, is not said",
        "consent": "the calls are the vendor's guide, never made",
    }
    source: ClassVar[Source] = pull
    terms: ClassVar[Terms] = pull.TERMS
    application: ClassVar[tuple[str, ...]] = APPLICATION
    consent: ClassVar[Consent] = consent

    def recognises(self, document: Document) -> bool:
        """Whether the header or the first JSON entry is Etsy's."""
        return statement.recognises(document) or ledger.recognises(document)

    def read(self, document: Document) -> Iterator[Record]:
        """Read a monthly statement (CSV) or ledger entries (JSON). Raises ReadError."""
        if statement.recognises(document):
            return statement.read(document)
        if ledger.recognises(document):
            return ledger.read(document)
        raise ReadError("neither a statement nor ledger entries of Etsy", row=1)

    def verify(self, hook: RawHook, link: Link, now: datetime) -> None:
        """Raise BadSignatureError unless a secret signed the delivery within 300 s of `now`."""
        push.verify(hook, link, now)

    def unwrap(self, hook: RawHook, link: Link) -> Document:
        """The body as it came."""
        return push.unwrap(hook)

    def delivery_id(self, hook: RawHook) -> str:
        """The `webhook-id`. Raises BadSignatureError."""
        return push.delivery_id(hook)

    def reply(self, accepted: bool) -> Reply:
        """200 or 401, both with an empty body."""
        return push.reply(accepted)


ADAPTER: Final = Etsy()
