"""Etsy's words: what a ledger entry is, and the types of the monthly statement."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from platforms.contract import LineKind

ZONE: Final = "UTC"
DISBURSEMENT: Final = "disbursement"
DEPOSIT: Final = "Deposit"

# `description` of a ledger entry: the nine things the vendor's text lists.
LEDGER: Final[Mapping[str, LineKind]] = {
    "payment": LineKind.SALE,
    "refund": LineKind.REFUND,
    "reversal of a failed refund": LineKind.REFUND,
    DISBURSEMENT: LineKind.PAYOUT,
    "returned disbursement": LineKind.PAYOUT_RETURNED,
    "recoupment": LineKind.ADJUSTMENT,
    "miscellaneous credit": LineKind.ADJUSTMENT,
    "miscellaneous debit": LineKind.ADJUSTMENT,
    # The bill of Etsy's own fees.
    "bill payment": LineKind.COMMISSION,
}

# `Type` of the statement: Sale, Marketing and VAT from real rows, Fee and Deposit from
# other people's tests.
STATEMENT: Final[Mapping[str, LineKind]] = {
    "Sale": LineKind.SALE,
    "Fee": LineKind.COMMISSION,
    "Marketing": LineKind.ADVERTISING,
    "VAT": LineKind.TAX,
    DEPOSIT: LineKind.PAYOUT,
}

KINDS: Final[Mapping[str, LineKind]] = {**LEDGER, **STATEMENT}


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The instant a day begins where no time is stated."""
    return datetime.combine(day, time.min, zone)
