"""Looks into the originals of documents, for people's eyes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import BinaryIO, Final

from djmoney.money import Money

from accounts.models import BankAccount
from accounts.queries import number_of
from platforms import archives
from platforms.contract import Document, ReadError
from settlement.models import SourceDocument
from settlement.money_in import ingest, inspection, originals
from web.dashboard import excerpt

LARGEST_SUMMARY: Final = 8 * 1024 * 1024
"""A larger file is not read through while a person waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A file's first rows; `cells` says whether they are columns or plain text."""

    rows: list[list[str]]
    cells: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a file says of itself, a statement at a time, or why it cannot be read."""

    account: str
    currency: str
    credit: Money | None = None
    debit: Money | None = None
    credit_count: int = 0
    debit_count: int = 0
    opening: Money | None = None
    closing: Money | None = None
    balanced: bool | None = None
    period_from: date | None = None
    period_to: date | None = None
    reason: str = ""
    row: int | None = None


def preview_of(document: SourceDocument) -> Preview | None:
    """The first rows of the original, or None where they cannot be shown."""
    try:
        with _opened(document) as original, _text_in(original) as stream:
            rows, cells = excerpt.first_rows(stream)
    except (FileNotFoundError, ReadError):
        return None
    mask = _mask_for(document)
    return Preview(rows=[[mask(cell) for cell in row] for row in rows], cells=cells)


def excerpt_of(document: SourceDocument, row: int, *, needle: str) -> list[excerpt.Row]:
    """A row of the original among its neighbours; empty where there is none."""
    try:
        with _opened(document) as original, _text_in(original) as stream:
            rows = excerpt.rows_around(stream, row, needle=needle)
    except (FileNotFoundError, ReadError):
        return []
    mask = _mask_for(document)
    return [replace(each, text=mask(each.text)) for each in rows]


def _text_in(original: BinaryIO) -> BinaryIO:
    """What a person would look at: of an archive its largest file, where the rows are.

    Raises ReadError for an archive that cannot be opened.
    """
    magic = original.read(len(archives.MAGIC))
    original.seek(0)
    if magic != archives.MAGIC:
        return original
    archive = archives.Archive(original)
    if archive.largest is None:
        raise ReadError("the ZIP is empty")
    return archive.open(archive.largest)


def said_by(document: SourceDocument) -> list[Said] | None:
    """What the file says, statement by statement; None where it is too large to wait for."""
    if document.size > LARGEST_SUMMARY:
        return None
    with _opened(document) as stream:
        head = stream.read(inspection.HEAD)
    contract = Document(
        name=document.name,
        head=head,
        open=lambda: _opened(document),
        context=ingest.context_of(document),
    )
    return [_said(summary) for summary in inspection.inspect(contract)]


def _said(summary: inspection.Summary) -> Said:
    account, currency = summary.account or "", summary.currency or ""
    if summary.error is not None:
        return Said(
            account=account,
            currency=currency,
            reason=summary.error.reason,
            row=summary.error.row,
        )
    return Said(
        # A bank account's number is never shown whole.
        account=f"•••• {account[-4:]}" if summary.kind == "bank" else account,
        currency=currency,
        credit=_money(summary.credit, currency),
        debit=_money(summary.debit, currency),
        credit_count=summary.credit_count,
        debit_count=summary.debit_count,
        opening=_money(summary.opening, currency),
        closing=_money(summary.closing, currency),
        balanced=summary.balanced,
        period_from=_day(summary.period_from),
        period_to=_day(summary.period_to),
    )


def _money(amount: str | None, currency: str) -> Money | None:
    return None if amount is None or not currency else Money(Decimal(amount), currency)


def _day(day: str | None) -> date | None:
    return None if day is None else date.fromisoformat(day)


def _mask_for(document: SourceDocument) -> Callable[[str], str]:
    """Hide the numbers of the merchant's bank accounts in what is shown of a bank's file."""
    if document.store_id is not None:
        return str
    numbers = [(number_of(account), account.masked) for account in BankAccount.objects.all()]
    # Banks print numbers in groups; the digits are the same.
    hidden = [(re.compile(r"[ -]?".join(number)), shown) for number, shown in numbers]

    def mask(text: str) -> str:
        for pattern, shown in hidden:
            text = pattern.sub(shown, text)
        return text

    return mask


def _opened(document: SourceDocument) -> BinaryIO:
    return originals.open_original(merchant_id=document.merchant_id, sha256=document.sha256)
