"""What a right hub must show at the end, per store: owed, on its way, arrived, lost.

opening + earned = owed + in_transit + arrived + missing + ambiguous + short, where
each of the last five is the announced amount of the payouts with that outcome.
Amounts are cents.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.model import Fate, Outcome, Store

_ARRIVED = (
    Outcome.MATCHED_BY_REFERENCE,
    Outcome.MATCHED_BY_AMOUNT,
    Outcome.MERGED,
    Outcome.LATE_MATCHED,
)


@dataclass(frozen=True, kw_only=True)
class StoreBalance:
    """The figures of one store; `short_received` is what the bank did credit of `short`."""

    store: Store
    opening: int
    earned: int
    owed: int
    in_transit: int
    arrived: int
    missing: int
    ambiguous: int
    short: int
    short_received: int

    @property
    def adds_up(self) -> bool:
        """Whether every cent of the store is somewhere."""
        elsewhere = self.in_transit + self.arrived + self.missing + self.ambiguous + self.short
        return self.opening + self.earned == self.owed + elsewhere


def balance(store: Store, *, earned: int, owed: int, fates: Sequence[Fate]) -> StoreBalance:
    """Sums a store's payouts by outcome; `earned` is all its lines but the payouts."""
    return StoreBalance(
        store=store,
        opening=store.opening,
        earned=earned,
        owed=owed,
        in_transit=_announced(fates, Outcome.IN_TRANSIT),
        arrived=_announced(fates, *_ARRIVED),
        missing=_announced(fates, Outcome.MISSING),
        ambiguous=_announced(fates, Outcome.AMBIGUOUS),
        short=_announced(fates, Outcome.SHORT),
        short_received=sum(f.received or 0 for f in fates if f.outcome is Outcome.SHORT),
    )


def _announced(fates: Sequence[Fate], *outcomes: Outcome) -> int:
    return sum(fate.payout.amount for fate in fates if fate.outcome in outcomes)
