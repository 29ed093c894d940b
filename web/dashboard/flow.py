"""The money-flow picture: stores → platforms → the account → out. Pure geometry.

Amounts become heights on one scale; only what would be too thin to see is
drawn thicker. The templates write the result as SVG, coloured by the
stylesheet through classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from djmoney.money import Money

from settlement.queries import StoreRow
from web.dashboard.flow_sources import Source, sources_of, sums_of

EXITS: Final = ("ready", "leaving", "gone", "fees")
THINNEST: Final = 2.0
HUES: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Where the columns stand and how tall the picture is, in the picture's own units."""

    width: int
    store_x: int | None
    platform_x: int
    outcome_x: int
    account_x: int
    """Where the outcomes stand when something follows them."""
    exit_x: int
    stacked: bool
    """Whether there is no room beside the bars: labels of two lines stand above them."""
    slot: int
    """Least height of a row: a label's line."""
    body: int
    """Height all the money together has."""
    top: int = 30
    node: int = 10


WIDE: Final = Measures(
    width=1000, store_x=222, platform_x=440, outcome_x=790, account_x=648, exit_x=856,
    stacked=False, slot=30, body=250, top=34,
)  # fmt: skip
NARROW: Final = Measures(
    width=360, store_x=None, platform_x=2, outcome_x=218, account_x=146, exit_x=346,
    stacked=True, slot=54, body=190, top=42,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Out:
    """What became of the money that arrived, in one currency."""

    ready: Money
    leaving: Money
    gone: Money
    fees: Money
    returned: Money
    """Went out and came back: it is among `ready` again."""

    def amounts(self) -> dict[str, Decimal]:
        """By the names of EXITS; what the platforms collected back is no amount."""
        given = {"ready": self.ready, "leaving": self.leaving, "gone": self.gone,
                 "fees": self.fees}  # fmt: skip
        return {name: max(money.amount, Decimal(0)) for name, money in given.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """An upright bar with a label."""

    x: float
    y: float
    width: float
    height: float
    amount: Money
    name: str
    """A platform's code, or a name of OUTCOMES or EXITS."""
    amounts: dict[str, Money] = field(default_factory=dict)
    source: Source | None = None
    hue: int = 0
    label: str = "beside"
    """Where its words stand: beside, above in one line, or stacked from its left or right edge."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """The line of what came back; its words end at (x, y)."""

    path: str
    amount: Money
    x: float
    y: float
    name: str = "returned"


@dataclass(slots=True, kw_only=True)
class Picture:
    """Everything to draw, and the same as numbers."""

    width: int
    height: float
    stores: list[tuple[Node, Ribbon]] = field(default_factory=list)
    platforms: list[Node] = field(default_factory=list)
    ribbons: list[Ribbon] = field(default_factory=list)
    outcomes: list[Node] = field(default_factory=list)
    exits: list[Node] = field(default_factory=list)
    back: Back | None = None


def picture(
    rows: Iterable[StoreRow], *, currency: str, measures: Measures, out: Out | None = None
) -> Picture | None:
    """Draw one currency's flow; None when no money is known in it."""
    sources = sources_of(rows, currency)
    if not sources:
        return None
    return _Drawing(sources, currency, measures, out).draw()


class _Drawing:
    def __init__(
        self, sources: list[Source], currency: str, measures: Measures, out: Out | None
    ) -> None:
        self.sources = sources
        self.out = out if out and (any(out.amounts().values()) or out.returned.amount) else None
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
        ends = [bottom, self._outcomes(done, bottom)]
        if self.out is not None:
            ends.append(self._exits(done, self.out, max(ends)))
        done.height = round(max(ends) + 14, 1)
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
        sums = sums_of(sources)
        return Node(
            x=self.at.platform_x,
            y=round(y, 1),
            width=self.at.node,
            height=round(height, 1),
            amount=self._money(sum(sums.values(), Decimal(0))),
            amounts={name: self._money(amount) for name, amount in sums.items()},
            name=platform,
            hue=hue,
            label="left" if self.out is not None and self.at.stacked else "above",
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
        """The bars of what became of it, centred, and ribbons to them; returns where they end."""
        sums = {name: amount for name, amount in sums_of(self.sources).items() if amount}
        x = self.at.outcome_x if self.out is None else self.at.account_x
        done.outcomes, end = self._column(sums, x, bottom, self._label_of)
        leaving = {node.name: node.y for node in done.platforms}
        for node in done.outcomes:
            done.ribbons += self._to_outcome(node, done.platforms, leaving)
        return end

    def _label_of(self, name: str) -> str:
        if self.out is None:
            return "beside"
        if self.at.stacked:
            return "left"
        return "above" if name == "arrived" else "beside"

    def _exits(self, done: Picture, out: Out, bottom: float) -> float:
        """What became of what arrived; returns where it ends."""
        returned = out.returned.amount
        sums = {
            name: amount
            for name, amount in out.amounts().items()
            if amount or (returned and name == "gone")
        }
        label = "right" if self.at.stacked else "beside"
        arrived = next((node for node in done.outcomes if node.name == "arrived"), None)
        # Beside the bar they come from.
        bottom = bottom if arrived is None else 2 * arrived.middle - self.at.top
        done.exits, end = self._column(sums, self.at.exit_x, bottom, lambda name: label)
        if arrived is not None and any(sums.values()):
            whole = float(max(sum(sums.values()), arrived.amount.amount))
            y = arrived.y
            for node in done.exits:
                start = arrived.height * float(node.amount.amount) / whole
                path = _band(arrived.right, y, start, node.x, node.y, node.height)
                done.ribbons.append(
                    Ribbon(path=path, amount=node.amount, name="", outcome=node.name)
                )
                y += start
        if returned:
            done.back = self._back(done.exits, out.returned)
        return end

    def _back(self, exits: list[Node], amount: Money) -> Back | None:
        """The way of what came back, from what went out to what is ready."""
        ends = {node.name: node for node in exits}
        if not {"gone", "ready"} <= set(ends):
            return None
        start, end = ends["gone"], ends["ready"]
        bend = start.x - 56
        path = (
            f"M{start.x:.1f} {start.middle:.1f}C{bend:.1f} {start.middle:.1f} "
            f"{bend:.1f} {end.middle:.1f} {end.x - 3:.1f} {end.middle:.1f}"
        )
        middle = (start.middle + end.middle) / 2
        return Back(path=path, amount=amount, x=start.x - 48, y=middle + 4)

    def _column(
        self, sums: dict[str, Decimal], x: int, bottom: float, label: Callable[[str], str]
    ) -> tuple[list[Node], float]:
        """Bars above one another, centred between the top and `bottom`; and where they end."""
        stacked = self.out is not None and self.at.stacked
        heights = {name: self._thick(amount) for name, amount in sums.items()}
        slots = {n: h + 48 if stacked else max(50.0, h + 18) for n, h in heights.items()}
        y = max(float(self.at.top), (self.at.top + bottom - sum(slots.values())) / 2)
        nodes = []
        for name, height in heights.items():
            # A label that stands above its bar has its room there.
            down = 0.0 if stacked else (slots[name] - height) / 2
            nodes.append(
                Node(
                    x=x,
                    y=round(y + down, 1),
                    width=self.at.node,
                    height=round(height, 1),
                    amount=self._money(sums[name]),
                    name=name,
                    label=label(name),
                )
            )
            y += slots[name]
        return nodes, y - 30 if stacked else y

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
