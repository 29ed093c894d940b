"""The operator's back-office for the business: what the merchants' pages show, of all merchants.

Read-only but for column profiles, tariffs and waiver programmes, which are the operator's own.
Django looks here for what is registered.
"""

from settlement.admin import (
    accounts,
    banking,
    control,
    documents,
    matching,
    money_out,
    payouts,
    profiles,
)

__all__ = [
    "accounts",
    "banking",
    "control",
    "documents",
    "matching",
    "money_out",
    "payouts",
    "profiles",
]
