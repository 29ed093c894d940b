"""The settlement report: V2 flat file, and V1 for what was saved before it was withdrawn.

Tab-separated, bound by header name. The first row sums the settlement up; the others
are its lines. Fees and refunds are negative, and all amounts of a settlement add up
to its total. Source: platforms-global.md §1.2.
"""

from __future__ import annotations

import functools
import hashlib
import operator
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import BinaryIO, Final

from platforms.adapters._json import instant
from platforms.adapters.amazon import words
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
from platforms.reading import (
    amount,
    columns,
    currency,
    first_line,
    line_blocks,
    located,
    shown,
)
from platforms.values import EXACT, NOTHING

V2: Final = "settlement_v2"
V1: Final = "settlement_v1"
NUMBERING: Final = "settlement"

_TOTAL: Final = "total-amount"
_SUMMARY: Final = (
    *("settlement-start-date", "settlement-end-date", "deposit-date", _TOTAL, "currency"),
)
_COMMON: Final = (
    *("settlement-id", *_SUMMARY, "transaction-type", "order-id", "merchant-order-id"),
    *("adjustment-id", "shipment-id", "marketplace-name", "fulfillment-id", "posted-date"),
    *("order-item-code", "merchant-order-item-id", "merchant-adjustment-item-id", "sku"),
    "quantity-purchased",
)
_V2: Final = (*_COMMON, "amount-type", "amount-description", "amount", "posted-date-time")
# V1 has an amount for each subject, each with the column that says what it is.
_V1_AMOUNTS: Final = (
    ("shipment-fee-amount", "shipment-fee-type"),
    ("order-fee-amount", "order-fee-type"),
    ("price-amount", "price-type"),
    ("item-related-fee-amount", "item-related-fee-type"),
    ("misc-fee-amount", ""),
    ("other-fee-amount", "other-fee-reason-description"),
    ("promotion-amount", "promotion-type"),
    ("direct-payment-amount", "direct-payment-type"),
    # What this is stands in the transaction-type: `Storage Fee`, the reserves.
    ("other-amount", "transaction-type"),
)
_V1: Final = (*_COMMON, *(name for pair in _V1_AMOUNTS for name in pair if name))
# The summary is repeated by some tools on every row, so no part of what a row says itself.
_SAID: Final = frozenset(_COMMON) - {*_SUMMARY, "settlement-id", "quantity-purchased"}
_OTHER: Final = "other-transaction"

# Only the SKU and other ids of the merchant's own can hold more than ASCII.
_ENCODING: Final = "cp1252"
_UTC_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", re.ASCII)
_COMMA: Final = re.compile(r"[+-]?[0-9]+,[0-9]{1,2}", re.ASCII)


def recognises(document: Document) -> bool:
    """Whether the header has all columns of V2 or V1."""
    names = set(first_line(document.head).split("\t"))
    return names >= set(_V2) or names >= set(_V1)


def read(document: Document) -> Iterator[Record]:
    """Yield Statement, the payout of the summary row, a Line an amount, Totals.

    A settlement of nothing or less pays nothing out. A file that was cut does not add up
    to its total, so it need not end with a line end. Raises ReadError, also for a second
    settlement in one file.
    """
    with document.open() as stream:
        rows = _rows(stream)
        _, header = next(rows, (1, []))
        reader = _Reader(header)
        row, fields = next(rows, (2, []))
        settlement = reader.settlement(fields, row)
        yield Statement(
            account="",
            currency=settlement.currency,
            number=settlement.id,
            profile=reader.profile,
            # A settlement read in both layouts would be there twice.
            numbering=NUMBERING if reader.profile == V2 else V1,
            period_from=settlement.start.date(),
            period_to=settlement.end.date(),
        )
        yield from _paid(settlement)
        total = NOTHING
        for row, fields in rows:
            for line in reader.lines(fields, row, settlement):
                total = EXACT.add(total, line.amount)
                yield line
    yield Totals(ties=total == settlement.total)


