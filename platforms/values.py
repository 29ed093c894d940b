"""Strict readers of single values: amounts, counts, currencies, times.

Adapters take them from `platforms.reading`, which offers them together with the
readers of whole files.
"""

from __future__ import annotations

import functools
import re
from datetime import date, datetime, timedelta
from decimal import Context, Decimal, Inexact
from typing import Final
from zoneinfo import ZoneInfo

from platforms.contract import ReadError

MAX_NUMBER: Final = 40

# `numeric(24,8)` is what the hub stores: 16 digits before the point, 8 after.
WHOLE: Final = "[0-9]{1,16}"
FRACTION: Final = "[0-9]{1,8}"

# Sums are exact or an error: with Python's default of 28 digits 10^28 + 0.01
# loses the cent without a word.
EXACT: Final = Context(prec=60, traps=[Inexact])
NOTHING: Final = Decimal(0)


def shown(text: str) -> str:
    """Quote what was found for an error message, cut so that it stays a sentence."""
    return repr(text if len(text) <= MAX_NUMBER else text[:MAX_NUMBER] + "…")


# --- amounts ----------------------------------------------------------------


def amount(
    text: str, *, thousands: str = "", decimal: str = ".", row: int | None = None
) -> Decimal:
    """Read one signed amount exactly: `-1598.70`, or `1.234,56` where declared.

    ASCII digits only, at most 16 before and 8 after the decimal mark, 40
    characters in all; groups of thousands only where the format declares their
    mark, and then complete. No exponent, `_`, NaN, blank or full-width digit.
    Raises ReadError; never rounds and never gives 0 for what it cannot read.
    """
    if len(text) > MAX_NUMBER or not _amount_form(thousands, decimal).fullmatch(text):
        raise ReadError(f"not an amount: {shown(text)}", row=row)
    plain = text.replace(thousands, "") if thousands else text
    value = Decimal(plain if decimal == "." else plain.replace(decimal, "."))
    # A negative nothing would be written as -0.00 wherever it is shown.
    return value if value else value.copy_abs()


def count(text: str, *, row: int | None = None) -> int:
    """Read a count; `20.0` is 20 (WeChat Pay's documentation prints counts so)."""
    match = _COUNT.fullmatch(text)
    if not match:
        raise ReadError(f"not a count: {shown(text)}", row=row)
    return int(match.group(1))


def currency(text: str, *, row: int | None = None) -> str:
    """Read an ISO 4217 code: three capital letters. Raises ReadError."""
    if not _CURRENCY.fullmatch(text):
        raise ReadError(f"not a currency: {shown(text)}", row=row)
    return text


class Amounts(dict[str, Decimal]):
    """Amounts by their text, each parsed once: real files repeat their prices.

    Holds at most 65,536 texts; beyond that it starts over, so memory is flat.
    """

    def __missing__(self, text: str) -> Decimal:
        if len(self) >= 65_536:
            self.clear()
        value = self[text] = amount(text)
        return value


_COUNT: Final = re.compile(r"([0-9]{1,12})(?:\.0{1,4})?", re.ASCII)
_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)


@functools.cache
def _amount_form(thousands: str, decimal: str) -> re.Pattern[str]:
    whole = WHOLE
    if thousands:
        whole = rf"(?:{WHOLE}|[0-9]{{1,3}}(?:{re.escape(thousands)}[0-9]{{3}}){{1,4}})"
    return re.compile(rf"[+-]?{whole}(?:{re.escape(decimal)}{FRACTION})?", re.ASCII)


# --- time -------------------------------------------------------------------

_LOCAL: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)
_OFFSET: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}", re.ASCII)
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def local_time(text: str, zone: ZoneInfo, *, row: int | None = None) -> datetime:
    """Read `2026-08-30 16:59:53` as the wall clock of `zone`.

    A time that occurs twice (the clock is set back) is the first of the two; one
    that does not exist is refused. Raises ReadError.
    """
    if not _LOCAL.fullmatch(text):
        raise ReadError(f"not a time: {shown(text)}", row=row)
    try:
        at = datetime.fromisoformat(text).replace(tzinfo=zone)
    except ValueError as error:
        raise ReadError(f"not a time: {shown(text)}", row=row) from error
    # Wall clocks that were skipped do not survive the way through UTC.
    if at.astimezone(_UTC).astimezone(zone).replace(tzinfo=None) != at.replace(tzinfo=None):
        raise ReadError(f"no such time in {zone.key}: {shown(text)}", row=row)
    return at


def offset_time(text: str, *, row: int | None = None) -> datetime:
    """Read `2026-08-30 16:59:53 +0400`, a time that states its offset. Raises ReadError."""
    if not _OFFSET.fullmatch(text):
        raise ReadError(f"not a time with an offset: {shown(text)}", row=row)
    try:
        return datetime.fromisoformat(text[:19] + text[20:])
    except ValueError as error:
        raise ReadError(f"not a time: {shown(text)}", row=row) from error


def day(text: str, *, row: int | None = None) -> date:
    """Read `2026-08-30`. Raises ReadError."""
    if not _DAY.fullmatch(text):
        raise ReadError(f"not a day: {shown(text)}", row=row)
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ReadError(f"not a day: {shown(text)}", row=row) from error


class LocalTimes:
    """`local_time` for long files: each minute is parsed once.

    Holds at most 20,000 minutes (two weeks), so memory is flat.
    """

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._minutes: dict[str, datetime] = {}

    def __call__(self, text: str) -> datetime:
        """Give the instant; the same value as `local_time`. Raises ReadError."""
        minute, second = self._minutes.get(text[:16]), _SECONDS.get(text[16:])
        if minute is None or second is None:
            return self._learn(text)
        return minute + second

    def _learn(self, text: str) -> datetime:
        at = local_time(text, self._zone)
        if len(self._minutes) >= 20_000:
            self._minutes.clear()
        self._minutes[text[:16]] = at.replace(second=0)
        return at


_UTC: Final = ZoneInfo("UTC")
_SECONDS: Final = {f":{second:02}": timedelta(seconds=second) for second in range(60)}
