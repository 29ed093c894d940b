"""Lazada's push messages (LPM), and how a request is signed.

Both are HMAC-SHA256 under the app secret, in lower hex for the push and in upper hex
for the request. Source: platforms-global.md §11 (guides docId 120168 and 108069).
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from typing import Final

from platforms import signing
from platforms.contract import BadSignatureError, Document, Link, RawHook, Reply

# Within 500 ms; otherwise it comes again each half hour, up to twelve times.
_ACCEPTED: Final = Reply(status=200)
_REFUSED: Final = Reply(status=401)


def sign(path: str, parameters: Mapping[str, str], *, secret: str, body: str = "") -> str:
    """The `sign` of a request to the API's `path` (`/order/get`).

    Parameters without `sign` in the order of their names, names and values set one
    after another; empty values are left out, as the vendor's SDKs do. `body` is the
    text of a JSON post, "" for a form.
    """
    pairs = sorted((k, v) for k, v in parameters.items() if k != "sign" and v)
    message = path + "".join(name + value for name, value in pairs) + body
    return signing.hmac_sha256_hex(secret=secret, message=message.encode()).upper()


def verify(hook: RawHook, link: Link) -> None:
    """Raise BadSignatureError unless a secret of the link signed app key and raw body.

    No time is signed: a message that comes again is known by its content.
    """
    keys = signing.values(link.secrets.get("app_key", ""))
    secrets = signing.values(link.secrets.get("secret", ""))
    if not secrets or not keys:
        raise BadSignatureError(f"the link has no {'app_key' if secrets else 'secret'}")
    given = hook.headers.get("authorization", "")
    if not given:
        raise BadSignatureError("the header authorization is missing")
    fits = [
        signing.same(
            given=given,
            expected=signing.hmac_sha256_hex(secret=secret, message=key.encode() + hook.body),
        )
        for key in keys
        for secret in secrets
    ]
    if not any(fits):
        raise BadSignatureError("the signature does not fit the body")


def unwrap(hook: RawHook) -> Document:
    """The body as it came; Lazada encrypts nothing."""
    body = hook.body
    return Document(name=delivery_id(hook), head=body, open=lambda: io.BytesIO(body), origin="hook")


def delivery_id(hook: RawHook) -> str:
    """A hash of the raw body: Lazada documents no id, and a retry is the same message."""
    return hashlib.sha256(hook.body).hexdigest()


def reply(accepted: bool) -> Reply:
    """200 or 401, both with an empty body."""
    return _ACCEPTED if accepted else _REFUSED
