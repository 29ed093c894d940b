"""The spreadsheet by which many stores are linked: its columns, its template, its rows. Pure.

Read are .xlsx and .csv as Excel, WPS and LibreOffice save them. Nothing is guessed: a value the
spreadsheet program has damaged (a long number rounded, a date made of a name) is marked as such.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from lxml import etree
from python_calamine import CalamineError, CalamineWorkbook

from platforms import archives
from settlement.errors import SettlementError

MOST_BYTES: Final = 2 * 1024 * 1024
MOST_ROWS: Final = 2_000
MOST_COLUMNS: Final = 100
MOST_UNPACKED: Final = 8 * 1024 * 1024
MOST_ELEMENTS: Final = 400_000
MOST_MEMBERS: Final = 500
LAST_ROW: Final = 10_000
"""Rows without a value may lie between; calamine holds every cell up to the last value."""
LONGEST_CELL: Final = 400
"""Characters kept of a cell: more than any value may have, so that what is cut is refused."""
EXACT: Final = 10**15
"""Excel keeps 15 digits of a number; from here on it has rounded what was typed."""
ENCODINGS: Final = ("utf-8-sig", "gb18030")
UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
OLD_EXCEL: Final = b"\xd0\xcf\x11\xe0"


class SheetError(SettlementError):
    """The file as a whole is no list of stores; the message says what to do."""


class Column(StrEnum):
    """What a store's row says."""

    PLATFORM = "platform"
    NAME = "name"
    NUMBER = "number"
    ACCOUNT = "account"


TITLES: Final[dict[Column, Promise]] = {
    Column.PLATFORM: gettext_lazy("Platform"),
    Column.NAME: gettext_lazy("Store name"),
    Column.NUMBER: gettext_lazy("Shop number"),
    Column.ACCOUNT: gettext_lazy("Settlement account"),
}
"""The template's headings; each is among HEADINGS in every language."""

HEADINGS: Final[dict[Column, tuple[str, ...]]] = {
    Column.PLATFORM: ("platform", "平台", "平台名称", "所属平台"),
    Column.NAME: ("store name", "shop name", "store", "shop", "店铺名称", "店铺名", "店铺", "店名"),
    Column.NUMBER: (
        "shop number", "store number", "shop id", "store id",
        "平台店铺号", "平台店铺编号", "店铺号", "店铺编号", "店铺id",
    ),
    Column.ACCOUNT: ("settlement account", "结算账户", "结算账户名称"),
}  # fmt: skip
NEEDED: Final = (Column.PLATFORM, Column.NAME)


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetRow:
    """One store as the sheet says it; `row` is the number the spreadsheet shows beside it.

    `damaged` names the columns whose value the spreadsheet program has changed.
    """

    row: int
    platform: str
    name: str
    number: str = ""
    account: str = ""
    damaged: frozenset[Column] = frozenset()

    def said(self, column: Column) -> str:
        """The text of one column."""
        return {
            Column.PLATFORM: self.platform,
            Column.NAME: self.name,
            Column.NUMBER: self.number,
            Column.ACCOUNT: self.account,
        }[column]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """The rows of a file, and the headings that mean nothing to us."""

    rows: list[SheetRow]
    unused: list[str]


class Cell(NamedTuple):
    """A value as text, and whether it is what the person typed."""

    text: str
    sound: bool = True


Cells = Iterable[tuple[int, Sequence[Cell]]]


def read_sheet(data: bytes, *, name: str) -> Sheet:
    """The stores a file lists. Raises SheetError with what is wrong with it as a whole."""
    if len(data) > MOST_BYTES:
        raise SheetError(_("%(file)s is too large for a list of stores.") % {"file": name})
    if data.startswith(OLD_EXCEL):
        raise SheetError(
            _("%(file)s is locked or in Excel's old format. Save it as .xlsx without a password.")
            % {"file": name}
        )
    cells = _workbook(data, name) if data.startswith(b"PK") else _csv(data, name)
    return _bound(cells, name)


