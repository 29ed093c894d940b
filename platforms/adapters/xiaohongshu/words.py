"""Xiaohongshu's words: what moves a store's wallets, and which wallet it is.

Source: platforms-cn.md §8.4. The wallets have numbers, too, and two APIs number them
differently: `fundType` 1 is WeChat and 2 Alipay, `erqingType` the other way round.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from zoneinfo import ZoneInfo

from platforms.adapters._cn_export import directed
from platforms.contract import LineKind

CURRENCY: Final = "CNY"
ZONE: Final = ZoneInfo("Asia/Shanghai")
BALANCE: Final = "NOT_ER_QING"
WECHAT: Final = "ER_QING_WECHAT"
ALIPAY: Final = "ER_QING_ALIPAY"
WALLETS: Final = (BALANCE, WECHAT, ALIPAY)
ERQING_TYPES: Final[Mapping[str, str]] = {"0": BALANCE, "1": ALIPAY, "2": WECHAT}

WITHDRAWAL: Final = "PAY_SUCCESS"

KINDS: Final[Mapping[str, LineKind]] = {
    # 结算入账: what an order comes to after its fees.
    "STATEMENT_IN": LineKind.SALE,
    "STATEMENT_REFUND": LineKind.REFUND,
    WITHDRAWAL: LineKind.PAYOUT,
    "BOUNCE": LineKind.PAYOUT_RETURNED,
    "SELLER_FINE": LineKind.PENALTY,
    # 扣款退回: a fine given back, not a refund to a buyer.
    "REFUND": LineKind.PENALTY,
    "LOGISTIC_OUT": LineKind.SHIPPING,
    "INVOICE_SEND": LineKind.SHIPPING,
    "CUSTOMER_SERVICE_FEE": LineKind.COMMISSION,
    "MESSAGE_FEE": LineKind.COMMISSION,
    # 佣金返利, in the platform's spelling.
    "COMMISION_RETURN": LineKind.COMMISSION,
    # The merchant's own money, and what goes from one of its wallets to another.
    "RECHARGE": LineKind.ADJUSTMENT,
    "TRANSFER_IN": LineKind.ADJUSTMENT,
    "TRANSFER_OUT": LineKind.ADJUSTMENT,
    "MANUAL_ADJUST_STATEMENT": LineKind.ADJUSTMENT,
    "OTHER_IN": LineKind.ADJUSTMENT,
    "OTHER_OUT": LineKind.ADJUSTMENT,
}


def kind(word: str, direction: int) -> LineKind:
    """What a movement is; `direction` is 1 in, −1 out, 0 neither."""
    found = directed(KINDS.get(word, LineKind.UNKNOWN), direction)
    if found is LineKind.PAYOUT_RETURNED and direction < 0:
        return LineKind.UNKNOWN
    return found
