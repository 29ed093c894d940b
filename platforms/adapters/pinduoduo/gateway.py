"""One call of Pinduoduo's open platform: signed with MD5, its answer found under its name.

Source: platforms-cn.md §4.1; the codes of refusals are the table that every official page of a
call ends with (seen in copies).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from platforms import signing
from platforms.adapters import _refusals
from platforms.contract import (
    AdapterError,
    Link,
    RateLimitedError,
    UnauthorisedError,
    UnavailableError,
)
from platforms.pulling import Http, RefusedCallError, Request

GATEWAY: Final = "https://gw-api.pinduoduo.com/api/router"

_OURS: Final = "Pinduoduo"
_FORM: Final = "application/x-www-form-urlencoded;charset=utf-8"
_ERRORS: Final[Mapping[str, type[AdapterError]]] = {
    "10016": UnauthorisedError,
    "10019": UnauthorisedError,
    "20004": UnauthorisedError,
    "20032": UnauthorisedError,
    "50000": UnavailableError,
    "50001": UnavailableError,
    "50002": UnavailableError,
    "52001": UnavailableError,
    "52002": UnavailableError,
    "52101": RateLimitedError,
    "52102": UnavailableError,
    "52103": UnavailableError,
    "70031": RateLimitedError,
    "70033": UnavailableError,
    "70036": RateLimitedError,
}


def call(
    http: Http, link: Link, method: str, content: Mapping[str, str], *, merchant: bool = True
) -> Mapping[str, object]:
    """What is answered to `method`; `merchant` sends the merchant's token.

    Raises the errors of `pull`.
    """
    sent = {
        "type": method,
        "client_id": _refusals.needed(link, "app_key"),
        "timestamp": str(int(http.now().timestamp())),
        "data_type": "JSON",
        "version": "V1",
        **content,
    }
    if merchant:
        sent["access_token"] = _refusals.needed(link, "access_token")
    sent["sign"] = sign(sent, secret=_refusals.needed(link, "secret"))
    request = Request(
        method="POST", url=GATEWAY, headers={"Content-Type": _FORM}, body=urlencode(sent).encode()
    )
    answer = _refusals.answered(http.send(request), whose=_OURS)
    if isinstance(refused := answer.get("error_response"), dict):
        raise _error(refused, link)
    name = f"{method.removeprefix('pdd.').replace('.', '_')}_response"
    node = answer.get(name)
    if not isinstance(node, dict):
        raise UnavailableError(f"Pinduoduo's answer has no {name}")
    return node


def sign(parameters: Mapping[str, str], *, secret: str) -> str:
    """The `sign` of a request: MD5 in upper case (platforms-cn.md §4.1).

    Every parameter that is sent but `sign` itself, sorted by name and written as name
    and value without anything between, with the client secret before and behind. A
    value that is no text is signed as the text that is sent; which one that is for
    lists and objects is not documented.
    """
    signed = "".join(f"{name}{parameters[name]}" for name in sorted(parameters) if name != "sign")
    return signing.md5_hex(f"{secret}{signed}{secret}".encode()).upper()


def _error(refused: Mapping[str, object], link: Link) -> AdapterError:
    code, sub = str(refused.get("error_code", "")), str(refused.get("sub_code") or "")
    kind = _ERRORS.get(sub) or _ERRORS.get(code, RefusedCallError)
    said = (code, refused.get("error_msg"), refused.get("sub_msg"))
    return _refusals.refusal(kind, *said, whose=_OURS, link=link)
