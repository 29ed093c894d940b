"""SWIFT MT940 statements and MT942 interim reports, as banks really send them.

Source: reference banks.md §1.2 and the files named there. Only MT940 is booked:
an MT942 states the day's entries before the statement does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import ClassVar, Final

from platforms.banks.mt940 import statements
from platforms.contract import Adapter, Document, LineKind, Record

# A tag that only these messages have, at the beginning of a line.
_MESSAGE: Final = re.compile(rb"(?:\A|[\r\n\x01])[ \t]*:(?:20|25P?|28C?|60[FM]|61|62[FM]|64|NS):")


class Mt940(Adapter):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "mt940"
    name: ClassVar[str] = "SWIFT MT940 / MT942"
    family: ClassVar[str] = "bank"
    # Days are taken as the bank writes them, times are not kept.
    zone: ClassVar[str] = "UTC"
    cash_accounts: ClassVar[tuple[str, ...]] = ()
    credentials: ClassVar[tuple[str, ...]] = ()
    kinds: ClassVar[Mapping[str, LineKind]] = {}
    unverified: ClassVar[Mapping[str, str]] = {}

    def recognises(self, document: Document) -> bool:
        """Whether a line of the head begins with a tag of these messages."""
        return bool(_MESSAGE.search(document.head))

    def read(self, document: Document) -> Iterator[Record]:
        """Yield Statement, a BankLine a :61:, Totals, for each page of each message.

        A message without its balances (MT940) or its sums (MT942) is a fragment:
        ReadError with the line.
        """
        return statements.read(document)


ADAPTER: Final = Mt940()
