"""What others ask of the accounts floor. Inside `acting_for`."""

from __future__ import annotations

from accounts import vault
from accounts.models import BankAccount
from accounts.onboarding import NUMBER, normal_number


def bank_account_by_number(number: str, *, currency: str) -> BankAccount | None:
    """The acting merchant's account with this number and currency, or None if it has none."""
    digest = vault.digest(normal_number(number), context=NUMBER)
    return BankAccount.objects.filter(number_digest=digest, currency=currency).first()
