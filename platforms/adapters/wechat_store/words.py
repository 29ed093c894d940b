"""WeChat Store's words for what moved its balance, and which way each may go.

Source: platforms-cn.md §9.3. The number `funds_type` means different things in
different years (10: 联盟抽佣 in 2024, 达人佣金 in 2026), so the description decides:
these are the descriptions of both years, and the types of the export, which are
the same words. 分账 and 返佣人气卡 are left out: whose money they are is not said.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from zoneinfo import ZoneInfo

from platforms.adapters._cn_export import directed
from platforms.contract import LineKind

CURRENCY: Final = "CNY"
ZONE: Final = ZoneInfo("Asia/Shanghai")

KINDS: Final[Mapping[str, LineKind]] = {
    "订单支付": LineKind.SALE,
    "订单支付收入": LineKind.SALE,
    "退款": LineKind.REFUND,
    "订单退款": LineKind.REFUND,
    "技术服务费": LineKind.COMMISSION,
    "订单手续费": LineKind.COMMISSION,
    "平台抽佣": LineKind.COMMISSION,
    "小店抽佣": LineKind.COMMISSION,
    "联盟平台抽佣": LineKind.COMMISSION,
    # What goes to those who brought the buyer, as 淘宝客佣金 and 多多进宝 elsewhere.
    "达人佣金": LineKind.ADVERTISING,
    "带货机构服务费": LineKind.ADVERTISING,
    "联盟抽佣": LineKind.ADVERTISING,
    "联盟分账": LineKind.ADVERTISING,
    "导购分账": LineKind.ADVERTISING,
    "团长抽佣": LineKind.ADVERTISING,
    "运费险": LineKind.SHIPPING,
    "运费险分账": LineKind.SHIPPING,
    "预付运费退回": LineKind.SHIPPING,
    "补交运费": LineKind.SHIPPING,
    "平台优惠补贴": LineKind.SUBSIDY,
    "国补发放": LineKind.SUBSIDY,
    "平台赔付": LineKind.ADJUSTMENT,
    # The platform pays a refund in advance, and takes the advance back.
    "极速退款垫资": LineKind.LOAN,
    "极速退款垫资金": LineKind.LOAN,
    "极速退款垫资回补": LineKind.LOAN,
    "回补极速退款垫资": LineKind.LOAN,
    "提现": LineKind.PAYOUT,
    "注销提现": LineKind.PAYOUT,
    "提现退票": LineKind.PAYOUT_RETURNED,
    "提现失败退票": LineKind.PAYOUT_RETURNED,
    "注销提现退票": LineKind.PAYOUT_RETURNED,
}

# The only numbers every source gives the same meaning: they count where an answer
# has no description (as in WeChat's own example of 2022).
NUMBERS: Final[Mapping[str, str]] = {
    "1": "订单支付",
    "3": "退款",
    "4": "提现",
    "5": "提现退票",
}


def kind(word: str, direction: int) -> LineKind:
    """What a movement is; `direction` is 1 in, −1 out, 0 neither.

    A sale that goes out, or a returned withdrawal that does, is UNKNOWN.
    """
    found = directed(KINDS.get(word, LineKind.UNKNOWN), direction)
    if found is LineKind.PAYOUT_RETURNED and direction < 0:
        return LineKind.UNKNOWN
    return found
