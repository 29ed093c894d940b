"""TikTok Shop's words: types of transactions and withdrawals, states of payments.

Source: the vendor's field lists (platforms-global.md §9). Types that it spells with
spaces and brackets ("Violation fee …", "Bill payment …") are left out: their exact
spelling is not confirmed, and they are UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from platforms.contract import LineKind, PayoutStatus

ORDER: Final = "ORDER"
RESERVE: Final = "RESERVE"
WITHDRAW: Final = "WITHDRAW"
SETTLE: Final = "SETTLE"
REVERSE: Final = "REVERSE"

TRANSACTIONS: Final[Mapping[str, LineKind]] = {
    ORDER: LineKind.SALE,
    RESERVE: LineKind.RESERVE_HELD,
    "CHARGE_BACK": LineKind.ADJUSTMENT,
    "CUSTOMER_SERVICE_COMPENSATION": LineKind.ADJUSTMENT,
    "DEDUCTIONS_INCURRED_BY_SELLER": LineKind.PENALTY,
    "GMV_PAYMENT_FOR_ADS": LineKind.ADVERTISING,
    "PLATFORM_COMMISSION_ADJUSTMENT": LineKind.COMMISSION,
    "PLATFORM_COMMISSION_COMPENSATION": LineKind.COMMISSION,
    "PLATFORM_PENALTY": LineKind.PENALTY,
    "PROMOTION_ADJUSTMENT": LineKind.ADJUSTMENT,
    # A discount on referral fees.
    "REBATE": LineKind.COMMISSION,
    "PLATFORM_COMPENSATION": LineKind.ADJUSTMENT,
    "PLATFORM_REIMBURSEMENT": LineKind.ADJUSTMENT,
    "COFUNDED_CREATOR_REWARDS": LineKind.ADVERTISING,
    "FBT_WAREHOUSE_SERVICE_FEE": LineKind.SHIPPING,
    "LOGISTICS_REIMBURSEMENT": LineKind.ADJUSTMENT,
    "SHIPPING_FEE_ADJUSTMENT": LineKind.SHIPPING,
    "SHIPPING_FEE_COMPENSATION": LineKind.SHIPPING,
    "SHIPPING_FEE_REBATE": LineKind.SUBSIDY,
    "SAMPLE_SHIPPING_FEE": LineKind.SHIPPING,
    "SELLER_MISSION_REWARD": LineKind.SUBSIDY,
    "OTHER_ADJUSTMENT": LineKind.ADJUSTMENT,
}

# A TRANSFER is a subsidy or a deduction "due to platform policies".
WITHDRAWALS: Final[Mapping[str, LineKind]] = {
    WITHDRAW: LineKind.PAYOUT,
    SETTLE: LineKind.SALE,
    "TRANSFER": LineKind.ADJUSTMENT,
    REVERSE: LineKind.PAYOUT_RETURNED,
}

KINDS: Final[Mapping[str, LineKind]] = {**TRANSACTIONS, **WITHDRAWALS}

# The vendor names a withdrawal's success SUCCESS in one sentence and PAID in another.
STATUSES: Final[Mapping[str, PayoutStatus]] = {
    "PROCESSING": PayoutStatus.IN_TRANSIT,
    "PAID": PayoutStatus.PAID,
    "SUCCESS": PayoutStatus.PAID,
    "FAILED": PayoutStatus.FAILED,
}
