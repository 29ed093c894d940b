"""Reads .xlsx workbooks as a stream of texts, strictly; adapters take it from `platforms.reading`.

A sheet is read cell by cell from its XML, never through a float, within the limits
of `platforms.archives`. What a cell gives:

* text: itself, and the text a formula has made (`="0012"` keeps an id whole);
* a number: its digits as they are written, if they are 15 at most. A spreadsheet keeps
  binary numbers and writes 36.8 as 36.799999999999997, or 32.01 that it has summed as
  32.01000000000001: of more digits the 15 are taken that it shows in the cell. What is
  no sum of cents then still has too many decimals, and `amount` refuses it. From 10^15
  on a program has rounded what was typed, so such a number is refused;
* a number shown as a date: `2026-05-01`, or `2026-05-01 08:00:00` with its time;
* a computed number, an error and an entity are refused.

Source: ECMA-376 part 1, §18.2 (workbook), §18.3 (cells), §18.4 (shared strings), §18.8 (styles).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Context, Decimal
from typing import BinaryIO, Final

from lxml import etree

from platforms.archives import Archive
from platforms.contract import ReadError
from platforms.values import shown

MAX_COLUMNS: Final = 1_000
MAX_ROWS: Final = 1_048_576
MAX_STRINGS: Final = 2_000_000
MAX_TEXT: Final = 64 * 1024 * 1024
"""Characters of all shared strings together: they are the only part held whole."""
MAX_GAP: Final = 4 * 1024 * 1024
"""Bytes of XML from one row or shared string to the next: what is held at a time."""

_WORKBOOK: Final = "xl/workbook.xml"
_RELATIONS: Final = "xl/_rels/workbook.xml.rels"
_STRINGS: Final = "xl/sharedStrings.xml"
_STYLES: Final = "xl/styles.xml"
_PROLOG: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:<\?xml[ \t\r\n][^>]*?\?>)?[ \t\r\n]*<[A-Za-z]", re.DOTALL
)
_ENCODING: Final = re.compile(rb"""encoding[ \t\r\n]*=[ \t\r\n]*["']([^"']*)["']""")


class Workbook:
    """One workbook. Raises ReadError for what is none, is damaged or is too large."""

    def __init__(self, stream: BinaryIO) -> None:
        self._archive = Archive(stream)
        self._parts = self._sheets()
        # Read as far as a cell asks: a header needs the first few of a million.
        self._strings: list[str] = []
        self._more_strings = self._shared_strings()
        self._dates: list[str] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the sheets, in their order."""
        return tuple(self._parts)

    def rows(self, name: str) -> Iterator[tuple[int, list[str]]]:
        """Yield (row as the spreadsheet counts it, texts); blank rows are not yielded.

        A row ends with its last cell that holds something. Raises ReadError.
        """
        if name not in self._parts:
            raise ReadError(f"the workbook has no sheet {shown(name)}")
        place = self._archive.place(self._parts[name])
        if place is None:
            raise ReadError(f"the workbook lacks the part of its sheet {shown(name)}")
        last = 0
        for element in self._elements(place, "row"):
            last = _row_number(element, last)
            if values := self._values(element, last):
                yield last, values
        # To their end, where the archive proves that no byte of them was changed.
        self._strings.extend(self._more_strings)

    # --- the workbook's parts -------------------------------------------------

    def _sheets(self) -> dict[str, str]:
        """Each worksheet's part in the archive, by its name."""
        targets = {}
        for element in self._elements(self._required(_RELATIONS), "Relationship"):
            if str(element.get("Type")).endswith("/worksheet"):
                targets[element.get("Id")] = str(element.get("Target"))
        sheets: dict[str, str] = {}
        for element in self._elements(self._required(_WORKBOOK), "workbookPr", "sheet"):
            if _name(element) == "workbookPr" and element.get("date1904") in ("1", "true"):
                raise ReadError("the workbook counts its days from 1904: save it anew as .xlsx")
            target = targets.get(_relation(element)) if _name(element) == "sheet" else None
            if target is None:
                continue
            if (name := str(element.get("name"))) in sheets:
                raise ReadError(f"the workbook has two sheets {shown(name)}")
            sheets[name] = target[1:] if target.startswith("/") else f"xl/{target}"
        return sheets

    def _required(self, part: str) -> int:
        place = self._archive.place(part)
        if place is None:
            raise ReadError("the ZIP is no workbook (.xlsx)")
        return place

    def _elements(self, place: int, *names: str) -> Iterator[etree._Element]:
        """Yield each element of these local names at its end, then free it and all before it."""
        _check_prolog(self._archive.head(place, 1024))
        try:
            with self._archive.open(place) as stream:
                measured = _Measured(stream)
                parsed = etree.iterparse(
                    measured, events=("end",), tag=[f"{{*}}{name}" for name in names],
                    resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
                )  # fmt: skip
                for _event, element in parsed:
                    measured.since = 0
                    yield element
                    element.clear()
                    while element.getprevious() is not None:
                        del element.getparent()[0]
        except etree.LxmlError as error:
            raise ReadError(f"the workbook is damaged: {error}") from error

    # --- cells ------------------------------------------------------------------

    def _values(self, row: etree._Element, number: int) -> list[str]:
        """The texts of a row up to its last that is not blank."""
        values: list[str] = []
        column = 0
        for cell in row:
            if _name(cell) != "c":
                continue
            column = _column(cell, number, column)
            if text := self._text(cell, number):
                values += [""] * (column - len(values) - 1)
                values.append(text)
        return values

    def _text(self, cell: etree._Element, row: int) -> str:
        """What the cell says as a text, "" for nothing."""
        kind = cell.get("t", "n")
        if kind == "inlineStr":
            return _plain(cell)
        value = _child(cell, "v")
        if value is None or value == "":
            if _child(cell, "f") is not None:
                raise ReadError("a formula without its value", row=row)
            return ""
        if kind == "s":
            return self._shared(value, row)
        if kind == "str":
            return value
        if kind == "b":
            return "TRUE" if value == "1" else "FALSE"
        if kind not in ("n", "d"):
            raise ReadError(f"a cell in error: {shown(value)}", row=row)
        if _child(cell, "f") is not None:
            raise ReadError("a computed number: give the file as it was downloaded", row=row)
        return value if kind == "d" else self._number(cell, value, row)

    def _number(self, cell: etree._Element, value: str, row: int) -> str:
        if self._dates is None:
            self._dates = self._date_styles()
        style = cell.get("s", "0")
        place = int(style) if re.fullmatch("[0-9]{1,6}", style, re.ASCII) else 0
        shape = self._dates[place] if place < len(self._dates) else ""
        return date_text(value, shape, row=row) if shape else number(value, row=row)

    def _shared(self, value: str, row: int) -> str:
        place = int(value) if re.fullmatch("[0-9]{1,7}", value, re.ASCII) else MAX_STRINGS
        while len(self._strings) <= place:
            text = next(self._more_strings, None)
            if text is None:
                raise ReadError("a text the workbook does not hold", row=row)
            self._strings.append(text)
        return self._strings[place]

    def _shared_strings(self) -> Iterator[str]:
        place = self._archive.place(_STRINGS)
        if place is None:
            return
        characters = count = 0
        for element in self._elements(place, "si"):
            text = _plain(element)
            characters, count = characters + len(text), count + 1
            if characters > MAX_TEXT or count > MAX_STRINGS:
                raise ReadError("the workbook holds too much text")
            yield text

    def _date_styles(self) -> list[str]:
        """For each cell format, how a number is shown: as a `day`, a `time`, or "" as a number."""
        place = self._archive.place(_STYLES)
        codes: dict[str, str] = {}
        shapes: list[str] = []
        if place is None:
            return shapes
        for element in self._elements(place, "numFmt", "cellXfs"):
            if _name(element) == "numFmt":
                codes[str(element.get("numFmtId"))] = str(element.get("formatCode"))
            else:
                found = (child.get("numFmtId", "0") for child in element if _name(child) == "xf")
                shapes = [_BUILT_IN.get(name) or _shape(codes.get(name, "")) for name in found]
        return shapes


