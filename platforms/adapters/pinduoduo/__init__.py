"""Pinduoduo 拼多多: the bills of a store's account and of its marketing account.

Source: reference platforms-cn.md §4. The platform's notifications come over a WebSocket
and its API answer is not confirmed, so there is neither here; how requests are signed is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from platforms.adapters._parts import Reader, Readers
from platforms.adapters.pinduoduo import bill
from platforms.adapters.pinduoduo.requests import sign
from platforms.contract import LineKind

__all__ = ["ADAPTER", "Pinduoduo", "sign"]


class Pinduoduo(Readers):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "pinduoduo"
    name: ClassVar[str] = "拼多多店铺账务明细 / Pinduoduo store bill"
    family: ClassVar[str] = "platform"
    zone: ClassVar[str] = "Asia/Shanghai"
    cash_accounts: ClassVar[tuple[str, ...]] = (bill.MAIN, bill.MARKETING)
    credentials: ClassVar[tuple[str, ...]] = ()
    kinds: ClassVar[Mapping[str, LineKind]] = {
        **bill.DESCRIPTIONS,
        **bill.LOANS,
        **bill.MARKETING_TYPES,
    }
    unverified: ClassVar[Mapping[str, str]] = {
        bill.STORE_BILL: "columns, signs and closing lines from programs that read real files, "
        "no complete real file seen",
        bill.MARKETING_BILL: "columns and two of its types from one program that reads real files",
    }
    # A bill without its header line says so best itself.
    readers: ClassVar[tuple[Reader, ...]] = (bill,)


ADAPTER: Final = Pinduoduo()
