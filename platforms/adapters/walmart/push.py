"""Walmart's performance webhooks: HMAC-SHA256 over method, path, time and the body's hash.

Source: platforms-global.md §8.
"""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from platforms import signing
from platforms.adapters import _hooks
from platforms.contract import BadSignatureError, Document, Link, RawHook, ReadError, Reply
from platforms.reading import json_value

WINDOW: Final = 300
"""Seconds: Walmart does not say how far the clocks may differ; this is ours."""

_SIGNATURE: Final = "wm_sec.signature"
_TIMESTAMP: Final = "wm_sec.timestamp"
_SECONDS: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
_ACCEPTED: Final = Reply(status=200)
_REFUSED: Final = Reply(status=401)


def verify(hook: RawHook, link: Link, now: datetime) -> None:
    """Raise BadSignatureError unless a secret of the link signed this request just now."""
    secrets = _hooks.secrets(link, "secret")
    given, seconds = _hooks.header(hook, _SIGNATURE), _hooks.header(hook, _TIMESTAMP)
    if not _SECONDS.fullmatch(seconds):
        raise BadSignatureError(f"the header {_TIMESTAMP} is not in Unix seconds")
    message = signed_string(url=hook.url, timestamp=seconds, body=hook.body)
    _hooks.require_fit(
        (signing.hmac_sha256_base64(secret=secret, message=message) for secret in secrets),
        given=given,
        to="request",
    )
    if abs(now.timestamp() - int(seconds)) >= WINDOW:
        raise BadSignatureError("the timestamp is not of this time")


def signed_string(*, url: str, timestamp: str, body: bytes) -> bytes:
    """What is signed: `POST`, path with query, timestamp and the body's SHA-256 in hex.

    Raises BadSignatureError for an address that cannot be read.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise BadSignatureError("the address cannot be read") from error
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return "\n".join(["POST", path, timestamp, hashlib.sha256(body).hexdigest()]).encode()


def unwrap(hook: RawHook, link: Link) -> Document:
    """The body as it came; the context carries `event_type`."""
    body = hook.body
    return _hooks.document(
        body,
        name=delivery_id(hook),
        context={"event_type": str(_object(body).get("eventType", ""))},
    )


def delivery_id(hook: RawHook) -> str:
    """source.eventId, or the SHA-256 of the body: not every event is known to have an id."""
    source = _object(hook.body).get("source")
    found = source.get("eventId") if isinstance(source, dict) else None
    return found if isinstance(found, str) and found else hashlib.sha256(hook.body).hexdigest()


def reply(accepted: bool) -> Reply:
    """Any 2xx is an acknowledgement; a refusal is 401. Both bodies are empty."""
    return _ACCEPTED if accepted else _REFUSED


def _object(body: bytes) -> dict[str, object]:
    try:
        found = json_value(body)
    except ReadError:
        return {}
    return found if isinstance(found, dict) else {}
