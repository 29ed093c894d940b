"""Alipay 支付宝: the fund bill of a merchant (also of Taobao and Tmall shops), notifications.

The bill comes as a file and as the pages of an API.

Source: reference platforms-cn.md §1.4, §2 and banks.md §1.6. A Taobao or Tmall
seller's money is kept in Alipay, so this is also the bill of those shops.
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
from platforms.adapters.alipay import account_log, consent, fund_bill, pull, push, words
from platforms.contract import LineKind
from platforms.pulling import Terms


class Alipay(Readers, PushesBy, PullsBy, AuthorisesBy):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "alipay"
    name: ClassVar[str] = "支付宝账务明细 / Alipay fund bill"
    family: ClassVar[str] = "platform"
    zone: ClassVar[str] = "Asia/Shanghai"
    cash_accounts: ClassVar[tuple[str, ...]] = ("",)
    credentials: ClassVar[tuple[str, ...]] = ("app_id", "private_key", "public_key")
    kinds: ClassVar[Mapping[str, LineKind]] = words.KINDS
    unverified: ClassVar[Mapping[str, str]] = {
        fund_bill.CURRENT: "columns and their changing order from importers of real files, "
        "no real file seen",
        fund_bill.UNFRAMED: "seen in one public test only; it states no totals, so a file cut "
        "between two rows cannot be told from a whole one",
        "pull": "the columns of the bill that is fetched are those of the downloaded one in "
        "importers, no fetched file seen; its size limits and call limits are not documented",
        "consent": "the official text is known from copies in SDKs, some of them old",
    }
    readers: ClassVar[tuple[Reader, ...]] = (account_log, fund_bill)
    hooks: ClassVar[HookScheme] = push
    source: ClassVar[Source] = pull
    terms: ClassVar[Terms] = pull.TERMS
    application: ClassVar[tuple[str, ...]] = consent.APPLICATION
    consent: ClassVar[Consent] = consent


ADAPTER: Final = Alipay()
