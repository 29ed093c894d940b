"""How a merchant lets the operator's application read its Alipay account (应用授权).

Source: the official page of `alipay.open.auth.token.app` as copied in SDKs, and the address of
its consent page in several of them. Tokens do not end: `expires_in` is documented as out of use.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from platforms.adapters import _refusals
from platforms.adapters.alipay import gateway
from platforms.contract import Link, UnauthorisedError, UnavailableError
from platforms.pulling import Http, Tokens

APPLICATION: Final = ("app_id", "private_key", "public_key")
PAGE: Final = "https://openauth.alipay.com/oauth2/appToAppAuth.htm"

_METHOD: Final = "alipay.open.auth.token.app"


def consent_url(link: Link, *, state: str, back: str) -> str:
    """Where the merchant signs in and agrees."""
    app_id = _refusals.needed(link, "app_id")
    return f"{PAGE}?{urlencode({'app_id': app_id, 'redirect_uri': back, 'state': state})}"


def exchange(http: Http, link: Link, *, answer: Mapping[str, str], back: str) -> Tokens:
    """Redeem the `app_auth_code`. Raises UnauthorisedError and the errors of `pull`."""
    code = answer.get("app_auth_code", "")
    if not code:
        raise UnauthorisedError("Alipay sent no app_auth_code back")
    if answer.get("app_id", link.secrets.get("app_id")) != link.secrets.get("app_id"):
        raise UnauthorisedError("Alipay's answer is for another application")
    return _tokens(http, link, {"grant_type": "authorization_code", "code": code})


def renew(http: Http, link: Link) -> Tokens:
    """Change the token for a new one; the old one is good for ten minutes more."""
    kept = _refusals.needed(link, "refresh_token")
    return _tokens(http, link, {"grant_type": "refresh_token", "refresh_token": kept})


def _tokens(http: Http, link: Link, content: Mapping[str, str]) -> Tokens:
    said = gateway.call(http, link, _METHOD, content, merchant=False)
    token, renewal = said.get("app_auth_token"), said.get("app_refresh_token")
    if not (token and renewal):
        raise UnavailableError("Alipay's answer has no token")
    return Tokens(
        secrets={"access_token": str(token), "refresh_token": str(renewal)},
        shop=str(said.get("user_id", "")),
    )
