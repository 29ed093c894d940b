"""Statements, payments and withdrawals of TikTok Shop.

A payment is what the bank receives (not in South-East Asia, where the seller withdraws).
Statements and withdrawals state what the transactions book: evidence. Source:
platforms-global.md §9.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from platforms.adapters._json import Item
from platforms.adapters.tiktok_shop import words
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
from platforms.reading import shown
from platforms.values import EXACT

STATEMENTS: Final = "statements"
PAYMENTS: Final = "payments"
WITHDRAWALS: Final = "withdrawals"
STATEMENTS_MARKS: Final = ("statements", "statement_time", "settlement_amount", "payment_status")
PAYMENTS_MARKS: Final = ("payments", "payment_amount_before_exchange", "exchange_rate")
WITHDRAWALS_MARKS: Final = ("withdrawals", "type", "amount", "currency", "create_time")


def read_statements(data: Item, document: Document) -> Iterator[Record]:
    """Yield Statement and a Line a day's statement: its settlement, never its parts.

    It names the payment that carries it. Raises ReadError.
    """
    for unit, run in itertools.groupby(data.items("statements"), key=Item.currency):
        yield Statement(account="", currency=unit, profile=STATEMENTS, books=False)
        for item in run:
            yield Line(
                external_id=f"statement:{item.required_id('id')}",
                kind=LineKind.SALE,
                amount=item.money("settlement_amount"),
                currency=unit,
                event_at=item.seconds("statement_time"),
                row=item.row,
                payout_ref=item.id("payment_id"),
                label=f"statement/{item.said('payment_status')}",
            )
        yield Totals()


def read_payments(data: Item, document: Document) -> Iterator[Record]:
    """Yield Statement and Payouts, in the currency that is paid. Raises ReadError."""
    items = data.items("payments")
    for unit, run in itertools.groupby(items, key=lambda item: item.child("amount").currency()):
        yield Statement(account="", currency=unit, profile=PAYMENTS)
        proofs = []
        for item in run:
            proofs.append(_adds_up(item))
            paid = _payout(item, item.child("amount").money("value"), unit)
            # A payment of nothing is no transfer.
            if paid.amount:
                yield paid
        yield Totals(ties=all(proofs) or None)


def _adds_up(item: Item) -> bool:
    """settlement + reserve = what is exchanged, as in the vendor's example only.

    It is not the vendor's formula: where it holds it proves, where not it says nothing.
    """
    names = ("settlement_amount", "reserve_amount", "payment_amount_before_exchange")
    parts = [item.child(name) for name in names]
    settled, reserved, before = (part.money("value") for part in parts)
    one_currency = len({part.currency() for part in parts}) == 1
    return one_currency and EXACT.add(settled, reserved) == before


def _payout(item: Item, value: Decimal, unit: str) -> Payout:
    return Payout(
        external_id=item.required_id("id"),
        amount=value,
        currency=unit,
        status=_status(item),
        announced_at=item.seconds("create_time"),
        row=item.row,
    )


def _status(item: Item) -> PayoutStatus:
    word = item.text("status")
    if word not in words.STATUSES:
        raise ReadError(f"unknown status {shown(word)}", row=item.row)
    return words.STATUSES[word]


def read_withdrawals(data: Item, document: Document) -> Iterator[Record]:
    """Yield Statement, a Line a movement and a Payout a withdrawal. Raises ReadError.

    What a withdrawal takes is written negative, whatever sign it is printed with; a
    settlement and a withdrawal given back come in. Only a transfer goes either way: its
    printed sign is all there is.
    """
    for unit, run in itertools.groupby(data.items("withdrawals"), key=Item.currency):
        yield Statement(account="", currency=unit, profile=WITHDRAWALS, books=False)
        for item in run:
            yield from _withdrawal(item, unit)
        yield Totals()


def _withdrawal(item: Item, unit: str) -> Iterator[Line | Payout]:
    word, value, status = item.text("type"), item.money("amount"), _status(item)
    if word in (words.SETTLE, words.REVERSE) and value < 0:
        raise ReadError(f"{word} comes in with {value}", row=item.row)
    withdrawn = word == words.WITHDRAW
    failed = status is PayoutStatus.FAILED
    if failed and not withdrawn:
        raise ReadError(f"a failed {word}: not known what it moved", row=item.row)
    if not failed:
        yield Line(
            external_id=f"withdrawal:{item.required_id('id')}",
            kind=words.WITHDRAWALS.get(word, LineKind.UNKNOWN),
            amount=-abs(value) if withdrawn else value,
            currency=unit,
            event_at=item.seconds("create_time"),
            row=item.row,
            payout_ref=item.required_id("id") if withdrawn else "",
            label=f"{word}/{item.text('status')}",
        )
    if withdrawn and value:
        yield _payout(item, abs(value), unit)
