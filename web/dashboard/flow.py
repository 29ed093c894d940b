"""The money-flow picture: stores → platforms → the account. Pure geometry.

Amounts become heights on one scale; only what would be too thin to see is
drawn thicker. The templates write the result as SVG, coloured by the
stylesheet through classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from djmoney.money import Money

from accounts.models import Store
from settlement.queries import StoreRow

MOST_STORES: Final = 14
"""More stores than this are drawn as one ribbon a platform: "n more"."""
OUTCOMES: Final = ("arrived", "way", "lost")
THINNEST: Final = 2.0
HUES: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Where the columns stand and how tall the picture is, in the picture's own units."""

    width: int
    store_x: int | None
    platform_x: int
    outcome_x: int
    slot: int
    """Least height of a row: a label's line."""
    body: int
    """Height all the money together has."""
    top: int = 30
    node: int = 10


WIDE: Final = Measures(
    width=1000, store_x=232, platform_x=500, outcome_x=790, slot=30, body=250, top=34
)
NARROW: Final = Measures(
    width=360, store_x=None, platform_x=2, outcome_x=218, slot=54, body=190, top=30
)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """An upright bar with a label."""

    x: float
    y: float
    width: float
    height: float
    amount: Money
    name: str
    """A platform's code, or an outcome of OUTCOMES."""
    amounts: dict[str, Money] = field(default_factory=dict)
    source: Source | None = None
    hue: int = 0

    @property
    def middle(self) -> float:
        """Half-way down."""
        return self.y + self.height / 2

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.x + self.width


@dataclass(frozen=True, slots=True, kw_only=True)
class Ribbon:
    """Money on its way from one bar to the next."""

    path: str
    amount: Money
    name: str
    hue: int = 0
    outcome: str = ""


@dataclass(slots=True, kw_only=True)
class Picture:
    """Everything to draw, and the same as numbers."""

    width: int
    height: float
    stores: list[tuple[Node, Ribbon]] = field(default_factory=list)
    platforms: list[Node] = field(default_factory=list)
    ribbons: list[Ribbon] = field(default_factory=list)
    outcomes: list[Node] = field(default_factory=list)


def picture(rows: Iterable[StoreRow], *, currency: str, measures: Measures) -> Picture | None:
    """Draw one currency's flow; None when no payout was announced in it."""
    sources = _sources(rows, currency)
    if not sources:
        return None
    return _Drawing(sources, currency, measures).draw()


def _sources(rows: Iterable[StoreRow], currency: str) -> list[Source]:
    """By platform, largest first; what platforms collected back is left out of the picture."""
    found = []
    for row in rows:
        if str(row.owed.currency) == currency:
            given = (row.arrived, row.in_transit, row.missing + row.difference)
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
    return Source(platform=platform, amounts=_sums(mine), stores=len(mine))


def _by_platform(sources: list[Source]) -> list[Source]:
    totals: dict[str, Decimal] = {}
    for source in sources:
        totals[source.platform] = totals.get(source.platform, Decimal(0)) + source.total
    return sorted(sources, key=lambda s: (-totals[s.platform], s.platform, s.stores > 1, -s.total))


def _sums(sources: Iterable[Source]) -> dict[str, Decimal]:
    sums = dict.fromkeys(OUTCOMES, Decimal(0))
    for source in sources:
        for name, amount in source.amounts.items():
            sums[name] += amount
    return sums


