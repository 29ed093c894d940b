"""The payouts export. Unverified: its columns are known from other parsers only.

They agree that the parts add up to Total with Fees negative (two public test
files: 450 − 20 − 13.35 = 416.65, 100 − 3 = 97); a positive Fees is accepted
where subtracting it gives the Total. A row that adds up neither way is still
read, and the file does not tie.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from platforms.adapters._json import store_zone
from platforms.adapters.shopify import words
from platforms.adapters.shopify.transactions import header_of
from platforms.contract import Document, Payout, ReadError, Record, Statement, Totals
from platforms.reading import amount, columns, csv_rows, currency, day, require_line_end

PROFILE: Final = "payouts_csv"

_PARTS: Final = ("Charges", "Refunds", "Adjustments", "Reserved Funds", "Retried Amount")
# Parts that a later layout sets between the others.
_LATER_PARTS: Final = ("Marketplace Sales Tax", "Advances")
_REQUIRED: Final = ("Payout Date", "Status", *_PARTS, "Fees", "Total", "Currency")


def recognises(document: Document) -> bool:
    """Whether the header has the columns of the payouts export."""
    return set(_REQUIRED) <= set(header_of(document))


def read(document: Document) -> Iterator[Record]:
    """Yield Statement, a Payout a row, Totals, for each run of one currency.

    A row has no id, so its date and currency (and its ordinal among equals, if
    there are several) are its id. Raises ReadError.
    """
    with document.open() as stream:
        require_line_end(stream)
        rows = csv_rows(stream)
        _, header = next(rows, (1, []))
        reader = _Reader(columns(header, _REQUIRED), len(header), store_zone(document, words.ZONE))
        read_rows = (reader.payout(row, fields) for row, fields in rows)
        for unit, run in itertools.groupby(read_rows, key=lambda item: item[0].currency):
            yield Statement(account="", currency=unit, profile=PROFILE)
            ties = True
            for payout, adds_up in run:
                ties = ties and adds_up
                yield payout
            yield Totals(ties=ties)


class _Reader:
    def __init__(self, at: Mapping[str, int], width: int, zone: ZoneInfo) -> None:
        self._at = at
        self._width = width
        self._zone = zone
        self._parts = [*_PARTS, *(name for name in _LATER_PARTS if name in at)]
        self._seen: Counter[str] = Counter()

    def payout(self, row: int, fields: list[str]) -> tuple[Payout, bool]:
        """The row's payout, and whether its parts add up to its Total."""
        if len(fields) != self._width:
            raise ReadError(f"{len(fields)} values under {self._width} columns", row=row)
        at = self._at
        total = self._money(fields, "Total", row)
        unit = currency(fields[at["Currency"]], row=row)
        paid_on = day(fields[at["Payout Date"]], row=row)
        payout = Payout(
            external_id=self._external_id(f"date:{paid_on}:{unit}"),
            amount=total,
            currency=unit,
            status=words.status(fields[at["Status"]].lower().replace(" ", "_"), row=row),
            announced_at=words.midnight(paid_on, self._zone),
            row=row,
            remittance=fields[at["Bank Reference"]] if "Bank Reference" in at else "",
            numbered=False,
        )
        return payout, self._adds_up(fields, total, row)

    def _adds_up(self, fields: list[str], total: Decimal, row: int) -> bool:
        fees = self._money(fields, "Fees", row)
        parts = sum((self._money(fields, name, row) for name in self._parts), Decimal(0))
        return total in (parts + fees, parts - fees)

    def _money(self, fields: list[str], name: str, row: int) -> Decimal:
        return amount(fields[self._at[name]], row=row)

    def _external_id(self, key: str) -> str:
        self._seen[key] += 1
        return key if self._seen[key] == 1 else f"{key}:{self._seen[key]}"
