"""What a withdrawal costs and what is forgiven: the pure rules."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.money_out.fees.tariff import NoTierError, Tier, fee_of
from settlement.money_out.fees.waivers import Offer, best

CENT = Decimal("0.01")
STEPS = [
    Tier(up_to=Decimal(10_000), fixed=Decimal(5), rate=Decimal(0)),
    Tier(up_to=Decimal(100_000), fixed=Decimal(10), rate=Decimal(0)),
    Tier(
        up_to=None,
        fixed=Decimal(0),
        rate=Decimal("0.0002"),
        minimum=Decimal(15),
        maximum=Decimal(50),
    ),
]


@pytest.mark.parametrize(
    ("amount", "fee"),
    [
        ("0.01", "5.00"),
        ("10000.00", "5.00"),
        ("10000.01", "10.00"),
        ("100000.00", "10.00"),
        ("100000.01", "20.00"),
        ("123456.78", "24.69"),
        ("250000.00", "50.00"),
        ("9000000.00", "50.00"),
    ],
)
def test_the_whole_amount_falls_into_one_tier(amount: str, fee: str) -> None:
    assert fee_of(Decimal(amount), tiers=STEPS, minor_unit=CENT).amount == Decimal(fee)


def test_the_order_in_which_tiers_are_written_does_not_matter() -> None:
    backwards = list(reversed(STEPS))
    assert fee_of(Decimal(9_999), tiers=backwards, minor_unit=CENT).amount == Decimal(5)


def test_half_a_cent_is_rounded_up_and_the_minimum_holds() -> None:
    tier = Tier(up_to=None, fixed=Decimal(0), rate=Decimal("0.001"), minimum=Decimal("0.02"))
    assert fee_of(Decimal("24.50"), tiers=[tier], minor_unit=CENT).amount == Decimal("0.02")
    assert fee_of(Decimal("25.00"), tiers=[tier], minor_unit=CENT).amount == Decimal("0.03")


def test_yen_has_no_cents_and_dinars_have_three_places() -> None:
    tier = Tier(up_to=None, fixed=Decimal(0), rate=Decimal("0.0015"))
    assert fee_of(Decimal(12_345), tiers=[tier], minor_unit=Decimal(1)).amount == Decimal(19)
    assert fee_of(Decimal("12.345"), tiers=[tier], minor_unit=Decimal("0.001")).amount == Decimal(
        "0.019"
    )


def test_a_tariff_that_ends_names_no_fee_above_its_end() -> None:
    with pytest.raises(NoTierError):
        fee_of(Decimal("10000.01"), tiers=STEPS[:1], minor_unit=CENT)
    with pytest.raises(NoTierError):
        fee_of(Decimal(1), tiers=[], minor_unit=CENT)


@given(st.decimals("0.01", "99999999", places=2), st.decimals("0.01", "99999999", places=2))
def test_within_a_tier_more_money_never_costs_less(one: Decimal, other: Decimal) -> None:
    less, more = sorted((one, other))
    tier = STEPS[2:]
    fees = [fee_of(amount, tiers=tier, minor_unit=CENT).amount for amount in (less, more)]
    assert fees == sorted(fees)
    assert all(Decimal(15) <= fee <= Decimal(50) and fee == fee.quantize(CENT) for fee in fees)


# --- waivers ------------------------------------------------------------------------------


def offer(program: str, **more: object) -> Offer:
    given: dict[str, object] = {"segment": "", "percent": Decimal(100), **more}
    return Offer(rule=UUID(int=sum(program.encode())), program=program, **given)  # type: ignore[arg-type]


def chosen(fee: str, *offers: Offer, segment: str = "general") -> tuple[str, Decimal] | None:
    waiver = best(Decimal(fee), offers=offers, segment=segment, minor_unit=CENT)
    return waiver and (waiver.offer.program, waiver.amount)


def test_the_first_three_of_a_month_are_free() -> None:
    for used in range(3):
        assert chosen("5.00", offer("first-three", quota=3, used=used)) == (
            "first-three",
            Decimal(5),
        )
    assert chosen("5.00", offer("first-three", quota=3, used=3)) is None
    assert chosen("5.00", offer("first-three", quota=3, used=4)) is None


def test_what_is_for_e_commerce_is_for_nobody_else() -> None:
    theirs = offer("e-commerce", segment="e_commerce")
    assert chosen("5.00", theirs) is None
    assert chosen("5.00", theirs, segment="e_commerce") == ("e-commerce", Decimal(5))


def test_a_quota_is_saved_where_another_programme_forgives_as_much() -> None:
    both = [offer("a-first-three", quota=3), offer("e-commerce", segment="e_commerce")]
    assert chosen("5.00", *both, segment="e_commerce") == ("e-commerce", Decimal(5))
    assert chosen("5.00", *reversed(both), segment="e_commerce") == ("e-commerce", Decimal(5))


def test_the_larger_waiver_wins_although_it_uses_up_a_quota() -> None:
    half = offer("half", percent=Decimal(50))
    assert chosen("5.00", half, offer("first-three", quota=3)) == ("first-three", Decimal(5))
    assert chosen("5.00", half, offer("first-three", quota=3, used=3)) == ("half", Decimal("2.50"))


def test_a_part_is_rounded_to_the_cent_and_never_more_than_the_fee() -> None:
    assert chosen("0.01", offer("most", percent=Decimal("99.99"))) == ("most", Decimal("0.01"))
    assert chosen("3.33", offer("third", percent=Decimal("33.33"))) == ("third", Decimal("1.11"))


def test_what_costs_nothing_uses_up_nothing() -> None:
    assert chosen("0.00", offer("first-three", quota=3)) is None
