"""A bank's CSV export, read by a column profile: the header says which.

Source: reference banks.md §1.5. Nothing is sniffed: encoding, delimiter, forms
of days and amounts are what the profile declares. The account's number and
currency, where the file lacks them, are what the uploader chose
(`document.context`: "account", "currency"); "column_profile" is an operator's own
profile as JSON and goes before the built-in ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Final

from platforms.banks.bank_csv import layout, rows
from platforms.banks.bank_csv.profiles import UNVERIFIED
from platforms.contract import Adapter, Document, LineKind, Record


class BankCsv(Adapter):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "bank_csv"
    name: ClassVar[str] = "Bank CSV"
    family: ClassVar[str] = "bank"
    # Days are taken as the bank writes them, times are not kept.
    zone: ClassVar[str] = "UTC"
    cash_accounts: ClassVar[tuple[str, ...]] = ()
    credentials: ClassVar[tuple[str, ...]] = ()
    kinds: ClassVar[Mapping[str, LineKind]] = {}
    unverified: ClassVar[Mapping[str, str]] = UNVERIFIED

    def recognises(self, document: Document) -> bool:
        """Whether the header of a known profile, or of the given one, stands in the head."""
        return layout.recognises(document)

    def read(self, document: Document) -> Iterator[Record]:
        """Yield one Statement, a BankLine a row, Totals.

        Raises ReadError with the row: also for a running balance that does not
        follow, for two accounts or currencies in one file, for a card's export,
        and where the account or currency is neither stated nor chosen.
        """
        return rows.read(document)


ADAPTER: Final = BankCsv()
