"""How a request to TikTok Shop is signed."""

from __future__ import annotations

from collections.abc import Mapping

from platforms import signing


def sign(path: str, parameters: Mapping[str, str], *, secret: str, body: bytes = b"") -> str:
    """The `sign` of a request to `path` (`/authorization/202309/shops`), lower hex.

    Query parameters without `sign` and `access_token` in the order of their names, names
    and values set one after another; then the raw body (b"" for multipart/form-data);
    the whole between two secrets. Source: platforms-global.md §9: the rule of the guide,
    whose printed example has a stray slash after the path.
    """
    pairs = sorted((k, v) for k, v in parameters.items() if k not in ("sign", "access_token"))
    middle = path + "".join(name + value for name, value in pairs)
    message = secret.encode() + middle.encode() + body + secret.encode()
    return signing.hmac_sha256_hex(secret=secret, message=message)
