"""WeChat Store 微信小店: funds flow, order settlement, export, messages.

Source: reference platforms-cn.md §9. The funds flow (or the export of it) moves the
store's money and is booked; the orders' settlement states the same money and is
evidence. Requests are not signed: they carry an access token.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import ClassVar, Final

from platforms.adapters._parts import PullsBy, Source
from platforms.adapters.wechat_store import export, funds_flow, order_flow, pull, push, words
from platforms.contract import (
    Adapter,
    Document,
    LineKind,
    Link,
    Pushes,
    RawHook,
    ReadError,
    Record,
    Reply,
)
from platforms.pulling import Terms

_Recognises = Callable[[Document], bool]
_Reads = Callable[[Document], Iterator[Record]]

_READERS: Final[tuple[tuple[_Recognises, _Reads], ...]] = (
    (funds_flow.recognises, funds_flow.read),
    (order_flow.recognises, order_flow.read),
    (export.recognises, export.read),
)


class WechatStore(PullsBy, Adapter, Pushes):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "wechat_store"
    name: ClassVar[str] = "微信小店 / WeChat Store"
    family: ClassVar[str] = "platform"
    zone: ClassVar[str] = "Asia/Shanghai"
    cash_accounts: ClassVar[tuple[str, ...]] = ("",)
    credentials: ClassVar[tuple[str, ...]] = ("app_id", "secret", "token", "aes_key")
    kinds: ClassVar[Mapping[str, LineKind]] = words.KINDS
    unverified: ClassVar[Mapping[str, str]] = {
        export.PROFILE: "columns from programs that import the file, no real file seen; "
        "that its amounts are yuan is not confirmed",
        order_flow.PROFILE: "how the parts of an order add up to its settlement is not documented",
        "pull": pull.UNVERIFIED,
    }
    source: ClassVar[Source] = pull
    terms: ClassVar[Terms] = pull.TERMS

    def recognises(self, document: Document) -> bool:
        """Whether it is an answer about movements or orders, or the export."""
        return any(recognises(document) for recognises, _ in _READERS)

    def read(self, document: Document) -> Iterator[Record]:
        """Read an answer (JSON) or the export (CSV). Raises ReadError."""
        for recognises, read in _READERS:
            if recognises(document):
                return read(document)
        raise ReadError("neither an answer nor an export of WeChat Store", row=1)

    def verify(self, hook: RawHook, link: Link, now: datetime) -> None:
        """Raise BadSignatureError unless a token of the link signed the message, and lately."""
        push.verify(hook, link, now)

    def unwrap(self, hook: RawHook, link: Link) -> Document:
        """The opened message. Raises BadSignatureError."""
        return push.unwrap(hook, link)

    def delivery_id(self, hook: RawHook) -> str:
        """The message's signature, for want of an id. Raises BadSignatureError."""
        return push.delivery_id(hook)

    def reply(self, accepted: bool) -> Reply:
        """`success`, or 401 with an empty body."""
        return push.reply(accepted)

    def challenge(self, url: str, link: Link) -> Reply:
        """The answer to WeChat's check of a new URL; see `push.challenge`."""
        return push.challenge(url, link)


ADAPTER: Final = WechatStore()
