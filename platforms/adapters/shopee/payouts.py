"""Payouts of cross-border shops, their bills, and released incomes.

`get_payout_detail` states the orders and adjustments of each payout and is booked; it
gives no number, which `get_payout_info` does (`encrypted_payout_id`). Bills and incomes
state the same money once more and are evidence. Source: platforms-global.md §10.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from platforms.adapters._json import Item
from platforms.adapters.shopee import words
from platforms.adapters.shopee.escrow import released_at
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
from platforms.values import EXACT, NOTHING

DETAIL: Final = "payout_detail"
INFO: Final = "payout_info"
BILLING: Final = "billing"
INCOME: Final = "income_detail"
# Not `payout_info`: a long list of orders may stand before it.
DETAIL_MARKS: Final = ("response", "payout_list", "escrow_list", "escrow_amount")
INFO_MARKS: Final = ("payout_list", "encrypted_payout_id", "from_amount", "pay_service")
BILLING_MARKS: Final = ("billing_transaction_type", "cost_header", "scenario")
INCOME_MARKS: Final = ("income_detail_list", "order_sn", "payment_method", "status")


def read_detail(answer: Item, document: Document) -> Iterator[Record]:
    """Yield for each payout a Statement of its lines and one of the payout itself.

    The lines are in the currency of the orders, the payout in that of the bank account.
    They add up to `from_amount`. Raises ReadError.
    """
    ids = words.Ids("payout")
    for item in answer.child("response").items("payout_list"):
        info = item.child("payout_info")
        unit, paid = info.currency("from_currency"), _payout(info, number="")
        lines = [*_orders(item, info, paid.external_id, ids)]
        lines += _adjustments(item, info, paid.external_id, ids)
        total = NOTHING
        for line in lines:
            total = EXACT.add(total, line.amount)
        yield Statement(account="", currency=unit, profile=DETAIL)
        yield from lines
        yield Totals(ties=total == info.money("from_amount"))
        yield Statement(account="", currency=paid.currency, profile=DETAIL)
        if paid.amount:
            yield paid


def _orders(item: Item, info: Item, payout: str, ids: words.Ids) -> Iterator[Line]:
    for order in item.parts("escrow_list"):
        unit, number = info.currency("from_currency"), order.text("order_sn")
        if order.currency() != unit:
            raise ReadError(f"{order.currency()} in a payout from {unit}", row=item.row)
        value = order.money("escrow_amount")
        yield Line(
            external_id=ids.of(info.whole("payout_time"), "escrow", number, value),
            kind=LineKind.SALE,
            amount=value,
            currency=unit,
            event_at=info.seconds("payout_time"),
            row=item.row,
            order_ref=number,
            payout_ref=payout,
            label="escrow",
        )


def _adjustments(item: Item, info: Item, payout: str, ids: words.Ids) -> Iterator[Line]:
    for part in item.parts("offline_adjustment_list"):
        head, scenario, value = (
            part.said("module"),
            part.said("scenario"),
            part.money("adjustment_amount"),
        )
        said = head, scenario, part.said("remark"), part.said("order_sn")
        yield Line(
            external_id=ids.of(info.whole("payout_time"), "adjustment", value, *said),
            kind=words.HEADS.get(head, LineKind.UNKNOWN),
            amount=value,
            currency=info.currency("from_currency"),
            event_at=info.seconds("payout_time"),
            row=item.row,
            order_ref=part.said("order_sn"),
            payout_ref=payout,
            label=f"{head}/{scenario}",
        )


def read_info(answer: Item, document: Document) -> Iterator[Record]:
    """Yield Statement and Payouts; a negative one is collected from the shop. Raises ReadError."""
    items = answer.child("response").items("payout_list")
    for unit, run in itertools.groupby(items, key=lambda item: item.currency("payout_currency")):
        yield Statement(account="", currency=unit, profile=INFO)
        for item in run:
            paid = _payout(item, number=item.required_id("encrypted_payout_id"))
            if paid.amount:
                yield paid
        yield Totals()


def _payout(info: Item, *, number: str) -> Payout:
    """The payout; where the answer has no number, its second and amount stand for one."""
    value, unit = info.money("payout_amount"), info.currency("payout_currency")
    at = info.seconds("payout_time")
    return Payout(
        external_id=number or f"{info.whole('payout_time')}-{value.normalize():f}-{unit}",
        amount=value,
        currency=unit,
        status=PayoutStatus.PAID,
        announced_at=at,
        row=info.row,
        numbered=bool(number),
    )


def read_billing(answer: Item, document: Document) -> Iterator[Record]:
    """Yield Statement and a Line a bill: evidence, as the payout's detail states it too.

    Bills have no time: the hub says when their payout was released (context
    `released_at`, and `payout` for its number). Raises ReadError.
    """
    at, ids = released_at(document), words.Ids("billing")
    items = answer.child("response").items("transactions")
    for unit, run in itertools.groupby(items, key=Item.currency):
        yield Statement(account="", currency=unit, profile=BILLING, books=False)
        for item in run:
            head, scenario, value = (
                item.said("cost_header"),
                item.said("scenario"),
                item.money("amount"),
            )
            word = item.text("billing_transaction_type")
            kinds = words.HEADS if word == "ADJUSTMENT" else words.BILLS
            said = word, head, scenario, item.said("remark"), item.said("order_sn")
            yield Line(
                external_id=ids.of(document.context["released_at"], value, *said),
                kind=kinds.get(head if word == "ADJUSTMENT" else word, LineKind.UNKNOWN),
                amount=value,
                currency=unit,
                event_at=at,
                row=item.row,
                order_ref=item.said("order_sn"),
                payout_ref=document.context.get("payout", ""),
                label=f"{head}/{scenario}",
            )
        yield Totals()


def read_income(answer: Item, document: Document) -> Iterator[Record]:
    """Yield Statement and a Line a released income, net: evidence. Raises ReadError."""
    ids = words.Ids("income")
    items = answer.child("income_detail_list").items("list")
    for unit, run in itertools.groupby(items, key=Item.currency):
        yield Statement(account="", currency=unit, profile=INCOME, books=False)
        for item in run:
            value, word = _released(item), item.said("description") or "Order Income"
            order, second = item.text("order_sn"), item.whole("actual_payout_time")
            yield Line(
                external_id=ids.of(order, second, word, value),
                kind=words.INCOMES.get(word, LineKind.UNKNOWN),
                amount=value,
                currency=unit,
                event_at=item.seconds("actual_payout_time"),
                row=item.row,
                order_ref=order,
                label=word,
            )
        yield Totals()


def _released(item: Item) -> Decimal:
    value = item.stated_money("released_amount")
    if value is None:
        raise ReadError("an income that is not released is an estimate, not money", row=item.row)
    return value
