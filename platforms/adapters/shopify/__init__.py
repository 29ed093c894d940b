"""Shopify Payments: exports, REST payouts and balance transactions, webhooks.

Source: reference platforms-global.md §2. A charge row becomes two lines, the
gross amount and the fee, so that the lines of a payout add up to the payout.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from platforms.adapters._parts import HookScheme, PushesBy, Reader, Readers
from platforms.adapters.shopify import api, payouts, push, transactions, words
from platforms.contract import LineKind


class Shopify(Readers, PushesBy):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "shopify"
    name: ClassVar[str] = "Shopify Payments"
    family: ClassVar[str] = "platform"
    # Exports state the offset of each time. Dates without a time are read in the
    # zone of the store (context "zone"), and in this one where it is not given.
    zone: ClassVar[str] = words.ZONE
    cash_accounts: ClassVar[tuple[str, ...]] = ("",)
    credentials: ClassVar[tuple[str, ...]] = ("secret",)
    kinds: ClassVar[Mapping[str, LineKind]] = words.KINDS
    unverified: ClassVar[Mapping[str, str]] = {
        payouts.PROFILE: "columns and the sign of Fees from other people's parsers, "
        "no real file seen; it has no payout ids",
    }
    readers: ClassVar[tuple[Reader, ...]] = (transactions, payouts, api)
    refusal: ClassVar[str] = "neither an export nor an API answer of Shopify Payments"
    hooks: ClassVar[HookScheme] = push


ADAPTER: Final = Shopify()
