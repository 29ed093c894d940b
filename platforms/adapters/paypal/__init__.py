"""PayPal: settlement report (STL), transaction detail report (TRR), Transaction Search, webhooks.

Source: reference platforms-global.md §4. The settlement report states everything that
moved the balance and is booked; the transaction detail report states the same movements
and others that moved nothing, and is evidence. The Transaction Search states them by API,
numbered apart: a store has the reports or the search, never both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from platforms.adapters._parts import HookScheme, PullsBy, PushesBy, Reader, Readers, Source
from platforms.adapters.paypal import pull, push, report, search, words
from platforms.contract import LineKind
from platforms.pulling import Terms


class PayPal(Readers, PushesBy, PullsBy):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "paypal"
    name: ClassVar[str] = "PayPal"
    family: ClassVar[str] = "platform"
    # Every time in the reports states its offset.
    zone: ClassVar[str] = "UTC"
    cash_accounts: ClassVar[tuple[str, ...]] = ("",)
    credentials: ClassVar[tuple[str, ...]] = (
        *("app_key", "secret"),
        *("public_key", "webhook_id"),
    )
    kinds: ClassVar[Mapping[str, LineKind]] = words.KINDS
    unverified: ClassVar[Mapping[str, str]] = {
        report.SETTLEMENT: "the order of the balances in its footers is from another program's "
        "parser, two implied decimals for yen from PayPal's wording; no complete real file seen",
        report.DETAIL: "which rows its totals cover is not confirmed, so only its counts are "
        "checked; no complete real file seen",
        search.PROFILE: "fields and words from the vendor's API description, rows of it seen in "
        "other programs' tests; that pending rows have moved nothing, and that no two rows of two "
        "pages are alike in everything, is assumed",
        "pull": "the calls are the vendor's description, never made: whether the search finds rows "
        "by the day they began or by their last change is not said, nor how many calls are free",
    }
    readers: ClassVar[tuple[Reader, ...]] = (report, search)
    refusal: ClassVar[str] = (
        "no settlement or transaction detail report of PayPal (activity downloads and "
        "subscription reports do not state what settles)"
    )
    hooks: ClassVar[HookScheme] = push
    source: ClassVar[Source] = pull
    terms: ClassVar[Terms] = pull.TERMS


ADAPTER: Final = PayPal()
