"""PayPal: settlement report (STL), transaction detail report (TRR), webhooks.

Source: reference platforms-global.md §4. The settlement report states everything that
moved the balance and is booked; the transaction detail report states the same movements
and others that moved nothing, and is evidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from platforms.adapters._parts import HookScheme, PushesBy, Reader, Readers
from platforms.adapters.paypal import push, report, words
from platforms.contract import LineKind


class PayPal(Readers, PushesBy):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "paypal"
    name: ClassVar[str] = "PayPal"
    family: ClassVar[str] = "platform"
    # Every time in the reports states its offset.
    zone: ClassVar[str] = "UTC"
    cash_accounts: ClassVar[tuple[str, ...]] = ("",)
    credentials: ClassVar[tuple[str, ...]] = ("public_key", "webhook_id")
    kinds: ClassVar[Mapping[str, LineKind]] = words.KINDS
    unverified: ClassVar[Mapping[str, str]] = {
        report.SETTLEMENT: "the order of the balances in its footers is from another program's "
        "parser, two implied decimals for yen from PayPal's wording; no complete real file seen",
        report.DETAIL: "which rows its totals cover is not confirmed, so only its counts are "
        "checked; no complete real file seen",
    }
    readers: ClassVar[tuple[Reader, ...]] = (report,)
    refusal: ClassVar[str] = (
        "no settlement or transaction detail report of PayPal (activity downloads and "
        "subscription reports do not state what settles)"
    )
    hooks: ClassVar[HookScheme] = push


ADAPTER: Final = PayPal()
