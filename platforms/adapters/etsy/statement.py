"""The monthly statement (`etsy_statement_2026_7.csv`).

Amounts carry the currency's symbol, `--` is nothing, days are written in several ways.
A sale and the fees taken from it stand in one row: two lines. A deposit has its amount
in its title only. Source: platforms-global.md §7; no whole file was seen.
"""

from __future__ import annotations

import csv
import hashlib
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from platforms.adapters._english_days import english_day
from platforms.adapters._json import store_zone
from platforms.adapters.etsy import words
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
from platforms.reading import (
    amount,
    columns,
    csv_rows,
    currency,
    first_line,
    require_line_end,
    shown,
)
from platforms.values import EXACT, NOTHING

PROFILE: Final = "statement_csv"

_REQUIRED: Final = ("Date", "Type", "Title", "Info", "Currency", "Amount", "Fees & Taxes", "Net")
_NOTHING: Final = frozenset({"", "--"})
_MONEY: Final = re.compile(r"(-?)([^0-9.,\s-]{0,4})([0-9][0-9.,]*)")
# £ and CA$ are from real rows, the others are the usual signs of their currency.
_SYMBOLS: Final[Mapping[str, frozenset[str]]] = {
    "GBP": frozenset({"£"}),
    "EUR": frozenset({"€"}),
    "USD": frozenset({"$", "US$"}),
    "CAD": frozenset({"CA$", "$"}),
    "AUD": frozenset({"AU$", "A$", "$"}),
}
_DEPOSIT: Final = re.compile(r"(\S+) sent to your bank account")
# `Order #2842479918` and `order: 2842479918`, in Info or in the title.
_ORDER: Final = re.compile(r"[Oo]rder(?: #|: )([0-9]{1,20})\b", re.ASCII)


def recognises(document: Document) -> bool:
    """Whether the first line has the columns of the statement."""
    try:
        header = next(csv.reader([first_line(document.head)]), [])
    except csv.Error:
        return False
    return set(_REQUIRED) <= set(header)


def read(document: Document) -> Iterator[Record]:
    """Yield Statement, one Line or two a row, a Payout for each deposit, Totals.

    The file states no sums, so only its last line end tells that it is whole. Raises
    ReadError, also for a file in two currencies.
    """
    zone = store_zone(document, words.ZONE)
    with document.open() as stream:
        require_line_end(stream)
        rows = csv_rows(stream)
        _, header = next(rows, (1, []))
        at = columns(header, _REQUIRED)
        entries = (_entry(row, fields, at, width=len(header)) for row, fields in rows)
        first = next(entries, None)
        unit = first.currency if first else ""
        yield Statement(account="", currency=unit, profile=PROFILE, numbering="export")
        occurrences = Occurrences()
        for entry in itertools.chain([first] if first else [], entries):
            if entry.currency != unit:
                raise ReadError(f"{entry.currency} in a file in {unit}", row=entry.row)
            yield from _records(entry, _id(entry, occurrences), zone)
    yield Totals()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """One row; `amount` and `fees` are signed, None where the row has `--`."""

    row: int
    day: date
    word: str
    title: str
    order: str
    currency: str
    amount: Decimal | None
    fees: Decimal | None
    deposited: Decimal | None


def _entry(row: int, fields: list[str], at: Mapping[str, int], *, width: int) -> _Entry:
    if len(fields) != width:
        raise ReadError(f"{len(fields)} values under {width} columns", row=row)
    said = {name: fields[at[name]].strip() for name in _REQUIRED}
    unit = currency(said["Currency"], row=row)
    gross, fees, net = (
        _money(said[name], unit, row=row) for name in ("Amount", "Fees & Taxes", "Net")
    )
    stated = EXACT.add(gross or NOTHING, fees or NOTHING)
    if stated != (net or NOTHING):
        raise ReadError(f"net {net} is not amount {gross} and fees {fees}", row=row)
    order = _ORDER.search(said["Info"]) or _ORDER.search(said["Title"])
    return _Entry(
        row=row,
        day=english_day(said["Date"], row=row),
        word=said["Type"],
        title=said["Title"],
        order=order.group(1) if order else "",
        currency=unit,
        amount=gross,
        fees=fees,
        deposited=_deposited(said, unit, gross is None and fees is None, row=row),
    )


