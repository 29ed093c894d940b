"""How a merchant lets us read a Shopee shop, and how the tokens are renewed.

Source: the vendor's "Authorization and authentication" for the tokens. Its link with a signed
time is good for five minutes; the link without, of its newer guides, is used here (seen in the
livestream guide, and for sellers in copies of the page that others made).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from platforms.adapters._asking import needed, number_of, required, seconds
from platforms.adapters.shopee.pull import BASE, REFUSALS, signature
from platforms.contract import Link, UnauthorisedError
from platforms.pulling import Http, RefusedCallError, Request, Tokens

APPLICATION: Final = ("app_id", "secret")

ADDRESS: Final = "https://open.shopee.com/auth"
GET: Final = "/api/v2/auth/token/get"
REFRESH: Final = "/api/v2/auth/access_token/get"
RENEWABLE: Final = timedelta(days=30)

# The field is seconds from now; one of the vendor's samples has an instant in it.
_EPOCH: Final = 1_000_000_000


def consent_url(link: Link, *, state: str, back: str) -> str:
    """Where the seller logs in with the shop's account."""
    query = {
        "partner_id": str(number_of(link, "app_id")),
        "auth_type": "seller",
        "redirect_uri": back,
        "response_type": "code",
        "state": state,
    }
    return f"{ADDRESS}?{urlencode(query)}"


def exchange(http: Http, link: Link, *, answer: Mapping[str, str], back: str) -> Tokens:
    """Redeem the code; it is good once, for ten minutes. Raises UnauthorisedError.

    Raises RefusedCallError for a main account's: its one pair of tokens is for many shops.
    """
    code, shop = answer.get("code", ""), answer.get("shop_id", "")
    if not code:
        raise UnauthorisedError("Shopee gave no code: the seller has not consented")
    if not (shop.isascii() and shop.isdecimal()):
        raise RefusedCallError(
            "Shopee: the consent names no shop; consent again with the shop's own account, "
            "not with a main account"
        )
    return _granted(http, link, GET, int(shop), "code", code)


def renew(http: Http, link: Link) -> Tokens:
    """Get a new pair; the refresh token is good once."""
    token = needed(link, "refresh_token")
    return _granted(http, link, REFRESH, number_of(link, "shop"), "refresh_token", token)


def _granted(http: Http, link: Link, path: str, shop: int, name: str, value: str) -> Tokens:
    body = {name: value, "shop_id": shop, "partner_id": number_of(link, "app_id")}
    response = http.send(
        Request(
            method="POST",
            url=f"{BASE}{path}?{urlencode(signature(http, link, path))}",
            headers={"content-type": "application/json"},
            body=json.dumps(body).encode(),
        )
    )
    answer = REFUSALS.answer(response, link, hidden=(value,))
    return Tokens(
        secrets={
            "access_token": required(answer, "access_token"),
            "refresh_token": required(answer, "refresh_token"),
        },
        expires_at=_ends(http.now(), seconds(answer, "expire_in")),
        renewable_until=http.now() + RENEWABLE,
        shop=str(shop),
    )


def _ends(now: datetime, stated: int) -> datetime:
    if stated > _EPOCH:
        return datetime.fromtimestamp(stated, UTC)
    return now + timedelta(seconds=stated)
