"""WeChat Pay 微信支付: fund flow (资金账单), trade bill (交易账单) and notifications.

Source: reference platforms-cn.md §3 (official documentation and SDK, WXP-DOC,
WXP-GO @6dbd7ce2) and banks.md §1.7. The fund flow is what moves the merchant's
money and is booked; the trade bill states the same trades and is evidence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import ClassVar, Final

from platforms.adapters._parts import PullsBy, Source
from platforms.adapters.wechatpay import fund_flow, pull, push, trade_bill
from platforms.contract import (
    Adapter,
    Document,
    LineKind,
    Link,
    Pushes,
    RawHook,
    ReadError,
    Record,
    Reply,
)
from platforms.pulling import Terms


class WeChatPay(PullsBy, Adapter, Pushes):
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
    source: ClassVar[Source] = pull
    terms: ClassVar[Terms] = pull.TERMS
    kinds: ClassVar[Mapping[str, LineKind]] = {**fund_flow.KINDS, **trade_bill.KINDS}
    unverified: ClassVar[Mapping[str, str]] = {
        trade_bill.OLD_PROFILE: "layout before 2018: columns confirmed from copies of the "
        "official text, no real file seen",
        "pull": "what is answered for a wallet (OPERATION, FEES) that a merchant does not have "
        "is not documented: taken as a wallet without movements",
    }

    def recognises(self, document: Document) -> bool:
        """Whether the first line is the header of one of the two bills."""
        return fund_flow.recognises(document) or trade_bill.recognises(document)

    def read(self, document: Document) -> Iterator[Record]:
        """Read a fund flow or a trade bill. Raises ReadError."""
        if fund_flow.recognises(document):
            return fund_flow.read(document)
        if trade_bill.recognises(document):
            return trade_bill.read(document)
        raise ReadError("neither a fund flow nor a trade bill of WeChat Pay", row=1)

    def verify(self, hook: RawHook, link: Link, now: datetime) -> None:
        """Raise BadSignatureError unless WeChat Pay signed this body within 300 s of `now`."""
        push.verify(hook, link, now)

    def unwrap(self, hook: RawHook, link: Link) -> Document:
        """Open the encrypted resource with the APIv3 key. Raises BadSignatureError."""
        return push.unwrap(hook, link)

    def delivery_id(self, hook: RawHook) -> str:
        """The notification's `id`, the same in every retry. Raises BadSignatureError."""
        return push.delivery_id(hook)

    def reply(self, accepted: bool) -> Reply:
        """200 with nothing, or 401 with WeChat Pay's failure object."""
        return push.reply(accepted)


ADAPTER: Final = WeChatPay()
