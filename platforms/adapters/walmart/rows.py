"""The rows of a recon report in each form it comes: CSV, the same in a ZIP, JSON.

All forms name their fields alike. Source: platforms-global.md §8.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import BinaryIO, Final
from zoneinfo import ZoneInfo

from platforms.adapters._json import Item
from platforms.archives import MAGIC, Archive
from platforms.contract import Document, ReadError
from platforms.reading import (
    amount,
    columns,
    csv_rows,
    first_line,
    json_document,
    shown,
)

CORE: Final = (
    *("Period Start Date", "Period End Date", "Total Payable", "Currency", "Transaction Key"),
    *("Transaction Posted Timestamp", "Transaction Type", "Transaction Description"),
    *("Customer Order #", "Customer Order line #", "Purchase Order #", "Purchase Order line #"),
    *("Amount", "Amount Type"),
)
_HEAD: Final = 4096
_MARKS: Final = (b'"reportData"', b'"Transaction Type"', b'"Transaction Posted Timestamp"')
_JSON_START: Final = re.compile(rb'\A(?:\xef\xbb\xbf)?\s*\{\s*"')
_LINES: Final = re.compile(r"Number of Lines in file \d+", re.ASCII)
_DATE: Final = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)
# What a spreadsheet makes of a long number: its last digits are lost.
_DAMAGED: Final = re.compile(r"\d(\.\d+)?[Ee]\+?\d+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Row:
    """One row; every reader names it when it raises ReadError."""

    number: int
    fields: Mapping[str, str]

    def text(self, name: str) -> str:
        """A field, "" where it is blank or left out."""
        return self.fields.get(name, "")

    def needed(self, name: str) -> str:
        """A field that is not blank."""
        value = self.text(name)
        if not value:
            raise ReadError(f"no {name}", row=self.number)
        return value

    def id(self, name: str) -> str:
        """An id, refused where a spreadsheet has spoilt it."""
        value = self.text(name)
        if _DAMAGED.fullmatch(value):
            raise ReadError(
                f"{name} was spoilt by a spreadsheet: {shown(value)}; "
                "give the file as it was downloaded",
                row=self.number,
            )
        return value

    def money(self, name: str) -> Decimal:
        """An amount."""
        return amount(self.needed(name), row=self.number)

    def day(self, name: str) -> date:
        """`4/29/2026`: month, day, year."""
        text = self.needed(name)
        match = _DATE.fullmatch(text)
        if not match:
            raise ReadError(f"not a day: {shown(text)}", row=self.number)
        month, day, year = (int(part) for part in match.groups())
        try:
            return date(year, month, day)
        except ValueError as error:
            raise ReadError(f"not a day: {shown(text)}", row=self.number) from error

    def instant(self, name: str, zone: ZoneInfo) -> datetime:
        """The instant at which a day begins in a zone."""
        day = self.day(name)
        return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def recognises(document: Document) -> bool:
    """Whether the header, that of a file in the ZIP, or the JSON's fields are Walmart's."""
    head = document.head
    if not head.startswith(MAGIC):
        return _is_csv(head) or _is_json(head)
    try:
        with document.open() as stream:
            return _place(Archive(stream)) is not None
    except ReadError:
        return False


def rows_of(document: Document) -> Iterator[Row]:
    """Yield the rows of a report, the summary's among them. Raises ReadError."""
    with _opened(document) as stream:
        if _is_json(document.head):
            yield from _json(stream)
        else:
            yield from _csv(stream)


def _is_json(head: bytes) -> bool:
    return bool(_JSON_START.match(head)) and all(mark in head for mark in _MARKS)


def _is_csv(head: bytes) -> bool:
    line = first_line(head)
    try:
        names = next(csv.reader([line], delimiter=_delimiter(line)), [])
    except csv.Error:
        return False
    return set(CORE) <= set(names)


def _delimiter(line: str) -> str:
    return "\t" if "\t" in line else ","


@contextmanager
def _opened(document: Document) -> Iterator[BinaryIO]:
    with document.open() as stream:
        if not document.head.startswith(MAGIC):
            yield stream
            return
        archive = Archive(stream)
        place = _place(archive)
        if place is None:
            raise ReadError("no file, or more than one, in the ZIP is a recon report of Walmart")
        with archive.open(place) as member:
            yield member


def _place(archive: Archive) -> int | None:
    """The one member that is a report."""
    found = [position for position in range(len(archive)) if _is_csv(archive.head(position, _HEAD))]
    return found[0] if len(found) == 1 else None


def _csv(stream: BinaryIO) -> Iterator[Row]:
    delimiter = _delimiter(first_line(stream.read(_HEAD)))
    stream.seek(0)
    rows = csv_rows(stream, delimiter=delimiter)
    _, header = next(rows, (1, list[str]()))
    columns(header, CORE)
    for row, fields in rows:
        if row == 2 and _LINES.fullmatch(delimiter.join(fields).strip(delimiter)):
            continue
        if len(fields) != len(header):
            raise ReadError(f"{len(fields)} values under {len(header)} columns", row=row)
        yield Row(row, dict(zip(header, fields, strict=True)))


def _json(stream: BinaryIO) -> Iterator[Row]:
    for item in Item(1, json_document(stream)).items("reportData"):
        yield Row(item.row, {name: item.scalar(name) for name in item.source if name in CORE})
