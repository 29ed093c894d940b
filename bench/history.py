"""Books with a past: entries posted through every guard, day by day over two years.

An entry happens somewhere in a day, is booked on that day, and is learnt two days later.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from django.db import connections

from accounts.access import acting_for
from bench.ledger_work import BATCH, transfer
from ledger import partitions
from ledger.book import post_many

MONTHS = 24
LATE = timedelta(days=2)
NOON = (12,)
"""When, on a day, the ledger learns what it learns."""


def wanted(usual: int) -> int:
    """How many postings to load: BENCH_POSTINGS, or as many as `make bench` has time for."""
    return int(os.environ.get("BENCH_POSTINGS") or usual)


@dataclass(frozen=True, kw_only=True)
class Past:
    """So many months, and no day after them."""

    first: date
    end: date
    """The first day after it."""

    @property
    def days(self) -> list[date]:
        """All its days."""
        return [self.first + timedelta(days=n) for n in range((self.end - self.first).days)]

    def month(self, number: int) -> tuple[date, date]:
        """The first and the last day of its month with this number, from 0."""
        first = _months_after(self.first, number)
        return first, _months_after(first, 1) - timedelta(days=1)


def the_past() -> Past:
    """The last MONTHS months of which all is learnt, with a partition for each and some more."""
    end = (datetime.now(UTC) - LATE).date().replace(day=1)
    first = _months_after(end, -MONTHS)
    partitions.ensure(datetime.combine(first, time(), UTC), months=MONTHS + 3)
    return Past(first=first, end=end)


def post_day(
    book: UUID, between: Sequence[str], day: date, entries: int, hours: Sequence[int] = NOON
) -> None:
    """Post so many entries of 1.00 that happened on a day, from one of the accounts to another."""
    midnight = datetime.combine(day, time(), UTC)
    for share, hour in zip(shares(entries, len(hours)), hours, strict=True):
        now = midnight + LATE + timedelta(hours=hour)
        for size in _batches(share):
            happened = [midnight + timedelta(seconds=random.randrange(86_400)) for _ in range(size)]
            drafts = [transfer(between, at) for at in happened]
            with acting_for(book):
                post_many(book=book, drafts=drafts, now=now)


def settle() -> None:
    """Do what PostgreSQL does by itself in time: statistics and the visibility map."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")


def shares(whole: int, parts: int) -> list[int]:
    """A whole number in parts as equal as can be."""
    return [whole * (n + 1) // parts - whole * n // parts for n in range(parts)]


def _batches(entries: int) -> Iterator[int]:
    for first in range(0, entries, BATCH):
        yield min(BATCH, entries - first)


def _months_after(day: date, months: int) -> date:
    place = day.year * 12 + day.month - 1 + months
    return date(place // 12, place % 12 + 1, 1)
