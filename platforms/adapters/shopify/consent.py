"""Linking a Shopify store: the OAuth authorization code grant, with expiring offline tokens.

Shopify signs what the browser brings back: lower hex HMAC-SHA256 under the client secret over
the sorted `name=value` pairs without `hmac` and `signature`. An access token lives an hour; each
renewal gives a new refresh token in place of the old one. Sources: platforms-global.md §2.1 and
§2.2 (vectors); shopify.dev "Authenticate a standalone app", "About offline access tokens";
Shopify/shopify-app-js (`refresh-token.ts`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from platforms import signing
from platforms.adapters._web import Faults, granted, json_object, query, secret
from platforms.adapters.shopify import rest
from platforms.contract import Link, UnauthorisedError
from platforms.pulling import Http, Request, Tokens

APPLICATION: Final = ("app_key", "secret")
"""The client id and the client secret, which also signs webhooks."""

_SCOPE: Final = "read_shopify_payments_payouts"
# Seconds; the tolerance of Shopify's own library for JavaScript.
_WINDOW: Final = 90
# A code or a refresh token that has been used or is too old is refused with 400.
_FAULTS: Final[Faults] = {**rest.FAULTS, "400": UnauthorisedError}
_UNSIGNED: Final = frozenset({"hmac", "signature"})


def consent_url(link: Link, *, state: str, back: str) -> str:
    """The store's own page of consent. Raises RefusedCallError for a shop that is none."""
    asked = {
        "client_id": secret(link, "app_key"),
        "scope": _SCOPE,
        "redirect_uri": back,
        "state": state,
    }
    return f"https://{rest.host(link)}/admin/oauth/authorize?{query(asked)}"


def exchange(http: Http, link: Link, *, answer: Mapping[str, str], back: str) -> Tokens:
    """Check the return and redeem its code. Raises UnauthorisedError for one that is not signed,
    too old, or of another shop; `back` is not sent again.
    """
    _check(http, link, answer)
    return _token(http, link, {"code": answer.get("code", ""), "expiring": "1"})


def renew(http: Http, link: Link) -> Tokens:
    """A new access token and a new refresh token. Raises UnauthorisedError where consent ended."""
    refresh = secret(link, "refresh_token")
    return _token(http, link, {"grant_type": "refresh_token", "refresh_token": refresh})


def signed_text(answer: Mapping[str, str]) -> str:
    """What Shopify signs of a return, its values decoded."""
    pairs = sorted((k, v) for k, v in answer.items() if k not in _UNSIGNED)
    return "&".join(f"{_escaped(k).replace('=', '%3D')}={_escaped(v)}" for k, v in pairs)


def _escaped(value: str) -> str:
    """Shopify's own libraries escape what would otherwise join two pairs into one."""
    return value.replace("%", "%25").replace("&", "%26")


def _check(http: Http, link: Link, answer: Mapping[str, str]) -> None:
    message, given = signed_text(answer).encode(), answer.get("hmac", "")
    fits = [
        signing.same(given=given, expected=signing.hmac_sha256_hex(secret=one, message=message))
        for one in signing.values(link.secrets.get("secret", ""))
    ]
    if not any(fits):
        raise UnauthorisedError("the return is not signed by Shopify")
    if answer.get("shop", "") != rest.host(link):
        raise UnauthorisedError("the return is of another shop")
    stamp = answer.get("timestamp", "")
    known = stamp.isascii() and stamp.isdigit() and len(stamp) <= 12
    if not known or abs(http.now().timestamp() - int(stamp)) > _WINDOW:
        raise UnauthorisedError(f"the return is not within {_WINDOW} s of now: begin again")


def _token(http: Http, link: Link, grant: Mapping[str, str]) -> Tokens:
    host = rest.host(link)
    asked = {
        "client_id": secret(link, "app_key"),
        "client_secret": secret(link, "secret"),
        **grant,
    }
    request = Request(
        method="POST",
        url=f"https://{host}/admin/oauth/access_token",
        headers={"Content-Type": "application/json", "Accept": "application/json"},
        body=json.dumps(asked, separators=(",", ":")).encode(),
    )
    response = rest.call(http, link, request, faults=_FAULTS)
    return granted(json_object(response.body), now=http.now(), shop=host)
