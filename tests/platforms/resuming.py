"""What tests of pulls share: a pull of a window, its documents read, its going on from anywhere."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from platforms import registry
from platforms.contract import Adapter, Document, Link, Record
from platforms.pulling import Pulls, Request, Response, Window
from tests.platforms.wire import Wire

Answer = Callable[[Request], Response]


def day(number: int, *, month: int = 3, days: int = 1) -> Window:
    """A window of whole days of 2026, in UTC."""
    begin = datetime(2026, month, number, tzinfo=UTC)
    return Window(begin=begin, end=begin.replace(day=number + days))


def says(answer: object, *, status: int = 200, link: str = "") -> Response:
    """An answer in JSON, with a Link header if one is given."""
    headers = {"content-type": "application/json", **({"link": link} if link else {})}
    return Response(status=status, headers=headers, body=json.dumps(answer).encode())


def pulled(code: str, secrets: Mapping[str, str], window: Window, wire: Wire) -> list[Document]:
    """All documents of a window."""
    adapter = registry.get(code)
    assert isinstance(adapter, Pulls)
    return list(adapter.pull(wire, Link(secrets=secrets), window))


def records(documents: Iterable[Document]) -> list[Record]:
    """What the documents say, each recognised by exactly one adapter and read to its end."""
    return [record for document in documents for record in _adapter(document).read(document)]


def goes_on_from_everywhere(
    code: str, secrets: Mapping[str, str], window: Window, answer: Answer
) -> list[Document]:
    """Check that each cursor gives exactly what comes after it; give the documents."""
    whole = pulled(code, secrets, window, Wire(answer=answer))
    assert whole
    for place, document in enumerate(whole, start=1):
        assert document.cursor
        rest = dataclasses.replace(window, cursor=document.cursor)
        again = pulled(code, secrets, rest, Wire(answer=answer))
        assert _said(again) == _said(whole[place:])
    return whole


def _adapter(document: Document) -> Adapter:
    return registry.recognise(document)


def _said(documents: Iterable[Document]) -> list[tuple[str, bytes, str]]:
    return [(each.name, each.open().read(), each.cursor) for each in documents]
