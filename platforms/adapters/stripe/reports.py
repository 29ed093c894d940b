"""Itemised report CSVs: payout reconciliation and balance, one row a balance transaction.

Decimal major units. The columns and their order are chosen when a report is ordered, so
they are bound by name; a core is required (platforms-global.md §5). Where the report has
a payout's own row and rows of that payout, they must add up to it.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from platforms.adapters.stripe import words
from platforms.contract import Document, ReadError, Record, Statement, Totals
from platforms.reading import (
    amount,
    columns,
    csv_rows,
    first_line,
    local_time,
    require_line_end,
    shown,
)
from platforms.values import EXACT, NOTHING

PROFILE: Final = "itemised_report"

_CORE: Final = ("balance_transaction_id", "currency", "gross", "fee", "net", "reporting_category")
_UTC: Final = ZoneInfo("UTC")
_SUPPORTED: Final = "supported"


def recognises(document: Document) -> bool:
    """Whether the header has the core columns of an itemised report."""
    try:
        header = next(csv.reader([first_line(document.head)]), [])
    except csv.Error:
        return False
    return set(_CORE) <= set(header)


def read(document: Document) -> Iterator[Record]:
    """Yield Statement, Lines and Payouts, Totals for each currency in turn. Raises ReadError."""
    with document.open() as stream:
        require_line_end(stream)
        rows = csv_rows(stream)
        _, header = next(rows, (1, []))
        reader = _Reader(columns(header, _CORE), len(header), document.context.get("zone", ""))
        movements = (reader.movement(row, fields) for row, fields in rows)
        first = next(movements, None)
        if first is None:
            unit = document.context.get("currency", "")
            yield Statement(account="", currency=unit, profile=PROFILE)
            yield Totals()
            return
        every = itertools.chain([first], movements)
        for unit, run in itertools.groupby(every, key=lambda movement: movement.currency):
            yield Statement(account="", currency=unit, profile=PROFILE)
            payouts = _Payouts()
            for movement in run:
                yield from words.records(movement)
                payouts.add(movement)
            yield Totals(ties=payouts.ties())


class _Reader:
    """Reads the rows of one report."""

    def __init__(self, at: Mapping[str, int], width: int, zone: str) -> None:
        self._at = at
        self._width = width
        self._created, self._zone = _clock(at, "created", zone)
        self._effective, self._effective_zone = "", _UTC
        if at.keys() & {"automatic_payout_effective_at_utc", "automatic_payout_effective_at"}:
            self._effective, self._effective_zone = _clock(
                at, "automatic_payout_effective_at", zone
            )

    def movement(self, row: int, fields: list[str]) -> words.Movement:
        """One row, read. Raises ReadError."""
        if len(fields) != self._width:
            raise ReadError(f"{len(fields)} values under {self._width} columns", row=row)
        effective = self._optional(fields, self._effective)
        return words.Movement(
            id=self._field(fields, "balance_transaction_id", row),
            category=self._field(fields, "reporting_category", row),
            gross=self._money(fields, "gross", row),
            fee=self._money(fields, "fee", row),
            net=self._money(fields, "net", row),
            currency=words.unit(self._field(fields, "currency", row), row=row),
            at=self._instant(self._field(fields, self._created, row), self._zone, row),
            row=row,
            source=self._optional(fields, "source_id"),
            payout=self._optional(fields, "automatic_payout_id"),
            remittance=self._trace(fields),
            arrives_on=(
                local_time(effective, self._effective_zone, row=row).date() if effective else None
            ),
        )

    def _trace(self, fields: list[str]) -> str:
        """The payout's trace number at the bank, once Stripe has it."""
        if self._optional(fields, "trace_id_status") != _SUPPORTED:
            return ""
        return self._optional(fields, "trace_id")

    def _field(self, fields: list[str], name: str, row: int) -> str:
        value = fields[self._at[name]]
        if not value:
            raise ReadError(f"no {name}", row=row)
        return value

    def _optional(self, fields: list[str], name: str) -> str:
        position = self._at.get(name)
        return "" if position is None else fields[position]

    def _money(self, fields: list[str], name: str, row: int) -> Decimal:
        return amount(fields[self._at[name]], row=row)

    def _instant(self, text: str, zone: ZoneInfo, row: int) -> datetime:
        return local_time(text, zone, row=row).astimezone(UTC)


def _clock(at: Mapping[str, int], name: str, zone: str) -> tuple[str, ZoneInfo]:
    """The column to take a time from, and its zone. Raises ReadError if there is none."""
    if f"{name}_utc" in at:
        return f"{name}_utc", _UTC
    if name not in at:
        raise ReadError(f"the header lacks {name}_utc", row=1)
    if not zone:
        raise ReadError(
            f"{name} is in the account's time zone, which is not known: order the report with "
            f"the column {name}_utc, or give the store its zone",
            row=1,
        )
    try:
        return name, ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ReadError(f"no such time zone: {shown(zone)}") from error


@dataclass(slots=True)
class _Sum:
    """What is known of one payout: Σ net of its rows, and its own row's net."""

    lines: Decimal | None = None
    stated: Decimal | None = None


class _Payouts:
    """The payouts of one run, by id."""

    def __init__(self) -> None:
        self._sums: dict[str, _Sum] = {}

    def add(self, movement: words.Movement) -> None:
        """Add a row to its payout; a row of no payout proves nothing."""
        own = movement.category == words.PAYOUT
        payout = movement.source if own else movement.payout
        if not payout:
            return
        known = self._sums.setdefault(payout, _Sum())
        if own:
            known.stated = EXACT.subtract(known.stated or NOTHING, movement.net)
        else:
            known.lines = EXACT.add(known.lines or NOTHING, movement.net)

    def ties(self) -> bool | None:
        """False if a payout's rows differ from its own row, None if anything is unproved.

        Manual and instant payouts have no rows: Stripe cannot say what is in them.
        """
        sums = list(self._sums.values())
        whole = [known for known in sums if None not in (known.lines, known.stated)]
        if any(known.lines != known.stated for known in whole):
            return False
        return True if sums and len(whole) == len(sums) else None
