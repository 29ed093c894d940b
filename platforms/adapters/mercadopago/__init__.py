"""Mercado Pago: release and settlement reports of all countries, signed notifications.

Source: reference platforms-global.md §6. The release report is the ledger of the money
that became available and is booked; the settlement report ("all transactions") states the
same trades when they are made, and is evidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from platforms.adapters._parts import (
    AuthorisesBy,
    Consent,
    HookScheme,
    PullsBy,
    PushesBy,
    Reader,
    Readers,
    Source,
)
from platforms.adapters.mercadopago import consent, pull, push, release, settlement
from platforms.contract import LineKind
from platforms.pulling import Terms


class MercadoPago(Readers, PushesBy, PullsBy, AuthorisesBy):
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
    readers: ClassVar[tuple[Reader, ...]] = (release, settlement)
    refusal: ClassVar[str] = (
        "neither a release nor a settlement report of Mercado Pago with its columns' English "
        "names: choose them in the report's configuration"
    )
    hooks: ClassVar[HookScheme] = push
    source: ClassVar[Source] = pull
    terms: ClassVar[Terms] = pull.TERMS
    application: ClassVar[tuple[str, ...]] = consent.APPLICATION
    consent: ClassVar[Consent] = consent


ADAPTER: Final = MercadoPago()
