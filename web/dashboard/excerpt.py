"""The rows around one row of an original file, for people's eyes. Pure: a stream in, text out.

Nothing is understood here: bytes are decoded with what cannot be decoded
replaced, and everything is bounded, so that a file of any size or form can be
looked at. Readers of money are strict and live in platforms/.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO, Final

HEAD: Final = 64 * 1024
LONGEST: Final = 2_000
"""Characters shown of one row."""
LONGEST_LINE: Final = 1024 * 1024
LARGEST_JSON: Final = 64 * 1024 * 1024
BEFORE: Final = 3
AFTER: Final = 3
AFTER_XML: Final = 32
"""An entry of an XML statement spreads over many lines."""
PREVIEW_ROWS: Final = 12
PREVIEW_COLUMNS: Final = 30

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED: Final = re.compile(rb"""<\?xml[^>]{0,80}encoding=["']([A-Za-z0-9._-]{1,40})["']""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row as it stands in the file; `cut` when there is more of it than is shown."""

    number: int
    text: str
    asked: bool = False
    cut: bool = False


def rows_around(stream: BinaryIO, row: int, *, needle: str = "") -> list[Row]:
    """The row asked for among its neighbours; empty if the file has no such row.

    Rows count as the readers count them: records of a quoted CSV, physical
    lines of other text, items of a JSON list. Of a very long row the part
    around `needle` is shown.
    """
    head = _head(stream)
    form = _form(head)
    if form == "json":
        numbered: Iterator[tuple[int, str]] = enumerate(_json_items(stream, head), start=1)
    else:
        lines = _lines(stream, encoding_of(head))
        numbered = enumerate(_records(lines) if form == "csv" else lines, start=1)
    after = AFTER_XML if form == "xml" else AFTER
    around = islice(numbered, max(0, row - 1 - BEFORE), row + after)
    found = [_shown(number, text, row, needle) for number, text in around]
    return found if any(each.asked for each in found) else []


def first_rows(stream: BinaryIO) -> tuple[list[list[str]], bool]:
    """The first rows as cells, and whether they are cells at all (else one text a row)."""
    head = _head(stream)
    lines = [
        text.rstrip("\r\n") for text in islice(_lines(stream, encoding_of(head)), PREVIEW_ROWS)
    ]
    if _form(head) not in ("csv", "bill"):
        return [[_cut(line, LONGEST)] for line in lines], False
    cells = csv.reader(lines)
    return [[_cut(cell.lstrip("`"), 60) for cell in row[:PREVIEW_COLUMNS]] for row in cells], True


def encoding_of(head: bytes) -> str:
    """An encoding to show the file in: BOM, XML declaration, UTF-8 if it fits, else GB18030."""
    for bom, name in _BOMS:
        if head.startswith(bom):
            return name
    declared = _DECLARED.match(head.lstrip())
    if declared:
        try:
            return codecs.lookup(declared[1].decode("ascii")).name
        except LookupError:
            return "utf-8"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=False)
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8"


def _head(stream: BinaryIO) -> bytes:
    head = stream.read(HEAD)
    stream.seek(0)
    return head


def _form(head: bytes) -> str:
    """csv, bill (rows marked by a back-tick, never quoted), xml, json or text."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"<"):
        return "xml"
    if start.startswith((b"{", b"[")):
        # A SWIFT message in braces is text as well.
        return "json" if start[1:].lstrip()[:1] in (b'"', b"{", b"[", b"}", b"]") else "text"
    if b"\n`" in head:
        return "bill"
    first = start.partition(b"\n")[0]
    return "csv" if first.count(b",") > 1 else "text"


def _lines(stream: BinaryIO, encoding: str) -> Iterator[str]:
    text = io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline="")
    while line := text.readline(LONGEST_LINE):
        # Only "\n" ends a line, as for the readers.
        while not line.endswith("\n") and len(line) < LONGEST_LINE:
            more = text.readline(LONGEST_LINE - len(line))
            if not more:
                break
            line += more
        yield line


def _records(lines: Iterable[str]) -> Iterator[str]:
    """Physical lines put together to records: an odd number of quotes leaves a field open."""
    record = ""
    for line in lines:
        record += line
        if record.count('"') % 2 == 0 or len(record) > LONGEST_LINE:
            yield record
            record = ""
    if record:
        yield record


def _json_items(stream: BinaryIO, head: bytes) -> Iterator[str]:
    """The items of the document's list, as they are written."""
    text = stream.read(LARGEST_JSON).decode(encoding_of(head), errors="replace")
    decoder = json.JSONDecoder()
    space = re.compile(r"[\s,]*")
    at = text.find("[") + 1
    while at:
        match = space.match(text, at)
        at = match.end() if match else at
        try:
            _item, end = decoder.raw_decode(text, at)
        except ValueError:
            return
        yield text[at:end]
        at = end


def _shown(number: int, text: str, asked: int, needle: str) -> Row:
    text = text.rstrip("\r\n")
    start = 0
    if len(text) > LONGEST and number == asked and needle:
        start = max(0, text.find(needle) - LONGEST // 2)
    return Row(
        number=number,
        text=text[start : start + LONGEST],
        asked=number == asked,
        cut=len(text) > LONGEST,
    )


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
