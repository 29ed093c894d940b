"""The release report: the ledger of the available balance.

A row's value is NET_CREDIT_AMOUNT − NET_DEBIT_AMOUNT. Gross, fees, taxes and coupons add
up to it for payments and not always elsewhere (a tax stands in gross and in taxes, a
refund's gross exceeds what comes back): where they do, each is a line of its own, where
they do not, the net is the line. The balance before, and the total or the available
balance at the end, prove the rows (platforms-global.md §6).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

from platforms.adapters.mercadopago.table import Ids, Row, header_of, opened
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
from platforms.reading import currency, shown
from platforms.values import EXACT, NOTHING

PROFILE: Final = "release_report"

_CORE: Final = (
    *("DATE", "SOURCE_ID", "RECORD_TYPE", "DESCRIPTION"),
    *("NET_CREDIT_AMOUNT", "NET_DEBIT_AMOUNT"),
)
_RESERVES: Final = frozenset({"reserve_for_payout", "reserve_for_payment"})
_SALE: Final = "payment"
_PAYOUT: Final = "payout"
# DESCRIPTION. payouts_cash is left UNKNOWN on purpose: that it reaches a bank account is
# not confirmed.
KINDS: Final[Mapping[str, LineKind]] = {
    _SALE: LineKind.SALE,
    "refund": LineKind.REFUND,
    "chargeback": LineKind.ADJUSTMENT,
    "dispute": LineKind.ADJUSTMENT,
    "mediation": LineKind.ADJUSTMENT,
    "shipping": LineKind.SHIPPING,
    "shipping_cancel": LineKind.SHIPPING,
    **dict.fromkeys(sorted(_RESERVES), LineKind.RESERVE_HELD),
    _PAYOUT: LineKind.PAYOUT,
    "tax_payment_iibb": LineKind.TAX,
    "tax_withholding": LineKind.TAX,
    # The yield of the balance.
    "asset_management": LineKind.ADJUSTMENT,
    "fee_release_in_advance": LineKind.COMMISSION,
}
# What is inside the net besides GROSS_AMOUNT: the line's suffix, its kind.
_PARTS: Final[Mapping[str, tuple[str, LineKind]]] = {
    "MP_FEE_AMOUNT": ("fee", LineKind.COMMISSION),
    "FINANCING_FEE_AMOUNT": ("financing fee", LineKind.COMMISSION),
    "SHIPPING_FEE_AMOUNT": ("shipping fee", LineKind.SHIPPING),
    "TAXES_AMOUNT": ("taxes", LineKind.TAX),
    "COUPON_AMOUNT": ("coupon", LineKind.SUBSIDY),
}
_MOVEMENT: Final = "release"


def recognises(document: Document) -> bool:
    """Whether the header has the core columns of the release report."""
    return set(_CORE) <= set(header_of(document)[1])


def read(document: Document) -> Iterator[Record]:
    """Yield Statement, Lines and Payouts, Totals. Raises ReadError, also for two currencies."""
    unit = _currency(document)
    yield Statement(account="", currency=unit, profile=PROFILE)
    balance = _Balance()
    with opened(document, _CORE) as table:
        ids = Ids()
        for row in table.rows():
            value = _net(row, unit)
            if _is_movement(row, value, balance):
                balance.moved = EXACT.add(balance.moved, value)
                yield from _records(row, value, unit, ids)
    yield balance.totals()


def _currency(document: Document) -> str:
    """The report's one currency: rows of balances state none, and stand before the others."""
    found = document.context.get("currency", "")
    empty = True
    with opened(document, _CORE) as table:
        for row in table.rows():
            empty = False
            if text := row.text("CURRENCY"):
                return currency(text, row=row.number)
    if not empty and not found:
        raise ReadError("the report states no currency: choose the column CURRENCY", row=1)
    return found


def _net(row: Row, unit: str) -> Decimal:
    """What the row adds to the balance."""
    if (row.text("CURRENCY") or unit) != unit:
        raise ReadError(f"{row.text('CURRENCY')} in a report in {unit}", row=row.number)
    credit, debit = row.money("NET_CREDIT_AMOUNT", unit), row.money("NET_DEBIT_AMOUNT", unit)
    if min(credit, debit) < 0 or (credit and debit and row.text("RECORD_TYPE") == _MOVEMENT):
        raise ReadError(f"credit {credit} and debit {debit}", row=row.number)
    return credit - debit


