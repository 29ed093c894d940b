"""Books that are older than holds: their available money is guarded by a migration."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from djmoney.money import Money

from accounts.models import BankAccount, Merchant, SettlementAccount, Store
from ledger.book import AccountSpec, Draft, Side, credit, debit
from settlement.models import (
    BankLine,
    BankStatement,
    Match,
    MatchItem,
    Payout,
    SourceDocument,
    WalletStatement,
)
from tests.ledger.build import NOW, TODAY
from tests.ledger.older import LEDGER, migrate, old_book, older_database
from tests.ledger.test_plain_owner import run

pytestmark = pytest.mark.usefixtures("database")

BEFORE = ("settlement", "0005_money_out_guards")
AMOUNTS = (700, 42)

AFTERWARDS = """
import django; django.setup()
from uuid import UUID
from tests.settlement.test_upgrade import *
from accounts.access import acting_for
from ledger.balances import Funds, funds
from ledger.checks import prove
from ledger.models import LedgerAccount
from ledger.seals import seal
from settlement import checks
from settlement.bookings.writing import FACTS

book, account, bank = UUID("{book}"), UUID("{account}"), UUID("{bank}")

def clean():
    found = [*prove("owner"), *prove("ops"), *checks.prove("owner"), *checks.prove("ops", book)]
    assert [finding for finding in found if finding.violations] == []

with acting_for(book):
    the_business(book, account, bank)
    code = available(account)
    assert LedgerAccount.objects.get(code=code).floor == FACTS
    assert funds(book=book, code=code) == Funds(balance=742, held=0)
clean()
assert seal(book=book, now=NOW) == 4
with acting_for(book):
    assert funds(book=book, code=code) == Funds(balance=742, held=0)
clean()
print("told")
"""


def test_available_money_without_a_floor_gets_one_and_its_balance() -> None:
    account, bank = uuid.uuid4(), uuid.uuid4()
    codes = (f"bank:{bank}:CNY", available(account))
    sides = (Side.DEBIT, Side.CREDIT)
    with older_database(LEDGER, BEFORE) as environment:
        with old_book(environment) as old:
            old.open(
                *(
                    AccountSpec(code=code, currency="CNY", normal_side=side)
                    for code, side in zip(codes, sides, strict=True)
                )
            )
            for amount in AMOUNTS:
                old.post(arrived(*codes, amount))
        migrate(environment)
        told = AFTERWARDS.format(book=old.book, account=account, bank=bank)
        assert run("-c", told, env=environment).strip() == "told"


def available(account: UUID) -> str:
    return f"merchant:{account}:available:CNY"


def arrived(bank: str, available: str, amount: int) -> Draft:
    return Draft(
        reference=f"arrived:{amount}",
        kind="test",
        movements=(debit(bank, amount, "CNY"), credit(available, amount, "CNY")),
        event_at=NOW,
        booked_on=TODAY,
    )


def the_business(book: UUID, account_id: UUID, bank_id: UUID) -> None:
    """The rows which the two entries are the books of: payouts that are proven, of an opening."""
    merchant = Merchant(id=book, name="older")
    merchant.save(force_insert=True)
    of: dict[str, Any] = {"merchant": merchant}
    account = SettlementAccount.objects.create(**of, id=account_id, name="main")
    store = Store.objects.create(**of, settlement_account=account, platform="wechatpay", name="s")
    bank = BankAccount.objects.create(**of, id=bank_id, settlement_account=account, currency="CNY")
    document = SourceDocument.objects.create(
        **of, store=store, sha256=uuid.uuid4().hex * 2, size=1, name="f", known_at=NOW,
        state="loaded",
    )  # fmt: skip
    row = {**of, "document": document, "known_at": NOW}
    WalletStatement.objects.create(
        **row, store=store, opening=cny(sum(AMOUNTS)), closing=cny(0),
        first_at=NOW - timedelta(days=1), last_at=NOW,
    )  # fmt: skip
    statement = BankStatement.objects.create(
        **row, bank_account=bank, opening=cny(0), closing=cny(sum(AMOUNTS)),
        period_from=TODAY, period_to=TODAY,
    )  # fmt: skip
    for number, amount in enumerate(AMOUNTS, start=1):
        named = {**row, "row": number, "amount": cny(amount)}
        line = BankLine.objects.create(
            **named, bank_account=bank, statement=statement, line_key=f"k{number}", booked_on=TODAY
        )
        payout = Payout.objects.create(
            **named, store=store, external_id=f"P{number}", state="reconciled", announced_at=NOW
        )
        match = Match.objects.create(
            **of, settlement_account=account, state="confirmed", rule="amount", made_at=NOW
        )
        for side in ({"bank_line": line}, {"payout": payout}):
            MatchItem.objects.create(**of, **side, match=match, amount=cny(amount))


def cny(units: int) -> Any:  # django-stubs knows no money fields
    return Money(units, "CNY") / 100
