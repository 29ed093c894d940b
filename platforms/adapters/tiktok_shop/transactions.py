"""The transactions of a statement (the store's books) and of an order (evidence).

The vendor's formula subtracts shipping, fees and adjustments from the revenue; its own
examples print them negative and do not follow it. So the sign is measured in each row:
the parts are taken as they stand, or turned round, whichever gives the settlement the
row states; a row that neither way adds up is refused. Source: platforms-global.md §9.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Final

from platforms.adapters._json import Item
from platforms.adapters.tiktok_shop import words
from platforms.contract import Document, Line, LineKind, ReadError, Record, Statement, Totals
from platforms.reading import shown
from platforms.values import EXACT, NOTHING

BY_STATEMENT: Final = "statement_transactions"
BY_ORDER: Final = "order_transactions"
BY_STATEMENT_MARKS: Final = (
    *("transactions", "settlement_amount", "revenue_amount"),
    *("shipping_cost_amount", "fee_tax_amount"),
)
BY_ORDER_MARKS: Final = ("sku_transactions", "settlement_amount", "statement_id")

_Part = tuple[str, LineKind, Decimal]
# What is added to the id and the label of a row, and the field it is read from.
_PARTS: Final = (
    ("shipping", LineKind.SHIPPING, "shipping_cost_amount"),
    ("fees", LineKind.COMMISSION, "fee_tax_amount"),
    ("adjustment", LineKind.ADJUSTMENT, "adjustment_amount"),
)


def read_statement(data: Item, document: Document) -> Iterator[Record]:
    """Yield Statement, the Lines of each transaction, Totals; `row` is the ordinal.

    A page that holds every transaction must add up to the statement. The hub may say
    which payment carries the statement (context `payment_id`). Raises ReadError.
    """
    unit, at = data.currency(), data.seconds("create_time")
    number, payment = data.required_id("id"), document.context.get("payment_id", "")
    yield Statement(account="", currency=unit, number=number, profile=BY_STATEMENT)
    settled: list[Decimal] = []
    reserved: list[Decimal] = []
    seen: set[str] = set()
    for item in data.items("transactions"):
        key = item.required_id("id")
        if key in seen:
            raise ReadError(f"transaction {shown(key)} occurs twice", row=item.row)
        seen.add(key)
        for name, kind, value in _transaction(item):
            (reserved if name == words.RESERVE else settled).append(value)
            yield _line(item, key, name, kind, value, unit, at, payment)
    yield Totals(ties=_ties(data, len(seen), _sum(settled), _sum(reserved)))


def _transaction(item: Item) -> list[_Part]:
    """The parts of one row, the first named by its type."""
    word = item.text("type")
    kind = words.TRANSACTIONS.get(word, LineKind.UNKNOWN)
    reserve = item.money_if_any("reserve_amount")
    settlement = item.stated_money("settlement_amount")
    if word == words.RESERVE:
        if settlement:
            raise ReadError(f"a reserve that settles {settlement}", row=item.row)
        value = item.money("reserve_amount")
        return [(word, LineKind.RESERVE_RELEASED if value > 0 else kind, value)]
    adjustment = item.money_if_any("adjustment_amount")
    value = settlement or adjustment
    if reserve and (value or kind is not LineKind.UNKNOWN):
        raise ReadError(f"{word} with a reserve of {reserve}", row=item.row)
    if word == words.ORDER:
        return _split(item, word)
    # An adjustment has one amount; under which of the two names is not confirmed.
    known = kind is not LineKind.UNKNOWN
    if known and settlement and adjustment and abs(settlement) != abs(adjustment):
        raise ReadError(f"{word} settles {settlement} and adjusts {adjustment}", row=item.row)
    return [(word, kind, value or reserve)]


def _split(item: Item, name: str) -> list[_Part]:
    """Revenue and costs, with the signs that give the settlement. Raises ReadError."""
    settlement, revenue = item.money("settlement_amount"), item.money("revenue_amount")
    kind = LineKind.REFUND if revenue < 0 else LineKind.SALE
    parts = [(of, what, item.money_if_any(field)) for of, what, field in _PARTS]
    costs = _sum(value for *_, value in parts)
    if not costs and revenue == settlement:
        # Costs that cancel out have a sign that cannot be measured: the row is its net.
        return [(name, kind, settlement)]
    if EXACT.add(revenue, costs) == settlement:
        sign = 1
    elif EXACT.subtract(revenue, costs) == settlement:
        sign = -1
    else:
        raise ReadError(
            f"revenue {revenue} and costs {costs} do not give the settlement {settlement}",
            row=item.row,
        )
    return [
        (name, kind, revenue),
        *((of, what, value * sign) for of, what, value in parts if value),
    ]


def _ties(data: Item, count: int, settled: Decimal, reserved: Decimal) -> bool | None:
    """payable = settlement + reserve; and a whole statement's rows are its two totals."""
    settlement = data.stated_money("total_settlement_amount")
    payable = data.stated_money("payable_amount")
    reserve = data.money_if_any("total_reserve_amount")
    if settlement is None:
        return None
    if payable is not None and payable != EXACT.add(settlement, reserve):
        return False
    if count != data.whole("total_count"):
        return None
    return (settled, reserved) == (settlement, reserve)


def read_order(data: Item, document: Document) -> Iterator[Record]:
    """Yield Statement, the Lines of each SKU of one order, Totals: evidence.

    The time is the order's: when it was settled the answer does not say. Raises
    ReadError.
    """
    unit, order = data.currency(), data.required_id("order_id")
    at = data.seconds("order_create_time")
    items = data.items("sku_transactions")
    yield Statement(account="", currency=unit, profile=BY_ORDER, books=False)
    settled: list[Decimal] = []
    seen: set[str] = set()
    for item in items:
        key = f"{order}:{item.required_id('sku_id')}:{item.required_id('statement_id')}"
        if key in seen:
            raise ReadError(f"{shown(key)} occurs twice", row=item.row)
        seen.add(key)
        for name, kind, value in _split(item, words.ORDER):
            settled.append(value)
            yield _line(item, f"order:{key}", name, kind, value, unit, at, "", order=order)
    whole = len(items) == data.whole("total_count")
    ties = _sum(settled) == data.money("settlement_amount")
    yield Totals(ties=ties if whole else None)


def _line(
    item: Item,
    key: str,
    name: str,
    kind: LineKind,
    value: Decimal,
    unit: str,
    at: datetime,
    payment: str,
    *,
    order: str = "",
) -> Line:
    of = [of for of, *_ in _PARTS if of == name]
    related = ("order_id", "adjustment_order_id", "associated_order_id")
    return Line(
        external_id=f"{key}:{name}" if of else key,
        kind=kind,
        amount=value,
        currency=unit,
        event_at=at,
        row=item.row,
        order_ref=order or next(filter(None, map(item.id, related)), ""),
        payout_ref=payment,
        label=name,
    )


def _sum(values: Iterable[Decimal]) -> Decimal:
    total = NOTHING
    for value in values:
        total = EXACT.add(total, value)
    return total
