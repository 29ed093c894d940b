"""Douyin shop 抖店: cash movements and settlement bill of the API, exports, pushes.

Source: reference platforms-cn.md §5. A shop has several wallets, and a withdrawal leaves
one of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from platforms.adapters._parts import (
    AuthorisesBy,
    Consent,
    HookScheme,
    PullsBy,
    PushesBy,
    Reader,
    Readers,
    Source,
)
from platforms.adapters.douyin import answers, consent, fund_flow, pull, push, words
from platforms.contract import LineKind
from platforms.pulling import Terms


class Douyin(Readers, PushesBy, PullsBy, AuthorisesBy):
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
    readers: ClassVar[tuple[Reader, ...]] = (answers, fund_flow)
    hooks: ClassVar[HookScheme] = push
    source: ClassVar[Source] = pull
    terms: ClassVar[Terms] = pull.TERMS
    application: ClassVar[tuple[str, ...]] = consent.APPLICATION
    consent: ClassVar[Consent] = consent


ADAPTER: Final = Douyin()
