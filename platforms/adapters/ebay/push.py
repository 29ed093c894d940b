"""eBay notifications: an ECDSA signature over the raw body, and the endpoint's challenge.

`x-ebay-signature` is base64 of JSON with the signature, its digest and the id of the key.
The link holds the public key, or several. Nothing says when it was signed, so deliveries
are deduplicated by id. Source: platforms-global.md §3.1.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from platforms import signing
from platforms.adapters import _hooks
from platforms.contract import BadSignatureError, Document, Link, RawHook, ReadError, Reply
from platforms.reading import json_value

MAX_FIELDS: Final = 50

_HEADER: Final = "x-ebay-signature"
_DIGESTS: Final = {
    "SHA1": signing.ecdsa_sha1_verified,
    "SHA256": signing.ecdsa_sha256_verified,
}
_ACCEPTED: Final = Reply(status=204)
_REFUSED: Final = Reply(status=412)
# eBay gives its keys in one line, which no reader of PEM takes.
_FLAT: Final = re.compile(r"-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----")


def verify(hook: RawHook, link: Link, now: datetime) -> None:
    """Raise BadSignatureError unless a key of the link signed exactly this body."""
    pem = _FLAT.sub(_wrapped, link.secrets.get("public_key", ""))
    if not pem.strip():
        raise BadSignatureError("the link has no public key")
    given = _hooks.header(hook, _HEADER)
    said = _object(signing.from_base64(given, what="signature header"), "signature header")
    verified = _DIGESTS.get(str(said.get("digest")))
    if verified is None:
        raise BadSignatureError("the signature has another digest than SHA1 or SHA256")
    signature = signing.from_base64(str(said.get("signature")), what="signature")
    if not verified(pem=pem, message=hook.body, signature=signature):
        raise BadSignatureError("the signature does not fit the body")


def unwrap(hook: RawHook, link: Link) -> Document:
    """The body as it came; the context carries `topic`. Raises BadSignatureError."""
    body = hook.body
    return _hooks.document(
        body,
        name=delivery_id(hook),
        context={"topic": str(_part(hook, "metadata").get("topic", ""))},
    )


def delivery_id(hook: RawHook) -> str:
    """notificationId, the same in every attempt. Raises BadSignatureError."""
    found = _part(hook, "notification").get("notificationId")
    if not isinstance(found, str) or not found:
        raise BadSignatureError("the notification has no notificationId")
    return found


def reply(accepted: bool) -> Reply:
    """204 or 412 as eBay's own SDK answers, both without a body."""
    return _ACCEPTED if accepted else _REFUSED


def challenge(hook: RawHook, link: Link) -> Reply | None:
    """The answer to the GET that eBay tries a new endpoint with; it is not signed.

    The endpoint is the address as it was registered. Of several tokens the first answers.
    Raises BadSignatureError for a link without a token and for an address that cannot be read.
    """
    codes = _challenge_codes(hook.url) if hook.method == "GET" else []
    if not codes:
        return None
    tokens = _hooks.secrets(link, "verification_token")
    if len(codes) > 1 or not codes[0]:
        raise BadSignatureError("the address states no challenge_code, or several")
    made = challenge_response(
        challenge_code=codes[0],
        verification_token=tokens[0],
        endpoint=hook.url.partition("?")[0],
    )
    body = json.dumps({"challengeResponse": made}, separators=(",", ":")).encode()
    return Reply(status=200, body=body, content_type="application/json")


def challenge_response(*, challenge_code: str, verification_token: str, endpoint: str) -> str:
    """What `{"challengeResponse": …}` must hold when eBay tries an endpoint, lower-case hex."""
    said = challenge_code + verification_token + endpoint
    return hashlib.sha256(said.encode()).hexdigest()


def _challenge_codes(url: str) -> list[str]:
    try:
        query = parse_qsl(urlsplit(url).query, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise BadSignatureError("the address cannot be read") from error
    return [value for name, value in query if name == "challenge_code"]


def _wrapped(match: re.Match[str]) -> str:
    key = "".join(match.group(1).split())
    lines = [key[place : place + 64] for place in range(0, len(key), 64)]
    return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----\n"])


def _part(hook: RawHook, name: str) -> dict[str, object]:
    part = _object(hook.body, "notification").get(name)
    if not isinstance(part, dict):
        raise BadSignatureError(f"the notification has no {name}")
    return part


def _object(data: bytes, what: str) -> dict[str, object]:
    try:
        found = json_value(data)
    except ReadError as error:
        raise BadSignatureError(f"the {what} is not JSON") from error
    if not isinstance(found, dict):
        raise BadSignatureError(f"the {what} is no object")
    return found
