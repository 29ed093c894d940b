"""WeChat Store's messages: SHA-1 over sorted texts in the URL, AES-CBC inside.

Source: platforms-cn.md §9.2 (developers.weixin.qq.com, four published vectors). A
store allows the safe mode with JSON only. `signature` in the URL does not cover
the body; `msg_signature` does, but of the body the value of `Encrypt` alone: so the
rest of the body must be the recipient that the opened message names again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from platforms import signing
from platforms.adapters import _hooks
from platforms.contract import BadSignatureError, Document, Link, RawHook, Reply
from platforms.reading import shown

# The protocol has no rule against replays: ours is the one of WeChat Pay.
WINDOW: Final = 300
MAX_ECHO: Final = 128

_RANDOM: Final = 16
_LENGTH: Final = 4
_BLOCK: Final = 32
_IN_BODY: Final = {"ToUserName", "Encrypt"}

_ACCEPTED: Final = Reply(status=200, body=b"success", content_type="text/plain")
_REFUSED: Final = Reply(status=401)


def verify(hook: RawHook, link: Link, now: datetime) -> None:
    """Raise BadSignatureError unless a token of the link signed this body, and lately."""
    query = _query(hook.url)
    stamp, nonce = _given(query, "timestamp"), _given(query, "nonce")
    given = _given(query, "msg_signature")
    body = _body(hook)
    tokens = _hooks.secrets(link, "token")
    _hooks.require_fit(
        (signature(token, stamp, nonce, body["Encrypt"]) for token in tokens),
        given=given,
        to="body",
    )
    _hooks.require_fresh(stamp, now, window=WINDOW)
    if _message(_opened(body["Encrypt"], link)).get("ToUserName") != body["ToUserName"]:
        raise BadSignatureError("the recipient of the body does not fit the one inside")


def unwrap(hook: RawHook, link: Link) -> Document:
    """The opened message as a document; the context names its event. Raises BadSignatureError."""
    plain = _opened(_body(hook)["Encrypt"], link)
    message = _message(plain)
    return _hooks.document(
        plain,
        name=delivery_id(hook),
        context={name: str(message[name]) for name in ("Event", "ToUserName") if message.get(name)},
    )


def delivery_id(hook: RawHook) -> str:
    """`msg_signature`: messages carry no id that can be read without the key."""
    return _given(_query(hook.url), "msg_signature")


def reply(accepted: bool) -> Reply:
    """`success` exactly, or 401 so that it is sent again."""
    return _ACCEPTED if accepted else _REFUSED


def challenge(hook: RawHook, link: Link) -> Reply | None:
    """The answer to the GET that WeChat tries a new URL with: its `echostr`, unchanged.

    It has no body and proves nothing but the token, so no clock is asked. Raises
    BadSignatureError, also for an `echostr` that is no short ASCII text: it is sent
    back to whoever asked.
    """
    query = _query(hook.url) if hook.method == "GET" else {}
    if "echostr" not in query:
        return None
    stamp, nonce, echo = (_given(query, name) for name in ("timestamp", "nonce", "echostr"))
    given = _given(query, "signature")
    _hooks.require_fit(
        (signature(token, stamp, nonce) for token in _hooks.secrets(link, "token")),
        given=given,
        to="URL",
    )
    if not (echo.isascii() and echo.isalnum() and len(echo) <= MAX_ECHO):
        raise BadSignatureError(f"this is no echostr: {shown(echo)}")
    return Reply(status=200, body=echo.encode(), content_type="text/plain")


def signature(*texts: str) -> str:
    """SHA-1 of the texts, sorted and joined, in lower-case hex."""
    return signing.sha1_hex("".join(sorted(texts)).encode())


def _query(url: str) -> Mapping[str, str]:
    try:
        pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True, max_num_fields=50)
    except ValueError as error:
        raise BadSignatureError("the URL cannot be read") from error
    query = dict(pairs)
    if len(query) != len(pairs):
        raise BadSignatureError("the URL states a parameter twice")
    return query


def _given(query: Mapping[str, str], name: str) -> str:
    value = query.get(name, "")
    if not value:
        raise BadSignatureError(f"the parameter {name} is missing in the URL")
    return value


def _body(hook: RawHook) -> dict[str, str]:
    body = _message(hook.body)
    if set(body) != _IN_BODY or not all(isinstance(value, str) for value in body.values()):
        raise BadSignatureError("the body is not a message in the safe mode")
    # Bytes before and after the object are signed by nobody.
    if hook.body.strip() != hook.body:
        raise BadSignatureError("the body is more than a message")
    return {name: str(value) for name, value in body.items()}


def _message(data: bytes) -> Mapping[str, object]:
    return _hooks.json_object(data, what="a message")


def _opened(encrypted: str, link: Link) -> bytes:
    """The message inside, opened by a key of the link and made for one of its apps."""
    sealed = signing.from_base64(encrypted, what="Encrypt")
    apps = _hooks.secrets(link, "app_id")
    for text in _hooks.secrets(link, "aes_key"):
        try:
            # The console shows 43 characters, the base64 of 32 bytes without its `=`.
            key = signing.from_base64(text + "=", what="link's aes_key")
            plain = signing.aes_cbc_decrypt(key=key, iv=key[:16], sealed=sealed, block=_BLOCK)
        except BadSignatureError:
            continue
        message, app = _parts(plain)
        if app not in apps:
            raise BadSignatureError("the message is for another app")
        return message
    raise BadSignatureError("the message does not open with the link's aes_key")


def _parts(plain: bytes) -> tuple[bytes, str]:
    """16 random bytes, the length in 4, the message, and the app's id to the end."""
    begins = _RANDOM + _LENGTH
    length = int.from_bytes(plain[_RANDOM:begins])
    if len(plain) < begins or length > len(plain) - begins:
        raise BadSignatureError("the message is cut")
    return plain[begins : begins + length], plain[begins + length :].decode("ascii", "replace")
