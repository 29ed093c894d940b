"""One JSON object of a platform's answer, with strict readers that name its row and field.

What a method calls optional gives "", None or nothing where the field is null or left out;
everything else is required and raises ReadError. Amounts are given as texts here and as
numbers there: both are read, exactly, and nothing else is.

The leading underscore keeps the registry from taking it for an adapter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from platforms.contract import Document, ReadError, Record
from platforms.reading import amount, currency, json_document, json_rows, shown
from platforms.values import NOTHING

_OBJECT: Final = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*\{")
_INSTANT: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII
)
_WHOLE: Final = re.compile(r"-?[0-9]{1,19}", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_SECOND: Final = 253_402_300_799  # the end of the year 9999
_HUNDRED: Final = Decimal(100)


class Item:
    """One JSON object; `row` is its ordinal in the list it stands in."""

    def __init__(self, row: int, source: Mapping[str, object]) -> None:
        self.row = row
        self.source = source

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self.source.get(name) is not None

    def states(self, name: str) -> bool:
        """Whether the field is there, not null and not an empty text."""
        return self.source.get(name) not in (None, "")

    # --- texts and numbers ----------------------------------------------------------

    def said(self, name: str) -> str:
        """A text without padding; optional."""
        value = self.source.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self.refused(f"{name} is no text: {shown(str(value))}")
        return value.strip()

    def text(self, name: str) -> str:
        """The same, and not empty."""
        return self.said(name) or self._lacks(name)

    def id(self, name: str) -> str:
        """A text without padding, or a whole number as text; optional.

        For ids, codes and whatever is a number here and a text there. A number written
        `17.0` is 17: some platforms declare even their ids so.
        """
        value = _whole(self.source.get(name))
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise self.refused(f"{name} is no id: {shown(str(value))}")
        return str(value).strip()

    def required_id(self, name: str) -> str:
        """The same, and not empty."""
        return self.id(name) or self._lacks(name)

    def scalar(self, name: str) -> str:
        """A text as it stands or any number, as the text a file would have; optional."""
        return self._plain(name, what="text or number") if self.has(name) else ""

    def whole(self, name: str) -> int:
        """A whole number, as a number or as text."""
        text = self.id(name)
        if not _WHOLE.fullmatch(text):
            raise self.refused(f"{name} is no whole number: {shown(text)}")
        return int(text)

    def count(self, name: str) -> int | None:
        """A whole number that is not negative; optional."""
        value = self.source.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise self.refused(f"{name} is no count: {shown(str(value))}")
        return value

    # --- money ----------------------------------------------------------------------

    def money(self, name: str) -> Decimal:
        """An amount; a text may be padded."""
        return amount(self._plain(name, what="amount").strip(), row=self.row)

    def stated_money(self, name: str) -> Decimal | None:
        """An amount, None where it is null, empty or left out."""
        return self.money(name) if self.states(name) else None

    def money_if_any(self, name: str) -> Decimal:
        """An amount, 0 where it is null, empty or left out: for parts that may not apply."""
        return self.money(name) if self.states(name) else NOTHING

    def fen_if_any(self, name: str) -> Decimal:
        """An amount in whole fen, given in yuan; 0 where it is null, empty or left out.

        Raises ReadError for a fraction: such a figure is not in fen.
        """
        value = self.money_if_any(name)
        if value != value.to_integral_value():
            raise self.refused(f"{name} is not in whole fen: {shown(str(value))}")
        return (value / _HUNDRED).quantize(Decimal("0.01"))

    def currency(self, name: str = "currency") -> str:
        """An ISO code."""
        return currency(self.text(name), row=self.row)

    # --- times ----------------------------------------------------------------------

    def instant(self, name: str) -> datetime:
        """`2024-06-01T06:00:00.125Z`, or the same with an offset."""
        return instant(self.text(name), row=self.row)

    def seconds(self, name: str) -> datetime:
        """Unix seconds, as a number or as text."""
        second = self.whole(name)
        if not 0 < second <= _LAST_SECOND:
            raise self.refused(f"{name} is no time: {second}")
        return _EPOCH + timedelta(seconds=second)

    def seconds_if_any(self, name: str, zone: ZoneInfo) -> datetime | None:
        """Unix seconds of this century as an instant in `zone`; None where 0 or left out."""
        ticks = self._ticks(name, digits=10)
        return None if ticks is None else (_EPOCH + timedelta(seconds=ticks)).astimezone(zone)

    def millis_if_any(self, name: str, zone: ZoneInfo) -> datetime | None:
        """Unix milliseconds of this century as an instant in `zone`; None where 0 or left out."""
        ticks = self._ticks(name, digits=13)
        return None if ticks is None else (_EPOCH + timedelta(milliseconds=ticks)).astimezone(zone)

    # --- what is inside -------------------------------------------------------------

    def child(self, name: str) -> Item:
        """The object under `name`; it is in the same row."""
        return self.child_if_any(name) or self._lacks(name)

    def child_if_any(self, name: str) -> Item | None:
        """The same; optional."""
        value = self.source.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.refused(f"{name} is not an object")
        return Item(self.row, value)

    def items(self, name: str) -> list[Item]:
        """The objects of the list under `name`, their rows counted from 1."""
        return [Item(row, value) for row, value in json_rows(self.source, name)]

    def items_if_any(self, name: str) -> list[Item]:
        """The same; optional: a page without rows may leave the list out."""
        return self.items(name) if self.has(name) else []

    def parts(self, name: str) -> list[Item]:
        """The objects of a list inside a row, all of that row; optional."""
        return [Item(self.row, item.source) for item in self.items_if_any(name)]

    # --- faults ---------------------------------------------------------------------

    def refused(self, reason: str) -> ReadError:
        """The error that says why this object cannot be read."""
        return ReadError(reason, row=self.row)

    def _lacks(self, name: str) -> NoReturn:
        raise self.refused(f"no {name}")

    def _plain(self, name: str, *, what: str) -> str:
        value = self.source.get(name)
        if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
            raise self.refused(f"{name} is no {what}: {shown(str(value))}")
        return f"{value:f}" if isinstance(value, Decimal) else str(value)

    def _ticks(self, name: str, *, digits: int) -> int | None:
        """The digits must fit the unit: a mixed-up one would move money by thousands of years."""
        value = self.source.get(name)
        text = str(value) if isinstance(value, bool) else self.id(name)
        if text in ("", "0"):
            return None
        if not (text.isascii() and text.isdigit()):
            raise self.refused(f"{name} is no time: {shown(text)}")
        if len(text) != digits:
            unit = "seconds" if digits == 10 else "milliseconds"
            raise self.refused(f"{name} is not in Unix {unit}: {shown(text)}")
        return int(text)


def _whole(value: object) -> object:
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return value


def instant(text: str, *, row: int | None = None) -> datetime:
    """Read `2024-06-01T06:00:00.125Z` or the same with an offset. Raises ReadError."""
    if not _INSTANT.fullmatch(text):
        raise ReadError(f"not a time with an offset: {shown(text)}", row=row)
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ReadError(f"not a time: {shown(text)}", row=row) from error


# --- answers ------------------------------------------------------------------------


def holds(document: Document, names: Iterable[str]) -> bool:
    """Whether the head begins a JSON object and has every one of these names in it."""
    if not _OBJECT.match(document.head):
        return False
    return all(f'"{name}"'.encode() in document.head for name in names)


def answer_of(document: Document) -> Item:
    """The one JSON object of the document, as its row 1. Raises ReadError."""
    with document.open() as stream:
        return Item(1, json_document(stream))


@dataclass(frozen=True, slots=True)
class Answer:
    """A reader (see `_parts.Reader`) of one answer of an API, known by the names of its fields.

    `opened` gives the part of the answer that `reads` is for, and refuses what is an error.
    """

    marks: tuple[str, ...]
    opened: Callable[[Document], Item]
    reads: Callable[[Item, Document], Iterator[Record]]

    def recognises(self, document: Document) -> bool:
        """Whether all the names are there."""
        return holds(document, self.marks)

    def read(self, document: Document) -> Iterator[Record]:
        """Read it. Raises ReadError."""
        return self.reads(self.opened(document), document)


@dataclass(frozen=True, slots=True)
class NoRows:
    """An answer that holds no money to read: recognised so that it is refused with a reason."""

    marks: tuple[str, ...]
    reason: str

    def recognises(self, document: Document) -> bool:
        """Whether all the names are there."""
        return holds(document, self.marks)

    def read(self, document: Document) -> Iterator[Record]:
        """Raise ReadError."""
        raise ReadError(self.reason, row=1)


# --- what the hub knows of the store -------------------------------------------------


def store_zone(document: Document, default: str) -> ZoneInfo:
    """The zone of the store, from the context. Raises ReadError if it does not exist."""
    name = document.context.get("zone") or default
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ReadError(f"no such time zone: {shown(name)}") from error


def store_currency(document: Document) -> str:
    """The currency of the store, from the context, for answers that name none.

    Raises ReadError where the hub does not know it: a store's country is not guessed.
    """
    unit = document.context.get("currency", "")
    if not unit:
        raise ReadError("the answer states no currency, and none is known of the store", row=1)
    return currency(unit, row=1)
