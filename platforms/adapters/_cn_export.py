"""The form that Alipay's and Pinduoduo's exports share.

A preamble of free lines, a header that is found by its names (columns are bound
by name only: their order varies), rows with an income and an outgo column, and
closing lines that begin with `#` and state counts and sums. Rows are numbered by
the lines of the file, blank ones too: no source shows a value with a line break
in it, and one is refused. Source: platforms-cn.md §1.4, §4.4.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import BinaryIO, Final

from platforms.contract import LineKind, ReadError
from platforms.reading import amount, columns, count, day, decode, line_blocks, shown
from platforms.values import NOTHING

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
        blocks = line_blocks(stream, encoding=ENCODING)
        self._lines = enumerate(itertools.chain.from_iterable(blocks), start=1)
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
        for row, line in self._lines:
            if line.startswith(_CLOSING):
                self._read_closing(row, line)
                return
            # The hot path: hardly any row is quoted.
            values = _cells(line, row) if '"' in line else line.split(",")
            if len(values) != width:
                if not line.strip():
                    continue
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
        for row, line in itertools.islice(self._lines, _PREAMBLE):
            names = names_of(line)
            if set(core) <= set(names):
                return names, row
            self.preamble.append(line)
        raise ReadError(f"no header with {', '.join(core)} in the first {_PREAMBLE} lines", row=1)

    def _read_closing(self, row: int, line: str) -> None:
        self.ended = True
        for at, text in itertools.chain([(row, line)], self._lines):
            # A spreadsheet fills short lines up with commas.
            text = text.strip().rstrip(",")
            if text and not text.startswith(_CLOSING) and not _TOTAL.fullmatch(text):
                raise ReadError(f"a row after the end: {shown(text)}", row=at)
            self._read_total(at, text)

    def _read_total(self, row: int, text: str) -> None:
        match = _TOTAL.fullmatch(text)
        if match is None:
            return
        name, rows, total = match.groups()
        if name in self.totals:
            raise ReadError(f"{name}合计 is stated twice", row=row)
        value = amount(total, row=row)
        if name == "收入" and value < 0:
            raise ReadError(f"the income adds up to {value}", row=row)
        # Outgo is stated with its minus sign, a sum of nothing without.
        self.totals[name] = Stated(count(rows, row=row), value.copy_abs())


class TwoColumns(dict[tuple[str, str], tuple[Decimal, Decimal]]):
    """Reads an income and an outgo cell, each pair once: real files repeat their prices.

    Gives (income, outgo) as written, of which one at most is not zero; the side
    that did not move is `0`, `0.00` or blank, and both blank is no row. Raises
    ReadError. Holds at most 65,536 pairs; beyond that it starts over.
    """

    def __missing__(self, cells: tuple[str, str]) -> tuple[Decimal, Decimal]:
        income, outgo = cells[0].strip(), cells[1].strip()
        if not income and not outgo:
            raise ReadError("the row has no amount")
        came, went = (amount(text) if text else NOTHING for text in (income, outgo))
        if came and went:
            raise ReadError(f"the row has income {came} and outgo {went}")
        if came < 0:
            raise ReadError(f"the income is negative: {came}")
        if len(self) >= 65_536:
            self.clear()
        pair = self[cells] = came, went
        return pair


def names_in(head: bytes) -> Iterator[list[str]]:
    """The first lines of a document's head as lists of column names: for recognising."""
    for line in head.split(b"\n", _PREAMBLE)[:_PREAMBLE]:
        try:
            yield names_of(decode(line, encoding=ENCODING))
        except ReadError:
            continue


def names_of(line: str) -> list[str]:
    """Column names without padding; brackets occur full-width （元） and ASCII (元)."""
    names = line.replace("（", "(").replace("）", ")").split(",")
    return [name.strip().strip('"') for name in names]


def directed(kind: LineKind, direction: int) -> LineKind:
    """The kind as far as the direction (1 in, −1 out, 0 neither) bears it out.

    A merchant that buys is paid for under the same words as one that sells, and
    a withdrawal that comes in is perhaps a return: neither is confirmed. What
    is held back is released under the same word.
    """
    if kind is LineKind.RESERVE_HELD and direction > 0:
        return LineKind.RESERVE_RELEASED
    if (direction < 0 and kind in _ONLY_IN) or (direction > 0 and kind in _ONLY_OUT):
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


def _cells(line: str, row: int) -> list[str]:
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error as error:
        raise ReadError(f"not a CSV row: {error}", row=row) from error


_ONLY_IN: Final = frozenset({LineKind.SALE, LineKind.RESERVE_RELEASED})
_ONLY_OUT: Final = frozenset({LineKind.REFUND, LineKind.PAYOUT})
