"""What is learnt after a month was closed is booked in the next, as of when it happened."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from djmoney.money import Money

from accounts.access import acting_for
from ledger import balances, periods
from ledger.balances import Axis
from ledger.errors import DuplicateReferenceError
from ledger.models import JournalEntry
from ledger.statements import account_statement
from settlement import bookings, checks
from settlement.bookings import writing
from settlement.models import BankLine, Withdrawal, WithdrawalState
from settlement.money_out import queries
from tests.build import upload, work_off
from tests.money import Shop, a_shop, ordered, quoted, sent, statement, with_money

pytestmark = pytest.mark.usefixtures("database")

NOW = datetime(2026, 11, 3, 4, tzinfo=UTC)
LATE = date(2026, 11, 4)
CLOSED = date(2026, 11, 5)
OPEN = date(2026, 11, 6)
RENT = ("B20", "-300.00", "rent for the warehouse")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A merchant with 9,000.00 available and 10,000.00 at the bank on 3 November."""
    return with_money(a_shop(), tmp_path)


def close(shop: Shop, through: date) -> None:
    with acting_for(shop.id):
        now = datetime.combine(through, time(20), UTC)
        periods.close(book=shop.id, through=through, by="Ann", reason="", now=now)


def reopened(shop: Shop, through: date | None) -> None:
    with acting_for(shop.id):
        periods.reopen(
            book=shop.id, through=through, by="Ann", approved_by="Bob", reason="x", now=NOW
        )


def shown_late(shop: Shop, folder: Path, *entries: tuple[str, str, str]) -> None:
    """The statement of the fourth comes when the fifth is closed already."""
    rows = [(LATE.isoformat(), *entry) for entry in entries]
    path = statement(shop, folder / "late.xml", rows, opening="10000.00", day=LATE.isoformat())
    upload(shop.id, path)
    work_off(shop.id)


def entry_of_rent(shop: Shop) -> JournalEntry:
    with acting_for(shop.id):
        line = BankLine.objects.get(remittance__contains="rent")
        return JournalEntry.objects.get(book=shop.id, reference=f"bankline:{line.id}")


def booked_again(shop: Shop) -> None:
    """The same lines once more, as a repeated task would."""
    with acting_for(shop.id):
        lines = BankLine.objects.filter(booked_on=LATE)
        bookings.bank_lines_booked(lines, merchant_id=shop.id, now=datetime.now(UTC))


def entries(book: UUID) -> int:
    with acting_for(book):
        return JournalEntry.objects.filter(book=book).count()


def sound(shop: Shop) -> bool:
    return not [found for found in checks.prove("owner", shop.id) if found.violations]


def test_a_late_statement_is_booked_on_the_first_open_day(shop: Shop, tmp_path: Path) -> None:
    close(shop, CLOSED)
    shown_late(shop, tmp_path, RENT)
    entry = entry_of_rent(shop)
    assert entry.booked_on == OPEN
    assert entry.event_at.date() == LATE
    bank = bookings.bank(shop.bank_account.id, "CNY")
    end_of_day = datetime.combine(LATE, time.max, UTC)
    with acting_for(shop.id):
        told = account_statement(book=shop.id, code=bank, start=LATE, end=OPEN)
        assert (told.opening, told.closing) == (10000_00, 9700_00)
        assert [row.booked_on for row in told.rows] == [OPEN]
        found = balances.balance(book=shop.id, code=bank, as_of=end_of_day, by=Axis.EVENT)
        assert found == 9700_00
    assert sound(shop)


def test_the_same_fact_stays_where_it_was_booked(shop: Shop, tmp_path: Path) -> None:
    close(shop, CLOSED)
    shown_late(shop, tmp_path, RENT)
    before = entries(shop.id)
    booked_again(shop)
    close(shop, OPEN + timedelta(days=3))
    booked_again(shop)
    reopened(shop, LATE - timedelta(days=1))
    booked_again(shop)
    reopened(shop, None)
    booked_again(shop)
    assert entries(shop.id) == before
    assert entry_of_rent(shop).booked_on == OPEN
    assert sound(shop)


def test_a_fact_booked_in_time_is_no_late_one(shop: Shop, tmp_path: Path) -> None:
    shown_late(shop, tmp_path, RENT)
    before = entries(shop.id)
    close(shop, CLOSED)
    booked_again(shop)
    assert entries(shop.id) == before
    assert entry_of_rent(shop).booked_on == LATE
    assert sound(shop)


def test_another_day_is_other_content_unless_it_was_closed(shop: Shop) -> None:
    def draft(day: date, amount: int = 5) -> writing.Draft:
        return writing.Draft(
            reference="one fact",
            kind="test",
            movements=writing.transfer(
                to="opening:x:CNY", source="suspense:x:CNY", amount=amount, currency="CNY"
            ),
            event_at=NOW,
            booked_on=day,
        )

    close(shop, CLOSED)
    with acting_for(shop.id):
        writing.post(shop.id, [draft(OPEN + timedelta(days=1))], NOW)
        for other in (draft(OPEN), draft(LATE), draft(OPEN + timedelta(days=1), amount=6)):
            with pytest.raises(DuplicateReferenceError):
                writing.post(shop.id, [other], NOW)


def test_money_that_comes_in_and_goes_out_is_booked_late_too(shop: Shop, tmp_path: Path) -> None:
    withdrawal = sent(ordered(shop, quoted(shop, "2000", now=NOW), now=NOW), now=NOW)
    close(shop, CLOSED)
    shown_late(shop, tmp_path, ("B9", "-2000.00", withdrawal.number), RENT)
    with acting_for(shop.id):
        withdrawal = Withdrawal.objects.get(id=withdrawal.id)
        paid = JournalEntry.objects.get(book=shop.id, kind="withdrawal.paid")
        assert queries.funds(shop.account)[0].available == Money("7000", "CNY")
    assert withdrawal.state == WithdrawalState.SUCCEEDED
    assert withdrawal.paid_on == LATE
    assert (paid.booked_on, paid.event_at.date()) == (OPEN, LATE)
    assert sound(shop)


def test_what_is_taken_back_is_booked_on_an_open_day(shop: Shop, tmp_path: Path) -> None:
    shown_late(shop, tmp_path, RENT)
    close(shop, CLOSED)
    now = datetime.combine(CLOSED, time(9), UTC)
    with acting_for(shop.id):
        line = BankLine.objects.get(remittance__contains="rent")
        for _ in range(2):
            bookings.bank_lines_withdrawn([line.id], merchant_id=shop.id, now=now)
        reference = f"bankline:{line.id}:reversed"
        assert JournalEntry.objects.get(book=shop.id, reference=reference).booked_on == OPEN
