"""The operator's back-office for the business: what the merchants' pages show, of all merchants.

Read-only throughout, but for the column profiles. Django looks here for what is registered.
"""

from settlement.admin import accounts, banking, control, documents, matching, payouts, profiles

__all__ = ["accounts", "banking", "control", "documents", "matching", "payouts", "profiles"]
