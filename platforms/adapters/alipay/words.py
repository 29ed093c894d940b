"""Alipay's words: what a row of the fund bill is, and which order it belongs to.

Source: platforms-cn.md §1.4, "Deduction recognition" and "Order-number
extraction", both production rules of a shop system (OMS). Whole words are tried
before parts of a remark, as there. What stands in no table is UNKNOWN.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Final

from platforms.adapters._cn_export import directed
from platforms.contract import LineKind

WITHDRAWAL: Final = "提现"

# 业务类型. 收费 and 退费 are Alipay's own fees and their return (花呗, credit card,
# instalments): rows of their own beside the payment (banks.md §1.6).
TYPES: Final[Mapping[str, LineKind]] = {
    "交易付款": LineKind.SALE,
    "在线支付": LineKind.SALE,
    "交易退款": LineKind.REFUND,
    "收费": LineKind.COMMISSION,
    "退费": LineKind.COMMISSION,
    WITHDRAWAL: LineKind.PAYOUT,
    # The merchant's own money: neither sold nor held back.
    "充值": LineKind.ADJUSTMENT,
}

# 业务描述, in the current layout only. Codes repeat those of other platforms with
# other meanings, so code and words are compared together.
DESCRIPTIONS: Final[Mapping[str, LineKind]] = {
    "0010001|交易收款-交易收款": LineKind.SALE,
    "0010002|交易收款-预售定金（买家责任不退还）": LineKind.SALE,
}

# Parts of 备注, under 业务类型 转账, 其它 and 交易分账. 商家保证金理赔 is left out: OMS
# books it as goods or as deposit by the name of the other side.
REMARKS: Final[Mapping[str, LineKind]] = {
    "售后支付": LineKind.REFUND,
    "天猫佣金": LineKind.COMMISSION,
    "聚划算佣金": LineKind.COMMISSION,
    "淘宝客佣金": LineKind.ADVERTISING,
    "淘宝客推广佣金月度返还": LineKind.ADVERTISING,
    # Points the platform gives to buyers and charges to the shop with the trade.
    "返点积分": LineKind.COMMISSION,
    "代扣交易退回积分": LineKind.COMMISSION,
    "卖家版运费险保费收取": LineKind.SHIPPING,
    "聚划算运费险保费收取": LineKind.SHIPPING,
    "商家保证金冻结": LineKind.RESERVE_HELD,
    "天猫保证金-迁移": LineKind.RESERVE_HELD,
    "解冻": LineKind.RESERVE_RELEASED,
    "技术年费": LineKind.COMMISSION,
    # Loans of MYbank (网商银行), platforms-cn.md §4.4 and §10.
    "网商贷-放款": LineKind.LOAN,
    "网商贷-还款": LineKind.LOAN,
}

KINDS: Final[Mapping[str, LineKind]] = {**TYPES, **DESCRIPTIONS, **REMARKS}

_SALES: Final = frozenset(word for word, kind in TYPES.items() if kind is LineKind.SALE)
_REMARK: Final = re.compile("|".join(re.escape(word) for word in REMARKS))


@functools.lru_cache(maxsize=4_096)
def kind(type_: str, description: str, remark: str, direction: int) -> LineKind:
    """What a row is: by 业务描述, else by 业务类型, else by a part of 备注.

    `direction` is 1 for income, −1 for outgo, 0 for a row of 0.00.
    """
    found = DESCRIPTIONS.get(description)
    # A description that is not known takes the word of a sale back: an advance
    # (提前收款) is paid like a sale and must not be booked as one (§10).
    if found is None and not (description and type_ in _SALES):
        found = TYPES.get(type_)
    if found is None:
        part = _REMARK.search(remark)
        found = REMARKS[part.group()] if part else LineKind.UNKNOWN
    return directed(found, direction)


# OMS `_getOrderBn`: how the numbers of Taobao orders are wrapped.
_IN_NUMBER: Final = re.compile(
    r"T\d+P(\d+)"
    r"|HJ(?:COM|CAE)[^=]*==[^=]*==[^=]*==(\d+)"
    r"|(?:CAE|GXFZ)_[^_]*_(\d+)",
    re.ASCII,
)
_IN_REMARK: Final = re.compile(
    r"淘宝客佣金(?:代扣|退)款\[(\d+)\]|退款\[(\d+)\]|\{(\d+)\}|-T\d+P(\d+)|^A[^A]*A[^A]*A(\d+)",
    re.ASCII,
)
_TRADES: Final = frozenset({LineKind.SALE, LineKind.REFUND})


def order_ref(base: str, number: str, remark: str, kind: LineKind) -> str:
    """The order a row belongs to, "" if none is named.

    `base` is 业务基础订单号, `number` 商户订单号. A number that is wrapped in none of
    Taobao's forms is the merchant's own, and counts for a sale or a refund only:
    other rows number themselves there.
    """
    if base or kind is LineKind.PAYOUT:
        return base
    match = _IN_NUMBER.match(number) or _IN_REMARK.search(remark)
    if match:
        return next(group for group in match.groups() if group)
    return number if kind in _TRADES else ""
