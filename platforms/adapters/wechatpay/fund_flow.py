"""The fund flow (资金账单): every movement of one wallet of the merchant.

One row is one signed movement: the amount is always positive and 收支类型 gives
the direction. Fees are rows of their own. The summary states counts and sums.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from platforms.adapters.wechatpay.bill import Bill, header_of
from platforms.contract import (
    Document,
    Line,
    LineKind,
    Payout,
    PayoutStatus,
    ReadError,
    Record,
    Statement,
    Totals,
)
from platforms.reading import Amounts, LocalTimes, amount, located, shown

PROFILE: Final = "fund_flow"
CASH_ACCOUNTS: Final = ("BASIC", "OPERATION", "FEES")
ZONE: Final = ZoneInfo("Asia/Shanghai")
CURRENCY: Final = "CNY"

WITHDRAWAL: Final = "提现"

# 业务类型 as far as it is confirmed: 退款 and 扣除交易手续费 in official examples and
# reconcilers of real files, 交易 in two of the latter, 提现 in banks.md §1.7.
# Other words (退回…, 充值, 分账 …) exist; each is UNKNOWN until seen.
KINDS: Final[Mapping[str, LineKind]] = {
    "交易": LineKind.SALE,
    "退款": LineKind.REFUND,
    "扣除交易手续费": LineKind.COMMISSION,
    WITHDRAWAL: LineKind.PAYOUT,
}

_TIME: Final = "记账时间"
_BUSINESS: Final = "微信支付业务单号"
_FLOW: Final = "资金流水单号"
_NAME: Final = "业务名称"
_TYPE: Final = "业务类型"
_DIRECTION: Final = "收支类型"
_AMOUNT: Final = "收支金额(元)"
_BALANCE: Final = "账户结余(元)"
_REMARK: Final = "备注"
_VOUCHER: Final = "业务凭证号"
_REQUIRED: Final = (
    *(_TIME, _BUSINESS, _FLOW, _NAME, _TYPE, _DIRECTION, _AMOUNT, _BALANCE, _REMARK, _VOUCHER),
)

_IN: Final = "收入"
_OUT: Final = "支出"
_ROWS: Final = "资金流水总笔数"


def recognises(document: Document) -> bool:
    """Whether the header is a fund flow's."""
    return {_TIME, _FLOW, _DIRECTION} <= set(header_of(document))


def read(document: Document) -> Iterator[Record]:
    """Yield Statement, a Line a row (and a Payout for each withdrawal), Totals.

    Yuan with at most two decimals; 支出 is negative. Raises ReadError.
    """
    yield Statement(
        account=document.context.get("account", ""),
        currency=CURRENCY,
        cash_account=_cash_account(document),
        profile=PROFILE,
    )
    with document.open() as stream:
        bill = Bill(stream, summary_begins=(_ROWS,))
        wallet = _Wallet()
        yield from _records(bill, wallet)
    yield _totals(bill, wallet)


def _cash_account(document: Document) -> str:
    # The file does not name its wallet; the link it was fetched for does.
    named = document.context.get("cash_account") or CASH_ACCOUNTS[0]
    if named not in CASH_ACCOUNTS:
        raise ReadError(f"WeChat Pay has no wallet called {shown(named)}")
    return named


class _Wallet:
    """What the rows say of the wallet: how many, what they moved, first and last balance."""

    def __init__(self) -> None:
        self.rows = 0
        self.moved = Decimal(0)
        self.opening: Decimal | None = None
        self.closing: Decimal | None = None

    def balances(self) -> tuple[Decimal, Decimal] | None:
        """Opening and closing, where the rows lead from one to the other.

        Rows that are not in the order of their booking state balances that
        prove nothing; such a bill is tied out by its summary alone.
        """
        if self.opening is None or self.closing is None:
            return None
        if self.opening + self.moved != self.closing:
            return None
        return self.opening, self.closing


def _records(bill: Bill, wallet: _Wallet) -> Iterator[Line | Payout]:
    """The hot loop: positions and caches are bound once, a row is read in one step."""
    at = bill.columns(_REQUIRED)
    time, business, flow, name, type_ = at[_TIME], at[_BUSINESS], at[_FLOW], at[_NAME], at[_TYPE]
    direction, money, remark, voucher = at[_DIRECTION], at[_AMOUNT], at[_REMARK], at[_VOUCHER]
    balance, last, row = at[_BALANCE], None, 1
    amounts, times, kinds, unknown = Amounts(), LocalTimes(ZONE), KINDS.get, LineKind.UNKNOWN
    for row, values in bill.rows():
        word, way, number = values[type_], values[direction], values[business]
        try:
            value, moment = amounts[values[money]], times(values[time])
        except ReadError as error:
            raise located(error, row) from error
        if value.is_signed() or (way != _IN and way != _OUT):
            raise ReadError(f"no direction: {shown(way)} {value}", row=row)
        if not number and not values[flow]:
            raise ReadError("the row has no number of its own", row=row)
        paid_out = word == WITHDRAWAL and way == _OUT
        text = values[remark]
        signed = value if way == _IN else -value
        wallet.rows += 1
        wallet.moved += signed
        if wallet.opening is None:
            wallet.opening = amount(values[balance], row=row) - signed
        last = values
        yield Line(
            # The same 资金流水单号 occurs for a payment and its refund (banks.md §1.7).
            external_id=f"{number}|{values[flow]}|{word}",
            # A withdrawal that comes in is not confirmed: a return, perhaps.
            kind=kinds(word, unknown) if word != WITHDRAWAL or paid_out else unknown,
            amount=signed,
            currency=CURRENCY,
            event_at=moment,
            row=row,
            order_ref=values[voucher],
            payout_ref=number if paid_out else "",
            label=f"{values[name]}/{text}" if text else values[name],
        )
        if paid_out:
            # The bill states when the money left, never when it arrived.
            yield Payout(
                external_id=number,
                amount=value,
                currency=CURRENCY,
                status=PayoutStatus.IN_TRANSIT,
                announced_at=moment,
                row=row,
                remittance=number,
            )
    if last is not None:
        wallet.closing = amount(last[balance], row=row)


def _totals(bill: Bill, wallet: _Wallet) -> Totals:
    """The summary as stated; `ties` compares the one count that has no field of its own."""
    opening, closing = wallet.balances() or (None, None)
    return Totals(
        credit_count=bill.number("收入笔数"),
        credit=bill.total("收入金额"),
        debit_count=bill.number("支出笔数"),
        debit=bill.total("支出金额"),
        opening=opening,
        closing=closing,
        ties=bill.number(_ROWS) == wallet.rows,
    )
