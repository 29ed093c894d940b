"""The frame of both reports: headers, sections, footers with counts and totals.

RH report, FH file, SH section (one account), CH columns, SB body rows, SF section totals
by currency, SC their count, RF and RC the same of the report, FF count of the file. Rows
of several currencies are mixed, and totals come after them: the file is read twice, first
for its sums. A report may be cut into several files; only the last one has its totals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from platforms.adapters.paypal import body, footers
from platforms.contract import Document, Line, Payout, ReadError, Record, Statement, Totals
from platforms.reading import csv_rows, shown

SETTLEMENT: Final = "settlement_report"
DETAIL: Final = "transaction_detail_report"
NUMBERING: Final = "reports"

_START: Final = re.compile(rb'\A(?:\xef\xbb\xbf)?"?RH"?,')
_MARKS: Final = (b"Transaction Event Code", b"Gross Transaction Amount", b"Fee Debit or Credit")


def recognises(document: Document) -> bool:
    """Whether it begins with a report header and has the columns of transactions."""
    return bool(_START.match(document.head)) and all(mark in document.head for mark in _MARKS)


def read(document: Document) -> Iterator[Record]:
    """Yield a Statement, its Lines and Payouts and Totals each time the currency changes.

    Raises ReadError, also for a file without its end (FF): it was cut.
    """
    proof = footers.Proof()
    with document.open() as stream:
        for record in _records(csv_rows(stream)):
            proof.add(record)
    proof.finish()
    return _statements(document, proof)


def _statements(document: Document, proof: footers.Proof) -> Iterator[Record]:
    ids = body.Ids()
    run: tuple[int, str] | None = None
    with document.open() as stream:
        for record in _records(csv_rows(stream)):
            if record.entry is None:
                continue
            if run != (record.section, record.entry.currency):
                if run:
                    yield Totals(ties=proof.ties(*run))
                run = record.section, record.entry.currency
                yield _statement(proof, *run)
            yield from _entry(record.entry, ids)
    if run:
        yield Totals(ties=proof.ties(*run))
    # A day without movement still says so, currency by currency.
    for section, unit in proof.still():
        yield _statement(proof, section, unit)
        yield Totals(ties=proof.ties(section, unit))


def _entry(entry: body.Entry, ids: body.Ids) -> Iterator[Line | Payout]:
    return body.records(entry, ids.of(entry))


def _statement(proof: footers.Proof, section: int, unit: str) -> Statement:
    header = proof.sections[section]
    return Statement(
        account=header.account,
        currency=unit,
        profile=DETAIL if header.detail else SETTLEMENT,
        numbering=NUMBERING,
        books=not header.detail,
        period_from=header.begins.date(),
        period_to=header.ends.date(),
    )


def _records(rows: Iterator[tuple[int, list[str]]]) -> Iterator[footers.Framed]:
    """The rows with their section's number and, for body rows, what they say."""
    section, at, ended = -1, None, False
    for row, fields in rows:
        name = fields[0]
        if ended:
            raise ReadError("something follows the end of the file", row=row)
        if name == "SH":
            section, at = section + 1, None
        elif name == "CH":
            at = body.Columns(fields, row=row)
        entry = None
        if name == "SB":
            if at is None or section < 0:
                raise ReadError("a body row before its section and columns", row=row)
            entry = at.entry(row, fields)
        elif name not in footers.NAMES:
            raise ReadError(f"unknown record {shown(name)}", row=row)
        ended = name == "FF"
        yield footers.Framed(
            row=row,
            name=name,
            fields=tuple(fields),
            section=section,
            entry=entry,
            detail=at is not None and at.is_detail,
        )
