"""What adapters that fetch share: a platform's "no" as one of the hub's named errors.

Which code means which error stands in one table in each adapter. Its own words are told, for a
person; secrets are not, though some platforms repeat what they were sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from platforms import signing
from platforms.contract import (
    AdapterError,
    Link,
    RateLimitedError,
    ReadError,
    UnauthorisedError,
    UnavailableError,
)
from platforms.pulling import Response
from platforms.reading import json_value

# Where a platform asks to slow down and does not say for how long.
PAUSE: Final = 60
_TOLD: Final = frozenset({"shop", "region", "serial", "app_id", "app_key"})
_OF_SEVERAL_LINES: Final = frozenset({"private_key", "public_key"})
_LONGEST: Final = 300


def needed(link: Link, name: str) -> str:
    """A secret of the link, the first of several. Raises UnauthorisedError where it has none."""
    value = link.secrets.get(name, "").strip()
    if not value:
        raise UnauthorisedError(f"the link has no {name}")
    return value if name in _OF_SEVERAL_LINES else signing.values(value)[0]


def answered(response: Response, *, whose: str) -> Mapping[str, object]:
    """The JSON object of an answer. Raises UnavailableError: a gateway's page is no answer."""
    try:
        value = json_value(response.body)
    except ReadError as error:
        raise UnavailableError(f"{whose} answered {response.status} without JSON") from error
    if not isinstance(value, dict):
        raise UnavailableError(f"{whose} answered {response.status} without an object")
    return value


def refusal(
    kind: type[AdapterError], *words: object, whose: str, link: Link, pause: int = PAUSE
) -> AdapterError:
    """The error of that kind with the platform's words, without the link's secrets."""
    said = " ".join(str(word) for word in words if word not in (None, ""))
    for name, secret in link.secrets.items():
        for value in signing.values(secret) if name not in _TOLD else ():
            said = said.replace(value, "…")
    told = f"{whose} says: {_printable(said)[:_LONGEST]}"
    if kind is RateLimitedError:
        return RateLimitedError(told, retry_after=pause)
    return kind(told)


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