class _Balance:
    """What the report says of the balance, and what its rows add up to."""

    def __init__(self) -> None:
        self.moved = NOTHING
        self.opening: Decimal | None = None
        self.total: Decimal | None = None
        self.closing: Decimal | None = None

    def totals(self) -> Totals:
        """The two balances, as far as they are stated."""
        opening = self.opening or NOTHING
        closing = self.closing
        if self.total is not None:
            # The excerpt seen counts the balance before in; a total of the rows alone
            # would prove as much.
            alone = self.total == self.moved
            total = EXACT.add(opening, self.total) if alone else self.total
            if closing is not None and closing != total:
                return Totals(ties=False)
            closing = total
        if closing is None:
            # A report that begins with a balance ends with one: without it, it was cut.
            return Totals(ties=None if self.opening is None else False)
        return Totals(opening=opening, closing=closing)


def _is_movement(row: Row, value: Decimal, balance: _Balance) -> bool:
    """Take a row of balances; True for one that moves money. Raises ReadError."""
    match row.text("RECORD_TYPE"):
        case word if word == _MOVEMENT:
            return True
        case "initial_available_balance":
            balance.opening = _once(balance.opening, value, row)
        case "total":
            balance.total = _once(balance.total, value, row)
        case "available_balance":
            balance.closing = _once(balance.closing, value, row)
        case "subtotal":
            pass  # Of which rows it is the sum is not confirmed; the total counts them all.
        case other:
            raise ReadError(f"unknown record type {shown(other)}", row=row.number)
    return False


def _once(before: Decimal | None, value: Decimal, row: Row) -> Decimal:
    if before is not None:
        raise ReadError(f"a second {row.text('RECORD_TYPE')}", row=row.number)
    return value


def _records(row: Row, value: Decimal, unit: str, ids: Ids) -> Iterator[Line | Payout]:
    word, source, at = row.text("DESCRIPTION"), row.required("SOURCE_ID"), row.instant("DATE")
    external_id = ids.of(source, word, at, value)
    gross, parts = _split(row, value, unit)
    kind = _kind(word, gross)
    paid_out = kind is LineKind.PAYOUT
    payout = source if paid_out else ""
    yield _line(row, external_id, kind, gross, unit, at, word, payout)
    for suffix, what, part in parts:
        label = f"{word} {suffix}"
        part_id = f"{external_id}:{suffix.replace(' ', '_')}"
        yield _line(row, part_id, what, part, unit, at, label, payout)
    if paid_out:
        yield Payout(
            external_id=source,
            amount=-gross,
            currency=unit,
            # The report says that it left the balance, never that it arrived.
            status=PayoutStatus.IN_TRANSIT,
            announced_at=at,
            row=row.number,
        )


def _split(
    row: Row, value: Decimal, unit: str
) -> tuple[Decimal, list[tuple[str, LineKind, Decimal]]]:
    """The gross amount and its parts where they add up to the net, else the net alone."""
    gross = row.money("GROSS_AMOUNT", unit)
    parts = [(*_PARTS[name], row.money(name, unit)) for name in _PARTS]
    if gross + sum((part for *_, part in parts), NOTHING) != value:
        return value, []
    return gross, [found for found in parts if found[2]]


def _kind(word: str, value: Decimal) -> LineKind:
    """What a description means; some words serve both ways.

    A payment that leaves is the merchant's own, and only it knows what for.
    """
    if word in _RESERVES and value > 0:
        return LineKind.RESERVE_RELEASED
    if word == _PAYOUT and value > 0:
        return LineKind.PAYOUT_RETURNED
    if word == _SALE and value < 0:
        return LineKind.UNKNOWN
    return KINDS.get(word, LineKind.UNKNOWN)


def _line(
    row: Row,
    external_id: str,
    kind: LineKind,
    value: Decimal,
    unit: str,
    at: datetime,
    label: str,
    payout: str,
) -> Line:
    return Line(
        external_id=external_id,
        kind=kind,
        amount=value,
        currency=unit,
        event_at=at,
        row=row.number,
        order_ref=row.text("EXTERNAL_REFERENCE") or row.text("ORDER_ID"),
        payout_ref=payout,
        label=label,
    )
