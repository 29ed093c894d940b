"""The settlement report ("all transactions"): trades when they are made, as evidence.

Here FEE_AMOUNT already contains FINANCING_FEE_AMOUNT, and the net is transaction + fee +
taxes (platforms-global.md §6). Nothing in it says what it adds up to.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from platforms.adapters.mercadopago.table import Ids, Row, header_of, opened
from platforms.contract import Document, Line, LineKind, ReadError, Record, Statement, Totals

PROFILE: Final = "settlement_report"

_CORE: Final = (
    *("SOURCE_ID", "TRANSACTION_TYPE", "TRANSACTION_AMOUNT", "TRANSACTION_CURRENCY"),
    *("TRANSACTION_DATE", "FEE_AMOUNT", "SETTLEMENT_NET_AMOUNT"),
)
# TRANSACTION_TYPE as seen in real rows; other types are UNKNOWN, and nothing is booked.
KINDS: Final[Mapping[str, LineKind]] = {
    "SETTLEMENT": LineKind.SALE,
    "PAYOUTS": LineKind.PAYOUT,
}


def recognises(document: Document) -> bool:
    """Whether the header has the core columns of the settlement report."""
    return set(_CORE) <= set(header_of(document)[1])


def read(document: Document) -> Iterator[Record]:
    """Yield Statement, Lines, Totals for each currency in turn. Raises ReadError."""
    with opened(document, _CORE) as table:
        ids, empty = Ids(), True
        for unit, run in itertools.groupby(table.rows(), key=_currency):
            empty = False
            yield Statement(account="", currency=unit, profile=PROFILE, books=False)
            for row in run:
                yield from _lines(row, unit, ids)
            yield Totals()
    if empty:
        unit = document.context.get("currency", "")
        yield Statement(account="", currency=unit, profile=PROFILE, books=False)
        yield Totals()


def _currency(row: Row) -> str:
    """The row's currency. Raises ReadError where it settles in another one."""
    unit = row.currency("TRANSACTION_CURRENCY")
    settled = row.text("SETTLEMENT_CURRENCY") or unit
    if settled != unit:
        raise ReadError(f"{unit} settled in {settled}", row=row.number)
    return unit


def _lines(row: Row, unit: str, ids: Ids) -> Iterator[Line]:
    word, source = row.required("TRANSACTION_TYPE"), row.required("SOURCE_ID")
    net, at = row.money("SETTLEMENT_NET_AMOUNT", unit), row.instant("TRANSACTION_DATE")
    external_id = ids.of(source, word, at, net)
    for suffix, kind, value in _split(row, net, unit, KINDS.get(word, LineKind.UNKNOWN)):
        yield Line(
            external_id=f"{external_id}:{suffix.replace(' ', '_')}" if suffix else external_id,
            kind=kind,
            amount=value,
            currency=unit,
            event_at=at,
            row=row.number,
            order_ref=row.text("EXTERNAL_REFERENCE") or row.text("ORDER_ID"),
            label=f"{word} {suffix}".rstrip(),
        )


def _split(
    row: Row, net: Decimal, unit: str, kind: LineKind
) -> Iterator[tuple[str, LineKind, Decimal]]:
    """The transaction, fee, financing fee and taxes where they add up, else the net alone."""
    gross, fee = row.money("TRANSACTION_AMOUNT", unit), row.money("FEE_AMOUNT", unit)
    financing, taxes = row.money("FINANCING_FEE_AMOUNT", unit), row.money("TAXES_AMOUNT", unit)
    if gross + fee + taxes != net:
        yield "", kind, net
        return
    yield "", kind, gross
    for suffix, what, value in (
        ("fee", LineKind.COMMISSION, fee - financing),
        ("financing fee", LineKind.COMMISSION, financing),
        ("taxes", LineKind.TAX, taxes),
    ):
        if value:
            yield suffix, what, value
