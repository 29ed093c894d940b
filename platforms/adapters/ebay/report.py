"""The transaction report (CSV), which Seller Hub offers for download.

Some ten lines of preamble, then columns that drift from country to country: they are
bound by name. `--` is an empty field, dates have no time, and fees are negative here:
Net amount = Gross transaction amount + fees. Source: platforms-global.md §3.4.
"""

from __future__ import annotations

import csv
import functools
import hashlib
import itertools
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from platforms.adapters._json import store_zone
from platforms.adapters.ebay import words
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
from platforms.reading import amount, columns, csv_rows, currency, require_line_end, shown
from platforms.values import EXACT, NOTHING

PROFILE: Final = "transaction_report"

_CORE: Final = (
    *("Transaction creation date", "Type", "Order number", "Net amount", "Payout currency"),
    *("Payout ID", "Item ID", "Transaction ID", "Gross transaction amount"),
    *("Transaction currency", "Reference ID", "Description"),
)
_FEES: Final = (
    *("Final Value Fee - fixed", "Final Value Fee - variable", "Regulatory operating fee"),
    *('Very high "item not as described" fee', "Below standard performance fee"),
    *("International fee", "Charity donation", "Deposit processing fee"),
)
_EMPTY: Final = ("--", "")
_PREAMBLE: Final = 40
_MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
_DATE: Final = re.compile(r"([A-Z][a-z]{2}) (\d{1,2}), (\d{4})", re.ASCII)


def recognises(document: Document) -> bool:
    """Whether one of the first lines is the report's header."""
    lines = document.head.decode("utf-8", "replace").removeprefix("\ufeff").split("\n")
    return any(_is_header(_fields(line.strip("\r"))) for line in lines[:_PREAMBLE])


def read(document: Document) -> Iterator[Record]:
    """Yield Statement, lines (and a Payout for a payout's own row), Totals.

    The report states no sum, and by its choice of days it may begin in the middle of a
    payout. Raises ReadError, also for a report in two payout currencies.
    """
    with document.open() as stream:
        require_line_end(stream)
        rows = csv_rows(stream)
        row, header = next(((r, f) for r, f in rows if _is_header(f)), (1, list[str]()))
        reader = _Reader(header, row, store_zone(document, "UTC"))
        records = (record for row, fields in rows for record in reader.records(fields, row))
        # The first row tells the currency.
        first = list(itertools.islice(records, 1))
        unit = reader.unit or document.context.get("currency", "")
        yield Statement(account="", currency=unit, profile=PROFILE, numbering="report")
        yield from itertools.chain(first, records)
    yield Totals()


def _is_header(fields: list[str]) -> bool:
    return set(_CORE) <= set(fields)


def _fields(line: str) -> list[str]:
    try:
        return next(csv.reader([line]), [])
    except csv.Error:
        return []


class _Reader:
    """Reads the rows of one report and gives each its id."""

    def __init__(self, header: list[str], row: int, zone: ZoneInfo) -> None:
        self.unit = ""
        self._at = columns(header, _CORE, row=row)
        self._width = len(header)
        self._fees = [name for name in _FEES if name in self._at]
        self._zone = zone
        self._occurrences = Occurrences()

    def records(self, fields: list[str], row: int) -> Iterator[Line | Payout]:
        """The lines of a row, none for one that only describes an item of an order."""
        if len(fields) != self._width:
            raise ReadError(f"{len(fields)} values under {self._width} columns", row=row)
        net = self._money(fields, "Net amount", row)
        charged = [
            (name, value) for name in self._fees if (value := self._money(fields, name, row))
        ]
        if net is None:
            if charged or self._money(fields, "Gross transaction amount", row):
                raise ReadError("an amount without a net amount", row=row)
            return
        self._check_unit(fields, row)
        parts = self._parts(fields, row, net, charged)
        word, payout = self._of(fields, "Type"), self._of(fields, "Payout ID")
        kind, at = words.REPORT.get(word, LineKind.UNKNOWN), self._day(fields, row)
        external_id = self._external_id(fields, net)
        told = "/".join(filter(None, (word, self._of(fields, "Description"))))
        for name, value in parts:
            yield Line(
                external_id=f"{external_id}:{name}" if name else external_id,
                kind=LineKind.COMMISSION if name else kind,
                amount=value,
                currency=self.unit,
                event_at=at,
                row=row,
                order_ref=self._of(fields, "Order number"),
                payout_ref=payout,
                label=f"{word}/{name}" if name else told,
            )
        if kind is LineKind.PAYOUT:
            yield self._payout(payout, -net, at, row)

    def _parts(
        self, fields: list[str], row: int, net: Decimal, fees: Sequence[tuple[str, Decimal]]
    ) -> list[tuple[str, Decimal]]:
        """The gross amount under no name, and each fee under its own.

        Where the buyer paid in another currency, fees are not stated in that of the
        payout: the net amount then stands alone.
        """
        gross = self._money(fields, "Gross transaction amount", row)
        if self._of(fields, "Transaction currency") not in ("", self.unit):
            return [("", net)]
        charged = functools.reduce(EXACT.add, (value for _, value in fees), NOTHING)
        if gross is None:
            gross = EXACT.subtract(net, charged)
        if EXACT.add(gross, charged) != net:
            raise ReadError(f"Net amount {net} is not {gross} with fees of {charged}", row=row)
        return [("", gross), *fees]

    def _payout(self, payout: str, value: Decimal, at: datetime, row: int) -> Payout:
        if not payout:
            raise ReadError("a payout without a Payout ID", row=row)
        if value < 0:
            raise ReadError("a payout with a positive net amount", row=row)
        return Payout(
            external_id=payout,
            amount=value,
            currency=self.unit,
            # The words of Payout status are not known.
            status=PayoutStatus.IN_TRANSIT,
            announced_at=at,
            row=row,
        )

    def _check_unit(self, fields: list[str], row: int) -> None:
        unit = currency(self._of(fields, "Payout currency"), row=row)
        if self.unit and unit != self.unit:
            raise ReadError(f"{unit} in a report in {self.unit}", row=row)
        self.unit = unit

    def _external_id(self, fields: list[str], net: Decimal) -> str:
        """What a row says of the trade, and its ordinal among equals.

        Its payout is left out: a row gets that later. A report holds a day whole or
        not at all, so equal rows are numbered alike in every report.
        """
        said = (name for name in _CORE if name not in ("Payout ID", "Net amount", "Description"))
        parts = (*(self._of(fields, name) for name in said), str(net.normalize()))
        key = hashlib.blake2b("\0".join(parts).encode(), digest_size=16)
        return f"{key.hexdigest()}-{self._occurrences.nth(int.from_bytes(key.digest()[:8]))}"

    def _day(self, fields: list[str], row: int) -> datetime:
        """`Jan 5, 2026`, as the instant that day begins in the store's zone."""
        text = self._of(fields, "Transaction creation date")
        match = _DATE.fullmatch(text)
        if not match or match.group(1) not in _MONTHS:
            raise ReadError(f"not a day: {shown(text)}", row=row)
        month = _MONTHS.index(match.group(1)) + 1
        try:
            at = datetime(int(match.group(3)), month, int(match.group(2)), tzinfo=self._zone)
        except ValueError as error:
            raise ReadError(f"not a day: {shown(text)}", row=row) from error
        return at.astimezone(UTC)

    def _money(self, fields: list[str], name: str, row: int) -> Decimal | None:
        text = self._of(fields, name)
        return amount(text, row=row) if text else None

    def _of(self, fields: list[str], name: str) -> str:
        value = fields[self._at[name]]
        return "" if value in _EMPTY else value
