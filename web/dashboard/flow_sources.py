"""Where the money-flow picture begins: stores, the small ones of a platform taken together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from accounts.models import Store
from settlement.queries import StoreRow

MOST_STORES: Final = 8
"""More stores than this are drawn as one ribbon a platform: "n more"."""
OUTCOMES: Final = ("arrived", "way", "lost", "owed")


@dataclass(slots=True, kw_only=True)
class Source:
    """A store, or the rest of a platform's stores, and what became of its money."""

    platform: str
    amounts: dict[str, Decimal]
    store: Store | None = None
    stores: int = 1

    @property
    def total(self) -> Decimal:
        """All its money."""
        return sum(self.amounts.values(), Decimal(0))


def sources_of(rows: Iterable[StoreRow], currency: str) -> list[Source]:
    """By platform, largest first; what platforms collected back is left out of the picture."""
    found = []
    for row in rows:
        if str(row.owed.currency) == currency:
            given = (row.arrived, row.in_transit, row.missing + row.difference, row.owed)
            amounts = {
                name: max(money.amount, Decimal(0))
                for name, money in zip(OUTCOMES, given, strict=True)
            }
            source = Source(platform=row.store.platform, amounts=amounts, store=row.store)
            if source.total:
                found.append(source)
    found.sort(key=lambda source: -source.total)
    shown, rest = found[:MOST_STORES], found[MOST_STORES:]
    merged = [_rest(platform, rest) for platform in dict.fromkeys(s.platform for s in rest)]
    return _by_platform([*shown, *merged])


def _rest(platform: str, sources: Sequence[Source]) -> Source:
    mine = [source for source in sources if source.platform == platform]
    return Source(platform=platform, amounts=sums_of(mine), stores=len(mine))


def _by_platform(sources: list[Source]) -> list[Source]:
    totals: dict[str, Decimal] = {}
    for source in sources:
        totals[source.platform] = totals.get(source.platform, Decimal(0)) + source.total
    return sorted(sources, key=lambda s: (-totals[s.platform], s.platform, s.stores > 1, -s.total))


def sums_of(sources: Iterable[Source]) -> dict[str, Decimal]:
    """What became of the money of all of them."""
    sums = dict.fromkeys(OUTCOMES, Decimal(0))
    for source in sources:
        for name, amount in source.amounts.items():
            sums[name] += amount
    return sums
