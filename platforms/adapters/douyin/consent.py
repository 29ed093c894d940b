"""How a shop is linked to Douyin: by consent in the service market, or by the shop's own app.

Source: platforms-cn.md §5.2; the official SDK (two copies). An app that others use is ordered in
the service market, whose page asks for the merchant's consent; where it leads back is kept in the
app's settings, so it is not sent. A merchant's own app needs no consent: its key and secret and
the shop's number are enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from platforms.adapters._fetch import secret, text
from platforms.adapters.douyin.calls import call
from platforms.contract import Link, UnauthorisedError
from platforms.pulling import Http, RefusedCallError, Tokens

AUTHORIZE: Final = "https://fuwu.jinritemai.com/authorize"

# `app_id` is the service's number in the service market (service_id), which is not the app's key.
APPLICATION: Final = ("app_key", "secret", "app_id")
UNVERIFIED: Final = (
    "calls from copies of the official SDK, the address from programs that use it; whether "
    "expires_in is a span or an instant is told in both ways, so its size decides"
)

# A refresh token lasts 14 days, an access token 7, both from when they were made; asked for again
# while they last the same two are given, with their old ends.
_BETWEEN_ENDS: Final = timedelta(days=7)
_FIRST_INSTANT: Final = 1_000_000_000


def consent_url(link: Link, *, state: str, back: str) -> str:
    """The page of the service market; it leads to the address in the app's settings, not `back`."""
    return f"{AUTHORIZE}?{urlencode({'service_id': secret(link, 'app_id'), 'state': state})}"


def exchange(http: Http, link: Link, *, answer: Mapping[str, str], back: str) -> Tokens:
    """Redeem the `code`, which lasts ten minutes. Raises the errors of `pulling.Authorises`."""
    code = answer.get("code", "")
    if not code:
        raise UnauthorisedError("Douyin sent no code back")
    return _asked(http, link, "/token/create", {"grant_type": "authorization_code", "code": code})


def renew(http: Http, link: Link) -> Tokens:
    """New tokens for the refresh token; for a merchant's own app, which has none, for its shop."""
    if not link.secrets.get("refresh_token", "").strip():
        return own(http, link)
    asked = {"grant_type": "refresh_token", "refresh_token": secret(link, "refresh_token")}
    return _asked(http, link, "/token/refresh", asked)


def own(http: Http, link: Link) -> Tokens:
    """The tokens of a merchant's own app. Raises UnauthorisedError if the link has no shop."""
    asked = {"grant_type": "authorization_self", "code": "", "shop_id": secret(link, "shop")}
    return _asked(http, link, "/token/create", asked)


def _asked(http: Http, link: Link, path: str, asked: Mapping[str, object]) -> Tokens:
    _, data = call(http, link, path, asked)
    access, refresh = text(data, "access_token"), text(data, "refresh_token")
    if not access:
        raise RefusedCallError("Douyin: the answer holds no token")
    end = _end(text(data, "expires_in"), http.now())
    shop, scopes = text(data, "shop_id"), text(data, "scope")
    given = {"access_token": access, "refresh_token": refresh, "shop": shop}
    return Tokens(
        secrets={name: value for name, value in given.items() if value},
        expires_at=end,
        renewable_until=end + _BETWEEN_ENDS if refresh else None,
        scopes=tuple(scope for scope in scopes.split(",") if scope),
        shop=shop or text(data, "shop_name"),
    )


def _end(stated: str, now: datetime) -> datetime:
    if not (stated.isascii() and stated.isdigit() and len(stated) <= 10):
        raise RefusedCallError("Douyin: the answer does not say how long the token lasts")
    seconds = int(stated)
    if seconds >= _FIRST_INSTANT:
        return datetime.fromtimestamp(seconds, UTC)
    return now + timedelta(seconds=seconds)
