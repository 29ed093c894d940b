"""Linking an eBay store: the OAuth authorization code grant.

eBay signs nothing of what the browser brings back: `state` alone shows that the return answers
our question. An access token lives two hours; the refresh token stays the same for 18 months,
then the seller must consent again. Sources: platforms-global.md §3; developer.ebay.com "The
authorization code grant flow", "Using a refresh token".
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Final

from platforms.adapters._web import Faults, granted, json_object, query, refusal, secret
from platforms.contract import Link, UnauthorisedError
from platforms.pulling import Http, Request, Tokens

APPLICATION: Final = ("app_key", "secret", "app_id")
"""The client id, the client secret, and as app_id the RuName: eBay's name for an address of
return, which is registered with eBay and sent in its place."""

_SCOPE: Final = "https://api.ebay.com/oauth/api_scope/sell.finances"
_TOKEN_URL: Final = "https://api.ebay.com/identity/v1/oauth2/token"  # noqa: S105  an address
# 400 is invalid_grant: a code or refresh token that has ended. 401 is invalid_client.
_FAULTS: Final[Faults] = {"400": UnauthorisedError, "401": UnauthorisedError}


def consent_url(link: Link, *, state: str, back: str) -> str:
    """eBay's page of consent. `back` must be what the RuName stands for: it is not sent."""
    asked = {
        "client_id": secret(link, "app_key"),
        "redirect_uri": secret(link, "app_id"),
        "response_type": "code",
        "scope": _SCOPE,
        "state": state,
    }
    return f"https://auth.ebay.com/oauth2/authorize?{query(asked)}"


def exchange(http: Http, link: Link, *, answer: Mapping[str, str], back: str) -> Tokens:
    """Redeem `code`. Raises UnauthorisedError where the return has none."""
    code = answer.get("code", "")
    if not code:
        raise UnauthorisedError("the return has no code")
    grant = {"grant_type": "authorization_code", "code": code}
    return _tokens(http, link, {**grant, "redirect_uri": secret(link, "app_id")})


def renew(http: Http, link: Link) -> Tokens:
    """A new access token. When consent ends is not said again, so it is left out."""
    refresh = secret(link, "refresh_token")
    grant = {"grant_type": "refresh_token", "refresh_token": refresh, "scope": _SCOPE}
    return _tokens(http, link, grant)


def _tokens(http: Http, link: Link, grant: Mapping[str, str]) -> Tokens:
    pair = f"{secret(link, 'app_key')}:{secret(link, 'secret')}".encode()
    request = Request(
        method="POST",
        url=_TOKEN_URL,
        headers={
            "Authorization": f"Basic {base64.b64encode(pair).decode()}",
            "Content-Type": "application/x-www-form-urlencoded",
        },
        body=query(grant).encode(),
    )
    response = http.send(request)
    if response.status != 200:
        raise refusal(response, faults=_FAULTS, link=link)
    return granted(json_object(response.body), now=http.now())
