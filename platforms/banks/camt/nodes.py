"""Reading single XML nodes by local name, whatever the namespace and prefix."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Final, cast

from lxml.etree import _Element as Node

from platforms.contract import ReadError
from platforms.reading import amount, day, shown

_DATE: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:T\d\d:\d\d:\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?", re.ASCII
)


def local(node: Node) -> str:
    """The node's name without its namespace."""
    return str(node.tag).rpartition("}")[2]


def child(node: Node, *path: str) -> Node | None:
    """The first node down a path of local names, if there is one."""
    for name in path:
        found = next(node.iterchildren("{*}" + name), None)
        if found is None:
            return None
        node = found
    return node


def children(node: Node, name: str) -> list[Node]:
    """All child nodes of a local name."""
    return list(node.iterchildren("{*}" + name))


def text(node: Node, *path: str) -> str:
    """The text down a path, stripped; "" if the path ends early."""
    found = child(node, *path)
    return (found.text or "").strip() if found is not None else ""


def money(node: Node) -> Decimal:
    """An amount as ISO 20022 writes it: an xs:decimal that is never negative.

    xs:decimal may leave out the digits before or after the point: `.5` stands in
    real statements of the Bank of Lithuania. Raises ReadError with the line.
    """
    written = (node.text or "").strip()
    whole = f"0{written}" if written.startswith(".") else written.removesuffix(".")
    value = amount(whole, row=line_of(node))
    if value.is_signed():
        raise ReadError(f"a negative amount: {shown(written)}", row=line_of(node))
    return value


def sign_of(node: Node, *, default: str = "") -> bool:
    """Whether CdtDbtInd says credit. Raises ReadError if it says neither."""
    word = text(node, "CdtDbtInd") or default
    if word not in ("CRDT", "DBIT"):
        raise ReadError(f"CdtDbtInd is {shown(word)}", row=line_of(node))
    return word == "CRDT"


def day_of(node: Node, *path: str) -> date | None:
    """The calendar day of a Dt or DtTm below the path, as the bank writes it."""
    for name in ("Dt", "DtTm"):
        if written := text(node, *path, name):
            return as_day(written, line_of(node))
    return None


def as_day(written: str, row: int) -> date:
    """The day of an xs:date or xs:dateTime, in the bank's own zone. Raises ReadError."""
    match = _DATE.fullmatch(written)
    if not match:
        raise ReadError(f"not a day: {shown(written)}", row=row)
    return day(match.group(1), row=row)


def line_of(node: Node) -> int:
    """The line of the source on which the node begins."""
    # The stubs type `sourceline` as an ellipsis.
    return int(cast("int | None", node.sourceline) or 1)
