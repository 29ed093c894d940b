"""How a merchant comes aboard: merchant, members, settlement account, bank accounts, stores."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from accounts import vault
from accounts.access import acting_for
from accounts.models import (
    BankAccount,
    LinkMethod,
    Member,
    Merchant,
    Payee,
    PayeeState,
    Role,
    SettlementAccount,
    Store,
    StoreLink,
    User,
    new_id,
)

NUMBER = "bank_account.number"
PAYEE_NUMBER = "payee.number"


class InvitedOnly(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are made by the operator; nobody signs up from outside."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Signing up is closed."""
        return False


def register_merchant(*, name: str, owner: User, zone: str = "Asia/Shanghai") -> Merchant:
    """Create a merchant with its first member, who may do everything."""
    merchant = Merchant(id=new_id(), name=name, zone=zone)
    with acting_for(merchant.id):
        merchant.save(force_insert=True)
        Member.objects.create(merchant=merchant, user=owner, role=Role.OWNER)
    return merchant


def open_settlement_account(merchant: Merchant, *, name: str) -> SettlementAccount:
    """Open the account to which stores are linked. Inside `acting_for`."""
    return SettlementAccount.objects.create(merchant=merchant, name=name)


def add_bank_account(
    account: SettlementAccount, *, bank: str, holder: str, number: str, currency: str
) -> BankAccount:
    """Add an account at a bank; its number is sealed and never shown again. Inside `acting_for`."""
    plain = normal_number(number)
    return BankAccount.objects.create(
        merchant_id=account.merchant_id,
        settlement_account=account,
        bank=bank,
        holder=holder,
        number_sealed=vault.seal(plain, context=NUMBER),
        number_digest=vault.digest(plain, context=NUMBER),
        number_tail=plain[-4:],
        currency=currency,
    )


def add_payee(
    merchant: Merchant,
    *,
    holder: str,
    bank: str,
    number: str,
    currency: str,
    agent: str = "",
    by: User | None = None,
) -> Payee:
    """Save a beneficiary of withdrawals; its number is sealed. Inside `acting_for`."""
    plain = normal_number(number)
    return Payee.objects.create(
        merchant=merchant,
        holder=holder,
        bank=bank,
        agent=agent,
        number_sealed=vault.seal(plain, context=PAYEE_NUMBER),
        number_digest=vault.digest(plain, context=PAYEE_NUMBER),
        number_tail=plain[-4:],
        currency=currency,
        state=PayeeState.TRUSTED,
        added_by=by,
    )


def add_store(
    account: SettlementAccount, *, platform: str, name: str, cash_account: str = ""
) -> Store:
    """Add a shop and link it by file upload. Inside `acting_for`."""
    store = Store.objects.create(
        merchant_id=account.merchant_id, settlement_account=account, platform=platform, name=name
    )
    StoreLink.objects.create(
        merchant_id=account.merchant_id,
        store=store,
        cash_account=cash_account,
        method=LinkMethod.UPLOAD,
    )
    return store


def normal_number(number: str) -> str:
    """An account number without spaces and hyphens, in capitals."""
    return "".join(c for c in number.upper() if c.isalnum())
