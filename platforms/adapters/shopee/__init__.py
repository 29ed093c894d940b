"""Shopee: the wallet, escrows, payouts, bills and incomes; push messages; request signing.

Source: reference platforms-global.md §10. Unverified throughout: the fields are the
vendor's own, but no real answer was seen.
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
from platforms.adapters.shopee import answers, consent, escrow, payouts, pull, push, wallet, words
from platforms.contract import LineKind
from platforms.pulling import Terms

_FIELDS: Final = "fields from the vendor's documentation, no real answer seen"


class Shopee(Readers, PushesBy, PullsBy, AuthorisesBy):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "shopee"
    name: ClassVar[str] = "Shopee 虾皮"
    family: ClassVar[str] = "platform"
    # Every time is stated in epoch seconds.
    zone: ClassVar[str] = "UTC"
    cash_accounts: ClassVar[tuple[str, ...]] = ("",)
    credentials: ClassVar[tuple[str, ...]] = (
        *("app_id", "secret", "shop"),
        *("access_token", "refresh_token"),
    )
    kinds: ClassVar[Mapping[str, LineKind]] = words.KINDS
    unverified: ClassVar[Mapping[str, str]] = {
        wallet.WALLET: f"{_FIELDS}; rows have no id, and amounts no sign of their own",
        wallet.PENDING: f"{_FIELDS}; what is not completed is not booked",
        escrow.LIST: _FIELDS,
        escrow.DETAIL: f"{_FIELDS}; the formula is that of local orders",
        payouts.DETAIL: f"{_FIELDS}; its own example does not add up",
        payouts.INFO: _FIELDS,
        payouts.BILLING: f"{_FIELDS}; two of its words are known",
        payouts.INCOME: f"{_FIELDS}; its words are translated",
        "pull": "the calls from the vendor's documentation, no real answer seen; how the wallet's "
        "pages are counted is contradictory, the limit of calls is not stated, and the details of "
        "payouts are no longer given in every region",
        "consent": "the tokens from the vendor's documentation, no real answer seen; the address "
        "without a signature from another of its guides",
    }
    readers: ClassVar[tuple[Reader, ...]] = answers.READERS
    refusal: ClassVar[str] = "no answer of Shopee's payment APIs"
    hooks: ClassVar[HookScheme] = push
    source: ClassVar[Source] = pull
    terms: ClassVar[Terms] = pull.TERMS
    application: ClassVar[tuple[str, ...]] = consent.APPLICATION
    consent: ClassVar[Consent] = consent


ADAPTER: Final = Shopee()
