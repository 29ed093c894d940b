"""What adapters that are linked by consent share: how long a token is good for."""

from __future__ import annotations

from datetime import datetime, timedelta

from platforms.pulling import Http


def until(http: Http, seconds: object) -> datetime | None:
    """When so many seconds from now are over, as a number or as text; None for none and for 0."""
    text = str(seconds)
    if not (text.isascii() and text.isdecimal() and len(text) <= 10 and int(text)):
        return None
    return http.now() + timedelta(seconds=int(text))
