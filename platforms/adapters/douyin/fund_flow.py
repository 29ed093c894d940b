"""Exports of the cash movements (资金流水): the shop's own, and the file the API makes.

The shop's own export has Chinese column names (34 in the one that is known; their number
grows), the API's file the field names of the API. Whether they write yuan or fen, and fees
with or without a minus, is not confirmed (platforms-cn.md §5.4). The unit shows where an
amount has a decimal point, as fen have none; a file in which no amount has one is refused.
The signs are those under which the parts make up the movement.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from typing import Final

from platforms.adapters._table import Row, layouts, refuse_other_sheets, table
from platforms.adapters._unknown import refuse_unknown_money
from platforms.adapters.douyin import words
from platforms.adapters.douyin.movements import (
    CURRENCY,
    FACTS,
    NUMBERING,
    Fields,
    account,
    movement,
    records,
)
from platforms.contract import Document, ReadError, Record, Statement, Totals
from platforms.reading import amount
from platforms.values import NOTHING

EXPORT: Final = "fund_flow_export"
API_FILE: Final = "fund_flow_api_file"

# 动帐流水号 is the platform's own slip.
_NAMES: Final[Mapping[str, str]] = {
    "动账时间": "bill_time",
    "动帐流水号": "account_trade_no",
    "动账流水号": "account_trade_no",
    "动账方向": "fund_flow_desc",
    "动账金额": "account_amount",
    "动账账户": "account_type_desc",
    "动账场景": "trans_scene",
    "动账摘要": "account_bill_desc",
    "计费类型": "biz_type_desc",
    "子订单号": "order_id",
    "订单号": "shop_order_id",
    "售后编号": "after_sale_service_no",
    "下单时间": "business_order_create_time",
    "商品ID": "product_id",
    "商品名称": "product_name",
    "达人ID": "author_id",
    "达人名称": "author_name",
    "订单类型": "order_type_desc",
    "是否免佣": "free_commission_flag",
    words.WAIVED_LABEL: words.WAIVED,
    "备注": "remark",
    # The API's file names this one otherwise than its answer.
    "partner_commission_amount": "partner_commission",
    **{label: name for name, (label, _) in words.PARTS.items()},
}
_CORE: Final = ("bill_time", "account_trade_no", "account_amount", "trans_scene")
_BLANK: Final = frozenset({"", "-", "--"})
_KNOWN: Final = {*FACTS, *words.PARTS}
_MONEY: Final = ("account_amount", words.WAIVED, *words.PARTS)


def recognises(document: Document) -> bool:
    """Whether one of the first rows is the header of such an export, in either language."""
    return _sheet(document) is not None


def read(document: Document) -> Iterator[Record]:
    """Yield for each wallet a Statement, its Lines and Payouts, and Totals.

    The file is read once for its unit and wallets, and once for each of these. It states
    no sums. Raises ReadError.
    """
    refuse_other_sheets(document, _layout, most=1)
    sheet, profile = _sheet(document) or ("", EXPORT)
    wallets, shop = _survey(document, sheet)
    for wallet in wallets or [""]:
        yield Statement(
            account=shop or document.context.get("account", ""),
            currency=CURRENCY,
            profile=profile,
            numbering=NUMBERING,
            cash_account=wallet,
            # A file without rows names no wallet.
            books=bool(wallet),
        )
        for row in _rows(document, sheet):
            if _wallet(row) == wallet:
                yield from records(movement(_fields(row)))
        yield Totals()


def _survey(document: Document, sheet: str) -> tuple[list[str], str]:
    """The wallets the rows name and the shop; ReadError where the unit cannot be told."""
    found: set[str] = set()
    shops: set[str] = set()
    is_zero = True
    is_yuan = False
    for row in _rows(document, sheet):
        refuse_unknown_money(row.number, row.cells.items(), _KNOWN)
        found.add(_wallet(row))
        shops |= {row["shop_id"]} - {""}
        for name in _MONEY:
            is_yuan = is_yuan or "." in row[name]
            is_zero = is_zero and not _yuan(row, name)
    if not is_yuan and not is_zero:
        raise ReadError(
            "no amount has a decimal point, so they may be yuan or fen (分): which of them "
            "Douyin writes here is not confirmed; export it from the shop with amounts in yuan"
        )
    if len(shops) > 1:
        raise ReadError("the file holds rows of several shops")
    return [name for name in words.CASH_ACCOUNTS if name in found], next(iter(shops), "")


def _rows(document: Document, sheet: str) -> Iterator[Row]:
    with table(document, _CORE, sheet=sheet, names=_NAMES) as rows:
        rows.require(*_CORE)
        if not {"fund_flow", "fund_flow_desc"} & set(rows.header):
            raise ReadError("the header lacks 动账方向", row=rows.header_row)
        yield from rows


def _wallet(row: Row) -> str:
    return account(row["account_type_desc"] or row["account_type"], row.number)


def _fields(row: Row) -> Fields:
    return Fields(row.number, row.__getitem__, lambda name: _yuan(row, name))


def _yuan(row: Row, name: str) -> Decimal:
    text = row[name]
    return NOTHING if text in _BLANK else amount(text, row=row.number)


def _sheet(document: Document) -> tuple[str, str] | None:
    """The sheet with the header (none in a CSV) and its profile, None where there is none."""
    return next(iter(layouts(document, _layout)), None)


def _layout(names: Collection[str]) -> str:
    if not set(_CORE) <= {_NAMES.get(name, name) for name in names}:
        return ""
    return API_FILE if set(_CORE) <= set(names) else EXPORT
