"""What the tests of Chinese platforms' pulls share: a key of their own, windows, answers."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from platforms import registry
from platforms.contract import AdapterError, Document, Line, Link
from platforms.pulling import NotYetError, Pulls, Request, Response, Window
from tests.platforms.wire import Wire

SHANGHAI = ZoneInfo("Asia/Shanghai")


LATER = datetime(2026, 3, 20, 4, 0, tzinfo=UTC)
"""When the days below are long over."""


@functools.cache
def key() -> rsa.RSAPrivateKey:
    """A private key, made once a run."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem() -> str:
    """The same as PEM."""
    return (
        key()
        .private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        .decode()
    )


def public_pem() -> str:
    """Its public half."""
    return (
        key()
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def days(count: int = 1, *, cursor: str = "") -> Window:
    """So many days from 2026-03-13 on, in Shanghai."""
    begin = datetime(2026, 3, 13, tzinfo=SHANGHAI).astimezone(UTC)
    return Window(begin=begin, end=begin + timedelta(days=count), cursor=cursor)


def said(value: object, *, status: int = 200) -> Response:
    """An answer in JSON."""
    return Response(status=status, headers={}, body=json.dumps(value, ensure_ascii=False).encode())


def query(request: Request) -> Mapping[str, str]:
    """The values in the address."""
    return dict(parse_qsl(urlsplit(request.url).query, keep_blank_values=True))


def form(request: Request) -> Mapping[str, str]:
    """The values in the body."""
    return dict(parse_qsl(request.body.decode(), keep_blank_values=True))


def content(document: Document) -> bytes:
    with document.open() as stream:
        return stream.read()


def lines(document: Document) -> list[Line]:
    """What the one adapter that recognises it reads in it."""
    return [r for r in registry.recognise(document).read(document) if isinstance(r, Line)]


def total(document: Document) -> Decimal:
    return sum((line.amount for line in lines(document)), Decimal(0))


def fails(
    adapter: Pulls,
    answer: Callable[[Request], Response],
    link: Link,
    kind: type[AdapterError],
    window: Window | None = None,
) -> AdapterError:
    """The error of a pull that is answered so; no secret of the link stands in it."""
    with pytest.raises(kind) as caught:
        list(adapter.pull(Wire(answer=answer), link, window or days()))
    hidden = [link.secrets[name] for name in link.secrets if name in {"access_token", "secret"}]
    hidden += [link.secrets[name][40:80] for name in link.secrets if name == "private_key"]
    assert not [secret for secret in hidden if secret in str(caught.value)]
    return caught.value


def resumes_anywhere(
    adapter: Pulls, answer: Callable[[Request], Response], link: Link, count: int
) -> None:
    """From the cursor of every document on, exactly the documents after it come."""
    whole = list(adapter.pull(Wire(answer=answer, at=LATER), link, days(count)))
    told = [(document.name, content(document), document.cursor) for document in whole]
    assert len({document.cursor for document in whole}) == len(whole) > 1
    for place, document in enumerate(whole, start=1):
        window = days(count, cursor=document.cursor)
        rest = adapter.pull(Wire(answer=answer, at=LATER), link, window)
        assert [(d.name, content(d), d.cursor) for d in rest] == told[place:]


def waits_a_day_for_a_bill(
    adapter: Pulls, answer: Callable[[Request], Response], link: Link, none: Response
) -> None:
    """A day of which the platform says `none` has none once it has been over for a day."""
    began = Wire(answer=answer, at=datetime(2026, 3, 14, 16, 0, tzinfo=UTC))
    assert len(list(adapter.pull(began, link, days(1)))) == 1
    late = Wire(answer=lambda request: none, at=datetime(2026, 3, 14, 15, 59, 59, tzinfo=UTC))
    with pytest.raises(NotYetError) as caught:
        list(adapter.pull(late, link, days(1)))
    assert (caught.value.retry_after, caught.value.cursor) == (3600, "")
    late.at = datetime(2026, 3, 14, 16, 0, tzinfo=UTC)
    assert list(adapter.pull(late, link, days(1))) == []
