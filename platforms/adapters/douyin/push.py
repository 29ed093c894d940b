"""Douyin's pushes: `event-sign` is MD5 of app key, raw body and app secret.

Source: platforms-cn.md §5.3, three implementations that agree. Nothing signed says when,
and nothing signed differs between two deliveries: there is no clock window, and replays
are told by `msg_id`. A push may carry several messages.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from platforms import signing
from platforms.adapters import _hooks
from platforms.contract import BadSignatureError, Document, Link, RawHook, ReadError, Reply
from platforms.reading import json_value

_HEADER: Final = "event-sign"
_ACCEPTED: Final = Reply(
    status=200, body=b'{"code":0,"msg":"success"}', content_type="application/json"
)
_REFUSED: Final = Reply(
    status=401, body=b'{"code":401,"msg":"signature refused"}', content_type="application/json"
)


def verify(hook: RawHook, link: Link, now: datetime) -> None:
    """Raise BadSignatureError unless a key and secret of the link signed exactly this body."""
    keys = signing.values(link.secrets.get("app_key", ""))
    secrets = signing.values(link.secrets.get("secret", ""))
    if not keys or not secrets:
        raise BadSignatureError("the link has no app key or no secret")
    given = _hooks.header(hook, _HEADER).lower()
    _hooks.require_fit(
        (
            signing.md5_hex(key.encode() + hook.body + secret.encode())
            for key in keys
            for secret in secrets
        ),
        given=given,
        to="body",
    )


def unwrap(hook: RawHook, link: Link) -> Document:
    """The body as a document; the context names the tags (110 paid, 206 refunded …)."""
    body = hook.body
    tags = {str(message.get("tag", "")) for message in _messages(hook)}
    return _hooks.document(
        body,
        name=delivery_id(hook),
        context={"tags": ",".join(sorted(tags)), "app_id": hook.headers.get("app-id", "")},
    )


def delivery_id(hook: RawHook) -> str:
    """The `msg_id`; of several messages the SHA-256 of theirs. Raises BadSignatureError."""
    ids = [message.get("msg_id") or message.get("msgId") for message in _messages(hook)]
    if not ids or not all(isinstance(found, str) and found for found in ids):
        raise BadSignatureError("a message has no msg_id")
    if len(ids) == 1:
        return str(ids[0])
    return hashlib.sha256("\n".join(map(str, ids)).encode()).hexdigest()


def reply(accepted: bool) -> Reply:
    """`{"code":0,"msg":"success"}`, or a refusal with 401."""
    return _ACCEPTED if accepted else _REFUSED


def _messages(hook: RawHook) -> list[Mapping[str, object]]:
    """The messages: an array; a document of 2021 shows one alone. Raises BadSignatureError."""
    try:
        value = json_value(hook.body)
    except ReadError as error:
        raise BadSignatureError("the body is not JSON") from error
    found = value if isinstance(value, list) else [value]
    messages: list[Mapping[str, object]] = [part for part in found if isinstance(part, dict)]
    if len(messages) < len(found):
        raise BadSignatureError("the body holds something that is no message")
    return messages
