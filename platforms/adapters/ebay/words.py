"""eBay's words: transaction types and fees of the Finances API, types of the report.

Source: platforms-global.md §3.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from platforms.contract import LineKind, PayoutStatus

CHARGE: Final = "NON_SALE_CHARGE"
PAYOUT: Final = "Payout"

# transactionType. A dispute holds money and a credit gives it back: both are the
# scheme's doing, neither a refund nor a fine. A transfer is the merchant's own money,
# taken from the card or bank account on file to pay what it owes. A withdrawal is a
# payout on demand.
TYPES: Final[Mapping[str, LineKind]] = {
    "SALE": LineKind.SALE,
    "REFUND": LineKind.REFUND,
    "CREDIT": LineKind.ADJUSTMENT,
    "DISPUTE": LineKind.ADJUSTMENT,
    "SHIPPING_LABEL": LineKind.SHIPPING,
    "TRANSFER": LineKind.DEPOSIT,
    "ADJUSTMENT": LineKind.ADJUSTMENT,
    "WITHDRAWAL": LineKind.PAYOUT,
    "LOAN_REPAYMENT": LineKind.LOAN,
    "PURCHASE": LineKind.ADJUSTMENT,
}
# feeType of a charge that belongs to no sale.
FEES: Final[Mapping[str, LineKind]] = {
    "AD_FEE": LineKind.ADVERTISING,
    "OTHER_FEES": LineKind.COMMISSION,
    "STORE_SUBSCRIPTION_EARLY_TERMINATION_FEE": LineKind.COMMISSION,
}
# Type of the transaction report.
REPORT: Final[Mapping[str, LineKind]] = {
    "Order": LineKind.SALE,
    "Refund": LineKind.REFUND,
    "Other fee": LineKind.COMMISSION,
    "Shipping label": LineKind.SHIPPING,
    PAYOUT: LineKind.PAYOUT,
}
KINDS: Final[Mapping[str, LineKind]] = {**TYPES, **FEES, **REPORT}

PAYOUT_STATUSES: Final[Mapping[str, PayoutStatus]] = {
    "INITIATED": PayoutStatus.IN_TRANSIT,
    "SUCCEEDED": PayoutStatus.PAID,
    "REVERSED": PayoutStatus.FAILED,
    # eBay tries again by itself.
    "RETRYABLE_FAILED": PayoutStatus.SCHEDULED,
    "TERMINAL_FAILED": PayoutStatus.FAILED,
}
_MOVED: Final = frozenset(
    {"", "PAYOUT", "COMPLETED", "FUNDS_AVAILABLE_FOR_PAYOUT", "FUNDS_ON_HOLD", "FUNDS_PROCESSING"}
)


def kind(word: str, fee: str, status: str) -> LineKind:
    """What a transaction is; unknown too where its status does not say that money moved."""
    if not has_moved(status):
        return LineKind.UNKNOWN
    found = FEES.get(fee) if word == CHARGE else TYPES.get(word)
    return found or LineKind.UNKNOWN


def has_moved(status: str) -> bool:
    """Whether a transaction of this status counts; also one without a status."""
    return status in _MOVED
