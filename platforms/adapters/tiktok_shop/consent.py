"""How a merchant lets us read a TikTok Shop, and how the tokens are renewed.

Source: the vendor's "Authorization overview" (202407). The address of consent is that of the
service the app belongs to, and another one in the United States; the way back is registered with
the app and cannot be named.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from platforms.adapters._asking import inside, needed, number_of, required, seconds, text
from platforms.adapters.tiktok_shop.pull import REFUSALS, shop_of
from platforms.contract import Link, UnauthorisedError
from platforms.pulling import Http, RefusedCallError, Request, Tokens

# `app_id` is the service's number.
APPLICATION: Final = ("app_key", "secret", "app_id")

ADDRESS: Final = "https://services.tiktokshop.com/open/authorize"
UNITED_STATES: Final = "https://services.tiktokshops.us/open/authorize"
BASE: Final = "https://auth.tiktok-shops.com"
GET: Final = "/api/v2/token/get"
REFRESH: Final = "/api/v2/token/refresh"

_SELLER: Final = "0"


def consent_url(link: Link, *, state: str, back: str) -> str:
    """Where the seller chooses the region and consents; `back` is the app's own."""
    region = link.secrets.get("region", "").strip().upper()
    query = {"service_id": str(number_of(link, "app_id")), "state": state}
    return f"{UNITED_STATES if region == 'US' else ADDRESS}?{urlencode(query)}"


def exchange(http: Http, link: Link, *, answer: Mapping[str, str], back: str) -> Tokens:
    """Redeem the code; it is good once, for half an hour. Raises UnauthorisedError.

    Raises RefusedCallError where the consent opens no shop or several that fit the link.
    """
    code = answer.get("code", "")
    # A seller who refuses comes back with `code=null&error=auth_denied`.
    if answer.get("error") or code in ("", "null"):
        raise UnauthorisedError("TikTok Shop gave no code: the seller has not consented")
    data = _granted(http, link, GET, {"auth_code": code, "grant_type": "authorized_code"})
    if text(data, "user_type") not in ("", _SELLER):
        raise RefusedCallError("TikTok Shop: the consent is not a seller's")
    tokens = _tokens(data, shop="")
    opened = Link(secrets={**link.secrets, **tokens.secrets})
    return _tokens(data, shop=required(shop_of(http, opened), "id"))


def renew(http: Http, link: Link) -> Tokens:
    """Get a new access token; the refresh token may be another one too."""
    parameters = {"refresh_token": needed(link, "refresh_token"), "grant_type": "refresh_token"}
    return _tokens(_granted(http, link, REFRESH, parameters), shop="")


def _granted(
    http: Http, link: Link, path: str, parameters: Mapping[str, str]
) -> Mapping[str, object]:
    """The vendor takes the secret in the address only, and lists no codes of its own here.

    What is refused for another reason than load is the consent itself.
    """
    query = {
        "app_key": needed(link, "app_key"),
        "app_secret": needed(link, "secret"),
        **parameters,
    }
    response = http.send(Request(method="GET", url=f"{BASE}{path}?{urlencode(query)}"))
    hidden = tuple(value for name, value in parameters.items() if name != "grant_type")
    answer = REFUSALS.answer(response, link, otherwise=UnauthorisedError, hidden=hidden)
    return inside(answer, "data")


def _tokens(data: Mapping[str, object], *, shop: str) -> Tokens:
    """Both ends are instants, though the fields are called "expire in"."""
    scopes = data.get("granted_scopes")
    return Tokens(
        secrets={
            "access_token": required(data, "access_token"),
            "refresh_token": required(data, "refresh_token"),
        },
        expires_at=datetime.fromtimestamp(seconds(data, "access_token_expire_in"), UTC),
        renewable_until=datetime.fromtimestamp(seconds(data, "refresh_token_expire_in"), UTC),
        scopes=tuple(map(str, scopes)) if isinstance(scopes, list) else (),
        shop=shop,
    )
