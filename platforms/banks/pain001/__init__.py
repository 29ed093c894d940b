"""ISO 20022 payment orders: writes pain.001.001.09, reads pain.002 of any version.

Source: reference banks.md §2.1. The orders of one message are blocked by debtor account,
currency, day and scheme, each to be booked for itself (BtchBookg false), so that the statement
shows one entry an order with its end-to-end id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import ClassVar, Final

from platforms.banks.pain001 import instruction, status
from platforms.contract import Document, PaymentOrder, PaymentStatus, Pays


class Pain001(Pays):
    """The form; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "pain001"
    name: ClassVar[str] = "ISO 20022 pain.001 / pain.002"
    family: ClassVar[str] = "payment"

    def instruct(
        self, orders: Sequence[PaymentOrder], *, message_id: str, made_at: datetime
    ) -> Document:
        """Write the orders as one pain.001.001.09. Raises OrderError."""
        return instruction.write(orders, message_id=message_id, made_at=made_at)

    def read_status(self, document: Document) -> Iterator[PaymentStatus]:
        """Yield the statuses of a pain.002, of the message first, then of blocks and orders.

        Raises ReadError with the XML line for anything that cannot be read, before the first
        status: half a report is none.
        """
        return iter(status.read(document))


ADAPTER: Final = Pain001()
