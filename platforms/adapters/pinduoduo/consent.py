"""How a merchant lets the operator's application read its Pinduoduo store.

Source: platforms-cn.md §4.2; the page and the fields of the answers from SDKs in Java, C#, Go,
PHP and Python that agree, and a quotation of the official guide: a code is good for ten minutes,
and a new consent ends the tokens of the one before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from platforms.adapters import _lifetimes, _refusals
from platforms.adapters.pinduoduo import gateway
from platforms.contract import Link, UnauthorisedError, UnavailableError
from platforms.pulling import Http, Tokens

APPLICATION: Final = ("app_key", "secret")
PAGE: Final = "https://fuwu.pinduoduo.com/service-market/auth"

_CREATE: Final = "pdd.pop.auth.token.create"
_REFRESH: Final = "pdd.pop.auth.token.refresh"


def consent_url(link: Link, *, state: str, back: str) -> str:
    """Where the store's main account signs in and agrees."""
    asked = {
        "response_type": "code",
        "client_id": _refusals.needed(link, "app_key"),
        "redirect_uri": back,
        "state": state,
    }
    return f"{PAGE}?{urlencode(asked)}"


def exchange(http: Http, link: Link, *, answer: Mapping[str, str], back: str) -> Tokens:
    """Redeem the `code`. Raises UnauthorisedError and the errors of `pull`."""
    code = answer.get("code", "")
    if not code:
        raise UnauthorisedError("Pinduoduo sent no code back")
    return _tokens(http, link, _CREATE, {"code": code})


def renew(http: Http, link: Link) -> Tokens:
    """Get new tokens for the kept ones. Raises UnauthorisedError and the errors of `pull`."""
    kept = _refusals.needed(link, "refresh_token")
    return _tokens(http, link, _REFRESH, {"refresh_token": kept})


def _tokens(http: Http, link: Link, method: str, content: Mapping[str, str]) -> Tokens:
    said = gateway.call(http, link, method, content, merchant=False)
    token, renewal = said.get("access_token"), said.get("refresh_token")
    if not (token and renewal):
        raise UnavailableError("Pinduoduo's answer has no token")
    owner, scope = str(said.get("owner_id") or ""), said.get("scope")
    secrets = {"access_token": str(token), "refresh_token": str(renewal)}
    return Tokens(
        secrets={**secrets, "shop": owner} if owner else secrets,
        expires_at=_lifetimes.until(http, said.get("expires_in")),
        renewable_until=_lifetimes.until(http, said.get("refresh_token_expires_in")),
        scopes=tuple(map(str, scope)) if isinstance(scope, list) else (),
        shop=owner,
    )
