"""Rows under a header, of a CSV or of a sheet of a workbook: the exports of 抖店 and JD.

Sellers keep their CSV exports as workbooks, so both are read alike. The header is found
by its names within the first rows, columns are bound by name only. A cell loses its
padding and what keeps a spreadsheet from rounding a long number: `="0012"`, `'0012`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Final

from platforms.adapters._cn_export import ENCODING, names_in
from platforms.archives import MAGIC
from platforms.contract import Document, ReadError
from platforms.reading import Workbook, columns, csv_rows, require_line_end, shown

# A line or two of explanation may stand above the header.
_PREAMBLE: Final = 10


@dataclass(frozen=True, slots=True)
class Row:
    """One row by its column names; a column the file does not have is ""."""

    number: int
    cells: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.cells.get(name, "")


class Table:
    """The rows below one header. Raises ReadError."""

    def __init__(
        self,
        rows: Iterator[tuple[int, list[str]]],
        core: Collection[str],
        *,
        names: Mapping[str, str] | None = None,
        ragged: bool = False,
    ) -> None:
        self._rows = rows
        self._ragged = ragged
        self._nameless = 0
        self.header, self.header_row = self._find_header(core, names or {})

    def require(self, *names: str) -> None:
        """Raise ReadError for a column that is missing or there twice."""
        columns(self.header, names, row=self.header_row)

    def __iter__(self) -> Iterator[Row]:
        width = len(self.header)
        for number, values in self._rows:
            if len(values) != width:
                values = self._fitted(values, number)
            if any(values):
                cells = dict(zip(self.header, map(_clean, values), strict=True))
                yield Row(number, cells)

    def _fitted(self, values: list[str], number: int) -> list[str]:
        """A row of another width: a sheet leaves its last blanks out, a header its blank names."""
        width = len(self.header)
        sound = self._ragged or len(values) == width + self._nameless
        if not sound or any(values[width:]):
            raise ReadError(f"{len(values)} values under {width} columns", row=number)
        return (values + [""] * width)[:width]

    def _find_header(
        self, core: Collection[str], names: Mapping[str, str]
    ) -> tuple[list[str], int]:
        for number, values in islice(self._rows, _PREAMBLE):
            found = [names.get(name, name) for name in map(column, values)]
            while found and not found[-1]:
                found.pop()
            if set(core) <= set(found):
                self._nameless = len(values) - len(found)
                return found, number
        raise ReadError(f"no header with {', '.join(core)} in the first {_PREAMBLE} rows", row=1)


def column(text: str) -> str:
    """A column's name without padding; brackets occur full-width （元） and ASCII (元)."""
    return _clean(text).replace("（", "(").replace("）", ")")


def layouts(
    document: Document, layout: Callable[[Collection[str]], str]
) -> Iterator[tuple[str, str]]:
    """Yield (sheet, layout) of every table whose header `layout` names; no sheet in a CSV.

    `layout` gives "" for names that are no header. What cannot be read has no header.
    """
    if not document.head.startswith(MAGIC):
        found = (layout(names) for names in names_in(document.head))
        yield from [("", name) for name in found if name][:1]
        return
    try:
        with document.open() as stream:
            book = Workbook(stream)
            for sheet in book.names:
                first = islice(book.rows(sheet), _PREAMBLE)
                found = (layout([column(value) for value in values]) for _, values in first)
                yield from [(sheet, name) for name in found if name][:1]
    except ReadError:
        return


def refuse_other_sheets(
    document: Document, layout: Callable[[Collection[str]], str], *, most: int
) -> None:
    """Raise ReadError where a workbook has more tables than `most`, or rows in none of them.

    A sheet with a word of explanation is no table; one of many rows may be the rest of it.
    """
    if not document.head.startswith(MAGIC):
        return
    known = [sheet for sheet, _ in layouts(document, layout)]
    if len(known) > most:
        raise ReadError(f"the workbook holds several tables: {', '.join(known)}")
    with document.open() as stream:
        book = Workbook(stream)
        for sheet in book.names:
            if (
                sheet not in known
                and len(list(islice(book.rows(sheet), _PREAMBLE + 1))) > _PREAMBLE
            ):
                raise ReadError(
                    f"the sheet {shown(sheet)} holds rows under no header that is known"
                )


@contextmanager
def table(
    document: Document,
    core: Collection[str],
    *,
    sheet: str = "",
    names: Mapping[str, str] | None = None,
) -> Iterator[Table]:
    """Open the table of a CSV, or of that sheet of a workbook. Raises ReadError."""
    with document.open() as stream:
        if document.head.startswith(MAGIC):
            yield Table(Workbook(stream).rows(sheet), core, names=names, ragged=True)
            return
        require_line_end(stream)
        yield Table(csv_rows(stream, encoding=ENCODING), core, names=names)


def _clean(text: str) -> str:
    text = text.strip()
    if text.startswith('="') and text.endswith('"'):
        text = text[2:-1]
    return text.removeprefix("'").strip()
