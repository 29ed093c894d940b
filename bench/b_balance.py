"""Reading an account with a long past against one with a short past: the length must not matter.

Two books of two years on the same server, each with an unguarded and a guarded account that every
entry moves: one with SHORT postings on an account, one with BENCH_POSTINGS or LONG of them. Both
have as many in the month that is read as a statement. All reads take turns, each in a transaction
of its own that has begun; what is told is the reads a second at which half of them, and all but
one in a hundred, come out (1 over the 50th and the 99th percentile).
"""

from __future__ import annotations

import random
import statistics
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time
from functools import partial
from typing import Any
from uuid import UUID

from accounts.access import acting_for
from bench.history import Past, post_day, settle, shares, the_past, wanted
from bench.ledger_work import FLOOR, Ours
from bench.measure import timed
from bench.sealer import drain, sealing
from ledger.balances import Axis, balance
from ledger.book import AccountSpec, Side, open_accounts
from ledger.statements import account_statement

SHORT, LONG = 10_000, 1_000_000
QUIET_MONTH, QUIET = 18, 400
"""The month that is read as a statement, and its entries in both books."""
HOURS = (3, 9, 15, 21)
"""When a day's entries are learnt: an instant at noon has half a day behind it."""
UNFOLDED = 1_000
"""Entries posted one by one since the last fold: what comes between two in a busy book."""
READS = {"today": 2_000, "known": 500, "event": 500, "month": 100, "unfolded": 2_000}
WARMUPS = 50
ACCOUNTS = {"unguarded": "cash", "guarded": "wallet"}
TARGET = 0.5
"""Today's balance of a long account takes at most twice as long, also in the worst of cases."""

Read = Callable[[UUID, str], object]
Key = tuple[str, str, str]
"""What is read, of which account, in which book."""


def run() -> Iterator[dict[str, Any]]:
    """Yield how fast balances and statements are read in the long book, against the short one."""
    past, postings = the_past(), wanted(LONG)
    books = {"short": _load(past, SHORT), "long": _load(past, postings)}
    settle()
    noon = datetime.combine(past.days[len(past.days) // 2], time(12), UTC)
    settled = _measured(books, _reads(noon, past.month(QUIET_MONTH)))
    yield from _cases(settled, "today", "today's balance", postings, TARGET)
    yield from _cases(settled, "known", "balance as known at an instant", postings)
    yield from _cases(settled, "event", "balance as of what had happened", postings)
    yield from _cases(settled, "month", f"statement of a month, {QUIET} rows", postings)
    for book in books.values():
        Ours([book], tuple(ACCOUNTS.values())).single(UNFOLDED)()
    unfolded = _measured(books, {"unfolded": lambda book, code: balance(book=book, code=code)})
    name = f"today's balance, {UNFOLDED:,} entries not folded"
    yield from _cases(unfolded, "unfolded", name, postings)


def _load(past: Past, postings: int) -> UUID:
    """A book whose two accounts have so many postings each, sealed and folded."""
    book, (cash, wallet) = uuid.uuid4(), ACCOUNTS.values()
    specs = [
        AccountSpec(code=cash, currency="CNY", normal_side=Side.DEBIT),
        AccountSpec(code=wallet, currency="CNY", normal_side=Side.CREDIT, floor=FLOOR),
    ]
    with acting_for(book):
        open_accounts(book=book, specs=specs, now=datetime.now(UTC))
    first, last = past.month(QUIET_MONTH)
    quiet = [day for day in past.days if first <= day <= last]
    busy = [day for day in past.days if not first <= day <= last]
    with sealing([book]):
        for day, entries in sorted(_spread(QUIET, quiet) + _spread(postings - QUIET, busy)):
            post_day(book, (cash, wallet), day, entries, HOURS)
    drain([book])
    return book


def _spread(entries: int, days: list[date]) -> list[tuple[date, int]]:
    return list(zip(days, shares(entries, len(days)), strict=True))


def _reads(noon: datetime, month: tuple[date, date]) -> dict[str, Read]:
    start, end = month

    def statement(book: UUID, code: str) -> None:
        found = account_statement(book=book, code=code, start=start, end=end)
        assert len(found.rows) == QUIET

    return {
        "today": lambda book, code: balance(book=book, code=code),
        "known": lambda book, code: balance(book=book, code=code, as_of=noon, by=Axis.KNOWN),
        "event": lambda book, code: balance(book=book, code=code, as_of=noon, by=Axis.EVENT),
        "month": statement,
    }


def _measured(books: dict[str, UUID], reads: dict[str, Read]) -> dict[Key, list[float]]:
    """The seconds of each read, in a random order: nothing else the machine does strikes one."""
    seconds: defaultdict[Key, list[float]] = defaultdict(list)
    keys = [(kind, guard, size) for kind in reads for guard in ACCOUNTS for size in books]
    rounds = [key for key in keys for _ in range(READS[key[0]])]
    random.shuffle(rounds)
    for kind, guard, size in keys * WARMUPS + rounds:
        book, code, read = books[size], ACCOUNTS[guard], reads[kind]
        with acting_for(book):
            seconds[kind, guard, size].append(timed(partial(read, book, code)))
    return {key: measured[WARMUPS:] for key, measured in seconds.items()}


def _cases(
    seconds: dict[Key, list[float]],
    kind: str,
    name: str,
    postings: int,
    target: float | None = None,
) -> Iterator[dict[str, Any]]:
    for guard in ACCOUNTS:
        for percentile in (50, 99):
            long, short = (
                statistics.quantiles(seconds[kind, guard, size], n=100)[percentile - 1]
                for size in ("long", "short")
            )
            judged = target if percentile == 99 else None
            yield {
                "case": f"{name}, {guard}, p{percentile}, {postings:,} postings",
                "ours": round(1 / long, 1),
                "against": f"an account with {SHORT:,}",
                "reference": round(1 / short, 1),
                "target": judged,
                "ok": None if judged is None else short / long >= judged,
                "unit": "reads/s",
                "rows": postings,
                "runs": READS[kind],
            }
