"""Pinduoduo's store bill export (店铺账务明细).

Source: platforms-cn.md 4.4: GB18030, three lines of preamble around a blank one, the
header on line 5, 支出 negative, a side without money written `0`, no row id, and `#` lines
at the end whose counts together are all rows, zero-amount rows included.

The words of the `#` lines are those of exports read by public code, such as
`#支出合计：3485笔-59276.09元`.
On which side a zero-amount row is counted is not known: here it is the income side.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sandbox import money
from sandbox.days import Period
from sandbox.pinduoduo import BillRow

ENCODING = "gb18030"
HEADER = "商户订单号,发生时间,收入金额（+元）,支出金额（-元）,账务类型,备注,业务描述"
_NO_REMARK = "-"
_NOTHING = "0"


def store_bill(span: Period, rows: Sequence[BillRow]) -> bytes:
    """The export of a period, oldest row first."""
    income = [row.amount for row in rows if row.amount >= 0]
    outgo = [row.amount for row in rows if row.amount < 0]
    lines = [
        "拼多多店铺账务明细查询",
        "",
        f"起始时间：{span.first} 00:00:00  终止时间：{span.last} 23:59:59",
        "----------交易记录明细列表---------",
        HEADER,
        *map(_line, rows),
        f"#支出合计：{len(outgo)}笔{money.text(sum(outgo))}元",
        f"#收入合计：{len(income)}笔{money.text(sum(income))}元",
        f"#导出时间：{span.last + timedelta(days=1)} 10:00:00",
    ]
    return "".join(f"{line}\n" for line in lines).encode(ENCODING)


def _line(row: BillRow) -> str:
    values = (
        row.order,
        f"{row.at:%Y-%m-%d %H:%M:%S}",
        money.text(row.amount) if row.amount > 0 else _NOTHING,
        money.text(row.amount) if row.amount < 0 else _NOTHING,
        row.kind,
        _NO_REMARK,
        row.description,
    )
    return ",".join(values)
