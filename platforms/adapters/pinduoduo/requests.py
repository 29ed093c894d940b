"""How requests to Pinduoduo are signed. Source: platforms-cn.md §4.1."""

from __future__ import annotations

from collections.abc import Mapping

from platforms import signing


def sign(parameters: Mapping[str, str], *, secret: str) -> str:
    """The `sign` of a request: MD5 in upper case (platforms-cn.md §4.1).

    Every parameter that is sent but `sign` itself, sorted by name and written as name
    and value without anything between, with the client secret before and behind. A
    value that is no text is signed as the text that is sent; which one that is for
    lists and objects is not documented.
    """
    signed = "".join(f"{name}{parameters[name]}" for name in sorted(parameters) if name != "sign")
    return signing.md5_hex(f"{secret}{signed}{secret}".encode()).upper()
