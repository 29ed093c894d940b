"""Bank statements: opening and lines give closing, and every line has one truth."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from decimal import Decimal
from itertools import pairwise

import pytest

from sandbox import World

from .reading_back import bank_lines, files, statements, truth_of


@pytest.mark.parametrize("currency", ["CNY", "USD"])
def test_statements_add_up_and_follow_one_another(world: World, currency: str) -> None:
    (account,) = (a for a in truth_of(world.out)["bank_accounts"] if a["currency"] == currency)
    read = statements(world, currency)
    for statement in read:
        assert statement.account == account["number"]
        assert statement.opening + sum(line.amount for line in statement.lines) == statement.closing
    assert all(a.closing == b.opening for a, b in pairwise(read))
    assert (read[0].opening, read[-1].closing) == (
        Decimal(account["opening"]),
        Decimal(account["closing"]),
    )
    assert sum(len(statement.lines) for statement in read) == account["lines"]


def test_one_account_has_two_pockets_under_one_number(world: World) -> None:
    accounts = truth_of(world.out)["bank_accounts"]
    assert [a["currency"] for a in accounts] == ["CNY", "USD"]
    assert len({a["number"] for a in accounts}) == 1
    assert {s["bank_account"] for s in truth_of(world.out)["stores"]} == {accounts[0]["number"]}


def test_the_bank_moves_to_the_newer_camt_in_the_middle(world: World) -> None:
    found = [{(s.version, line.status) for line in s.lines} for s in statements(world, "CNY")]
    assert found == [{("02", "text:BOOK")}] * 3 + [{("08", "BOOK")}] * 2


def test_both_pockets_report_on_the_same_days(world: World) -> None:
    days = [[(f["from"], f["to"]) for f in files(world, kind)] for kind in ("camt053", "mt940")]
    assert days[0] == days[1]


def test_mt940_fields_keep_to_their_widths(world: World) -> None:
    for file in files(world, "mt940"):
        lines = (world.out / file["path"]).read_text().splitlines()
        fields = [line for line in lines if line.startswith(":86:") or line[0] not in ":-"]
        assert all(len(line.removeprefix(":86:")) <= 65 for line in fields)
        pieces = re.split(r"\?\d\d", "".join(fields).replace(":86:", "?99"))
        assert max(map(len, pieces)) == 27


def test_a_payout_number_in_mt940_is_cut_by_the_subfield_and_by_the_line(world: World) -> None:
    whole = "".join((world.out / f["path"]).read_text() for f in files(world, "mt940"))
    named = [p for p in truth_of(world.out)["payouts"] if p["store"] == "S02" and p["bank_lines"]]
    lines = bank_lines(world)
    assert len(named) >= 3
    for payout in named:
        (reference,) = payout["bank_lines"]
        assert payout["external_id"] not in whole
        assert lines[reference].details[0][1][0].endswith(f" {payout['external_id']}")
    assert re.search(r"\?21\d+\n\d+\?32SHOPIFY", whole)


def test_mt940_days_lead_from_close_to_close(world: World) -> None:
    texts = [(world.out / f["path"]).read_text() for f in files(world, "mt940")]
    opened = [re.findall(r":60F:C(\d{6})USD", text) for text in texts]
    closed = [re.findall(r":62F:C(\d{6})USD", text) for text in texts]
    assert opened[1:] == closed[:-1]
    assert opened[0] == ["261021"]
    assert [re.findall(r":28C:(\d+)/001", text) for text in texts] == [
        [f"{number:05d}"] for number in range(1, len(texts) + 1)
    ]


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
