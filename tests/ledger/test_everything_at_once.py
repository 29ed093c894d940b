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
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.db import connections

from ledger import periods
from ledger.balances import balances, funds
from ledger.book import (
    AccountSpec,
    Draft,
    Link,
    Side,
    credit,
    debit,
    post,
    post_many,
    reverse,
)
from ledger.chain import prove_chain
from ledger.errors import (
    DuplicateReferenceError,
    HoldMismatchError,
    HoldSettledError,
    InsufficientFundsError,
    InvalidLinkError,
    PeriodClosedError,
    UnknownEntryError,
    UnknownHoldError,
)
from ledger.holds import expire, release
from ledger.holds import post as post_hold
from ledger.models import Hold, JournalEntry
from ledger.seals import seal
from ledger.totals import trial_balance
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
OPENING = "opening"
YESTERDAY, LATER = TODAY - timedelta(days=1), NOW + timedelta(hours=1)
REFUSALS = (
    HoldMismatchError,
    HoldSettledError,
    InsufficientFundsError,
    InvalidLinkError,
    PeriodClosedError,
    UnknownEntryError,
    UnknownHoldError,
)


# --- What may be asked for ------------------------------------------------------------------


@dataclass(frozen=True)
class Promise:
    """A hold, and the two entries that post it together."""

    reference: str
    account: str
    expires_at: datetime | None
    parts: tuple[Draft, Draft]

    @property
    def amount(self) -> int:
        """All of it."""
        return sum(part.movements[0].amount for part in self.parts)


def a_fact(dice: random.Random, reference: str) -> Draft:
    """Some money from one to three accounts to another one; of some it is told whence it came."""
    *givers, taker = dice.sample(CODES, dice.randint(2, 4))
    amounts = [dice.randint(1, 400) for _ in givers]
    legs = [debit(code, n, "CNY") for code, n in zip(givers, amounts, strict=True)]
    legs.append(credit(taker, sum(amounts), "CNY"))
    origins = [
        Link(relation="origin", reference=OPENING, account=code, amount=n)
        for code, n in zip(givers, amounts, strict=True)
        if code not in PLAIN and dice.random() < 0.05
    ]
    return a_draft(
        *dice.sample(legs, len(legs)),
        reference=reference,
        booked_on=dice.choice([YESTERDAY, TODAY]),
        links=tuple(dice.sample(origins, len(origins))),
    )


def a_promise(dice: random.Random, reference: str) -> Promise:
    """Some money of a guarded account for any other one."""
    account = dice.choice([*WALLETS, LOW])
    other = dice.choice([code for code in CODES if code != account])
    first, last = (
        a_draft(
            debit(account, amount, "CNY"),
            credit(other, amount, "CNY"),
            reference=f"kept:{reference}:{part}",
        )
        for part, amount in enumerate([dice.randint(1, 150), dice.randint(1, 150)])
    )
    return Promise(reference, account, dice.choice([None, LATER]), (first, last))


