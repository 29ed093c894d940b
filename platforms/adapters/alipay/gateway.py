"""One call of Alipay's open platform: signed with RSA2, its answer checked.

Source: platforms-cn.md §2.1 (ALI-NODE `src/util.ts`, `src/alipay.ts`: what is common goes into
the address, the rest into the body) and the official table of public codes (common/02km9f).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from platforms import signing
from platforms.adapters import _refusals
from platforms.contract import (
    AdapterError,
    BadSignatureError,
    Link,
    RateLimitedError,
    UnauthorisedError,
    UnavailableError,
)
from platforms.pulling import Http, RefusedCallError, Request, Response

GATEWAY: Final = "https://openapi.alipay.com/gateway.do"
ZONE: Final = ZoneInfo("Asia/Shanghai")
DONE: Final = "10000"

_OURS: Final = "Alipay"
_FORM: Final = "application/x-www-form-urlencoded;charset=utf-8"
_NO_NODE: Final = "error_response"
# By sub_code where it says more than its code.
_ERRORS: Final[Mapping[str, type[AdapterError]]] = {
    "20000": UnavailableError,
    "20001": UnauthorisedError,
    "40005": RateLimitedError,
    "app-call-limited": RateLimitedError,
    "method-call-limited": RateLimitedError,
    "isv.invalid-signature": UnauthorisedError,
    "isv.invalid-app-id": UnauthorisedError,
    "isv.missing-signature-key": UnauthorisedError,
    "isp.unknow-error": UnavailableError,
    "UNKNOW_ERROR": UnavailableError,
    "AUTH_CODE_NOT_EXIST": UnauthorisedError,
    "AUTH_CODE_NOT_VALID": UnauthorisedError,
    "AUTH_TOKEN_NOT_FOUND": UnauthorisedError,
    "REFRESH_TOKEN_NOT_EXIST": UnauthorisedError,
    "REFRESH_TOKEN_TIME_OUT": UnauthorisedError,
}


def call(
    http: Http,
    link: Link,
    method: str,
    content: Mapping[str, str],
    *,
    expected: frozenset[str] = frozenset(),
    merchant: bool = True,
) -> Mapping[str, object]:
    """The answer's node; `expected` are sub codes that are no fault.

    `merchant` sends the merchant's token, if there is one: then the call is made for its
    account, else for that of the application's own. Raises the errors of `pull`.
    """
    common = {
        "app_id": _refusals.needed(link, "app_id"),
        "method": method,
        "format": "JSON",
        "charset": "utf-8",
        "sign_type": "RSA2",
        "timestamp": f"{http.now().astimezone(ZONE):%Y-%m-%d %H:%M:%S}",
        "version": "1.0",
    }
    if merchant and (token := link.secrets.get("access_token")):
        common["app_auth_token"] = token
    rest = {"biz_content": json.dumps(content, ensure_ascii=False, separators=(",", ":"))}
    common["sign"] = _signature({**common, **rest}, link)
    request = Request(
        method="POST",
        url=f"{GATEWAY}?{urlencode(common)}",
        headers={"Content-Type": _FORM},
        body=urlencode(rest).encode(),
    )
    return _node(http.send(request), f"{method.replace('.', '_')}_response", link, expected)


def _signature(parameters: Mapping[str, str], link: Link) -> str:
    """Over all raw values by name, `sign_type` included."""
    text = "&".join(f"{name}={parameters[name]}" for name in sorted(parameters))
    return signing.rsa_sha256_signature(
        key=_refusals.needed(link, "private_key"), message=text.encode()
    )


def _node(
    response: Response, name: str, link: Link, expected: frozenset[str]
) -> Mapping[str, object]:
    answer = _refusals.answered(response, whose=_OURS)
    node = answer.get(name, answer.get(_NO_NODE))
    if not isinstance(node, dict):
        raise UnavailableError(f"Alipay's answer has no {name}")
    code, sub = str(node.get("code", "")), str(node.get("sub_code", ""))
    if code != DONE and sub not in expected:
        kind = _ERRORS.get(sub) or _ERRORS.get(code, RefusedCallError)
        said = (code, sub, node.get("sub_msg") or node.get("msg"))
        raise _refusals.refusal(kind, *said, whose=_OURS, link=link)
    if name in answer and link.secrets.get("public_key"):
        _check(response.body.decode(), name, str(answer.get("sign", "")), link)
    return node


def _check(body: str, name: str, sign: str, link: Link) -> None:
    """Raise RefusedCallError unless Alipay signed the node, letter for letter as it came."""
    try:
        fits = signing.rsa_sha256_verified(
            pem=link.secrets["public_key"],
            message=_as_it_came(body, name).encode(),
            signature=signing.from_base64(sign, what="answer's signature"),
        )
    except BadSignatureError as error:
        raise RefusedCallError(f"Alipay's answer cannot be checked: {error}") from error
    if not fits:
        raise RefusedCallError(
            "the link's public_key does not fit what Alipay signed its answer by"
        )


def _as_it_came(body: str, name: str) -> str:
    """The text of the node within the answer: the signature covers it, not its meaning."""
    begin = body.index("{", body.index(f'"{name}"') + len(name) + 2)
    _, end = json.JSONDecoder().raw_decode(body, begin)
    return body[begin:end]
