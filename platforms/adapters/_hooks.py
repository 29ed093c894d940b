"""What the checks of hooks share: headers, secrets, comparing, the clock, the document.

Which bytes are signed, and how, is each platform's own and stays in its `push` module.
Everything here raises BadSignatureError.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from datetime import datetime

from platforms import signing
from platforms.contract import BadSignatureError, Document, Link, RawHook, ReadError
from platforms.reading import json_value, shown


def header(hook: RawHook, name: str) -> str:
    """A header that is there."""
    value = hook.headers.get(name, "")
    if not value:
        raise BadSignatureError(f"the header {name} is missing")
    return value


def secrets(link: Link, name: str) -> tuple[str, ...]:
    """The values of a secret (rotation), at least one."""
    found = signing.values(link.secrets.get(name, ""))
    if not found:
        raise BadSignatureError(f"the link has no {name}")
    return found


def require_fit(made: Iterable[str], *, given: str, to: str) -> None:
    """Refuse a signature that is none of those made.

    Every one is compared, so that the time taken does not tell which one fits.
    """
    fits = [signing.same(given=given, expected=expected) for expected in made]
    if not any(fits):
        raise BadSignatureError(f"the signature does not fit the {to}")


def require_fresh(stamp: str, now: datetime, *, window: int) -> None:
    """Refuse Unix seconds that are not within `window` seconds of now."""
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        raise BadSignatureError(f"the timestamp is not Unix seconds: {shown(stamp)}")
    if abs(now.timestamp() - int(stamp)) >= window:
        raise BadSignatureError(f"the timestamp is not within {window} s of now")


def json_object(body: bytes, *, what: str) -> Mapping[str, object]:
    """The JSON object that a body is; `what` with its article ("an event")."""
    try:
        found = json_value(body)
    except ReadError as error:
        raise BadSignatureError(f"the body is not {what}: {error.reason}") from error
    if not isinstance(found, dict):
        raise BadSignatureError(f"the body is not {what}")
    return found


def text(source: Mapping[str, object], name: str, *, what: str) -> str:
    """A text of such an object that is there and not empty."""
    value = source.get(name)
    if not isinstance(value, str) or not value:
        raise BadSignatureError(f"the {what} has no {name}")
    return value


def document(body: bytes, *, name: str, context: Mapping[str, str] | None = None) -> Document:
    """What a hook brought, as a document."""
    return Document(
        name=name,
        head=body,
        open=lambda: io.BytesIO(body),
        origin="hook",
        context=context or {},
    )
