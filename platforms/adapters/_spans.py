"""Walks a window in spans of time, page by page, and goes on from any cursor.

APIs limit the time one question may span, and some how many rows it may find: a span that finds
too many is asked again in halves. A cursor holds the span and the page to ask next, so that a
pull that is resumed makes the very requests that the one before it would have made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from platforms.adapters._rest import document
from platforms.contract import Document
from platforms.pulling import RefusedCallError, Window

FIRST: Final = 1
_SECOND: Final = timedelta(seconds=1)


class TooManyError(Exception):
    """The span finds more rows than the platform gives out; raised by `ask`, never beyond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A page of a span: everything from `begin` (included) to `end` (not); pages count from 1."""

    begin: datetime
    end: datetime
    page: int

    @property
    def cursor(self) -> str:
        """The place as opaque text."""
        return f"{stamp(self.begin)}/{stamp(self.end)}/{self.page}"

    @property
    def last(self) -> datetime:
        """The last second of the span, for platforms that count the end in."""
        return self.end - _SECOND

    @property
    def title(self) -> str:
        """The day (and time, where it is none) that the span begins with, and the page."""
        begin = f"{self.begin:%Y-%m-%d}" + (
            "" if self.begin.time().isoformat() == "00:00:00" else f"T{self.begin:%H%M%S}"
        )
        return f"{begin}-{self.page}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer: its bytes (empty where it has no rows) and whether more pages follow it."""

    name: str
    body: bytes
    more: bool
    context: Mapping[str, str] | None = None


def walk(window: Window, *, longest: timedelta, ask: Callable[[Place], Page]) -> Iterator[Document]:
    """The documents of a window, in spans of at most `longest`.

    `ask` makes one request and may raise TooManyError. Raises RefusedCallError for a cursor that
    is none, and where even one second finds too many.
    """
    end = window.end.astimezone(UTC)
    place = _place(window.cursor) or _span(window.begin.astimezone(UTC), end, longest)
    while place.begin < end:
        try:
            page = ask(place)
        except TooManyError:
            place = _half(place)
            continue
        place = replace(place, page=place.page + 1) if page.more else _span(place.end, end, longest)
        if page.body:
            yield document(page.name, page.body, cursor=place.cursor, context=page.context)


def stamp(at: datetime) -> str:
    """`2026-03-14T00:00:00Z`."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _span(begin: datetime, end: datetime, longest: timedelta) -> Place:
    return Place(begin=begin, end=max(begin, min(begin + longest, end)), page=FIRST)


def _half(place: Place) -> Place:
    half = (place.end - place.begin) // 2 // _SECOND * _SECOND
    if half < _SECOND or place.page != FIRST:
        raise RefusedCallError(f"more rows at {stamp(place.begin)} than the platform gives out")
    return replace(place, end=place.begin + half)


def _place(cursor: str) -> Place | None:
    if not cursor:
        return None
    try:
        begin, end, page = cursor.split("/")
        return Place(
            begin=datetime.fromisoformat(begin), end=datetime.fromisoformat(end), page=int(page)
        )
    except ValueError as error:
        raise RefusedCallError("the cursor is not one of this platform") from error
