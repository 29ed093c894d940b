"""One signed call of Xiaohongshu's gateway. Source: platforms-cn.md §8.1 (its developer pages).

There is one address for everything: what is asked stands in the body, among the parameters that
sign it. A call about money is wrapped twice, and each wrapping says whether it succeeded.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from platforms.adapters._fetch import Refusals, inside, secret, text
from platforms.adapters.xiaohongshu.requests import sign
from platforms.contract import Link
from platforms.pulling import Http, Request

GATEWAY: Final = "https://ark.xiaohongshu.com/ark/open_api/v3/common_controller"

_VERSION: Final = "2.0"
_LAYERS: Final = 3
# The platform publishes no list of its codes; all but the statuses of HTTP refuse the call.
_REFUSALS: Final = Refusals(platform="Xiaohongshu")


def call(
    http: Http, link: Link, method: str, parameters: Mapping[str, object], *, token: str = ""
) -> tuple[bytes, Mapping[str, object]]:
    """Make one call; give the answer's bytes, and what is in its innermost `data`.

    Raises the errors of `pulling.Pulls`.
    """
    signed = {
        "appId": secret(link, "app_id"),
        "method": method,
        "version": _VERSION,
        "timestamp": str(int(http.now().timestamp())),
    }
    asked = {**parameters, **signed, "sign": sign(signed, secret=secret(link, "secret"))}
    if token:
        asked["accessToken"] = token
    request = Request(
        method="POST",
        url=GATEWAY,
        headers={"content-type": "application/json;charset=utf-8"},
        body=json.dumps(asked, separators=(",", ":"), ensure_ascii=False).encode(),
    )
    response = http.send(request)
    return response.body, _innermost(_REFUSALS.answer(response), link)


def _innermost(layer: Mapping[str, object], link: Link) -> Mapping[str, object]:
    """What the wrappings hold; a wrapping is told by its `success`."""
    for depth in range(_LAYERS):
        if "success" not in layer and depth:
            break
        if layer.get("success") is not True or text(layer, "error_code") not in ("", "0"):
            code = text(layer, "error_code") or text(layer, "code")
            words = text(layer, "error_msg") or text(layer, "msg")
            raise _REFUSALS.error(link, words, code)
        layer = inside(layer, "data")
    return layer
