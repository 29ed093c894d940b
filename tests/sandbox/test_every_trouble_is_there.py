"""Each honest trouble occurs, in a store of its own, as the files themselves show."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from sandbox import World

from .reading_back import Line, bank_lines, truth_of

WINDOW_DAYS = 7


def suffering(world: World, trouble: str) -> list[dict[str, Any]]:
    found = [p for p in truth_of(world.out)["payouts"] if p["trouble"] == trouble]
    assert [p["key"] for p in found] == truth_of(world.out)["troubles"][trouble]
    return found


def one(world: World, trouble: str) -> dict[str, Any]:
    (payout,) = suffering(world, trouble)
    return payout


def by_store(world: World, trouble: str) -> list[dict[str, Any]]:
    """One payout of a WeChat Pay store and one of an Alipay store."""
    found = suffering(world, trouble)
    assert [payout["store"][0] for payout in found] == ["W", "A"]
    return found


def line_of(world: World, payout: dict[str, Any]) -> Line:
    (reference,) = payout["bank_lines"]
    return bank_lines(world)[reference]


def text_of(world: World, payout: dict[str, Any]) -> str:
    return "".join(text for _, texts in line_of(world, payout).details for text in texts)


def days_between(announced_at: str, day: str) -> int:
    announced_on = datetime.fromisoformat(announced_at).date()
    return (date.fromisoformat(day) - announced_on).days


def test_late(world: World) -> None:
    for payout in by_store(world, "late"):
        assert payout["outcome"] == "late_matched"
        assert days_between(payout["announced_at"], payout["booked_on"]) > WINDOW_DAYS
        assert payout["external_id"] in text_of(world, payout)
        assert payout["received"] == payout["amount"]
    assert truth_of(world.out)["late_recorded"] == 2


def test_missing(world: World) -> None:
    amounts = {line.amount for line in bank_lines(world).values()}
    for payout in by_store(world, "missing"):
        assert payout["outcome"] == "missing"
        assert payout["bank_lines"] == []
        assert days_between(payout["announced_at"], truth_of(world.out)["as_of"]) > WINDOW_DAYS
        assert Decimal(payout["amount"]) not in amounts


def test_short(world: World) -> None:
    for payout in by_store(world, "short"):
        assert payout["outcome"] == "short"
        assert payout["external_id"] in text_of(world, payout)
        assert 0 < line_of(world, payout).amount < Decimal(payout["amount"])


def test_merged(world: World) -> None:
    first, second = suffering(world, "merged")
    assert first["bank_lines"] == second["bank_lines"]
    details = line_of(world, first).details
    assert [
        (amount, payout["external_id"] in texts[0])
        for (amount, texts), payout in zip(details, (first, second), strict=True)
    ] == [(Decimal(first["amount"]), True), (Decimal(second["amount"]), True)]


def test_cut_reference(world: World) -> None:
    payout = one(world, "cut_reference")
    reference, text = payout["external_id"], text_of(world, payout)
    assert text.split()[-1] == reference[:16]
    others = [p["key"] for p in truth_of(world.out)["payouts"]]
    assert [other for other in others if other.startswith(reference[:16])] == [reference]


def test_spaced_reference(world: World) -> None:
    payout = one(world, "spaced_reference")
    text = text_of(world, payout)
    assert text == text.upper()
    assert payout["external_id"] not in text
    assert payout["external_id"] in re.sub(r"[^0-9A-Z]", "", text)


def test_split_reference(world: World) -> None:
    payout = one(world, "split_reference")
    ((_, texts),) = line_of(world, payout).details
    assert [len(texts[0]), len(texts)] == [140, 2]
    assert not any(payout["external_id"] in text for text in texts)
    assert payout["external_id"] in "".join(texts)


@pytest.mark.parametrize("platform", ["P", "S"])
def test_twin_amount(world: World, platform: str) -> None:
    twins = [p for p in suffering(world, "twin_amount") if p["store"][0] == platform]
    one_twin, other = twins
    lines = {*one_twin["bank_lines"], *other["bank_lines"]}
    assert one_twin["store"] != other["store"]
    assert len(lines) == 2
    assert (one_twin["amount"], one_twin["arrives_on"]) == (other["amount"], other["arrives_on"])
    for twin in (one_twin, other):
        assert twin["outcome"] == "ambiguous"
        assert set(twin["candidate_bank_lines"]) == lines
        assert -1 <= days_between(twin["announced_at"], twin["booked_on"]) <= 5


def test_last_day(world: World) -> None:
    as_of = truth_of(world.out)["as_of"]
    found = suffering(world, "last_day")
    assert "W08" in {payout["store"] for payout in found}
    assert all(days_between(p["announced_at"], as_of) == 0 for p in found)
    assert {p["outcome"] for p in found} == {"in_transit"}


def test_no_store_suffers_two_kinds(world: World) -> None:
    kinds: dict[str, set[str]] = {}
    for payout in truth_of(world.out)["payouts"]:
        if payout["trouble"] not in (None, "last_day", "split_reference"):
            kinds.setdefault(payout["store"], set()).add(payout["trouble"])
    assert Counter(len(troubles) for troubles in kinds.values()) == {1: 13}


def test_amounts_are_alike_only_where_it_was_meant(world: World) -> None:
    counts = Counter((p["currency"], p["amount"]) for p in truth_of(world.out)["payouts"])
    twins = {(p["currency"], p["amount"]) for p in suffering(world, "twin_amount")}
    assert {currency for currency, _ in twins} == {"CNY", "USD"}
    assert {key: n for key, n in counts.items() if n > 1} == dict.fromkeys(twins, 2)


def test_only_one_shopify_store_has_deposits_that_name_their_payout(world: World) -> None:
    for payout in truth_of(world.out)["payouts"]:
        if payout["store"].startswith("S") and payout["bank_lines"]:
            number = f" {payout['external_id']}" if payout["store"] == "S02" else ""
            assert text_of(world, payout) == f"SHOPIFY PAYMENTS TRANSFER{number}"


def test_an_alipay_deposit_carries_both_numbers_of_its_row(world: World) -> None:
    found = [p for p in truth_of(world.out)["payouts"] if p["store"][0] == "A" and p["bank_lines"]]
    assert len(found) > 40
    for payout in found:
        text = text_of(world, payout)
        assert text.endswith(f" {payout['external_id']} {payout['flow_no']}")


def test_nothing_at_the_bank_names_a_pinduoduo_payout(world: World) -> None:
    found = [p for p in truth_of(world.out)["payouts"] if p["store"][0] == "P"]
    assert {p["outcome"] for p in found} == {"matched_by_amount", "ambiguous", "in_transit"}
    assert {p["external_id"] for p in found} == {None}
    texts = [text_of(world, p) for p in found if p["bank_lines"]]
    assert len(set(texts)) == 1
    assert not re.search(r"\d", texts[0])


@pytest.mark.parametrize("bucket", ["in_transit", "arrived", "missing", "ambiguous", "short"])
def test_every_bucket_is_filled_somewhere(world: World, bucket: str) -> None:
    assert any(Decimal(b[bucket]) > 0 for b in truth_of(world.out)["balances"])


def test_every_cent_of_every_store_is_somewhere(world: World) -> None:
    buckets = ("owed", "in_transit", "arrived", "missing", "ambiguous", "short")
    for balance in truth_of(world.out)["balances"]:
        lived = Decimal(balance["opening"]) + Decimal(balance["earned"])
        assert lived == sum(Decimal(balance[bucket]) for bucket in buckets)


@pytest.mark.parametrize("currency", ["CNY", "USD"])
def test_the_deposits_are_what_the_balances_say(world: World, currency: str) -> None:
    """What the bank got from the platforms, counted from the stores and from the lines."""
    truth = truth_of(world.out)
    payouts = [p for p in truth["payouts"] if p["currency"] == currency]
    balances = [b for b in truth["balances"] if b["currency"] == currency]
    paid = {reference for payout in payouts for reference in payout["bank_lines"]}
    buckets = ("arrived", "ambiguous", "short_received")
    told = sum(Decimal(balance[bucket]) for balance in balances for bucket in buckets)
    lines = bank_lines(world)
    assert told == sum(lines[reference].amount for reference in paid)
