"""The bank's statement decides what became of a withdrawal, and the books follow it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from djmoney.money import Money

from accounts.access import acting_for
from ledger import balances
from settlement import bookings, checks
from settlement.checks.outgoing import MONEY_OUT
from settlement.errors import SettledError
from settlement.models import (
    MatchItem,
    Payout,
    PayoutState,
    QuotaUse,
    Reason,
    ReconException,
    SourceDocument,
    Withdrawal,
    WithdrawalState,
)
from settlement.money_in.withdrawing import withdraw
from settlement.money_out import queries, withdrawals
from tests.build import upload, work_off
from tests.money import FIRST_THREE, Shop, a_shop, ordered, quoted, sent, statement, with_money
from tests.settlement.attempts import tampering
from tests.settlement.files import fund_flow

pytestmark = pytest.mark.usefixtures("database")
NOW = datetime(2026, 11, 3, 4, tzinfo=UTC)


def cny(amount: str) -> Money:
    return Money(amount, "CNY")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A merchant with 9,000.00 available and 10,000.00 at the bank on 3 November."""
    return with_money(a_shop(), tmp_path)


@pytest.fixture
def withdrawal(shop: Shop) -> Withdrawal:
    """2,000.00 ordered free of charge, and accepted by the bank."""
    return sent(ordered(shop, quoted(shop, "2000", now=NOW), now=NOW), now=NOW)


def shown(
    shop: Shop, folder: Path, day: str, *entries: tuple[str, str, str], opening: str
) -> SourceDocument:
    """Another day's statement is uploaded and reconciled; entries: (reference, amount, text)."""
    rows = [(day, *entry) for entry in entries]
    path = statement(shop, folder / f"{day}.xml", rows, opening=opening, day=day)
    document = upload(shop.id, path)
    work_off(shop.id)
    return document


def state(shop: Shop, withdrawal: Withdrawal) -> str:
    with acting_for(shop.id):
        withdrawal.refresh_from_db()
    return withdrawal.state


def balance(shop: Shop, code: str) -> int:
    with acting_for(shop.id):
        found = balances.balances(book=shop.id, prefix=code)
    return found[code].amount if code in found else 0


def available(shop: Shop) -> Money:
    with acting_for(shop.id):
        return queries.funds(shop.account)[0].available


def sound(shop: Shop) -> bool:
    return not [found for found in checks.prove("owner", shop.id) if found.violations]


def test_the_debit_on_the_statement_pays_it(
    shop: Shop, withdrawal: Withdrawal, tmp_path: Path
) -> None:
    line = ("B9", "-2000.00", f"{withdrawal.number} savings")
    shown(shop, tmp_path, "2026-11-04", line, opening="10000.00")
    assert state(shop, withdrawal) == WithdrawalState.SUCCEEDED
    assert withdrawal.paid_on == date(2026, 11, 4)
    assert available(shop) == cny("7000")
    assert balance(shop, bookings.bank(shop.bank_account.id, "CNY")) == 8000_00
    # What the bank held before the first statement, and its counterpart, are untouched.
    assert balance(shop, bookings.unrelated(shop.bank_account.id, "CNY")) == 0
    assert balance(shop, bookings.fee_income("CNY")) == 5_00
    assert balance(shop, bookings.waiver(FIRST_THREE, "CNY")) == 5_00
    assert sound(shop)


def test_a_fee_that_nobody_waives_is_income_without_a_counterpart(
    shop: Shop, tmp_path: Path
) -> None:
    for _turn in range(3):
        ordered(shop, quoted(shop, "1", now=NOW), now=NOW)
    fourth = sent(ordered(shop, quoted(shop, "2000", now=NOW), now=NOW), now=NOW)
    line = ("B9", "-2000.00", fourth.number)
    shown(shop, tmp_path, "2026-11-04", line, opening="10000.00")
    assert available(shop) == cny("9000") - cny("3") - cny("2005")
    assert balance(shop, bookings.fee_income("CNY")) == 5_00
    assert balance(shop, bookings.waiver(FIRST_THREE, "CNY")) == 0
    assert sound(shop)


def test_a_return_restores_balance_fee_and_quota(
    shop: Shop, withdrawal: Withdrawal, tmp_path: Path
) -> None:
    paid = ("B9", "-2000.00", withdrawal.number)
    shown(shop, tmp_path, "2026-11-04", paid, opening="10000.00")
    back = ("B10", "2000.00", f"RETURN {withdrawal.number} ACCOUNT CLOSED")
    shown(shop, tmp_path, "2026-11-06", back, opening="8000.00")
    assert state(shop, withdrawal) == WithdrawalState.RETURNED
    assert withdrawal.returned_on == date(2026, 11, 6)
    assert "ACCOUNT CLOSED" in withdrawal.reason
    assert available(shop) == cny("9000")
    assert balance(shop, bookings.fee_income("CNY")) == 0
    assert balance(shop, bookings.waiver(FIRST_THREE, "CNY")) == 0
    with acting_for(shop.id):
        assert list(QuotaUse.objects.values_list("state", "live")) == [("restored", False)]
    assert quoted(shop, "2000", now=NOW).ordinal == 1
    assert sound(shop)


