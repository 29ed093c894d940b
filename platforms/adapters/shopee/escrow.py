"""`get_escrow_list` and `get_escrow_detail`: what an order brings and what of it is kept.

Evidence, never booked: a local shop's money moves in its wallet, net, and a cross-border
shop's in its payouts. The detail states no currency and no time, so the hub says both
(context `currency` and `released_at`, epoch seconds from the escrow list).
Source: platforms-global.md §10.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Final

from platforms.adapters._json import Item, store_currency
from platforms.adapters.shopee import words
from platforms.contract import (
    Document,
    Line,
    LineKind,
    ReadError,
    Record,
    Statement,
    Totals,
)
from platforms.values import EXACT, NOTHING

LIST: Final = "escrow_list"
DETAIL: Final = "escrow_detail"
LIST_MARKS: Final = ("escrow_list", "escrow_release_time", "payout_amount")
DETAIL_MARKS: Final = ("response", "order_income", "escrow_amount", "buyer_total_amount")


def read_list(answer: Item, document: Document) -> Iterator[Record]:
    """Yield Statement and a Line an order, net of its fees. Raises ReadError."""
    unit, ids = store_currency(document), words.Ids("escrow")
    yield Statement(account="", currency=unit, profile=LIST, books=False)
    for item in answer.child("response").items("escrow_list"):
        order, value = item.text("order_sn"), item.money("payout_amount")
        yield Line(
            external_id=ids.of(order, item.whole("escrow_release_time"), value),
            kind=LineKind.SALE,
            amount=value,
            currency=unit,
            event_at=item.seconds("escrow_release_time"),
            row=item.row,
            order_ref=order,
            label="escrow",
        )
    yield Totals()


def read_detail(answer: Item, document: Document) -> Iterator[Record]:
    """Yield Statement, a Line for each term of the formula and each adjustment, Totals.

    They must add up to the amount after adjustments that the answer states. Raises
    ReadError for a field that is not zero and in no formula.
    """
    response = answer.child("response")
    order, income = response.text("order_sn"), response.child("order_income")
    unit, at = store_currency(document), released_at(document)
    _refuse_unknown(income)
    terms = [
        (name, kind, value if sign == words.IN else -value)
        for name, (kind, sign) in words.TERMS.items()
        if (value := income.stated_money(name))
    ]
    adjustments = _adjustments(income, unit)
    yield Statement(account="", currency=unit, profile=DETAIL, books=False)
    for name, kind, value in terms:
        yield _line(f"{order}:{name}", kind, value, unit, at, order, name)
    for number, (value, moment, reason) in enumerate(adjustments, start=1):
        kind, name = LineKind.ADJUSTMENT, f"{order}:adjustment:{number}"
        yield _line(name, kind, value, unit, moment, order, reason)
    yield Totals(ties=_adds_up(income, [t[2] for t in terms], [a[0] for a in adjustments]))


def released_at(document: Document) -> datetime:
    """When the money was released, which these answers do not say. Raises ReadError."""
    if not document.context.get("released_at"):
        raise ReadError("the answer states no time, and the hub did not say when it was released")
    return Item(1, document.context).seconds("released_at")


def _refuse_unknown(income: Item) -> None:
    for name, value in income.source.items():
        is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
        if is_number and value and name not in words.TERMS and name not in words.TOLD:
            raise ReadError(f"{name} is {value}, and in no formula that is known", row=1)


def _adjustments(income: Item, unit: str) -> list[tuple[Decimal, datetime, str]]:
    found = income.parts("order_adjustment")
    for item in found:
        if item.currency() != unit:
            raise ReadError(f"an adjustment in {item.currency()}, not {unit}", row=1)
    return [
        (item.money("amount"), item.seconds("date"), item.said("adjustment_reason"))
        for item in found
    ]


def _adds_up(income: Item, terms: list[Decimal], adjustments: list[Decimal]) -> bool:
    released, adjusted = _sum(terms), _sum(adjustments)
    stated = income.money_if_any("total_adjustment_amount")
    after = income.stated_money("escrow_amount_after_adjustment")
    return (
        released == income.money("escrow_amount")
        and adjusted == stated
        and after in (None, EXACT.add(released, adjusted))
    )


def _sum(values: list[Decimal]) -> Decimal:
    total = NOTHING
    for value in values:
        total = EXACT.add(total, value)
    return total


def _line(
    name: str,
    kind: LineKind,
    value: Decimal,
    unit: str,
    at: datetime,
    order: str,
    label: str,
) -> Line:
    return Line(
        external_id=f"escrow:{name}",
        kind=kind,
        amount=value,
        currency=unit,
        event_at=at,
        row=1,
        order_ref=order,
        label=label,
    )
