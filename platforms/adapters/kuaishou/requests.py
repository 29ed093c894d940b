"""How requests to Kuaishou are signed (platforms-cn.md §7.1, the official demo's SignUtils)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from platforms import signing
from platforms.contract import AdapterError
from platforms.reading import shown

_REQUIRED: Final = ("method", "appkey", "access_token")
_OPTIONAL: Final = ("version", "signMethod", "timestamp", "param")


def sign(parameters: Mapping[str, str], *, secret: str) -> str:
    """The `sign` of a request; `secret` is the signSecret, which is not the appSecret.

    Seven parameters are signed and no others, as they are before they are escaped:
    sorted by name, `name=value` joined with `&`, and the secret at the end. `signMethod`
    MD5 gives lower-case hex, HMAC_SHA256 gives base64. Raises AdapterError for a request
    that lacks one of the three it must have, and for another method.
    """
    missing = [name for name in _REQUIRED if not parameters.get(name, "").strip()]
    if missing:
        raise AdapterError(f"the request has no {', '.join(missing)}")
    names = sorted(name for name in (*_REQUIRED, *_OPTIONAL) if name in parameters)
    text = "&".join(f"{name}={parameters[name]}" for name in names)
    message = f"{text}&signSecret={secret}".encode()
    method = parameters.get("signMethod", "")
    if method == "MD5":
        return signing.md5_hex(message)
    if method == "HMAC_SHA256":
        return signing.hmac_sha256_base64(secret=secret, message=message)
    raise AdapterError(f"unknown signMethod {shown(method)}")
