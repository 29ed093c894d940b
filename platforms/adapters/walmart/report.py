"""The recon report (v1): what a fortnight's deposit is made of.

One `PaymentSummary` row states the period and the total payable; the other rows are
signed amounts that add up to it. Source: platforms-global.md §8.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from platforms.adapters._json import store_zone
from platforms.adapters.walmart import rows, words
from platforms.adapters.walmart.rows import Row, rows_of
from platforms.contract import (
    Document,
    Line,
    LineKind,
    Payout,
    PayoutStatus,
    ReadError,
    Record,
    Statement,
    Totals,
)
from platforms.occurrences import Occurrences
from platforms.reading import currency, shown
from platforms.values import EXACT, NOTHING

PROFILE: Final = "recon_v1"

_SAID: Final = (
    *("Transaction Key", "Transaction Type", "Transaction Description", "Amount Type"),
    *("Customer Order #", "Customer Order line #", "Purchase Order #", "Purchase Order line #"),
)


def recognises(document: Document) -> bool:
    """Whether the header, that of a file in the ZIP, or the JSON's fields are Walmart's."""
    return rows.recognises(document)


def read(document: Document) -> Iterator[Record]:
    """Yield Statement, the payout of the summary, a Line a row, Totals.

    The summary may stand anywhere, so the file is read twice. A total of nothing or
    less pays nothing out. Raises ReadError, also for a report without its summary (a
    page of the JSON report, say): its currency and its total would not be known.
    """
    zone = store_zone(document, "UTC")
    summary = _summary(document, zone)
    yield Statement(
        account="",
        currency=summary.currency,
        profile=PROFILE,
        numbering="recon",
        period_from=summary.start,
        period_to=summary.end,
    )
    yield from _paid(summary)
    total, occurrences = NOTHING, Occurrences()
    for row in rows_of(document):
        if row.text("Transaction Type") != words.SUMMARY:
            line = _line(row, summary, zone, occurrences)
            total = EXACT.add(total, line.amount)
            yield line
    yield Totals(ties=total == summary.total)


@dataclass(frozen=True, slots=True)
class _Summary:
    """The PaymentSummary row."""

    row: int
    start: date
    end: date
    posted: datetime
    total: Decimal
    currency: str
    description: str

    @property
    def payout(self) -> str:
        """The id of its payout, of the period as it has no number; "" if nothing is paid."""
        return f"{self.start}/{self.end}" if self.total > 0 else ""


def _summary(document: Document, zone: ZoneInfo) -> _Summary:
    found = [row for row in rows_of(document) if row.text("Transaction Type") == words.SUMMARY]
    if not found:
        raise ReadError("the report has no PaymentSummary row: it is only a part of one")
    if len(found) > 1:
        raise ReadError(
            "several PaymentSummary rows: give the reports one by one", row=found[1].number
        )
    row = found[0]
    return _Summary(
        row=row.number,
        start=row.day("Period Start Date"),
        end=row.day("Period End Date"),
        posted=row.instant("Transaction Posted Timestamp", zone),
        total=row.money("Total Payable"),
        currency=currency(row.text("Currency"), row=row.number),
        description=row.text("Transaction Description"),
    )


def _paid(summary: _Summary) -> Iterator[Line | Payout]:
    if not summary.payout:
        return
    if summary.description != words.DEPOSITED:
        raise ReadError(
            f"unknown description of a payment: {shown(summary.description)}", row=summary.row
        )
    yield Line(
        external_id=f"{summary.payout}:payout",
        kind=LineKind.PAYOUT,
        amount=-summary.total,
        currency=summary.currency,
        event_at=summary.posted,
        row=summary.row,
        payout_ref=summary.payout,
        label=summary.description,
    )
    yield Payout(
        external_id=summary.payout,
        amount=summary.total,
        currency=summary.currency,
        status=PayoutStatus.PAID,
        announced_at=summary.posted,
        row=summary.row,
        numbered=False,
    )


def _line(row: Row, summary: _Summary, zone: ZoneInfo, occurrences: Occurrences) -> Line:
    value = row.money("Amount")
    unit = row.text("Currency")
    if unit not in ("", summary.currency):
        raise ReadError(f"{shown(unit)} in a report in {summary.currency}", row=row.number)
    what, said = row.text("Amount Type"), row.text("Transaction Description")
    return Line(
        external_id=_external_id(row, value, occurrences),
        kind=words.kind(what, said, value),
        amount=value,
        currency=summary.currency,
        event_at=row.instant("Transaction Posted Timestamp", zone),
        row=row.number,
        order_ref=row.id("Customer Order #"),
        payout_ref=summary.payout,
        label="/".join(filter(None, (row.text("Transaction Type"), said, what))),
    )


def _external_id(row: Row, value: Decimal, occurrences: Occurrences) -> str:
    """The transaction's key is shared by its amounts: key, amount type and line are one row's.

    A report is made once, so equal rows are numbered alike each time it is fetched.
    """
    row.needed("Transaction Key")
    parts = (*(row.id(name) for name in _SAID), str(value.normalize()))
    key = hashlib.blake2b("\0".join(parts).encode(), digest_size=16)
    return f"{key.hexdigest()}-{occurrences.nth(int.from_bytes(key.digest()[:8]))}"
