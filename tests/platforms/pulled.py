"""What the tests of fetching share: documents read as the hub reads them, and every cut point."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from platforms import registry
from platforms.contract import Document, Line, Link, Payout, Record, Statement
from platforms.pulling import Http, Pulls, Response, Window

Pulling = Callable[[Http, Link, Window], Iterable[Document]]


def answer(value: object, status: int = 200, **headers: str) -> Response:
    """A JSON answer."""
    return Response(status=status, headers=headers, body=json.dumps(value).encode())


def adapter_of(code: str) -> Any:
    """The adapter, known to fetch."""
    found = registry.get(code)
    assert isinstance(found, Pulls)
    return found


def bytes_of(document: Document) -> bytes:
    """All of a document; its head is how they begin."""
    with document.open() as stream:
        data = stream.read()
    assert data[: 64 * 1024] == document.head
    return data


def records_of(documents: Iterable[Document], code: str) -> list[Record]:
    """What exactly this adapter reads from what was pulled, to the end."""
    found: list[Record] = []
    for document in documents:
        assert registry.recognise(document).code == code
        assert document.origin == "pull"
        found += registry.get(code).read(document)
    return found


def booked(records: Iterable[Record]) -> dict[str, Decimal]:
    """The booked lines by their external ids: the same line counts once."""
    found: dict[str, Decimal] = {}
    books = True
    for record in records:
        if isinstance(record, Statement):
            books = record.books
        elif isinstance(record, Line) and books:
            assert found.setdefault(record.external_id, record.amount) == record.amount
    return found


def payouts_of(records: Iterable[Record]) -> dict[str, Decimal]:
    """The payouts by their external ids."""
    return {found.external_id: found.amount for found in records if isinstance(found, Payout)}


def told(documents: Iterable[Document]) -> list[tuple[str, bytes, str]]:
    """Name, bytes and cursor of each: what must be the same when asked again."""
    return [(document.name, bytes_of(document), document.cursor) for document in documents]


def require_resumable(pull: Callable[[Window], Iterable[Document]], window: Window) -> None:
    """From every cursor exactly the documents that follow it are given, with the same cursors."""
    whole = told(pull(window))
    assert whole
    assert told(pull(window)) == whole
    for place, (_, _, cursor) in enumerate(whole, start=1):
        assert told(pull(replace(window, cursor=cursor))) == whole[place:]
