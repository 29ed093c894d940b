"""Alipay's notifications: a form whose values are signed with RSA2.

Source: platforms-cn.md §2.2 (alipay-sdk-nodejs-all @e1676390). Nothing signed
limits the time: a notification is sent again for more than a day and whether
its `notify_time` is renewed is not confirmed, so there is no clock window and
deliveries are deduplicated by `notify_id`.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl

from platforms import signing
from platforms.adapters import _hooks
from platforms.contract import BadSignatureError, Document, Link, RawHook, Reply
from platforms.reading import shown

MAX_FIELDS: Final = 1_000
# The form names its charset; it is what values are escaped in and signed as.
CHARSETS: Final = {"utf-8": "utf-8", "gbk": "gbk", "gb2312": "gbk", "gb18030": "gb18030"}

# Anything but these seven bytes makes Alipay send again.
_ACCEPTED: Final = Reply(status=200, body=b"success", content_type="text/plain")
_REFUSED: Final = Reply(status=401, body=b"failure", content_type="text/plain")


def verify(hook: RawHook, link: Link, now: datetime) -> None:
    """Raise BadSignatureError unless Alipay signed exactly these values."""
    form, charset = _form(hook)
    if form.get("sign_type") != "RSA2":
        raise BadSignatureError("the signature is of another type")
    given = _field(form, "sign")
    signature = signing.from_base64(given, what="signature")
    if base64.b64encode(signature).decode() != given:
        raise BadSignatureError("the signature is not in its one base64 form")
    pem = link.secrets.get("public_key", "")
    # Most notifications are signed without sign_type, some (生活号, service market)
    # with it; the official SDK tries both.
    for left_out in ({"sign", "sign_type"}, {"sign"}):
        message = "&".join(
            f"{name}={form[name]}" for name in sorted(form.keys() - left_out)
        ).encode(charset)
        if signing.rsa_sha256_verified(pem=pem, message=message, signature=signature):
            return
    raise BadSignatureError("the signature does not fit the form")


def unwrap(hook: RawHook, link: Link) -> Document:
    """The form as a document; the context names what it is about."""
    form, _ = _form(hook)
    body = hook.body
    told = ("notify_type", "app_id", "seller_id", "out_trade_no", "trade_status")
    return _hooks.document(
        body,
        name=_field(form, "notify_id"),
        context={name: form[name] for name in told if name in form},
    )


def delivery_id(hook: RawHook) -> str:
    """The `notify_id`, which re-sends repeat. Raises BadSignatureError."""
    return _field(_form(hook)[0], "notify_id")


def reply(accepted: bool) -> Reply:
    """`success` exactly, or a failure."""
    return _ACCEPTED if accepted else _REFUSED


def _form(hook: RawHook) -> tuple[Mapping[str, str], str]:
    """The form's values, decoded once, and its charset. Raises BadSignatureError."""
    try:
        text = hook.body.decode("ascii")
        named = dict(_pairs(text, "latin-1")).get("charset", "utf-8").lower()
        charset = CHARSETS.get(named)
        if charset is None:
            raise BadSignatureError(f"unknown charset {shown(named)}")
        pairs = _pairs(text, charset)
    except ValueError as error:
        raise BadSignatureError("the body is not a form") from error
    form = dict(pairs)
    if len(form) != len(pairs):
        raise BadSignatureError("the form states a value twice")
    return form, charset


def _pairs(text: str, charset: str) -> list[tuple[str, str]]:
    return parse_qsl(
        text,
        keep_blank_values=True,
        strict_parsing=True,
        encoding=charset,
        errors="strict",
        max_num_fields=MAX_FIELDS,
    )


def _field(form: Mapping[str, str], name: str) -> str:
    value = form.get(name, "")
    if not value:
        raise BadSignatureError(f"the form has no {name}")
    return value