class _Drawing:
    def __init__(self, sources: list[Source], currency: str, measures: Measures) -> None:
        self.sources = sources
        self.currency = currency
        self.at = measures
        total = sum((source.total for source in sources), Decimal(0))
        self.scale = measures.body / float(total)
        self.by_platform = {
            platform: [s for s in sources if s.platform == platform]
            for platform in dict.fromkeys(s.platform for s in sources)
        }

    def draw(self) -> Picture:
        done = Picture(width=self.at.width, height=0)
        bottom = self._stores_and_platforms(done)
        outcomes = self._outcomes(done, bottom)
        done.height = round(max(bottom, outcomes) + 14, 1)
        return done

    def _thick(self, amount: Decimal) -> float:
        return max(THINNEST, float(amount) * self.scale) if amount else 0.0

    def _money(self, amount: Decimal) -> Money:
        return Money(amount, self.currency)

    def _stores_and_platforms(self, done: Picture) -> float:
        """Lay the left half out from the top; returns where it ends."""
        y = float(self.at.top)
        for index, (platform, sources) in enumerate(self.by_platform.items()):
            hue = index % HUES + 1
            inside = sum(self._thick(source.total) for source in sources)
            slots = [max(self.at.slot, self._thick(s.total) + 6) for s in sources]
            height = sum(slots) if self.at.store_x is not None else max(self.at.slot, inside)
            node = self._platform(platform, sources, y + (height - inside) / 2, inside, hue)
            done.platforms.append(node)
            if self.at.store_x is not None:
                done.stores += self._store_ribbons(sources, slots, y, node, self.at.store_x)
            y += height + 36
        return y - 36

    def _platform(
        self, platform: str, sources: list[Source], y: float, height: float, hue: int
    ) -> Node:
        sums = _sums(sources)
        return Node(
            x=self.at.platform_x,
            y=round(y, 1),
            width=self.at.node,
            height=round(height, 1),
            amount=self._money(sum(sums.values(), Decimal(0))),
            amounts={name: self._money(amount) for name, amount in sums.items()},
            name=platform,
            hue=hue,
        )

    def _store_ribbons(
        self, sources: list[Source], slots: list[float], y: float, to: Node, x: int
    ) -> list[tuple[Node, Ribbon]]:
        drawn = []
        landing = to.y
        for source, slot in zip(sources, slots, strict=True):
            thick = self._thick(source.total)
            node = Node(
                x=x,
                y=round(y + (slot - thick) / 2, 1),
                width=6,
                height=round(thick, 1),
                amount=self._money(source.total),
                amounts={name: self._money(amount) for name, amount in source.amounts.items()},
                name=source.store.name if source.store else "",
                source=source,
                hue=to.hue,
            )
            path = _band(node.right, node.y, thick, to.x, landing, thick)
            drawn.append((node, Ribbon(path=path, amount=node.amount, name=node.name, hue=to.hue)))
            landing += thick
            y += slot
        return drawn

    def _outcomes(self, done: Picture, bottom: float) -> float:
        """The right-hand bars, centred, and the ribbons to them; returns where they end."""
        sums = {name: _sums(self.sources)[name] for name in OUTCOMES}
        heights = {name: self._thick(amount) for name, amount in sums.items() if amount}
        slots = {name: max(float(50), height + 18) for name, height in heights.items()}
        y = max(self.at.top, (self.at.top + bottom - sum(slots.values())) / 2)
        leaving = {node.name: node.y for node in done.platforms}
        for name, height in heights.items():
            node = Node(
                x=self.at.outcome_x,
                y=round(y + (slots[name] - height) / 2, 1),
                width=self.at.node,
                height=round(height, 1),
                amount=self._money(sums[name]),
                name=name,
            )
            done.outcomes.append(node)
            done.ribbons += self._to_outcome(node, done.platforms, leaving)
            y += slots[name]
        return y

    def _to_outcome(
        self, node: Node, platforms: list[Node], leaving: dict[str, float]
    ) -> list[Ribbon]:
        parts = [p for p in platforms if p.amounts[node.name].amount]
        whole = sum(float(p.amounts[node.name].amount) for p in parts)
        landing = node.y
        ribbons = []
        for platform in parts:
            amount = platform.amounts[node.name]
            # Both bars are exactly filled, also where one of them was drawn thicker.
            start = platform.height * float(amount.amount) / float(platform.amount.amount)
            end = node.height * float(amount.amount) / whole
            y = leaving[platform.name]
            ribbons.append(
                Ribbon(
                    path=_band(platform.right, y, start, node.x, landing, end),
                    amount=amount,
                    name=platform.name,
                    hue=platform.hue,
                    outcome=node.name,
                )
            )
            leaving[platform.name] += start
            landing += end
        return ribbons


def _band(x0: float, y0: float, h0: float, x1: float, y1: float, h1: float) -> str:
    """A band of height h0 at (x0, y0) that flows into one of height h1 at (x1, y1)."""
    bend = (x0 + x1) / 2
    return (
        f"M{x0:.1f} {y0:.1f}C{bend:.1f} {y0:.1f} {bend:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"
        f"V{y1 + h1:.1f}C{bend:.1f} {y1 + h1:.1f} {bend:.1f} {y0 + h0:.1f} {x0:.1f} {y0 + h0:.1f}Z"
    )
