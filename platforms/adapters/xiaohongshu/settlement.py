"""The answers of `finance.pageQueryTransaction` and `finance.pageQueryExpense`.

Evidence of what the wallets' records state in sum: how each order was settled, and
which services were. Yuan as text; times in Unix milliseconds. Source: platforms-cn.md
§8.4. Which sign fees and refunds carry, and how the parts add up, is not documented:
a part is taken by what it is (an income, or a charge that is given back with a
refund), and what the parts do not explain of `amount` is a line of its own, whose
kind is UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Final, NamedTuple

from platforms.adapters._json import Item, holds
from platforms.adapters.xiaohongshu import words
from platforms.adapters.xiaohongshu.requests import rows
from platforms.contract import Document, Line, LineKind, Record, Statement, Totals
from platforms.reading import shown
from platforms.values import EXACT, NOTHING

TRANSACTIONS: Final = "transactions"
EXPENSES: Final = "expenses"

_MARKS: Final[Mapping[str, tuple[str, ...]]] = {
    TRANSACTIONS: ("transactions", "transactionId", "erqingType", "settleBizType"),
    EXPENSES: ("expenses", "expenseId", "erqingType", "baseBizType"),
}

_BUSINESS: Final[Mapping[str, tuple[LineKind, str]]] = {
    "0": (LineKind.SALE, "销售"),
    "1": (LineKind.REFUND, "退货退款"),
    "2": (LineKind.REFUND, "客服退款"),
    "3": (LineKind.REFUND, "售后退款"),
}
_SERVICES: Final[Mapping[str, tuple[LineKind, str]]] = {
    "0": (LineKind.SUBSIDY, "薯券"),
    "1": (LineKind.SHIPPING, "在线寄件快递费"),
    "2": (LineKind.ADJUSTMENT, "极速退款赔付"),
    "3": (LineKind.PENALTY, "发货延误赔付"),
    "4": (LineKind.SHIPPING, "运费宝"),
    "5": (LineKind.SUBSIDY, "分期免息平台补贴"),
    "6": (LineKind.ADJUSTMENT, "仲裁结算"),
    "7": (LineKind.ADJUSTMENT, "小额打款"),
    "8": (LineKind.SHIPPING, "运费报销赔付"),
}
_STATES: Final[Mapping[str, str]] = {"0": "未结算", "1": "已结算"}
_INCOME, _REFUND = "0", "1"


class _Part(NamedTuple):
    """A part of an order's settlement; `sign` is what it does to a sale."""

    name: str
    kind: LineKind
    sign: int
    said: str


_GOODS: Final = "payAmount"
_PARTS: Final = (
    _Part("appPromotion", LineKind.SUBSIDY, 1, "平台优惠"),
    _Part("freightAmount", LineKind.SHIPPING, 1, "运费"),
    _Part("freightAppPromotion", LineKind.SUBSIDY, 1, "平台运费补贴"),
    _Part("taxAmount", LineKind.TAX, -1, "税金"),
    _Part("freightTaxAmount", LineKind.TAX, -1, "运费税"),
    _Part("commissionAmount", LineKind.COMMISSION, -1, "总佣金"),
    _Part("payChannelAmount", LineKind.COMMISSION, -1, "支付渠道费"),
    # What goes to those who brought the buyer, as 淘宝客佣金 and 多多进宝 elsewhere.
    _Part("cpsAmount", LineKind.ADVERTISING, -1, "CPS佣金"),
    _Part("installmentAmount", LineKind.COMMISSION, -1, "花呗分期手续费"),
    _Part("extraAmount", LineKind.COMMISSION, -1, "附加费"),
)
_PLACED: Final = frozenset({"amount", "goodsAmount", _GOODS, *(part.name for part in _PARTS)})


def recognises(document: Document) -> bool:
    """Whether it is a JSON object with the fields of one of the two pages."""
    return bool(_key(document))


