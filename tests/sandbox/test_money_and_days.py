"""Rounding, amounts of one's own, and the days banks work."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from sandbox import money
from sandbox.days import Period, business_days_later, next_weekday, on_or_after
from sandbox.shopify import Shop, Transaction

FRIDAY = date(2026, 11, 20)


@pytest.mark.parametrize(
    ("cents", "text"), [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (-1204, "-12.04"), (100, "1.00")]
)
def test_cents_as_text(cents: int, text: str) -> None:
    assert money.text(cents) == text


@pytest.mark.parametrize(("amount", "fee"), [(83, 0), (84, 1), (250, 2), (9_999, 60), (416, 2)])
def test_six_per_mille_half_up(amount: int, fee: int) -> None:
    assert money.per_mille(amount, 6) == fee


def test_a_taken_amount_gives_way_downwards_in_its_currency_only() -> None:
    taken = money.Taken()
    assert [taken.below("CNY", 500) for _ in range(3)] == [500, 499, 498]
    assert taken.below("USD", 500) == 500
    assert ("CNY", 498) in taken
    assert ("CNY", 497) not in taken


def test_banks_rest_at_the_weekend() -> None:
    monday = date(2026, 11, 23)
    assert on_or_after(FRIDAY) == FRIDAY
    assert [business_days_later(FRIDAY, count) for count in (0, 1, 2)] == [
        FRIDAY,
        monday,
        date(2026, 11, 24),
    ]
    assert business_days_later(date(2026, 11, 21), 0) == monday
    assert next_weekday(FRIDAY, 4) == FRIDAY
    assert next_weekday(FRIDAY, 0) == monday


def test_weeks_cover_every_day_once() -> None:
    period = Period(first=date(2026, 10, 22), last=FRIDAY)
    weeks = list(period.weeks())
    assert [day for week in weeks for day in week.days()] == list(period.days())
    assert [len(list(week.days())) for week in weeks] == [7, 7, 7, 7, 2]


def test_months_are_cut_to_the_period() -> None:
    period = Period(first=date(2026, 10, 31), last=date(2027, 2, 1))
    assert [(m.first.isoformat(), m.last.isoformat()) for m in period.months()] == [
        ("2026-10-31", "2026-10-31"),
        ("2026-11-01", "2026-11-30"),
        ("2026-12-01", "2026-12-31"),
        ("2027-01-01", "2027-01-31"),
        ("2027-02-01", "2027-02-01"),
    ]


@pytest.mark.parametrize("more", [0, 1, 2, 33, 12_345])
def test_a_shopify_payout_can_be_raised_to_any_cent(more: int) -> None:
    shop = Shop(store=None, last=FRIDAY, batches={FRIDAY: [_charge()]})  # type: ignore[arg-type]
    wanted = shop.net(FRIDAY) + more
    shop.raise_to(FRIDAY, wanted)
    (charge,) = shop.batches[FRIDAY]
    assert shop.net(FRIDAY) == wanted
    assert charge.fee == money.per_mille(charge.amount, 29) + 30


def _charge() -> Transaction:
    return Transaction(
        at=datetime(2026, 11, 18, 9, tzinfo=ZoneInfo("America/New_York")),
        kind="charge",
        order="#1001",
        checkout="#4000000000001",
        brand="visa",
        amount=4_999,
        fee=175,
        presented_in="USD",
        rate=100,
        available_on=FRIDAY,
        payout_on=FRIDAY,
    )
