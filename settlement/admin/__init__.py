"""The operator's back-office for the business: what the merchants' pages show, of all merchants.

Read-only but for column profiles, tariffs, waiver programmes and applications at platforms, which
are the operator's own.
Django looks here for what is registered.
"""

from settlement.admin import (
    accounts,
    applications,
    banking,
    control,
    documents,
    matching,
    money_out,
    payouts,
    profiles,
    pulling,
)

__all__ = [
    "accounts",
    "applications",
    "banking",
    "control",
    "documents",
    "matching",
    "money_out",
    "payouts",
    "profiles",
    "pulling",
]
