"""What a withdrawal costs before anything is forgiven. Pure: tiers and an amount in, a fee out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal


class NoTierError(Exception):
    """The tariff names no fee for this amount."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """The fee of amounts up to and including `up_to`, in major units; None: of all above.

    fixed + rate * amount, never below `minimum` nor above `maximum` where they are given.
    """

    up_to: Decimal | None
    fixed: Decimal
    rate: Decimal
    minimum: Decimal | None = None
    maximum: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """A fee in major units, rounded half up to the currency's minor unit, and its tier."""

    amount: Decimal
    tier: Tier


def fee_of(amount: Decimal, *, tiers: Iterable[Tier], minor_unit: Decimal) -> Fee:
    """The gross fee of a withdrawal: the whole amount falls into one tier.

    `minor_unit` is the smallest amount of the currency (0.01). Raises NoTierError.
    """
    for tier in sorted(tiers, key=_end):
        if tier.up_to is None or amount <= tier.up_to:
            return Fee(amount=_bounded(amount, tier, minor_unit), tier=tier)
    raise NoTierError(f"the tariff ends below {amount}")


def _end(tier: Tier) -> Decimal:
    return Decimal("Infinity") if tier.up_to is None else tier.up_to


def _bounded(amount: Decimal, tier: Tier, minor_unit: Decimal) -> Decimal:
    fee = tier.fixed + tier.rate * amount
    if tier.maximum is not None:
        fee = min(fee, tier.maximum)
    if tier.minimum is not None:
        fee = max(fee, tier.minimum)
    return fee.quantize(minor_unit, ROUND_HALF_UP)
