"""Shopee's push messages, and how a request is signed.

Both are HMAC-SHA256 in lower hex under the partner key, taken as text (it looks like hex
and is not decoded). Source: platforms-global.md §10.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final

from platforms import signing
from platforms.adapters import _hooks
from platforms.contract import Document, Link, RawHook, Reply

# Shopee wants an empty body; below 30 % of successes it stops sending.
_ACCEPTED: Final = Reply(status=200)
_REFUSED: Final = Reply(status=401)


def sign(
    path: str,
    *,
    partner_id: str,
    timestamp: int,
    secret: str,
    access_token: str = "",
    shop_id: str = "",
) -> str:
    """The `sign` of a request to `path` (`/api/v2/shop/get_shop_info`); epoch seconds.

    `shop_id` may be a merchant id. A public API has neither it nor a token. Neither the
    parameters nor the body are covered.
    """
    message = f"{partner_id}{path}{timestamp}{access_token}{shop_id}"
    return signing.hmac_sha256_hex(secret=secret, message=message.encode())


def verify(hook: RawHook, link: Link, now: datetime) -> None:
    """Raise BadSignatureError unless a secret of the link signed URL and raw body.

    The URL is the one registered with Shopee: a proxy that rewrites its host breaks the
    signature. No time is signed.
    """
    secrets = _hooks.secrets(link, "secret")
    given = _hooks.header(hook, "authorization")
    message = hook.url.encode() + b"|" + hook.body
    _hooks.require_fit(
        (signing.hmac_sha256_hex(secret=secret, message=message) for secret in secrets),
        given=given,
        to="URL and the body",
    )


def unwrap(hook: RawHook, link: Link) -> Document:
    """The body as it came; Shopee encrypts nothing."""
    body = hook.body
    return _hooks.document(body, name=delivery_id(hook))


def delivery_id(hook: RawHook) -> str:
    """A hash of the raw body: no id is confirmed, and a retry is the same message."""
    return hashlib.sha256(hook.body).hexdigest()


def reply(accepted: bool) -> Reply:
    """200 or 401, both with an empty body."""
    return _ACCEPTED if accepted else _REFUSED
