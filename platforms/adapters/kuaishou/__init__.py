"""Kuaishou Shop 快手小店: settled orders, messages, and how requests are signed.

Source: reference platforms-cn.md §7. No file that can be downloaded is confirmed, and
withdrawals are in none of the answers that are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import ClassVar, Final

from platforms.adapters._parts import AuthorisesBy, Consent, PullsBy, Source
from platforms.adapters.kuaishou import bill, consent, pull, push
from platforms.adapters.kuaishou.requests import sign
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

__all__ = ["ADAPTER", "Kuaishou", "sign"]


class Kuaishou(PullsBy, AuthorisesBy, Adapter, Pushes):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "kuaishou"
    name: ClassVar[str] = "快手小店 / Kuaishou Shop"
    family: ClassVar[str] = "platform"
    zone: ClassVar[str] = "Asia/Shanghai"
    cash_accounts: ClassVar[tuple[str, ...]] = ("", "小店余额", "微信", "支付宝", "安心钱包")
    credentials: ClassVar[tuple[str, ...]] = (
        *("app_key", "app_secret", "secret", "access_token", "refresh_token", "aes_key"),
    )
    # What a figure is, is said by the name of its field; rows carry no word for it.
    kinds: ClassVar[Mapping[str, LineKind]] = {}
    unverified: ClassVar[Mapping[str, str]] = {
        bill.PROFILE: "field names from a model of the official SDK; that the figures are fen "
        "and how they add up is not confirmed by the platform",
        "pull": pull.UNVERIFIED,
        "consent": consent.UNVERIFIED,
    }
    source: ClassVar[Source] = pull
    terms: ClassVar[Terms] = pull.TERMS
    application: ClassVar[tuple[str, ...]] = consent.APPLICATION
    consent: ClassVar[Consent] = consent

    def recognises(self, document: Document) -> bool:
        """Whether it is an answer with settled orders."""
        return bill.recognises(document)

    def read(self, document: Document) -> Iterator[Record]:
        """Read an answer (JSON). Raises ReadError."""
        if not self.recognises(document):
            raise ReadError("not an answer of Kuaishou Shop with settled orders", row=1)
        return bill.read(document)

    def verify(self, hook: RawHook, link: Link, now: datetime) -> None:
        """Raise BadSignatureError unless an event key opens the message; `now` is not used."""
        push.verify(hook, link)

    def unwrap(self, hook: RawHook, link: Link) -> Document:
        """The opened message. Raises BadSignatureError."""
        return push.unwrap(hook, link)

    def delivery_id(self, hook: RawHook) -> str:
        """A hash of the body; the message's own id is inside."""
        return push.delivery_id(hook)

    def reply(self, accepted: bool) -> Reply:
        """`{"result":1}`, or `{"result":0}` with 401."""
        return push.reply(accepted)


ADAPTER: Final = Kuaishou()
