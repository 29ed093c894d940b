"""The push scheme that Lazada and TikTok Shop share.

The header `authorization` is the lower hex of HMAC-SHA256, under the app secret, of the
app key followed by the raw body. No time is signed and no id is documented: a message
that comes again is known by its content.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final

from platforms import signing
from platforms.adapters import _hooks
from platforms.contract import BadSignatureError, Document, Link, RawHook, Reply

_ACCEPTED: Final = Reply(status=200)
_REFUSED: Final = Reply(status=401)


def verify(hook: RawHook, link: Link, now: datetime) -> None:
    """Raise BadSignatureError unless a secret of the link signed app key and raw body."""
    keys = signing.values(link.secrets.get("app_key", ""))
    secrets = signing.values(link.secrets.get("secret", ""))
    if not secrets or not keys:
        raise BadSignatureError(f"the link has no {'app_key' if secrets else 'secret'}")
    given = _hooks.header(hook, "authorization")
    _hooks.require_fit(
        (
            signing.hmac_sha256_hex(secret=secret, message=key.encode() + hook.body)
            for key in keys
            for secret in secrets
        ),
        given=given,
        to="body",
    )


def unwrap(hook: RawHook, link: Link) -> Document:
    """The body as it came: nothing is encrypted."""
    body = hook.body
    return _hooks.document(body, name=delivery_id(hook))


def delivery_id(hook: RawHook) -> str:
    """A hash of the raw body: a retry is the same message."""
    return hashlib.sha256(hook.body).hexdigest()


def reply(accepted: bool) -> Reply:
    """200 or 401, both with an empty body."""
    return _ACCEPTED if accepted else _REFUSED
