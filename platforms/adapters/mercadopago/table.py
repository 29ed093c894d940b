"""What both reports share: separators, amounts by currency, times, ids.

Columns and separator are the merchant's choice, so columns are bound by name and the
separator is the one that the header uses.
"""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import BinaryIO, Final

from platforms.contract import Document, ReadError
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

_SEPARATORS: Final = (";", ",", "\t", "|")
_TIME: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)", re.ASCII
)
# Without decimals, so that a dot separates thousands (Chile: 9.700 is 9700).
_WHOLE: Final = frozenset({"CLP"})
_GROUPED: Final = re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]{3}){1,4}", re.ASCII)
_CENTS: Final = re.compile(r"[+-]?[0-9]{1,16}(?:\.[0-9]{1,2})?", re.ASCII)


def header_of(document: Document) -> tuple[str, list[str]]:
    """The separator and the column names of the first line; no names if it is no header."""
    line = first_line(document.head)
    for separator in _SEPARATORS:
        try:
            names = next(csv.reader([line], delimiter=separator), [])
        except csv.Error:
            continue
        if "SOURCE_ID" in names:
            return separator, names
    return "", []


class Table:
    """The rows of one report, its columns bound by name."""

    def __init__(self, stream: BinaryIO, separator: str, required: Iterable[str]) -> None:
        require_line_end(stream)
        self._rows = csv_rows(stream, delimiter=separator)
        row, header = next(self._rows, (1, []))
        self._at = columns(header, required, row=row)
        self._width = len(header)

    def rows(self) -> Iterator[Row]:
        """Every row. Raises ReadError for one of another width."""
        for row, fields in self._rows:
            if len(fields) != self._width:
                raise ReadError(f"{len(fields)} values under {self._width} columns", row=row)
            yield Row(row, fields, self._at)


class Row:
    """One row, with readers that name it in their errors."""

    def __init__(self, number: int, fields: Sequence[str], at: Mapping[str, int]) -> None:
        self.number = number
        self._fields = fields
        self._at = at

    def text(self, name: str) -> str:
        """A value, "" where it is empty or its column was not chosen."""
        position = self._at.get(name)
        return "" if position is None else self._fields[position]

    def required(self, name: str) -> str:
        """A value that is there and not empty."""
        value = self.text(name)
        if not value:
            raise ReadError(f"no {name}", row=self.number)
        return value

    def money(self, name: str, unit: str) -> Decimal:
        """An amount of this currency; a column that was not chosen, or is empty, is nothing.

        Raises ReadError for what could be read in two ways: `9.700` is 9700 pesos in
        Chile and no amount where there are cents.
        """
        text = self.text(name)
        if not text:
            return Decimal(0)
        if unit in _WHOLE and _GROUPED.fullmatch(text):
            return amount(text, thousands=".", decimal=",", row=self.number)
        if not _CENTS.fullmatch(text):
            raise ReadError(f"not an amount in {unit}: {shown(text)}", row=self.number)
        value = amount(text, row=self.number)
        if unit in _WHOLE and value % 1:
            raise ReadError(f"{unit} has no decimals: {shown(text)}", row=self.number)
        return value

    def currency(self, name: str) -> str:
        """A currency."""
        return currency(self.required(name), row=self.number)

    def instant(self, name: str) -> datetime:
        """A time with its offset, as an instant in UTC: the display zone may be changed."""
        text = self.required(name)
        if not _TIME.fullmatch(text):
            raise ReadError(f"not a time with an offset: {shown(text)}", row=self.number)
        try:
            return datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise ReadError(f"not a time: {shown(text)}", row=self.number) from error


class Ids:
    """Gives each row its id: the operation's, its word, and what else the row says.

    One operation has many rows (a payment, its refunds, a reserve and its release), and
    none has a number of its own.
    """

    def __init__(self) -> None:
        self._occurrences = Occurrences()

    def of(self, source: str, word: str, at: datetime, value: Decimal) -> str:
        """The id; equal rows share their second, which a report has whole or not at all."""
        said = "\0".join((source, word, at.isoformat(), str(value.normalize())))
        key = hashlib.blake2b(said.encode(), digest_size=8).digest()
        ordinal = self._occurrences.nth(int.from_bytes(key))
        return f"{source}:{key.hex()}" + ("" if ordinal == 1 else f"-{ordinal}")


@contextmanager
def opened(document: Document, required: Iterable[str]) -> Iterator[Table]:
    """The document as a table. Raises ReadError."""
    separator, _ = header_of(document)
    with document.open() as stream:
        yield Table(stream, separator or ",", required)
