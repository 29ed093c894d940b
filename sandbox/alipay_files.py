"""Alipay's fund bill (账务明细, `signcustomer`): 12 or 16 columns, as CSV or in its ZIP.

Source: platforms-cn.md 1.4 (a) and banks.md 1.6: GB18030, `#` preamble and trailer with
the account, the period and the totals of both sides, a TAB after ids, product and
counterparty, yuan with two decimals. The ZIP holds the summary first and the detail
second, with GBK member names.

The sign of a non-zero 支出 is not shown by any sample of the reference: its totals line
is negative in exports read by public code. Here the current 16 columns are negative,
the classic 12 positive, since readers of both are known. The classic file is newest
first, as its public sample is.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from sandbox import money
from sandbox.alipay import AccountRow
from sandbox.days import Period
from sandbox.model import Store

CLASSIC = "12"
CURRENT = "16"
ZIPPED = "+zip"
ASCII_BRACKETS = "+ascii"
ENCODING = "gb18030"
SUMMARY_HEADER = "类型,收入笔数,收入金额（+元）,支出笔数,支出金额（-元）,总金额（元）"
_COLUMNS_12 = (
    "账务流水号",
    "业务流水号",
    "商户订单号",
    "商品名称",
    "发生时间",
    "对方账号",
    "收入金额（+元）",
    "支出金额（-元）",
    "账户余额（元）",
    "交易渠道",
    "业务类型",
    "备注",
)
_COLUMNS_16 = (*_COLUMNS_12, "业务描述", "业务账单来源", "业务基础订单号", "业务订单号")
_TABBED = ("账务流水号", "业务流水号", "商户订单号", "商品名称", "对方账号")
_LIST = f"#{'-' * 41}账务明细列表{'-' * 40}"
_LIST_ENDS = f"#{'-' * 40}账务明细列表结束{'-' * 37}"
_SUMMARY_LIST = f"#{'-' * 41}账务汇总列表{'-' * 40}"
_SUMMARY_LIST_ENDS = f"#{'-' * 40}账务汇总列表结束{'-' * 37}"


def fund_bill(store: Store, span: Period, rows: Sequence[AccountRow]) -> bytes:
    """The file of a period in the store's dialect; `rows` in the order they were booked."""
    detail = _detail(store, span, rows).encode(ENCODING)
    if not store.dialect.endswith(ZIPPED):
        return detail
    stem = f"{store.external_id}_{span.first:%Y%m%d}_{span.last:%Y%m%d}_账务明细"
    summary = _summary(store, span, rows).encode(ENCODING)
    return _zip({f"{stem}(汇总).csv": summary, f"{stem}.csv": detail}, span.last)


def _detail(store: Store, span: Period, rows: Sequence[AccountRow]) -> str:
    classic = store.dialect.startswith(CLASSIC)
    columns = _COLUMNS_12 if classic else _COLUMNS_16
    header = ",".join(columns)
    if ASCII_BRACKETS in store.dialect:
        header = header.replace("（", "(").replace("）", ")")
    ordered = reversed(rows) if classic else rows
    body = [_line(row, columns, signed=not classic) for row in ordered]
    outgo, income = _split(rows)
    return _text(
        [
            *_preamble("#支付宝账务明细查询", store, span),
            _LIST,
            header,
            *body,
            _LIST_ENDS,
            f"#支出合计：{len(outgo)}笔，共{_outgo(sum(outgo), signed=not classic)}元",
            f"#收入合计：{len(income)}笔，共{money.text(sum(income))}元",
            f"#导出时间：[{_day(span.last + timedelta(days=1))} 09:30:00]",
        ]
    )


def _summary(store: Store, span: Period, rows: Sequence[AccountRow]) -> str:
    kinds = sorted({row.kind for row in rows})
    by_kind = [(kind, [row for row in rows if row.kind == kind]) for kind in kinds]
    return _text(
        [
            *_preamble("#支付宝账务汇总查询", store, span),
            _SUMMARY_LIST,
            SUMMARY_HEADER,
            *(_summary_line(kind, own) for kind, own in [*by_kind, ("合计", rows)]),
            _SUMMARY_LIST_ENDS,
            f"#导出时间：[{_day(span.last + timedelta(days=1))} 09:30:00]",
        ]
    )


def _summary_line(kind: str, rows: Sequence[AccountRow]) -> str:
    outgo, income = _split(rows)
    amounts = (len(income), money.text(sum(income)), len(outgo), money.text(sum(outgo)))
    return ",".join(map(str, (kind, *amounts, money.text(sum(income) + sum(outgo)))))


def _preamble(title: str, store: Store, span: Period) -> list[str]:
    """The period ends at the midnight after its last day, as the platform writes it."""
    until = span.last + timedelta(days=1)
    return [
        title,
        f"#账号：[{store.external_id}]",
        f"#起始日期：[{_day(span.first)} 00:00:00]   终止日期：[{_day(until)} 00:00:00]",
    ]


def _line(row: AccountRow, columns: Iterable[str], *, signed: bool) -> str:
    values = {
        "账务流水号": row.entry_no,
        "业务流水号": row.business_no,
        "商户订单号": row.order_no,
        "商品名称": row.product,
        "发生时间": f"{row.at:%Y-%m-%d %H:%M:%S}",
        "对方账号": row.counterparty,
        "收入金额（+元）": money.text(max(row.amount, 0)),
        "支出金额（-元）": _outgo(min(row.amount, 0), signed=signed),
        "账户余额（元）": money.text(row.balance),
        "交易渠道": row.channel,
        "业务类型": row.kind,
        "备注": row.remark,
        "业务描述": row.description,
        "业务账单来源": row.channel if row.tid else "",
        "业务基础订单号": row.tid,
        "业务订单号": row.tid,
    }
    return ",".join(values[name] + ("\t" if name in _TABBED else "") for name in columns)


def _split(rows: Iterable[AccountRow]) -> tuple[list[int], list[int]]:
    """The amounts that went out (negative) and those that came in."""
    amounts = [row.amount for row in rows]
    return [a for a in amounts if a < 0], [a for a in amounts if a > 0]


def _outgo(amount: int, *, signed: bool) -> str:
    return money.text(amount if signed else -amount)


def _day(day: date) -> str:
    return f"{day:%Y年%m月%d日}"


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\r\n" for line in lines)


class _GbkNamed(zipfile.ZipInfo):
    """A ZIP member whose name is GBK bytes: zipfile itself writes ASCII or UTF-8 only."""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802
        return self.filename.encode(ENCODING), self.flag_bits


def _zip(members: Mapping[str, bytes], day: date) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            info = _GbkNamed(name, date_time=(day.year, day.month, day.day, 9, 30, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return buffer.getvalue()
