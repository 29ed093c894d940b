"""Douyin's words: what a movement of a shop's cash is, and what its parts are.

Source: platforms-cn.md §5.4 (the API's own field notes; the exports print the same words).
A word is left out, and so UNKNOWN, where it may mean money of either side (物流赔付,
欠票扣款, 福袋 …).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from platforms.contract import LineKind

WITHDRAWAL: Final = "提现"

# 动账场景 (`trans_scene`), in both its spellings where the sources have two.
SCENES: Final[Mapping[str, LineKind]] = {
    "货款结算入账": LineKind.SALE,
    "退款-结算后退款-退用户": LineKind.REFUND,
    "退款-价保补差": LineKind.REFUND,
    "退款-价保补差退回": LineKind.REFUND,
    "退款-退转付扣减商家货款": LineKind.REFUND,
    "退款-商家赔付扣减商家货款": LineKind.REFUND,
    "退款-极速退二阶段商家资金回补": LineKind.REFUND,
    "退款-极速退二次售后-退用户": LineKind.REFUND,
    "退款-订单退款触发-分账": LineKind.REFUND,
    "退款-订单退款触发-退分账": LineKind.REFUND,
    "退款-退款失败资金退回": LineKind.REFUND,
    "退款-订单退款触发-退补贴": LineKind.SUBSIDY,
    # A difference paid to a buyer out of the shop's balance.
    "小额打款": LineKind.REFUND,
    "消费者赔付": LineKind.PENALTY,
    "判罚扣款": LineKind.PENALTY,
    "退款-赔付失败资金退回": LineKind.PENALTY,
    "充值保证金": LineKind.DEPOSIT,
    # Freight insurance: 保费扣除.
    "权益保险": LineKind.SHIPPING,
    "上门取件运费": LineKind.SHIPPING,
    "上门取件结算入账": LineKind.SHIPPING,
    "上门取件保司理赔金": LineKind.SHIPPING,
    "上门取件平台激励金": LineKind.SUBSIDY,
    "上门取件平台改派补贴": LineKind.SUBSIDY,
    "供应链QIC费用": LineKind.COMMISSION,
    "佣金入账": LineKind.COMMISSION,
    "抖音支付与商家联合补贴营销活动": LineKind.SUBSIDY,
    "抖音月付与商家联合补贴营销活动": LineKind.SUBSIDY,
    "抖音月付与商家联合贴息活动": LineKind.SUBSIDY,
    "充值千川广告费": LineKind.ADVERTISING,
    "营销费用-评价有礼": LineKind.ADVERTISING,
    "评价有礼": LineKind.ADVERTISING,
    "公益捐款": LineKind.ADJUSTMENT,
    "人工调账": LineKind.ADJUSTMENT,
    # Money lent to the shop and paid back: never sales (§10).
    "放心借·贷款还款": LineKind.LOAN,
    "放心借还款": LineKind.LOAN,
    "提前收款": LineKind.LOAN,
    WITHDRAWAL: LineKind.PAYOUT,
    "提现退票": LineKind.PAYOUT_RETURNED,
}

# 动账摘要 (`account_bill_desc`), asked only where a movement names no scene.
SUMMARIES: Final[Mapping[str, LineKind]] = {
    "订单结算": LineKind.SALE,
    "部分结算": LineKind.SALE,
}
KINDS: Final[Mapping[str, LineKind]] = {**SCENES, **SUMMARIES}

# The parts of a movement that stand side by side in its row. What the buyer paid is what
# the scene says; the others say it themselves.
PRINCIPAL: Final = "pay_amount"
INCOME: Final[Mapping[str, tuple[str, LineKind]]] = {
    PRINCIPAL: ("订单实付应结", LineKind.UNKNOWN),
    "post_amount": ("运费实付", LineKind.SHIPPING),
    "post_promotion_amount": ("实际平台补贴_运费", LineKind.SUBSIDY),
    "promotion_amount": ("实际平台补贴", LineKind.SUBSIDY),
    "other_platform_promotion_amount": ("其他平台补贴", LineKind.SUBSIDY),
    "recycler_amount": ("以旧换新抵扣", LineKind.SUBSIDY),
    "gov_promotion_amount": ("政府补贴平台垫资", LineKind.SUBSIDY),
    "author_coupon_subsidy": ("实际达人补贴", LineKind.SUBSIDY),
    "actual_zt_pay_promotion": ("实际抖音支付补贴", LineKind.SUBSIDY),
    "actual_zr_pay_promotion": ("实际抖音月付营销补贴", LineKind.SUBSIDY),
    "bank_pay_promotion_amount": ("银行补贴", LineKind.SUBSIDY),
}
OUTGO: Final[Mapping[str, tuple[str, LineKind]]] = {
    "refund_amount": ("订单退款", LineKind.REFUND),
    "platform_service_fee": ("平台服务费", LineKind.COMMISSION),
    "commission": ("佣金", LineKind.COMMISSION),
    "partner_commission": ("服务商佣金", LineKind.COMMISSION),
    "channel_fee": ("渠道分成", LineKind.COMMISSION),
    "colonel_service_fee": ("招商服务费", LineKind.COMMISSION),
    "channel_promotion_fee": ("站外推广费", LineKind.ADVERTISING),
    "other_sharing_amount": ("其他分成", LineKind.COMMISSION),
    "packing_amount": ("打包费", LineKind.SHIPPING),
}
PARTS: Final[Mapping[str, tuple[str, LineKind]]] = {**INCOME, **OUTGO}
WAIVED: Final = "real_free_commission_amount"
WAIVED_LABEL: Final = "免佣金额"

_ONLY_IN: Final = frozenset({LineKind.SALE, LineKind.PAYOUT_RETURNED})


def kind(scene: str, summary: str, direction: int) -> LineKind:
    """What a movement is, as far as its direction (1 in, −1 out) bears the word out."""
    found = SCENES.get(scene) if scene else KINDS.get(summary)
    if found is None:
        return LineKind.UNKNOWN
    if (direction < 0 and found in _ONLY_IN) or (direction > 0 and found is LineKind.PAYOUT):
        return LineKind.UNKNOWN
    return found


# The wallets of one shop (§10: a store is not one account). 聚合 is printed both ways.
ACCOUNTS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("1", "微信", "微信升级前"), "wechat"),
    **dict.fromkeys(("2", "支付宝"), "alipay"),
    **dict.fromkeys(("3", "合众支付"), "hezhong"),
    **dict.fromkeys(("4", "聚合支付", "聚合账户"), "aggregate"),
}
CASH_ACCOUNTS: Final[tuple[str, ...]] = ("wechat", "alipay", "hezhong", "aggregate")
DIRECTIONS: Final[Mapping[str, int]] = {"0": 1, "入账": 1, "1": -1, "出账": -1}
