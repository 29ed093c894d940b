"""What benchmarks let the ledger do: entries of two postings between accounts, and reading them."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import UUID

from accounts.access import acting_for
from bench.measure import timed
from ledger import balances
from ledger.book import Draft, credit, debit, post, post_many

BATCH = 5_000
PAGE = 50


class Ours:
    """Work on some books; each method prepares it and returns what does it."""

    def __init__(self, books: Sequence[UUID]) -> None:
        self.books = books
        self.codes = [self._codes(book) for book in books]
        self.now = datetime.now(UTC)
        self.random = random.Random(1)

    def single(self, entries: int) -> Callable[[], None]:
        """Post one by one, each in a transaction of its own."""
        drawn = [self._drawn() for _ in range(entries)]
        drafts = [(self.books[place], self.draft(self.codes[place])) for place in drawn]

        def work() -> None:
            for book, draft in drafts:
                post(book=book, draft=draft, now=self.now)

        return work

    def bulk(self, entries: int) -> Callable[[], None]:
        """Post in batches of BATCH, each in a transaction of its own."""
        batches = []
        for first in range(0, entries, BATCH):
            place, size = self._drawn(), min(BATCH, entries - first)
            drafts = [self.draft(self.codes[place]) for _ in range(size)]
            batches.append((self.books[place], drafts))

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
            reads, lambda book, code: balances.statement(book=book, code=code, limit=PAGE)
        )

    def draft(self, codes: Sequence[str]) -> Draft:
        """1.00 from one account of the book to another."""
        to, source = self.random.sample(codes, 2) if len(codes) > 2 else codes
        return Draft(
            reference=f"fact:{uuid.uuid4()}",
            kind="bench",
            movements=(debit(to, 1_00, "CNY"), credit(source, 1_00, "CNY")),
            event_at=self.now,
            booked_on=self.now.date(),
        )

    def _reading(
        self, reads: int, read: Callable[[UUID, str], object]
    ) -> Callable[[], list[float]]:
        drawn = [self._drawn() for _ in range(reads)]
        wanted = [(self.books[place], self.random.choice(self.codes[place])) for place in drawn]

        def work() -> list[float]:
            seconds = []
            for book, code in wanted:
                with acting_for(book):
                    seconds.append(timed(lambda: read(book, code)))  # noqa: B023
            return seconds

        return work

    def _drawn(self) -> int:
        return self.random.randrange(len(self.books))

    @staticmethod
    def _codes(book: UUID) -> list[str]:
        with acting_for(book):
            return sorted(balances.balances(book=book))
