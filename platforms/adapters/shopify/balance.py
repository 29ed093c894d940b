"""A file's payouts while it is read: one sum each, then the verdict and the derived ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, tzinfo
from decimal import Decimal

from platforms.adapters.shopify import words
from platforms.contract import Payout
from platforms.values import EXACT, NOTHING


@dataclass(slots=True)
class _Sum:
    """What is known of one payout: Σ net of its rows, and its own row's amount."""

    row: int
    status: str
    paid_on: date | None
    zone: tzinfo | None
    net: Decimal = NOTHING
    stated: Decimal | None = None


class Payouts:
    """The payouts of one file by id, in the order of their first row."""

    def __init__(self, currency: str) -> None:
        self._currency = currency
        self._sums: dict[str, _Sum] = {}

    def add_line(
        self,
        payout: str,
        net: Decimal,
        *,
        row: int,
        status: str,
        paid_on: date | None,
        zone: tzinfo | None,
    ) -> None:
        """Add an ordinary row's net to its payout."""
        found = self._of(payout, row, status, paid_on, zone)
        found.net = EXACT.add(found.net, net)

    def add_payout(self, payout: str, amount: Decimal, *, row: int, status: str) -> None:
        """Take the payout's own row; a second row of one payout adds up."""
        found = self._of(payout, row, status, None, None)
        found.stated = EXACT.add(found.stated or NOTHING, amount)

    def derived(self) -> Iterator[Payout]:
        """The payouts under way or paid that have no row of their own, summed."""
        for payout, known in self._sums.items():
            if known.stated is None and known.status in words.DERIVED and known.paid_on:
                yield Payout(
                    external_id=payout,
                    amount=known.net,
                    currency=self._currency,
                    status=words.status(known.status, row=known.row),
                    announced_at=words.midnight(known.paid_on, known.zone),
                    row=known.row,
                    derived=True,
                )

    def ties(self) -> bool | None:
        """Whether every payout's rows add up to its own row.

        False if one does not (a row is missing or wrong), None if a payout
        without its own row leaves something unproved, or if there is none.
        """
        stated = [known for known in self._sums.values() if known.stated is not None]
        if any(known.stated != known.net for known in stated):
            return False
        return True if stated and len(stated) == len(self._sums) else None

    def _of(
        self, payout: str, row: int, status: str, paid_on: date | None, zone: tzinfo | None
    ) -> _Sum:
        found = self._sums.get(payout)
        if found is None:
            found = self._sums[payout] = _Sum(row, status, paid_on, zone)
        return found
