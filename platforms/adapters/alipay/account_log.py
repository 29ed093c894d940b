"""Answers of `alipay.data.bill.accountlog.query`: the fund bill's rows as JSON, a page at a time.

Source: platforms-cn.md §1.4 (b), the official SDK's `AccountLogItemResult`. Amounts are
yuan as text; `account_log_id` is the fund bill's 账务流水号, so that a row fetched and a row
downloaded are one. Alipay says of its balance that it is "for reference only, not
continuous": it proves nothing here and is not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from platforms.adapters._json import Item, answer_of
from platforms.adapters.alipay import words
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
from platforms.reading import amount, count, local_time, shown

PROFILE: Final = "account_log"
ZONE: Final = ZoneInfo("Asia/Shanghai")
CURRENCY: Final = "CNY"

_ANSWER: Final = "alipay_data_bill_accountlog_query_response"
_ROWS: Final = "detail_list"
_FIRST_KEYS: Final = re.compile(
    rb'\A(?:\xef\xbb\xbf)?\s*\{\s*"(?:' + _ANSWER.encode() + rb'|sign|alipay_cert_sn)"\s*:'
)
_IN: Final = "收入"
_OUT: Final = "支出"
# The page states both; without them a page says nothing of what it should hold.
_PAGES: Final = ("total_size", "page_no", "page_size")


def recognises(document: Document) -> bool:
    """Whether the JSON is this API's answer, a refusal too."""
    head = document.head
    return bool(_FIRST_KEYS.match(head)) and f'"{_ANSWER}"'.encode() in head


def read(document: Document) -> Iterator[Record]:
    """Yield Statement, a Line a row (and a Payout for each withdrawal), Totals.

    `row` is the ordinal in the page. Raises ReadError, also where Alipay refused.
    """
    answer = answer_of(document).child(_ANSWER)
    source = answer.source
    if source.get("code") != "10000":
        said = source.get("sub_msg") or source.get("msg") or source.get("code")
        raise ReadError(f"Alipay refused the query: {shown(str(said))}")
    yield Statement(account=document.context.get("account", ""), currency=CURRENCY, profile=PROFILE)
    # A page without rows leaves the list out.
    items = answer.items_if_any(_ROWS)
    for item in items:
        yield from _records(item)
    yield Totals(ties=_is_whole(answer, len(items)))


def _records(item: Item) -> Iterator[Line | Payout]:
    number, word, note = item.text("account_log_id"), item.said("type"), item.said("trans_memo")
    row, signed = item.row, _signed(item)
    moment = local_time(item.said("trans_dt"), ZONE, row=row)
    description = item.said("biz_desc")
    kind = words.kind(word, description, note, (signed > 0) - (signed < 0))
    # A row of 0.00 is no transfer.
    paid_out = kind is LineKind.PAYOUT and signed < 0
    detail = note or description.partition("|")[2]
    base, order = item.said("biz_orig_no"), item.said("merchant_order_no")
    yield Line(
        external_id=number,
        kind=kind,
        amount=signed,
        currency=CURRENCY,
        event_at=moment,
        row=row,
        order_ref=words.order_ref(base, order, note, kind),
        payout_ref=number if paid_out else "",
        label=f"{word}/{detail}" if detail else word,
    )
    if paid_out:
        # As in the bill: when the money left, never when it arrived.
        yield Payout(
            external_id=number,
            amount=-signed,
            currency=CURRENCY,
            status=PayoutStatus.IN_TRANSIT,
            announced_at=moment,
            row=row,
            remittance=item.said("alipay_order_no"),
        )


def _signed(item: Item) -> Decimal:
    """The movement: 支出 is negative, whether its amount is written so or not.

    Alipay's note says that it is (`negative → 支出`), and answers quoted by users of the
    API are not: the direction decides, and may not contradict a sign. Raises ReadError.
    """
    value, way = amount(item.said("trans_amount"), row=item.row), item.said("direction")
    if way == _IN and value >= 0:
        return value
    if way == _OUT:
        return -value.copy_abs() if value else value
    raise item.refused(f"no direction: {shown(way)} {value}")


def _is_whole(answer: Item, rows: int) -> bool | None:
    """Whether the page holds as many rows as its numbers say; None if it has none of them."""
    if not all(map(answer.has, _PAGES)):
        return None
    total, page, size = (count(answer.scalar(name)) for name in _PAGES)
    return rows == max(0, min(size, total - (page - 1) * size))
