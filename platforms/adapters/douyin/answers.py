"""Answers of the API: the cash movements of a shop, and its settlement bill. Both in fen.

`/order/getShopAccountItem` states every movement of the wallets. What
`/order/getSettleBillDetailV3` states a settled sub-order at a time is the same money
seen from the orders: evidence, never booked. Source: platforms-cn.md §5.1, §5.4.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from platforms.adapters._json import Item, answer_of, holds
from platforms.adapters._unknown import refuse_unknown_money
from platforms.adapters.douyin import words
from platforms.adapters.douyin.movements import (
    CURRENCY,
    FACTS,
    NUMBERING,
    ZONE,
    Fields,
    account,
    movement,
    records,
    signed,
    waiver,
)
from platforms.contract import (
    Document,
    Line,
    LineKind,
    Payout,
    ReadError,
    Record,
    Statement,
    Totals,
)
from platforms.reading import amount, local_time, shown

ITEMS: Final = "api_account_items"
SETTLED: Final = "api_settle_bill"

_ITEM_MARKS: Final = ("account_trade_no", "fund_flow", "account_amount")
_BILL_MARKS: Final = ("request_no", "settle_amount", "total_outcome", "settle_time")
# A page without rows, which both of them answer alike.
_PAGE_MARKS: Final = ("code_msg", "next_start_index", "is_end", "data_size")
_ITEM_KNOWN: Final = {*FACTS, *words.PARTS}

_FEES: Final[Mapping[str, tuple[str, LineKind]]] = {
    "platform_service_fee": ("平台服务费", LineKind.COMMISSION),
    "commission": ("佣金", LineKind.COMMISSION),
    "partner_commission": ("服务商佣金", LineKind.COMMISSION),
    "good_learn_channel_fee": ("渠道分成", LineKind.COMMISSION),
    "colonel_service_fee": ("招商服务费", LineKind.COMMISSION),
    "channel_promotion_fee": ("站外推广费", LineKind.ADVERTISING),
    "other_sharing_amount": ("其他分成", LineKind.COMMISSION),
    "packing_amount": ("打包费", LineKind.SHIPPING),
}
# `trade_type`, in numbers only: settled, and three ways of a refund after it.
_TRADES: Final[Mapping[str, tuple[str, LineKind]]] = {
    "0": ("已结算", LineKind.SALE),
    "1": ("结算后退款-原路退回", LineKind.REFUND),
    "2": ("保证金退款-支出退回", LineKind.REFUND),
    "3": ("结算后退款-非原路退回", LineKind.REFUND),
}
# What the total income is made of, and other facts of the order.
_BILL_KNOWN: Final = {
    *("settle_time", "request_no", "shop_order_id", "order_id", "settle_amount", "pay_type_desc"),
    *("trade_type", "is_contains_refund_before_settle", "order_time", "product_id", "goods_count"),
    *("flow_type_desc", "order_type", "total_amount", "total_goods_amount", "post_amount"),
    *("shop_coupon", "refund_before_settle", "platform_coupon", "author_coupon"),
    *("zt_pay_promotion", "zr_pay_promotion", "real_pay_amount", "total_income", "total_outcome"),
    *("post_promotion_amount", "old_for_new_promotion", "bank_promotion", "gov_promotion_amount"),
    *("remark", "free_commission_flag", words.WAIVED, "product_name", "author_id", "author_name"),
    *_FEES,
}


def recognises(document: Document) -> bool:
    """Whether the JSON has the fields of one of the two answers, or of a page without rows."""
    return any(holds(document, marks) for marks in (_ITEM_MARKS, _BILL_MARKS, _PAGE_MARKS))


def read(document: Document) -> Iterator[Record]:
    """Yield for each wallet a Statement, its Lines and Payouts, and Totals.

    `row` is the ordinal in the page. Raises ReadError, also where Douyin refused.
    """
    page = _page(answer_of(document).source)
    rows = Item(1, page).items("data")
    whole = _is_whole(page, len(rows))
    if rows and "request_no" in rows[0].source:
        yield from _statements(document, rows, whole, SETTLED)
    else:
        yield from _statements(document, rows, whole, ITEMS)


def _statements(
    document: Document, rows: list[Item], whole: bool | None, profile: str
) -> Iterator[Record]:
    made: dict[str, list[Line | Payout]] = {}
    shops: set[str] = set()
    for item in rows:
        fields = _fields(item)
        shops |= {fields.text("shop_id")} - {""}
        wallet, found = _settled(fields, item) if profile == SETTLED else _moved(fields, item)
        made.setdefault(wallet, []).extend(found)
    if len(shops) > 1:
        raise ReadError("the page holds rows of several shops")
    shop = next(iter(shops), "") or document.context.get("account", "")
    for wallet in sorted(made, key=words.CASH_ACCOUNTS.index) or [""]:
        yield Statement(
            account=shop,
            currency=CURRENCY,
            profile=profile,
            numbering=NUMBERING if profile == ITEMS else "",
            cash_account=wallet,
            books=profile == ITEMS and bool(rows),
        )
        yield from made.get(wallet, [])
        yield Totals(ties=whole)


# --- cash movements -------------------------------------------------------------


def _moved(fields: Fields, item: Item) -> tuple[str, list[Line | Payout]]:
    refuse_unknown_money(fields.row, item.source.items(), _ITEM_KNOWN)
    move = movement(fields)
    return move.account, list(records(move))


# --- settlement bill --------------------------------------------------------------


def _settled(fields: Fields, item: Item) -> tuple[str, list[Line | Payout]]:
    """The income of a sub-order and each of its fees; together what the shop received."""
    refuse_unknown_money(fields.row, item.source.items(), _BILL_KNOWN)
    number, order = fields.text("request_no"), fields.text("order_id")
    if not number or not order:
        raise ReadError("the row has no request_no or no order_id", row=fields.row)
    trade, kind = _TRADES.get(fields.text("trade_type"), ("", LineKind.UNKNOWN))
    at = local_time(fields.text("settle_time"), ZONE, row=fields.row)
    lines: list[Line | Payout] = []
    for name, value in _settled_parts(fields).items():
        label, part_kind = _FEES.get(name, ("", kind))
        lines.append(
            Line(
                external_id=f"settle:{number}:{order}:{fields.text('trade_type')}:{name}",
                kind=_borne_out(part_kind, value),
                amount=value,
                currency=CURRENCY,
                event_at=at,
                row=fields.row,
                order_ref=fields.text("shop_order_id"),
                label="/".join(word for word in (trade, label, _waiver(fields, name)) if word),
            )
        )
    return account(fields.text("pay_type_desc"), fields.row), lines


def _settled_parts(fields: Fields) -> Mapping[str, Decimal]:
    fees = {name: value for name in _FEES if (value := fields.money(name))}
    outcome = fields.money("total_outcome")
    if abs(sum(fees.values())) != abs(outcome):
        raise ReadError(f"the fees do not add up to total_outcome {outcome}", row=fields.row)
    parts = {"total_income": fields.money("total_income"), **fees}
    return signed(parts, fields.money("settle_amount"), _FEES, row=fields.row)


def _borne_out(kind: LineKind, value: Decimal) -> LineKind:
    return LineKind.UNKNOWN if kind is LineKind.SALE and value < 0 else kind


def _waiver(fields: Fields, name: str) -> str:
    """The fee that was waived, told with the income: it is in no sum."""
    waived = fields.money(words.WAIVED)
    return waiver(waived) if waived and name == "total_income" else ""


# --- the envelope ------------------------------------------------------------------


def _page(answer: Mapping[str, object]) -> Mapping[str, object]:
    """What is inside: the new envelope says code 10000, the old err_no 0, the data 100000."""
    outside, page = answer.get("code", answer.get("err_no")), answer.get("data")
    if str(outside) not in ("10000", "0") or not isinstance(page, dict):
        said = answer.get("sub_msg") or answer.get("msg") or answer.get("message") or outside
        raise ReadError(f"Douyin refused the query: {shown(str(said))}")
    if str(page.get("code")) != "100000":
        raise ReadError(f"Douyin refused the query: {shown(str(page.get('code_msg')))}")
    return {**page, "data": page.get("data") or []}


def _is_whole(page: Mapping[str, object], rows: int) -> bool | None:
    stated = page.get("data_size")
    return None if stated is None else str(stated) == str(rows)


def _fields(item: Item) -> Fields:
    def money(name: str) -> Decimal:
        # Fen are whole; an old answer gives them as text.
        text = item.scalar(name).strip()
        value = amount(text or "0", row=item.row)
        if "." in text:
            raise item.refused(f"{name} is no whole number of fen: {value}")
        return value.scaleb(-2) if value else value

    return Fields(item.row, item.id, money)
