"""ISO 20022 account messages: camt.053 statements, camt.052 reports, camt.054 notices.

Source: reference banks.md §1.1; every version from .001.01 on is read by local
names, as real files mix them. Only camt.053 is booked: the other two state the
same entries earlier or in more detail.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import ClassVar, Final

from platforms.banks.camt import statements
from platforms.contract import Adapter, Document, LineKind, Record

_MESSAGE: Final = re.compile(
    rb"<(?:[\w.-]+:)?BkToCstmr(?:Stmt|AcctRpt|DbtCdtNtfctn)(?:V[0-9]{2})?[\s>/]"
)


class Camt(Adapter):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "camt"
    name: ClassVar[str] = "ISO 20022 camt.052 / .053 / .054"
    family: ClassVar[str] = "bank"
    # Days are taken as the bank writes them, times are not kept.
    zone: ClassVar[str] = "UTC"
    cash_accounts: ClassVar[tuple[str, ...]] = ()
    credentials: ClassVar[tuple[str, ...]] = ()
    kinds: ClassVar[Mapping[str, LineKind]] = {}
    unverified: ClassVar[Mapping[str, str]] = {}

    def recognises(self, document: Document) -> bool:
        """Whether one of the three messages opens within the head."""
        return bool(_MESSAGE.search(document.head))

    def read(self, document: Document) -> Iterator[Record]:
        """Yield Statement, a BankLine a booked entry, Totals, for each statement.

        camt.054 entries are read whatever their status (they are mostly INFO).
        Raises ReadError with the XML line, naming the entry.
        """
        return statements.read(document)


ADAPTER: Final = Camt()
