"""What JD's forms share: a fee of an order with its sign, its day and its id.

JD settles an order in rows, one for the goods and one for each fee. A row counts when it is
settled, which is when its settlement time is there: during promotions JD writes the state
late (platforms-cn.md §6.4). Rows that are not settled yet are told apart, as evidence.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from platforms.adapters.jd import words
from platforms.contract import Line, ReadError
from platforms.occurrences import Occurrences
from platforms.reading import amount, day, local_time, shown

ZONE: Final = ZoneInfo("Asia/Shanghai")
CURRENCY: Final = "CNY"
# 单据编号 of the files is `detailNo` of the API; the 22-column export has neither.
BY_DETAIL: Final = "detail_no"
BY_CONTENT: Final = "content"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_MILLISECOND: Final = 32_503_651_200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """One row of a settlement, in whatever form it came; `own` is what makes its id."""

    row: int
    own: tuple[str, ...]
    word: str
    money: str
    direction: str
    at: datetime
    is_settled: bool
    order: str
    batch: str
    currency: str
    note: str = ""


class Fees:
    """Gives rows their sign and their id; one for each statement."""

    def __init__(self, *, is_signed: bool) -> None:
        self._occurrences = Occurrences()
        # Whether outgo is written with a minus; None until a row shows it.
        self._minus: bool | None = True if is_signed else None

    def lines(self, fees: Iterator[Fee], *, is_settled: bool) -> Iterator[Line]:
        """A line for each row that is settled, or for each that is not. Raises ReadError."""
        for fee in fees:
            if fee.is_settled is not is_settled:
                continue
            if fee.currency != CURRENCY:
                raise ReadError(f"{shown(fee.currency)} in a bill in {CURRENCY}", row=fee.row)
            value = self._signed(fee)
            yield Line(
                external_id=self._id(fee, is_settled),
                kind=words.kind(fee.word, (value > 0) - (value < 0)),
                amount=value,
                currency=CURRENCY,
                event_at=fee.at,
                row=fee.row,
                order_ref=fee.order,
                remittance=fee.batch,
                label=f"{fee.word}/{fee.note}" if fee.note else fee.word,
            )

    def _signed(self, fee: Fee) -> Decimal:
        """The amount; 支出 is negative, and written so in all rows of a form or in none.

        One export is known to be signed, of the others it is not confirmed. Raises ReadError.
        """
        value = amount(fee.money, row=fee.row)
        way = words.DIRECTIONS.get(fee.direction)
        if way is None or (way > 0 and value < 0):
            raise ReadError(f"no direction: {shown(fee.direction)} {value}", row=fee.row)
        if way > 0 or not value:
            return value
        if self._minus is None:
            self._minus = value < 0
        if self._minus is not (value < 0):
            raise ReadError(f"outgo is {value} here, and signed otherwise above", row=fee.row)
        return -value.copy_abs()

    def _id(self, fee: Fee, is_settled: bool) -> str:
        """Its own number and the fee; equal ones are told apart by their ordinal.

        A row that is not settled has an id of another kind: it comes again when it is.
        """
        own = "|".join(fee.own)
        key = hashlib.blake2b(own.encode(), digest_size=8).digest()
        nth = self._occurrences.nth(int.from_bytes(key))
        return ("" if is_settled else "open:") + own + (f"|{nth}" if nth > 1 else "")


def content_id(*said: str) -> str:
    """A digest of all that a row without a number says."""
    return hashlib.blake2b("\0".join(said).encode(), digest_size=16).hexdigest()


def plain(money: str, *, row: int) -> str:
    """An amount in one writing, for an id: 5, 5.0 and 5.00 are one. Raises ReadError."""
    return f"{amount(money, row=row).normalize():f}"


def moment(text: str, *, row: int) -> datetime:
    """A time as JD writes it: in milliseconds, as a wall clock, or as a day. Raises ReadError."""
    if text.isascii() and text.isdigit() and 12 <= len(text) <= 14:
        if int(text) > _LAST_MILLISECOND:
            raise ReadError(f"not a time: {shown(text)}", row=row)
        return (_EPOCH + timedelta(milliseconds=int(text))).astimezone(ZONE)
    if len(text) == 10:
        at = day(text, row=row)
        return datetime(at.year, at.month, at.day, tzinfo=ZONE)
    return local_time(text, ZONE, row=row)
