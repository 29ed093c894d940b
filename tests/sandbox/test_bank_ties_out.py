"""Bank statements: opening and lines give closing, and every line has one truth."""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import Decimal
from itertools import pairwise

import pytest

from sandbox import World

from .reading_back import bank_lines, statements, truth_of


@pytest.mark.parametrize("index", [0, 1])
def test_statements_add_up_and_follow_one_another(world: World, index: int) -> None:
    account = truth_of(world.out)["bank_accounts"][index]
    read = statements(world, account["number"])
    for statement in read:
        assert statement.account == account["number"]
        assert statement.opening + sum(line.amount for line in statement.lines) == statement.closing
    assert all(a.closing == b.opening for a, b in pairwise(read))
    assert (read[0].opening, read[-1].closing) == (
        Decimal(account["opening"]),
        Decimal(account["closing"]),
    )
    assert sum(len(statement.lines) for statement in read) == account["lines"]


def test_each_account_reports_in_its_own_version(world: World) -> None:
    found = {
        account["currency"]: {
            (s.version, line.status)
            for s in statements(world, account["number"])
            for line in s.lines
        }
        for account in truth_of(world.out)["bank_accounts"]
    }
    assert found == {"CNY": {("08", "BOOK")}, "USD": {("02", "text:BOOK")}}


def test_details_sum_to_their_line(world: World) -> None:
    for line in bank_lines(world).values():
        if line.details:
            assert sum(amount for amount, _ in line.details) == line.amount


def test_no_text_is_longer_than_the_format_allows(world: World) -> None:
    texts = [t for line in bank_lines(world).values() for _, ts in line.details for t in ts]
    assert max(map(len, texts)) == 140


def test_every_line_is_either_a_payout_or_unrelated(world: World) -> None:
    truth = truth_of(world.out)
    paid = {reference for payout in truth["payouts"] for reference in payout["bank_lines"]}
    unrelated = [line["reference"] for line in truth["unrelated_bank_lines"]]
    assert Counter([*paid, *unrelated]) == Counter(list(bank_lines(world)))


def test_what_was_received_for_the_payouts_is_what_the_lines_say(world: World) -> None:
    received: dict[str, Decimal] = defaultdict(Decimal)
    booked: dict[str, str] = {}
    for payout in truth_of(world.out)["payouts"]:
        for reference in payout["bank_lines"]:
            received[reference] += Decimal(payout["received"])
            booked[reference] = payout["booked_on"]
    lines = bank_lines(world)
    assert received == {reference: lines[reference].amount for reference in received}
    assert booked == {reference: lines[reference].booked_on for reference in booked}


def test_the_unrelated_lines_are_of_every_kind(world: World) -> None:
    unrelated = truth_of(world.out)["unrelated_bank_lines"]
    kinds = {"rent", "charge", "interest", "supplier", "salary", "wholesale"}
    lines = bank_lines(world)
    assert {line["kind"] for line in unrelated} == kinds
    assert all(lines[told["reference"]].amount == Decimal(told["amount"]) for told in unrelated)
    (salaries,) = (line["reference"] for line in unrelated if line["kind"] == "salary")
    assert len(lines[salaries].details) == 6


def test_about_a_third_of_the_lines_or_more_are_no_payouts(world: World) -> None:
    share = len(truth_of(world.out)["unrelated_bank_lines"]) / len(bank_lines(world))
    assert 0.2 < share < 0.5


def test_no_unrelated_credit_equals_a_payout(world: World) -> None:
    truth = truth_of(world.out)
    payouts = {(p["currency"], p["amount"]) for p in truth["payouts"]}
    credits = {(line["currency"], line["amount"]) for line in truth["unrelated_bank_lines"]}
    assert not payouts & credits
