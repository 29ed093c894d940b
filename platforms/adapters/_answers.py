"""One JSON object of a platform's answer, with readers that name its row and field.

Answers state the same figure as a number here and as a text there, and leave out
what does not apply as null, as an empty text or altogether; all of these are read,
nothing else is. Times are Unix seconds or milliseconds: their number of digits must
fit the unit, as a mixed-up unit would move money by thousands of years.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from platforms.contract import ReadError
from platforms.reading import amount, json_rows, shown
from platforms.values import NOTHING

ZONE: Final = ZoneInfo("Asia/Shanghai")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HUNDRED: Final = Decimal(100)


class Item:
    """One JSON object of a list; `row` is its ordinal."""

    def __init__(self, row: int, source: Mapping[str, object]) -> None:
        self.row = row
        self.source = source

    def optional(self, name: str) -> str:
        """A text, or a whole number as a text; "" where it is null or left out."""
        value = _whole(self.source.get(name))
        if value is None:
            return ""
        if isinstance(value, bool) or not isinstance(value, int | str):
            raise self.refused(f"{name} is neither text nor number: {shown(str(value))}")
        return str(value).strip()

    def text(self, name: str) -> str:
        """A text or whole number that is there. Raises ReadError."""
        value = self.optional(name)
        if not value:
            raise self.refused(f"no {name}")
        return value

    def states(self, name: str) -> bool:
        """Whether the field is there and not null or empty."""
        return self.source.get(name) not in (None, "")

    def yuan(self, name: str) -> Decimal:
        """An amount in the major unit, 0 where it is left out. Raises ReadError."""
        value = self.source.get(name)
        if value is None or value == "":
            return NOTHING
        if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
            raise self.refused(f"{name} is no amount: {shown(str(value))}")
        return amount(f"{value:f}" if isinstance(value, Decimal) else str(value), row=self.row)

    def fen(self, name: str) -> Decimal:
        """An amount in whole fen, given in yuan; 0 where it is left out.

        Raises ReadError for a fraction: such a figure is not in fen.
        """
        value = self.yuan(name)
        if value != value.to_integral_value():
            raise self.refused(f"{name} is not in whole fen: {shown(str(value))}")
        return (value / _HUNDRED).quantize(Decimal("0.01"))

    def seconds(self, name: str) -> datetime | None:
        """Unix seconds as an instant in China; None where they are 0 or left out."""
        ticks = self._ticks(name, digits=10)
        return None if ticks is None else (_EPOCH + timedelta(seconds=ticks)).astimezone(ZONE)

    def millis(self, name: str) -> datetime | None:
        """Unix milliseconds as an instant in China; None where they are 0 or left out."""
        ticks = self._ticks(name, digits=13)
        return None if ticks is None else (_EPOCH + timedelta(milliseconds=ticks)).astimezone(ZONE)

    def item(self, name: str) -> Item | None:
        """An object inside this one, None where it is null or left out."""
        value = self.source.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.refused(f"{name} is not an object")
        return Item(self.row, value)

    def items(self, name: str) -> Iterator[Item]:
        """The objects of a list inside this one, none where it is null or left out."""
        if self.source.get(name) is not None:
            for _, source in json_rows(self.source, name):
                yield Item(self.row, source)

    def refused(self, reason: str) -> ReadError:
        """The error that says why this object cannot be read."""
        return ReadError(reason, row=self.row)

    def _ticks(self, name: str, *, digits: int) -> int | None:
        value = _whole(self.source.get(name))
        if value in (None, "", 0, "0") and not isinstance(value, bool):
            return None
        text = str(value)
        if isinstance(value, bool) or not (text.isascii() and text.isdigit()):
            raise self.refused(f"{name} is no time: {shown(text)}")
        if len(text) != digits:
            unit = "seconds" if digits == 10 else "milliseconds"
            raise self.refused(f"{name} is not in Unix {unit}: {shown(text)}")
        return int(text)


def _whole(value: object) -> object:
    """The value; a number written `17.0` as a whole one (some declare ids and times so)."""
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return int(value)
    return value


def items(document: Mapping[str, object], key: str) -> Iterator[Item]:
    """The objects of the list under `key`, numbered from 1. Raises ReadError."""
    for row, source in json_rows(document, key):
        yield Item(row, source)
