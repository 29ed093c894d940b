"""What pulls share: windows cut into spans, pages with a cursor after each, answers and refusals.

A pull is a list of feeds, asked one after another; a feed is asked span by span, and a span
holds pieces (a page, or one movement) in the platform's own order. A cursor names the step, the
ordinal of the next document in it, and the place from which the platform goes on: with it the
same window is resumed after any document.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from platforms.contract import (
    AdapterError,
    Document,
    Link,
    RateLimitedError,
    ReadError,
    UnauthorisedError,
    UnavailableError,
)
from platforms.pulling import RefusedCallError, Response, Window
from platforms.reading import json_value

HEAD: Final = 64 * 1024

_LONGEST_WORDS: Final = 200
_SHORTEST_SECRET: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A part of a window that the platform answers at once: `begin` included, `end` not."""

    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One document's bytes, and the place after it; None where nothing follows in the span."""

    body: bytes
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer: how many rows it holds, and the place of the next one (None for the last)."""

    body: bytes
    rows: int
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One kind of documents; `pieces` yields those of a span from a place on ("" : the first)."""

    name: str
    longest: timedelta
    pieces: Callable[[Span, str], Iterator[Piece]]


def walk(
    feeds: Sequence[Feed], window: Window, *, prefix: str, zone: ZoneInfo
) -> Iterator[Document]:
    """Yield the window's documents, each with the cursor that follows it.

    `prefix` begins their names, in which days are those of `zone`. Raises RefusedCallError for a
    cursor that is none of ours.
    """
    steps = [(feed, span) for feed in feeds for span in spans(window, feed.longest)]
    start, number, place = _position(window.cursor)
    require_own_cursor(start <= len(steps))
    for step in range(start, len(steps)):
        feed, span = steps[step]
        for piece in feed.pieces(span, place):
            name = f"{prefix}-{feed.name}-{span.begin.astimezone(zone):%Y-%m-%d}-{number}.json"
            number += 1
            after = f"{step + 1}:1:" if piece.after is None else f"{step}:{number}:{piece.after}"
            yield document(name, piece.body, cursor=after)
        number, place = 1, ""


def spans(window: Window, longest: timedelta) -> list[Span]:
    """The window in parts that are not longer than `longest`, in order of time."""
    found, begin = [], window.begin
    while begin < window.end:
        end = min(begin + longest, window.end)
        found.append(Span(begin=begin, end=end))
        begin = end
    return found


def paged(ask: Callable[[Span, str], Page]) -> Callable[[Span, str], Iterator[Piece]]:
    """The pieces of a feed that is asked page by page; one without rows is no piece."""

    def pieces(span: Span, place: str) -> Iterator[Piece]:
        while True:
            page = ask(span, place)
            if page.next == place:
                # Asking on would never end.
                raise RefusedCallError("the platform answers with the same page again")
            if page.rows:
                yield Piece(body=page.body, after=page.next)
            if page.next is None:
                return
            place = page.next

    return pieces


def document(name: str, body: bytes, *, cursor: str) -> Document:
    """Bytes exactly as they were answered."""
    return Document(
        name=name,
        head=body[:HEAD],
        open=lambda: io.BytesIO(body),
        origin="pull",
        cursor=cursor,
    )


def _position(cursor: str) -> tuple[int, int, str]:
    if not cursor:
        return 0, 1, ""
    step, _, rest = cursor.partition(":")
    number, colon, place = rest.partition(":")
    require_own_cursor(bool(colon) and is_count(step) and is_count(number))
    return int(step), int(number), place


def require_own_cursor(is_own: bool) -> None:
    """Refuse a cursor that is no longer understood: beginning anew would hide it."""
    if not is_own:
        raise RefusedCallError("the cursor is none of this adapter's")


def is_count(text: str) -> bool:
    """Whether it is a number of up to nine digits."""
    return text.isascii() and text.isdigit() and len(text) < 10


# --- answers -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """A platform's error codes, in one table; a code that stands in none refuses the call."""

    platform: str
    unauthorised: frozenset[str] = frozenset()
    unavailable: frozenset[str] = frozenset()
    slower: Mapping[str, int] = field(default_factory=dict)
    """Codes that ask to slow down, and for how many seconds."""

    def error(self, link: Link, words: str, *codes: str) -> AdapterError:
        """The error for an answer with these codes, the most exact first, and these words."""
        said = f"{self.platform}: {' '.join(code for code in codes if code)} {words}".strip()
        reason = without_secrets(said, link)
        for code in codes:
            if code in self.unauthorised:
                return UnauthorisedError(reason)
            if code in self.unavailable:
                return UnavailableError(reason)
            if code in self.slower:
                return RateLimitedError(reason, retry_after=self.slower[code])
        return RefusedCallError(reason)

    def answer(self, response: Response) -> Mapping[str, object]:
        """The JSON object that was answered, whatever its codes say.

        Raises UnauthorisedError for the statuses 401 and 403, UnavailableError for an answer
        that is none (a page of something between), RefusedCallError for any other status.
        """
        if response.status in (401, 403):
            raise UnauthorisedError(f"{self.platform}: status {response.status}")
        if response.status != 200:
            raise RefusedCallError(f"{self.platform}: status {response.status}")
        try:
            value = json_value(response.body)
        except ReadError as error:
            raise UnavailableError(f"{self.platform}: the answer is not JSON") from error
        if not isinstance(value, dict):
            raise UnavailableError(f"{self.platform}: the answer is no JSON object")
        return value


def without_secrets(text: str, link: Link) -> str:
    """The text without any secret of the link, cut: platforms repeat tokens in their words."""
    values = [value for secret in link.secrets.values() for value in (secret, *secret.splitlines())]
    for value in sorted(values, key=len, reverse=True):
        if len(value) >= _SHORTEST_SECRET:
            text = text.replace(value, "…")
    return text[:_LONGEST_WORDS]


def secret(link: Link, name: str) -> str:
    """The first value of a secret (while it is changed there are several).

    Raises UnauthorisedError if the link has none.
    """
    for line in link.secrets.get(name, "").splitlines():
        if line.strip():
            return line.strip()
    raise UnauthorisedError(f"the link has no {name}")


def text(source: Mapping[str, object], name: str) -> str:
    """A field as text, "" where it is null or left out."""
    value = source.get(name)
    return "" if value is None or isinstance(value, bool) else str(value)


def listed(source: Mapping[str, object], name: str) -> list[object]:
    """A list, empty where it is null or left out. Raises UnavailableError for anything else."""
    value = source.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise UnavailableError(f"{name} is no list")
    return value


def inside(source: Mapping[str, object], name: str) -> Mapping[str, object]:
    """An object, empty where it is null or left out. Raises UnavailableError for anything else."""
    value = source.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UnavailableError(f"{name} is no object")
    return value
