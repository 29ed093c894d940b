"""The transactions export (`payment_transactions_export_1.csv`).

Its columns drift: 12 (no Payout ID) and 13, then 17, 18 (VAT, in the EU) and 19
(business entity). They are bound by name; a core is required, the rest may come
and go. Fee is positive and Net = Amount − Fee, checked row by row.
"""

from __future__ import annotations

import csv
import hashlib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

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
from platforms.occurrences import Occurrences
from platforms.reading import (
    amount,
    columns,
    csv_rows,
    currency,
    day,
    first_line,
    offset_time,
    require_line_end,
)

PROFILE: Final = "transactions_csv"

_REQUIRED: Final = (
    *("Transaction Date", "Type", "Order", "Payout Status", "Payout Date"),
    *("Amount", "Fee", "Net", "Currency"),
)


def recognises(document: Document) -> bool:
    """Whether the header has the core columns of the transactions export."""
    return set(_REQUIRED) <= set(header_of(document))


def header_of(document: Document) -> list[str]:
    """The column names of a CSV's first line, [] if it is none."""
    try:
        return next(csv.reader([first_line(document.head)]), [])
    except csv.Error:
        return []


def read(document: Document) -> Iterator[Record]:
    """Yield Statement, one Line or two a row, Payouts, Totals.

    The derived payouts come last: only then their sums are known. Raises
    ReadError, also for a file in two currencies (their sums would mean nothing).
    """
    with document.open() as stream:
        require_line_end(stream)
        rows = csv_rows(stream)
        _, header = next(rows, (1, []))
        reader = _Reader(columns(header, _REQUIRED), width=len(header))
        first = next(rows, None)
        unit = reader.currency_of(*first) if first else document.context.get("currency", "")
        payouts = Payouts(unit)
        yield Statement(account="", currency=unit, profile=PROFILE, numbering="export")
        for row, fields in itertools.chain([first] if first else [], rows):
            yield from reader.records(reader.entry(row, fields, unit), payouts)
    yield from payouts.derived()
    yield Totals(ties=payouts.ties())


@dataclass(frozen=True, slots=True)
class _Entry:
    """One row, read."""

    row: int
    at: datetime
    word: str
    order: str
    checkout: str
    amount: Decimal
    fee: Decimal
    net: Decimal
    currency: str
    payout: str
    status: str
    paid_on: date | None


class _Reader:
    """Reads the rows of one file and gives each its id."""

    def __init__(self, at: Mapping[str, int], *, width: int) -> None:
        self._at = at
        self._width = width
        self._occurrences = Occurrences()

    def currency_of(self, row: int, fields: list[str]) -> str:
        """The currency of the first row, which all others must share."""
        return currency(self._field(fields, "Currency", row), row=row)

    def entry(self, row: int, fields: list[str], unit: str) -> _Entry:
        """Read and check one row. Raises ReadError."""
        if len(fields) != self._width:
            raise ReadError(f"{len(fields)} values under {self._width} columns", row=row)
        at = self._at
        money = [amount(fields[at[name]], row=row) for name in ("Amount", "Fee", "Net")]
        if money[2] != money[0] - money[1]:
            raise ReadError(f"Net {money[2]} is not Amount {money[0]} − Fee {money[1]}", row=row)
        if fields[at["Currency"]] != unit:
            raise ReadError(f"{fields[at['Currency']]} in a file in {unit}", row=row)
        paid_on = fields[at["Payout Date"]]
        return _Entry(
            row=row,
            at=offset_time(fields[at["Transaction Date"]], row=row),
            word=fields[at["Type"]],
            order=fields[at["Order"]],
            checkout=self._optional(fields, "Checkout"),
            amount=money[0],
            fee=money[1],
            net=money[2],
            currency=unit,
            payout=self._optional(fields, "Payout ID"),
            status=fields[at["Payout Status"]],
            paid_on=day(paid_on, row=row) if paid_on else None,
        )

    def records(self, entry: _Entry, payouts: Payouts) -> Iterator[Line | Payout]:
        """The lines of a row, and its payout if it is a payout's own row."""
        external_id = self._external_id(entry)
        yield _line(entry, external_id, words.kind(entry.word, entry.amount), entry.amount)
        if entry.fee:
            fee_id = f"{external_id}:fee"
            yield _line(entry, fee_id, LineKind.COMMISSION, -entry.fee, label=f"{entry.word} fee")
        # The oldest layout has no Payout ID: its rows belong to no known payout.
        if entry.payout and entry.word == words.PAYOUT:
            payouts.add_payout(entry.payout, -entry.net, row=entry.row, status=entry.status)
            yield _payout(entry)
        elif entry.payout:
            payouts.add_line(
                entry.payout,
                entry.net,
                row=entry.row,
                status=entry.status,
                paid_on=entry.paid_on,
                zone=entry.at.tzinfo,
            )

    def _external_id(self, entry: _Entry) -> str:
        """What a row says of the trade, and its ordinal among equals.

        Payout ID, Status and Date are left out: a pending row gets them later.
        The instant is taken in UTC, as a shop may change its time zone.
        """
        key = hashlib.blake2b(digest_size=16)
        for part in (
            entry.at.astimezone(UTC).isoformat(),
            *(entry.word, entry.order, entry.checkout),
            *(str(entry.amount.normalize()), str(entry.fee.normalize()), entry.currency),
        ):
            key.update(part.encode() + b"\0")
        ordinal = self._occurrences.nth(int.from_bytes(key.digest()[:8]))
        return f"{key.hexdigest()}-{ordinal}"

    def _field(self, fields: list[str], name: str, row: int) -> str:
        if len(fields) != self._width:
            raise ReadError(f"{len(fields)} values under {self._width} columns", row=row)
        return fields[self._at[name]]

    def _optional(self, fields: list[str], name: str) -> str:
        position = self._at.get(name)
        return "" if position is None else fields[position]


def _line(
    entry: _Entry, external_id: str, kind: LineKind, value: Decimal, *, label: str = ""
) -> Line:
    return Line(
        external_id=external_id,
        kind=kind,
        amount=value,
        currency=entry.currency,
        event_at=entry.at,
        row=entry.row,
        order_ref=entry.order,
        payout_ref=entry.payout,
        label=label or entry.word,
    )


def _payout(entry: _Entry) -> Payout:
    # Neither the export nor the API gives a bank reference or a day of arrival.
    return Payout(
        external_id=entry.payout,
        amount=-entry.net,
        currency=entry.currency,
        status=words.status(entry.status, row=entry.row),
        announced_at=entry.at,
        row=entry.row,
    )
