"""Books that are older than holds: their available money is guarded by a migration."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime
from importlib import import_module

import pytest
from django.db import connections
from django.utils import timezone

from ledger.checks import prove
from tests.build import in_book
from tests.settlement.attempts import OWNER, rolled_back

pytestmark = pytest.mark.usefixtures("database")
GUARD = import_module("settlement.migrations.0006_guard_available_money").GUARD


def test_available_money_without_a_floor_gets_one_and_its_balance() -> None:
    from ledger import book
    from ledger.book import AccountSpec, Draft, Side, credit, debit

    mine, code = uuid.uuid4(), f"merchant:{uuid.uuid4()}:available:CNY"
    specs = [
        AccountSpec(code=code, currency="CNY", normal_side=Side.CREDIT),
        AccountSpec(code="else", currency="CNY", normal_side=Side.DEBIT),
    ]
    now = timezone.now()
    with in_book(mine):
        book.open_accounts(book=mine, specs=specs, now=now)
    for amount in (700, 42):
        draft = Draft(
            reference=f"r{amount}",
            kind="old",
            movements=(debit("else", amount, "CNY"), credit(code, amount, "CNY")),
            event_at=datetime(2026, 11, 1, tzinfo=UTC),
            booked_on=date(2026, 11, 1),
        )
        book.post(book=mine, draft=draft, now=now)
    with rolled_back(OWNER), connections[OWNER].cursor() as cursor:
        cursor.execute(GUARD)
        cursor.execute("SELECT debits, credits, held FROM ledger_balance WHERE book = %s", [mine])
        assert cursor.fetchall() == [(0, 742, 0)]
        broken = [found for found in prove(using=OWNER, book=mine) if found.violations]
        assert broken == []
        cursor.execute("SELECT tgenabled FROM pg_trigger WHERE tgname = 'account_never_changes'")
        assert cursor.fetchall() == [("A",)]
