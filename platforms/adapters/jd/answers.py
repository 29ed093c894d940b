"""Answers of the finance group of JD's SP-API: settlement details, and the wallet's movements.

The fields are known from a capture of the documentation, what stands around their list is
not (platforms-cn.md §6.4): it is the one list in the answer whose objects have them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from platforms.adapters._json import Item, answer_of, holds
from platforms.adapters._unknown import refuse_unknown_money
from platforms.adapters.jd import words
from platforms.adapters.jd.rows import BY_DETAIL, CURRENCY, Fee, Fees, moment
from platforms.adapters.jd.wallet import Funds, Movement
from platforms.contract import Document, ReadError, Record, Statement, Totals
from platforms.reading import shown

BILLS: Final = "api_bills"
RECORDS: Final = "api_account_records"

_BILL: Final = ("detailNo", "feeName", "bal", "direction", "orderId")
_RECORD: Final = ("memberId", "incomeAmount", "expendAmount", "accountBalance", "detailCreateTime")
_BILL_KNOWN: Final = frozenset(
    {"secondMerchantNo", "venderId", "outTradeNo", "rfBusiId", "rfBusiType", "rfBusiTypeDesc"}
    | {"detailNo", "orderId", "parentId", "dparentId", "skuId", "skuName", "skuNum", "refundSkuNum"}
    | {
        "billDate",
        "feeCode",
        "feeName",
        "direction",
        "billStatus",
        "billStatusDesc",
        "detailStatus",
    }
    | {"settlementStatus", "settlementStatusDesc", "happenTime", "billingTime", "deliveredTime"}
    | {"finishTime", "updateTime", "bal", "currency", "remark", "billType", "transactionType"}
    | {"detailType", "statementId", "paymentId", "uuid", "memo", "jdShopId", "shopId", "shopName"}
)
_RECORD_KNOWN: Final = frozenset(
    {"detailCreateTime", "billDate", "sourceId", "memberId", "accountName", "currency"}
    | {"balanceType", "incomeAmount", "expendAmount", "accountBalance", "detailDesc", "outTradeNo"}
    | {"originalOutTradeNo", "tradeDesc", "accountReqCode", "tradeNo", "bizTradeNo"}
)
_DEEPEST: Final = 4


def recognises(document: Document) -> bool:
    """Whether the JSON has the fields of one of the two."""
    return any(holds(document, fields) for fields in (_BILL, _RECORD))


def read(document: Document) -> Iterator[Record]:
    """Yield Statement, Lines, Totals. `row` is the ordinal in the list. Raises ReadError."""
    lists = list(_lists(answer_of(document).source, _DEEPEST))
    if len(lists) != 1:
        raise ReadError(f"the answer holds {len(lists)} lists of bills or records", row=1)
    rows = [Item(row, item) for row, item in enumerate(lists[0], start=1)]
    if set(_BILL) <= lists[0][0].keys():
        yield from _bills(document, rows)
    else:
        yield from _records(rows)


def _lists(value: object, deep: int) -> Iterator[list[Mapping[str, object]]]:
    """Every list of objects with the fields of the one or the other, at any place."""
    if isinstance(value, list) and any(map(_is_row, value)):
        if not all(isinstance(item, dict) for item in value):
            raise ReadError("the list holds something that is no row", row=1)
        yield value
    elif deep and isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _lists(part, deep - 1)


def _is_row(item: object) -> bool:
    return isinstance(item, dict) and any(set(part) <= item.keys() for part in (_BILL, _RECORD))


# --- settlement details -------------------------------------------------------------


def _bills(document: Document, rows: list[Item]) -> Iterator[Record]:
    fees = [_fee(item) for item in rows]
    shops = {item.id("venderId") for item in rows} - {""}
    if len(shops) > 1:
        raise ReadError("the page holds rows of several shops")
    for is_settled in sorted({fee.is_settled for fee in fees}, reverse=True):
        yield Statement(
            account=next(iter(shops), "") or document.context.get("account", ""),
            currency=CURRENCY,
            profile=BILLS,
            numbering=BY_DETAIL,
            books=is_settled,
        )
        yield from Fees(is_signed=False).lines(iter(fees), is_settled=is_settled)
        yield Totals()


def _fee(item: Item) -> Fee:
    refuse_unknown_money(item.row, item.source.items(), _BILL_KNOWN)
    number, word = item.id("detailNo"), item.id("feeName")
    if not number or not word:
        raise ReadError("the row has no detailNo or no feeName", row=item.row)
    finished, happened = (_time(item, name) for name in ("finishTime", "happenTime"))
    state = item.id("settlementStatusDesc") or item.id("billStatusDesc")
    way = item.id("direction")
    return Fee(
        row=item.row,
        own=(number, word, item.id("skuId")),
        word=word,
        money=item.scalar("bal").strip(),
        # "1 = income, else outgo" (§6.4).
        direction=way and (words.IN if way == "1" else words.OUT),
        at=moment(finished or happened, row=item.row),
        is_settled=bool(finished) and state not in words.VOID,
        order=item.id("orderId"),
        batch=item.id("outTradeNo"),
        currency=item.id("currency") or CURRENCY,
        note="/".join(
            word for word in (state, item.id("remark")) if word and word not in words.SETTLED
        ),
    )


# --- wallet --------------------------------------------------------------------------


def _records(rows: list[Item]) -> Iterator[Record]:
    members = sorted({(item.id("memberId"), item.id("balanceType")) for item in rows})
    for member, balance_type in members:
        funds = Funds()
        yield Statement(
            account=member, currency=CURRENCY, number=balance_type, profile=RECORDS, books=False
        )
        for item in rows:
            if (item.id("memberId"), item.id("balanceType")) == (member, balance_type):
                yield funds.line(_movement(item))
        yield funds.totals()


def _movement(item: Item) -> Movement:
    refuse_unknown_money(item.row, item.source.items(), _RECORD_KNOWN)
    unit = item.id("currency")
    if unit and unit != CURRENCY:
        raise ReadError(f"{shown(unit)} in a page in {CURRENCY}", row=item.row)
    return Movement(
        row=item.row,
        account=f"{item.id('memberId')}|{item.id('balanceType')}",
        at=moment(item.id("detailCreateTime"), row=item.row),
        income=item.money_if_any("incomeAmount"),
        outgo=item.money_if_any("expendAmount"),
        balance=item.stated_money("accountBalance"),
        batch=item.id("outTradeNo"),
        label=item.id("tradeDesc") or item.id("detailDesc"),
    )


def _time(item: Item, name: str) -> str:
    """A time as text, "" where it is null, left out or 0."""
    text = item.id(name)
    return "" if text == "0" else text
