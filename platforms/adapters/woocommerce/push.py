"""The shop's webhooks: base64 HMAC-SHA256 of the raw body under the decoded secret.

A new webhook begins with a ping that is not signed. No time is signed, and there are no
retries. Source: platforms-global.md §12 (woocommerce/woocommerce, class-wc-webhook.php).
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from platforms import signing
from platforms.adapters import _hooks
from platforms.contract import Document, Link, RawHook, Reply

_PING: Final = re.compile(rb"webhook_id=[0-9]{1,20}", re.ASCII)
# What wp_specialchars_decode(…, ENT_QUOTES) knows, decoded once and not again.
_ENTITY: Final = re.compile(
    r"&(?:amp|#0*38|#[xX]0*26);|&(?:lt|#0*60);|&(?:gt|#0*62);"
    r"|&(?:quot|#0*34|#[xX]0*22);|&(?:#0*39|#[xX]0*27);"
)
_CHARACTERS: Final = {
    **dict.fromkeys(("amp", "38", "x26"), "&"),
    **dict.fromkeys(("lt", "60"), "<"),
    **dict.fromkeys(("gt", "62"), ">"),
    **dict.fromkeys(("quot", "34", "x22"), '"'),
    **dict.fromkeys(("39", "x27"), "'"),
}
_ACCEPTED: Final = Reply(status=200)
_REFUSED: Final = Reply(status=401)


def verify(hook: RawHook, link: Link, now: datetime) -> None:
    """Raise BadSignatureError unless a secret signed the raw body; `now` is not used.

    The unsigned ping of a new webhook is refused as well: it proves nothing (see
    `challenge`).
    """
    secrets = _hooks.secrets(link, "secret")
    given = _hooks.header(hook, "x-wc-webhook-signature")
    _hooks.require_fit(
        (_signature(secret, hook.body) for secret in secrets), given=given, to="body"
    )


def unwrap(hook: RawHook, link: Link) -> Document:
    """The body as it came; the context names the topic and the shop."""
    body, headers = hook.body, hook.headers
    return _hooks.document(
        body,
        name=delivery_id(hook),
        context={
            "topic": headers.get("x-wc-webhook-topic", ""),
            "source": headers.get("x-wc-webhook-source", ""),
        },
    )


def delivery_id(hook: RawHook) -> str:
    """The delivery's id: there are no retries, so each is new. Raises BadSignatureError."""
    return _hooks.header(hook, "x-wc-webhook-delivery-id")


def reply(accepted: bool) -> Reply:
    """200 or 401, both with an empty body; a shop gives up after five failures."""
    return _ACCEPTED if accepted else _REFUSED


def challenge(hook: RawHook, link: Link) -> Reply | None:
    """200 for the ping of a webhook being set up, which says nothing: it is not stored."""
    return _ACCEPTED if is_ping(hook) else None


def is_ping(hook: RawHook) -> bool:
    """Whether this is the unsigned ping of a webhook being set up."""
    unsigned = not hook.headers.get("x-wc-webhook-signature")
    return unsigned and _PING.fullmatch(hook.body) is not None


def decoded_secret(secret: str) -> str:
    """The secret as the shop signs with it: HTML entities decoded, once."""
    return _ENTITY.sub(_character, secret)


def _character(match: re.Match[str]) -> str:
    text = match.group()[1:-1].lower()
    if not text.startswith("#"):
        return _CHARACTERS[text]
    if text.startswith("#x"):
        return _CHARACTERS["x" + text[2:].lstrip("0")]
    return _CHARACTERS[text[1:].lstrip("0")]


def _signature(secret: str, body: bytes) -> str:
    return signing.hmac_sha256_base64(secret=decoded_secret(secret), message=body)
