"""How a merchant comes aboard: merchant, members, settlement account, bank accounts, stores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from allauth.account.adapter import DefaultAccountAdapter
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts import vault
from accounts.access import acting_for
from accounts.errors import StoreTakenError
from accounts.models import (
    BankAccount,
    LinkMethod,
    LinkState,
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
ONCE_ON_A_PLATFORM: Final = {
    "store_name_is_once_on_a_platform",
    "store_number_is_once_on_a_platform",
}


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
    return BankAccount.objects.create(
        merchant_id=account.merchant_id,
        settlement_account=account,
        bank=bank,
        holder=holder,
        **_sealed(number, context=NUMBER),
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
    return Payee.objects.create(
        merchant=merchant,
        holder=holder,
        bank=bank,
        agent=agent,
        **_sealed(number, context=PAYEE_NUMBER),
        currency=currency,
        state=PayeeState.TRUSTED,
        added_by=by,
    )


def add_store(
    account: SettlementAccount,
    *,
    platform: str,
    name: str,
    external_id: str = "",
    cash_account: str = "",
) -> Store:
    """Add a shop and link it by file upload. Inside `acting_for`. Raises StoreTakenError."""
    new = NewStore(account=account, platform=platform, name=name, external_id=external_id)
    return add_stores([new], cash_account=cash_account)[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStore:
    """A shop that is to be linked; `external_id` is the platform's own number for it."""

    account: SettlementAccount
    platform: str
    name: str
    external_id: str = ""


def add_stores(
    new: Iterable[NewStore], *, cash_account: str = "", now: datetime | None = None
) -> list[Store]:
    """Add shops and link each by file upload, all or none. Inside `acting_for`.

    Raises StoreTakenError where a name or number is taken on its platform; the
    transaction around it can go on.
    """
    made_at = now or timezone.now()
    stores = [
        Store(
            merchant_id=each.account.merchant_id,
            settlement_account=each.account,
            platform=each.platform,
            name=each.name,
            external_id=each.external_id,
            created_at=made_at,
        )
        for each in new
    ]
    with _naming_what_is_taken(), transaction.atomic():
        Store.objects.bulk_create(stores)
        StoreLink.objects.bulk_create(
            StoreLink(
                merchant_id=store.merchant_id,
                store=store,
                cash_account=cash_account,
                method=LinkMethod.UPLOAD,
                state=LinkState.ACTIVE,
                created_at=made_at,
            )
            for store in stores
        )
    return stores


def number_stores(stores: Iterable[Store]) -> None:
    """Keep the numbers these shops were given, all or none. Inside `acting_for`.

    Raises StoreTakenError.
    """
    with _naming_what_is_taken(), transaction.atomic():
        Store.objects.bulk_update(stores, ["external_id"])


@contextmanager
def _naming_what_is_taken() -> Iterator[None]:
    """Turn a broken UNIQUE of stores into the named error."""
    try:
        yield
    except IntegrityError as error:
        cause: Any = error.__cause__
        if cause.diag.constraint_name not in ONCE_ON_A_PLATFORM:
            raise
        raise StoreTakenError("a store of this name or number is linked already") from error


def _sealed(number: str, *, context: str) -> dict[str, Any]:
    """The columns of an account number that is never readable again but by its tail."""
    plain = normal_number(number)
    return {
        "number_sealed": vault.seal(plain, context=context),
        "number_digest": vault.digest(plain, context=context),
        "number_tail": plain[-4:],
    }


def normal_number(number: str) -> str:
    """An account number without spaces and hyphens, in capitals."""
    return "".join(c for c in number.upper() if c.isalnum())
