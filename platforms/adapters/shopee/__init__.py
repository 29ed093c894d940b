"""Shopee: the wallet, escrows, payouts, bills and incomes; push messages; request signing.

Source: reference platforms-global.md §10. Unverified throughout: the fields are the
vendor's own, but no real answer was seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from platforms.adapters._parts import HookScheme, PushesBy, Reader, Readers
from platforms.adapters.shopee import answers, escrow, payouts, push, wallet, words
from platforms.contract import LineKind

_FIELDS: Final = "fields from the vendor's documentation, no real answer seen"


class Shopee(Readers, PushesBy):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "shopee"
    name: ClassVar[str] = "Shopee 虾皮"
    family: ClassVar[str] = "platform"
    # Every time is stated in epoch seconds.
    zone: ClassVar[str] = "UTC"
    cash_accounts: ClassVar[tuple[str, ...]] = ("",)
    credentials: ClassVar[tuple[str, ...]] = ("secret",)
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
    }
    readers: ClassVar[tuple[Reader, ...]] = answers.READERS
    refusal: ClassVar[str] = "no answer of Shopee's payment APIs"
    hooks: ClassVar[HookScheme] = push


ADAPTER: Final = Shopee()
