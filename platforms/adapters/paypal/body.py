"""A body row (SB) of both reports, and the lines it becomes.

Amounts are unsigned integers with two implied decimals in every currency, yen too; the
direction stands in a CR/DR column, and the fee has its own (platforms-global.md §4.2).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import msgspec

from platforms.adapters.paypal import words
from platforms.contract import Line, LineKind, Payout, PayoutStatus, ReadError
from platforms.occurrences import Occurrences
from platforms.reading import amount, columns, currency, offset_time, shown

STATUS: Final = "Transactional Status"
REQUIRED: Final = (
    *("Transaction ID", "Invoice ID", "Transaction Event Code"),
    *("Transaction Initiation Date", "Transaction Completion Date"),
    *("Transaction Debit or Credit", "Gross Transaction Amount", "Gross Transaction Currency"),
    *("Fee Debit or Credit", "Fee Amount", "Fee Currency"),
)
# Money that no file seen has ever had, and that the footers do not count.
_UNKNOWN_MONEY: Final = ("Credit Transactional Fee", "Credit Promotional Fee")
_SUCCESS: Final = "S"
_SIGNS: Final[Mapping[str, int]] = {"CR": 1, "DR": -1}
_DIGITS: Final = re.compile("[0-9]{1,16}", re.ASCII)
_TIME: Final = re.compile(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d [+-]\d{4}", re.ASCII)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One body row, read; gross and fee are signed, in the major unit."""

    row: int
    id: str
    code: str
    at: datetime
    gross: Decimal
    fee: Decimal
    currency: str
    invoice: str
    bank_reference: str
    moved: bool


class Columns:
    """Reads the rows under one column header (CH)."""

    def __init__(self, header: Sequence[str], *, row: int) -> None:
        self._at = columns(header, REQUIRED, row=row)
        self._width = len(header)

    @property
    def is_detail(self) -> bool:
        """Whether this is the transaction detail report: its rows have a status."""
        return STATUS in self._at

    def entry(self, row: int, fields: Sequence[str]) -> Entry:
        """Read and check one row. Raises ReadError."""
        if len(fields) != self._width:
            raise ReadError(f"{len(fields)} values under {self._width} columns", row=row)
        unit = currency(self._field(fields, "Gross Transaction Currency", row), row=row)
        for name in _UNKNOWN_MONEY:
            if self._optional(fields, name).strip("0."):
                raise ReadError(f"{name} is not known to the hub", row=row)
        return Entry(
            row=row,
            id=self._field(fields, "Transaction ID", row),
            code=self._field(fields, "Transaction Event Code", row),
            at=self._completed(fields, row),
            gross=minor(
                fields[self._at["Gross Transaction Amount"]],
                fields[self._at["Transaction Debit or Credit"]],
                unit,
                row=row,
            ),
            fee=self._fee(fields, unit, row),
            currency=unit,
            invoice=fields[self._at["Invoice ID"]],
            bank_reference=self._optional(fields, "Bank Reference ID"),
            moved=not self.is_detail or self._optional(fields, STATUS) == _SUCCESS,
        )

    def _fee(self, fields: Sequence[str], unit: str, row: int) -> Decimal:
        text = fields[self._at["Fee Amount"]]
        if not text:
            return Decimal(0)
        fee = minor(text, fields[self._at["Fee Debit or Credit"]], unit, row=row)
        if fee and fields[self._at["Fee Currency"]] != unit:
            raise ReadError(
                f"a fee in {shown(fields[self._at['Fee Currency']])} on {unit}", row=row
            )
        return fee

    def _completed(self, fields: Sequence[str], row: int) -> datetime:
        """When it was completed, or begun where it is not: an instant in UTC."""
        completed = fields[self._at["Transaction Completion Date"]]
        text = completed or self._field(fields, "Transaction Initiation Date", row)
        return instant(text, row=row).astimezone(UTC)

    def _field(self, fields: Sequence[str], name: str, row: int) -> str:
        value = fields[self._at[name]]
        if not value:
            raise ReadError(f"no {name}", row=row)
        return value

    def _optional(self, fields: Sequence[str], name: str) -> str:
        position = self._at.get(name)
        return "" if position is None else fields[position]


def minor(text: str, direction: str, unit: str, *, row: int) -> Decimal:
    """An unsigned amount and its direction as a signed one in the major unit.

    `10000` is 100.00 dollars and also 100 yen. Raises ReadError, also for a fraction of a
    yen: then the file does not state two decimals, and every amount would be wrong.
    """
    if not _DIGITS.fullmatch(text):
        raise ReadError(f"not an amount: {shown(text)}", row=row)
    value = amount(text, row=row).scaleb(-2)
    if unit == "JPY" and value % 1:
        raise ReadError(f"a fraction of a yen: {shown(text)}", row=row)
    if not value and not direction:
        return value
    sign = _SIGNS.get(direction)
    if sign is None:
        raise ReadError(f"neither CR nor DR: {shown(direction)}", row=row)
    return value * sign if value else value


def instant(text: str, *, row: int) -> datetime:
    """Read `2026/01/06 00:00:30 -0800`. Raises ReadError."""
    if not _TIME.fullmatch(text):
        raise ReadError(f"not a time with an offset: {shown(text)}", row=row)
    return offset_time(text.replace("/", "-"), row=row)


def records(entry: Entry, external_id: str) -> Iterator[Line | Payout]:
    """The lines of a row, gross and fee, and the payout where it is a withdrawal."""
    kind = words.kind(entry.code, credit=entry.gross > 0, moved=entry.moved)
    paid_out = kind is LineKind.PAYOUT and entry.gross < 0
    parts = [(external_id, kind, entry.gross, entry.code)]
    if entry.fee:
        fee_kind = LineKind.COMMISSION if entry.moved else LineKind.UNKNOWN
        parts.append((f"{external_id}:fee", fee_kind, entry.fee, f"{entry.code} fee"))
    for id, what, value, label in parts:
        yield Line(
            external_id=id,
            kind=what,
            amount=value,
            currency=entry.currency,
            event_at=entry.at,
            row=entry.row,
            order_ref=entry.invoice,
            payout_ref=entry.id if paid_out else "",
            remittance=entry.bank_reference,
            label=label if entry.moved else f"{label} (moved nothing)",
        )
    if paid_out:
        yield Payout(
            external_id=entry.id,
            amount=-entry.gross,
            currency=entry.currency,
            # The report says that it left, never that it arrived.
            status=PayoutStatus.IN_TRANSIT,
            announced_at=entry.at,
            row=entry.row,
            remittance=entry.bank_reference,
        )


class Ids:
    """Gives each row its id: the transaction's, and what else the row says of it.

    One transaction may move the balance more than once (a hold and its release, parts of
    a conversion), and PayPal nowhere promises an id a row.
    """

    def __init__(self) -> None:
        self._occurrences = Occurrences()

    def of(self, entry: Entry) -> str:
        """The id; equal rows are told apart by their ordinal."""
        key = hashlib.blake2b(digest_size=8)
        for part in (
            *(entry.id, entry.code, entry.at.isoformat(), entry.currency),
            *(str(entry.gross.normalize()), str(entry.fee.normalize())),
        ):
            key.update(part.encode() + b"\0")
        ordinal = self._occurrences.nth(int.from_bytes(key.digest()))
        suffix = "" if ordinal == 1 else f"-{ordinal}"
        return f"{entry.id}:{key.hexdigest()}{suffix}"
