"""The bills of a store's account and of its marketing account.

Source: platforms-cn.md §4.4, which rests on two users of real files (LEDGER,
PDD-CLEAN); codes with words from a third. Unverified: no complete real file was seen.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from platforms.adapters._cn_export import (
    INCOME,
    OUTGO,
    Export,
    TwoColumns,
    directed,
    names_in,
    period,
)
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
from platforms.occurrences import Occurrences
from platforms.reading import LocalTimes, located

STORE_BILL: Final = "store_bill"
MARKETING_BILL: Final = "marketing_bill"
MAIN: Final = ""
MARKETING: Final = "marketing"
ZONE: Final = ZoneInfo("Asia/Shanghai")
CURRENCY: Final = "CNY"

# 业务描述, code and words together: Alipay uses the same codes for other things.
# Coupons are settled by the platform: a sale's part that it pays, and takes back.
DESCRIPTIONS: Final[Mapping[str, LineKind]] = {
    "0010002|交易收入-订单收入": LineKind.SALE,
    "0010005|交易收入-优惠券结算": LineKind.SUBSIDY,
    "0020002|交易退款-订单退款": LineKind.REFUND,
    "0020005|交易退款-优惠券结算": LineKind.SUBSIDY,
    # Positive where the fee of a refunded order is given back.
    "0030001|技术服务费-技术服务费": LineKind.COMMISSION,
    "0030002|技术服务费-基础技术服务费": LineKind.COMMISSION,
    "0040002|售后费用-售后补偿消费者": LineKind.PENALTY,
    "0040004|售后费用-延迟发货": LineKind.PENALTY,
    "0040005|售后费用-虚假发货": LineKind.PENALTY,
    "0060001|营销费用-多多进宝": LineKind.ADVERTISING,
    "0070004|转账-广告账户": LineKind.ADVERTISING,
    "0080001|提现-提现申请": LineKind.PAYOUT,
}
# 账务类型 and 备注 of loans, whose descriptions are not known.
LOANS: Final[Mapping[str, LineKind]] = {
    "贷款还款": LineKind.LOAN,
    "网商贷-放款": LineKind.LOAN,
    "网商贷-还款": LineKind.LOAN,
}
# 账务类型 of the marketing account: gifts for reviews, rebates across stores.
MARKETING_TYPES: Final[Mapping[str, LineKind]] = {
    "评价有礼": LineKind.ADVERTISING,
    "跨店日常满返": LineKind.ADVERTISING,
}

_ORDER: Final = "商户订单号"
_TIME: Final = "发生时间"
_BOOKED: Final = "入账时间"
_TYPE: Final = "账务类型"
_REMARK: Final = "备注"
_DESCRIPTION: Final = "业务描述"
_CORE: Final = (_ORDER, INCOME, OUTGO, _TYPE, _DESCRIPTION)
_NO_REMARK: Final = "-"

_PERIOD: Final = re.compile(
    r"起始时间[：:]\s*(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)"
    r"\s*终止时间[：:]\s*(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)",
    re.ASCII,
)


def recognises(document: Document) -> bool:
    """Whether one of the first lines is the header of one of the two bills."""
    return any(
        set(_CORE) <= set(names) and bool({_TIME, _BOOKED} & set(names))
        for names in names_in(document.head)
    )


def read(document: Document) -> Iterator[Record]:
    """Yield Statement, a Line a row (and a Payout for each withdrawal), Totals.

    Yuan; 支出 is written negative. The file has no balances, so only its
    closing lines prove it whole: without them it is refused. Raises ReadError.
    """
    with document.open() as stream:
        bill = Export(stream, _CORE)
        ledger = MARKETING if _BOOKED in bill.header else MAIN
        days = period(bill.preamble, _PERIOD)
        yield Statement(
            account=document.context.get("account", ""),
            currency=CURRENCY,
            profile=MARKETING_BILL if ledger else STORE_BILL,
            cash_account=ledger,
            period_from=days[0] if days else None,
            period_to=days[1] if days else None,
        )
        rows = _Rows(bill, ledger)
        yield from rows.records()
    yield _totals(bill, rows.count)


class _Rows:
    """Reads the rows of one bill and gives each its id."""

    def __init__(self, bill: Export, ledger: str) -> None:
        self.count = 0
        self._bill = bill
        self._ledger = ledger
        self._occurrences = Occurrences()

    def records(self) -> Iterator[Line | Payout]:
        """The hot loop: positions and caches are bound once, a row is read in one step."""
        at = self._bill.columns((*_CORE, _BOOKED if self._ledger else _TIME, _REMARK))
        order, type_, remark, description = at[_ORDER], at[_TYPE], at[_REMARK], at[_DESCRIPTION]
        income, outgo, time = at[INCOME], at[OUTGO], at[_BOOKED if self._ledger else _TIME]
        money, times = TwoColumns(), LocalTimes(ZONE)
        for row, values in self._bill.rows():
            try:
                came, went = money[values[income], values[outgo]]
                second = values[time].strip()
                moment = times(second)
                if went > 0:
                    raise ReadError(f"the outgo is positive: {went}")
            except ReadError as error:
                raise located(error, row) from error
            self.count += 1
            amount = came or went
            word, what = values[type_].strip(), values[description].strip()
            number, note = values[order].strip(), values[remark].strip()
            note = "" if note == _NO_REMARK else note
            kind = _kind(what, word, note, 1 if came else -1 if went else 0)
            external_id = self._id(second, amount, number, word, note, what)
            # A row of 0.00 is no transfer.
            paid_out = kind is LineKind.PAYOUT and amount < 0
            said = what.partition("|")[2] or what or word
            yield Line(
                external_id=external_id,
                kind=kind,
                amount=amount,
                currency=CURRENCY,
                event_at=moment,
                row=row,
                order_ref=number,
                payout_ref=external_id if paid_out else "",
                label=f"{said}/{note}" if note else said,
            )
            if paid_out:
                # The bill says that it was applied for, never that it arrived, and
                # gives no number.
                yield Payout(
                    external_id=external_id,
                    amount=-amount,
                    currency=CURRENCY,
                    status=PayoutStatus.IN_TRANSIT,
                    announced_at=moment,
                    row=row,
                    numbered=False,
                )

    def _id(self, second: str, amount: Decimal, *said: str) -> str:
        """All that a row says, and its ordinal among equal rows: the bill has no id.

        Two equal rows may both be real, and a second export must not add them
        again. Equal rows share their second, and an export holds a second whole
        or not at all (it is cut by days); so its equal rows are numbered 1 … n in
        every export, in whatever order, and two that overlap agree on each id:
        together they hold as many as the one that has the most.
        """
        # 5, 5.0 and 5.00 are one amount.
        parts = (self._ledger, second, str(amount.normalize()), *said)
        key = hashlib.blake2b("\0".join(parts).encode(), digest_size=16).digest()
        return f"{key.hex()}-{self._occurrences.nth(int.from_bytes(key[:8]))}"


@functools.lru_cache(maxsize=4_096)
def _kind(description: str, type_: str, remark: str, direction: int) -> LineKind:
    """What a row is: a loan by its remark or type, else by 业务描述, else by 账务类型."""
    found = (
        LOANS.get(remark)
        or DESCRIPTIONS.get(description)
        or LOANS.get(type_)
        or MARKETING_TYPES.get(type_)
    )
    return directed(found, direction) if found else LineKind.UNKNOWN


def _totals(bill: Export, rows: int) -> Totals:
    """The closing lines as stated; together they count every row, those of 0.00 too."""
    credit, debit = bill.stated("收入"), bill.stated("支出")
    return Totals(
        credit_count=credit.count,
        credit=credit.amount,
        debit_count=debit.count,
        debit=debit.amount,
        ties=credit.count + debit.count == rows,
    )
