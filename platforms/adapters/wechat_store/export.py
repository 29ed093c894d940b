"""The export 微信小店账单: every movement of the store's balance, one a row.

A workbook or a CSV. Unverified: its columns come from programs that import it, no real
file was seen.
The amount is positive and 收支类型 says which way it went; the balance after each row
must bear that out, as nothing else in the file proves its signs or its rows. One
流水单号 may stand in several rows (the importers tell them apart by type and order).
Source: platforms-cn.md §9.3.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from platforms.adapters._chain import Chain
from platforms.adapters._cn_export import ENCODING, names_of
from platforms.adapters.wechat_store import words
from platforms.archives import MAGIC
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
    csv_rows,
    decode,
    local_time,
    require_line_end,
    shown,
    xlsx_rows,
)

PROFILE: Final = "export"

_FLOW: Final = "流水单号"
_TIME: Final = "记账时间"
_TYPE: Final = "动帐类型"
_DIRECTION: Final = "收支类型"
_AMOUNT: Final = "收支金额"
_BALANCE: Final = "账户余额"
_ORDER: Final = "关联订单号"
_AFTERSALE: Final = "关联售后单号"
_WITHDRAWAL: Final = "关联提现单号"
_POLICY: Final = "关联保单号"
_DETAIL: Final = "详情"
_REQUIRED: Final = (
    *(_FLOW, _TIME, _TYPE, _DIRECTION, _AMOUNT, _BALANCE),
    *(_ORDER, _AFTERSALE, _WITHDRAWAL, _POLICY, _DETAIL),
)
_SIGNS: Final[Mapping[str, int]] = {"收入": 1, "支出": -1}


def recognises(document: Document) -> bool:
    """Whether the first row has the columns of the export."""
    try:
        if document.head.startswith(MAGIC):
            with document.open() as stream:
                _, first = next(xlsx_rows(stream), (1, []))
            return set(_REQUIRED) <= {name.strip() for name in first}
        text = decode(document.head.partition(b"\n")[0], encoding=ENCODING)
    except ReadError:
        return False
    return set(_REQUIRED) <= set(names_of(text.removesuffix("\r")))


def read(document: Document) -> Iterator[Record]:
    """Yield Statement, a Line a row (and a Payout for a withdrawal), Totals.

    Yuan. Raises ReadError, also where the balances do not lead from row to row and
    where no figure of the file has decimals: then it could as well be in fen.
    """
    yield Statement(
        account=document.context.get("account", ""),
        currency=words.CURRENCY,
        profile=PROFILE,
        numbering="export",
    )
    with document.open() as stream:
        is_workbook = document.head.startswith(MAGIC)
        if not is_workbook:
            require_line_end(stream)
        rows = xlsx_rows(stream) if is_workbook else csv_rows(stream, encoding=ENCODING)
        _, header = next(rows, (1, []))
        names = [name.strip() for name in header]
        reader = _Reader(columns(names, _REQUIRED), width=len(names), ragged=is_workbook)
        yield from itertools.chain.from_iterable(reader.records(*row) for row in rows)
    reader.require_yuan()
    opening, closing = reader.chain.balances() or (None, None)
    yield Totals(opening=opening, closing=closing)


class _Reader:
    """Reads the rows of one file, follows their balances and gives each row its id."""

    def __init__(self, at: Mapping[str, int], *, width: int, ragged: bool) -> None:
        self.chain = Chain()
        self._at = at
        self._width = width
        # The rows of a workbook end with their last cell that holds something.
        self._ragged = ragged
        self._decimals = False
        self._occurrences = Occurrences()

    def records(self, row: int, fields: list[str]) -> Iterator[Line | Payout]:
        """The line of a row, and its payout if it is a withdrawal. Raises ReadError."""
        if self._ragged:
            fields = fields + [""] * (self._width - len(fields))
        if len(fields) != self._width:
            raise ReadError(f"{len(fields)} values under {self._width} columns", row=row)
        values = [value.strip() for value in fields]
        if not any(values):
            return
        line = self._line(row, values)
        yield line
        if line.kind is LineKind.PAYOUT and line.payout_ref:
            number = self._value(values, _WITHDRAWAL)
            # The row says that the money left, never that it arrived.
            yield Payout(
                external_id=line.payout_ref,
                amount=-line.amount,
                currency=line.currency,
                status=PayoutStatus.IN_TRANSIT,
                announced_at=line.event_at,
                row=row,
                remittance=number,
                numbered=bool(number),
            )

    def require_yuan(self) -> None:
        """Refuse a file whose figures are all whole: their unit cannot be told."""
        if self.chain.rows and not self._decimals:
            raise ReadError(
                "no amount in the file has decimals, so it cannot be told whether they are "
                "yuan or fen; give the file as it was downloaded",
                row=2,
            )

    def _line(self, row: int, values: list[str]) -> Line:
        word, order = self._value(values, _TYPE), self._value(values, _ORDER)
        signed = self._signed(row, values)
        moment = local_time(self._value(values, _TIME), words.ZONE, row=row)
        self.chain.add(row, self._money(values, _BALANCE, row), signed, moment)
        kind = words.kind(word, (signed > 0) - (signed < 0))
        number = self._value(values, _FLOW)
        if not number:
            raise ReadError(f"the row has no {_FLOW}", row=row)
        external_id = self._id(number, word, order, f"{signed.normalize():f}")
        detail = self._value(values, _DETAIL)
        return Line(
            external_id=external_id,
            kind=kind,
            amount=signed,
            currency=words.CURRENCY,
            event_at=moment,
            row=row,
            order_ref=order,
            payout_ref=self._payout_ref(values, kind, external_id),
            label=f"{word}/{detail}" if detail else word,
        )

    def _signed(self, row: int, values: list[str]) -> Decimal:
        value, way = self._money(values, _AMOUNT, row), self._value(values, _DIRECTION)
        sign = _SIGNS.get(way)
        if sign is None:
            raise ReadError(f"unknown {_DIRECTION} {shown(way)}", row=row)
        if value < 0:
            raise ReadError(f"{_AMOUNT} is negative: {value}", row=row)
        return -value if value and sign < 0 else value

    def _money(self, values: list[str], name: str, row: int) -> Decimal:
        text = self._value(values, name)
        self._decimals = self._decimals or "." in text
        return amount(text, row=row)

    def _payout_ref(self, values: list[str], kind: LineKind, external_id: str) -> str:
        withdrawal = self._value(values, _WITHDRAWAL)
        if kind is LineKind.PAYOUT:
            return withdrawal or external_id
        return withdrawal if kind is LineKind.PAYOUT_RETURNED else ""

    def _id(self, *parts: str) -> str:
        """Number, type, order, amount; and the ordinal among equal rows from the second on."""
        key = "|".join(parts)
        digest = hashlib.blake2b(key.encode(), digest_size=8).digest()
        nth = self._occurrences.nth(int.from_bytes(digest))
        return key if nth == 1 else f"{key}|{nth}"

    def _value(self, values: list[str], name: str) -> str:
        return values[self._at[name]]
