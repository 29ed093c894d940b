"""Answers of the finance group of JD's SP-API: settlement details, and the wallet's movements.

The fields are known from a capture of the documentation, what stands around their list is
not (platforms-cn.md §6.4): it is the one list in the answer whose objects have them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from platforms.adapters._unknown import refuse_unknown_money
from platforms.adapters.jd import words
from platforms.adapters.jd.rows import BY_DETAIL, CURRENCY, Fee, Fees, moment
from platforms.adapters.jd.wallet import Funds, Movement
from platforms.contract import Document, ReadError, Record, Statement, Totals
from platforms.reading import amount, json_document, shown
from platforms.values import NOTHING

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
    head = document.head
    if not head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return False
    return any(all(f'"{name}"'.encode() in head for name in fields) for fields in (_BILL, _RECORD))


def read(document: Document) -> Iterator[Record]:
    """Yield Statement, Lines, Totals. `row` is the ordinal in the list. Raises ReadError."""
    with document.open() as stream:
        answer = json_document(stream)
    lists = list(_lists(answer, _DEEPEST))
    if len(lists) != 1:
        raise ReadError(f"the answer holds {len(lists)} lists of bills or records", row=1)
    rows = [_Item(row, item) for row, item in enumerate(lists[0], start=1)]
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


def _bills(document: Document, rows: list[_Item]) -> Iterator[Record]:
    fees = [_fee(item) for item in rows]
    shops = {item.text("venderId") for item in rows} - {""}
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


def _fee(item: _Item) -> Fee:
    refuse_unknown_money(item.row, item.source.items(), _BILL_KNOWN)
    number, word = item.text("detailNo"), item.text("feeName")
    if not number or not word:
        raise ReadError("the row has no detailNo or no feeName", row=item.row)
    finished, happened = (item.moment(name) for name in ("finishTime", "happenTime"))
    state = item.text("settlementStatusDesc") or item.text("billStatusDesc")
    way = item.text("direction")
    return Fee(
        row=item.row,
        own=(number, word, item.text("skuId")),
        word=word,
        money=item.number("bal"),
        # "1 = income, else outgo" (§6.4).
        direction=way and (words.IN if way == "1" else words.OUT),
        at=moment(finished or happened, row=item.row),
        is_settled=bool(finished) and state not in words.VOID,
        order=item.text("orderId"),
        batch=item.text("outTradeNo"),
        currency=item.text("currency") or CURRENCY,
        note="/".join(
            word for word in (state, item.text("remark")) if word and word not in words.SETTLED
        ),
    )


# --- wallet --------------------------------------------------------------------------


def _records(rows: list[_Item]) -> Iterator[Record]:
    members = sorted({(item.text("memberId"), item.text("balanceType")) for item in rows})
    for member, balance_type in members:
        funds = Funds()
        yield Statement(
            account=member, currency=CURRENCY, number=balance_type, profile=RECORDS, books=False
        )
        for item in rows:
            if (item.text("memberId"), item.text("balanceType")) == (member, balance_type):
                yield funds.line(_movement(item))
        yield funds.totals()


def _movement(item: _Item) -> Movement:
    refuse_unknown_money(item.row, item.source.items(), _RECORD_KNOWN)
    unit = item.text("currency")
    if unit and unit != CURRENCY:
        raise ReadError(f"{shown(unit)} in a page in {CURRENCY}", row=item.row)
    balance = item.number("accountBalance")
    return Movement(
        row=item.row,
        account=f"{item.text('memberId')}|{item.text('balanceType')}",
        at=moment(item.text("detailCreateTime"), row=item.row),
        income=item.money("incomeAmount"),
        outgo=item.money("expendAmount"),
        balance=amount(balance, row=item.row) if balance else None,
        batch=item.text("outTradeNo"),
        label=item.text("tradeDesc") or item.text("detailDesc"),
    )


class _Item:
    """One object of the list, with readers that name its row and field."""

    def __init__(self, row: int, source: Mapping[str, object]) -> None:
        self.row = row
        self.source = source

    def text(self, name: str) -> str:
        """A text or whole number, "" where it is null or left out."""
        value = self.source.get(name)
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise ReadError(f"{name} is {shown(str(value))}", row=self.row)
        return str(value).strip()

    def moment(self, name: str) -> str:
        """A time as text, "" where it is null, left out or 0."""
        text = self.text(name)
        return "" if text == "0" else text

    def number(self, name: str) -> str:
        """An amount in yuan, given as text or number, as text; "" where there is none."""
        value = self.source.get(name)
        return f"{value:f}" if isinstance(value, Decimal) else self.text(name)

    def money(self, name: str) -> Decimal:
        """An amount, 0 where there is none."""
        text = self.number(name)
        return amount(text, row=self.row) if text else NOTHING
