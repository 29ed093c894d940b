"""How a request to the open API is signed. Source: platforms-cn.md §5.1."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal

from platforms import signing


def param_json(parameters: Mapping[str, object]) -> str:
    """The parameters as they are signed and sent: keys sorted at every level, compact.

    Nothing is escaped but what JSON must; whole numbers have no fraction. Raises
    TypeError for a value JSON does not have, a float among them.
    """
    return json.dumps(_exact(parameters), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sign(*, app_key: str, secret: str, method: str, param_json: str, timestamp: str) -> str:
    """The `sign` of a request, lower-case hex of HMAC-SHA256.

    Five fields in fixed order are signed, and neither `access_token` nor `sign_method`;
    the secret is the key and also stands around them. `method` has points
    (`order.getShopAccountItem`), `timestamp` is in Unix seconds.
    """
    text = f"app_key{app_key}method{method}param_json{param_json}timestamp{timestamp}v2"
    return signing.hmac_sha256_hex(secret=secret, message=f"{secret}{text}{secret}".encode())


def _exact(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(name): _exact(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_exact(part) for part in value]
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    if value is None or isinstance(value, str | int):
        return value
    raise TypeError(f"not a value of a request: {value!r}")
