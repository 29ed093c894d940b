"""Kuaishou Shop 快手小店: settled orders, messages, and how requests are signed.

Source: reference platforms-cn.md §7. No file that can be downloaded is confirmed, and
withdrawals are in none of the answers that are.
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
from platforms.adapters.kuaishou import bill, consent, pull, push
from platforms.adapters.kuaishou.requests import sign
from platforms.contract import LineKind
from platforms.pulling import Terms

__all__ = ["ADAPTER", "Kuaishou", "sign"]


class Kuaishou(Readers, PushesBy, PullsBy, AuthorisesBy):
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
    readers: ClassVar[tuple[Reader, ...]] = (bill,)
    refusal: ClassVar[str] = "not an answer of Kuaishou Shop with settled orders"
    hooks: ClassVar[HookScheme] = push
    source: ClassVar[Source] = pull
    terms: ClassVar[Terms] = pull.TERMS
    application: ClassVar[tuple[str, ...]] = consent.APPLICATION
    consent: ClassVar[Consent] = consent


ADAPTER: Final = Kuaishou()
