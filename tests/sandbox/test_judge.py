"""The judge that proves a world's truth sees what it should, and refuses a wrong truth."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from sandbox import UnsoundWorldError, World
from sandbox.judge import judge, require_sound
from sandbox.model import Detail, Entry, Outcome, Payout

ANNOUNCED = date(2026, 11, 2)
TODAY = date(2026, 11, 20)
REFERENCE = "1012345678202611021234567890"


def payout(amount: int = 9940, reference: str = REFERENCE, due: bool = False) -> Payout:
    return Payout(
        store="W01",
        reference=reference,
        currency="CNY",
        amount=amount,
        announced_at=datetime(2026, 11, 2, 20, 30, tzinfo=UTC),
        due_on=ANNOUNCED if due else None,
    )


def line(text: str, amount: int = 9940, after: int = 1) -> Entry:
    day = ANNOUNCED + timedelta(days=after)
    detail = Detail(amount=amount, counterparty="X", end_to_end_id="NOTPROVIDED", texts=(text,))
    return Entry(
        account="1",
        currency="CNY",
        kind="payout",
        amount=amount,
        booked_on=day,
        value_on=day,
        bank_code=("PMNT", "RCDT", "DMCT"),
        details=(detail,),
        reference=f"SB{text}{after}",
    )


@pytest.mark.parametrize(
    ("entry", "outcome"),
    [
        (line(f"提现 {REFERENCE}"), Outcome.MATCHED_BY_REFERENCE),
        (line(f"提现 {REFERENCE[:12]}"), Outcome.MATCHED_BY_REFERENCE),
        (line(f"REF {REFERENCE[:9]} {REFERENCE[9:]}", after=20), Outcome.LATE_MATCHED),
        (line(REFERENCE, after=8), Outcome.LATE_MATCHED),
        (line(REFERENCE, after=7), Outcome.MATCHED_BY_REFERENCE),
        (line(REFERENCE, amount=9939), Outcome.SHORT),
        (line(f"提现 {REFERENCE[:11]}"), Outcome.MATCHED_BY_AMOUNT),
        (line("", after=7), Outcome.MATCHED_BY_AMOUNT),
        (line("", after=8), Outcome.MISSING),
        (line("", after=-1), Outcome.MATCHED_BY_AMOUNT),
        (line("", after=-2), Outcome.MISSING),
        (line("", amount=9941), Outcome.MISSING),
    ],
)
def test_one_payout_and_one_line(entry: Entry, outcome: Outcome) -> None:
    assert judge([payout()], [entry], TODAY) == {REFERENCE: outcome}


@pytest.mark.parametrize(
    ("after", "outcome"),
    [(-2, "missing"), (-1, "matched_by_amount"), (5, "matched_by_amount"), (6, "missing")],
)
def test_the_window_of_a_payout_with_a_date(after: int, outcome: str) -> None:
    assert judge([payout(due=True)], [line("", after=after)], TODAY) == {REFERENCE: outcome}


def test_two_alike_are_ambiguous_whether_payouts_or_lines() -> None:
    twin = payout(reference="2" + REFERENCE[1:])
    assert set(judge([payout(), twin], [line("")], TODAY).values()) == {Outcome.AMBIGUOUS}
    lines = [line(""), line("", after=2)]
    assert set(judge([payout()], lines, TODAY).values()) == {Outcome.AMBIGUOUS}


def test_a_cut_that_begins_two_references_names_none() -> None:
    other = payout(amount=500, reference=REFERENCE[:14] + "9" * 14)
    verdict = judge([payout(), other], [line(REFERENCE[:14], amount=777)], TODAY)
    assert set(verdict.values()) == {Outcome.MISSING}


@pytest.mark.parametrize(("due", "last"), [(False, 7), (True, 5)])
def test_nothing_yet_is_in_transit_until_the_window_has_been_seen(due: bool, last: int) -> None:
    eve = ANNOUNCED + timedelta(days=last - 1)
    assert judge([payout(due=due)], [], eve) == {REFERENCE: "in_transit"}
    assert judge([payout(due=due)], [], eve + timedelta(days=1)) == {REFERENCE: "missing"}


def test_two_payouts_named_by_the_details_of_one_line() -> None:
    other = payout(amount=60, reference="2" + REFERENCE[1:])
    both = replace(
        line(REFERENCE),
        amount=10_000,
        details=(line(REFERENCE).details[0], line(other.reference, amount=60).details[0]),
    )
    assert set(judge([payout(), other], [both], TODAY).values()) == {Outcome.MERGED}


def test_a_world_with_a_wrong_truth_is_refused(world: World) -> None:
    index = next(i for i, f in enumerate(world.fates) if f.outcome is Outcome.MISSING)
    wrong = list(world.fates)
    wrong[index] = replace(wrong[index], outcome=Outcome.IN_TRANSIT)
    with pytest.raises(UnsoundWorldError, match="in_transit but missing"):
        require_sound(wrong, world.entries, world.period.last)


def test_an_unrelated_credit_like_a_payout_is_noticed(world: World) -> None:
    missing = next(f.payout for f in world.fates if f.outcome is Outcome.MISSING)
    stranger = replace(
        line("ROOM 12", amount=missing.amount),
        booked_on=missing.announced_on,
    )
    with pytest.raises(UnsoundWorldError, match="matched_by_amount"):
        require_sound(world.fates, [*world.entries, stranger], world.period.last)
