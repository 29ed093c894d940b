"""The answer of `listorderflow`: what each order was or will be settled with, in fen.

Evidence: the money itself is in the funds flow. Source: platforms-cn.md §9.3. Each
part of an order is settled at a time of its own, and until then its figure is a
forecast. How the parts add up is not documented, so an order's lines are its receipt,
its stated charges, and, where those do not come to `mch_settle_amount`, the rest
as a line of its own whose kind is UNKNOWN: nothing is left out and nothing explained
away. What is taken after the settlement stands beside that sum.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

from platforms.adapters._json import Item, answer_of, holds
from platforms.adapters.wechat_store import words
from platforms.contract import Document, Line, LineKind, Record, Statement, Totals
from platforms.reading import shown

PROFILE: Final = "order_flow"

_MARKS: Final = ("data_list", "order_settle_state", "mch_received_amount", "mch_settle_amount")
_STATES: Final[Mapping[str, str]] = {
    "1": "待结算",
    "2": "无需结算",
    "60": "结算完成",
    "100": "部分结算",
}


class _Part(NamedTuple):
    """A charge of an order; `sign` is what a positive figure does to the store's money."""

    name: str
    kind: LineKind
    sign: int
    settled: str
    said: str


_PARTS: Final = (
    _Part(
        "supplier_commission_amount",
        *(LineKind.ADVERTISING, -1, "supplier_commission_settle_time", "机构服务费"),
    ),
    _Part(
        "promoter_commission_amount",
        *(LineKind.ADVERTISING, -1, "promoter_commission_settle_time", "达人服务费"),
    ),
    _Part(
        "freight_insurance_amount",
        *(LineKind.SHIPPING, -1, "freight_insurance_settle_time", "运费险"),
    ),
    _Part(
        "freight_insurance_make_up_amount",
        *(LineKind.SHIPPING, -1, "freight_insurance_make_up_settle_time", "运费险补缴他单"),
    ),
    _Part("pre_freight_refund_amount", LineKind.SHIPPING, 1, "mch_settle_time", "预付运费退回"),
    _Part("other_expense_amount", LineKind.ADJUSTMENT, -1, "mch_settle_time", "其他支出"),
)
_FEE: Final = "platform_commission_amount"
_FEE_BEFORE: Final = "original_platform_commission_amount"
_FEE_WAIVED: Final = "freight_insurance_subsidy_amount"
_FEE_SETTLED: Final = "platform_commission_settle_time"

# What is taken after the settlement; its time is not stated, so it bears the settlement's.
_AFTERWARDS: Final = (
    _Part("buyer_refund_amount", LineKind.REFUND, -1, "", "结算后买家退款"),
    _Part("platform_discount_refund_amount", LineKind.SUBSIDY, -1, "", "结算后平台优惠退款"),
    _Part("promoter_refund_amount", LineKind.SUBSIDY, -1, "", "结算后达人优惠退款"),
    _Part("freight_insurance_make_up_amount", LineKind.SHIPPING, -1, "", "结算后运费险补缴"),
)

# What the receipt is made of, the prices before it, and sums of the parts above.
_EXPLAINED: Final = frozenset(
    {"mch_received_amount", "expense_amount", "mch_settle_amount", "refund_before_settlement"}
    | {"product_total_amount", "freight_amount", "mch_discount_amount", "score_discount_amount"}
    | {"buyer_paid_amount", "promoter_discount_amount", "platform_discount_amount"}
    | {"national_subsidy_discount_amount", "cross_shop_discount_amount"}
    | {"freight_make_up_amount", "buyer_refund_amount", "platform_discount_refund_amount"}
    | {"promoter_discount_refund_amount", _FEE, _FEE_BEFORE, _FEE_WAIVED}
    | {part.name for part in _PARTS}
)


def recognises(document: Document) -> bool:
    """Whether it is a JSON object with the fields of a page of orders."""
    return holds(document, _MARKS)


