"""Shopify's words for lines and payouts, and what both exports and the API share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, tzinfo
from decimal import Decimal
from typing import Final

from platforms.contract import LineKind, PayoutStatus, ReadError
from platforms.reading import shown

ZONE: Final = "UTC"
PAYOUT: Final = "payout"
_RESERVE: Final = "reserve"

# The types of the balance transaction (platforms-global.md §2.3). A dispute is
# the card scheme's doing, neither a refund nor a fine: it is an adjustment.
KINDS: Final[Mapping[str, LineKind]] = {
    "charge": LineKind.SALE,
    "refund": LineKind.REFUND,
    "dispute": LineKind.ADJUSTMENT,
    _RESERVE: LineKind.RESERVE_HELD,
    "adjustment": LineKind.ADJUSTMENT,
    "credit": LineKind.ADJUSTMENT,
    "debit": LineKind.ADJUSTMENT,
    PAYOUT: LineKind.PAYOUT,
    "payout_failure": LineKind.PAYOUT_RETURNED,
    "payout_cancellation": LineKind.PAYOUT_RETURNED,
}

_STATUSES: Final[Mapping[str, PayoutStatus]] = {
    "scheduled": PayoutStatus.SCHEDULED,
    "in_transit": PayoutStatus.IN_TRANSIT,
    "paid": PayoutStatus.PAID,
    "failed": PayoutStatus.FAILED,
    "canceled": PayoutStatus.CANCELLED,
}

# A payout whose own row is not in the file may be summed from its lines while
# its money is under way or there.
DERIVED: Final = frozenset({"paid", "in_transit", "scheduled"})


def kind(word: str, amount: Decimal) -> LineKind:
    """What a type means; one word serves both ways for reserves: negative is held."""
    if word == _RESERVE and amount > 0:
        return LineKind.RESERVE_RELEASED
    return KINDS.get(word, LineKind.UNKNOWN)


def status(word: str, *, row: int) -> PayoutStatus:
    """How far a payout is. Raises ReadError for a word that is not Shopify's."""
    found = _STATUSES.get(word)
    if found is None:
        raise ReadError(f"unknown payout status {shown(word)}", row=row)
    return found


def midnight(day: date, zone: tzinfo | None) -> datetime:
    """The instant a date stands for where Shopify gives no time."""
    return datetime.combine(day, time.min, zone)
