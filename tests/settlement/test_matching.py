"""The matcher: exact rules confirm themselves, likeness never does."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from settlement.proof.matching.candidates import OpenLine, OpenPayout, squeezed
from settlement.proof.matching.engine import Outcome, solve
from settlement.proof.matching.rules import Doubt, Rule

MONDAY = date(2026, 11, 2)
REFERENCE = "1033969129202610224876014184"


def a_payout(
    amount: str = "100.00", reference: str = REFERENCE, *, currency: str = "CNY", day: int = 0
) -> OpenPayout:
    return OpenPayout(
        id=uuid4(),
        amount=Decimal(amount),
        currency=currency,
        reference=reference,
        announced_on=MONDAY + timedelta(days=day),
    )


def a_line(amount: str = "100.00", *texts: str, currency: str = "CNY", day: int = 1) -> OpenLine:
    return OpenLine(
        id=uuid4(),
        amount=Decimal(amount),
        currency=currency,
        booked_on=MONDAY + timedelta(days=day),
        texts=texts,
    )


def solved(payouts: list[OpenPayout], lines: list[OpenLine], *, covered: int = 30) -> Outcome:
    to = {"CNY": MONDAY + timedelta(days=covered), "USD": MONDAY + timedelta(days=covered)}
    return solve(payouts=payouts, lines=lines, covered_to=to)


def pairs(outcome: Outcome) -> set[tuple[str, frozenset[UUID], frozenset[UUID]]]:
    return {
        (p.rule.value, frozenset(x.id for x in p.payouts), frozenset(x.id for x in p.lines))
        for p in outcome.pairings
    }


def doubts(outcome: Outcome) -> dict[UUID, Doubt]:
    return {finding.payout.id: finding.doubt for finding in outcome.findings}


@pytest.mark.parametrize(
    "text",
    [
        f"WECHAT PAY {REFERENCE}",
        f"ref:{REFERENCE[:10]} {REFERENCE[10:]}",
        f"/ROC/{REFERENCE}//",
        f"财付通{REFERENCE}提现",
    ],
)
def test_the_whole_reference_is_found_however_it_is_written(text: str) -> None:
    payout, line = a_payout(), a_line("100.00", text)
    outcome = solved([payout], [line])
    assert pairs(outcome) == {("reference", frozenset([payout.id]), frozenset([line.id]))}


def test_a_reference_arriving_after_the_window_is_still_the_payout() -> None:
    payout, line = a_payout(), a_line("100.00", REFERENCE, day=25)
    assert len(solved([payout], [line]).pairings) == 1


def test_a_reference_with_another_amount_is_short_or_over_and_never_confirmed() -> None:
    payout, line = a_payout("100.00"), a_line("99.50", REFERENCE)
    outcome = solved([payout], [line])
    assert not outcome.pairings
    [finding] = outcome.findings
    assert (finding.doubt, finding.difference, finding.line) == (
        Doubt.SHORT,
        Decimal("-0.50"),
        line,
    )
    [finding] = solved([payout], [a_line("100.01", REFERENCE)]).findings
    assert (finding.doubt, finding.difference) == (Doubt.OVER, Decimal("0.01"))


def test_a_reference_in_another_currency_names_nobody() -> None:
    payout = a_payout()
    outcome = solved([payout], [a_line("100.00", REFERENCE, currency="USD")])
    assert not outcome.pairings
    assert doubts(outcome) == {payout.id: Doubt.MISSING}


def test_two_payouts_in_one_deposit_are_found_by_the_details() -> None:
    one, two = a_payout("60.00", "A" * 20), a_payout("40.00", "B" * 20)
    line = a_line("100.00", "", "A" * 20, "B" * 20)
    outcome = solved([one, two], [line])
    assert pairs(outcome) == {("details", frozenset([one.id, two.id]), frozenset([line.id]))}


def test_a_deposit_that_names_two_payouts_but_is_not_their_sum_is_left_to_a_person() -> None:
    one, two = a_payout("60.00", "A" * 20), a_payout("40.00", "B" * 20)
    outcome = solved([one, two], [a_line("99.00", "A" * 20, "B" * 20)])
    assert not outcome.pairings
    assert set(doubts(outcome).values()) == {Doubt.AMBIGUOUS}


def test_a_payout_in_two_deposits_is_found_when_they_are_its_sum() -> None:
    payout = a_payout("100.00")
    lines = [a_line("60.00", REFERENCE), a_line("40.00", REFERENCE, day=2)]
    [pairing] = solved([payout], lines).pairings
    assert {line.id for line in pairing.lines} == {line.id for line in lines}


def test_a_shortened_reference_counts_with_the_exact_amount_only() -> None:
    payout = a_payout()
    line = a_line("100.00", f"TENPAY {REFERENCE[:16]}", day=20)
    [pairing] = solved([payout], [line]).pairings
    assert pairing.rule is Rule.CUT_REFERENCE
    assert not solved([payout], [a_line("99.00", REFERENCE[:16], day=20)]).pairings


def test_a_shortened_reference_that_fits_two_payouts_names_nobody() -> None:
    payouts = [a_payout("100.00", REFERENCE[:16] + "X" * 8), a_payout("100.00", REFERENCE)]
    outcome = solved(payouts, [a_line("100.00", REFERENCE[:16], day=1)])
    assert not outcome.pairings
    assert set(doubts(outcome).values()) == {Doubt.AMBIGUOUS}


def test_a_run_of_eleven_characters_is_no_reference() -> None:
    payout = a_payout()
    outcome = solved([payout], [a_line("100.00", REFERENCE[:11], day=20)])
    assert not outcome.pairings


def test_the_only_equal_amount_in_the_window_is_the_payout() -> None:
    payout, line = a_payout(), a_line("100.00", "SHOPIFY PAYMENTS", day=7)
    [pairing] = solved([payout], [line]).pairings
    assert pairing.rule is Rule.AMOUNT


@pytest.mark.parametrize("day", [-2, 8])
def test_an_equal_amount_outside_the_window_is_another_money(day: int) -> None:
    payout = a_payout()
    outcome = solved([payout], [a_line("100.00", day=day)])
    assert not outcome.pairings
    assert doubts(outcome) == {payout.id: Doubt.MISSING}


def test_equal_amounts_without_reference_are_left_to_a_person() -> None:
    twins = [a_payout(), a_payout()]
    outcome = solved(twins, [a_line(), a_line(day=2)])
    assert not outcome.pairings
    assert doubts(outcome) == {payout.id: Doubt.AMBIGUOUS for payout in twins}


def test_one_line_for_two_equal_payouts_is_left_to_a_person() -> None:
    twins = [a_payout(), a_payout()]
    assert not solved(twins, [a_line()]).pairings


def test_a_named_payout_leaves_its_twin_the_other_line() -> None:
    named, twin = a_payout(), a_payout("100.00", "Z" * 20)
    lines = [a_line("100.00", REFERENCE), a_line("100.00", day=3)]
    outcome = solved([named, twin], lines)
    assert len(outcome.pairings) == 2
    assert not outcome.findings


def test_a_payout_is_missing_only_once_the_bank_has_covered_its_window() -> None:
    payout = a_payout()
    assert not solved([payout], [], covered=6).findings
    assert doubts(solved([payout], [], covered=7)) == {payout.id: Doubt.MISSING}


def test_a_debit_never_pays_a_payout() -> None:
    assert not solved([a_payout("100.00")], [a_line("-100.00", REFERENCE)]).pairings
    [pairing] = solved([a_payout("-100.00")], [a_line("-100.00", REFERENCE)]).pairings
    assert pairing.rule is Rule.REFERENCE


def test_the_order_of_the_input_does_not_matter() -> None:
    rng = random.Random(20261102)
    payouts, lines = [], []
    for n in range(200):
        amount = f"{rng.randint(100, 160)}.00"
        payouts.append(a_payout(amount, f"{n:020d}", day=n % 20))
        text = rng.choice(["", f"{n:020d}", f"{n:020d}"[:14]])
        lines.append(a_line(amount, text, day=n % 20 + rng.randint(0, 9)))
    first = solved(payouts, lines)
    for _ in range(5):
        rng.shuffle(payouts)
        rng.shuffle(lines)
        again = solved(payouts, lines)
        assert pairs(again) == pairs(first)
        assert doubts(again) == doubts(first)
    claimed = [x.id for p in first.pairings for x in (*p.payouts, *p.lines)]
    assert len(claimed) == len(set(claimed))


def test_references_are_compared_without_punctuation_and_case() -> None:
    assert squeezed("ab-12 / Ü３") == "AB12"
