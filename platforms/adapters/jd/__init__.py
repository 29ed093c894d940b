"""JD 京东: settlement details and exports, the wallet, answers of the SP-API.

Source: reference platforms-cn.md §6. The settlement rows are booked; the wallet, in which
they arrive as sums, is evidence. How JD calls a shop's own server is not confirmed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from platforms.adapters._parts import Reader, Readers
from platforms.adapters.jd import answers, files, words
from platforms.contract import LineKind


class JD(Readers):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "jd"
    name: ClassVar[str] = "京东结算明细 / JD settlement"
    family: ClassVar[str] = "platform"
    zone: ClassVar[str] = "Asia/Shanghai"
    cash_accounts: ClassVar[tuple[str, ...]] = ("",)
    credentials: ClassVar[tuple[str, ...]] = ()
    kinds: ClassVar[Mapping[str, LineKind]] = words.KINDS
    unverified: ClassVar[Mapping[str, str]] = {
        files.DETAIL: "columns from an import template; whether outgo is written with a minus is "
        "not confirmed: it must be in all rows or in none",
        files.EXPORT: "header and rows from the test of a program that reads real files; it "
        "states no sums",
        files.WALLET_SETTLEMENT: "columns from an import template, no real file seen",
        files.WALLET_FUNDS: "columns from an import template; its words are not confirmed, so it "
        "is kept as evidence and never booked",
        answers.BILLS: "fields from a capture of the documentation; what stands around them and "
        "the sign of outgo are not confirmed",
        answers.RECORDS: "fields from a capture of the documentation; evidence, never booked",
    }
    readers: ClassVar[tuple[Reader, ...]] = (answers, files)


ADAPTER: Final = JD()
