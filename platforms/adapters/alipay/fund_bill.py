"""The fund bill (账务明细, `signcustomer`): every movement of the merchant's balance.

Comes as CSV or as a ZIP that holds a summary too; the detail is chosen by its
header. Source: platforms-cn.md §1.4 (a), banks.md §1.6. No source shows the sign
of 支出 in a row for certain (one importer negates it, one does not, one real
footer is negative): it is taken as what went out, whatever its sign, and the
closing sums or the running balance must bear that out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import BinaryIO, Final
from zoneinfo import ZoneInfo

from platforms.adapters._cn_export import (
    INCOME,
    OUTGO,
    Export,
    TwoColumns,
    names_in,
    period,
)
from platforms.adapters.alipay import words
from platforms.archives import MAGIC, Archive
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
from platforms.reading import LocalTimes, amount, located

CLASSIC: Final = "fund_bill"
CURRENT: Final = "fund_bill_16_columns"
UNFRAMED: Final = "fund_bill_without_totals"
ZONE: Final = ZoneInfo("Asia/Shanghai")
CURRENCY: Final = "CNY"
HEAD: Final = 64 * 1024

_ENTRY: Final = "账务流水号"
_BUSINESS: Final = "业务流水号"
_ORDER: Final = "商户订单号"
_TIME: Final = "发生时间"
_BALANCE: Final = "账户余额(元)"
_TYPE: Final = "业务类型"
_REMARK: Final = "备注"
_DESCRIPTION: Final = "业务描述"
_BASE_ORDER: Final = "业务基础订单号"

CORE: Final = (_ENTRY, _TIME, INCOME, OUTGO)
_REQUIRED: Final = (*CORE, _BUSINESS, _ORDER, _BALANCE, _TYPE, _REMARK)

_BEGIN: Final = "账务明细列表"
_ACCOUNT: Final = re.compile(r"账号[：:]\s*\[([^\]]*)\]")
_PERIOD: Final = re.compile(r"起始日期[：:]\s*\[([^\]]*)\]\s*终止日期[：:]\s*\[([^\]]*)\]")

# Files of Alipay that people take for the fund bill: columns that give them away,
# and what they are told.
_FUND_BILL_IS: Final = "download 账务明细 (the fund bill) of the merchant account instead"
_OTHERS: Final = (
    (
        frozenset({"类型", "收入笔数", INCOME, "支出笔数", OUTGO}),
        f"this is Alipay's summary (账务汇总), which has no rows; {_FUND_BILL_IS}",
    ),
    (
        frozenset({"交易时间", "收/支", "交易状态", "交易对方"}),
        f"this is the personal export of Alipay, which has no balance; {_FUND_BILL_IS}",
    ),
    (
        frozenset({"交易号", "收/支", "交易状态", "资金状态"}),
        f"this is the personal export of Alipay, which has no balance; {_FUND_BILL_IS}",
    ),
)


def recognises(document: Document) -> bool:
    """Whether it is a fund bill, or a file of Alipay that is taken for one."""
    if not document.head.startswith(MAGIC):
        return _is_detail(document.head) or bool(_other(document.head))
    try:
        with document.open() as stream:
            archive = Archive(stream)
            heads = [archive.head(position, HEAD) for position in range(len(archive))]
    except ReadError:
        return False
    return any(_is_detail(head) or _other(head) for head in heads)


def read(document: Document) -> Iterator[Record]:
    """Yield Statement, a Line a row (and a Payout for each withdrawal), Totals.

    Yuan; 支出 is negative. Raises ReadError.
    """
    with _detail(document) as stream:
        bill = Export(stream, CORE)
        yield _statement(document, bill)
        chain = _Chain()
        yield from _records(bill, chain)
    yield _totals(bill, chain)


# --- which bytes --------------------------------------------------------------


@contextmanager
def _detail(document: Document) -> Iterator[BinaryIO]:
    """The detail CSV: the document itself or the one member of the ZIP that is it."""
    with document.open() as stream:
        if not document.head.startswith(MAGIC):
            _refuse_others([document.head])
            yield stream
            return
        archive = Archive(stream)
        heads = [archive.head(position, HEAD) for position in range(len(archive))]
        details = [position for position, head in enumerate(heads) if _is_detail(head)]
        if not details:
            _refuse_others(heads)
            raise ReadError("no file in the ZIP is a fund bill (账务明细) of Alipay")
        if len(details) > 1:
            raise ReadError("the ZIP holds several fund bills: give them one by one")
        with archive.open(details[0]) as member:
            yield member


def _is_detail(head: bytes) -> bool:
    return any(set(CORE) <= set(names) for names in names_in(head))


def _other(head: bytes) -> str:
    """What is told of a file of Alipay that is no fund bill, "" if it is none of these."""
    lines = list(names_in(head))
    is_alipays = any("支付宝" in name for names in lines for name in names)
    told = (text for columns, text in _OTHERS for names in lines if columns <= set(names))
    return next(told, "") if is_alipays else ""


def _refuse_others(heads: list[bytes]) -> None:
    for head in heads:
        if not _is_detail(head) and (told := _other(head)):
            raise ReadError(told)


# --- rows ---------------------------------------------------------------------


def _statement(document: Document, bill: Export) -> Statement:
    accounts = (_ACCOUNT.search(text) for text in bill.preamble)
    account = next((match.group(1) for match in accounts if match), "")
    days = period(bill.preamble, _PERIOD)
    return Statement(
        account=account or document.context.get("account", ""),
        currency=CURRENCY,
        profile=_profile(bill),
        period_from=days[0] if days else None,
        period_to=days[1] if days else None,
    )


def _profile(bill: Export) -> str:
    if not _is_framed(bill):
        return UNFRAMED
    return CURRENT if {_DESCRIPTION, _BASE_ORDER} & set(bill.header) else CLASSIC


def _is_framed(bill: Export) -> bool:
    return any(_BEGIN in text for text in bill.preamble)


class _Chain:
    """Whether the balances lead from row to row, in the order of the file.

    Bills run oldest first or newest first; rows of one second stand in the order
    of their booking, so the time alone decides nothing.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.broken: int | None = None
        self._oldest_first = self._newest_first = True
        self._first = self._last = (Decimal(0), Decimal(0))
        self._begun: datetime | None = None
        self._ended: datetime | None = None

    def add(self, row: int, balance: str, moved: Decimal, at: datetime) -> None:
        """Take a row's balance and movement. Raises ReadError for what is no amount."""
        self.rows += 1
        before, moved_before = self._last
        onward, backward = before + moved, before - moved_before
        # Read anew only where it is not, to the letter, what the row before promises.
        if self.broken is None and self._oldest_first and balance == str(onward):
            held = onward
        elif self.broken is None and self._newest_first and balance == str(backward):
            held = backward
        elif balance:
            held = amount(balance, row=row)
        else:
            self.broken = self.broken or row
            return
        if self.rows == 1:
            self._first, self._begun = (held, moved), at
        elif self.broken is None:
            self._oldest_first = self._oldest_first and held == onward
            self._newest_first = self._newest_first and held == backward
            if not (self._oldest_first or self._newest_first):
                self.broken = row
        self._last, self._ended = (held, moved), at

    def balances(self) -> tuple[Decimal, Decimal] | None:
        """Opening and closing, None where the balances do not lead from row to row."""
        if not self.rows or self.broken is not None:
            return None
        # Rows that undo one another (+5, −5) fit both ways: then the time decides.
        newest_first = self._newest_first and not (self._oldest_first and self._is_dated_forward())
        early, late = (self._last, self._first) if newest_first else (self._first, self._last)
        return early[0] - early[1], late[0]

    def _is_dated_forward(self) -> bool:
        return self._begun is None or self._ended is None or self._begun <= self._ended


