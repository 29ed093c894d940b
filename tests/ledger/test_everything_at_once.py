"""Everything the ledger can do, from many connections, on the same few accounts.

Every call is a transaction of its own, and no caller may ever hear of a deadlock or be asked to
repeat: there is one order of locks. TEST_SEED repeats what each connection asks for; in which
order they are served is the machine's affair.
"""

from __future__ import annotations

import os
import random
import secrets
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import pytest
from django.db import connections

from ledger.balances import balances, funds, trial_balance
from ledger.book import AccountSpec, Draft, Side, credit, debit, post, post_many, reverse
from ledger.errors import (
    DuplicateReferenceError,
    HoldSettledError,
    InsufficientFundsError,
    UnknownEntryError,
    UnknownHoldError,
)
from ledger.holds import post as post_hold
from ledger.holds import release
from ledger.models import Hold, JournalEntry
from tests.ledger.build import NOW, TODAY, a_book, a_draft, broken, hold, in_book
from tests.ledger.test_concurrency import all_at_once

pytestmark = pytest.mark.usefixtures("database")

SEED = os.environ.get("TEST_SEED") or secrets.token_hex(4)
CONNECTIONS = 12
TURNS = 500
PLAIN = ["plain:1", "plain:2"]
WALLETS = ["wallet:1", "wallet:2", "wallet:3"]
"""Guarded, with a floor of nothing, and never with enough for everybody."""
LOW = "low:1"
"""Guarded, with a floor so low that no fact is refused."""
CODES = [*PLAIN, *WALLETS, LOW]
MONEY = 1500
REFUSALS = (HoldSettledError, InsufficientFundsError, UnknownEntryError, UnknownHoldError)


# --- What may be asked for ------------------------------------------------------------------


@dataclass(frozen=True)
class Promise:
    """A hold, and the entry that would post it."""

    reference: str
    account: str
    amount: int
    draft: Draft


def a_fact(dice: random.Random, reference: str) -> Draft:
    """Some money from one to three accounts to another one."""
    *givers, taker = dice.sample(CODES, dice.randint(2, 4))
    amounts = [dice.randint(1, 400) for _ in givers]
    legs = [debit(code, n, "CNY") for code, n in zip(givers, amounts, strict=True)]
    legs.append(credit(taker, sum(amounts), "CNY"))
    return a_draft(*dice.sample(legs, len(legs)), reference=reference)


def a_promise(dice: random.Random, reference: str) -> Promise:
    """Some money of a guarded account for any other one."""
    account = dice.choice([*WALLETS, LOW])
    other = dice.choice([code for code in CODES if code != account])
    amount = dice.randint(1, 300)
    legs = debit(account, amount, "CNY"), credit(other, amount, "CNY")
    return Promise(reference, account, amount, a_draft(*legs, reference=f"kept:{reference}"))


def guarded_book() -> tuple[UUID, Draft]:
    """A book with the accounts above, and the entry that filled the guarded ones."""
    specs = [AccountSpec(code=code, currency="CNY", normal_side=Side.DEBIT) for code in PLAIN]
    specs += [
        AccountSpec(code=code, currency="CNY", normal_side=Side.CREDIT, floor=floor)
        for code, floor in [*((code, 0) for code in WALLETS), (LOW, -(10**12))]
    ]
    book, filled = a_book(*specs), [credit(code, MONEY, "CNY") for code in (*WALLETS, LOW)]
    draft = a_draft(debit(PLAIN[0], MONEY * len(filled), "CNY"), *filled)
    post(book=book, draft=draft, now=NOW)
    return book, draft


# --- Asking -----------------------------------------------------------------------------------


class Caller:
    """One connection, and everything it was told."""

    def __init__(
        self, book: UUID, number: int, facts: list[Draft], promises: list[Promise]
    ) -> None:
        self.book = book
        self.number = number
        self.facts = facts
        self.promises = promises
        self.dice = random.Random(f"{SEED} caller {number}")
        self.told: list[tuple[str, UUID]] = []
        """The reference of an entry or hold, and its id."""
        self.released: list[str] = []
        self.refused: Counter[str] = Counter()

    def work(self) -> None:
        """Ask for something, again and again; what is refused is refused by a named error."""
        asked: list[Callable[[], None]] = [
            *[self.posts_alone, self.posts_within, self.posts_many, self.reverses],
            *[self.places, self.posts_a_hold, self.releases, self.looks],
        ]
        for _ in range(TURNS):
            ask = self.dice.choice(asked)
            try:
                ask()
            except REFUSALS as error:
                self.refused[type(error).__name__] += 1

    def posts_alone(self) -> None:
        draft = self.dice.choice(self.facts)
        self.told.append((draft.reference, post(book=self.book, draft=draft, now=NOW)))

    def posts_within(self) -> None:
        draft = self.dice.choice(self.facts)
        with in_book(self.book):
            told = post(book=self.book, draft=draft, now=NOW)
        self.told.append((draft.reference, told))

    def posts_many(self) -> None:
        """Half of the callers go through the accounts one way, half the other way."""
        batch = self.dice.sample(self.facts, 8)
        batch.sort(key=lambda draft: draft.movements[0].account, reverse=self.number % 2 == 1)
        ids = post_many(book=self.book, drafts=batch, now=NOW)
        self.told += zip([draft.reference for draft in batch], ids, strict=True)

    def reverses(self) -> None:
        reference = self.dice.choice(self.facts).reference
        with in_book(self.book):
            told = reverse(book=self.book, reference=reference, reason="", now=NOW, booked_on=TODAY)
        self.told.append((f"{reference}:reversed", told))

    def places(self) -> None:
        promise = self.dice.choice(self.promises)
        with in_book(self.book):
            told = hold(self.book, promise.amount, promise.account, reference=promise.reference)
        self.told.append((promise.reference, told))

    def posts_a_hold(self) -> None:
        promise = self.dice.choice(self.promises)
        with in_book(self.book):
            told = post_hold(
                book=self.book, reference=promise.reference, draft=promise.draft, now=NOW
            )
        self.told.append((promise.draft.reference, told))

    def releases(self) -> None:
        promise = self.dice.choice(self.promises)
        with in_book(self.book):
            release(book=self.book, reference=promise.reference, reason="", now=NOW)
        self.released.append(promise.reference)

    def looks(self) -> None:
        """At no moment is the book out of balance, or a wallet promised twice."""
        with in_book(self.book):
            totals = trial_balance(book=self.book)["CNY"]
            assert totals.debits == totals.credits
            assert min(funds(book=self.book, code=code).available for code in WALLETS) >= 0


