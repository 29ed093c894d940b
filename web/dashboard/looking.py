"""Looks into the originals of documents, for people's eyes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO, Final

from platforms.contract import Document
from settlement.models import SourceDocument
from settlement.money_in import inspection, originals
from web.dashboard import excerpt

LARGEST_SUMMARY: Final = 8 * 1024 * 1024
"""A larger file is not read through while a person waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A file's first rows; `cells` says whether they are columns or plain text."""

    rows: list[list[str]]
    cells: bool


def preview_of(document: SourceDocument) -> Preview | None:
    """The first rows of the original, or None where the bytes are not at hand."""
    try:
        with _opened(document) as stream:
            rows, cells = excerpt.first_rows(stream)
    except FileNotFoundError:
        return None
    return Preview(rows=rows, cells=cells)


def excerpt_of(document: SourceDocument, row: int, *, needle: str) -> list[excerpt.Row]:
    """A row of the original among its neighbours; empty where there is none."""
    try:
        with _opened(document) as stream:
            return excerpt.rows_around(stream, row, needle=needle)
    except FileNotFoundError:
        return []


def summaries_of(document: SourceDocument) -> list[inspection.Summary] | None:
    """What the file says, statement by statement; None where it is too large to wait for."""
    if document.size > LARGEST_SUMMARY:
        return None
    with _opened(document) as stream:
        head = stream.read(inspection.HEAD)
    return inspection.inspect(
        Document(name=document.name, head=head, open=lambda: _opened(document))
    )


def _opened(document: SourceDocument) -> BinaryIO:
    return originals.open_original(merchant_id=document.merchant_id, sha256=document.sha256)
