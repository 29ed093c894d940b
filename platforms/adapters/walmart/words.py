"""Walmart's words: Amount Type, and Transaction Description where that decides.

Source: platforms-global.md §8 (real rows); the last five amount types from two programs
that read real answers of the JSON report.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from platforms.contract import LineKind

SUMMARY: Final = "PaymentSummary"
DEPOSITED: Final = "Deposited in account"

AMOUNTS: Final[Mapping[str, LineKind]] = {
    "Product Price": LineKind.SALE,
    "Commission on Product": LineKind.COMMISSION,
    "Product tax": LineKind.TAX,
    "Product tax withheld": LineKind.TAX,
    "Total Walmart Funded Savings": LineKind.SUBSIDY,
    "Promo Code": LineKind.SUBSIDY,
    "WFS Inventory Fee/Reimbursement": LineKind.ADJUSTMENT,
}
# What a `Fee/Reimbursement` is for stands in its description alone.
DESCRIPTIONS: Final[Mapping[str, LineKind]] = {
    "Walmart Shipping Label Service Charge": LineKind.SHIPPING,
}
KINDS: Final[Mapping[str, LineKind]] = {**AMOUNTS, **DESCRIPTIONS}


def kind(amount_type: str, description: str, value: Decimal) -> LineKind:
    """What a row is; a price that is taken back is a refund, whatever its transaction."""
    found = AMOUNTS.get(amount_type) or DESCRIPTIONS.get(description) or LineKind.UNKNOWN
    return LineKind.REFUND if found is LineKind.SALE and value < 0 else found
