"""The demonstration's way out: a tariff, programmes, payees, and withdrawals at the simulated bank.

The orders go through the hub's own entrances; only what the outside world does (opening the
account there, sending a payment back) is asked of the simulated bank itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from django.conf import settings
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.utils import timezone
from djmoney.money import Money

from accounts.access import acting_for
from accounts.models import BankAccount, Merchant, Payee
from accounts.onboarding import add_payee
from accounts.queries import number_of
from ledger import balances
from sandbox.online_bank import running
from settlement import bookings
from settlement.models import (
    FeeQuote,
    FeeSchedule,
    FeeTier,
    WaiverProgram,
    WaiverRule,
    Withdrawal,
    WithdrawalState,
)
from settlement.money_out import gateway, queries, quotes, withdrawals

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
TIERS = (("10000", "5"), ("100000", "10"), ("500000", "15"), (None, "20"))
"""Up to an amount (None: above all) so much: steps as Chinese banks have them."""
PROGRAMS = (
    ("first-three", "First 3 withdrawals of a month free", "每月前3笔提现免费", {"quota": 3}),
    ("e-commerce", "E-commerce merchants free", "电商商户提现全免", {"segment": "e_commerce"}),
)
ORDERS = (("60000", 0), ("25800", 1), ("8000", 0), ("120000", 1))
"""Amount and payee; three are free, the fourth is not, and the second comes back."""
RETURNED = 1
PATIENCE = timedelta(minutes=2)


class StuckError(Exception):
    """The demonstration's withdrawals did not come to an end."""


def set_terms() -> None:
    """The operator's tariff and programmes, where there are none yet."""
    if FeeSchedule.objects.exists():
        return
    for currency in ("CNY", "USD"):
        schedule = FeeSchedule.objects.using("ops").create(
            currency=currency, version=1, effective_from=LONG_AGO
        )
        for up_to, fixed in TIERS:
            FeeTier.objects.using("ops").create(
                schedule=schedule, up_to=up_to and Decimal(up_to), fixed=Decimal(fixed)
            )
    for code, name, name_zh, terms in PROGRAMS:
        program = WaiverProgram.objects.using("ops").create(code=code, name=name, name_zh=name_zh)
        WaiverRule.objects.using("ops").create(
            program=program, version=1, valid=DateTimeTZRange(LONG_AGO, None), **terms
        )


def add_payees(merchant: Merchant) -> None:
    """Where the merchant takes its money, where it has named nobody yet. Inside `acting_for`."""
    if Payee.objects.exists():
        return
    for holder, bank, number in (
        (merchant.name, "招商银行 杭州分行", "571900001010801"),
        ("景德镇青禾陶瓷厂", "中国工商银行 景德镇支行", "1503200009024500001"),
    ):
        add_payee(merchant, holder=holder, bank=bank, number=number, currency="CNY")


@contextmanager
def bank_of_its_own(home: Path) -> Iterator[None]:
    """A simulated bank for this process, where no supervisor runs one."""
    if gateway.connected():
        yield
        return
    with running(state=home / "simulated-bank", closes_every=1) as bank:
        settings.BANK_URL, settings.BANK_KEY = bank.url, bank.key
        yield


def move_money(merchant_id: UUID, *, tell: Callable[[str], None], work: Callable[[], None]) -> None:
    """Order the withdrawals once, let them be paid, and have one come back.

    `work` is called while waiting. Raises StuckError.
    """
    set_terms()
    with acting_for(merchant_id):
        if Withdrawal.objects.exists():
            return
        account = BankAccount.objects.select_related("merchant").get(currency="CNY")
        add_payees(account.merchant)
        payees = list(Payee.objects.order_by("id"))
        _open_account(account)
    ordered = [_order(account, payees[payee], amount) for amount, payee in ORDERS]
    _wait(ordered, {WithdrawalState.SUCCEEDED}, work)
    _bank("POST", "/control", json={"return": ordered[RETURNED].number})
    _wait([ordered[RETURNED]], {WithdrawalState.RETURNED}, work)
    tell(f"withdrew {len(ordered)} times at the simulated bank, which sent one back")


def _open_account(account: BankAccount) -> None:
    """The bank carries on from where its last statement ended."""
    code = bookings.bank(account.id, account.currency)
    held = balances.balances(book=account.merchant_id, codes=[code])[code].amount
    _bank(
        "POST",
        "/accounts",
        json={
            "number": number_of(account),
            "currency": account.currency,
            "holder": account.holder,
            "opening": held,
            "first_sequence": 1001,
        },
    )


def _order(account: BankAccount, payee: Payee, amount: str) -> Withdrawal:
    now = timezone.now()
    with acting_for(account.merchant_id):
        quote = quotes.quote_fee(account, amount=Money(amount, account.currency), by=None, now=now)
        return withdrawals.request(
            quote=FeeQuote.objects.select_related("rule", "bank_account").get(id=quote.id),
            payee=payee,
            key=quote.id.hex,
            by=None,
            now=now,
        )


def _wait(wanted: list[Withdrawal], states: set[WithdrawalState], work: Callable[[], None]) -> None:
    deadline = timezone.now() + PATIENCE
    while True:
        work()
        with acting_for(wanted[0].merchant_id):
            found = Withdrawal.objects.filter(id__in=[w.id for w in wanted])
            if set(found.values_list("state", flat=True)) <= states:
                return
        if timezone.now() > deadline:
            raise StuckError("the simulated bank has not settled the withdrawals")
        time.sleep(0.5)


def work_off(merchant_id: UUID) -> None:
    """Do the workers' part at the bank in this process: send, ask, collect."""
    with acting_for(merchant_id):
        waiting = list(
            Withdrawal.objects.filter(state=WithdrawalState.RESERVED).values_list("id", flat=True)
        )
        accounts = list(BankAccount.objects.values_list("id", flat=True))
    for id in waiting:
        gateway.pay(merchant_id=merchant_id, withdrawal_id=id)
    for id in accounts:
        gateway.collect(merchant_id=merchant_id, bank_account_id=id)


def summary(merchant_id: UUID) -> list[str]:
    """What the withdrawals came to, in lines for a terminal."""
    with acting_for(merchant_id):
        account = BankAccount.objects.select_related("settlement_account").get(currency="CNY")
        return [
            f"withdrawn  {row.count} of {row.amount.amount:,.2f} {row.currency}, fees "
            f"{row.fee.amount:,.2f}, waived {row.waived.amount:,.2f}"
            for row in queries.saved(account.settlement_account)
        ]


def _bank(method: str, path: str, **more: Any) -> None:
    headers = {"Authorization": f"Bearer {settings.BANK_KEY}"}
    with httpx.Client(base_url=settings.BANK_URL, headers=headers, timeout=20) as client:
        client.request(method, path, **more).raise_for_status()
