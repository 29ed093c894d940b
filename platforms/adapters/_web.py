"""What calls of web APIs share: a link's secrets, answers in JSON, refusals, OAuth 2 grants.

The table of faults is each platform's own: which of its words means what.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote, urlencode

from platforms import signing
from platforms.adapters._parts import Consent
from platforms.contract import AdapterError, Link, ReadError, UnauthorisedError, UnavailableError
from platforms.pulling import Http, RefusedCallError, Response, Tokens
from platforms.reading import json_value

Faults = Mapping[str, Callable[[str], AdapterError]]
"""A platform's error code, or the HTTP status as text, and the error that is raised for it."""

_WORDS: Final = 300
# Shorter values (a region) are no secrets, and would make holes in the platform's words.
_SHORTEST: Final = 6


def secret(link: Link, name: str) -> str:
    """The first value of a secret. Raises UnauthorisedError where the link has none."""
    found = signing.values(link.secrets.get(name, ""))
    if not found:
        raise UnauthorisedError(f"the link has no {name}")
    return found[0]


def access_token(http: Http, link: Link, consent: Consent) -> str:
    """The link's access token, or one for its refresh token: a link by key may have only that.

    Raises UnauthorisedError where it has neither.
    """
    known = signing.values(link.secrets.get("access_token", ""))
    return known[0] if known else consent.renew(http, link).secrets["access_token"]


def query(pairs: Mapping[str, object]) -> str:
    """A query string: percent-encoded, a space as %20; empty values are left out."""
    return urlencode({k: v for k, v in pairs.items() if v not in ("", None)}, quote_via=quote)


def json_object(body: bytes) -> dict[str, object]:
    """The object of an answer. Raises UnavailableError: a platform that works answers in JSON."""
    try:
        found = json_value(body)
    except ReadError as error:
        raise UnavailableError(f"the answer is no JSON: {error.reason}") from error
    if not isinstance(found, dict):
        raise UnavailableError("the answer is no JSON object")
    return found


def rows(answer: Mapping[str, object], name: str) -> list[dict[str, object]]:
    """The objects of a list. Raises UnavailableError where the answer has no such list."""
    found = answer.get(name)
    if not isinstance(found, list) or any(not isinstance(each, dict) for each in found):
        raise UnavailableError(f"the answer has no list of {name}")
    return found


def text(answer: Mapping[str, object], name: str) -> str:
    """A text or whole number as text; "" where it is null or left out."""
    value = answer.get(name)
    known = isinstance(value, str | int) and not isinstance(value, bool)
    return str(value) if known else ""


def refusal(
    response: Response, *, codes: Iterable[str] = (), faults: Faults, link: Link
) -> AdapterError:
    """The error for an answer, by the first code that the table knows, then by the status.

    What the platform itself says is repeated, with every secret of the link blotted out.
    """
    said = " ".join(response.body[:_WORDS].decode("utf-8", "replace").split())
    for value in link.secrets.values():
        for one in signing.values(value):
            said = said.replace(one, "…") if len(one) >= _SHORTEST else said
    make = next(
        (faults[code] for code in (*codes, str(response.status)) if code in faults),
        RefusedCallError,
    )
    return make(f"HTTP {response.status}: {said}" if said else f"HTTP {response.status}")


def granted(
    answer: Mapping[str, object],
    *,
    now: datetime,
    shop: str = "",
    renewable_for: timedelta | None = None,
) -> Tokens:
    """Read a token endpoint's answer (RFC 6749 §5.1), with `refresh_token_expires_in` if stated.

    Raises UnavailableError where it has no access token.
    """
    access, refresh = text(answer, "access_token"), text(answer, "refresh_token")
    if not access:
        raise UnavailableError("the answer has no access_token")
    return Tokens(
        secrets={"access_token": access, **({"refresh_token": refresh} if refresh else {})},
        expires_at=_after(now, text(answer, "expires_in")),
        renewable_until=_after(now, text(answer, "refresh_token_expires_in"))
        or (now + renewable_for if renewable_for else None),
        scopes=tuple(text(answer, "scope").replace(",", " ").split()),
        shop=shop,
    )


def _after(now: datetime, seconds: str) -> datetime | None:
    return now + timedelta(seconds=int(seconds)) if seconds.isdecimal() else None
