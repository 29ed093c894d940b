"""What adapters share that fetch a bill a day: the days of a window, the file as a document.

A cursor is `2026-03-14/PART`: that part of that day and everything before it is here. A day's
parts come in a fixed order, days from the oldest on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from platforms.contract import Document
from platforms.pulling import Download, Http, NotYetError, RefusedCallError, Window
from platforms.reading import shown

HEAD: Final = 64 * 1024
LATEST: Final = timedelta(days=1)
AGAIN: Final = 60 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One bill to ask for; `before` is the cursor until it is here, `cursor` from then on."""

    day: date
    part: str
    before: str
    cursor: str


def steps(window: Window, *, zone: ZoneInfo, parts: Sequence[str]) -> Iterator[Step]:
    """The bills of the window that come after its cursor. Raises RefusedCallError for a wrong one.

    A day that the window holds only a part of is asked for whole: bills come by the day.
    """
    here = _place(window.cursor, parts) if window.cursor else None
    before = window.cursor
    for day in _days(window, zone):
        for place, part in enumerate(parts):
            if here is None or (day, place) > here:
                cursor = f"{day}/{part}"
                yield Step(day=day, part=part, before=before, cursor=cursor)
                before = cursor


def require_settled(http: Http, step: Step, *, zone: ZoneInfo, whose: str) -> None:
    """Raise NotYetError for a day without a bill that ended less than a day ago.

    For platforms that say "there is none" both of a day without movements and of a bill that is
    late: believed at once, a late bill would be a day that is never asked for again.
    """
    if http.now() - _end(step.day, zone) < LATEST:
        raise NotYetError(
            f"{whose} has no bill of {step.day} yet", retry_after=AGAIN, cursor=step.before
        )


def earlier(now: datetime, *, zone: ZoneInfo, days: int) -> date:
    """The day `days` before today."""
    return now.astimezone(zone).date() - timedelta(days=days)


def document(download: Download, *, name: str, cursor: str, context: Mapping[str, str]) -> Document:
    """A file that was fetched, as a document."""
    with download.open() as stream:
        head = stream.read(HEAD)
    return Document(
        name=name, head=head, open=download.open, origin="pull", context=context, cursor=cursor
    )


def _end(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), zone)


def _days(window: Window, zone: ZoneInfo) -> Iterator[date]:
    day = window.begin.astimezone(zone).date()
    last = (window.end - timedelta(microseconds=1)).astimezone(zone).date()
    while day <= last:
        yield day
        day += timedelta(days=1)


def _place(cursor: str, parts: Sequence[str]) -> tuple[date, int]:
    day, _, part = cursor.partition("/")
    try:
        return date.fromisoformat(day), parts.index(part)
    except ValueError as error:
        raise RefusedCallError(f"no cursor of this platform: {shown(cursor)}") from error
