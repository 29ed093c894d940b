"""What adapters of JSON answers share: strict readers of an object's fields, instants.

The leading underscore keeps the registry from taking it for an adapter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

from platforms.contract import ReadError
from platforms.reading import amount, currency, shown

_INSTANT: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII
)


def instant(text: str, *, row: int | None = None) -> datetime:
    """Read `2024-06-01T06:00:00.125Z` or the same with an offset. Raises ReadError."""
    if not _INSTANT.fullmatch(text):
        raise ReadError(f"not a time with an offset: {shown(text)}", row=row)
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ReadError(f"not a time: {shown(text)}", row=row) from error


class Item:
    """One JSON object; every reader names its row and field when it raises ReadError."""

    def __init__(self, row: int, source: Mapping[str, object]) -> None:
        self.row = row
        self.source = source

    def optional(self, name: str) -> str:
        """A text or whole number as text, "" where it is null or left out."""
        value = self.source.get(name)
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise ReadError(f"{name} is no text: {shown(str(value))}", row=self.row)
        return str(value)

    def text(self, name: str) -> str:
        """A text or whole number that is there and not empty."""
        value = self.optional(name)
        if not value:
            raise ReadError(f"no {name}", row=self.row)
        return value

    def scalar(self, name: str) -> str:
        """A text or any number as the text a file would have, "" where it is null."""
        value = self.source.get(name)
        if isinstance(value, Decimal):
            return f"{value:f}"
        return self.optional(name)

    def money(self, name: str) -> Decimal:
        """An amount, given as text or as a number."""
        value = self.source.get(name)
        if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
            raise ReadError(f"{name} is no amount: {shown(str(value))}", row=self.row)
        return amount(f"{value:f}" if isinstance(value, Decimal) else str(value), row=self.row)

    def count(self, name: str) -> int | None:
        """A whole number, None where it is null or left out."""
        value = self.source.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise ReadError(f"{name} is no count: {shown(str(value))}", row=self.row)
        return value

    def currency(self, name: str) -> str:
        """A currency."""
        return currency(self.text(name), row=self.row)

    def instant(self, name: str) -> datetime:
        """A time with an offset."""
        return instant(self.text(name), row=self.row)

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        return self.source.get(name) is not None

    def item(self, name: str) -> Item:
        """The object under `name`."""
        value = self.source.get(name)
        if not isinstance(value, dict):
            raise ReadError(f"{name} is no object", row=self.row)
        return Item(self.row, value)

    def items(self, name: str) -> Iterator[Item]:
        """The objects of the list under `name`; none where it is null or left out."""
        values = self.source.get(name)
        if values is None:
            return
        if not isinstance(values, list):
            raise ReadError(f"{name} is no list", row=self.row)
        for value in values:
            if not isinstance(value, dict):
                raise ReadError(f"{name} holds something that is no object", row=self.row)
            yield Item(self.row, value)
