"""The host of Mercado Pago's API, how it refuses, and how an answer of it is asked for."""

from __future__ import annotations

from typing import Final

from platforms.adapters._rest import JSON, Faults, needed
from platforms.contract import Link, RateLimitedError, UnauthorisedError, UnavailableError
from platforms.pulling import Request

HOST: Final = "https://api.mercadopago.com"
FAULTS: Final = Faults(
    platform="Mercado Pago",
    fields=frozenset({"message", "error", "error_description", "description", "code"}),
    codes={
        "401": UnauthorisedError,
        "invalid_client": UnauthorisedError,
        "invalid_grant": UnauthorisedError,
        "invalid_token": UnauthorisedError,
        "Invalid token": UnauthorisedError,
        "unauthorized": UnauthorisedError,
        "too_many_requests": RateLimitedError,
        "local_rate_limited": RateLimitedError,
        "internal_error": UnavailableError,
    },
)


def request(link: Link, path: str, *, method: str = "GET", body: bytes = b"") -> Request:
    """A call in the seller's name. Raises UnauthorisedError where the link has no token."""
    headers = {"Authorization": f"Bearer {needed(link, 'access_token')}", "Accept": JSON}
    if body:
        headers["Content-Type"] = JSON
    return Request(method=method, url=HOST + path, headers=headers, body=body)
