"""How Shopify's Admin API is addressed, and what its refusals mean.

Sources: platforms-global.md §2; shopify.dev "REST Admin API response status codes".
"""

from __future__ import annotations

import re
from typing import Final

from platforms.adapters._web import Faults, refusal, secret
from platforms.contract import Link, UnauthorisedError, UnavailableError
from platforms.pulling import Http, RefusedCallError, Request, Response

_HOST: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,61}\.myshopify\.com", re.ASCII)
# Shopify has no codes but the status. 423: the store is locked by Shopify for a while.
FAULTS: Final[Faults] = {"401": UnauthorisedError, "423": UnavailableError}


def host(link: Link) -> str:
    """The store's host, which is a part of every address.

    Raises RefusedCallError for anything but `name.myshopify.com`: a token or a client secret
    must never be sent to a host that somebody typed.
    """
    shop = secret(link, "shop").lower()
    if not _HOST.fullmatch(shop):
        raise RefusedCallError("the shop is not of the form name.myshopify.com")
    return shop


def call(http: Http, link: Link, request: Request, *, faults: Faults = FAULTS) -> Response:
    """Send a request and give the answer if it is one. Raises the errors of `pull`."""
    response = http.send(request)
    if response.status != 200:
        raise refusal(response, faults=faults, link=link)
    return response
