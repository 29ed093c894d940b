"""What benchmarks let the ledger do: entries of two postings between accounts, and reading them."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from accounts.access import acting_for
from bench.measure import timed
from ledger import balances, statements
from ledger.book import (
    AccountSpec,
    Draft,
    Side,
    credit,
    debit,
    open_accounts,
    post,
    post_many,
)

BATCH = 5_000
PAGE = 50
FLOOR = -(10**14)
"""Of guarded accounts: kept by the ledger, and never in the way."""


def codes(accounts: int) -> list[str]:
    """The codes of the accounts `open_books` opens."""
    return [f"account:{n}" for n in range(accounts)]


def open_books(books: Sequence[UUID], accounts: int) -> None:
    """Open so many accounts in each book, each tenth of them guarded; harmless to repeat."""
    specs = [
        AccountSpec(
            code=code,
            currency="CNY",
            normal_side=Side.CREDIT if n % 2 else Side.DEBIT,
            floor=FLOOR if n % 10 == 9 else None,
        )
        for n, code in enumerate(codes(accounts))
    ]
    for book in books:
        with acting_for(book):
            open_accounts(book=book, specs=specs, now=datetime.now(UTC))


def transfer(between: Sequence[str], at: datetime) -> Draft:
    """1.00 that happens from one of the accounts to another; of two, always the same way."""
    to, source = random.sample(between, 2) if len(between) > 2 else between
    return Draft(
        reference=f"fact:{uuid.uuid4()}",
        kind="bench",
        movements=(debit(to, 1_00, "CNY"), credit(source, 1_00, "CNY")),
        event_at=at,
        booked_on=at.date(),
    )


class Ours:
    """Work on books with the same accounts; each method prepares it and returns what does it."""

    def __init__(self, books: Sequence[UUID], between: Sequence[str]) -> None:
        self.books = books
        self.between = between
        self.now = datetime.now(UTC)

    def single(self, entries: int) -> Callable[[], None]:
        """Post one by one, each in a transaction of its own."""
        drafts = [
            (random.choice(self.books), transfer(self.between, self.now)) for _ in range(entries)
        ]

        def work() -> None:
            for book, draft in drafts:
                post(book=book, draft=draft, now=self.now)

        return work

    def bulk(self, entries: int) -> Callable[[], None]:
        """Post in batches of BATCH, each in a transaction of its own."""
        batches = []
        for first in range(0, entries, BATCH):
            size = min(BATCH, entries - first)
            drafts = [transfer(self.between, self.now) for _ in range(size)]
            batches.append((random.choice(self.books), drafts))

        def work() -> None:
            for book, drafts in batches:
                with acting_for(book):
                    post_many(book=book, drafts=drafts, now=self.now)

        return work

    def balance(self, reads: int) -> Callable[[], list[float]]:
        """Read today's balances of one account after the other; each read's seconds."""
        return self._reading(reads, lambda book, code: balances.balance(book=book, code=code))

    def statement(self, reads: int) -> Callable[[], list[float]]:
        """Read the newest page of one account's statement after the other; each read's seconds."""
        return self._reading(
            reads, lambda book, code: statements.statement(book=book, code=code, limit=PAGE)
        )

    def _reading(
        self, reads: int, read: Callable[[UUID, str], object]
    ) -> Callable[[], list[float]]:
        drawn = [(random.choice(self.books), random.choice(self.between)) for _ in range(reads)]

        def work() -> list[float]:
            seconds = []
            for book, code in drawn:
                with acting_for(book):
                    seconds.append(timed(partial(read, book, code)))
            return seconds

        return work
