"""How a shop is linked to Kuaishou: the merchant consents to packages of calls, a code comes back.

Source: platforms-cn.md §7.2; a copy of the developer page 401716. A code lasts two minutes. A
refresh gives both tokens anew and the old refresh token ends within five minutes; its end is not
put off by that, so the merchant consents again after half a year. The secret here (app_secret)
is not the one that signs requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from platforms.adapters._fetch import secret, text
from platforms.adapters.kuaishou.calls import HOST, succeeded
from platforms.contract import Link, UnauthorisedError
from platforms.pulling import Http, RefusedCallError, Request, Tokens

AUTHORIZE: Final = "https://open.kwaixiaodian.com/oauth/authorize"

APPLICATION: Final = ("app_key", "app_secret", "secret")
UNVERIFIED: Final = (
    "from a copy of the documentation; that merchant_funds is the package of the calls about "
    "settlements is taken from two programs that ask for it"
)

_PACKAGES: Final = "merchant_funds"
# Stated by a refresh, and for a code only as the documented default.
_REFRESH_LIFE: Final = timedelta(days=180)


def consent_url(link: Link, *, state: str, back: str) -> str:
    """The page of consent; `back` is the address in the app's settings."""
    asked = {
        "app_id": secret(link, "app_key"),
        "redirect_uri": back,
        "scope": _PACKAGES,
        "response_type": "code",
        "state": state,
    }
    return f"{AUTHORIZE}?{urlencode(asked)}"


def exchange(http: Http, link: Link, *, answer: Mapping[str, str], back: str) -> Tokens:
    """Redeem the code. Raises the errors of `pulling.Authorises`."""
    code = answer.get("code", "")
    if not code:
        raise UnauthorisedError("Kuaishou sent no code back")
    query = urlencode({**_app(link), "grant_type": "code", "code": code})
    return _tokens(http, link, Request(method="GET", url=f"{HOST}/oauth2/access_token?{query}"))


def renew(http: Http, link: Link) -> Tokens:
    """New tokens, both of them. Raises the errors of `pulling.Authorises`."""
    refresh = secret(link, "refresh_token")
    form = {**_app(link), "grant_type": "refresh_token", "refresh_token": refresh}
    request = Request(
        method="POST",
        url=f"{HOST}/oauth2/refresh_token",
        headers={"content-type": "application/x-www-form-urlencoded"},
        body=urlencode(form).encode(),
    )
    return _tokens(http, link, request)


def _app(link: Link) -> dict[str, str]:
    return {"app_id": secret(link, "app_key"), "app_secret": secret(link, "app_secret")}


def _tokens(http: Http, link: Link, request: Request) -> Tokens:
    answer = succeeded(http.send(request), link)
    access, refresh = text(answer, "access_token"), text(answer, "refresh_token")
    if not (access and refresh):
        raise RefusedCallError("Kuaishou: the answer holds no tokens")
    now, left = http.now(), text(answer, "refresh_token_expires_in")
    return Tokens(
        secrets={"access_token": access, "refresh_token": refresh},
        expires_at=_after(now, text(answer, "expires_in")),
        renewable_until=_after(now, left) if left else now + _REFRESH_LIFE,
        scopes=_scopes(answer.get("scopes")),
    )


def _after(now: datetime, seconds: str) -> datetime:
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= 9):
        raise RefusedCallError("Kuaishou: the answer does not say how long a token lasts")
    return now + timedelta(seconds=int(seconds))


def _scopes(stated: object) -> tuple[str, ...]:
    """A list, or one text with commas."""
    found = stated.split(",") if isinstance(stated, str) else stated
    return tuple(str(scope) for scope in found if scope) if isinstance(found, list) else ()
