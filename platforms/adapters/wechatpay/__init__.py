"""WeChat Pay 微信支付: fund flow (资金账单), trade bill (交易账单) and notifications.

Source: reference platforms-cn.md §3 (official documentation and SDK, WXP-DOC,
WXP-GO @6dbd7ce2) and banks.md §1.7. The fund flow is what moves the merchant's
money and is booked; the trade bill states the same trades and is evidence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from platforms.adapters._parts import HookScheme, PullsBy, PushesBy, Reader, Readers, Source
from platforms.adapters.wechatpay import fund_flow, pull, push, trade_bill
from platforms.contract import LineKind
from platforms.pulling import Terms


class WeChatPay(Readers, PushesBy, PullsBy):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "wechatpay"
    name: ClassVar[str] = "微信支付 WeChat Pay"
    family: ClassVar[str] = "platform"
    zone: ClassVar[str] = "Asia/Shanghai"
    cash_accounts: ClassVar[tuple[str, ...]] = fund_flow.CASH_ACCOUNTS
    credentials: ClassVar[tuple[str, ...]] = (
        *("shop", "serial", "private_key"),
        *("public_key", "aes_key"),
    )
    kinds: ClassVar[Mapping[str, LineKind]] = {**fund_flow.KINDS, **trade_bill.KINDS}
    unverified: ClassVar[Mapping[str, str]] = {
        trade_bill.OLD_PROFILE: "layout before 2018: columns confirmed from copies of the "
        "official text, no real file seen",
        "pull": "what is answered for a wallet (OPERATION, FEES) that a merchant does not have "
        "is not documented: taken as a wallet without movements",
    }
    readers: ClassVar[tuple[Reader, ...]] = (fund_flow, trade_bill)
    refusal: ClassVar[str] = "neither a fund flow nor a trade bill of WeChat Pay"
    hooks: ClassVar[HookScheme] = push
    source: ClassVar[Source] = pull
    terms: ClassVar[Terms] = pull.TERMS


ADAPTER: Final = WeChatPay()
