"""Shopify webhooks: base64 HMAC-SHA256 of the raw body under the client secret.

Two header families exist (`x-shopify-…` and the newer `shopify-…`); no time is
signed, so there is no clock window and deliveries are deduplicated by id. After
a rotation the old secret may sign for an hour: the link holds both, one a line.
Source: platforms-global.md §2.1, §2.2.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from platforms import signing
from platforms.adapters import _hooks
from platforms.contract import BadSignatureError, Document, Link, RawHook, Reply

_FAMILIES: Final = ("x-shopify-", "shopify-")
_ACCEPTED: Final = Reply(status=200)
_REFUSED: Final = Reply(status=401)


def verify(hook: RawHook, link: Link, now: datetime) -> None:
    """Raise BadSignatureError unless a secret of the link signed exactly this body.

    `now` is not used: nothing signed says when. An empty body is treated like
    any other: its MAC proves its sender.
    """
    secrets = _hooks.secrets(link, "secret")
    given = _header(hook, "hmac-sha256")
    if not given:
        raise BadSignatureError("the header x-shopify-hmac-sha256 is missing")
    _hooks.require_fit(
        (signing.hmac_sha256_base64(secret=secret, message=hook.body) for secret in secrets),
        given=given,
        to="body",
    )


def unwrap(hook: RawHook, link: Link) -> Document:
    """The body as a document; the context carries `topic` and `shop_domain`."""
    body = hook.body
    return _hooks.document(
        body,
        name=_header(hook, "webhook-id"),
        context={
            "topic": _header(hook, "topic"),
            "shop_domain": _header(hook, "shop-domain") or _header(hook, "domain"),
        },
    )


def delivery_id(hook: RawHook) -> str:
    """The webhook id, or the event id where there is none. Raises BadSignatureError."""
    found = _header(hook, "webhook-id") or _header(hook, "event-id")
    if not found:
        raise BadSignatureError("the delivery has neither a webhook id nor an event id")
    return found


def reply(accepted: bool) -> Reply:
    """Any 2xx is an acknowledgement; a refusal is 401. Both bodies are empty."""
    return _ACCEPTED if accepted else _REFUSED


def _header(hook: RawHook, name: str) -> str:
    for family in _FAMILIES:
        if value := hook.headers.get(family + name):
            return value
    return ""
