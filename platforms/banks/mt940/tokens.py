"""Cuts a file into tagged fields: bank preambles, SWIFT envelopes, wrapped lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from platforms.contract import Document, ReadError
from platforms.reading import BLOCK, line_blocks, shown

# Where several lines make one field. :28C: is broken in two in real files ("0000\n0").
_MANY_LINES: Final = frozenset({"25P", "28", "28C", "61", "86", "NS"})
# Texts may hold a line that only looks like a field (a time, ":12:11").
_TEXTS: Final = frozenset({"86", "NS"})
_TAGS: Final = frozenset(
    {"20", "21", "25", "28C", "28", "25P", "34F", "13", "13D", "60F", "60M", "61", "86", "NS"}
    | {"62F", "62M", "64", "65", "90C", "90D", "940", "942"}
)
_TAG: Final = re.compile(r":(NS|[0-9]{2}[A-Z]?|94[02]):(.*)", re.DOTALL)
_END: Final = re.compile(r"-(?:\}.*|X*)")
_ENVELOPE: Final = re.compile(r"\{[1-5]:")
# Start and end of text, and DOS's end of file, which some banks leave in.
_CONTROLS: Final = dict.fromkeys(map(ord, "\x01\x02\x03\x1a"))

# The bytes that Windows-1252 leaves undefined: a file with one is Latin-1.
_NOT_WINDOWS: Final = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
# Banks of this country write the DOS code page; the account says which country it is.
_DOS: Final = ((re.compile(rb"(?:\A|[\r\n])\s*:25P?:/?PL[0-9]{2}"), "cp852"),)


@dataclass(slots=True)
class Field:
    """One tagged field; `lines` without the tag, none of them empty but the first."""

    row: int
    tag: str
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The field as one value, stripped."""
        return "".join(self.lines).strip()


END: Final = "-"
"""The tag of the line that ends a message."""


def fields(document: Document) -> Iterator[Field]:
    """Yield the fields in file order, and an END field after a message's last.

    Text before a message (its head) is skipped; a file that ends in such a head
    was cut. Raises ReadError.
    """
    cutter = _Cutter()
    encoding, row = _encoding(document), 0
    with document.open() as stream:
        for block in line_blocks(stream, encoding=encoding):
            for line in block:
                row += 1
                yield from cutter.take(row, line.translate(_CONTROLS).rstrip())
    yield from cutter.rest()


class _Cutter:
    def __init__(self) -> None:
        self._open: Field | None = None
        self._head = 0
        self._ended = False

    def take(self, row: int, line: str) -> Iterator[Field]:
        """Take one line; yields the field that it closes."""
        if not line:
            return
        if self._is_tag(line):
            match = _TAG.fullmatch(line.lstrip())
            if match is None or match[1] not in _TAGS:
                raise ReadError(f"this tag is not of the message: {shown(line)}", row=row)
            yield from self._flush()
            self._open, self._head, self._ended = Field(row, match[1], [match[2]]), 0, False
        elif _END.fullmatch(line) or _ENVELOPE.match(line):
            yield from self._flush()
            if not self._ended and not self._head:
                yield Field(row, END)
            self._ended = True
            self._head = row if line.startswith("{1:") else 0
        elif self._open is None:
            self._head = row
        elif self._open.tag in _MANY_LINES:
            self._open.lines.append(line)
        else:
            raise ReadError(f"this does not belong to :{self._open.tag}: {shown(line)}", row=row)

    def rest(self) -> Iterator[Field]:
        """Yield the last field. Raises ReadError if a message was to follow."""
        if self._head:
            raise ReadError("the file ends in the head of a message: it was cut", row=self._head)
        yield from self._flush()

    def _is_tag(self, line: str) -> bool:
        match = _TAG.fullmatch(line.lstrip() if self._open is None else line)
        if match is None or match[1] in _TAGS:
            return match is not None
        return self._open is None or self._open.tag not in _TEXTS

    def _flush(self) -> Iterator[Field]:
        if self._open is not None:
            yield self._open
        self._open = None


def _encoding(document: Document) -> str:
    """What the bytes are unless they are UTF-8: declared by country, never by likeness."""
    for form, name in _DOS:
        if form.search(document.head):
            return name
    with document.open() as stream:
        while block := stream.read(BLOCK):
            if _NOT_WINDOWS.search(block):
                return "latin-1"
    return "cp1252"
