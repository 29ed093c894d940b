"""Kuaishou's messages: base64 of AES-CBC under the event key, and nothing else.

Source: platforms-cn.md §7.3 (official demo). There is no signature and no time that
is signed, and the IV is sixteen zeros: that a body opens with the key and is a
well-formed message is all that speaks for its sender. A message is a reason to ask
the API, never a fact, and must be taken once (by its `eventId`).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from platforms import signing
from platforms.adapters import _hooks
from platforms.contract import BadSignatureError, Document, Link, RawHook, ReadError, Reply
from platforms.reading import json_value

_IV: Final = bytes(16)
_FIELDS: Final = ("eventId", "appKey", "event", "createTime")

_ACCEPTED: Final = Reply(status=200, body=b'{"result":1}', content_type="application/json")
_REFUSED: Final = Reply(status=401, body=b'{"result":0}', content_type="application/json")


def verify(hook: RawHook, link: Link, now: datetime) -> None:
    """Raise BadSignatureError unless an event key of the link opens a well-formed message.

    A test message (`test: true`) is one, too: it must be acknowledged.
    """
    _opened(hook, link)


def unwrap(hook: RawHook, link: Link) -> Document:
    """The opened message as a document called by its `eventId`. Raises BadSignatureError.

    The context names the event, and says `test` where the message is only a test and
    is to be acknowledged and otherwise ignored.
    """
    plain, message = _opened(hook, link)
    context = {"event": str(message["event"]), "eventId": str(message["eventId"])}
    if message.get("test") is True:
        context["test"] = "true"
    return _hooks.document(plain, name=str(message["eventId"]), context=context)


def delivery_id(hook: RawHook) -> str:
    """A hash of the body: the `eventId` cannot be read without the key.

    The same message is sealed to the same bytes, as the IV never changes.
    """
    return hashlib.sha256(hook.body).hexdigest()


def reply(accepted: bool) -> Reply:
    """`{"result":1}`, or a failure."""
    return _ACCEPTED if accepted else _REFUSED


def _opened(hook: RawHook, link: Link) -> tuple[bytes, Mapping[str, object]]:
    keys = signing.values(link.secrets.get("aes_key", ""))
    if not keys:
        raise BadSignatureError("the link has no aes_key (event key)")
    text = hook.body.decode("ascii", "replace")
    sealed = signing.from_base64(text, what="body")
    if base64.b64encode(sealed).decode() != text:
        raise BadSignatureError("the body is not in its one base64 form")
    for key in keys:
        try:
            raw = signing.from_base64(key, what="link's aes_key")
            plain = signing.aes_cbc_decrypt(key=raw, iv=_IV, sealed=sealed)
            return plain, _message(plain)
        except BadSignatureError:
            continue
    raise BadSignatureError("the body does not fit any event key of the link")


def _message(plain: bytes) -> Mapping[str, object]:
    """What was opened, if it is a message. Raises BadSignatureError."""
    try:
        message = json_value(plain)
    except ReadError as error:
        raise BadSignatureError(f"not a message: {error.reason}") from error
    if not isinstance(message, dict):
        raise BadSignatureError("not a message")
    if any(message.get(name) in (None, "") for name in _FIELDS):
        raise BadSignatureError("the message lacks a field")
    if not isinstance(message.get("info", ""), str):
        raise BadSignatureError("the info of the message is not text")
    return message
