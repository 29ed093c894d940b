"""How a request to Lazada is signed (the same stack serves Daraz and AliExpress)."""

from __future__ import annotations

from collections.abc import Mapping

from platforms import signing


def sign(path: str, parameters: Mapping[str, str], *, secret: str, body: str = "") -> str:
    """The `sign` of a request to the API's `path` (`/order/get`), upper hex.

    Parameters without `sign` in the order of their names, names and values set one
    after another; empty values are left out, as the vendor's SDKs do. `body` is the
    text of a JSON post, "" for a form. Source: platforms-global.md §11 (guide docId
    108069, whose printed signature it meets).
    """
    pairs = sorted((k, v) for k, v in parameters.items() if k != "sign" and v)
    message = path + "".join(name + value for name, value in pairs) + body
    return signing.hmac_sha256_hex(secret=secret, message=message.encode()).upper()
