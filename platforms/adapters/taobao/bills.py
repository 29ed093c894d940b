"""Answers of `taobao.bill.bills.get`: what a shop was charged for each order. Evidence.

Source: the official page (apiId=21713): an amount is what the shop pays and is negative where
that is given back, `status` says whether Alipay has taken it. That amounts are fen is what a shop
system (OMS) makes of them; the page's examples (`21100`) fit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from platforms.adapters._json import Item, answer_of
from platforms.contract import Document, Line, LineKind, Record, Statement, Totals
from platforms.reading import count, local_time, shown

PROFILE: Final = "fee_bills"
ZONE: Final = ZoneInfo("Asia/Shanghai")
CURRENCY: Final = "CNY"
ANSWER: Final = "bill_bills_get_response"

# Parts of what Alipay's bill says of such debits (platforms-cn.md §1.4).
KINDS: Final[Mapping[str, LineKind]] = {
    "天猫佣金": LineKind.COMMISSION,
    "聚划算佣金": LineKind.COMMISSION,
    "淘宝客佣金": LineKind.ADVERTISING,
    # Points the platform gives to buyers and charges to the shop with the trade.
    "返点积分": LineKind.COMMISSION,
    "卖家版运费险保费收取": LineKind.SHIPPING,
    "技术年费": LineKind.COMMISSION,
}

_OPENS: Final = re.compile(rb'\A(?:\xef\xbb\xbf)?\s*\{\s*"' + ANSWER.encode() + rb'"\s*:')
_WORD: Final = re.compile("|".join(map(re.escape, KINDS)))
_PAID: Final = "1"
_NOT_PAID: Final = {"0": "未支付", "2": "支付失败"}


def recognises(document: Document) -> bool:
    """Whether the JSON is this call's answer."""
    return bool(_OPENS.match(document.head))


def read(document: Document) -> Iterator[Record]:
    """Yield Statement, a Line a bill, Totals; `row` is the ordinal in the page.

    A bill that is not paid moved nothing: its line is 0.00 and says so. Raises ReadError.
    """
    answer = answer_of(document).child(ANSWER)
    yield Statement(
        account=document.context.get("account", ""),
        currency=CURRENCY,
        profile=PROFILE,
        books=False,
    )
    rows = 0
    for item in bills_of(answer):
        rows = item.row
        yield _line(item)
    stated = count(str(answer.source.get("total_results", rows)))
    # Whether the page's or the query's number is meant is not clear; fewer it cannot be.
    yield Totals(ties=False if rows > stated else None)


def bills_of(answer: Item) -> list[Item]:
    """The page's bills; a page without any leaves the list out. Raises ReadError."""
    held = answer.child_if_any("bills")
    return held.items_if_any("bill") if held else []


def _line(item: Item) -> Line:
    status, said = item.required_id("status"), item.id("alipay_notice")
    if status != _PAID and status not in _NOT_PAID:
        raise item.refused(f"unknown status {shown(status)}")
    if not item.states("amount"):
        raise item.refused("no amount")
    charged, moved = item.fen_if_any("amount"), status == _PAID
    label = said or item.required_id("account_id")
    word = _WORD.search(said)
    return Line(
        external_id=item.required_id("bid"),
        kind=KINDS[word.group()] if word else LineKind.UNKNOWN,
        amount=-charged if moved and charged else Decimal("0.00"),
        currency=CURRENCY,
        event_at=local_time(_time(item, paid=moved), ZONE, row=item.row),
        row=item.row,
        order_ref=item.id("trade_id"),
        remittance=item.id("alipay_outno"),
        label=label if moved else f"{label}/{_NOT_PAID[status]} {charged}",
    )


def _time(item: Item, *, paid: bool) -> str:
    """When Alipay took it, else when it was booked."""
    return (item.id("pay_time") if paid else "") or item.required_id("book_time")
