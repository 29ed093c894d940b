"""TikTok Shop: statements, transactions, payments, withdrawals; pushes; request signing.

Source: reference platforms-global.md §9. Unverified throughout: the vendor's examples
contradict its formulas, so no sign is confirmed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from platforms.adapters import _app_key_push as push
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
from platforms.adapters.tiktok_shop import answers, consent, payments, pull, transactions, words
from platforms.contract import LineKind
from platforms.pulling import Terms

_SIGNS: Final = "fields from the vendor's documentation, whose examples contradict its formulas"


class TikTokShop(Readers, PushesBy, PullsBy, AuthorisesBy):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "tiktok_shop"
    name: ClassVar[str] = "TikTok Shop"
    family: ClassVar[str] = "platform"
    # Every time is stated in epoch seconds; a statement's day begins at 00:00 UTC.
    zone: ClassVar[str] = "UTC"
    cash_accounts: ClassVar[tuple[str, ...]] = ("",)
    credentials: ClassVar[tuple[str, ...]] = (
        *("app_key", "secret", "shop"),
        *("access_token", "refresh_token"),
    )
    kinds: ClassVar[Mapping[str, LineKind]] = words.KINDS
    unverified: ClassVar[Mapping[str, str]] = {
        transactions.BY_STATEMENT: f"{_SIGNS}: the sign of shipping, fees and adjustments is "
        "measured row by row",
        transactions.BY_ORDER: f"{_SIGNS}: the sign of shipping and fees is measured row by row",
        payments.STATEMENTS: f"{_SIGNS}: only the settlement is read, not its parts",
        payments.PAYMENTS: "fields from the vendor's documentation, no real answer seen",
        payments.WITHDRAWALS: "fields from the vendor's documentation, one example; the sign "
        "of a transfer is not stated",
        "push": "the signature's formula is that of an SDK and of a guide by others; the "
        "vendor's page names the header only",
        "pull": "the calls from the vendor's documentation, no real answer seen; others already "
        "use a newer version of the payments (202605)",
        "consent": "the calls from the vendor's documentation, no real answer seen; the codes of "
        "its refusals are not listed",
    }
    readers: ClassVar[tuple[Reader, ...]] = answers.READERS
    refusal: ClassVar[str] = "no answer of TikTok Shop's finance APIs"
    # TikTok Shop waits 3 s for the answer.
    hooks: ClassVar[HookScheme] = push
    source: ClassVar[Source] = pull
    terms: ClassVar[Terms] = pull.TERMS
    application: ClassVar[tuple[str, ...]] = consent.APPLICATION
    consent: ClassVar[Consent] = consent


ADAPTER: Final = TikTokShop()