def xlsx_rows(stream: BinaryIO, *, sheet: str = "") -> Iterator[tuple[int, list[str]]]:
    """Yield (row, texts) of the sheet of that name, or of the only one. Raises ReadError."""
    book = Workbook(stream)
    if not sheet and len(book.names) != 1:
        raise ReadError(f"the workbook has {len(book.names)} sheets: {', '.join(book.names)}")
    yield from book.rows(sheet or book.names[0])


# --- numbers and dates ----------------------------------------------------------

_DIGITS: Final = 15
# The hot path: at most 15 digits, whatever they are.
_PLAIN: Final = re.compile(r"-?(?=[0-9.]{1,16}\Z)[0-9]{1,14}(?:\.[0-9]{1,13})?", re.ASCII)
_TOO_LONG: Final = Decimal(10) ** _DIGITS
_SHOWN: Final = Context(prec=_DIGITS)
_NUMBER: Final = re.compile(
    r"-?(?:[0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})([eE][+-]?[0-9]{1,2})?", re.ASCII
)


def number(text: str, *, row: int | None = None) -> str:
    """A number of a cell as plain decimal text; see the module. Raises ReadError."""
    if _PLAIN.fullmatch(text):
        return text
    value = _decimal(text, row)
    if abs(value) >= _TOO_LONG:
        raise ReadError(
            f"{shown(text)} is a number of more than 15 digits, which a spreadsheet program "
            "rounds: give the file as it was downloaded",
            row=row,
        )
    if len(value.normalize().as_tuple().digits) > _DIGITS:
        value = _SHOWN.plus(value).normalize()
    return f"{value:f}"


