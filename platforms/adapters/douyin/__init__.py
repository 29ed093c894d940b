"""Douyin shop 抖店: cash movements and settlement bill of the API, exports, pushes.

Source: reference platforms-cn.md §5. A shop has several wallets, and a withdrawal leaves
one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import ClassVar, Final

from platforms.adapters._parts import AuthorisesBy, Consent, PullsBy, Source
from platforms.adapters.douyin import answers, consent, fund_flow, pull, push, words
from platforms.contract import (
    Adapter,
    Document,
    LineKind,
    Link,
    Pushes,
    RawHook,
    Record,
    Reply,
)
from platforms.pulling import Terms


class Douyin(PullsBy, AuthorisesBy, Adapter, Pushes):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "douyin"
    name: ClassVar[str] = "抖店 / Douyin shop"
    family: ClassVar[str] = "platform"
    zone: ClassVar[str] = "Asia/Shanghai"
    cash_accounts: ClassVar[tuple[str, ...]] = words.CASH_ACCOUNTS
    credentials: ClassVar[tuple[str, ...]] = ("app_key", "secret", "shop")
    kinds: ClassVar[Mapping[str, LineKind]] = words.KINDS
    unverified: ClassVar[Mapping[str, str]] = {
        answers.SETTLED: "fields from copies of the documentation; how its amounts add up is "
        "taken from them, no real answer seen",
        fund_flow.EXPORT: "columns from an import template; unit and signs are not confirmed: "
        "read only where they show in the file, and where the parts of a row make up its amount",
        fund_flow.API_FILE: "columns from a program that reads the file; unit and signs are not "
        "confirmed: read only where they show, and where the parts of a row make up its amount",
        "pull": pull.UNVERIFIED,
        "consent": consent.UNVERIFIED,
    }
    source: ClassVar[Source] = pull
    terms: ClassVar[Terms] = pull.TERMS
    application: ClassVar[tuple[str, ...]] = consent.APPLICATION
    consent: ClassVar[Consent] = consent

    def recognises(self, document: Document) -> bool:
        """Whether the JSON keys or the header are Douyin's."""
        return answers.recognises(document) or fund_flow.recognises(document)

    def read(self, document: Document) -> Iterator[Record]:
        """Read an answer of the API (JSON) or an export (CSV, xlsx). Raises ReadError."""
        if answers.recognises(document):
            return answers.read(document)
        return fund_flow.read(document)

    def verify(self, hook: RawHook, link: Link, now: datetime) -> None:
        """Raise BadSignatureError unless Douyin signed the body; `now` is not used."""
        push.verify(hook, link)

    def unwrap(self, hook: RawHook, link: Link) -> Document:
        """The body as it came; Douyin encrypts nothing. Raises BadSignatureError."""
        return push.unwrap(hook)

    def delivery_id(self, hook: RawHook) -> str:
        """The `msg_id` of the message, or a hash of those of several."""
        return push.delivery_id(hook)

    def reply(self, accepted: bool) -> Reply:
        """`{"code":0,"msg":"success"}`, or a refusal with 401."""
        return push.reply(accepted)


ADAPTER: Final = Douyin()
