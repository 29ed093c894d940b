"""The ledger at size: does it post and read as it did when it was empty, and what does it weigh?

BENCH_POSTINGS or USUAL postings are loaded through every guard over 24 monthly partitions, into
BOOKS books of ACCOUNTS accounts, one in ten of them guarded, with the sealer at work. What is
called empty is a database beside it, on the same server, with the same books and no past; the two
take turns. So do one with the partitions of five months and one with those of five years ahead.
"""

from __future__ import annotations

import statistics
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connections

from bench.clients import Clients, clients
from bench.databases import MIGRATED, database
from bench.history import post_day, settle, shares, the_past, wanted
from bench.ledger_work import Ours, codes, open_books
from bench.measure import in_turns, timed
from bench.sealer import drain, sealing
from ledger.checks import prove

USUAL = 1_000_000
BOOKS, ACCOUNTS = 8, 50
TASKS = (
    ("single", 300, "entries/s"),
    ("bulk", 20_000, "entries/s"),
    ("balance", 500, "reads/s"),
    ("statement", 200, "reads/s"),
)
RUNS = 7
TARGET = 0.8
FEW, MANY = 5, 60
"""Months with a partition: those the migrations make, and five years."""
UNSEALED = 50_000
"""Entries posted with the sealer asleep, to see how fast it is."""


def run() -> Iterator[dict[str, Any]]:
    """Yield pace, weight and proof of a full ledger."""
    books, postings = [uuid.uuid4() for _ in range(BOOKS)], wanted(USUAL)
    open_books(books, ACCOUNTS)
    yield _loaded(books, postings)
    settle()
    yield from _weights()
    yield _proved()
    yield _sealed(books)
    yield from _full_and_empty(books, postings)
    yield from _partitions()


def _case(case: str, ours: float, unit: str, **fields: Any) -> dict[str, Any]:
    usual = {"against": None, "reference": None, "target": None, "ok": None, "runs": 1}
    return {"case": case, "ours": ours, "unit": unit, **usual, **fields}


# --- Loading ------------------------------------------------------------------------------


def _loaded(books: list[UUID], postings: int) -> dict[str, Any]:
    """Load, and tell how fast that was in the last quarter, against the first."""
    past, between = the_past(), codes(ACCOUNTS)
    days = list(zip(past.days, shares(postings // 2, len(past.days)), strict=True))
    quarter = len(days) // 4
    paces: list[float] = []

    def load(some: list[Any]) -> None:
        for day, entries in some:
            for book, share in zip(books, shares(entries, BOOKS), strict=True):
                post_day(book, between, day, share)

    with sealing(books):
        for part in (days[:quarter], days[quarter:-quarter], days[-quarter:]):
            entries = sum(entries for _, entries in part)
            paces.append(entries / timed(partial(load, part)))
    drain(books)
    return _case(
        f"loading {postings:,} postings, the last quarter",
        round(paces[-1]),
        "entries/s",
        against="the first quarter",
        reference=round(paces[0]),
        rows=postings,
    )


# --- Weight and proof ---------------------------------------------------------------------

_SIZES = """
SELECT sum(pg_table_size(oid)), sum(pg_indexes_size(oid)) FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND starts_with(relname, %s)
"""
_TABLES = {
    "postings": "ledger_posting",
    "entries": "ledger_journalentry",
    "seals": "ledger_seal",
    "daily totals": "ledger_daily",
}


def _weights() -> Iterator[dict[str, Any]]:
    postings = _count()
    for name, table in _TABLES.items():
        for part, size in zip(("rows", "indexes"), _sizes(table), strict=True):
            case = f"size of {name}, {part}"
            yield _case(case, round(size / postings, 1), "bytes/posting", rows=postings)
    size = sum(_sizes("ledger_"))
    yield _case("size of the ledger", round(size / postings, 1), "bytes/posting", rows=postings)


def _sizes(table: str) -> tuple[int, int]:
    with connections["owner"].cursor() as cursor:
        cursor.execute(_SIZES, [table])
        [(table_size, index_size)] = cursor.fetchall()
    return int(table_size), int(index_size)


def _count() -> int:
    with connections["ops"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM ledger_posting")
        [(postings,)] = cursor.fetchall()
    return int(postings)


def _proved() -> dict[str, Any]:
    postings = _count()
    seconds = timed(_prove)
    case = "proof of every invariant"
    return _case(
        case, round(seconds / postings * 1_000_000, 2), "s/million postings", rows=postings
    )


def _prove() -> None:
    broken = [finding for finding in prove("ops") if finding.violations]
    assert not broken, broken


def _sealed(books: list[UUID]) -> dict[str, Any]:
    """How fast entries are sealed and folded, against how fast they come in bulk."""
    posted = timed(Ours(books, codes(ACCOUNTS)).bulk(UNSEALED))
    sealed = timed(lambda: drain(books))
    return _case(
        "sealing and folding",
        round(UNSEALED / sealed),
        "entries/s",
        against="posting in bulk",
        reference=round(UNSEALED / posted),
        target=1,
        ok=posted / sealed >= 1,
        rows=UNSEALED,
    )


# --- Full and empty -----------------------------------------------------------------------


def _full_and_empty(books: list[UUID], postings: int) -> Iterator[dict[str, Any]]:
    with (
        database("bench_empty", template=MIGRATED) as empty,
        _at_work(books, FEW, {}) as ours,
        _at_work([uuid.uuid4() for _ in books], FEW, empty) as other,
    ):
        yield from _compared(ours, other, f"{postings:,} postings", "an empty ledger")


def _partitions() -> Iterator[dict[str, Any]]:
    books = [uuid.uuid4() for _ in range(BOOKS)]
    with (
        database("bench_many", template=MIGRATED) as many,
        database("bench_few", template=MIGRATED) as few,
        _at_work(books, MANY, many) as ours,
        _at_work(books, FEW, few) as other,
    ):
        yield from _compared(ours, other, f"partitions for {MANY} months ahead", f"for {FEW}")


@contextmanager
def _at_work(books: list[UUID], months: int, environment: dict[str, str]) -> Iterator[Clients]:
    """A client and a sealer for these books, in the database that the environment names."""
    arguments = [str(months), str(ACCOUNTS), *map(str, books)]
    with (
        clients("bench.ledger_peer", *arguments, environment=environment) as peer,
        sealing(books, environment),
    ):
        yield peer


def _compared(ours: Clients, against: Clients, which: str, other: str) -> Iterator[dict[str, Any]]:
    """Posting and reading, in turns, on two databases."""
    for task, pieces, unit in TASKS:
        seconds = in_turns(
            {
                "ours": partial(_each, ours, task, pieces),
                "other": partial(_each, against, task, pieces),
            },
            runs=RUNS,
        )
        yield _case(
            f"{task}, {which}",
            round(1 / seconds["ours"]),
            unit,
            against=other,
            reference=round(1 / seconds["other"]),
            target=TARGET,
            ok=seconds["other"] / seconds["ours"] >= TARGET,
            rows=pieces,
            runs=RUNS,
        )


def _each(peer: Clients, task: str, pieces: int) -> float:
    """Seconds of one piece; of reads the median, without the transactions around them."""
    whole = peer.seconds(task, pieces)
    [answer] = peer.results
    return statistics.median(answer) if answer else whole / pieces