def read_rows(data: bytes, *, name: str) -> list[SheetRow]:
    """The rows of `read_sheet`."""
    return read_sheet(data, name=name).rows


def normal(text: str) -> str:
    """A heading or platform as it is compared: full-width letters, case and spaces aside."""
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


# --- from cells to rows -------------------------------------------------------------------

_COLUMN_OF: Final = {normal(text): column for column, texts in HEADINGS.items() for text in texts}


def _bound(cells: Cells, name: str) -> Sheet:
    """Find the headings, then read each row that says anything."""
    written = ((row, values) for row, values in cells if any(cell.text for cell in values))
    heading = next(written, None)
    if heading is None:
        raise SheetError(_("%(file)s is empty.") % {"file": name})
    places, unused = _places(heading[1])
    rows: list[SheetRow] = []
    for row, values in written:
        if len(rows) == MOST_ROWS:
            raise SheetError(
                _("%(file)s has more than %(most)d rows. Split it into several files.")
                % {"file": name, "most": MOST_ROWS}
            )
        if (found := _row(row, values, places)) is not None:
            rows.append(found)
    if not rows:
        raise SheetError(_("%(file)s names no store below its headings.") % {"file": name})
    return Sheet(rows=rows, unused=unused)


def _places(headings: Sequence[Cell]) -> tuple[dict[Column, int], list[str]]:
    """Where each column stands, and the headings we have no use for."""
    places: dict[Column, int] = {}
    unused = []
    for place, cell in enumerate(headings):
        column = _column(cell.text)
        if column is None:
            unused += [cell.text] if cell.text else []
        elif column in places:
            raise SheetError(_("Two columns are headed “%(title)s”.") % {"title": TITLES[column]})
        else:
            places[column] = place
    missing = [str(TITLES[column]) for column in NEEDED if column not in places]
    if missing:
        raise SheetError(
            _(
                "The first row must head the columns, and there is none headed %(missing)s. "
                "Download the template to see how."
            )
            % {"missing": " / ".join(f"“{title}”" for title in missing)}
        )
    return places, unused


def _column(heading: str) -> Column | None:
    """The column a heading names; "(required)", stars and colons after it say nothing new."""
    return _COLUMN_OF.get(normal(heading).partition("(")[0].strip("*:"))


def _row(row: int, values: Sequence[Cell], places: dict[Column, int]) -> SheetRow | None:
    """One store; None where only columns we have no use for are filled in."""
    cells = {
        column: values[place] if place < len(values) else Cell("")
        for column, place in places.items()
    }
    if not any(cell.text for cell in cells.values()):
        return None
    return SheetRow(
        row=row,
        **{str(column): cell.text for column, cell in cells.items()},
        damaged=frozenset(column for column, cell in cells.items() if not cell.sound),
    )


def _text(raw: str) -> str:
    """A cell's text: composed characters, no space around it."""
    return unicodedata.normalize("NFC", raw[:LONGEST_CELL]).strip()


# --- CSV ----------------------------------------------------------------------------------

# What Excel makes of a long number when it saves a CSV.
_ROUNDED: Final = re.compile(r"\d(\.\d+)?E\+\d{2,}", re.IGNORECASE)


def _csv(data: bytes, name: str) -> Cells:
    text = _decoded(data, name)
    heading = next((line for line in io.StringIO(text) if line.strip()), "")
    delimiter = max(",;\t", key=lambda mark: _recognised(heading.split(mark)))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    row = 0
    try:
        for row, fields in enumerate(reader, start=1):
            yield row, [_csv_cell(field) for field in fields[:MOST_COLUMNS]]
    except csv.Error as error:
        raise SheetError(
            _("Row %(row)d of %(file)s cannot be read; a quotation mark is open or out of place.")
            % {"row": row + 1, "file": name}
        ) from error


def _decoded(data: bytes, name: str) -> str:
    """The text: by its byte order mark, else UTF-8, else as Chinese Excel saves it."""
    encodings = ("utf-16",) if data.startswith(UTF_16) else ENCODINGS
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise SheetError(_("%(file)s is neither .xlsx nor .csv.") % {"file": name})


