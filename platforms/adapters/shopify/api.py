"""Answers of the REST API: payouts, one payout, balance transactions.

Amounts are strings in the major unit, fee is positive, net = amount − fee; dates
have no time (platforms-global.md §2.3).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from platforms.adapters._json import Item, answer_of, instant, store_zone
from platforms.adapters.shopify import words
from platforms.adapters.shopify.balance import Payouts
from platforms.contract import (
    Document,
    Line,
    LineKind,
    Payout,
    ReadError,
    Record,
    Statement,
    Totals,
)
from platforms.reading import day

TRANSACTIONS: Final = "api_transactions"
PAYOUTS: Final = "api_payouts"

_FIRST_KEY: Final = re.compile(rb'\A(?:\xef\xbb\xbf)?\s*\{\s*"(transactions|payouts|payout)"\s*:')
_MARKS: Final[Mapping[bytes, tuple[bytes, ...]]] = {
    b"transactions": (b'"payout_id"', b'"payout_status"', b'"processed_at"', b'"net"'),
    b"payouts": (b'"status"', b'"date"', b'"currency"', b'"amount"'),
    b"payout": (b'"status"', b'"date"', b'"currency"', b'"amount"'),
}
_SUMMARY: Final = re.compile(r"(\w+)_(gross|fee)_amount", re.ASCII)


def recognises(document: Document) -> bool:
    """Whether the JSON begins with one of the three answers and has its fields."""
    match = _FIRST_KEY.match(document.head)
    if not match:
        return False
    return all(mark in document.head for mark in _MARKS[match.group(1)])


def read(document: Document) -> Iterator[Record]:
    """Yield Statement, Lines and Payouts, Totals. `row` is the ordinal in the list.

    Raises ReadError, also for a test transaction: it never moved money, and a
    document that mixes it with real ones is not the store's balance.
    """
    answer, zone = answer_of(document), store_zone(document, words.ZONE)
    if "transactions" in answer.source:
        return _transactions(answer.items("transactions"), zone)
    rows = [answer.child("payout")] if "payout" in answer.source else answer.items("payouts")
    return _payouts(rows, zone)


def _transactions(rows: list[Item], zone: ZoneInfo) -> Iterator[Record]:
    unit = rows[0].currency() if rows else ""
    payouts = Payouts(unit)
    yield Statement(account="", currency=unit, profile=TRANSACTIONS, numbering="api")
    for item in rows:
        if item.currency() != unit:
            raise ReadError(f"{item.currency()} in a page in {unit}", row=item.row)
        yield from _transaction(item, payouts, zone)
    # A page may end in the middle of a payout: what does not add up is not yet
    # wrong here, and no payout is derived, as the API gives the payouts itself.
    yield Totals(ties=payouts.ties() or None)


def _transaction(item: Item, payouts: Payouts, zone: ZoneInfo) -> Iterator[Line | Payout]:
    if item.source.get("test"):
        raise ReadError("a test transaction", row=item.row)
    gross, fee, net = item.money("amount"), item.money("fee"), item.money("net")
    if net != gross - fee:
        raise ReadError(f"net {net} is not amount {gross} − fee {fee}", row=item.row)
    word, payout = item.text("type"), item.id("payout_id")
    at = _when(item, "processed_at", zone)
    yield _line(item, words.kind(word, gross), gross, payout, at, label=word)
    if fee:
        yield _line(item, LineKind.COMMISSION, -fee, payout, at, label=f"{word} fee", suffix=":fee")
    status = str(item.source.get("payout_status") or "")
    if payout and word == words.PAYOUT:
        payouts.add_payout(payout, -net, row=item.row, status=status)
        yield Payout(
            external_id=payout,
            amount=-net,
            currency=item.currency(),
            status=words.status(status, row=item.row),
            announced_at=at,
            row=item.row,
        )
    elif payout:
        payouts.add_line(payout, net, row=item.row, status=status, paid_on=None, zone=None)


def _line(
    item: Item,
    kind: LineKind,
    value: Decimal,
    payout: str,
    at: datetime,
    *,
    label: str,
    suffix: str = "",
) -> Line:
    return Line(
        external_id=item.required_id("id") + suffix,
        kind=kind,
        amount=value,
        currency=item.currency(),
        event_at=at,
        row=item.row,
        order_ref=item.id("source_order_id"),
        payout_ref=payout,
        label=label,
    )


def _payouts(rows: list[Item], zone: ZoneInfo) -> Iterator[Record]:
    for unit, run in itertools.groupby(rows, key=Item.currency):
        yield Statement(account="", currency=unit, profile=PAYOUTS)
        verdicts = []
        for item in run:
            value = item.money("amount")
            verdicts.append(_adds_up(item, value))
            yield Payout(
                external_id=item.required_id("id"),
                amount=value,
                currency=unit,
                status=words.status(item.text("status"), row=item.row),
                announced_at=_midnight(item, "date", zone),
                row=item.row,
            )
        yield Totals(ties=_verdict(verdicts))


def _adds_up(item: Item, value: Decimal) -> bool | None:
    """Σ (gross − fee) of the summary is the payout: 41.90 in Shopify's own example."""
    summary = item.source.get("summary")
    if not isinstance(summary, dict):
        return None
    parts = Item(item.row, summary)
    total = Decimal(0)
    for name in summary:
        if match := _SUMMARY.fullmatch(name):
            total += parts.money(name) if match.group(2) == "gross" else -parts.money(name)
    return total == value


def _verdict(verdicts: list[bool | None]) -> bool | None:
    if False in verdicts:
        return False
    return True if verdicts and None not in verdicts else None


def _midnight(item: Item, name: str, zone: ZoneInfo) -> datetime:
    """A date as the instant it begins in the store's zone."""
    return words.midnight(day(item.text(name), row=item.row), zone)


def _when(item: Item, name: str, zone: ZoneInfo) -> datetime:
    """A date, or an instant: Shopify's own documents show processed_at as either."""
    text = item.text(name)
    return instant(text, row=item.row) if "T" in text else _midnight(item, name, zone)
