"""The form both bills share: header, rows marked by back-ticks, two summary lines.

Every value of a row begins with a back-tick and only "comma, back-tick" parts
two of them: 商户数据包 and 商品名称 hold the merchant's own text, commas and JSON
included (sample tradebill_ALL_20240709_json_attach). The last two lines are a
summary header and its values; a file without them was cut.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import BinaryIO

from platforms.contract import Document, ReadError
from platforms.reading import amount, columns, count, first_line, line_blocks, shown


def header_of(document: Document) -> list[str]:
    """The column names of the first line, [""] if it cannot be read."""
    return _names(first_line(document.head))


class Bill:
    """One bill, read once from front to back; `summary` is there after the rows."""

    def __init__(self, stream: BinaryIO, *, summary_begins: tuple[str, ...]) -> None:
        self._lines = enumerate(itertools.chain.from_iterable(line_blocks(stream)), start=1)
        self._summary_begins = summary_begins
        self.header = _names(next(self._lines, (1, ""))[1])
        self.summary: dict[str, str] = {}
        self._summary_row = 0

    def columns(self, required: Iterable[str]) -> dict[str, int]:
        """Positions by column name. Raises ReadError for a missing column."""
        return columns(self.header, required)

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield (row, values) up to the summary, then read that too.

        Blank lines are passed over: copies of the bill set them between records.
        Raises ReadError for a row of another width and for a missing summary.
        """
        width, row = len(self.header), 1
        for row, line in self._lines:
            if line[:1] == "`":
                values = line[1:].split(",`")
                if len(values) != width:
                    raise ReadError(f"{len(values)} values under {width} columns", row=row)
                yield row, values
            elif line.startswith(self._summary_begins):
                self._read_summary(line, row)
                return
            elif line.strip():
                raise ReadError(f"neither a row nor the summary: {shown(line)}", row=row)
        raise ReadError("the summary is missing: the file was cut", row=row)

    def total(self, name: str) -> Decimal:
        """An amount of the summary, once the rows are read. Raises ReadError."""
        return amount(self._stated(name), row=self._summary_row)

    def number(self, name: str) -> int:
        """A count of the summary, once the rows are read. Raises ReadError."""
        return count(self._stated(name), row=self._summary_row)

    def _read_summary(self, line: str, row: int) -> None:
        names = _names(line)
        below = ((number, text) for number, text in self._lines if text.strip())
        row, text = next(below, (row, ""))
        values = text[1:].split(",`")
        if text[:1] != "`" or len(values) != len(names):
            raise ReadError("the summary is not whole: the file was cut", row=row)
        for extra, surplus in below:
            raise ReadError(f"a line after the summary: {shown(surplus)}", row=extra)
        self.summary = dict(zip(names, values, strict=True))
        self._summary_row = row

    def _stated(self, name: str) -> str:
        if name not in self.summary:
            raise ReadError(f"the summary lacks {name}", row=self._summary_row)
        return self.summary[name]


def _names(line: str) -> list[str]:
    # Header brackets occur full-width （元） and ASCII (元) in official examples.
    return line.strip().replace("（", "(").replace("）", ")").split(",")
