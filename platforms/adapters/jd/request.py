"""How a request to JD's routerjson gateway is signed. Source: platforms-cn.md §6.1 (a).

The newer SP-API signs header names too; its members are not confirmed, so it is not here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from platforms import signing

_UNSIGNED: Final = frozenset({"format", "sign_method", "sign"})


def sign(parameters: Mapping[str, str], *, secret: str) -> str:
    """The `sign` of a request: upper-case hex of MD5 over secret, names and values, secret.

    Names are sorted by their bytes, so that `360buy_param_json` is first; `format` and
    `sign_method` are sent and not signed.
    """
    text = "".join(
        f"{name}{parameters[name]}" for name in sorted(parameters) if name not in _UNSIGNED
    )
    return signing.md5_hex(f"{secret}{text}{secret}".encode()).upper()
