"""Douyin shop 抖店: cash movements and settlement bill of the API, exports, pushes.

Source: reference platforms-cn.md §5. A shop has several wallets, and a withdrawal leaves
one of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from platforms.adapters._parts import HookScheme, PushesBy, Reader, Readers
from platforms.adapters.douyin import answers, fund_flow, push, words
from platforms.contract import LineKind


class Douyin(Readers, PushesBy):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "douyin"
    name: ClassVar[str] = "抖店 / Douyin shop"
    family: ClassVar[str] = "platform"
    zone: ClassVar[str] = "Asia/Shanghai"
    cash_accounts: ClassVar[tuple[str, ...]] = words.CASH_ACCOUNTS
    credentials: ClassVar[tuple[str, ...]] = ("app_key", "secret")
    kinds: ClassVar[Mapping[str, LineKind]] = words.KINDS
    unverified: ClassVar[Mapping[str, str]] = {
        answers.SETTLED: "fields from copies of the documentation; how its amounts add up is "
        "taken from them, no real answer seen",
        fund_flow.EXPORT: "columns from an import template; unit and signs are not confirmed: "
        "read only where they show in the file, and where the parts of a row make up its amount",
        fund_flow.API_FILE: "columns from a program that reads the file; unit and signs are not "
        "confirmed: read only where they show, and where the parts of a row make up its amount",
    }
    readers: ClassVar[tuple[Reader, ...]] = (answers, fund_flow)
    hooks: ClassVar[HookScheme] = push


ADAPTER: Final = Douyin()