def _rows(stream: BinaryIO) -> Iterator[tuple[int, list[str]]]:
    lines = (line for block in line_blocks(stream, encoding=_ENCODING) for line in block)
    for row, line in enumerate(lines, start=1):
        if line:
            yield row, line.split("\t")


@dataclass(frozen=True, slots=True)
class _Settlement:
    """The summary row."""

    row: int
    id: str
    start: datetime
    end: datetime
    deposit: datetime
    total: Decimal
    currency: str

    @property
    def payout(self) -> str:
        """The id of its payout, "" if it pays nothing out."""
        return self.id if self.total > 0 else ""


def _paid(settlement: _Settlement) -> Iterator[Line | Payout]:
    if not settlement.payout:
        return
    yield Line(
        external_id=f"{settlement.id}:payout",
        kind=LineKind.PAYOUT,
        amount=-settlement.total,
        currency=settlement.currency,
        event_at=settlement.end,
        row=settlement.row,
        payout_ref=settlement.id,
        label=_TOTAL,
    )
    # The report is made when the settlement closes; that the money arrived it never says.
    yield Payout(
        external_id=settlement.id,
        amount=settlement.total,
        currency=settlement.currency,
        status=PayoutStatus.IN_TRANSIT,
        announced_at=settlement.end,
        row=settlement.row,
        arrives_on=settlement.deposit.date(),
    )


