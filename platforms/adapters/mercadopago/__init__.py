"""Mercado Pago: release and settlement reports of all countries, signed notifications.

Source: reference platforms-global.md §6. The release report is the ledger of the money
that became available and is booked; the settlement report ("all transactions") states the
same trades when they are made, and is evidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from platforms.adapters._parts import HookScheme, PushesBy, Reader, Readers
from platforms.adapters.mercadopago import push, release, settlement
from platforms.contract import LineKind


class MercadoPago(Readers, PushesBy):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "mercadopago"
    name: ClassVar[str] = "Mercado Pago"
    family: ClassVar[str] = "platform"
    # Every time in the reports states its offset.
    zone: ClassVar[str] = "UTC"
    cash_accounts: ClassVar[tuple[str, ...]] = ("",)
    credentials: ClassVar[tuple[str, ...]] = ("secret",)
    kinds: ClassVar[Mapping[str, LineKind]] = {**release.KINDS, **settlement.KINDS}
    unverified: ClassVar[Mapping[str, str]] = {
        release.PROFILE: "rows of one real report (Argentina) seen, never a whole one: what its "
        "total row covers is known from that excerpt",
        settlement.PROFILE: "three rows of one real report (Argentina) seen; only two of its "
        "transaction types are confirmed",
    }
    readers: ClassVar[tuple[Reader, ...]] = (release, settlement)
    refusal: ClassVar[str] = (
        "neither a release nor a settlement report of Mercado Pago with its columns' English "
        "names: choose them in the report's configuration"
    )
    hooks: ClassVar[HookScheme] = push


ADAPTER: Final = MercadoPago()
