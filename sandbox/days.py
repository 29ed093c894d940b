"""Days of the simulated world: the period it covers, its weeks, its business days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

_DAY = timedelta(days=1)
_SATURDAY = 5


@dataclass(frozen=True, kw_only=True)
class Period:
    """Calendar days from `first` to `last`, both included."""

    first: date
    last: date

    def days(self) -> Iterator[date]:
        """Every day in order."""
        day = self.first
        while day <= self.last:
            yield day
            day += _DAY

    def weeks(self) -> Iterator[Period]:
        """Runs of seven days from the first day on; the last run may be shorter."""
        first = self.first
        while first <= self.last:
            yield Period(first=first, last=min(first + 6 * _DAY, self.last))
            first += 7 * _DAY

    def months(self) -> Iterator[Period]:
        """The calendar months, the first and the last cut to the period."""
        first = self.first
        while first <= self.last:
            following = (first.replace(day=1) + 32 * _DAY).replace(day=1)
            yield Period(first=first, last=min(following - _DAY, self.last))
            first = following

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


def is_business_day(day: date) -> bool:
    """Monday to Friday; public holidays are not simulated."""
    return day.weekday() < _SATURDAY


def on_or_after(day: date) -> date:
    """The day itself if banks work, else the next day they do."""
    while not is_business_day(day):
        day += _DAY
    return day


def business_days_later(day: date, count: int) -> date:
    """The `count`-th business day after `day` (0: the day itself or the next one)."""
    if count == 0:
        return on_or_after(day)
    for _ in range(count):
        day = on_or_after(day + _DAY)
    return day


def next_weekday(day: date, weekday: int) -> date:
    """The first day on or after `day` with that weekday (Monday is 0)."""
    return day + timedelta(days=(weekday - day.weekday()) % 7)
