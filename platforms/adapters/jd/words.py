"""JD's words: what a row of a settlement is. Source: platforms-cn.md §6.4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from platforms.contract import LineKind

GOODS: Final = "货款"

# 费用项 / 费用名称 / `feeName`. Other words exist (价保扣款 …): each is UNKNOWN until confirmed.
KINDS: Final[Mapping[str, LineKind]] = {
    GOODS: LineKind.SALE,
    "佣金": LineKind.COMMISSION,
    # Deliveries JD makes and charges for, and the insurance of their return.
    "代收配送费": LineKind.SHIPPING,
    "运费保险服务费": LineKind.SHIPPING,
    "售后卖家赔付费": LineKind.PENALTY,
    "返利框架费": LineKind.COMMISSION,
    # Points given to the buyer with the order, which the shop pays for.
    "随单送的京豆": LineKind.ADVERTISING,
    "短信服务费": LineKind.COMMISSION,
}

IN: Final = "收入"
OUT: Final = "支出"
# 收支方向, else 商家应收/应付.
DIRECTIONS: Final[Mapping[str, int]] = {IN: 1, "应收": 1, OUT: -1, "应付": -1}
SETTLED: Final = frozenset({"结算完成", "已结算"})
# Rows that never will be, even where a time stands beside them.
VOID: Final = frozenset({"付款失败", "作废", "数据作废"})


def kind(word: str, direction: int) -> LineKind:
    """What a row is; 货款 that goes out is a refund and never a negative sale."""
    if word == GOODS and direction < 0:
        return LineKind.REFUND
    return KINDS.get(word, LineKind.UNKNOWN)
