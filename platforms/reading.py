"""Strict readers that every adapter shares: text, rows, sheets, JSON, amounts, times.

They read exactly what a format declares and refuse the rest with a `ReadError`
that names the row. Nothing is guessed, rounded or defaulted, and nothing but
JSON (which is capped) is held in memory whole.
"""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from io import SEEK_END
from typing import BinaryIO, Final, NoReturn

from platforms.contract import ReadError
from platforms.sheets import Workbook, xlsx_rows
from platforms.values import (
    FRACTION,
    MAX_NUMBER,
    WHOLE,
    Amounts,
    LocalTimes,
    amount,
    count,
    currency,
    day,
    local_time,
    offset_time,
    shown,
)

__all__ = [
    "Amounts",
    "LocalTimes",
    "Workbook",
    "amount",
    "columns",
    "count",
    "csv_rows",
    "currency",
    "day",
    "decode",
    "first_line",
    "json_document",
    "json_rows",
    "json_value",
    "line_blocks",
    "local_time",
    "located",
    "offset_time",
    "require_line_end",
    "shown",
    "xlsx_rows",
]

BLOCK: Final = 256 * 1024
MAX_LINE: Final = 1024 * 1024
MAX_JSON: Final = 64 * 1024 * 1024
MAX_DEPTH: Final = 64

_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


# --- text -------------------------------------------------------------------


def decode(data: bytes, *, encoding: str = "utf-8") -> str:
    """Decode: the BOM decides, else strict UTF-8, else the declared encoding.

    Money files are never sniffed: GBK bytes decode as Latin-1 without an error
    and give wrong text. Raises ReadError with the line of the bad byte.
    """
    for bom, name in _BOMS:
        if data.startswith(bom):
            return _decoded(data[len(bom) :], name)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _decoded(data, encoding)


def first_line(head: bytes, *, encoding: str = "utf-8") -> str:
    """The first line of a document's head, "" if it is not such text: for recognising."""
    try:
        return decode(head.partition(b"\n")[0], encoding=encoding).removesuffix("\r")
    except ReadError:
        return ""


def located(error: ReadError, row: int) -> ReadError:
    """The same error with the row it happened in."""
    return ReadError(error.reason, row=row)


def line_blocks(stream: BinaryIO, *, encoding: str = "utf-8") -> Iterator[list[str]]:
    """Yield the lines of a stream, without their ends, a block at a time.

    Lines end with LF or CRLF only; other separators Unicode knows are text.
    Blocks instead of lines spare the hot loops one generator step a row.
    Raises ReadError for bytes outside the encoding, NULs and endless lines.
    """
    decoder = codecs.getincrementaldecoder(_encoding_of(stream, encoding))("strict")
    rest, row = "", 0
    while True:
        block = stream.read(BLOCK)
        try:
            text = rest + decoder.decode(block, not block)
        except UnicodeDecodeError as error:
            _refuse_bytes(block, error, row)
        if "\0" in text:
            row += text.count("\n", 0, text.index("\0"))
            raise ReadError("the file is binary, not text", row=row + 1)
        if "\r" in text:
            text = text.replace("\r\n", "\n")
        lines = text.split("\n")
        rest = lines.pop()
        row += len(lines)
        if len(rest) > MAX_LINE:
            raise ReadError("the line is too long", row=row + 1)
        if lines:
            yield lines
        if not block:
            break
    if rest:
        yield [rest.removesuffix("\r")]


def csv_rows(
    stream: BinaryIO, *, encoding: str = "utf-8", delimiter: str = ","
) -> Iterator[tuple[int, list[str]]]:
    """Yield (row, fields) of a quoted CSV; blank rows are counted, not yielded.

    Rows are numbered from 1 as a spreadsheet shows them. Raises ReadError for
    bad quoting, also for a quote that the end of the file leaves open.
    """
    lines = (line + "\n" for block in line_blocks(stream, encoding=encoding) for line in block)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    row = 0
    try:
        for row, fields in enumerate(reader, start=1):
            if fields:
                yield row, fields
    except csv.Error as error:
        raise ReadError(f"not a CSV row: {error}", row=row + 1) from error


def require_line_end(stream: BinaryIO) -> None:
    """Refuse a file that does not end with a line end.

    Without it a file that was cut inside its last field reads as a whole one
    with another figure in it (`1153.50` as `115`).
    """
    size = stream.seek(0, SEEK_END)
    stream.seek(max(size - 1, 0))
    if stream.read(1) != b"\n":
        raise ReadError("the file does not end with a line end: it was cut")
    stream.seek(0)