def read(document: Document) -> Iterator[Record]:
    """Yield Statement (evidence), Lines, Totals for each run of one wallet.

    `row` is the ordinal in the page. Totals tie where the parts of every order come to
    its amount; else, and for services, nothing is proved. Raises ReadError.
    """
    key = _key(document)
    lines_of = _transaction if key == TRANSACTIONS else _expense
    for wallet, run in groupby(rows(document, key), key=_wallet):
        yield Statement(
            account=document.context.get("account", ""),
            currency=words.CURRENCY,
            profile=key,
            cash_account=wallet,
            books=False,
        )
        explained = True
        for item in run:
            lines, rest = lines_of(item)
            explained = explained and not rest
            yield from lines
        yield Totals(ties=(explained and key == TRANSACTIONS) or None)


def _key(document: Document) -> str:
    return next((key for key, marks in _MARKS.items() if holds(document, marks)), "")


def _wallet(item: Item) -> str:
    number = item.required_id("erqingType")
    if number not in words.ERQING_TYPES:
        raise item.refused(f"unknown erqingType {shown(number)}")
    return words.ERQING_TYPES[number]


def _transaction(item: Item) -> tuple[list[Line], Decimal]:
    """The lines of an order's settlement, and what its parts do not explain."""
    unplaced = (name for name in item.source if name not in _PLACED)
    for name in unplaced:
        if name.endswith(("Amount", "Promotion")) and (value := item.money_if_any(name)):
            raise item.refused(f"unknown sum {shown(name)}: {value}")
    number = f"transaction:{item.required_id('transactionId')}"
    business = item.required_id("transactionBizType")
    kind, said = _BUSINESS.get(business, (LineKind.UNKNOWN, "未知业务"))
    goods = _Part(_GOODS, kind, 1, said)
    way = -1 if item.required_id("settleBizType") == _REFUND else 1
    found = [
        (part, way * part.sign * item.money_if_any(part.name).copy_abs())
        for part in (goods, *_PARTS)
        if item.money_if_any(part.name)
    ]
    total = _signed(item)
    for _, value in found:
        total = EXACT.subtract(total, value)
    if total:
        found.append((_Part("rest", LineKind.UNKNOWN, 1, "动账金额中未说明的部分"), total))
    return [_line(item, f"{number}:{part.name}", part, value) for part, value in found], total


def _expense(item: Item) -> tuple[list[Line], Decimal]:
    """The line of a service, which has no parts."""
    kind, said = _SERVICES.get(item.required_id("baseBizType"), (LineKind.UNKNOWN, "未知服务"))
    part = _Part("amount", kind, 1, said)
    line = _line(item, f"expense:{item.required_id('expenseId')}", part, _signed(item))
    return [line], NOTHING


def _signed(item: Item) -> Decimal:
    """`amount`: negative for a refund, and where it is stated negative."""
    if not item.states("amount"):
        raise item.refused("no amount")
    way, value = item.required_id("settleBizType"), item.money_if_any("amount")
    if way not in (_INCOME, _REFUND):
        raise item.refused(f"unknown settleBizType {shown(way)}")
    return -value.copy_abs() if value and way == _REFUND else value


def _line(item: Item, external_id: str, part: _Part, value: Decimal) -> Line:
    state = item.required_id("commonSettleStatus")
    if state not in _STATES:
        raise item.refused(f"unknown commonSettleStatus {shown(state)}")
    return Line(
        external_id=external_id,
        kind=part.kind,
        amount=value,
        currency=words.CURRENCY,
        event_at=_moment(item),
        row=item.row,
        order_ref=item.id("packageId"),
        label=f"{part.said}/{_STATES[state]}",
    )


def _moment(item: Item) -> datetime:
    """When it was settled, else when it can be, else when the order was made."""
    for name in ("settledTime", "canSettleTime", "orderTime"):
        moment = item.millis_if_any(name, words.ZONE)
        if moment is not None:
            return moment
    raise item.refused("it has no time")
