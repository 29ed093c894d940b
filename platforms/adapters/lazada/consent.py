"""How a merchant lets us read a Lazada shop, and how the tokens are renewed.

Source: the vendor's "Seller authorization introduction" (docId 108260) and its pages for
/auth/token/create and /auth/token/refresh. One address serves all six countries. A cross-border
seller consents once for all of them: the link then says which one is meant.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

from platforms.adapters._asking import needed, required, rows, seconds, text
from platforms.adapters.lazada.pull import REFUSALS, SITES, signed
from platforms.contract import Link, UnauthorisedError
from platforms.pulling import Http, RefusedCallError, Tokens

APPLICATION: Final = ("app_key", "secret")

ADDRESS: Final = "https://auth.lazada.com/oauth/authorize"
BASE: Final = "https://auth.lazada.com/rest"
CREATE: Final = "/auth/token/create"
REFRESH: Final = "/auth/token/refresh"

_CROSS_BORDER: Final = "cb"


def consent_url(link: Link, *, state: str, back: str) -> str:
    """The seller chooses the country there. `back` must be the one registered with the app."""
    query = {
        "response_type": "code",
        "force_auth": "true",
        "redirect_uri": back,
        "client_id": needed(link, "app_key"),
        "state": state,
    }
    return f"{ADDRESS}?{urlencode(query)}"


def exchange(http: Http, link: Link, *, answer: Mapping[str, str], back: str) -> Tokens:
    """Redeem the code; it is good once, for half an hour. Raises UnauthorisedError."""
    code = answer.get("code", "")
    if not code:
        raise UnauthorisedError("Lazada gave no code: the seller has not consented")
    return _granted(http, link, CREATE, {"code": code})


def renew(http: Http, link: Link) -> Tokens:
    """Get a new pair; the refresh token rotates and its end does not move."""
    return _granted(http, link, REFRESH, {"refresh_token": needed(link, "refresh_token")})


def _granted(http: Http, link: Link, path: str, parameters: Mapping[str, str]) -> Tokens:
    response = http.send(signed(http, link, BASE, path, parameters))
    answer = REFUSALS.answer(response, link, hidden=tuple(parameters.values()))
    region, shop = _shop(answer, link)
    expires_at = http.now() + timedelta(seconds=seconds(answer, "expires_in"))
    # 0: this application's tokens cannot be renewed.
    renewable = seconds(answer, "refresh_expires_in")
    return Tokens(
        secrets={
            "access_token": required(answer, "access_token"),
            "refresh_token": required(answer, "refresh_token"),
            "region": region,
        },
        expires_at=expires_at,
        renewable_until=(http.now() + timedelta(seconds=renewable) if renewable else expires_at),
        shop=shop,
    )


def _shop(answer: Mapping[str, object], link: Link) -> tuple[str, str]:
    """The country, and the seller's number there. Raises RefusedCallError if it is not known."""
    granted = required(answer, "country").lower()
    wanted = link.secrets.get("region", "").strip().lower() or granted
    # The two calls give one list two names.
    users = [*rows(answer, "country_user_info"), *rows(answer, "country_user_info_list")]
    shops = {text(user, "country").lower(): text(user, "seller_id") for user in users}
    if wanted not in SITES or granted not in (wanted, _CROSS_BORDER) or not shops.get(wanted):
        raise RefusedCallError(
            f"Lazada: the consent is for {', '.join(shops) or granted}, the link's region is "
            f"{wanted!r}; it must be one of {', '.join(SITES)}"
        )
    return wanted, shops[wanted]