def columns(header: Sequence[str], required: Iterable[str], *, row: int = 1) -> dict[str, int]:
    """Bind column names to positions. Raises ReadError for a missing or double name."""
    index = {name: position for position, name in enumerate(header)}
    if len(index) != len(header):
        double = next(name for name in header if header.count(name) > 1)
        raise ReadError(f"the header names {shown(double)} twice", row=row)
    missing = [name for name in required if name not in index]
    if missing:
        raise ReadError(f"the header lacks {', '.join(missing)}", row=row)
    return index


def _encoding_of(stream: BinaryIO, declared: str) -> str:
    """Leave the stream after its BOM, if any, and name the encoding to read with."""
    head = stream.read(3)
    for bom, name in _BOMS:
        if head.startswith(bom):
            stream.seek(len(bom))
            return name
    stream.seek(0)
    if codecs.lookup(declared).name == "utf-8" or not _is_utf8(stream):
        return declared
    return "utf-8"


def _is_utf8(stream: BinaryIO) -> bool:
    """Whether the whole stream is UTF-8: one pass without keeping anything."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        while block := stream.read(BLOCK):
            decoder.decode(block)
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    finally:
        stream.seek(0)
    return True


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        _refuse_bytes(data, error, 0)


def _refuse_bytes(block: bytes, error: UnicodeDecodeError, row: int) -> NoReturn:
    row += block.count(b"\n", 0, max(error.start, 0)) + 1
    raise ReadError(f"not {error.encoding} text: {error.reason}", row=row) from error


# --- JSON -------------------------------------------------------------------


def json_value(data: bytes) -> object:
    """Read one JSON document; fractions become exact Decimals.

    Refuses double keys, NaN and Infinity, numbers longer than 40 characters
    (`1e1000000` would cost half a minute), nesting beyond 64 and anything but
    UTF-8. Raises ReadError with the line.
    """
    if len(data) > MAX_JSON:
        raise ReadError("the JSON document is too large")
    text = decode(data)
    _limit_depth(text)
    try:
        return json.loads(
            text,
            parse_float=_json_fraction,
            parse_int=_json_whole,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object_once,
        )
    except json.JSONDecodeError as error:
        raise ReadError(f"not JSON: {error.msg}", row=error.lineno) from error


def json_document(stream: BinaryIO) -> Mapping[str, object]:
    """Read a stream that holds one JSON object of at most 64 MiB. Raises ReadError."""
    value = json_value(stream.read(MAX_JSON + 1))
    if not isinstance(value, dict):
        raise ReadError("the JSON document is not an object", row=1)
    return value


def json_rows(
    document: Mapping[str, object], key: str
) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Yield (ordinal from 1, object) of the list under `key`. Raises ReadError."""
    rows = document.get(key)
    if not isinstance(rows, list):
        raise ReadError(f"{key} is not a list", row=1)
    for row, item in enumerate(rows, start=1):
        if not isinstance(item, dict):
            raise ReadError(f"{key}[{row - 1}] is not an object", row=row)
        yield row, item


_BRACKETS: Final = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[{]|[\]}]', re.DOTALL)


def _limit_depth(text: str) -> None:
    depth = 0
    for match in _BRACKETS.finditer(text):
        if (mark := match.group()) in "[{":
            depth += 1
        elif mark in "]}":
            depth -= 1
        if depth > MAX_DEPTH:
            raise ReadError("the JSON document is nested too deeply")


_JSON_FRACTION: Final = re.compile(rf"-?{WHOLE}\.{FRACTION}", re.ASCII)


def _json_fraction(text: str) -> Decimal:
    if len(text) > MAX_NUMBER or not _JSON_FRACTION.fullmatch(text):
        raise ReadError(f"not an amount: {shown(text)}")
    return Decimal(text)


def _json_whole(text: str) -> int:
    if len(text) > MAX_NUMBER:
        raise ReadError(f"not an amount: {shown(text)}")
    return int(text)


def _refuse_constant(text: str) -> NoReturn:
    raise ReadError(f"not an amount: {shown(text)}")


def _object_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        double = next(name for name in names if names.count(name) > 1)
        raise ReadError(f"the JSON document names {shown(double)} twice")
    return found
