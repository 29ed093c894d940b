"""WeChat Pay v3 notifications: RSA over `timestamp\\nnonce\\nbody\\n`, AES-GCM inside.

Source: platforms-cn.md §3.2 (WXP-GO core/notify, core/auth/validators).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from platforms import signing
from platforms.adapters import _hooks
from platforms.contract import (
    BadSignatureError,
    Document,
    Link,
    RawHook,
    Reply,
)
from platforms.reading import shown

# The official SDK refuses |now − timestamp| ≥ 300 s.
WINDOW: Final = 300
SCHEME: Final = "WECHATPAY2-SHA256-RSA2048"
# WeChat Pay probes with signatures that must be answered as failures.
PROBE: Final = "WECHATPAY/SIGNTEST/"

_ACCEPTED: Final = Reply(status=200)
_REFUSED: Final = Reply(
    status=401,
    body=b'{"code":"FAIL","message":"signature refused"}',
    content_type="application/json",
)


def verify(hook: RawHook, link: Link, now: datetime) -> None:
    """Raise BadSignatureError unless the body is WeChat Pay's and fresh.

    `public_key` holds platform certificates or public keys (PEM, several during
    a rotation); `Wechatpay-Serial` need not be matched, any of them may fit.
    """
    stamp = _hooks.header(hook, "wechatpay-timestamp")
    nonce = _hooks.header(hook, "wechatpay-nonce")
    signature = _hooks.header(hook, "wechatpay-signature")
    if hook.headers.get("wechatpay-signature-type", SCHEME) != SCHEME:
        raise BadSignatureError("the signature is of another type")
    if signature.startswith(PROBE):
        raise BadSignatureError("this is WeChat Pay's signature probe")
    _hooks.require_fresh(stamp, now, window=WINDOW)
    message = f"{stamp}\n{nonce}\n".encode() + hook.body + b"\n"
    if not signing.rsa_sha256_verified(
        pem=link.secrets.get("public_key", ""),
        message=message,
        signature=signing.from_base64(signature, what="signature"),
    ):
        raise BadSignatureError("the signature does not fit the body")


def unwrap(hook: RawHook, link: Link) -> Document:
    """Decrypt `resource` with the APIv3 key and give the plaintext as a document.

    The context carries `event_type` and `original_type`. Raises BadSignatureError
    if no configured key opens it or the body is not a notification.
    """
    body = _body(hook)
    resource = body.get("resource")
    if not isinstance(resource, dict):
        raise BadSignatureError("the notification has no resource")
    if resource.get("algorithm") != "AEAD_AES_256_GCM":
        raise BadSignatureError(f"unknown algorithm {shown(str(resource.get('algorithm')))}")
    plain = _open(resource, signing.values(link.secrets.get("aes_key", "")))
    return _hooks.document(
        plain,
        name=_text(body, "id"),
        context={
            "event_type": _text(body, "event_type"),
            "original_type": str(resource.get("original_type", "")),
        },
    )


def delivery_id(hook: RawHook) -> str:
    """The notification's id, which its retries repeat. Raises BadSignatureError."""
    return _text(_body(hook), "id")


def reply(accepted: bool) -> Reply:
    """200 without a body, or the failure object with a 4xx so that it is sent again."""
    return _ACCEPTED if accepted else _REFUSED


def _body(hook: RawHook) -> Mapping[str, object]:
    return _hooks.json_object(hook.body, what="a notification")


def _text(source: Mapping[str, object], name: str) -> str:
    return _hooks.text(source, name, what="notification")


def _open(resource: Mapping[str, object], keys: tuple[str, ...]) -> bytes:
    if not keys:
        raise BadSignatureError("the link has no aes_key (APIv3 key)")
    sealed = signing.from_base64(_text(resource, "ciphertext"), what="ciphertext")
    nonce = _text(resource, "nonce").encode()
    associated = str(resource.get("associated_data") or "").encode()
    for key in keys:
        try:
            return signing.aes_gcm_decrypt(
                key=key.encode(), nonce=nonce, sealed=sealed, associated=associated
            )
        except BadSignatureError:
            continue
    raise BadSignatureError("the resource does not open with the link's aes_key")
