"""What a shop's day looks like on any Chinese platform: when it sells, for how much.

Amounts are fen, instants the shop's wall clock: the files carry no zone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from random import Random
from typing import Protocol, TypeVar

from sandbox.model import Store

LEAST_WITHDRAWAL = 100
_OPENS = 7 * 3600
_TRADING_SECONDS = 16 * 3600
_PAYDAY_CLOCK = timedelta(hours=20, minutes=30)
_WEEKEND = 5


class Event(Protocol):
    """Anything that happens to a shop at an instant."""

    @property
    def at(self) -> datetime:
        """When it happens."""


E = TypeVar("E", bound=Event)


def clock(day: date) -> datetime:
    """Midnight of a day by the shop's wall clock."""
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001


def payout_at(day: date) -> datetime:
    """When a shop withdraws: before its last sales of the day."""
    return clock(day) + _PAYDAY_CLOCK


def is_payday(store: Store, day: date) -> bool:
    """Whether a shop withdraws on a day."""
    return store.payday in (None, day.weekday())


def moments(store: Store, rng: Random, day: date) -> list[datetime]:
    """The instants of a day's sales; weekends are busier."""
    busy = 1.3 if day.weekday() >= _WEEKEND else 1.0
    count = max(1, round(store.orders_a_day * busy * rng.uniform(0.7, 1.3)))
    return [
        clock(day) + timedelta(seconds=_OPENS + rng.randrange(_TRADING_SECONDS))
        for _ in range(count)
    ]


def price(store: Store, rng: Random) -> int:
    """What one order costs, around the shop's median."""
    return max(100, round(store.median * rng.lognormvariate(0, 0.6)))


def refund_at(rng: Random, sold_at: datetime) -> datetime:
    """When the buyer of an order gets money back: one to five days later."""
    day = sold_at.date() + timedelta(days=rng.randint(1, 5))
    return clock(day) + timedelta(hours=15, seconds=rng.randrange(7 * 3600))


def live_through(
    events: Iterable[E], day: date, *, happen: Callable[[E], None], withdraw: Callable[[], None]
) -> None:
    """A day's events in order, the withdrawal between them: the evening's sales stay."""
    ordered = sorted(events, key=lambda event: event.at)
    until = payout_at(day)
    for event in ordered:
        if event.at < until:
            happen(event)
    withdraw()
    for event in ordered:
        if event.at >= until:
            happen(event)