def guarded_book() -> tuple[UUID, Draft]:
    """A book with the accounts above, and the entry that filled the guarded ones."""
    specs = [AccountSpec(code=code, currency="CNY", normal_side=Side.DEBIT) for code in PLAIN]
    specs += [
        AccountSpec(code=code, currency="CNY", normal_side=Side.CREDIT, floor=floor)
        for code, floor in [*((code, 0) for code in WALLETS), (LOW, -(10**12))]
    ]
    book, filled = a_book(*specs), [credit(code, MONEY, "CNY") for code in (*WALLETS, LOW)]
    draft = a_draft(debit(PLAIN[0], MONEY * len(filled), "CNY"), *filled, reference=OPENING)
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
        self.expired = 0
        self.refused: Counter[str] = Counter()

    def work(self) -> None:
        """Ask for something, again and again; what is refused is refused by a named error."""
        asked: list[Callable[[], None]] = [
            *[self.posts_alone, self.posts_within, self.posts_many, self.reverses],
            *[self.places, self.posts_a_hold, self.posts_a_hold, self.releases, self.expires],
            *[self.looks, self.seals],
        ]
        if self.number == 0:
            asked.append(self.closes)
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
            told = hold(
                self.book,
                promise.amount,
                promise.account,
                reference=promise.reference,
                expires_at=promise.expires_at,
            )
        self.told.append((promise.reference, told))

    def posts_a_hold(self) -> None:
        promise = self.dice.choice(self.promises)
        draft = self.dice.choice(promise.parts)
        with in_book(self.book):
            told = post_hold(
                book=self.book, reference=promise.reference, draft=draft, now=NOW, part=True
            )
        self.told.append((draft.reference, told))

    def releases(self) -> None:
        promise = self.dice.choice(self.promises)
        with in_book(self.book):
            release(book=self.book, reference=promise.reference, reason="", now=NOW)
        self.released.append(promise.reference)

    def expires(self) -> None:
        """A few of those that are due at a later time."""
        with in_book(self.book):
            self.expired += expire(book=self.book, now=LATER, limit=2)

    def seals(self) -> None:
        seal(book=self.book, now=NOW, most=self.dice.choice([5, 500]))

    def closes(self) -> None:
        """While a day is closed nothing is booked on it, whoever had begun to."""
        with in_book(self.book):
            periods.close(book=self.book, through=YESTERDAY, by="ann", reason="", now=NOW)
        closed = JournalEntry.objects.filter(booked_on__lte=YESTERDAY)
        counts = []
        for _ in range(2):
            with in_book(self.book):
                counts.append(closed.count())
            self.seals()
        assert counts[0] == counts[1]
        with in_book(self.book):
            periods.reopen(
                book=self.book, through=None, by="ann", approved_by="bob", reason="late", now=NOW
            )

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


def expected_states(promise: Promise, written: set[str], released: set[str]) -> set[str]:
    """How a hold may have ended, by what everybody was told."""
    if all(part.reference in written for part in promise.parts):
        assert promise.reference not in released
        return {"posted"}
    if promise.reference in released:
        return {"released"}
    return {"held"} if promise.expires_at is None else {"held", "expired"}


def left_of(promise: Promise, written: set[str]) -> int:
    """What of a hold no entry has taken."""
    return sum(x.movements[0].amount for x in promise.parts if x.reference not in written)


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

    drafts = [opening, *facts, *[part for promise in promises for part in promise.parts]]
    assert found == expected_balances({opening.reference, *ids}, drafts)
    released = {reference for caller in callers for reference in caller.released}
    by_reference = {promise.reference: promise for promise in promises}
    for each in holds:
        states = expected_states(by_reference[each.reference], set(ids), released)
        assert each.state in states, each.reference
    ended = Counter(hold.state for hold in holds)
    assert ended["expired"] == sum(caller.expired for caller in callers)
    assert all(left.available >= 0 for left in wallets.values())
    assert {code: left.held for code, left in wallets.items()} == {
        code: sum(
            left_of(by_reference[hold.reference], set(ids))
            for hold in holds
            if hold.state == "held" and by_reference[hold.reference].account == code
        )
        for code in WALLETS
    }
    seal(book=book, now=NOW)
    assert [x for x in prove_chain("ops", book, now=NOW) if x.violations] == []
    assert broken("ops", book) == {}
    refused = sum((caller.refused for caller in callers), Counter[str]())
    print(dict(ended), dict(refused), f"{len(ids)} of {len(drafts)}")
    assert ended.keys() == {"held", "posted", "released", "expired"}
    assert refused.keys() >= {"InsufficientFundsError", "InvalidLinkError", "PeriodClosedError"}


def test_a_fact_posted_plainly_and_in_a_holds_stead_at_once_does_not_deadlock() -> None:
    """Whoever locked balances before the reference would wait for one who did it the other way."""
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
                draft = promise.parts[0]
                if number % 2:
                    post(book=book, draft=draft, now=NOW)
                else:
                    with in_book(book):
                        post_hold(
                            book=book,
                            reference=promise.reference,
                            draft=draft,
                            now=NOW,
                            part=True,
                        )

    all_at_once(work, CONNECTIONS)
    assert deadlocks() == before
    assert broken("ops", book) == {}
