"""Which programme forgives how much of a fee. Pure: offers and a fee in, a waiver out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A rule in force, and how much of its quota the merchant has used in this period.

    `segment` empty: for every merchant. `quota` None: without limit. `percent` of the gross
    fee is forgiven.
    """

    rule: UUID
    program: str
    segment: str
    percent: Decimal
    quota: int | None = None
    used: int = 0

    @property
    def left(self) -> int | None:
        """How many of the quota are left; None without limit."""
        return None if self.quota is None else max(0, self.quota - self.used)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """What is forgiven, in major units, and by which offer."""

    amount: Decimal
    offer: Offer


def best(
    fee: Decimal, *, offers: Iterable[Offer], segment: str, minor_unit: Decimal
) -> Waiver | None:
    """The largest waiver open to a merchant of this segment; None if none is.

    Among equal ones first that which uses up no quota, then the programme's code decides, so
    that the same question always has the same answer. A fee of zero needs no waiver.
    """
    if not fee:
        return None
    waivers = [
        Waiver(amount=_part(fee, offer, minor_unit), offer=offer)
        for offer in offers
        if offer.segment in {"", segment} and offer.left != 0
    ]
    return min(waivers, key=_rank, default=None)


def _part(fee: Decimal, offer: Offer, minor_unit: Decimal) -> Decimal:
    return min(fee, (fee * offer.percent / 100).quantize(minor_unit, ROUND_HALF_UP))


def _rank(waiver: Waiver) -> tuple[Decimal, bool, str]:
    return -waiver.amount, waiver.offer.quota is not None, waiver.offer.program
