"""What readers of API answers share: the object of an answer, and its rows with named faults.

For answers of which only the vendor's documentation is known. Every value is read
strictly: a missing amount is an error, never nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from platforms.contract import Document, ReadError
from platforms.reading import amount, currency, json_document, json_rows, shown

_OBJECT: Final = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*\{")
_LAST_SECOND: Final = 253_402_300_799  # the end of the year 9999


def holds(document: Document, names: Iterable[str]) -> bool:
    """Whether the head begins a JSON object and has every one of these names in it."""
    if not _OBJECT.match(document.head):
        return False
    return all(f'"{name}"'.encode() in document.head for name in names)


def answer_of(document: Document) -> Mapping[str, object]:
    """The one JSON object of the document. Raises ReadError."""
    with document.open() as stream:
        return json_document(stream)


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


class Item:
    """One JSON object, with readers that name its row and field."""

    def __init__(self, row: int, source: Mapping[str, object]) -> None:
        self.row = row
        self.source = source

    def child(self, name: str) -> Item:
        """The object under `name`. Raises ReadError if there is none."""
        value = self.source.get(name)
        if not isinstance(value, dict):
            raise ReadError(f"{name} is not an object", row=self.row)
        return Item(self.row, value)

    def items(self, name: str) -> list[Item]:
        """The objects of the list under `name`, their rows counted from 1. Raises ReadError."""
        return [Item(row, value) for row, value in json_rows(self.source, name)]

    def items_if_any(self, name: str) -> list[Item]:
        """The same, and none where the list is null or left out."""
        return [] if self.source.get(name) is None else self.items(name)

    def text(self, name: str) -> str:
        """A text that is there and not empty."""
        value = self.said(name)
        if not value:
            raise ReadError(f"no {name}", row=self.row)
        return value

    def said(self, name: str) -> str:
        """A text without padding, "" where it is null or left out."""
        value = self.source.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise ReadError(f"{name} is no text: {shown(str(value))}", row=self.row)
        return value.strip()

    def id(self, name: str) -> str:
        """A number or text as an id, "" where it is null or left out."""
        value = self.source.get(name)
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise ReadError(f"{name} is no id: {shown(str(value))}", row=self.row)
        return str(value).strip()

    def required_id(self, name: str) -> str:
        """An id that is there."""
        value = self.id(name)
        if not value:
            raise ReadError(f"no {name}", row=self.row)
        return value

    def currency(self, name: str = "currency") -> str:
        """An ISO code."""
        return currency(self.text(name), row=self.row)

    def whole(self, name: str) -> int:
        """A whole number, as a number or as text."""
        text = self.id(name)
        if not _WHOLE.fullmatch(text):
            raise ReadError(f"{name} is no whole number: {shown(text)}", row=self.row)
        return int(text)

    def money(self, name: str) -> Decimal:
        """An amount, given as text or as a number."""
        value = self.source.get(name)
        if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
            raise ReadError(f"{name} is no amount: {shown(str(value))}", row=self.row)
        text = f"{value:f}" if isinstance(value, Decimal) else str(value).strip()
        return amount(text, row=self.row)

    def stated_money(self, name: str) -> Decimal | None:
        """An amount, None where it is null, empty or left out."""
        return None if self.source.get(name) in (None, "") else self.money(name)

    def instant(self, name: str) -> datetime:
        """Epoch seconds, as a number or as text."""
        second = self.whole(name)
        if not 0 < second <= _LAST_SECOND:
            raise ReadError(f"{name} is no time: {second}", row=self.row)
        return datetime.fromtimestamp(second, UTC)


_WHOLE: Final = re.compile(r"-?[0-9]{1,19}", re.ASCII)
