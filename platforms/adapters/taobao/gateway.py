"""One call of Taobao's open platform (TOP): signed, its answer found under its name.

Source: platforms-cn.md §1.1 and the official table of errors (articleId=101645): a sub code that
begins with `isp.` is the platform's fault and passes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from platforms import signing
from platforms.adapters import _refusals
from platforms.contract import (
    AdapterError,
    Link,
    RateLimitedError,
    UnauthorisedError,
    UnavailableError,
)
from platforms.pulling import Http, RefusedCallError, Request, Response

GATEWAY: Final = "https://gw.api.taobao.com/router/rest"
ZONE: Final = ZoneInfo("Asia/Shanghai")
WHOSE: Final = "Taobao"
FORM: Final = "application/x-www-form-urlencoded;charset=utf-8"

_ERRORS: Final[Mapping[str, type[AdapterError]]] = {
    "7": RateLimitedError,
    "10": UnavailableError,
    "25": UnauthorisedError,
    "26": UnauthorisedError,
    "27": UnauthorisedError,
    "28": UnauthorisedError,
    "29": UnauthorisedError,
}


def call(
    http: Http, link: Link, method: str, content: Mapping[str, str], *, merchant: bool = True
) -> tuple[Response, Mapping[str, object]]:
    """The answer as it came, and what stands in it under the call's name.

    `merchant` sends the shop's session. Raises the errors of `pull`.
    """
    sent = {
        "method": method,
        "app_key": _refusals.needed(link, "app_key"),
        "timestamp": f"{http.now().astimezone(ZONE):%Y-%m-%d %H:%M:%S}",
        "format": "json",
        "v": "2.0",
        "sign_method": "md5",
        **content,
    }
    if merchant:
        sent["session"] = _refusals.needed(link, "access_token")
    sent["sign"] = sign(sent, secret=_refusals.needed(link, "secret"))
    request = Request(
        method="POST", url=GATEWAY, headers={"Content-Type": FORM}, body=urlencode(sent).encode()
    )
    response = http.send(request)
    answer = _refusals.answered(response, whose=WHOSE)
    if isinstance(refused := answer.get("error_response"), dict):
        raise _error(refused, link)
    name = f"{method.removeprefix('taobao.').replace('.', '_')}_response"
    node = answer.get(name)
    if not isinstance(node, dict):
        raise UnavailableError(f"Taobao's answer has no {name}")
    return response, node


def sign(parameters: Mapping[str, str], *, secret: str, method: str = "md5") -> str:
    """The `sign` of a request, upper-case hex; `method` is what is sent as `sign_method`.

    All parameters but `sign` and those without a name or a value, by name, names and values
    without anything between. MD5 takes the secret before and behind, the HMACs as their key.
    """
    pairs = sorted((k, v) for k, v in parameters.items() if k and v and k != "sign")
    text = "".join(name + value for name, value in pairs)
    if method == "md5":
        return signing.md5_hex(f"{secret}{text}{secret}".encode()).upper()
    return _HMACS[method](secret=secret, message=text.encode()).upper()


_HMACS: Final[Mapping[str, Callable[..., str]]] = {
    "hmac": signing.hmac_md5_hex,
    "hmac-sha256": signing.hmac_sha256_hex,
}


def _error(refused: Mapping[str, object], link: Link) -> AdapterError:
    code, sub = str(refused.get("code", "")), str(refused.get("sub_code") or "")
    kind = _ERRORS.get(code) or (UnavailableError if sub.startswith("isp.") else RefusedCallError)
    said = (code, refused.get("msg"), sub, refused.get("sub_msg"))
    return _refusals.refusal(kind, *said, whose=WHOSE, link=link)
