"""Xiaohongshu 小红书 (千帆): wallets, order settlement, service fees, messages.

Source: reference platforms-cn.md §8. The records of the wallets move the store's money
and are booked; how orders and services were settled states the same money and is
evidence. The monthly file (`bill.downloadStatement`) is not read: its columns are not
confirmed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import ClassVar, Final

from platforms.adapters._parts import AuthorisesBy, Consent, PullsBy, Source
from platforms.adapters.xiaohongshu import consent, pull, push, records, settlement, words
from platforms.adapters.xiaohongshu.requests import sign
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

__all__ = ["ADAPTER", "Xiaohongshu", "sign"]


class Xiaohongshu(PullsBy, AuthorisesBy, Adapter, Pushes):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "xiaohongshu"
    name: ClassVar[str] = "小红书 / Xiaohongshu"
    family: ClassVar[str] = "platform"
    zone: ClassVar[str] = "Asia/Shanghai"
    cash_accounts: ClassVar[tuple[str, ...]] = words.WALLETS
    credentials: ClassVar[tuple[str, ...]] = ("app_id", "secret", "access_token", "refresh_token")
    kinds: ClassVar[Mapping[str, LineKind]] = words.KINDS
    unverified: ClassVar[Mapping[str, str]] = {
        records.PROFILE: "fields and types from programs that call the API, no real answer seen",
        settlement.TRANSACTIONS: "the signs of fees and refunds and how the parts add up are "
        "not documented",
        settlement.EXPENSES: "the sign of the amounts is not documented",
        push.PROFILE: "the signature of messages from one program only; it does not cover the body",
        "pull": pull.UNVERIFIED,
        "consent": consent.UNVERIFIED,
    }
    source: ClassVar[Source] = pull
    terms: ClassVar[Terms] = pull.TERMS
    application: ClassVar[tuple[str, ...]] = consent.APPLICATION
    consent: ClassVar[Consent] = consent

    def recognises(self, document: Document) -> bool:
        """Whether it is a page of records, of settled orders or of services."""
        return records.recognises(document) or settlement.recognises(document)

    def read(self, document: Document) -> Iterator[Record]:
        """Read an answer (JSON). Raises ReadError."""
        if records.recognises(document):
            return records.read(document)
        if settlement.recognises(document):
            return settlement.read(document)
        raise ReadError("not an answer of Xiaohongshu about money", row=1)

    def verify(self, hook: RawHook, link: Link, now: datetime) -> None:
        """Raise BadSignatureError unless a secret of the link signed the path, and lately."""
        push.verify(hook, link, now)

    def unwrap(self, hook: RawHook, link: Link) -> Document:
        """The body as it came; Xiaohongshu encrypts nothing."""
        return push.unwrap(hook, link)

    def delivery_id(self, hook: RawHook) -> str:
        """A hash of the body; messages carry no id."""
        return push.delivery_id(hook)

    def reply(self, accepted: bool) -> Reply:
        """The acknowledgement, or a failure with 401."""
        return push.reply(accepted)


ADAPTER: Final = Xiaohongshu()