def _decimal(text: str, row: int | None) -> Decimal:
    match = _NUMBER.fullmatch(text.strip())
    if not match:
        raise ReadError(f"not a number: {shown(text)}", row=row)
    return Decimal(match.group())


_EPOCH: Final = datetime(1899, 12, 30)  # noqa: DTZ001  a wall clock: the cell has no zone
_FIRST_SOUND: Final = 61
"""Excel counts a 29 February 1900 that never was: days before it are one off."""
_LAST_SOUND: Final = 2_958_465
_SECONDS: Final = 86_400


def date_text(serial: str, shape: str, *, row: int | None = None) -> str:
    """Excel's count of days as `2026-05-01`, or with its time to the second.

    Raises ReadError for a day it cannot mean.
    """
    value = _decimal(serial, row)
    if not _FIRST_SOUND <= value < _LAST_SOUND:
        raise ReadError(f"not a day: {shown(serial)}", row=row)
    seconds = int((value * _SECONDS).to_integral_value())
    at = _EPOCH + timedelta(seconds=seconds)
    if shape == "day" and seconds % _SECONDS == 0:
        return at.strftime("%Y-%m-%d")
    return at.strftime("%Y-%m-%d %H:%M:%S")


# Number formats that need no code: §18.8.30, dates also of the Chinese locale (27 to 58).
_BUILT_IN: Final[Mapping[str, str]] = {
    **{str(number): "day" for number in (14, 15, 16, 17, *range(27, 32), 36, *range(50, 55))},
    **{str(number): "day" for number in (57, 58)},
    "22": "time",
}
_UNSPOKEN: Final = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')


def _shape(code: str) -> str:
    """Whether a format shows a day, with or without its time; quoted parts say nothing."""
    letters = _UNSPOKEN.sub("", code).lower()
    if "y" not in letters or "d" not in letters:
        return ""
    return "time" if "h" in letters else "day"


# --- XML ------------------------------------------------------------------------


def _check_prolog(head: bytes) -> None:
    """Refuse a DOCTYPE and other encodings before the parser sees them: a workbook needs neither.

    lxml fetched external entities up to 6.1.2 even with entities switched off.
    """
    match = _PROLOG.match(head)
    if not match:
        raise ReadError("a part of the workbook is no plain XML")
    named = _ENCODING.search(match.group())
    if named and named.group(1).lower() not in (b"utf-8", b"us-ascii"):
        raise ReadError("a part of the workbook is not in UTF-8")


class _Measured:
    """A part of the archive as the parser reads it; `since` is set back at every element."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.since = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes. Raises ReadError where too many come without an element."""
        block = self._stream.read(size)
        self.since += len(block)
        if self.since > MAX_GAP:
            raise ReadError("a row of the workbook is too large")
        return block


def _name(element: etree._Element) -> str:
    """The local name: transitional and strict workbooks have other namespaces."""
    return str(element.tag).rpartition("}")[2]


def _relation(element: etree._Element) -> str:
    found = [value for name, value in element.attrib.items() if str(name).endswith("}id")]
    return str(found[0]) if found else ""


def _child(element: etree._Element, name: str) -> str | None:
    """The text of the child of this name, None if there is none."""
    for child in element:
        if _name(child) == name:
            return child.text or ""
    return None


def _plain(element: etree._Element) -> str:
    """All its texts in order, those of the pronunciation (rPh) left out."""
    parts = []
    for part in element.iter():
        if isinstance(part, etree._Entity):
            raise ReadError("a text of the workbook holds an entity")
        parent = part.getparent()
        if _name(part) == "t" and (parent is None or _name(parent) != "rPh"):
            parts.append(part.text or "")
    return "".join(parts)


def _row_number(row: etree._Element | None, last: int) -> int:
    """The number of a row: stated, or the one after the last. Raises ReadError."""
    stated = None if row is None else row.get("r")
    if stated is None:
        return last + 1
    if not re.fullmatch("[0-9]{1,7}", stated, re.ASCII) or not last < int(stated) <= MAX_ROWS:
        raise ReadError(f"the rows of the sheet are not in order: {shown(stated)}", row=last + 1)
    return int(stated)


def _column(cell: etree._Element, row: int, last: int) -> int:
    """The number of a cell's column: stated, or the one after the last. Raises ReadError."""
    stated, column = cell.get("r"), last + 1
    if stated is not None:
        letters = stated.rstrip("0123456789")
        if stated[len(letters) :] != str(row):
            raise ReadError(f"a cell out of its row: {shown(stated)}", row=row)
        column = _column_number(letters)
    if column <= last or column > MAX_COLUMNS:
        raise ReadError("the cells of the row are not in order, or too many", row=row)
    return column


@functools.lru_cache(maxsize=2 * MAX_COLUMNS)
def _column_number(letters: str) -> int:
    """`A` is 1, `AA` 27; 0 for what is no column."""
    if not re.fullmatch("[A-Z]{1,3}", letters, re.ASCII):
        return 0
    return functools.reduce(lambda found, letter: found * 26 + ord(letter) - 64, letters, 0)
