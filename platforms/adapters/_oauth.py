"""What adapters share that are linked by OAuth 2: the code the browser brings, the tokens.

Requests differ (forms and JSON, with PKCE and without); answers are those of RFC 6749 §5.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from platforms.adapters._rest import granted, seconds, text_of
from platforms.contract import UnauthorisedError
from platforms.pulling import Tokens


def code_of(answer: Mapping[str, str], *, platform: str) -> str:
    """The code that the browser brought back. Raises UnauthorisedError where it brought none."""
    code = answer.get("code", "")
    if not code or answer.get("error"):
        # What else it brought is the visitor's to write: nothing of it is repeated.
        raise UnauthorisedError(f"{platform} brought no code back: the merchant did not consent")
    return code


def tokens(
    answer: Mapping[str, object],
    now: datetime,
    *,
    platform: str,
    lasts: int,
    renewable: timedelta,
    shop: str = "",
) -> Tokens:
    """The tokens of an answer; `lasts` is how many seconds they live if it does not say so.

    A shop's id is kept among the secrets too: requests need it. Raises UnavailableError for an
    answer without an access or a refresh token.
    """
    kept = {
        name: granted(answer, name, platform=platform) for name in ("access_token", "refresh_token")
    }
    return Tokens(
        secrets={**kept, "shop": shop} if shop else kept,
        expires_at=now + timedelta(seconds=seconds(answer, "expires_in", otherwise=lasts)),
        renewable_until=now + renewable,
        scopes=tuple(text_of(answer, "scope").split()),
        shop=shop,
    )
