"""The trade bill (交易账单): what was sold and refunded. Evidence, never booked.

The variants ALL (27 columns), SUCCESS (no refund columns), REFUND (two more
times) and the layout before 2018 (24 columns) are read by column name. Sources:
platforms-cn.md §3.3; the old names from copies of the official downloadbill page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from platforms.adapters.wechatpay.bill import Bill, header_of
from platforms.contract import (
    Document,
    Line,
    LineKind,
    ReadError,
    Record,
    Statement,
    Totals,
)
from platforms.reading import Amounts, LocalTimes, currency, located
from platforms.values import EXACT, NOTHING

PROFILE: Final = "trade_bill"
OLD_PROFILE: Final = "trade_bill_before_2018"
ZONE: Final = ZoneInfo("Asia/Shanghai")

# 交易状态. REVOKED is a payment by code that the cashier took back: its money
# went back to the buyer like a refund's.
KINDS: Final[Mapping[str, LineKind]] = {
    "SUCCESS": LineKind.SALE,
    "REFUND": LineKind.REFUND,
    "REVOKED": LineKind.REFUND,
}

_TIME: Final = "交易时间"
_MERCHANT: Final = "商户号"
_ORDER: Final = "微信订单号"
_OWN_ORDER: Final = "商户订单号"
_STATUS: Final = "交易状态"
_CURRENCY: Final = "货币种类"
_GOODS: Final = "商品名称"
_REFUND_ORDER: Final = "微信退款单号"
_REFUNDED: Final = "退款金额"
_DUE: Final = "应结订单金额"
_OLD_DUE: Final = "总金额"
_REQUIRED: Final = (_TIME, _MERCHANT, _ORDER, _OWN_ORDER, _STATUS, _CURRENCY)

_ROWS: Final = "总交易单数"
_DUE_TOTAL: Final = "应结订单总金额"
_REFUNDED_TOTAL: Final = "退款总金额"
_OLD_DUE_TOTAL: Final = "总交易额"
_OLD_REFUNDED_TOTAL: Final = "总退款金额"

# Each total of the summary and the column it adds up.
_SUMS: Final[Mapping[str, str]] = {
    _DUE_TOTAL: _DUE,
    _REFUNDED_TOTAL: _REFUNDED,
    "充值券退款总金额": "充值券退款金额",
    "手续费总金额": "手续费",
    "订单总金额": "订单金额",
    "申请退款总金额": "申请退款金额",
    _OLD_DUE_TOTAL: _OLD_DUE,
    _OLD_REFUNDED_TOTAL: _REFUNDED,
    "总代金券或立减优惠退款金额": "代金券或立减优惠退款金额",
}


def recognises(document: Document) -> bool:
    """Whether the header is a trade bill's."""
    return {_TIME, "公众账号ID", _ORDER, _OWN_ORDER} <= set(header_of(document))


def read(document: Document) -> Iterator[Record]:
    """Yield Statement, a Line a row, Totals.

    A row's amount is what it adds to the settlement: order amount − refunded
    amount, before the fee. Raises ReadError.
    """
    with document.open() as stream:
        bill = Bill(stream, summary_begins=(_ROWS,))
        due = _DUE if _DUE in bill.header else _OLD_DUE
        at = bill.columns((*_REQUIRED, due))
        adding, times = _Adding(at), LocalTimes(ZONE)
        opened: Statement | None = None
        for row, values in bill.rows():
            if opened is None:
                opened = _statement(values, at, row)
                yield opened
            elif values[at[_CURRENCY]] != opened.currency:
                raise ReadError(f"{values[at[_CURRENCY]]} in a bill in {opened.currency}", row=row)
            figures = adding.add(row, values)
            try:
                moment = times(values[at[_TIME]])
            except ReadError as error:
                raise located(error, row) from error
            yield _line(row, values, at, moment, figures)
    if opened is None:
        yield _empty_statement(due)
    yield _totals(bill, adding)


class _Adding:
    """Reads a row's figures once and keeps the sum of every column that has a total."""

    def __init__(self, at: Mapping[str, int]) -> None:
        self._positions = {name: at[name] for name in dict.fromkeys(_SUMS.values()) if name in at}
        self._amounts = Amounts()
        self.rows = 0
        self.sums = dict.fromkeys(self._positions, NOTHING)

    def add(self, row: int, values: list[str]) -> dict[str, Decimal]:
        """Give the row's figures by column name. Raises ReadError."""
        amounts, sums, figures = self._amounts, self.sums, {}
        self.rows += 1
        for name, position in self._positions.items():
            try:
                figure = figures[name] = amounts[values[position]]
            except ReadError as error:
                raise ReadError(f"{name}: {error.reason}", row=row) from error
            sums[name] = EXACT.add(sums[name], figure)
        return figures


def _statement(values: list[str], at: Mapping[str, int], row: int) -> Statement:
    return Statement(
        account=values[at[_MERCHANT]],
        currency=currency(values[at[_CURRENCY]], row=row),
        books=False,
        profile=PROFILE if _DUE in at else OLD_PROFILE,
    )


def _empty_statement(due: str) -> Statement:
    profile = PROFILE if due == _DUE else OLD_PROFILE
    return Statement(account="", currency="CNY", books=False, profile=profile)


def _line(
    row: int,
    values: list[str],
    at: Mapping[str, int],
    moment: datetime,
    figures: Mapping[str, Decimal],
) -> Line:
    status, order = values[at[_STATUS]], values[at[_ORDER]]
    if not order:
        raise ReadError(f"the row has no {_ORDER}", row=row)
    refund = values[at[_REFUND_ORDER]] if _REFUND_ORDER in at else ""
    due = figures[_DUE] if _DUE in figures else figures[_OLD_DUE]
    return Line(
        # A trade that was not refunded states "0"; SUCCESS bills have no column.
        external_id=f"{order}|{status}|{'' if refund == '0' else refund}",
        kind=KINDS.get(status, LineKind.UNKNOWN),
        amount=due - figures.get(_REFUNDED, NOTHING),
        currency=values[at[_CURRENCY]],
        event_at=moment,
        row=row,
        order_ref=values[at[_OWN_ORDER]],
        label=values[at[_GOODS]] if _GOODS in at else "",
    )


def _totals(bill: Bill, adding: _Adding) -> Totals:
    """The order and refund totals as stated; `ties` recomputes every total of the summary."""
    old = _OLD_DUE_TOTAL in bill.summary
    return Totals(
        credit=bill.total(_OLD_DUE_TOTAL if old else _DUE_TOTAL),
        debit=bill.total(_OLD_REFUNDED_TOTAL if old else _REFUNDED_TOTAL),
        ties=_ties(bill, adding),
    )


def _ties(bill: Bill, adding: _Adding) -> bool:
    stated = {total: bill.total(total) for total in bill.summary if total in _SUMS}
    # A SUCCESS bill states refund totals over columns it does not have.
    return bill.number(_ROWS) == adding.rows and all(
        adding.sums[_SUMS[total]] == value
        for total, value in stated.items()
        if _SUMS[total] in adding.sums
    )
