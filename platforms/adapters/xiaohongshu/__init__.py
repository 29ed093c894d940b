"""Xiaohongshu 小红书 (千帆): wallets, order settlement, service fees, messages.

Source: reference platforms-cn.md §8. The records of the wallets move the store's money
and are booked; how orders and services were settled states the same money and is
evidence. The monthly file (`bill.downloadStatement`) is not read: its columns are not
confirmed.
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
from platforms.adapters.xiaohongshu import consent, pull, push, records, settlement, words
from platforms.adapters.xiaohongshu.requests import sign
from platforms.contract import LineKind
from platforms.pulling import Terms

__all__ = ["ADAPTER", "Xiaohongshu", "sign"]


class Xiaohongshu(Readers, PushesBy, PullsBy, AuthorisesBy):
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
    readers: ClassVar[tuple[Reader, ...]] = (records, settlement)
    refusal: ClassVar[str] = "not an answer of Xiaohongshu about money"
    hooks: ClassVar[HookScheme] = push
    source: ClassVar[Source] = pull
    terms: ClassVar[Terms] = pull.TERMS
    application: ClassVar[tuple[str, ...]] = consent.APPLICATION
    consent: ClassVar[Consent] = consent


ADAPTER: Final = Xiaohongshu()
