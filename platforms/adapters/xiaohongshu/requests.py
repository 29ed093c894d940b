"""How requests to Xiaohongshu are signed, and what its answers come in.

Source: platforms-cn.md §8.1, §8.4.
"""

from __future__ import annotations

from collections.abc import Mapping

from platforms import signing
from platforms.adapters._json import Item, answer_of
from platforms.contract import Document


def sign(parameters: Mapping[str, str], *, secret: str) -> str:
    """The `sign` of a request: MD5 in lower-case hex.

    It covers `method`, `appId`, `timestamp` (Unix seconds) and `version` only, neither
    the token nor what is asked: nothing protects the body but TLS. Raises KeyError
    where one of the four is missing.
    """
    names = ("appId", "timestamp", "version")
    text = "&".join(f"{name}={parameters[name]}" for name in names)
    return signing.md5_hex(f"{parameters['method']}?{text}{secret}".encode())


def rows(document: Document, key: str) -> list[Item]:
    """The objects of the list `key` of a page. Raises ReadError.

    The gateway wraps an answer once, and the financial ones wrap it again; each layer
    says of itself whether it succeeded.
    """
    layer = answer_of(document)
    for _ in range(3):
        if layer.source.get("success", True) is not True:
            raise layer.refused("the platform answered with a failure")
        if (error := layer.id("error_code")) not in ("", "0"):
            raise layer.refused(f"the platform answered with error {error}")
        if key in layer.source:
            return layer.items(key)
        inner = layer.child_if_any("data")
        if inner is None:
            break
        layer = inner
    raise layer.refused(f"no {key}")
