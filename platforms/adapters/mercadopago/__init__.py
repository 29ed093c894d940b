"""Mercado Pago: release and settlement reports of all countries, signed notifications.

Source: reference platforms-global.md §6. The release report is the ledger of the money
that became available and is booked; the settlement report ("all transactions") states the
same trades when they are made, and is evidence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import ClassVar, Final

from platforms.adapters._parts import AuthorisesBy, Consent, PullsBy, Source
from platforms.adapters.mercadopago import consent, pull, push, release, settlement
from platforms.adapters.mercadopago.consent import APPLICATION
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


class MercadoPago(Adapter, Pushes, PullsBy, AuthorisesBy):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "mercadopago"
    name: ClassVar[str] = "Mercado Pago"
    family: ClassVar[str] = "platform"
    # Every time in the reports states its offset.
    zone: ClassVar[str] = "UTC"
    cash_accounts: ClassVar[tuple[str, ...]] = ("",)
    credentials: ClassVar[tuple[str, ...]] = ("access_token", "secret")
    kinds: ClassVar[Mapping[str, LineKind]] = {**release.KINDS, **settlement.KINDS}
    unverified: ClassVar[Mapping[str, str]] = {
        release.PROFILE: "rows of one real report (Argentina) seen, never a whole one: what its "
        "total row covers is known from that excerpt",
        settlement.PROFILE: "three rows of one real report (Argentina) seen; only two of its "
        "transaction types are confirmed",
        "pull": "the calls are the vendor's guide, never made: that the list names a report by the "
        "days and the number it was ordered with, and how soon a day is complete, is not said",
        "consent": "the calls are the vendor's guide and SDK, never made",
    }
    source: ClassVar[Source] = pull
    terms: ClassVar[Terms] = pull.TERMS
    application: ClassVar[tuple[str, ...]] = APPLICATION
    consent: ClassVar[Consent] = consent

    def recognises(self, document: Document) -> bool:
        """Whether the header has the core columns of one of the two reports."""
        return release.recognises(document) or settlement.recognises(document)

    def read(self, document: Document) -> Iterator[Record]:
        """Read a release or a settlement report. Raises ReadError."""
        if release.recognises(document):
            return release.read(document)
        if settlement.recognises(document):
            return settlement.read(document)
        raise ReadError(
            "neither a release nor a settlement report of Mercado Pago with its columns' English "
            "names: choose them in the report's configuration",
            row=1,
        )

    def verify(self, hook: RawHook, link: Link, now: datetime) -> None:
        """Raise BadSignatureError unless a secret signed the resource's id and the request's."""
        push.verify(hook, link)

    def unwrap(self, hook: RawHook, link: Link) -> Document:
        """The body, which is not signed; the context carries the signed id of the resource."""
        return push.unwrap(hook)

    def delivery_id(self, hook: RawHook) -> str:
        """The request id, which is signed. Raises BadSignatureError."""
        return push.delivery_id(hook)

    def reply(self, accepted: bool) -> Reply:
        """200 or 401, both with an empty body."""
        return push.reply(accepted)


ADAPTER: Final = MercadoPago()
