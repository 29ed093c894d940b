"""The answer of `open.funds.financial.settled.bill.detail`: one settled order a row.

Unverified: field names from a model of the official SDK and from programs that call
it (platforms-cn.md §7.4); that figures are fen is said by the former only, and how they
add up by nobody. So an order is read only where its known parts, fees subtracted,
come to its settlement to the fen and to its two stated sums; where they do not, or a
figure that nobody has placed is not zero, the answer is refused.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from platforms.adapters._json import Item, answer_of, holds
from platforms.contract import Document, Line, LineKind, ReadError, Record, Statement, Totals
from platforms.reading import shown
from platforms.values import EXACT, NOTHING

PROFILE: Final = "settled_bill"
CURRENCY: Final = "CNY"
ZONE: Final = ZoneInfo("Asia/Shanghai")

_MARKS: Final = ("orders", "orderNo", "settlementAmount", "totalOutgoingAmount")


class _Part(NamedTuple):
    name: str
    kind: LineKind
    said: str


_INCOME: Final = (
    _Part("actualPayAmount", LineKind.SALE, "订单实付"),
    _Part("platformAllowanceAmount", LineKind.SUBSIDY, "平台补贴"),
    _Part("platformPayMarketAllowanceAmount", LineKind.SUBSIDY, "平台营销补贴"),
    _Part("governmentSubsidyAmount", LineKind.SUBSIDY, "政府补贴"),
)
_REFUND: Final = _Part("totalRefundAmount", LineKind.REFUND, "订单退款")
_OUTGO: Final = (
    _Part("platformCommissionAmount", LineKind.COMMISSION, "技术服务费"),
    # What goes to those who brought the buyer, as 淘宝客佣金 and 多多进宝 elsewhere.
    _Part("distributorCommissionAmount", LineKind.ADVERTISING, "达人佣金"),
    _Part("activityUserCommissionAmount", LineKind.ADVERTISING, "团长佣金"),
    _Part("kzkCommissionAmount", LineKind.ADVERTISING, "快赚客佣金"),
    _Part("serviceAmount", LineKind.ADVERTISING, "服务商佣金"),
    _Part("otherAmount", LineKind.ADJUSTMENT, "其他"),
)
_PLACED: Final = frozenset(
    {part.name for part in (*_INCOME, _REFUND, *_OUTGO)}
    | {"totalOutgoingAmount", "settlementAmount"}
)


def recognises(document: Document) -> bool:
    """Whether it is a JSON object with the fields of settled orders."""
    return holds(document, _MARKS)


def read(document: Document) -> Iterator[Record]:
    """Yield Statement, Lines, Totals for each run of orders of one wallet.

    `row` is the order's ordinal. Raises ReadError.
    """
    answer = answer_of(document)
    if answer.id("result") != "1":
        raise answer.refused(f"the platform answered with result {answer.id('result')!r}")
    data = answer.child("data")
    seen: set[str] = set()
    for wallet, run in itertools.groupby(data.items("orders"), key=_wallet):
        yield Statement(
            account=document.context.get("account", ""),
            currency=CURRENCY,
            profile=PROFILE,
            cash_account=wallet,
        )
        for order in run:
            yield from _order(order, seen)
        yield Totals(ties=True)


def _wallet(order: Item) -> str:
    """The wallet as it is named: which names there are is not confirmed."""
    name = order.id("accountChannel")
    if len(name) > 32:
        raise order.refused(f"accountChannel is no wallet: {shown(name)}")
    return name


def _order(order: Item, seen: set[str]) -> list[Line]:
    """The lines of an order, which come to its settlement. Raises ReadError."""
    at = order.millis_if_any("settlementTime", ZONE)
    if at is None:
        raise order.refused("the order has no settlementTime: it is not settled")
    number = order.required_id("orderNo")
    key = f"{number}:{order.id('productId')}:{order.required_id('settlementTime')}"
    if key in seen:
        raise order.refused(f"the order {number} is stated twice")
    seen.add(key)
    _refuse_unplaced(order)
    _check_sums(order)
    income = [(part, order.fen_if_any(part.name)) for part in _INCOME]
    outgo = [(part, _negative(order.fen_if_any(part.name))) for part in (_REFUND, *_OUTGO)]
    return [_line(order, key, part, value, at) for part, value in (*income, *outgo) if value]


def _line(order: Item, key: str, part: _Part, value: Decimal, at: datetime) -> Line:
    reason = order.id("otherAmountDesc") if part.name == "otherAmount" else ""
    return Line(
        external_id=f"{key}:{part.name}",
        kind=part.kind,
        amount=value,
        currency=CURRENCY,
        event_at=at,
        row=order.row,
        order_ref=order.required_id("orderNo"),
        label=f"{part.said}/{reason}" if reason else part.said,
    )


def _check_sums(order: Item) -> None:
    """Whether the parts come to the three sums the order states. Raises ReadError.

    Whether a refund is taken off the income or counted as outgo is not documented:
    either is right as long as the settlement is.
    """
    for name in ("settlementAmount", "totalIncome", "totalOutgoingAmount"):
        if not order.states(name):
            raise order.refused(f"no {name}")
    income, outgo = _sum(order, _INCOME), _sum(order, _OUTGO)
    refund = order.fen_if_any(_REFUND.name)
    settled = EXACT.subtract(income, EXACT.add(outgo, refund))
    stated = order.fen_if_any("settlementAmount")
    if settled != stated:
        raise order.refused(
            f"the parts come to {settled}, the settlement is {stated}: "
            "the order states something that is not known"
        )
    if order.fen_if_any("totalIncome") not in (income, EXACT.subtract(income, refund)):
        raise order.refused(f"the income comes to {income}, not to totalIncome")
    if order.fen_if_any("totalOutgoingAmount") not in (outgo, EXACT.add(outgo, refund)):
        raise order.refused(f"the outgo comes to {outgo}, not to totalOutgoingAmount")


def _refuse_unplaced(order: Item) -> None:
    """A figure whose place in the sums nobody knows is not read past."""
    for name in order.source:
        if name.endswith("Amount") and name not in _PLACED and order.fen_if_any(name):
            raise ReadError(f"unknown sum {shown(name)}: {order.fen_if_any(name)}", row=order.row)


def _sum(order: Item, parts: tuple[_Part, ...]) -> Decimal:
    total = NOTHING
    for part in parts:
        total = EXACT.add(total, order.fen_if_any(part.name))
    return total


def _negative(value: Decimal) -> Decimal:
    return -value if value else value