def _recognised(headings: Sequence[str]) -> int:
    return sum(_column(heading.strip().strip('"')) is not None for heading in headings)


def _csv_cell(field: str) -> Cell:
    text = _text(field)
    # ="0123" is how a CSV keeps Excel from rounding a number.
    if text.startswith('="') and text.endswith('"'):
        text = text[2:-1]
    return Cell(text, sound=not _ROUNDED.fullmatch(text))


# --- Excel --------------------------------------------------------------------------------


def _workbook(data: bytes, name: str) -> Cells:
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(_repacked(data)))
        sheet = book.get_sheet_by_index(0)
        values = sheet.to_python(skip_empty_area=False)
    except (CalamineError, etree.XMLSyntaxError, IndexError, *archives.UNSOUND) as error:
        raise SheetError(
            _("%(file)s cannot be read as a workbook. Open it, save it as .xlsx and try again.")
            % {"file": name}
        ) from error
    for row, cells in enumerate(values, start=1):
        yield row, [_excel_cell(value) for value in cells[:MOST_COLUMNS]]


def _excel_cell(value: Any) -> Cell:
    """What was typed: text or a whole number; anything else Excel has made of it.

    Excel stores 12 as 12.0, and has lost digits of numbers from EXACT on.
    """
    if isinstance(value, str):
        return Cell(_text(value))
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and abs(value) < EXACT and value == int(value):
        return Cell(str(int(value)))
    return Cell(_text(str(value)), sound=False)


def _repacked(data: bytes) -> bytes:
    """The workbook's XML parts in an archive of our own, each within limits.

    A zip may lie about its sizes and a sheet of two cells may span 17 thousand million; the reader
    is native code that trusts both. It is given only what was unpacked and looked through here.
    """
    packed = io.BytesIO()
    left = MOST_UNPACKED
    with zipfile.ZipFile(io.BytesIO(data)) as given, zipfile.ZipFile(packed, "w") as taken:
        members = given.infolist()
        if len(members) > MOST_MEMBERS:
            raise zipfile.BadZipFile("too many members")
        for member in members:
            if not member.filename.lower().endswith((".xml", ".rels")):
                continue
            with given.open(member) as stream:
                part = stream.read(left + 1)
            left -= len(part)
            if left < 0:
                raise zipfile.BadZipFile("too large when unpacked")
            _refuse_vast_sheets(part)
            taken.writestr(member.filename, part)
    return packed.getvalue()


_REFERENCE: Final = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")


def _refuse_vast_sheets(part: bytes) -> None:
    """Refuse a part whose cells lie too far out, or that defines entities of its own."""
    if b"<!DOCTYPE" in part or part.startswith(UTF_16):
        raise ValueError("a workbook needs no document type")
    parsed = etree.iterparse(
        io.BytesIO(part), events=("start", "end"), resolve_entities=False, no_network=True,
        huge_tree=False,
    )  # fmt: skip
    row = column = elements = 0
    for event, element in parsed:
        kind = str(element.tag).rpartition("}")[2]
        if event == "start":
            elements += 1
            if elements > MOST_ELEMENTS:
                raise ValueError("too many elements")
            if kind == "row":
                row, column = int(element.get("r") or row + 1), 0
            continue
        if kind == "c":
            row, column = _position(element.get("r"), row, column + 1)
            if len(element) and (row > LAST_ROW or column > MOST_COLUMNS):
                raise ValueError("a value lies too far out")
        element.clear()


def _position(reference: str | None, row: int, column: int) -> tuple[int, int]:
    """Row and column of a cell, from A1 notation where it is given."""
    if reference is None:
        return row, column
    found = _REFERENCE.fullmatch(reference)
    if found is None:
        raise ValueError("not a cell")
    letters = 0
    for letter in found[1]:
        letters = letters * 26 + ord(letter) - ord("A") + 1
    return int(found[2]), letters