def deadlocks() -> int:
    """How many PostgreSQL has had to resolve in this database."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        [(count,)] = cursor.fetchall()
    return int(count)


def once_each(told: list[tuple[str, UUID]]) -> dict[str, UUID]:
    """The ids by reference; everybody must have been told the same."""
    ids = defaultdict(set)
    for reference, id in told:
        ids[reference].add(id)
    assert [reference for reference, found in ids.items() if len(found) > 1] == []
    return {reference: id for reference, [id] in ids.items()}


def expected_balances(written: set[str], drafts: list[Draft]) -> dict[str, int]:
    """What the drafts that were written, less those that were reversed, leave on the accounts."""
    sums = dict.fromkeys(CODES, 0)
    for draft in drafts:
        times = (draft.reference in written) - (f"{draft.reference}:reversed" in written)
        for movement in draft.movements:
            given = movement.side is (Side.DEBIT if movement.account in PLAIN else Side.CREDIT)
            sums[movement.account] += times * (movement.amount if given else -movement.amount)
    return sums


def expected_state(promise: Promise, written: set[str], released: set[str]) -> str:
    """How a hold ended; nobody may have been told that it ended two ways."""
    posted = promise.draft.reference in written
    assert not (posted and promise.reference in released)
    return "posted" if posted else "released" if promise.reference in released else "held"


# --- The stories ------------------------------------------------------------------------------


def test_everything_at_once_is_as_if_one_after_the_other() -> None:
    print(f"TEST_SEED={SEED}")
    dice = random.Random(SEED)
    facts = [a_fact(dice, f"fact:{n}") for n in range(2500)]
    promises = [a_promise(dice, f"promise:{n}") for n in range(300)]
    book, opening = guarded_book()
    callers = [Caller(book, number, facts, promises) for number in range(CONNECTIONS)]
    before = deadlocks()

    all_at_once(lambda number: callers[number].work(), CONNECTIONS)

    assert deadlocks() == before
    ids = once_each([answer for caller in callers for answer in caller.told])
    with in_book(book):
        entries = list(JournalEntry.objects.exclude(reference=opening.reference))
        holds = list(Hold.objects.all())
        found = {code: sums.amount for code, sums in balances(book=book, codes=CODES).items()}
        wallets = {code: funds(book=book, code=code) for code in WALLETS}
    assert ids == {e.reference: e.id for e in entries} | {h.reference: h.id for h in holds}

    drafts = [opening, *facts, *[promise.draft for promise in promises]]
    assert found == expected_balances({opening.reference, *ids}, drafts)
    released = {reference for caller in callers for reference in caller.released}
    by_reference = {promise.reference: promise for promise in promises}
    assert {hold.reference: hold.state for hold in holds} == {
        hold.reference: expected_state(by_reference[hold.reference], set(ids), released)
        for hold in holds
    }
    assert all(left.available >= 0 for left in wallets.values())
    assert sum(left.held for left in wallets.values()) == sum(
        by_reference[hold.reference].amount
        for hold in holds
        if hold.state == "held" and by_reference[hold.reference].account in WALLETS
    )
    assert broken("ops", book) == {}
    refused = sum((caller.refused for caller in callers), Counter[str]())
    happened = Counter(reference.partition(":")[0] for reference in ids)
    happened |= Counter(hold.state for hold in holds)
    print(happened, refused)
    assert min(happened[what] for what in ("fact", "kept", "held", "posted", "released")) > 0
    assert refused["InsufficientFundsError"] > 0


def test_a_fact_posted_plainly_and_in_a_holds_stead_at_once_does_not_deadlock() -> None:
    """One who posts a hold has the balances' locks before the reference, all others after it."""
    book, _ = guarded_book()
    dice = random.Random(SEED)
    promises = [a_promise(dice, f"promise:{n}") for n in range(40)]
    for promise in promises:
        with in_book(book), suppress(InsufficientFundsError):
            hold(book, promise.amount, promise.account, reference=promise.reference)
    before = deadlocks()

    def work(number: int) -> None:
        for promise in random.Random(f"{SEED} {number}").sample(promises, len(promises)):
            with suppress(*REFUSALS, DuplicateReferenceError):
                if number % 2:
                    post(book=book, draft=promise.draft, now=NOW)
                else:
                    with in_book(book):
                        post_hold(
                            book=book, reference=promise.reference, draft=promise.draft, now=NOW
                        )

    all_at_once(work, CONNECTIONS)
    assert deadlocks() == before
    assert broken("ops", book) == {}
