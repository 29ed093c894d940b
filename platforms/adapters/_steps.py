"""What pulls of several lists share: the pages still to be asked for, kept whole as the cursor.

A pull is a queue of pages. Asking for one may lead to others: the next page of the same list,
or a list for each of its rows. What is left is written into the cursor, so that a pull can go on
after any document.
"""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from platforms.contract import Document
from platforms.pulling import RefusedCallError, Window

HEAD: Final = 65_536
PRESENT: Final = timedelta(days=2)
"""A window that ended no longer ago than this reaches the present."""
LOOK_BACK: Final = timedelta(days=14)
"""How long a payout may take until nothing of it changes any more; no platform states it."""


@dataclass(frozen=True, slots=True)
class Step:
    """One page to ask for: of which list, about which thing, from which place of it on.

    `at` is the platform's own mark of the page, "" for the first one; `page` counts from 1.
    """

    what: str
    about: str = ""
    at: str = ""
    page: int = 1

    def following(self, at: str) -> Step:
        """The next page of the same list."""
        return dataclasses.replace(self, at=at, page=self.page + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What came: a document unless it has no rows, and the steps it leads to, which come next."""

    document: Document | None = None
    then: tuple[Step, ...] = ()


def walk(steps: Sequence[Step], cursor: str, ask: Callable[[Step], Page]) -> Iterator[Document]:
    """Yield the documents of all steps, or of those that the cursor says are left.

    Raises RefusedCallError for a cursor that `walk` did not write, and what `ask` raises.
    """
    left = _left(cursor) if cursor else tuple(steps)
    while left:
        page = ask(left[0])
        left = (*page.then, *left[1:])
        if page.document is not None:
            yield dataclasses.replace(page.document, cursor=_cursor(left))


def document(name: str, body: bytes) -> Document:
    """An answer as a document, byte for byte."""
    return Document(name=name, head=body[:HEAD], open=lambda: io.BytesIO(body), origin="pull")


def pieces(window: Window, *, longest: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """The window cut into spans that are no longer than the platform allows, in UTC."""
    begin, end = window.begin.astimezone(UTC), window.end.astimezone(UTC)
    while begin < end:
        cut = min(begin + longest, end)
        yield begin, cut
        begin = cut


def since(window: Window, now: datetime) -> datetime:
    """From when on payouts are asked for: a window that reaches the present looks back.

    A payout is announced on its day and arrives, fails or gets its trace number days later, when
    its own window is no longer asked for.
    """
    present = window.end > now - PRESENT
    return window.begin - LOOK_BACK if present else window.begin


def span(window: Window) -> str:
    """The window's days for a document's name: `2026-03-14`, or first and last."""
    first = window.begin.astimezone(UTC).date()
    last = (window.end.astimezone(UTC) - timedelta(microseconds=1)).date()
    return f"{first}" if first == last else f"{first}-to-{last}"


def _cursor(steps: Sequence[Step]) -> str:
    return json.dumps([dataclasses.astuple(step) for step in steps], separators=(",", ":"))


def _left(cursor: str) -> tuple[Step, ...]:
    try:
        found = json.loads(cursor)
    except ValueError as error:
        raise RefusedCallError("the cursor is none of this platform's") from error
    if not isinstance(found, list):
        raise RefusedCallError("the cursor is none of this platform's")
    return tuple(_step(each) for each in found)


def _step(found: object) -> Step:
    match found:
        case [str(what), str(about), str(at), int(page)]:
            return Step(what, about, at, page)
        case _:
            raise RefusedCallError("the cursor is none of this platform's")
