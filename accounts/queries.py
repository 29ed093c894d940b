"""What others ask of the accounts floor. Inside `acting_for`."""

from __future__ import annotations

from accounts import vault
from accounts.models import BankAccount, Payee
from accounts.onboarding import NUMBER, PAYEE_NUMBER, normal_number


def number_of(account: BankAccount) -> str:
    """The account's whole number, unsealed: for reading its statements, never for showing."""
    return vault.unseal(bytes(account.number_sealed), context=NUMBER)


def bank_accounts_by_number(number: str) -> list[BankAccount]:
    """The acting merchant's accounts with this number: one a currency."""
    digest = vault.digest(normal_number(number), context=NUMBER)
    return list(BankAccount.objects.filter(number_digest=digest).order_by("currency"))


def bank_account_by_number(number: str, *, currency: str) -> BankAccount | None:
    """The acting merchant's account with this number and currency, or None if it has none."""
    digest = vault.digest(normal_number(number), context=NUMBER)
    return BankAccount.objects.filter(number_digest=digest, currency=currency).first()


def number_of_payee(payee: Payee) -> str:
    """The payee's whole account number, for the bank alone: never shown, never logged."""
    return vault.unseal(bytes(payee.number_sealed), context=PAYEE_NUMBER)
