"""The hosts of Etsy's API, how it refuses, and how an answer of it is asked for.

Source: developers.etsy.com (requests, authentication). Since February 2026 the key's header holds
the keystring and the application's shared secret (etsy/open-api discussions #1529, #1531).
"""

from __future__ import annotations

from typing import Final

from platforms.adapters._rest import JSON, Faults, needed
from platforms.contract import Link, UnauthorisedError, UnavailableError
from platforms.pulling import Request

HOST: Final = "https://openapi.etsy.com"
TOKENS: Final = "https://api.etsy.com/v3/public/oauth/token"
FAULTS: Final = Faults(
    platform="Etsy",
    fields=frozenset({"error", "error_description", "message"}),
    codes={
        "401": UnauthorisedError,
        "invalid_token": UnauthorisedError,
        "invalid_grant": UnauthorisedError,
        "invalid_client": UnauthorisedError,
        "Shared secret is required in x-api-key header.": UnauthorisedError,
        "Invalid API key: should be in the format 'keystring:shared_secret'.": UnauthorisedError,
        "Service Unavailable": UnavailableError,
    },
)


def request(link: Link, path: str, token: str) -> Request:
    """A call in the seller's name. Raises UnauthorisedError where the link lacks a secret."""
    key = f"{needed(link, 'app_key')}:{needed(link, 'app_secret')}"
    return Request(
        method="GET",
        url=f"{HOST}/v3/application/{path}",
        headers={"x-api-key": key, "Authorization": f"Bearer {token}", "Accept": JSON},
    )
