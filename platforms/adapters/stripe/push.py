"""Stripe webhooks: hex HMAC-SHA256 of `t + "." + raw body` under the endpoint's secret.

`Stripe-Signature: t=<seconds>,v1=<hex>[,v1=…]`; several v1 during a rotation, other
schemes (v0) are ignored. The secret is used as text, `whsec_` included: it is not base64
here. Source: platforms-global.md §5 (stripe-python 16.1.0).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from platforms import signing
from platforms.adapters import _hooks
from platforms.contract import BadSignatureError, Document, Link, RawHook, Reply
from platforms.reading import shown

HEADER: Final = "stripe-signature"
# The SDK's tolerance. It looks at old timestamps only; one from the future is refused
# here too, as it could be kept and sent again after its time.
WINDOW: Final = 300

_ACCEPTED: Final = Reply(status=200)
_REFUSED: Final = Reply(status=401)


def sign(*, secret: str, timestamp: int, body: bytes) -> str:
    """The v1 signature of a body at a Unix time, lower-case hex."""
    return signing.hmac_sha256_hex(secret=secret, message=f"{timestamp}.".encode() + body)


def verify(hook: RawHook, link: Link, now: datetime) -> None:
    """Raise BadSignatureError unless a secret of the link signed exactly this body."""
    secrets = _hooks.secrets(link, "secret")
    stamp, given = _parts(hook)
    if abs(now.timestamp() - stamp) >= WINDOW:
        raise BadSignatureError(f"the timestamp is not within {WINDOW} s of now")
    # Every pair is tried, so that the time taken does not tell which one fits.
    fits = [
        signing.same(given=one, expected=sign(secret=secret, timestamp=stamp, body=hook.body))
        for secret in secrets
        for one in given
    ]
    if not any(fits):
        raise BadSignatureError("the signature does not fit the body")


def unwrap(hook: RawHook, link: Link) -> Document:
    """The event as a document; the context carries its `type`."""
    event, body = _hooks.json_object(hook.body, what="an event"), hook.body
    return _hooks.document(
        body,
        name=_hooks.text(event, "id", what="event"),
        context={"type": str(event.get("type") or "")},
    )


def delivery_id(hook: RawHook) -> str:
    """The event's id, which retries repeat. Raises BadSignatureError."""
    return _hooks.text(_hooks.json_object(hook.body, what="an event"), "id", what="event")


def reply(accepted: bool) -> Reply:
    """Any 2xx is an acknowledgement; a refusal is 401. Both bodies are empty."""
    return _ACCEPTED if accepted else _REFUSED


def _parts(hook: RawHook) -> tuple[int, list[str]]:
    """The Unix time and the v1 signatures of the header. Raises BadSignatureError."""
    pairs = [part.strip().partition("=") for part in _hooks.header(hook, HEADER).split(",")]
    stamps = [value for name, _, value in pairs if name == "t"]
    given = [value for name, _, value in pairs if name == "v1"]
    # Two times would leave open which of them is signed.
    if len(stamps) != 1 or not given:
        raise BadSignatureError(f"the header {HEADER} has no t or v1: it is missing a part")
    stamp = stamps[0]
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        raise BadSignatureError(f"the timestamp is not Unix seconds: {shown(stamp)}")
    return int(stamp), given