def _records(bill: Export, chain: _Chain) -> Iterator[Line | Payout]:
    """The hot loop: positions and caches are bound once, a row is read in one step."""
    at = bill.columns(_REQUIRED)
    entry, business, order, time = at[_ENTRY], at[_BUSINESS], at[_ORDER], at[_TIME]
    income, outgo, balance = at[INCOME], at[OUTGO], at[_BALANCE]
    type_, remark = at[_TYPE], at[_REMARK]
    described, based = at.get(_DESCRIPTION), at.get(_BASE_ORDER)
    money, times, kind_of, paying = TwoColumns(), LocalTimes(ZONE), words.kind, LineKind.PAYOUT
    for row, values in bill.rows():
        try:
            came, went = money[values[income], values[outgo]]
            moment = times(values[time].strip())
        except ReadError as error:
            raise located(error, row) from error
        # Every value may carry a trailing TAB.
        number, word, note = values[entry].strip(), values[type_].strip(), values[remark].strip()
        if not number:
            raise ReadError(f"the row has no {_ENTRY}", row=row)
        signed = came or -went.copy_abs()
        chain.add(row, values[balance].strip(), signed, moment)
        description = "" if described is None else values[described].strip()
        base = "" if based is None else values[based].strip()
        kind = kind_of(word, description, note, 1 if came else -1 if went else 0)
        # A row of 0.00 is no transfer.
        paid_out = kind is paying and signed < 0
        detail = note or description.partition("|")[2]
        yield Line(
            external_id=number,
            kind=kind,
            amount=signed,
            currency=CURRENCY,
            event_at=moment,
            row=row,
            order_ref=words.order_ref(base, values[order].strip(), note, kind),
            payout_ref=number if paid_out else "",
            label=f"{word}/{detail}" if detail else word,
        )
        if paid_out:
            # The bill states when the money left, never when it arrived.
            yield Payout(
                external_id=number,
                amount=-signed,
                currency=CURRENCY,
                status=PayoutStatus.IN_TRANSIT,
                announced_at=moment,
                row=row,
                remittance=values[business].strip(),
            )


def _totals(bill: Export, chain: _Chain) -> Totals:
    """The closing lines as stated, and the balances where they lead from row to row.

    With closing lines, balances that do not are left out, as Alipay calls its
    balance "for reference only, not continuous". Without them they are the only
    proof there is, and a break is a missing or a misread row: ReadError.
    """
    opening, closing = chain.balances() or (None, None)
    if bill.totals or bill.ended or _is_framed(bill):
        credit, debit = bill.stated("收入"), bill.stated("支出")
        return Totals(
            credit_count=credit.count,
            credit=credit.amount,
            debit_count=debit.count,
            debit=debit.amount,
            opening=opening,
            closing=closing,
        )
    if chain.broken is not None:
        raise ReadError(
            "the balance does not follow from the row before it, "
            "and the file states no totals that could prove it whole",
            row=chain.broken,
        )
    return Totals(opening=opening, closing=closing)