def test_paid_and_returned_on_one_statement(
    shop: Shop, withdrawal: Withdrawal, tmp_path: Path
) -> None:
    """The credit is listed first, as some banks do."""
    lines = [("B10", "2000.00", withdrawal.number), ("B9", "-2000.00", withdrawal.number)]
    shown(shop, tmp_path, "2026-11-04", *lines, opening="10000.00")
    assert state(shop, withdrawal) == WithdrawalState.RETURNED
    assert available(shop) == cny("9000")
    assert sound(shop)


@pytest.mark.parametrize("broken_at", [3, 12, 27])
def test_a_number_broken_by_the_bank_is_still_ours(
    shop: Shop, withdrawal: Withdrawal, tmp_path: Path, broken_at: int
) -> None:
    text = f"REF {withdrawal.number[:broken_at]} {withdrawal.number[broken_at:]} savings"
    shown(shop, tmp_path, "2026-11-04", ("B9", "-2000.00", text), opening="10000.00")
    assert state(shop, withdrawal) == WithdrawalState.SUCCEEDED


@pytest.mark.parametrize("amount", ["-1999.99", "-2000.01", "2000.00"])
def test_what_does_not_fit_is_not_guessed_at(
    shop: Shop, withdrawal: Withdrawal, tmp_path: Path, amount: str
) -> None:
    """Another amount, or a return of what was never seen paid, is for a person to look at."""
    line = ("B9", amount, withdrawal.number)
    shown(shop, tmp_path, "2026-11-04", line, opening="10000.00")
    assert state(shop, withdrawal) == WithdrawalState.ACCEPTED
    assert available(shop) == cny("7000")
    with acting_for(shop.id):
        found = ReconException.objects.get(reason=Reason.WITHDRAWAL_DIFFERS)
        assert found.bank_line is not None
    assert sound(shop)


def test_what_was_cancelled_and_leaves_all_the_same_is_seen(shop: Shop, tmp_path: Path) -> None:
    cancelled = ordered(shop, quoted(shop, "2000", now=NOW), now=NOW)
    with acting_for(shop.id):
        withdrawals.cancel(cancelled, now=NOW)
    line = ("B9", "-2000.00", cancelled.number)
    shown(shop, tmp_path, "2026-11-04", line, opening="10000.00")
    assert state(shop, cancelled) == WithdrawalState.CANCELLED
    with acting_for(shop.id):
        assert ReconException.objects.get(reason=Reason.WITHDRAWAL_DIFFERS)
    assert sound(shop)


def test_paid_twice_by_the_bank_is_paid_once_in_the_books(
    shop: Shop, withdrawal: Withdrawal, tmp_path: Path
) -> None:
    twice = [("B9", "-2000.00", withdrawal.number), ("B10", "-2000.00", withdrawal.number)]
    shown(shop, tmp_path, "2026-11-04", *twice, opening="10000.00")
    assert state(shop, withdrawal) == WithdrawalState.SUCCEEDED
    assert available(shop) == cny("7000")
    assert balance(shop, bookings.unrelated(shop.bank_account.id, "CNY")) == -2000_00
    with acting_for(shop.id):
        assert ReconException.objects.get(reason=Reason.WITHDRAWAL_DIFFERS)
    assert sound(shop)


def test_the_same_amount_without_our_number_is_somebody_elses(
    shop: Shop, withdrawal: Withdrawal, tmp_path: Path
) -> None:
    rent = ("B9", "-2000.00", "rent of November")
    shown(shop, tmp_path, "2026-11-04", rent, opening="10000.00")
    assert state(shop, withdrawal) == WithdrawalState.ACCEPTED
    assert balance(shop, bookings.unrelated(shop.bank_account.id, "CNY")) == -2000_00


def test_a_return_is_never_taken_for_a_payout_of_the_same_amount(
    shop: Shop, withdrawal: Withdrawal, tmp_path: Path
) -> None:
    paid = ("B9", "-2000.00", withdrawal.number)
    shown(shop, tmp_path, "2026-11-04", paid, opening="10000.00")
    flows = [("21:00:00", "3", "交易", "2000.00"), ("22:00:00", "4", "提现", "-2000.00")]
    upload(shop.id, fund_flow(tmp_path / "more.csv", flows), store=shop.store)
    work_off(shop.id)
    back = ("B10", "2000.00", f"RETURN {withdrawal.number}")
    shown(shop, tmp_path, "2026-11-05", back, opening="8000.00")
    assert state(shop, withdrawal) == WithdrawalState.RETURNED
    with acting_for(shop.id):
        payout = Payout.objects.get(amount=2000, live=True)
        assert payout.state != PayoutState.RECONCILED
    assert sound(shop)


