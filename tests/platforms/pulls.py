"""What the tests of pulls share: windows, the remaining documents after each cursor, records."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from platforms import registry
from platforms.contract import Adapter, Document, Line, Link, Record
from platforms.pulling import Pulls, Request, Response, Window
from tests.platforms.wire import Wire

# 14 and 15 March 2026 begin in China.
DAY = datetime(2026, 3, 13, 16, tzinfo=UTC)
NEXT_DAY = DAY + timedelta(days=1)

Answer = Callable[[Request], Response]


def window(cursor: str = "", *, days: int = 1) -> Window:
    """14 March in China, or so many days from it on."""
    return Window(begin=DAY, end=DAY + timedelta(days=days), cursor=cursor)


def answered(body: object, *, status: int = 200) -> Response:
    """An answer; bytes stay as they are, anything else is written as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return Response(status=status, headers={}, body=data)


def content(document: Document) -> bytes:
    """A document's bytes, whole."""
    with document.open() as stream:
        return stream.read()


def pulled(
    adapter: Pulls, answer: Answer, link: Link, asked: Window | None = None
) -> list[tuple[str, bytes, str]]:
    """Name, bytes and cursor of each document of a window."""
    found = adapter.pull(Wire(answer=answer), link, asked or window())
    return [(document.name, content(document), document.cursor) for document in found]


def resumes_everywhere(adapter: Pulls, answer: Answer, link: Link, asked: Window) -> None:
    """From every cursor exactly the remaining documents come, with their names and cursors.

    Neither tells a secret.
    """
    whole = pulled(adapter, answer, link, asked)
    told = " ".join(f"{name} {cursor}" for name, _, cursor in whole)
    assert not [value for value in link.secrets.values() if value in told]
    for kept in range(len(whole)):
        rest = Window(begin=asked.begin, end=asked.end, cursor=whole[kept][2])
        assert pulled(adapter, answer, link, rest) == whole[kept + 1 :]


def records(adapter: Adapter, documents: Iterable[Document]) -> list[Record]:
    """Everything in the documents, each recognised by this adapter alone."""
    found: list[Record] = []
    for document in documents:
        assert registry.recognise(document) is adapter
        found += adapter.read(document)
    return found


def total(found: Iterable[Record]) -> Decimal:
    """The sum of all lines."""
    return sum((record.amount for record in found if isinstance(record, Line)), Decimal(0))