def read(document: Document) -> Iterator[Record]:
    """Yield Statement (evidence), Lines, Totals. `row` is the order's ordinal.

    Totals tie where the parts of every order come to its settlement; where some do
    not, nothing is proved. Raises ReadError.
    """
    page = answer_of(document)
    if page.id("errcode") not in ("", "0"):
        raise page.refused(f"the platform answered with error {page.required_id('errcode')}")
    yield Statement(
        account=document.context.get("account", ""),
        currency=words.CURRENCY,
        profile=PROFILE,
        books=False,
    )
    explained = True
    for order in page.items("data_list"):
        lines, rest = _order(order)
        explained = explained and not rest
        yield from lines
    yield Totals(ties=explained or None)


def _order(order: Item) -> tuple[list[Line], Decimal]:
    """The lines of an order, and what its parts do not explain."""
    _refuse_unknown(order, _EXPLAINED)
    received, settled = (
        order.fen_if_any("mch_received_amount"),
        order.fen_if_any("mch_settle_amount"),
    )
    if not all(map(order.states, ("mch_received_amount", "mch_settle_amount"))):
        raise order.refused("no mch_received_amount or no mch_settle_amount")
    lines = [_line(order, "mch_received_amount", LineKind.SALE, received, "商户实收")]
    lines += _platform_fee(order)
    lines += [_part(order, part) for part in _PARTS if order.fen_if_any(part.name)]
    rest = settled - sum((line.amount for line in lines), Decimal(0))
    if rest:
        lines.append(_line(order, "rest", LineKind.UNKNOWN, rest, "结算金额中未说明的部分"))
    return [*lines, *_afterwards(order)], rest


def _platform_fee(order: Item) -> list[Line]:
    """技术服务费, and the part of it that is waived for those who insure the freight."""
    fee, before, waived = (
        order.fen_if_any(_FEE),
        order.fen_if_any(_FEE_BEFORE),
        order.fen_if_any(_FEE_WAIVED),
    )
    kind = LineKind.COMMISSION
    if waived and before - waived == fee:
        return [
            _line(order, _FEE, kind, -before, "技术服务费", settled=_FEE_SETTLED),
            _line(order, _FEE_WAIVED, kind, waived, "运费险补贴减免", settled=_FEE_SETTLED),
        ]
    if not fee:
        return []
    return [_line(order, _FEE, kind, -fee, "技术服务费", settled=_FEE_SETTLED)]


def _part(order: Item, part: _Part) -> Line:
    value = part.sign * order.fen_if_any(part.name)
    return _line(order, part.name, part.kind, value, part.said, settled=part.settled)


def _afterwards(order: Item) -> list[Line]:
    after = order.child_if_any("post_settlement_expense")
    if after is None:
        return []
    _refuse_unknown(after, {part.name for part in _AFTERWARDS})
    return [
        _line(order, f"after:{part.name}", part.kind, part.sign * value, part.said)
        for part in _AFTERWARDS
        if (value := after.fen_if_any(part.name))
    ]


def _line(
    order: Item, part: str, kind: LineKind, value: Decimal, said: str, *, settled: str = ""
) -> Line:
    number, state = order.required_id("order_id"), order.required_id("order_settle_state")
    if state not in _STATES:
        raise order.refused(f"unknown order_settle_state {shown(state)}")
    return Line(
        external_id=f"order:{number}:{part}",
        kind=kind,
        amount=value,
        currency=words.CURRENCY,
        event_at=_moment(order, settled),
        row=order.row,
        order_ref=number,
        label=f"{said}/{_STATES[state]}",
    )


def _moment(order: Item, settled: str) -> datetime:
    """When a part was, or will be, settled; else when the order was paid or made."""
    names = (settled, "mch_settle_time", "order_paid_time", "order_create_time")
    found = (order.seconds_if_any(name, words.ZONE) for name in names if name)
    for moment in found:
        if moment is not None:
            return moment
    raise order.refused("the order has no time")


def _refuse_unknown(item: Item, known: frozenset[str] | set[str]) -> None:
    """A sum that nobody has explained is not read past."""
    for name in item.source:
        if name.endswith("_amount") and name not in known and item.fen_if_any(name):
            raise item.refused(f"unknown sum {shown(name)}: {item.fen_if_any(name)}")
    supplier = item.child_if_any("supplier_platform_commission")
    if supplier is not None and supplier.fen_if_any("settle_amount"):
        raise item.refused("supplier_platform_commission: whose sum this is, is not known")
