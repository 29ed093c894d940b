"""WooCommerce: webhooks with an order, read as evidence only.

A WooCommerce shop has no settlement data of its own: the money comes from its gateway
(Stripe, PayPal, WooPayments). Source: reference platforms-global.md §12.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from platforms.adapters._parts import (
    Challenger,
    ChallengesBy,
    HookScheme,
    PushesBy,
    Reader,
    Readers,
)
from platforms.adapters.woocommerce import order, push
from platforms.contract import LineKind


class WooCommerce(Readers, PushesBy, ChallengesBy):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "woocommerce"
    name: ClassVar[str] = "WooCommerce"
    family: ClassVar[str] = "platform"
    # The order states its times in GMT as well.
    zone: ClassVar[str] = "UTC"
    cash_accounts: ClassVar[tuple[str, ...]] = ("",)
    credentials: ClassVar[tuple[str, ...]] = ("secret",)
    kinds: ClassVar[Mapping[str, LineKind]] = order.STATUSES
    unverified: ClassVar[Mapping[str, str]] = {
        order.PROFILE: "fields from the vendor's source, no real webhook seen; a refund states no "
        "time and is dated by the order's last change",
    }
    readers: ClassVar[tuple[Reader, ...]] = (order,)
    refusal: ClassVar[str] = "no order of WooCommerce; its money is in its gateway's files"
    hooks: ClassVar[HookScheme] = push
    challenges: ClassVar[Challenger] = push


ADAPTER: Final = WooCommerce()
