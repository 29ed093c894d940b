"""JD's files: settlement details (23 columns), the settlement export (22), the wallet (xlsx).

The wallet workbook has two sheets. Its settlement is the detail again, without a state; its
funds are the wallet's own movements, whose words are not confirmed: the settlements arrive
in them as sums, so that they are evidence beside the details, never booked themselves.
Source: platforms-cn.md §6.4.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal
from typing import Final

from platforms.adapters._cn_export import names_in
from platforms.adapters._table import Row, layouts, refuse_other_sheets, table
from platforms.adapters._unknown import refuse_unknown_money
from platforms.adapters.jd import words
from platforms.adapters.jd.rows import (
    BY_CONTENT,
    BY_DETAIL,
    CURRENCY,
    Fee,
    Fees,
    content_id,
    moment,
    plain,
)
from platforms.adapters.jd.wallet import Funds, Movement
from platforms.contract import Document, ReadError, Record, Statement, Totals
from platforms.reading import amount
from platforms.values import NOTHING

DETAIL: Final = "settlement_detail"
EXPORT: Final = "settlement_export"
WALLET_SETTLEMENT: Final = "wallet_settlement"
WALLET_FUNDS: Final = "wallet_funds"

_STATE: Final = "结算状态"
_COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    DETAIL: (
        *("订单编号", "单据编号", "单据类型", "商品编号", "商户订单号", "商品名称", _STATE),
        *("费用发生时间", "费用计费时间", "费用结算时间", "费用项", "金额", "币种"),
        *("商家应收/应付", "钱包结算备注", "店铺号", "京东门店编号", "品牌门店编号", "门店名称"),
        *("备注", "收支方向", "商品数量", "对账日期", "账单日期"),
    ),
    EXPORT: (
        *("订单编号", "父单号", "订单状态", "订单下单时间", "订单完成时间", "售后服务单号"),
        *("售后退款时间", "商品编号", "商品名称", "商品数量", "扣点类型", "佣金比例", "费用名称"),
        *("应结金额", "币种", "收支方向", _STATE, "预计结算时间", "账单生成时间", "到账时间"),
        *("商户订单号", "资金动账备注"),
    ),
    WALLET_FUNDS: (
        *("商户号", "账户代码", "账户名称", "日期", "商户订单号", "账户余额(元)"),
        *("收入金额(元)", "支出金额(元)", "交易备注", "账单日期"),
    ),
}
# What tells a header: enough names that no other form has together.
_CORES: Final[Mapping[str, tuple[str, ...]]] = {
    DETAIL: ("订单编号", "单据编号", "费用项", "金额", "币种", "费用结算时间"),
    EXPORT: ("订单编号", "费用名称", "应结金额", "币种", _STATE, "到账时间"),
    WALLET_FUNDS: ("商户号", "账户代码", "日期", "收入金额(元)", "支出金额(元)"),
}
# Columns a form may lack: newer ones, and those that only name things.
_OPTIONAL: Final = frozenset(
    {_STATE, "店铺号", "京东门店编号", "品牌门店编号", "门店名称", "备注", "商品数量", "对账日期"}
    | {"账单日期", "商家应收/应付", "钱包结算备注", "扣点类型", "佣金比例", "资金动账备注"}
    | {"账户名称", "交易备注"}
)
_IDENTITY: Final = (
    *("订单编号", "父单号", "售后服务单号", "商品编号", "商品数量", "订单下单时间"),
    *("收支方向", "账单生成时间", "到账时间", "商户订单号"),
)
_PERSONAL: Final = frozenset({"交易时间", "商户名称", "交易说明", "收/付款方式", "交易分类"})
# An export of what stands in no column.
_BLANK: Final = frozenset({"", "-", "--"})


def recognises(document: Document) -> bool:
    """Whether it has one of the headers, or is the personal export that is taken for one."""
    return any(layouts(document, _layout)) or _is_personal(document)


def read(document: Document) -> Iterator[Record]:
    """Yield for each table Statement, Lines, Totals. Yuan. Raises ReadError."""
    if _is_personal(document):
        raise ReadError(
            "this is the personal export of JD, which is no bill of a shop; download "
            "结算明细 of the shop (京麦, 商家钱包) instead"
        )
    refuse_other_sheets(document, _layout, most=len(_CORES))
    found = list(layouts(document, _layout))
    if not found:
        raise ReadError("neither a settlement nor a wallet of JD: no such header", row=1)
    for sheet, form in sorted(found, key=lambda pair: pair[1] == WALLET_FUNDS):
        if form == WALLET_FUNDS:
            yield from _funds(document, sheet)
        else:
            yield from _settlement(document, sheet, form)


def _layout(names: Collection[str]) -> str:
    return next((form for form, core in _CORES.items() if set(core) <= set(names)), "")


def _is_personal(document: Document) -> bool:
    return any(set(names) >= _PERSONAL for names in names_in(document.head))


def _rows(document: Document, sheet: str, form: str) -> Iterator[Row]:
    with table(document, _CORES[form], sheet=sheet) as rows:
        rows.require(*(name for name in _COLUMNS[form] if name not in _OPTIONAL))
        for row in rows:
            refuse_unknown_money(row.number, row.cells.items(), _COLUMNS[form])
            yield row


# --- settlements ------------------------------------------------------------------


def _settlement(document: Document, sheet: str, form: str) -> Iterator[Record]:
    """What is settled, booked; then what is not yet, as evidence. The file is read for each."""
    has_state, shop, is_open = _survey(document, sheet, form)
    profile = form if form == EXPORT or has_state else WALLET_SETTLEMENT
    for is_settled in (True, False) if is_open else (True,):
        yield Statement(
            account=shop or document.context.get("account", ""),
            currency=CURRENCY,
            profile=profile,
            numbering=BY_CONTENT if form == EXPORT else BY_DETAIL,
            books=is_settled,
        )
        fees = (_READERS[form](row) for row in _rows(document, sheet, form))
        yield from Fees(is_signed=form == EXPORT).lines(fees, is_settled=is_settled)
        yield Totals()


def _survey(document: Document, sheet: str, form: str) -> tuple[bool, str, bool]:
    """Whether the form states how far a row is, its shop, and whether a row is not settled."""
    with table(document, _CORES[form], sheet=sheet) as rows:
        has_state = _STATE in rows.header
    shops: set[str] = set()
    is_open = False
    for row in _rows(document, sheet, form):
        # Fees of no order may name no shop.
        shops |= {row["店铺号"]} - {""}
        is_open = is_open or not _READERS[form](row).is_settled
    if len(shops) > 1:
        raise ReadError("the file holds rows of several shops: give them one by one")
    return has_state, next(iter(shops), ""), is_open


def _detail(row: Row) -> Fee:
    number, word, state = row["单据编号"], row["费用项"], row[_STATE]
    if not number or not word:
        raise ReadError("the row has no 单据编号 or no 费用项", row=row.number)
    settled = _time(row, "费用结算时间")
    return Fee(
        row=row.number,
        own=(number, word, row["商品编号"]),
        word=word,
        money=row["金额"],
        direction=_direction(row),
        # A row of a wallet has no state, and stands there because it is settled.
        at=moment(settled or _first(row, "费用计费时间", "费用发生时间"), row=row.number),
        is_settled=_is_settled(row, state, settled),
        order=row["订单编号"],
        batch=row["商户订单号"],
        currency=row["币种"],
        note=_note(state, row["钱包结算备注"]),
    )


def _export(row: Row) -> Fee:
    word, state, settled = row["费用名称"], row[_STATE], _time(row, "到账时间")
    if not word or not row["订单编号"]:
        raise ReadError("the row has no 订单编号 or no 费用名称", row=row.number)
    said = ("订单编号", "父单号", "售后服务单号", "商品编号", "商品数量", "订单下单时间")
    money = ("收支方向", "账单生成时间", "到账时间", "商户订单号")
    return Fee(
        row=row.number,
        own=(
            content_id(
                *(row[name] for name in (*said, *money)),
                word,
                plain(row["应结金额"], row=row.number),
            ),
        ),
        word=word,
        money=row["应结金额"],
        direction=_direction(row),
        at=moment(settled or _first(row, "预计结算时间", "订单下单时间"), row=row.number),
        is_settled=_is_settled(row, state, settled),
        order=row["订单编号"],
        batch=row["商户订单号"],
        currency=row["币种"],
        note=_note(state, row["资金动账备注"]),
    )


_READERS: Final[Mapping[str, Callable[[Row], Fee]]] = {DETAIL: _detail, EXPORT: _export}


def _is_settled(row: Row, state: str, settled: str) -> bool:
    """Its time says so; a state that says so without a time cannot be dated: ReadError."""
    if not settled and state in words.SETTLED:
        raise ReadError(f"the row is {state} and has no time of it", row=row.number)
    return bool(settled) and state not in words.VOID


def _direction(row: Row) -> str:
    """收支方向, or 商家应收/应付 where that is blank. ReadError where they say two things."""
    said = [row[name] for name in ("收支方向", "商家应收/应付") if row[name]]
    if len({words.DIRECTIONS.get(word) for word in said}) > 1:
        raise ReadError(f"the row is {' and '.join(said)}", row=row.number)
    return said[0] if said else ""


def _note(state: str, remark: str) -> str:
    """How far the row is, where its state is not that it is settled, and its remark."""
    said = ("" if state in words.SETTLED else state, remark)
    return "/".join(word for word in said if word not in _BLANK)


def _time(row: Row, name: str) -> str:
    return "" if row[name] in _BLANK else row[name]


def _first(row: Row, *names: str) -> str:
    return next((text for name in names if (text := _time(row, name))), "")


# --- funds ------------------------------------------------------------------------


def _funds(document: Document, sheet: str) -> Iterator[Record]:
    accounts = sorted({_account(row) for row in _rows(document, sheet, WALLET_FUNDS)})
    for account in accounts:
        funds = Funds()
        yield Statement(
            account=account[0],
            currency=CURRENCY,
            number=account[1],
            profile=WALLET_FUNDS,
            books=False,
        )
        for row in _rows(document, sheet, WALLET_FUNDS):
            if _account(row) == account:
                yield funds.line(_movement(row))
        yield funds.totals()


def _account(row: Row) -> tuple[str, str]:
    if not row["商户号"] or not row["账户代码"]:
        raise ReadError("the row has no 商户号 or no 账户代码", row=row.number)
    return row["商户号"], row["账户代码"]


def _movement(row: Row) -> Movement:
    return Movement(
        row=row.number,
        account="|".join(_account(row)),
        at=moment(row["日期"], row=row.number),
        income=_money(row, "收入金额(元)"),
        outgo=_money(row, "支出金额(元)"),
        balance=_money(row, "账户余额(元)") if row["账户余额(元)"] not in _BLANK else None,
        batch=row["商户订单号"],
        label=row["交易备注"],
    )


def _money(row: Row, name: str) -> Decimal:
    return NOTHING if row[name] in _BLANK else amount(row[name], row=row.number)
