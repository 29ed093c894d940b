"""Linking an Amazon store: consent in Seller Central, tokens of Login with Amazon (LWA).

Amazon signs nothing of what the browser brings back: `state` alone shows that the return answers
our question. An access token lives an hour; the refresh token stays the same, and the seller must
consent again after 365 days. Who links by key enters the refresh token of a private application.
Sources: platforms-global.md §1.1; developer-docs.amazon.com "Website Authorization Workflow",
"Renew Authorizations", "Connect to the SP-API".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from platforms.adapters._web import Faults, granted, json_object, query, refusal, secret, text
from platforms.adapters.amazon.sites import site
from platforms.contract import Link, ReadError, UnauthorisedError
from platforms.pulling import Http, Request, Response, Tokens
from platforms.reading import json_value

APPLICATION: Final = ("app_id", "app_key", "secret")
"""The application's id (amzn1.sp.solution…), its LWA client id and LWA client secret."""

_TOKEN_URL: Final = "https://api.amazon.com/auth/o2/token"  # noqa: S105  an address
_CONSENT: Final = timedelta(days=365)
# LWA's words stand in `error`; invalid_grant is a token or code that has ended.
_FAULTS: Final[Faults] = {
    "invalid_grant": UnauthorisedError,
    "invalid_client": UnauthorisedError,
    "unauthorized_client": UnauthorisedError,
    "access_denied": UnauthorisedError,
    "401": UnauthorisedError,
}


def consent_url(link: Link, *, state: str, back: str) -> str:
    """The page of consent of the store's own Seller Central."""
    asked = {"application_id": secret(link, "app_id"), "state": state, "redirect_uri": back}
    return f"https://{site(link).central}/apps/authorize/consent?{query(asked)}"


def exchange(http: Http, link: Link, *, answer: Mapping[str, str], back: str) -> Tokens:
    """Redeem `spapi_oauth_code`. Raises UnauthorisedError where the return has none."""
    code = answer.get("spapi_oauth_code", "")
    if not code:
        raise UnauthorisedError("the return has no spapi_oauth_code")
    grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": back}
    response = _asked(http, link, grant)
    return granted(
        json_object(response.body),
        now=http.now(),
        shop=answer.get("selling_partner_id", ""),
        renewable_for=_CONSENT,
    )


def renew(http: Http, link: Link) -> Tokens:
    """A new access token. When consent ends is not said again, so it is left out."""
    grant = {"grant_type": "refresh_token", "refresh_token": secret(link, "refresh_token")}
    response = _asked(http, link, grant)
    return granted(json_object(response.body), now=http.now())


def _asked(http: Http, link: Link, grant: Mapping[str, str]) -> Response:
    application = {
        "client_id": secret(link, "app_key"),
        "client_secret": secret(link, "secret"),
    }
    request = Request(
        method="POST",
        url=_TOKEN_URL,
        headers={"Content-Type": "application/x-www-form-urlencoded;charset=UTF-8"},
        body=query({**grant, **application}).encode(),
        rate="token",
    )
    response = http.send(request)
    if response.status != 200:
        raise refusal(response, codes=_codes(response.body), faults=_FAULTS, link=link)
    return response


def _codes(body: bytes) -> tuple[str, ...]:
    try:
        found = json_value(body)
    except ReadError:
        return ()
    return (text(found, "error"),) if isinstance(found, dict) else ()
