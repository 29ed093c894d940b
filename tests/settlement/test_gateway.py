"""Withdrawals at a real (simulated) bank over HTTP: paid once, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone
from djmoney.money import Money

from accounts.access import acting_for
from sandbox.online_bank import RunningBank
from settlement import checks, control
from settlement.errors import NoGatewayError
from settlement.models import (
    PaymentAttempt,
    SourceDocument,
    Withdrawal,
    WithdrawalState,
)
from settlement.money_out import gateway, queries
from tests.bank import close_day, collect, connected_bank, pay, switch, truth
from tests.money import Shop, a_shop, ordered, quoted, with_money

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A merchant with 9,000.00 available and 10,000.00 at the bank."""
    return with_money(a_shop(), tmp_path)


@pytest.fixture
def bank(shop: Shop, tmp_path: Path, settings: Any) -> Iterator[RunningBank]:
    with connected_bank(tmp_path, settings, shop) as bank:
        yield bank


def withdrawn(shop: Shop, amount: str = "2000", *, text: str = "") -> Withdrawal:
    now = timezone.now()
    return ordered(shop, quoted(shop, amount, now=now), now=now, text=text)


def available(shop: Shop) -> Money:
    with acting_for(shop.id):
        return queries.funds(shop.account)[0].available


def at_the_bank(bank: RunningBank, withdrawal: Withdrawal) -> list[int]:
    """The amounts the bank has booked under this number, in minor units."""
    return [
        entry["amount"]
        for entry in truth(bank)["entries"]
        if any(withdrawal.number in str(detail) for detail in entry["details"])
    ]


def sound(shop: Shop) -> bool:
    return not [found for found in checks.prove("owner", shop.id) if found.violations]


def test_the_bank_pays_and_its_next_statement_shows_it(shop: Shop, bank: RunningBank) -> None:
    withdrawal = pay(shop, withdrawn(shop, text="to our savings"))
    assert withdrawal.state == WithdrawalState.ACCEPTED
    assert at_the_bank(bank, withdrawal) == [-2000_00]
    close_day(bank)
    assert collect(shop) == 1
    with acting_for(shop.id):
        withdrawal.refresh_from_db()
        assert SourceDocument.objects.get(origin="bank").state == "loaded"
    assert withdrawal.state == WithdrawalState.SUCCEEDED
    assert available(shop) == Money(7000, "CNY")
    assert collect(shop) == 0
    assert sound(shop)


def test_what_the_bank_rejects_is_available_again(shop: Shop, bank: RunningBank) -> None:
    switch(bank, reject="Wang Xiaolan", code="AC04")
    withdrawal = pay(shop, withdrawn(shop))
    assert (withdrawal.state, withdrawal.reason_code) == (WithdrawalState.REJECTED, "AC04")
    assert available(shop) == Money(9000, "CNY")
    assert quoted(shop, "1", now=timezone.now()).ordinal == 1
    assert sound(shop)


def test_a_lost_answer_is_asked_for_and_never_paid_twice(shop: Shop, bank: RunningBank) -> None:
    switch(bank, lose_answers=1)
    withdrawal = pay(shop, withdrawn(shop))
    assert withdrawal.state == WithdrawalState.OUTCOME_UNKNOWN
    assert available(shop) == Money(7000, "CNY")
    assert pay(shop, withdrawal).state == WithdrawalState.ACCEPTED
    assert at_the_bank(bank, withdrawal) == [-2000_00]
    with acting_for(shop.id):
        assert PaymentAttempt.objects.count() == 1
    assert sound(shop)


def test_the_statement_may_come_before_the_answer(shop: Shop, bank: RunningBank) -> None:
    switch(bank, lose_answers=1)
    withdrawal = pay(shop, withdrawn(shop))
    close_day(bank)
    collect(shop)
    assert pay(shop, withdrawal).state == WithdrawalState.SUCCEEDED
    assert sound(shop)


def test_an_order_the_bank_never_had_is_sent_again_under_its_number(
    shop: Shop, bank: RunningBank
) -> None:
    switch(bank, ignore=1)
    withdrawal = pay(shop, withdrawn(shop))
    assert withdrawal.state == WithdrawalState.OUTCOME_UNKNOWN
    assert pay(shop, withdrawal).state == WithdrawalState.RESERVED
    assert pay(shop, withdrawal).state == WithdrawalState.ACCEPTED
    assert at_the_bank(bank, withdrawal) == [-2000_00]
    with acting_for(shop.id):
        tries = PaymentAttempt.objects.order_by("id").values_list("live", "outcome")
        assert list(tries) == [(False, "never_received"), (True, "accepted")]
    assert sound(shop)


def test_not_known_is_not_believed_while_the_bank_may_be_receiving(
    shop: Shop, bank: RunningBank, settings: Any
) -> None:
    settings.BANK_GRACE_SECONDS = 3600.0
    switch(bank, ignore=1)
    withdrawal = pay(shop, withdrawn(shop))
    assert pay(shop, withdrawal).state == WithdrawalState.OUTCOME_UNKNOWN
    assert at_the_bank(bank, withdrawal) == []


