"""Pinduoduo 拼多多: the bills of a store's account and of its marketing account.

Source: reference platforms-cn.md §4. The platform's notifications come over a WebSocket,
so none are here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from platforms.adapters._parts import AuthorisesBy, Consent, PullsBy, Reader, Readers, Source
from platforms.adapters.pinduoduo import bill, consent, pull
from platforms.contract import LineKind
from platforms.pulling import Terms


class Pinduoduo(Readers, PullsBy, AuthorisesBy):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "pinduoduo"
    name: ClassVar[str] = "拼多多店铺账务明细 / Pinduoduo store bill"
    family: ClassVar[str] = "platform"
    zone: ClassVar[str] = "Asia/Shanghai"
    cash_accounts: ClassVar[tuple[str, ...]] = (bill.MAIN, bill.MARKETING)
    credentials: ClassVar[tuple[str, ...]] = ("app_key", "secret", "access_token")
    kinds: ClassVar[Mapping[str, LineKind]] = {
        **bill.DESCRIPTIONS,
        **bill.LOANS,
        **bill.MARKETING_TYPES,
    }
    unverified: ClassVar[Mapping[str, str]] = {
        bill.STORE_BILL: "columns, signs and closing lines from programs that read real files, "
        "no complete real file seen",
        bill.MARKETING_BILL: "columns and two of its types from one program that reads real files",
        "pull": "the call and its answer are the vendor's as SDKs have them; that the file behind "
        "the address is the store bill of the back office, and from when on, is not documented",
        "consent": "page, calls and answers from several SDKs, the official text only quoted",
    }
    # A bill without its header line says so best itself.
    readers: ClassVar[tuple[Reader, ...]] = (bill,)
    source: ClassVar[Source] = pull
    terms: ClassVar[Terms] = pull.TERMS
    application: ClassVar[tuple[str, ...]] = consent.APPLICATION
    consent: ClassVar[Consent] = consent


ADAPTER: Final = Pinduoduo()
