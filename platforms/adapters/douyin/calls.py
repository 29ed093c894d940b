"""One signed call of Douyin's open API, and its error codes. Source: platforms-cn.md §5.1.

The codes are those of op.jinritemai.com/docs/guide-docs/212/1427 (two copies): a number, and
with most numbers a more exact word.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from platforms.adapters._fetch import Refusals, inside, secret, text, without_secrets
from platforms.adapters.douyin.request import param_json, sign
from platforms.contract import Link
from platforms.pulling import Http, RefusedCallError, Request

HOST: Final = "https://openapi-fxg.jinritemai.com"

_DONE: Final = ("10000", "0")
_INSIDE_DONE: Final = "100000"

_TOKEN_FAILED: Final = "dop.token-generate-failed:"  # noqa: S105  a word, no secret
_REFUSALS: Final = Refusals(
    platform="Douyin",
    unauthorised=frozenset(
        {"isv.access-token-expired", "isv.access-token-no-existed", "isv.access-token-invalid"}
        | {"isv.access-token-missing", "isv.signature-invalid", "isv.signature-missing"}
        | {"isv.app-id-missing", "isv.app-id-invalid", "isv.app-id-expired"}
        | {"isv.authorization-type-invalid", "dop.authorization-no-existed"}
        | {"dop.authorization-closed", "dop.app-forbidden", "isv.business-failed:31009"}
        | {f"{_TOKEN_FAILED}{word}" for word in ("code-expired", "code-invalid", "token-expired")}
        | {f"{_TOKEN_FAILED}{word}" for word in ("token-invalid", "no-authorization")}
        | {f"{_TOKEN_FAILED}{word}" for word in ("app-secret-invalid", "app-forbidden")}
    ),
    # 20000 and 20001: not to be reached, or not in time; 50000 and 90000: something else inside.
    unavailable=frozenset({"20000", "20001", "50000", "90000"}),
    slower={"60000": 60},
)


def call(
    http: Http, link: Link, path: str, parameters: Mapping[str, object], *, token: str = ""
) -> tuple[bytes, Mapping[str, object]]:
    """Make one call; give the answer's bytes, and what is in its `data`.

    What is signed is what is sent: the parameters are written once. Raises the errors of
    `pulling.Pulls`.
    """
    key, body = secret(link, "app_key"), param_json(parameters)
    method, stamp = path.strip("/").replace("/", "."), str(int(http.now().timestamp()))
    query = {
        "app_key": key,
        "method": method,
        "timestamp": stamp,
        "v": "2",
        "sign": sign(
            app_key=key,
            secret=secret(link, "secret"),
            method=method,
            param_json=body,
            timestamp=stamp,
        ),
        "sign_method": "hmac-sha256",
    }
    if token:
        query["access_token"] = token
    request = Request(
        method="POST",
        url=f"{HOST}{path}?{urlencode(query)}",
        # The second header chooses the envelope with `code` and the list of errors above.
        headers={"content-type": "application/json;charset=UTF-8", "x-open-no-old-err-code": "1"},
        body=body.encode(),
    )
    response = http.send(request)
    return response.body, _data(_REFUSALS.answer(response), link, token)


def require_done(data: Mapping[str, object], link: Link) -> None:
    """Raise RefusedCallError unless the inner envelope of a bill says so too."""
    if text(data, "code") != _INSIDE_DONE:
        said = f"Douyin: {text(data, 'code')} {text(data, 'code_msg')}"
        raise RefusedCallError(without_secrets(said, link))


def _data(answer: Mapping[str, object], link: Link, token: str) -> Mapping[str, object]:
    code = text(answer, "code") or text(answer, "err_no")
    if code not in _DONE:
        # One word is printed with a blank in it in the platform's own list.
        word = text(answer, "sub_code").replace(" ", "")
        said = " ".join(text(answer, name) for name in ("msg", "message", "sub_msg"))
        hidden = Link(secrets={**link.secrets, "access_token": token})
        raise _REFUSALS.error(hidden, said.strip(), word, code)
    return inside(answer, "data")
