"""What tests of paged pulls share: answers, what was asked, and resuming after every document."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from platforms import registry
from platforms.contract import AdapterError, Document, Line, Link, Payout, Record, Statement
from platforms.pulling import Pulls, Request, Response, Window
from tests.platforms.wire import Wire

Answers = Callable[[Request], Response]


def said(value: object, *, status: int = 200) -> Response:
    """An answer in JSON."""
    return Response(status=status, headers={}, body=json.dumps(value, ensure_ascii=False).encode())


def path(request: Request) -> str:
    return urlsplit(request.url).path


def host(request: Request) -> str:
    return urlsplit(request.url).netloc


def query(request: Request) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(request.url).query, keep_blank_values=True))


def content(document: Document) -> bytes:
    with document.open() as stream:
        return stream.read()


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def fetched(adapter: Pulls, answers: Answers, link: Link, window: Window) -> list[Document]:
    return list(adapter.pull(Wire(answer=answers), link, window))


def asked(adapter: Pulls, answers: Answers, link: Link, window: Window) -> list[Request]:
    wire = Wire(answer=answers)
    list(adapter.pull(wire, link, window))
    return wire.sent


def records(document: Document) -> list[Record]:
    """Read by the only adapter that recognises it."""
    return list(registry.recognise(document).read(document))


def books(documents: list[Document]) -> list[Record]:
    """The records that move money: those of statements that are books."""
    found: list[Record] = []
    for document in documents:
        booked = False
        for record in records(document):
            if isinstance(record, Statement):
                booked = record.books
            elif booked:
                found.append(record)
    return found


def booked_lines(documents: list[Document]) -> list[Line]:
    return [record for record in books(documents) if isinstance(record, Line)]


def booked_payouts(documents: list[Document]) -> list[Payout]:
    return [record for record in books(documents) if isinstance(record, Payout)]


def total(lines: list[Line]) -> Decimal:
    """Each line once, whichever documents it stands in."""
    return sum({line.external_id: line.amount for line in lines}.values(), Decimal(0))


def check_every_cut(adapter: Pulls, answers: Answers, link: Link, window: Window) -> None:
    """From the cursor of each document exactly the documents after it are fetched."""
    whole = fetched(adapter, answers, link, window)
    assert len({document.cursor for document in whole}) == len(whole)
    for number, document in enumerate(whole, start=1):
        rest = fetched(adapter, answers, link, replace(window, cursor=document.cursor))
        assert [_shown(found) for found in rest] == [_shown(found) for found in whole[number:]]


def _shown(document: Document) -> tuple[str, bytes, Mapping[str, str], str]:
    return document.name, content(document), document.context, document.cursor


def check_refusal(
    adapter: Pulls,
    answer: Response,
    link: Link,
    window: Window,
    kind: type[AdapterError],
) -> AdapterError:
    """The error an answer is, and that it repeats no secret."""
    with pytest.raises(AdapterError) as caught:
        fetched(adapter, lambda _: answer, link, window)
    assert type(caught.value) is kind, caught.value
    for name in ("secret", "access_token", "refresh_token"):
        assert link.secrets[name] not in str(caught.value)
    return caught.value


def errors_of(value: dict[str, Any], link: Link) -> dict[str, Any]:
    """The same answer with a secret in its words, as some platforms repeat what they were sent."""
    return {**value, "message": f"{value.get('message', '')} [{link.secrets['access_token']}]"}
