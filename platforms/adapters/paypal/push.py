"""PayPal webhooks: RSA-SHA256 over `id|time|webhook id|CRC-32 of the raw body`.

The webhook id is the merchant's own setting and not in the request. The body is protected
by its CRC-32 only, so another body with the same one passes: an event is a hint, and the
resource it names is to be read again. The certificate is the link's (`public_key`); the
one that `PAYPAL-CERT-URL` points to is never fetched. Source: platforms-global.md §4.1.
"""

from __future__ import annotations

import zlib
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from platforms import signing
from platforms.adapters import _hooks
from platforms.contract import BadSignatureError, Document, Link, RawHook, Reply
from platforms.reading import shown

ALGORITHM: Final = "SHA256withRSA"

_ACCEPTED: Final = Reply(status=200)
_REFUSED: Final = Reply(status=401)


def signed_text(*, transmission_id: str, time: str, webhook_id: str, body: bytes) -> str:
    """What PayPal signs; the checksum is an unsigned decimal number."""
    return f"{transmission_id}|{time}|{webhook_id}|{zlib.crc32(body)}"


def verify(hook: RawHook, link: Link, now: datetime) -> None:
    """Raise BadSignatureError unless the link's certificate signed this delivery.

    No clock: retries are made for days and nothing says that their time is renewed.
    """
    webhooks = _hooks.secrets(link, "webhook_id")
    pem = link.secrets.get("public_key", "")
    if hook.headers.get("paypal-auth-algo", ALGORITHM) != ALGORITHM:
        raise BadSignatureError("the signature is of another type")
    _check_host(hook)
    signature = signing.from_base64(
        _hooks.header(hook, "paypal-transmission-sig"), what="signature"
    )
    messages = [
        signed_text(
            transmission_id=_hooks.header(hook, "paypal-transmission-id"),
            time=_hooks.header(hook, "paypal-transmission-time"),
            webhook_id=webhook,
            body=hook.body,
        )
        for webhook in webhooks
    ]
    fits = [
        signing.rsa_sha256_verified(pem=pem, message=message.encode(), signature=signature)
        for message in messages
    ]
    if not any(fits):
        raise BadSignatureError("the signature does not fit the delivery")


def unwrap(hook: RawHook, link: Link) -> Document:
    """The event as a document; the context carries its types."""
    event, body = _hooks.json_object(hook.body, what="an event"), hook.body
    return _hooks.document(
        body,
        name=_hooks.text(event, "id", what="event"),
        context={name: str(event.get(name) or "") for name in ("event_type", "resource_type")},
    )


def delivery_id(hook: RawHook) -> str:
    """The transmission id: unlike the event's id it is signed. Raises BadSignatureError."""
    return _hooks.header(hook, "paypal-transmission-id")


def reply(accepted: bool) -> Reply:
    """Any 2xx is an acknowledgement; a refusal is 401. Both bodies are empty."""
    return _ACCEPTED if accepted else _REFUSED


def _check_host(hook: RawHook) -> None:
    """Refuse a delivery that names a certificate elsewhere than at PayPal."""
    url = hook.headers.get("paypal-cert-url", "")
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError as error:
        raise BadSignatureError("the certificate's address cannot be read") from error
    if url and not (parts.scheme == "https" and host.endswith(".paypal.com")):
        raise BadSignatureError(f"the certificate is not at PayPal: {shown(url)}")
