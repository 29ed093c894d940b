"""The bank's clock: instants at its own place, as text that sorts by time."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

PLACE = timezone(timedelta(hours=8))


def now() -> datetime:
    """This instant, in the bank's zone (UTC+8): its date is the booking day."""
    return datetime.now(tz=PLACE)


def written(instant: datetime) -> str:
    """An instant as text; the order of such texts is the order of time."""
    return instant.astimezone(PLACE).isoformat(timespec="microseconds")


def start_of(day: date) -> datetime:
    """Midnight at the beginning of a day at the bank."""
    return datetime(day.year, day.month, day.day, tzinfo=PLACE)
