"""How a shop lets the operator's application read its bills at Taobao.

Source: platforms-cn.md §1.2 and copies of the official guide (articleId=118).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote, urlencode

from platforms.adapters import _lifetimes, _refusals
from platforms.adapters.taobao import gateway
from platforms.contract import Link, ReadError, UnauthorisedError, UnavailableError
from platforms.pulling import Http, Request, Tokens
from platforms.reading import json_value

APPLICATION: Final = ("app_key", "secret")
PAGE: Final = "https://oauth.taobao.com/authorize"
TOKEN: Final = "https://oauth.taobao.com/token"  # noqa: S105  an address

_REFRESH: Final = "taobao.top.auth.token.refresh"


def consent_url(link: Link, *, state: str, back: str) -> str:
    """Where the shop's owner signs in and agrees."""
    asked = {
        "response_type": "code",
        "client_id": _refusals.needed(link, "app_key"),
        "redirect_uri": back,
        "state": state,
        "view": "web",
    }
    return f"{PAGE}?{urlencode(asked)}"


def exchange(http: Http, link: Link, *, answer: Mapping[str, str], back: str) -> Tokens:
    """Redeem the `code`. Raises UnauthorisedError and the errors of `pull`."""
    if not (code := answer.get("code", "")):
        raise UnauthorisedError("Taobao sent no code back")
    sent = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": _refusals.needed(link, "app_key"),
        "client_secret": _refusals.needed(link, "secret"),
        "redirect_uri": back,
        "view": "web",
    }
    headers = {"Content-Type": gateway.FORM}
    request = Request(method="POST", url=TOKEN, headers=headers, body=urlencode(sent).encode())
    said = _refusals.answered(http.send(request), whose=gateway.WHOSE)
    if "error" in said:
        words = (said["error"], said.get("error_description"))
        raise _refusals.refusal(UnauthorisedError, *words, whose=gateway.WHOSE, link=link)
    return _tokens(http, said)


def renew(http: Http, link: Link) -> Tokens:
    """Get new tokens for the kept ones; the refresh token that is used ends.

    Only applications of the service market may. Raises the errors of `pull`.
    """
    content = {"refresh_token": _refusals.needed(link, "refresh_token")}
    _, said = gateway.call(http, link, _REFRESH, content, merchant=False)
    try:
        result = json_value(str(said.get("token_result", "")).encode())
    except ReadError as error:
        raise UnavailableError("Taobao's answer has no token") from error
    return _tokens(http, result if isinstance(result, dict) else {})


def _tokens(http: Http, said: Mapping[str, object]) -> Tokens:
    token, renewal = said.get("access_token"), said.get("refresh_token")
    if not token:
        raise UnavailableError("Taobao's answer has no token")
    ends = _lifetimes.until(http, said.get("expires_in"))
    secrets = {"access_token": str(token)}
    if renewal:
        secrets["refresh_token"] = str(renewal)
    return Tokens(
        secrets=secrets,
        expires_at=ends,
        # An application that may not renew is given no time for it.
        renewable_until=(_lifetimes.until(http, said.get("re_expires_in")) if renewal else None)
        or ends,
        # The name comes escaped as in an address.
        shop=unquote(str(said.get("taobao_user_nick") or "")),
    )
