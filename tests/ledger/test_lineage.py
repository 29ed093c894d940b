"""Whose money it was: first in, first out, and told from both ends."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from ledger import lineage
from ledger.book import AccountSpec, Link, Side, credit, debit, post, post_many, reverse
from ledger.errors import (
    InsufficientFundsError,
    InvalidAmountError,
    InvalidLinkError,
    UnguardedAccountError,
    UnknownAccountError,
    UnknownEntryError,
)
from ledger.lineage import Flow, Source, origins, unspent, uses
from tests.ledger.build import CASH, NOW, TODAY, WALLET, a_book, a_draft, broken, in_book, spending

pytestmark = pytest.mark.usefixtures("database")

POT = "pot:CNY"


def bring(book: UUID, reference: str, amount: int, hour: int = 0) -> None:
    draft = a_draft(debit(CASH, amount, "CNY"), credit(WALLET, amount, "CNY"), reference=reference)
    post(book=book, draft=draft, now=NOW + timedelta(hours=hour))


def take(book: UUID, reference: str, amount: int) -> list[Source]:
    """Take so much from the wallet, of whatever is first."""
    sources = unspent(book=book, code=WALLET, amount=amount)
    links = tuple(
        Link(relation="funds", reference=s.reference, account=WALLET, amount=s.amount)
        for s in sources
    )
    post(book=book, draft=spending(amount, reference=reference, links=links), now=NOW)
    return sources


def told(sources: list[Source]) -> list[tuple[str, int]]:
    return [(s.reference, s.amount) for s in sources]


@pytest.fixture
def book() -> Iterator[UUID]:
    """A book with 100 in the morning, 50 at noon and 30 in the evening."""
    made = a_book()
    with in_book(made):
        for hour, (reference, amount) in enumerate([("a", 100), ("b", 50), ("c", 30)]):
            bring(made, reference, amount, hour)
        yield made
    assert broken("ops", made) == {}


def test_first_in_first_out(book: UUID) -> None:
    assert told(unspent(book=book, code=WALLET, amount=180)) == [("a", 100), ("b", 50), ("c", 30)]
    assert told(take(book, "x", 70)) == [("a", 70)]
    assert told(take(book, "y", 60)) == [("a", 30), ("b", 30)]
    assert told(take(book, "z", 20)) == [("b", 20)]
    assert told(unspent(book=book, code=WALLET, amount=30)) == [("c", 30)]
    with pytest.raises(InsufficientFundsError, match="has 30, not 31"):
        unspent(book=book, code=WALLET, amount=31)


def test_what_is_there_of_more_than_there_is(book: UUID) -> None:
    most = 10**12
    assert told(unspent(book=book, code=WALLET, amount=most, partly=True)) == [
        ("a", 100), ("b", 50), ("c", 30)
    ]  # fmt: skip
    take(book, "x", 180)
    assert unspent(book=book, code=WALLET, amount=most, partly=True) == []


def test_what_was_reversed_funds_nothing_and_what_comes_back_does(book: UUID) -> None:
    reverse(book=book, reference="a", reason="", now=NOW, booked_on=TODAY)
    assert told(take(book, "x", 60)) == [("b", 50), ("c", 10)]
    reverse(book=book, reference="x", reason="", now=NOW, booked_on=TODAY)
    assert told(unspent(book=book, code=WALLET, amount=80)) == [("c", 20), ("x:reversed", 60)]


def test_what_was_left_out_comes_last(book: UUID) -> None:
    later = Link(relation="funds", reference="c", account=WALLET, amount=10)
    post(book=book, draft=spending(10, links=(later,)), now=NOW)
    assert told(take(book, "x", 40)) == [("c", 20), ("a", 20)]
    assert told(unspent(book=book, code=WALLET, amount=130)) == [("a", 80), ("b", 50)]


def test_an_entry_that_brings_and_takes_is_worth_the_difference(book: UUID) -> None:
    both = a_draft(
        credit(WALLET, 9, "CNY"), debit(WALLET, 4, "CNY"), debit(CASH, 5, "CNY"), reference="d"
    )
    post(book=book, draft=both, now=NOW + timedelta(hours=9))
    assert told(unspent(book=book, code=WALLET, amount=185))[-1] == ("d", 5)


def test_both_ends_tell_the_same() -> None:
    book = a_book(AccountSpec(code=POT, currency="CNY", normal_side=Side.CREDIT, floor=0))
    with in_book(book):
        bring(book, "a", 100)
        bring(book, "b", 50)
        for reference, parts in [("p", {"a": 60}), ("q", {"a": 40, "b": 5})]:
            amount = sum(parts.values())
            moved = a_draft(
                debit(WALLET, amount, "CNY"),
                credit(POT, amount, "CNY"),
                reference=reference,
                links=tuple(
                    Link(relation="funds", reference=r, account=WALLET, amount=part)
                    for r, part in parts.items()
                ),
            )
            post(book=book, draft=moved, now=NOW)
        out = spending(
            70,
            POT,
            reference="out",
            links=(
                Link(relation="funds", reference="p", account=POT, amount=60),
                Link(relation="funds", reference="q", account=POT, amount=10),
                Link(relation="asked for by", reference="a"),
            ),
        )
        post(book=book, draft=out, now=NOW)

        def flow(source: str, use: str, account: str, amount: int) -> Flow:
            return Flow(source=source, use=use, relation="funds", account=account, amount=amount)

        first = [flow("p", "out", POT, 60), flow("q", "out", POT, 10)]
        before = [flow("a", "q", WALLET, 40), flow("b", "q", WALLET, 5), flow("a", "p", WALLET, 60)]
        assert origins(book=book, reference="out") == first
        assert origins(book=book, reference="out", deep=True) == first + before
        assert origins(book=book, reference="a", deep=True) == []
        assert uses(book=book, reference="a") == [before[0], before[2]]
        assert uses(book=book, reference="a", deep=True) == [*first, before[0], before[2]]
        assert uses(book=book, reference="out", deep=True) == []


def test_the_second_of_two_who_ask_at_once_is_refused(book: UUID) -> None:
    [source] = unspent(book=book, code=WALLET, amount=80)
    take(book, "x", 80)
    late = Link(relation="funds", reference=source.reference, account=WALLET, amount=80)
    with pytest.raises(InvalidLinkError):
        post(book=book, draft=spending(80, links=(late,)), now=NOW)


@pytest.mark.parametrize("seed", range(5))
def test_taking_at_random_spends_everything_in_order(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lineage, "_PAGE", 3)
    chance = random.Random(seed)
    book = a_book()
    waiting: list[list[int]] = []
    with in_book(book):
        for n in range(25):
            amount = chance.randint(1, 100)
            bring(book, f"in:{n}", amount, n)
            waiting.append([n, amount])
            total = sum(left for _, left in waiting)
            if chance.random() < 0.6:
                wanted = chance.randint(1, total)
                expected = []
                left = wanted
                while left:
                    part = min(left, waiting[0][1])
                    expected.append((f"in:{waiting[0][0]}", part))
                    waiting[0][1] -= part
                    left -= part
                    if not waiting[0][1]:
                        waiting.pop(0)
                assert told(take(book, f"out:{n}", wanted)) == expected
    assert broken("ops", book) == {}


def test_a_long_history_costs_no_more_than_a_short_one(book: UUID) -> None:
    drafts = [
        a_draft(debit(CASH, 1, "CNY"), credit(WALLET, 1, "CNY"), reference=f"n:{n:04}")
        for n in range(600)
    ]
    post_many(book=book, drafts=drafts, now=NOW + timedelta(hours=5))
    take(book, "x", 180 + 590)
    with CaptureQueriesContext(connections["default"]) as queries:
        assert told(unspent(book=book, code=WALLET, amount=2)) == [("n:0590", 1), ("n:0591", 1)]
    assert len(queries) == 2


def test_what_cannot_be_answered_is_an_error(book: UUID) -> None:
    with pytest.raises(UnknownAccountError):
        unspent(book=book, code="nowhere", amount=1)
    with pytest.raises(UnguardedAccountError):
        unspent(book=book, code=CASH, amount=1)
    with pytest.raises(InvalidAmountError):
        unspent(book=book, code=WALLET, amount=0)
    for read in (origins, uses):
        with pytest.raises(UnknownEntryError):
            read(book=book, reference="nothing")
