"""Etsy's webhooks, which are Standard Webhooks: orders only, never money.

HMAC-SHA256 in base64 over `id.timestamp.body` under the key that the secret holds in
base64 after `whsec_`; the header has one or more `v1,…`, of which any may fit. The
timestamp may be 300 s off, as in the scheme's reference library.
Source: platforms-global.md §7.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import datetime
from typing import Final

from platforms import signing
from platforms.adapters import _hooks
from platforms.contract import BadSignatureError, Document, Link, RawHook, Reply

WINDOW: Final = 300

_PREFIX: Final = "whsec_"
_VERSION: Final = "v1,"
_SECONDS: Final = re.compile(r"[0-9]{1,11}", re.ASCII)
_ACCEPTED: Final = Reply(status=200)
_REFUSED: Final = Reply(status=401)


def verify(hook: RawHook, link: Link, now: datetime) -> None:
    """Raise BadSignatureError unless a secret of the link signed this delivery near `now`."""
    secrets = _hooks.secrets(link, "secret")
    number, second = _hooks.header(hook, "webhook-id"), _hooks.header(hook, "webhook-timestamp")
    given = _hooks.header(hook, "webhook-signature")
    _require_fresh(second, now)
    message = f"{number}.{second}.".encode() + hook.body
    fits = [
        signing.same(given=part.removeprefix(_VERSION), expected=_made(secret, message))
        for secret in secrets
        for part in given.split(" ")
        if part.startswith(_VERSION)
    ]
    if not any(fits):
        raise BadSignatureError("the signature does not fit the delivery")


def unwrap(hook: RawHook, link: Link) -> Document:
    """The body as it came; Etsy encrypts nothing."""
    body = hook.body
    return _hooks.document(body, name=delivery_id(hook))


def delivery_id(hook: RawHook) -> str:
    """The `webhook-id`, the same in every retry. Raises BadSignatureError."""
    return _hooks.header(hook, "webhook-id")


def reply(accepted: bool) -> Reply:
    """200 or 401, both with an empty body."""
    return _ACCEPTED if accepted else _REFUSED


def _require_fresh(second: str, now: datetime) -> None:
    if not _SECONDS.fullmatch(second):
        raise BadSignatureError("the timestamp is not in Unix seconds")
    off = abs(int(now.timestamp()) - int(second))
    if off >= WINDOW:
        raise BadSignatureError(f"the timestamp is {off} s away from now")


def _made(secret: str, message: bytes) -> str:
    key = signing.from_base64(secret.removeprefix(_PREFIX), what="link's secret")
    return base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()
