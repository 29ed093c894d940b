"""WeChat Pay's bill files: 资金账单 (fund flow, BASIC) and 交易账单 (trade bill, ALL).

Source: platforms-cn.md 3.3 and banks.md 1.7: UTF-8 CSV, every value (also an empty
one) prefixed by a back-tick, a summary header and a summary row at the end, amounts
in yuan. The bracket in the header is half or full width, and the counts of the
summary are written `20` or `20.0`: both were seen in the wild.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sandbox import money
from sandbox.wechatpay import FundRow, Order, Refund

FULL_WIDTH = "full_width"
FUND_FLOW_HEADER = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,"
    "收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号"
)
FUND_FLOW_SUMMARY = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"
TRADE_BILL_HEADER = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,"
    "交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,"
    "商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
TRADE_BILL_SUMMARY = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)
_APPID = "wx5a6e64626f78c0de"
_RATE = "0.60%"


def fund_flow(rows: Sequence[FundRow], *, dialect: str = "") -> str:
    """The file's text; rows in the order they were booked."""
    full_width = dialect == FULL_WIDTH
    header = FUND_FLOW_HEADER
    if full_width:
        header = header.replace("(", "（").replace(")", "）")
    income = [row.amount for row in rows if row.amount > 0]
    outgo = [-row.amount for row in rows if row.amount < 0]
    count = "{}.0" if full_width else "{}"
    summary = (
        count.format(len(rows)),
        count.format(len(income)),
        money.text(sum(income)),
        count.format(len(outgo)),
        money.text(sum(outgo)),
    )
    lines = [header, *map(_fund_row, rows), FUND_FLOW_SUMMARY, _ticked(summary)]
    return "\n".join(lines) + "\n"


def trade_bill(trades: Sequence[Order | Refund], *, mchid: str) -> str:
    """The trade bill of one day; refunds carry a negative fee, fees five decimals."""
    orders = [trade for trade in trades if isinstance(trade, Order)]
    refunds = [trade for trade in trades if isinstance(trade, Refund)]
    sold, refunded = sum(o.amount for o in orders), sum(r.amount for r in refunds)
    fees = sum(o.fee for o in orders) - sum(r.fee for r in refunds)
    summary = (
        str(len(trades)),
        money.text(sold),
        money.text(refunded),
        "0.00",
        _fee(fees),
        money.text(sold),
        money.text(refunded),
    )
    rows = [_ticked(_trade_row(trade, mchid)) for trade in trades]
    return "\n".join([TRADE_BILL_HEADER, *rows, TRADE_BILL_SUMMARY, _ticked(summary)]) + "\n"


def _fund_row(row: FundRow) -> str:
    return _ticked(
        (
            f"{row.at:%Y-%m-%d %H:%M:%S}",
            row.business_no,
            row.flow_no,
            row.name,
            row.kind,
            "收入" if row.amount > 0 else "支出",
            money.text(abs(row.amount)),
            money.text(row.balance),
            row.applicant,
            row.remark,
            row.voucher,
        )
    )


def _trade_row(trade: Order | Refund, mchid: str) -> tuple[str, ...]:
    order = trade if isinstance(trade, Order) else trade.order
    refund = None if isinstance(trade, Order) else trade
    settled = "0.00" if refund else money.text(order.amount)
    refunded = money.text(refund.amount) if refund else "0.00"
    return (
        f"{trade.at:%Y-%m-%d %H:%M:%S}",
        _APPID,
        mchid,
        "0",
        "",
        order.transaction_id,
        order.trade_no,
        order.buyer,
        "JSAPI",
        "REFUND" if refund else "SUCCESS",
        order.buyers_bank,
        "CNY",
        settled,
        "0.00",
        refund.refund_id if refund else "0",
        refund.refund_no if refund else "0",
        refunded,
        "0.00",
        "ORIGINAL" if refund else "",
        "SUCCESS" if refund else "",
        order.product,
        "",
        _fee(-refund.fee if refund else order.fee),
        _RATE,
        settled,
        refunded,
        "",
    )


def _fee(cents: int) -> str:
    return f"{money.text(cents)}000"


def _ticked(values: Iterable[str]) -> str:
    return "`" + ",`".join(values)