def _deposited(said: Mapping[str, str], unit: str, empty: bool, *, row: int) -> Decimal | None:
    """What a title says was sent to the bank, None if the columns have the amount."""
    if not empty:
        if said["Type"] == words.DEPOSIT:
            raise ReadError("a deposit with an amount in its columns", row=row)
        return None
    match = _DEPOSIT.fullmatch(said["Title"])
    value = _money(match.group(1), unit, row=row) if match else None
    if value is None or value <= 0:
        raise ReadError(f"no amount, nor one in the title {shown(said['Title'])}", row=row)
    return value


def _money(text: str, unit: str, *, row: int) -> Decimal | None:
    """Read `-£1.44`, `CA$1,060.00`, `29.99`; None for `--`. Raises ReadError."""
    if text in _NOTHING:
        return None
    match = _MONEY.fullmatch(text)
    if not match:
        raise ReadError(f"not an amount: {shown(text)}", row=row)
    sign, symbol, digits = match.groups()
    if symbol and symbol not in _SYMBOLS.get(unit, frozenset({unit})):
        raise ReadError(f"{shown(text)} is not in {unit}", row=row)
    return amount(sign + digits, thousands=",", row=row)


def _id(entry: _Entry, occurrences: Occurrences) -> str:
    """What a row says, and its ordinal among equals: rows have no id, equal ones are real.

    The day and the order are taken as read, not as written: their spelling changes with
    the language and the month.
    """
    money = (entry.amount, entry.fees, entry.deposited)
    parts = (
        *(entry.day.isoformat(), entry.word, entry.title, entry.order, entry.currency),
        *("" if value is None else f"{value.normalize():f}" for value in money),
    )
    key = hashlib.blake2b("\0".join(parts).encode(), digest_size=16).digest()
    return f"{key.hex()}-{occurrences.nth(int.from_bytes(key[:8]))}"


def _records(entry: _Entry, external_id: str, zone: ZoneInfo) -> Iterator[Line | Payout]:
    kind = words.STATEMENT.get(entry.word, LineKind.UNKNOWN)
    sent = entry.deposited
    if sent is not None:
        yield _line(entry, external_id, kind, -sent, zone)
        if kind is LineKind.PAYOUT:
            yield Payout(
                external_id=external_id,
                amount=sent,
                currency=entry.currency,
                status=PayoutStatus.IN_TRANSIT,
                announced_at=words.midnight(entry.day, zone),
                row=entry.row,
                numbered=False,
            )
    elif entry.amount is None:
        yield _line(entry, external_id, kind, entry.fees or NOTHING, zone)
    else:
        yield _line(entry, external_id, kind, entry.amount, zone)
        if entry.fees:
            fee_id = f"{external_id}:fee"
            yield _line(entry, fee_id, LineKind.COMMISSION, entry.fees, zone, of="fees and taxes")


def _line(
    entry: _Entry,
    external_id: str,
    kind: LineKind,
    value: Decimal,
    zone: ZoneInfo,
    *,
    of: str = "",
) -> Line:
    label = f"{entry.word}/{entry.title}" if entry.title else entry.word
    return Line(
        external_id=external_id,
        kind=kind,
        amount=value,
        currency=entry.currency,
        event_at=words.midnight(entry.day, zone),
        row=entry.row,
        order_ref=entry.order,
        payout_ref=external_id if entry.deposited is not None and kind is LineKind.PAYOUT else "",
        label=f"{label}: {of}" if of else label,
    )
