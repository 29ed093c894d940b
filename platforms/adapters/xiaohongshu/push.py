"""Xiaohongshu's messages: an MD5 over the path, the query and two headers.

Unverified: the form of the body from two libraries, the signature from one program
(platforms-cn.md §8.3). The signature does not cover the body, so a message is a reason
to ask the API and never a fact; the window of time is ours, so that a signature that
was seen once is of no use for long.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from platforms import signing
from platforms.adapters import _hooks
from platforms.contract import BadSignatureError, Document, Link, RawHook, ReadError, Reply
from platforms.reading import json_value, shown

WINDOW: Final = 300
PROFILE: Final = "hook"

_FIELDS: Final = ("msgTag", "sellerId", "data")
_SECONDS, _MILLIS = 10, 13

_ACCEPTED: Final = Reply(
    status=200,
    body=b'{"success":true,"error_code":0,"error_msg":""}',
    content_type="application/json",
)
_REFUSED: Final = Reply(
    status=401,
    body=b'{"success":false,"error_code":401,"error_msg":"signature refused"}',
    content_type="application/json",
)


def verify(hook: RawHook, link: Link, now: datetime) -> None:
    """Raise BadSignatureError unless a secret of the link signed this path, and lately."""
    stamp, given = _hooks.header(hook, "timestamp"), _hooks.header(hook, "sign")
    app_key = _hooks.header(hook, "app-key")
    secrets = _hooks.secrets(link, "secret")
    signed = {"app-key": app_key, "timestamp": stamp}
    _hooks.require_fit(
        (signature(hook.url, signed, secret=secret) for secret in secrets), given=given, to="path"
    )
    _check_clock(stamp, now)
    _messages(hook.body)


def signature(url: str, headers: Mapping[str, str], *, secret: str) -> str:
    """MD5 of `path?name=value&…` and the secret; query and headers sorted by name.

    Raises BadSignatureError for a URL that cannot be read.
    """
    try:
        parts = urlsplit(url)
        query = parse_qsl(parts.query, keep_blank_values=True, max_num_fields=50)
    except ValueError as error:
        raise BadSignatureError("the URL cannot be read") from error
    pairs = [*query, *headers.items()]
    text = "&".join(f"{name}={value}" for name, value in sorted(pairs))
    return signing.md5_hex(f"{parts.path}?{text}{secret}".encode())


def unwrap(hook: RawHook, link: Link) -> Document:
    """The body as it came; the context names the tags of its messages."""
    body = hook.body
    tags = {str(message["msgTag"]) for message in _messages(body)}
    return _hooks.document(body, name=delivery_id(hook), context={"msgTag": ",".join(sorted(tags))})


def delivery_id(hook: RawHook) -> str:
    """A hash of the body: messages carry no id."""
    return hashlib.sha256(hook.body).hexdigest()


def reply(accepted: bool) -> Reply:
    """The acknowledgement, or the same object as a failure."""
    return _ACCEPTED if accepted else _REFUSED


def _check_clock(stamp: str, now: datetime) -> None:
    """Refuse what is older than the window; seconds or milliseconds, by their length."""
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) in (_SECONDS, _MILLIS)):
        raise BadSignatureError(f"the timestamp is no Unix time: {shown(stamp)}")
    if abs(now.timestamp() - int(stamp[:_SECONDS])) >= WINDOW:
        raise BadSignatureError(f"the timestamp is not within {WINDOW} s of now")


def _messages(body: bytes) -> Sequence[Mapping[str, object]]:
    """The messages of a body, if it is made of nothing else. Raises BadSignatureError."""
    try:
        value = json_value(body)
    except ReadError as error:
        raise BadSignatureError(f"the body holds no messages: {error.reason}") from error
    if not isinstance(value, list) or not value or body.strip() != body:
        raise BadSignatureError("the body holds no messages")
    for message in value:
        if not isinstance(message, dict) or not all(
            isinstance(message.get(name), str) and message[name] for name in _FIELDS
        ):
            raise BadSignatureError("the body holds something that is no message")
    return value
