"""The hub's own matcher, given what the bank files say, concludes what the truth says.

The sandbox's judge applies the rule from its words; this holds it against the rule as
it is carried out.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sandbox import World
from settlement.proof.matching.candidates import OpenLine, OpenPayout
from settlement.proof.matching.engine import solve

from .reading_back import statements, truth_of

RULES = {
    "matched_by_reference": {"reference", "cut_reference"},
    "matched_by_amount": {"amount"},
    "merged": {"details"},
    "late_matched": {"reference"},
    "short": {"short"},
    "missing": {"missing"},
    "ambiguous": {"ambiguous"},
    "in_transit": {""},
}


def test_every_outcome_is_the_matchers(world: World) -> None:
    truth = truth_of(world.out)
    as_of = date.fromisoformat(truth["as_of"])
    payouts = [
        OpenPayout(
            id=UUID(int=number),
            amount=Decimal(told["amount"]),
            currency=told["currency"],
            reference=told["external_id"] or "",
            announced_on=datetime.fromisoformat(told["announced_at"]).date(),
            arrives_on=date.fromisoformat(told["arrives_on"]) if told["arrives_on"] else None,
        )
        for number, told in enumerate(truth["payouts"])
    ]
    booked = [
        (currency, line)
        for currency in ("CNY", "USD")
        for statement in statements(world, currency)
        for line in statement.lines
    ]
    lines = [
        OpenLine(
            id=UUID(int=1_000_000 + number),
            amount=line.amount,
            currency=currency,
            booked_on=date.fromisoformat(line.booked_on),
            texts=["".join(texts) for _, texts in line.details],
        )
        for number, (currency, line) in enumerate(booked)
    ]
    outcome = solve(payouts=payouts, lines=lines, covered_to={"CNY": as_of, "USD": as_of})

    said: dict[int, str] = {f.payout.id.int: f.doubt.value for f in outcome.findings}
    found: dict[int, set[str]] = {}
    for pairing in outcome.pairings:
        for payout in pairing.payouts:
            said[payout.id.int] = pairing.rule.value
            found[payout.id.int] = {
                booked[o.id.int - 1_000_000][1].reference for o in pairing.lines
            }
    for number, told in enumerate(truth["payouts"]):
        assert said.get(number, "") in RULES[told["outcome"]], told
        if number in found:
            assert found[number] == set(told["bank_lines"]), told
    assert Counter(said.values())["cut_reference"] == 1