def test_reading_the_statement_again_pays_nothing_twice(
    shop: Shop, withdrawal: Withdrawal, tmp_path: Path
) -> None:
    line = ("B9", "-2000.00", withdrawal.number)
    shown(shop, tmp_path, "2026-11-04", line, opening="10000.00")
    overlap = [("2026-11-03", "B1", "9000.00", "财付通提现"), ("2026-11-04", *line)]
    upload(shop.id, statement(shop, tmp_path / "both.xml", overlap, opening="1000.00"))
    work_off(shop.id)
    with acting_for(shop.id):
        assert MatchItem.objects.filter(withdrawal=withdrawal).count() == 1
    assert available(shop) == cny("7000")


def test_a_statement_that_proves_a_withdrawal_stays(
    shop: Shop, withdrawal: Withdrawal, tmp_path: Path
) -> None:
    line = ("B9", "-2000.00", withdrawal.number)
    document = shown(shop, tmp_path, "2026-11-04", line, opening="10000.00")
    with pytest.raises(SettledError):
        withdraw(merchant_id=shop.id, document_id=document.id, now=NOW)
    assert state(shop, withdrawal) == WithdrawalState.SUCCEEDED
    assert sound(shop)


# --- what check_books finds ---------------------------------------------------------------

FEES = "fees are those of the withdrawals that were paid, gross"
WAIVED = "what a programme has forgiven is what its withdrawals were waived"
AVAILABLE = "the merchant's available money is what is matched and was not paid out"
HOLDS, PROVEN, AS_QUOTED, ONCE, QUOTA, ATTEMPTS = MONEY_OUT
ONE, BOOK = "merchant_id = %(merchant)s", "book = %(merchant)s"
UNGUARDED = "ALTER TABLE ledger_hold DISABLE TRIGGER USER;"

TAMPERS = [
    (f"UPDATE settlement_withdrawal SET fee = fee + 1 WHERE {ONE}", {FEES, AS_QUOTED}),
    (f"UPDATE settlement_withdrawal SET waived = waived - 1 WHERE {ONE}", {WAIVED, AVAILABLE}),
    (f"UPDATE settlement_withdrawal SET amount = amount + 1 WHERE {ONE}", {AVAILABLE, HOLDS}),
    (f"UPDATE settlement_withdrawal SET state = 'accepted' WHERE {ONE}", {PROVEN, QUOTA, HOLDS}),
    (f"UPDATE settlement_withdrawal SET state = 'returned' WHERE {ONE}", {PROVEN, QUOTA}),
    (f"DELETE FROM settlement_withdrawal WHERE {ONE}", {HOLDS}),
    (
        f"{UNGUARDED} UPDATE ledger_hold SET state = 'released', taken = 0 WHERE {BOOK}",
        {HOLDS},
    ),
    (f"{UNGUARDED} DELETE FROM ledger_hold WHERE {BOOK}", {HOLDS}),
    (f"DELETE FROM settlement_paymentattempt WHERE {ONE}", {ATTEMPTS}),
    (f"UPDATE settlement_quotause SET state = 'restored', live = false WHERE {ONE}", {QUOTA}),
    (f"DELETE FROM settlement_quotause WHERE {ONE}", {QUOTA}),
    (
        "ALTER TABLE settlement_quotause DROP CONSTRAINT quota_use_is_within_its_quota; "
        f"UPDATE settlement_quotause SET ordinal = 4 WHERE {ONE}",
        {ONCE},
    ),
]


@pytest.fixture(scope="module")
def settled(
    migrated: None,
    django_db_blocker: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Shop]:
    """A merchant whose one withdrawal was paid."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        folder = tmp_path_factory.mktemp("settled")
        shop = with_money(a_shop(), folder)
        paid = sent(ordered(shop, quoted(shop, "2000", now=NOW), now=NOW), now=NOW)
        shown(shop, folder, "2026-11-04", ("B9", "-2000.00", paid.number), opening="10000.00")
        yield shop


@pytest.mark.parametrize(("sql", "found"), TAMPERS)
def test_tampering_is_found(settled: Shop, sql: str, found: set[str]) -> None:
    with tampering() as cursor:
        cursor.execute(sql, {"merchant": settled.id})
        broken = {f.invariant for f in checks.prove("owner", settled.id) if f.violations}
        assert found <= broken


def test_every_invariant_of_money_out_has_a_tamper_it_finds() -> None:
    assert set(MONEY_OUT) | {FEES, WAIVED} <= set().union(*(found for _, found in TAMPERS))
