"""Posts hooks over real HTTP, rightly or with a mischief."""

from __future__ import annotations

import enum
import http.client
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlencode, urlsplit

from sandbox.marketplaces.wire import Message

_PATIENCE = 10


class Mischief(enum.StrEnum):
    """What goes wrong on the way; reordering is for `send_all`."""

    NONE = ""
    DUPLICATE = "duplicate"
    WRONG_SIGNATURE = "wrong_signature"
    FLIPPED_BYTE = "flipped_byte"
    LATE = "late"


class NotPlainHttpError(Exception):
    """Hooks are sent to http addresses only: the hub under test is on this machine."""


@dataclass(frozen=True, kw_only=True)
class Came:
    """What came back for one delivery."""

    status: int
    body: bytes


def send(
    message: Message, url: str, *, mischief: Mischief = Mischief.NONE, after: float = 0.2
) -> list[Came]:
    """Posts a message, twice for a duplicate, `after` seconds later if it is late."""
    if mischief is Mischief.LATE:
        time.sleep(after)
    changed = spoilt(message, mischief)
    return [_post(changed, url) for _ in range(2 if mischief is Mischief.DUPLICATE else 1)]


def send_all(messages: Sequence[Message], url: str, *, reordered: bool = False) -> list[Came]:
    """Posts several messages, the last one first if they are to come out of order."""
    ordered = reversed(messages) if reordered else messages
    return [came for message in ordered for came in send(message, url)]


def spoilt(message: Message, mischief: Mischief) -> Message:
    """The message as the mischief leaves it; a right one stays."""
    if mischief is Mischief.WRONG_SIGNATURE:
        return _resigned(message)
    if mischief is Mischief.FLIPPED_BYTE:
        middle = len(message.body) // 2
        body = bytearray(message.body)
        body[middle] ^= 1
        return replace(message, body=bytes(body))
    return message


def _resigned(message: Message) -> Message:
    """Another signature of the same form, wherever the platform puts it."""
    if message.signature:
        headers = dict(message.headers)
        headers[message.signature] = _other(headers[message.signature])
        return replace(message, headers=headers)
    pairs = parse_qsl(message.body.decode(), keep_blank_values=True)
    wrong = [(k, _other(v) if k == message.signed_field else v) for k, v in pairs]
    return replace(message, body=urlencode(wrong).encode())


def _other(signature: str) -> str:
    """A text of the same alphabet that differs well before its padding."""
    position = len(signature) - 6
    return (
        signature[:position]
        + ("0" if signature[position] != "0" else "1")
        + signature[position + 1 :]
    )


def _post(message: Message, url: str) -> Came:
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname:
        raise NotPlainHttpError(url)
    line = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=_PATIENCE)
    try:
        path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        line.request("POST", path, body=message.body, headers=dict(message.headers))
        came = line.getresponse()
        return Came(status=came.status, body=came.read())
    finally:
        line.close()
