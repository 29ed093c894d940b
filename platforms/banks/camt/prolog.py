"""What stands before the root element, checked before an XML parser sees a byte.

A DOCTYPE is refused whatever it declares: entities (billion laughs), external
files and parameter entities all need one, and no camt message has one. lxml
fetched external parameter entities up to 6.1.2 even with entities switched off
(reliability.md §4), so the parser's own settings are only the second wall.
"""

from __future__ import annotations

import codecs
import re
from typing import BinaryIO, Final

from platforms.contract import ReadError

MAX_PROLOG: Final = 64 * 1024

# Encodings whose bytes below 128 are ASCII, so that this scan sees what the
# parser will see. UTF-7 and EBCDIC would hide a DOCTYPE from it.
_ENCODINGS: Final = frozenset(
    {"utf-8", "us-ascii", "ascii", "iso-8859-1", "iso-8859-15", "windows-1252", "gb18030", "gbk"}
)
_SPACE: Final = re.compile(rb"[ \t\r\n]+")
_DECLARATION: Final = re.compile(rb"<\?xml[ \t\r\n][^>]*?\?>")
_ENCODING: Final = re.compile(rb"""encoding[ \t\r\n]*=[ \t\r\n]*["']([A-Za-z0-9._-]+)["']""")
_SKIPPED: Final = re.compile(rb"<!--.*?-->|<\?.*?\?>", re.DOTALL)
_ROOT: Final = re.compile(rb"<[A-Za-z_]")


def check(stream: BinaryIO) -> None:
    """Raise ReadError unless only a declaration, comments and space precede the root.

    Leaves the stream at its beginning.
    """
    head = stream.read(MAX_PROLOG).removeprefix(codecs.BOM_UTF8)
    stream.seek(0)
    position = _past_declaration(head)
    while match := _SPACE.match(head, position) or _SKIPPED.match(head, position):
        position = match.end()
    if _ROOT.match(head, position):
        return
    row = head.count(b"\n", 0, position) + 1
    if head[position : position + 9].upper() == b"<!DOCTYPE":
        raise ReadError("a DOCTYPE is refused", row=row)
    raise ReadError("this is not an XML document", row=row)


def _past_declaration(head: bytes) -> int:
    match = _DECLARATION.match(head)
    if not match:
        return 0
    named = _ENCODING.search(match.group())
    if named and named.group(1).decode("ascii").lower() not in _ENCODINGS:
        raise ReadError(f"the encoding {named.group(1).decode('ascii')} is not accepted", row=1)
    return match.end()