class _Reader:
    """Reads the rows of one file and gives each its id."""

    def __init__(self, header: list[str]) -> None:
        self.profile = V2 if "amount-description" in header else V1
        required = _V2 if self.profile == V2 else _V1
        self._at = columns(header, required)
        self._width = len(header)
        pairs = (("amount", ""),) if self.profile == V2 else _V1_AMOUNTS
        self._amounts = [
            (name, self._at[name], self._at[what] if what else None) for name, what in pairs
        ]
        known = {name for name, _ in pairs} | {_TOTAL}
        self._strange = [
            (name, place)
            for name, place in self._at.items()
            if name.endswith("amount") and name not in known
        ]
        said = _SAID | (set(required) - set(_COMMON)) - known
        # V2's posted-date says nothing for sure, see `_posted`.
        unsure = {"posted-date"} if self.profile == V2 else set()
        # By name, so that columns may move.
        self._said = operator.itemgetter(*(self._at[name] for name in sorted(said - unsure)))
        self._decimal = ""
        self._occurrences = Occurrences()

    def settlement(self, fields: list[str], row: int) -> _Settlement:
        """The summary row, which is the first. Raises ReadError if it is another."""
        if not fields:
            raise ReadError("the file has a header and nothing else", row=row)
        self._check(fields, row)
        if not self._of(fields, _TOTAL) or self._of(fields, "transaction-type"):
            raise ReadError("the first row does not sum the settlement up: it is missing", row=row)
        start, end, deposit = (
            _time(self._of(fields, name), row=row) for name in _SUMMARY if name.endswith("-date")
        )
        return _Settlement(
            row=row,
            id=self._needed(fields, "settlement-id", row),
            start=start,
            end=end,
            deposit=deposit,
            total=self._money(self._of(fields, _TOTAL), row),
            currency=currency(self._of(fields, "currency"), row=row),
        )

    def lines(self, fields: list[str], row: int, settlement: _Settlement) -> Iterator[Line]:
        """A line for each amount of a row. Raises ReadError for a row without any."""
        self._check(fields, row)
        self._check_summary(fields, row, settlement)
        found = [
            (name, self._money(fields[place], row), fields[what] if what is not None else "")
            for name, place, what in self._amounts
            if fields[place]
        ]
        if not found:
            raise ReadError("a row without an amount", row=row)
        # Beside an amount, V1 may write its other columns as 0.00.
        found = [each for each in found if each[1]] or found[:1]
        at = self._posted(fields, row, settlement)
        external_id = self._external_id(fields, found, settlement)
        for position, (name, value, word) in enumerate(found):
            kind, label = self._meaning(fields, name, word)
            yield Line(
                external_id=external_id if not position else f"{external_id}:{name}",
                kind=kind,
                amount=value,
                currency=settlement.currency,
                event_at=at,
                row=row,
                order_ref=self._of(fields, "order-id"),
                payout_ref=settlement.payout,
                label=label,
            )

    def _meaning(self, fields: list[str], name: str, word: str) -> tuple[LineKind, str]:
        transaction = self._of(fields, "transaction-type")
        if self.profile == V2:
            type_, what = self._of(fields, "amount-type"), self._of(fields, "amount-description")
            kind = words.kind(transaction, type_, what)
            return kind, "/".join(filter(None, (transaction, type_, what)))
        if name == "other-amount":
            return words.kind(_OTHER, "", transaction), transaction
        said = word or name.removesuffix("-amount")
        return words.kind(transaction, "", word), "/".join(filter(None, (transaction, said)))

    def _check(self, fields: list[str], row: int) -> None:
        if len(fields) != self._width:
            raise ReadError(f"{len(fields)} values under {self._width} columns", row=row)
        for name, place in self._strange:
            if fields[place] and self._money(fields[place], row):
                raise ReadError(f"money in a column that is not known: {shown(name)}", row=row)

    def _check_summary(self, fields: list[str], row: int, settlement: _Settlement) -> None:
        """The summary's columns are blank on a line, or repeat it."""
        if self._of(fields, "settlement-id") not in (settlement.id, ""):
            raise ReadError("another settlement in the same file: give them one by one", row=row)
        if not self._of(fields, "transaction-type"):
            raise ReadError("neither the settlement's first row nor one of its lines", row=row)
        stated = self._of(fields, _TOTAL)
        if stated and self._money(stated, row) != settlement.total:
            raise ReadError(f"another total in the same file: {shown(stated)}", row=row)
        unit = self._of(fields, "currency")
        if unit and unit != settlement.currency:
            raise ReadError(f"{shown(unit)} in a file in {settlement.currency}", row=row)

    def _posted(self, fields: list[str], row: int, settlement: _Settlement) -> datetime:
        """When it was posted; what has no time of its own belongs to the settlement's end.

        V2's posted-date is day/month or month/day as the marketplace pleases, so it is
        never read: posted-date-time is.
        """
        name = "posted-date-time" if self.profile == V2 else "posted-date"
        text = self._of(fields, name)
        if not text and not self._of(fields, "posted-date"):
            return settlement.end
        return _time(text, row=row)

    def _external_id(
        self, fields: list[str], found: list[tuple[str, Decimal, str]], settlement: _Settlement
    ) -> str:
        """All that a row says of itself, and its ordinal among equals: there is no id.

        A settlement is one file that never changes, so the ordinal is stable.
        """
        said = [settlement.id, *self._said(fields)]
        for name, value, _ in found:
            said += name, str(value.normalize())
        key = hashlib.blake2b("\0".join(said).encode(), digest_size=16).digest()
        return f"{key.hex()}-{self._occurrences.nth(int.from_bytes(key[:8]))}"

    def _money(self, text: str, row: int) -> Decimal:
        """An amount in the file's own form: the first decimal mark in it holds for all.

        `95,00` stands in files of European marketplaces. A comma before three digits
        is never taken for one.
        """
        if not self._decimal:
            self._decimal = "." if "." in text else "," if _COMMA.fullmatch(text) else ""
        return amount(text, decimal=self._decimal or ".", row=row)

    def _of(self, fields: list[str], name: str) -> str:
        return fields[self._at[name]]

    def _needed(self, fields: list[str], name: str, row: int) -> str:
        value = self._of(fields, name)
        if not value:
            raise ReadError(f"no {name}", row=row)
        return value


def _time(text: str, *, row: int) -> datetime:
    """`2025-06-09 05:23:19 UTC` (V2), `2015-12-02T03:27:08+00:00` (V1)."""
    try:
        return _instant(text)
    except ReadError as error:
        raise located(error, row) from error


@functools.lru_cache(maxsize=4_096)
def _instant(text: str) -> datetime:
    """Orders post many rows in one second."""
    if _UTC_TIME.fullmatch(text):
        text = f"{text[:10]}T{text[11:19]}Z"
    return instant(text).astimezone(UTC)
