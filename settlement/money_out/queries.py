"""What pages and the API ask about money out. Reads only; inside `acting_for`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Count, Q, QuerySet, Sum
from djmoney.money import Money

from accounts.models import BankAccount, Payee, PayeeState, SettlementAccount
from ledger import balances
from ledger.errors import UnknownAccountError
from settlement import bookings
from settlement.models import HOLDING, QuotaUse, WaiverRule, Withdrawal, WithdrawalState
from settlement.money_out.quotes import offer_of, rules_in_force


@dataclass(frozen=True, slots=True, kw_only=True)
class Funds:
    """What can be withdrawn from a bank account: arrived, on its way out, left.

    `available` = `balance` - `held`; it may be negative when the platforms took back more than
    was there.
    """

    bank_account: BankAccount
    balance: Money
    held: Money
    available: Money


def funds(account: SettlementAccount) -> list[Funds]:
    """The funds behind each bank account, by its currency; two of one currency share them."""
    bank_accounts = list(account.bank_accounts.order_by("currency", "bank", "id"))
    there = {
        currency: _funds(account, currency)
        for currency in {bank_account.currency for bank_account in bank_accounts}
    }
    return [
        Funds(bank_account=bank_account, **there[bank_account.currency])
        for bank_account in bank_accounts
    ]


def _funds(account: SettlementAccount, currency: str) -> dict[str, Money]:
    code = bookings.available(account.id, currency)
    try:
        found = balances.funds(book=account.merchant_id, code=code)
    except UnknownAccountError:
        # Nothing has arrived in this currency yet.
        return dict.fromkeys(("balance", "held", "available"), Money(0, currency))
    return {
        "balance": bookings.major(found.balance, currency),
        "held": bookings.major(found.held, currency),
        "available": bookings.major(found.available, currency),
    }


def banked(account: SettlementAccount) -> dict[str, Money]:
    """What the bank itself holds, by currency, as the books have it."""
    found = balances.balances(book=account.merchant_id, prefix="bank:")
    sums: dict[str, Money] = {}
    for bank_account in account.bank_accounts.all():
        currency = bank_account.currency
        code = bookings.bank(bank_account.id, currency)
        held = bookings.major(found[code].amount if code in found else 0, currency)
        sums[currency] = sums.get(currency, Money(0, currency)) + held
    return sums


def payees() -> QuerySet[Payee]:
    """The acting merchant's payees that may be paid, by name."""
    return Payee.objects.exclude(state=PayeeState.BLOCKED).order_by("holder", "id")


def withdrawals(account: SettlementAccount) -> QuerySet[Withdrawal]:
    """Withdrawals, newest first, with all a page shows of them."""
    return (
        Withdrawal.objects.filter(settlement_account=account)
        .select_related(
            "payee", "bank_account", "requested_by", "quote__rule__program", "quote__schedule"
        )
        .order_by("-requested_at", "-id")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramRow:
    """A programme that is in force, and what the merchant has of it this month."""

    rule: WaiverRule
    applies: bool
    used: int
    left: int | None
    """None: without limit."""


def programs(account: SettlementAccount, *, now: datetime) -> list[ProgramRow]:
    """Every programme in force, those that apply first."""
    offered = [(rule, offer_of(rule)) for rule in rules_in_force(account.merchant, now=now)]
    rows = [
        ProgramRow(
            rule=rule,
            applies=offer.segment in {"", account.merchant.segment},
            used=offer.used,
            left=offer.left,
        )
        for rule, offer in offered
    ]
    return sorted(rows, key=lambda row: not row.applies)


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What withdrawals that were paid (and stayed so) cost, in one currency."""

    currency: str
    count: int
    amount: Money
    fee: Money
    waived: Money

    @property
    def paid(self) -> Money:
        """What the merchant paid itself."""
        return self.fee - self.waived


def saved(account: SettlementAccount, *, since: date | None = None) -> list[Saved]:
    """What was withdrawn and what was saved, one row a currency."""
    paid = Withdrawal.objects.filter(settlement_account=account, state=WithdrawalState.SUCCEEDED)
    if since is not None:
        paid = paid.filter(paid_on__gte=since)
    rows = paid.values_list("amount_currency").annotate(
        count=Count("id"), amount=Sum("amount"), fee=Sum("fee"), waived=Sum("waived")
    )
    return [
        Saved(
            currency=currency,
            count=count,
            amount=Money(amount, currency),
            fee=Money(fee, currency),
            waived=Money(waived, currency),
        )
        for currency, count, amount, fee, waived in rows.order_by("amount_currency")
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutFlow:
    """The way out in one currency: what lies ready, what is on its way, what has left."""

    currency: str
    on_the_way: Money
    paid: Money
    returned: Money


def outflows(account: SettlementAccount) -> list[OutFlow]:
    """Withdrawals by how far they have come, for the picture of the money's flow."""
    on_the_way = Sum("amount", filter=Q(state__in=HOLDING))
    rows = (
        Withdrawal.objects.filter(settlement_account=account)
        .values_list("amount_currency")
        .annotate(
            on_the_way=on_the_way,
            paid=Sum("amount", filter=Q(state=WithdrawalState.SUCCEEDED)),
            returned=Sum("amount", filter=Q(state=WithdrawalState.RETURNED)),
        )
        .order_by("amount_currency")
    )
    return [
        OutFlow(
            currency=currency,
            on_the_way=Money(way or Decimal(0), currency),
            paid=Money(paid or Decimal(0), currency),
            returned=Money(returned or Decimal(0), currency),
        )
        for currency, way, paid, returned in rows
    ]


def quota_used(withdrawal: Withdrawal) -> QuotaUse | None:
    """The free withdrawal of the month this one was given, if it was."""
    return (
        QuotaUse.objects.filter(withdrawal=withdrawal)
        .select_related("rule__program")
        .order_by("-id")
        .first()
    )
