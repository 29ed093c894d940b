"""Mercado Pago's notifications: hex HMAC-SHA256 over a manifest of three values.

`id:<data.id of the URL>;request-id:<x-request-id>;ts:<ts>;`: a value that is missing takes
its pair with it. The body is not signed at all: the resource is to be read again. Two
points are open (platforms-global.md §6) and both ways are accepted: whether the id is
lower-cased, and whether `ts` counts seconds or milliseconds. No window is documented, so
there is none and deliveries are deduplicated by the request id. QR notifications are not
signed and are refused.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from platforms import signing
from platforms.adapters import _hooks
from platforms.contract import BadSignatureError, Document, Link, RawHook, ReadError, Reply
from platforms.reading import json_value, shown

HEADER: Final = "x-signature"
MAX_FIELDS: Final = 100
# The year 5138 in seconds, 1973 in milliseconds: no time worth signing is between.
_MILLISECONDS_FROM: Final = 100_000_000_000

_ACCEPTED: Final = Reply(status=200)
_REFUSED: Final = Reply(status=401)


def manifest(*, data_id: str, request_id: str, ts: str) -> str:
    """What is signed; the last semicolon stays."""
    pairs = (("id", data_id), ("request-id", request_id), ("ts", ts))
    return "".join(f"{name}:{value};" for name, value in pairs if value)


def sign(*, secret: str, data_id: str, request_id: str, ts: str) -> str:
    """The v1 signature, lower-case hex."""
    message = manifest(data_id=data_id, request_id=request_id, ts=ts).encode()
    return signing.hmac_sha256_hex(secret=secret, message=message)


def verify(hook: RawHook, link: Link, now: datetime) -> None:
    """Raise BadSignatureError unless a secret of the link signed these three values."""
    secrets = _hooks.secrets(link, "secret")
    ts, given = _parts(hook)
    _signed_at(ts)
    named, request = _data_id(hook), hook.headers.get("x-request-id", "")
    # An id that holds the next pair would make the same manifest of other values.
    if ";" in named + request:
        raise BadSignatureError("the signature does not fit: a value has a semicolon")
    _hooks.require_fit(
        (
            sign(secret=secret, data_id=name, request_id=request, ts=ts)
            for secret in secrets
            for name in (named, named.lower())
        ),
        given=given,
        to="notification",
    )


def unwrap(hook: RawHook, link: Link) -> Document:
    """The body as a document; the context carries what is signed: `data_id`, `signed_at`.

    Raises BadSignatureError where the body names another resource than the signed URL.
    """
    body, named = hook.body, _data_id(hook)
    told = _told_id(body)
    if told and named and told.lower() != named.lower():
        raise BadSignatureError("the body names another resource than the signed address")
    return _hooks.document(
        body,
        name=named,
        context={"data_id": named, "signed_at": _signed_at(_parts(hook)[0]).isoformat()},
    )


def delivery_id(hook: RawHook) -> str:
    """The request id, or a hash of what is signed where there is none."""
    request = hook.headers.get("x-request-id", "")
    if request:
        return request
    signed = manifest(data_id=_data_id(hook), request_id="", ts=_parts(hook)[0])
    return hashlib.sha256(signed.encode()).hexdigest()


def reply(accepted: bool) -> Reply:
    """200 within 22 s is an acknowledgement; a refusal is 401. Both bodies are empty."""
    return _ACCEPTED if accepted else _REFUSED


def _parts(hook: RawHook) -> tuple[str, str]:
    """`ts` and `v1` of the header. Raises BadSignatureError."""
    pairs = [part.strip().partition("=") for part in _hooks.header(hook, HEADER).split(",")]
    values = {name: value for name, _, value in pairs}
    if len(values) != len(pairs):
        raise BadSignatureError(f"the header {HEADER} states a value twice")
    if not values.get("ts") or not values.get("v1"):
        raise BadSignatureError(f"the header {HEADER} has no ts or v1: it is missing a part")
    return values["ts"], values["v1"]


def _signed_at(ts: str) -> datetime:
    """The time of the signature, seconds or milliseconds by its size."""
    if not (ts.isascii() and ts.isdigit() and len(ts) <= 14):
        raise BadSignatureError(f"the timestamp is no Unix time: {shown(ts)}")
    seconds = int(ts) // 1000 if int(ts) >= _MILLISECONDS_FROM else int(ts)
    return datetime.fromtimestamp(seconds, UTC)


def _data_id(hook: RawHook) -> str:
    """`data.id` of the address, "" where it has none. Raises BadSignatureError for two."""
    try:
        query = urlsplit(hook.url).query
        pairs = parse_qsl(query, errors="strict", max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise BadSignatureError("the address of the notification cannot be read") from error
    found = [value for name, value in pairs if name == "data.id"]
    if len(found) > 1:
        raise BadSignatureError("the address names two resources")
    return found[0] if found else ""


def _told_id(body: bytes) -> str:
    """The `data.id` that the body tells, "" where it tells none."""
    try:
        told = json_value(body) if body else None
    except ReadError as error:
        raise BadSignatureError(f"the body is no notification: {error.reason}") from error
    data = told.get("data") if isinstance(told, dict) else None
    found = data.get("id") if isinstance(data, dict) else None
    return str(found) if isinstance(found, str | int) else ""
