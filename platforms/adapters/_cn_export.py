"""The form that Alipay's and Pinduoduo's exports share.

A preamble of free lines, a header that is found by its names (columns are bound
by name only: their order varies), rows with an income and an outgo column, and
closing lines that begin with `#` and state counts and sums. Numbers of rows
count every line of the file, blank ones too. Source: platforms-cn.md §1.4, §4.4.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import BinaryIO, Final

from platforms.contract import LineKind, ReadError
from platforms.reading import Amounts, amount, columns, count, csv_rows, day, decode, shown

ENCODING: Final = "gb18030"
INCOME: Final = "收入金额(+元)"
OUTGO: Final = "支出金额(-元)"
# The longest preamble seen has five lines.
_PREAMBLE: Final = 30

# `#支出合计：75171笔，共-540182.61元` (Alipay), `#支出合计：3485笔-59276.09元`
# (Pinduoduo): both from tests of a reconciler that reads real files (LEDGER).
_TOTAL: Final = re.compile(
    r"#?\s*(收入|支出)合计[：:]\s*([0-9]{1,12})笔\s*[，,]?\s*共?\s*([+-]?[0-9.]{1,40})元", re.ASCII
)
_CLOSING: Final = ("#", "---")


@dataclass(frozen=True, slots=True)
class Stated:
    """A closing line: how many rows, and their sum (positive in both directions)."""

    count: int
    amount: Decimal


class Export:
    """One export, read once from front to back; `totals` is there after the rows."""

    def __init__(self, stream: BinaryIO, core: Collection[str]) -> None:
        self._rows = csv_rows(stream, encoding=ENCODING)
        self.preamble: list[str] = []
        self.header, self.header_row = self._find_header(core)
        self.totals: dict[str, Stated] = {}
        self.ended = False
        self.last_row = self.header_row

    def columns(self, required: Iterable[str]) -> dict[str, int]:
        """Positions by column name. Raises ReadError for a missing or double column."""
        return columns(self.header, required, row=self.header_row)

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield (row, values) up to the closing lines, then read those.

        Raises ReadError for a row of another width and for a row after the end.
        """
        width = len(self.header)
        for row, values in self._rows:
            if values[0].startswith(_CLOSING):
                self._read_closing(row, values)
                return
            if len(values) != width:
                raise ReadError(f"{len(values)} values under {width} columns", row=row)
            # Copies saved by a spreadsheet hold rows of nothing but commas.
            if values[0] or any(values):
                self.last_row = row
                yield row, values

    def stated(self, name: str) -> Stated:
        """The closing line of 收入 or 支出. Raises ReadError if the file has none."""
        if name not in self.totals:
            raise ReadError(
                f"the closing line #{name}合计 is missing: the file was cut, "
                "or saved again without its last lines; give it as it was downloaded",
                row=self.last_row,
            )
        return self.totals[name]

    def _find_header(self, core: Collection[str]) -> tuple[list[str], int]:
        for row, values in self._rows:
            names = names_of(values)
            if set(core) <= set(names):
                return names, row
            if row > _PREAMBLE:
                break
            self.preamble.append(_text(values))
        raise ReadError(f"no header with {', '.join(core)} in the first {_PREAMBLE} lines", row=1)

    def _read_closing(self, row: int, values: list[str]) -> None:
        self.ended = True
        self._read_total(row, _text(values))
        for after, more in self._rows:
            text = _text(more)
            if text and not text.startswith(_CLOSING) and not _TOTAL.fullmatch(text):
                raise ReadError(f"a row after the end: {shown(text)}", row=after)
            self._read_total(after, text)

    def _read_total(self, row: int, text: str) -> None:
        match = _TOTAL.fullmatch(text)
        if match is None:
            return
        name, rows, total = match.groups()
        if name in self.totals:
            raise ReadError(f"{name}合计 is stated twice", row=row)
        value = amount(total, row=row)
        # Outgo is stated with its minus sign, a sum of nothing without.
        self.totals[name] = Stated(count(rows, row=row), value.copy_abs())


class TwoColumns:
    """Reads an income and an outgo cell into one signed amount."""

    def __init__(self) -> None:
        self._amounts = Amounts()

    def __call__(self, income: str, outgo: str) -> tuple[Decimal, Decimal]:
        """(income, outgo) as written, at most one of them not zero. Raises ReadError.

        The side that did not move is `0`, `0.00` or blank; both blank is no row.
        """
        income, outgo = income.strip(), outgo.strip()
        came = self._amounts[income] if income else _ZERO
        went = self._amounts[outgo] if outgo else _ZERO
        if not income and not outgo:
            raise ReadError("the row has no amount")
        if came and went:
            raise ReadError(f"the row has income {came} and outgo {went}")
        if came < 0:
            raise ReadError(f"the income is negative: {came}")
        return came, went


def names_in(head: bytes) -> Iterator[list[str]]:
    """The first lines of a document's head as lists of column names: for recognising."""
    for line in head.split(b"\n", _PREAMBLE)[:_PREAMBLE]:
        try:
            text = decode(line, encoding=ENCODING)
            yield names_of(next(csv.reader([text]), []))
        except (ReadError, csv.Error):
            continue


def names_of(values: Iterable[str]) -> list[str]:
    """Column names without padding; brackets occur full-width （元） and ASCII (元)."""
    return [value.strip().replace("（", "(").replace("）", ")") for value in values]


def directed(kind: LineKind, amount: Decimal) -> LineKind:
    """The kind as far as the direction bears it out.

    A merchant that buys is paid for under the same words as one that sells, and
    a withdrawal that comes in is perhaps a return: neither is confirmed. What
    is held back is released under the same word.
    """
    if kind is LineKind.RESERVE_HELD and amount > 0:
        return LineKind.RESERVE_RELEASED
    if (amount < 0 and kind in _ONLY_IN) or (amount > 0 and kind in _ONLY_OUT):
        return LineKind.UNKNOWN
    return kind


def period(preamble: Iterable[str], pattern: re.Pattern[str]) -> tuple[date, date] | None:
    """The first and last day of the period the preamble states, None if it states none.

    `pattern` has two groups, the instants it runs from and to, in either writing
    (`2026-06-30 23:59:59`, `2026年07月01日 00:00:00`). An end at midnight is not
    part of the period. Raises ReadError for what is no date.
    """
    for text in preamble:
        match = pattern.search(text)
        if match:
            first, last = (
                part.replace("年", "-").replace("月", "-").replace("日", "")
                for part in match.groups()
            )
            end = day(last[:10])
            if last.endswith(" 00:00:00") and end > day(first[:10]):
                end -= timedelta(days=1)
            return day(first[:10]), end
    return None


def _text(values: list[str]) -> str:
    return ",".join(values).rstrip(",").strip()


_ZERO: Final = Decimal(0)
_ONLY_IN: Final = frozenset({LineKind.SALE, LineKind.RESERVE_RELEASED})
_ONLY_OUT: Final = frozenset({LineKind.REFUND, LineKind.PAYOUT})