def test_a_busy_bank_is_asked_again(shop: Shop, bank: RunningBank) -> None:
    switch(bank, refuse_service=2)
    withdrawal = pay(shop, withdrawn(shop))
    assert withdrawal.state == WithdrawalState.OUTCOME_UNKNOWN
    assert pay(shop, withdrawal).state == WithdrawalState.OUTCOME_UNKNOWN
    assert pay(shop, withdrawal).state == WithdrawalState.RESERVED
    assert pay(shop, withdrawal).state == WithdrawalState.ACCEPTED
    assert at_the_bank(bank, withdrawal) == [-2000_00]


def test_a_dead_bank_delays_and_loses_nothing(
    shop: Shop, bank: RunningBank, tmp_path: Path, settings: Any
) -> None:
    bank.kill()
    withdrawal = pay(shop, withdrawn(shop))
    assert withdrawal.state == WithdrawalState.OUTCOME_UNKNOWN
    with connected_bank(tmp_path, settings) as again:
        assert pay(shop, withdrawal).state == WithdrawalState.RESERVED
        assert pay(shop, withdrawal).state == WithdrawalState.ACCEPTED
        assert at_the_bank(again, withdrawal) == [-2000_00]
    assert sound(shop)


def test_a_worker_killed_after_sending_asks_first(shop: Shop, bank: RunningBank) -> None:
    """What it leaves behind: a try marked as sent, the withdrawal still being submitted."""
    withdrawal = pay(shop, withdrawn(shop))
    with acting_for(shop.id):
        Withdrawal.objects.filter(id=withdrawal.id).update(state=WithdrawalState.SUBMITTED)
        PaymentAttempt.objects.update(answered_at=None, outcome="")
    assert pay(shop, withdrawal).state == WithdrawalState.ACCEPTED
    assert at_the_bank(bank, withdrawal) == [-2000_00]


def test_eight_workers_at_once_pay_once(shop: Shop, bank: RunningBank) -> None:
    withdrawal = withdrawn(shop)

    def work(_n: int) -> None:
        try:
            gateway.pay(merchant_id=shop.id, withdrawal_id=withdrawal.id)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as workers:
        list(workers.map(work, range(8)))
    assert at_the_bank(bank, withdrawal) == [-2000_00]
    with acting_for(shop.id):
        withdrawal.refresh_from_db()
    assert withdrawal.state == WithdrawalState.ACCEPTED
    assert sound(shop)


def test_a_return_after_success_is_seen_on_the_statement(shop: Shop, bank: RunningBank) -> None:
    withdrawal = pay(shop, withdrawn(shop))
    close_day(bank)
    collect(shop)
    switch(bank, **{"return": withdrawal.number})
    close_day(bank)
    collect(shop)
    with acting_for(shop.id):
        withdrawal.refresh_from_db()
    assert withdrawal.state == WithdrawalState.RETURNED
    assert available(shop) == Money(9000, "CNY")
    assert sound(shop)


def test_the_form_refuses_what_no_bank_could_carry(shop: Shop, bank: RunningBank) -> None:
    with acting_for(shop.id):
        shop.payee.agent = "???"
        shop.payee.save(update_fields=["agent"])
    withdrawal = pay(shop, withdrawn(shop))
    assert withdrawal.state == WithdrawalState.REJECTED
    assert withdrawal.reason
    assert at_the_bank(bank, withdrawal) == []
    assert available(shop) == Money(9000, "CNY")


def test_the_sweeper_finds_what_no_message_told_of(shop: Shop, bank: RunningBank) -> None:
    withdrawal = withdrawn(shop)
    assert control.sweep(now=timezone.now() + timedelta(minutes=1)) >= 1
    assert pay(shop, withdrawal).state == WithdrawalState.ACCEPTED
    assert control.collect_statements() >= 1


def test_a_bank_that_is_away_is_asked_for_statements_the_next_time(
    shop: Shop, bank: RunningBank, tmp_path: Path, settings: Any
) -> None:
    pay(shop, withdrawn(shop))
    close_day(bank)
    bank.kill()
    assert collect(shop) == 0
    with connected_bank(tmp_path, settings):
        assert collect(shop) == 1
    assert available(shop) == Money(7000, "CNY")


def test_without_a_bank_nothing_is_sent_or_collected(shop: Shop, settings: Any) -> None:
    settings.BANK_URL = ""
    assert pay(shop, withdrawn(shop)).state == WithdrawalState.RESERVED
    with acting_for(shop.id):
        assert not PaymentAttempt.objects.exists()
    assert control.collect_statements() == 0
    with pytest.raises(NoGatewayError):
        gateway.collect(merchant_id=shop.id, bank_account_id=shop.bank_account.id)
