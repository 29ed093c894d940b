"""How a store is linked to Xiaohongshu: its owner consents in 千帆, a code comes back.

Source: platforms-cn.md §8.2; open.xiaohongshu.com/document/developer/file/341 and /342 as copies
and two SDKs quote them. A code lasts ten minutes. A refresh in the last half hour of a token (or
later) gives new ones; an earlier one gives the same again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from platforms.adapters._fetch import secret, text
from platforms.adapters.xiaohongshu.calls import call
from platforms.contract import Link, UnauthorisedError
from platforms.pulling import Http, RefusedCallError, Tokens

AUTHORIZE: Final = "https://ark.xiaohongshu.com/ark/authorization"

APPLICATION: Final = ("app_id", "secret")
UNVERIFIED: Final = (
    "the address, the two calls and their answers from copies of the documentation and from SDKs; "
    "how a code or token that has ended is refused is not published"
)

_MILLIS_LENGTH: Final = 13


def consent_url(link: Link, *, state: str, back: str) -> str:
    """千帆's page for the store's owner."""
    asked = {"appId": secret(link, "app_id"), "redirectUri": back, "state": state}
    return f"{AUTHORIZE}?{urlencode(asked)}"


def exchange(http: Http, link: Link, *, answer: Mapping[str, str], back: str) -> Tokens:
    """Redeem the code. Raises the errors of `pulling.Authorises`."""
    code = answer.get("code", "")
    if not code:
        raise UnauthorisedError("Xiaohongshu sent no code back")
    return _asked(http, link, "oauth.getAccessToken", {"code": code})


def renew(http: Http, link: Link) -> Tokens:
    """New tokens, or the same ones while they last. Raises the errors of `pulling.Authorises`."""
    asked = {"refreshToken": secret(link, "refresh_token")}
    return _asked(http, link, "oauth.refreshToken", asked)


def _asked(http: Http, link: Link, method: str, asked: Mapping[str, object]) -> Tokens:
    _, data = call(http, link, method, asked)
    access, refresh = text(data, "accessToken"), text(data, "refreshToken")
    if not (access and refresh):
        raise RefusedCallError("Xiaohongshu: the answer holds no tokens")
    return Tokens(
        secrets={"access_token": access, "refresh_token": refresh},
        expires_at=_instant(data, "accessTokenExpiresAt"),
        renewable_until=_instant(data, "refreshTokenExpiresAt"),
        shop=text(data, "sellerId") or text(data, "sellerName"),
    )


def _instant(data: Mapping[str, object], name: str) -> datetime:
    """An end in Unix milliseconds. Raises RefusedCallError for anything else."""
    stated = text(data, name)
    if not (stated.isascii() and stated.isdigit() and len(stated) == _MILLIS_LENGTH):
        raise RefusedCallError(f"Xiaohongshu: {name} is no instant in milliseconds")
    return datetime.fromtimestamp(int(stated) // 1000, UTC)
