"""How a seller of Etsy consents: OAuth 2 with PKCE, tokens of an hour, renewals of 90 days.

PKCE wants a verifier that is sent as a hash to the page of consent and in clear when the code is
redeemed. Nothing is stored between the two, so the verifier is made of what both have: it is the
HMAC of `state` under the application's shared secret. `state` is random and returns with the
browser; the secret never leaves the operator, so nobody who sees the addresses can make it.
Source: developers.etsy.com, authentication.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

from platforms.adapters._oauth import code_of, tokens
from platforms.adapters._rest import FORM, JSON, form, granted, needed, text_of
from platforms.adapters.etsy.calls import FAULTS, TOKENS, request
from platforms.contract import Link, UnauthorisedError
from platforms.pulling import Http, RefusedCallError, Request, Tokens

APPLICATION: Final = ("app_key", "app_secret")
# The ledger, and the shop's number.
SCOPES: Final = ("transactions_r", "shops_r")

_PAGE: Final = "https://www.etsy.com/oauth/connect"
_LASTS: Final = 3600
_RENEWABLE: Final = timedelta(days=90)
# Keeps this use of the secret apart from every other one.
_PURPOSE: Final = b"etsy pkce verifier\n"


def consent_url(link: Link, *, state: str, back: str) -> str:
    """Where the seller consents."""
    query = {
        "response_type": "code",
        "client_id": needed(link, "app_key"),
        "redirect_uri": back,
        "scope": " ".join(SCOPES),
        "state": state,
        "code_challenge": _base64(hashlib.sha256(_verifier(link, state).encode()).digest()),
        "code_challenge_method": "S256",
    }
    return f"{_PAGE}?{urlencode(query)}"


def exchange(http: Http, link: Link, *, answer: Mapping[str, str], back: str) -> Tokens:
    """Redeem the code and ask for the shop. Raises UnauthorisedError and the errors of `pull`."""
    code, verifier = code_of(answer, platform="Etsy"), _verifier(link, answer.get("state", ""))
    granting = _ask(
        http,
        link,
        [code, verifier],
        grant_type="authorization_code",
        redirect_uri=back,
        code=code,
        code_verifier=verifier,
    )
    token = granted(granting, "access_token", platform="Etsy")
    seller = FAULTS.answer(http.send(request(link, "users/me", token)), link, hidden=[token])
    shop = text_of(seller, "shop_id")
    if not shop:
        raise RefusedCallError("the member of Etsy who consented has no shop")
    return _tokens(http, granting, shop)


def renew(http: Http, link: Link) -> Tokens:
    """Get new tokens; the old refresh token ends with it."""
    refresh = needed(link, "refresh_token")
    granting = _ask(http, link, [refresh], grant_type="refresh_token", refresh_token=refresh)
    return _tokens(http, granting, link.secrets.get("shop", ""))


def _ask(http: Http, link: Link, hidden: list[str], **fields: str) -> Mapping[str, object]:
    key = needed(link, "app_key")
    response = http.send(
        Request(
            method="POST",
            url=TOKENS,
            headers={"Accept": JSON, "Content-Type": FORM},
            body=form(client_id=key, **fields),
        )
    )
    return FAULTS.answer(response, link, hidden=hidden)


def _tokens(http: Http, granting: Mapping[str, object], shop: str) -> Tokens:
    # Etsy does not repeat the scopes: what was asked is granted, or nothing.
    said = granting if text_of(granting, "scope") else {**granting, "scope": " ".join(SCOPES)}
    return tokens(said, http.now(), platform="Etsy", lasts=_LASTS, renewable=_RENEWABLE, shop=shop)


def _verifier(link: Link, state: str) -> str:
    """43 characters of those that RFC 7636 allows."""
    if not state:
        raise UnauthorisedError("Etsy's answer has no state: it belongs to no request of ours")
    secret = needed(link, "app_secret").encode()
    return _base64(hmac.new(secret, _PURPOSE + state.encode(), hashlib.sha256).digest())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
