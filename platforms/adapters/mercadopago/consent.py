"""How a seller of Mercado Pago consents: OAuth 2 with a code, tokens of 180 days.

Each renewal gives a new refresh token. After 180 days without one the seller must consent anew.
Source: mercadopago.com developers, OAuth (creation, renewal); `mercadopago` 3.6.0 (official SDK).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

from platforms.adapters._oauth import code_of, tokens
from platforms.adapters._rest import JSON, needed, text_of
from platforms.adapters.mercadopago.calls import FAULTS, HOST
from platforms.contract import Link
from platforms.pulling import Http, Request, Tokens

APPLICATION: Final = ("app_id", "app_secret")

_PAGE: Final = "https://auth.mercadopago.com/authorization"
_LASTS: Final = timedelta(days=180)


def consent_url(link: Link, *, state: str, back: str) -> str:
    """Where the seller consents; the host leads to the page of the seller's country."""
    query = {
        "client_id": needed(link, "app_id"),
        "response_type": "code",
        "platform_id": "mp",
        "state": state,
        "redirect_uri": back,
    }
    return f"{_PAGE}?{urlencode(query)}"


def exchange(http: Http, link: Link, *, answer: Mapping[str, str], back: str) -> Tokens:
    """Redeem the code. Raises UnauthorisedError and the errors of `pull`."""
    code = code_of(answer, platform=FAULTS.platform)
    return _granted(http, link, code, grant_type="authorization_code", code=code, redirect_uri=back)


def renew(http: Http, link: Link) -> Tokens:
    """Get new tokens; the old refresh token ends with it."""
    refresh = needed(link, "refresh_token")
    return _granted(http, link, refresh, grant_type="refresh_token", refresh_token=refresh)


def _granted(http: Http, link: Link, hidden: str, **fields: str) -> Tokens:
    client = {"client_id": needed(link, "app_id"), "client_secret": needed(link, "app_secret")}
    response = http.send(
        Request(
            method="POST",
            url=f"{HOST}/oauth/token",
            headers={"Accept": JSON, "Content-Type": JSON},
            body=json.dumps({**client, **fields}).encode(),
        )
    )
    answer = FAULTS.answer(response, link, hidden=[hidden])
    return tokens(
        answer,
        http.now(),
        platform=FAULTS.platform,
        lasts=int(_LASTS.total_seconds()),
        renewable=_LASTS,
        shop=text_of(answer, "user_id"),
    )
