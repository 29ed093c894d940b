"""Entries of two postings: one transaction each, and in bulk, against plain SQL and django-hordak.

All three write to the same server with its usual durability, in turns; medians count. Once over a
single connection each, once with several processes at work at the same time; single entries first,
for what bulk loads leave in the buffers is written back later and would weigh on them. The sealer
is at work every second; what it has left to do after our turn it does before the others'.

Ours: drafts in, entries out, with every check and guard; `post` in a transaction of its own,
`post_many` in one for each batch. Plain SQL: the same columns in tables with their primary keys
only, the values ready in memory; one statement an entry, and for a batch one INSERT a table from
arrays (faster than executemany). Hordak: `Account.transfer_to` in a database and processes of its
own; it has no bulk call, so a batch is as many calls in one transaction.
"""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from uuid_utils.compat import uuid7

from bench.clients import Clients, clients
from bench.databases import database
from bench.ledger_work import BATCH, Ours, codes, open_books
from bench.measure import in_turns, timed
from bench.sealer import sealing, until_sealed

SINGLE = 500
BATCHES = 20
CLIENTS, ACCOUNTS = 8, 2
RUNS = 7
SEALED_WITHIN = 60
PEERS = Path(sys.prefix) / "bench"
"""Where `make bench` puts what only benchmarks need (bench/requirements.in)."""

PLAIN = """
CREATE TABLE plain_entry (LIKE ledger_journalentry INCLUDING DEFAULTS, PRIMARY KEY (book, id));
CREATE TABLE plain_posting (LIKE ledger_posting, PRIMARY KEY (book, entry_id, line_no, known_at));
"""
ENTRY = """id, book, event_at, known_at, booked_on, posting_count, content_hash, reference, kind,
    memo"""
POSTING = "book, entry_id, account_id, amount, known_at, booked_on, line_no, currency, side"
ONE = f"""
WITH entry AS (
    INSERT INTO plain_entry ({ENTRY}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
)
INSERT INTO plain_posting ({POSTING})
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s), (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
MANY_ENTRIES = f"""
INSERT INTO plain_entry ({ENTRY}) SELECT * FROM unnest(%b::uuid[], %b::uuid[], %b::timestamptz[],
    %b::timestamptz[], %b::date[], %b::smallint[], %b::bytea[], %b::text[], %b::text[], %b::text[])
"""
MANY_POSTINGS = f"""
INSERT INTO plain_posting ({POSTING}) SELECT * FROM unnest(%b::uuid[], %b::uuid[], %b::uuid[],
    %b::bigint[], %b::timestamptz[], %b::date[], %b::smallint[], %b::text[], %b::text[])
"""
Row = tuple[Any, ...]


def run() -> Iterator[dict[str, Any]]:
    """Yield entries a second, one by one and in bulk, alone and many at once, against both."""
    book = uuid.uuid4()
    open_books([book], ACCOUNTS)
    [found] = distributions(name="django-hordak", path=[str(PEERS)])
    peer = f"django-hordak {found.version} transfer_to"
    behind: list[float] = []
    with _hordak() as hordak, _ours(book) as ours, _Plain() as plain, sealing([book]):
        alone = Ours([book], codes(ACCOUNTS))
        yield from _singles(alone, plain, hordak[:1], peer, behind)
        yield from _singles_at_once(ours, hordak, peer, behind)
        yield from _bulks(alone, plain, hordak[:1], peer, behind)
        yield from _bulks_at_once(ours, hordak, peer, behind)
    yield _sealed(max(behind))


def _singles(
    ours: Ours, plain: _Plain, hordak: Clients, peer: str, behind: list[float]
) -> Iterator[dict[str, Any]]:
    many = SINGLE * 4
    pace = in_turns(
        {
            "ours": lambda: _sealing(lambda: timed(ours.single(many)) / many, behind),
            "plain": lambda: plain.single(many) / many,
            "hordak": lambda: hordak.seconds("single", SINGLE) / SINGLE,
        },
        runs=RUNS,
    )
    yield _case("single", many, pace, "hordak", peer, 3)
    yield _case("single", many, pace, "plain", "plain SQL into keys only", None)


def _bulks(
    ours: Ours, plain: _Plain, hordak: Clients, peer: str, behind: list[float]
) -> Iterator[dict[str, Any]]:
    entries = BATCH * BATCHES
    pace = in_turns(
        {
            "ours": lambda: _sealing(lambda: timed(ours.bulk(entries)) / entries, behind),
            "plain": lambda: plain.bulk(BATCH, BATCHES) / entries,
            "hordak": lambda: hordak.seconds("bulk", BATCH) / BATCH,
        },
        runs=RUNS,
    )
    yield _case("bulk", entries, pace, "hordak", f"{peer}, {BATCH:,} a transaction", 30)
    yield _case("bulk", entries, pace, "plain", "plain SQL into keys only", 0.4)


def _singles_at_once(
    ours: Clients, hordak: Clients, peer: str, behind: list[float]
) -> Iterator[dict[str, Any]]:
    """With CLIENTS processes; all of them write to the same two accounts."""
    each = SINGLE // 4
    pace = in_turns(
        {
            "ours": lambda: _sealing(
                lambda: ours.seconds("single", SINGLE) / (SINGLE * CLIENTS), behind
            ),
            "hordak": lambda: hordak.seconds("single", each) / (each * CLIENTS),
        },
        runs=RUNS,
    )
    case = f"single, {CLIENTS} clients at once"
    yield _case(case, SINGLE * CLIENTS, pace, "hordak", peer, 3)


def _bulks_at_once(
    ours: Clients, hordak: Clients, peer: str, behind: list[float]
) -> Iterator[dict[str, Any]]:
    share, batches = BATCH // CLIENTS, BATCH * 2
    pace = in_turns(
        {
            "ours": lambda: _sealing(
                lambda: ours.seconds("bulk", batches) / (batches * CLIENTS), behind
            ),
            "hordak": lambda: hordak.seconds("bulk", share) / (share * CLIENTS),
        },
        runs=RUNS,
    )
    case = f"bulk, {CLIENTS} clients at once"
    against = f"{peer}, {share:,} a transaction"
    yield _case(case, batches * CLIENTS, pace, "hordak", against, 30)


def _sealing(work: Callable[[], float], behind: list[float]) -> float:
    """Do our work while the sealer does its own; others begin when it has nothing left to do."""
    pace = work()
    behind.append(until_sealed())
    return pace


def _sealed(seconds: float) -> dict[str, Any]:
    return {
        "case": "everything sealed after the last entry, at the worst",
        "ours": round(1 / seconds, 3),
        "against": f"a limit of {SEALED_WITHIN} s",
        "reference": round(1 / SEALED_WITHIN, 3),
        "target": 1,
        "ok": seconds <= SEALED_WITHIN,
        "unit": "1/s",
        "runs": RUNS,
    }


def _ours(book: UUID) -> AbstractContextManager[Clients]:
    return clients("bench.ledger_peer", "1", str(ACCOUNTS), str(book), count=CLIENTS)


def _case(
    case: str, rows: int, pace: dict[str, float], other: str, against: str, target: float | None
) -> dict[str, Any]:
    """A case from the seconds that each takes for an entry."""
    ratio = pace[other] / pace["ours"]
    return {
        "case": f"{case}, entries of two postings",
        "ours": round(1 / pace["ours"]),
        "against": against,
        "reference": round(1 / pace[other]),
        "target": target,
        "ok": None if target is None else ratio >= target,
        "unit": "entries/s",
        "rows": rows,
        "runs": RUNS,
    }


class _Plain:
    """The same rows without the ledger, over a connection of its own."""

    def __init__(self) -> None:
        self.connection = psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True)
        self.connection.execute(PLAIN)
        self.book, self.accounts = uuid.uuid4(), (uuid.uuid4(), uuid.uuid4())
        self.now = datetime.now(UTC)

    def __enter__(self) -> _Plain:
        return self

    def __exit__(self, *_error: object) -> None:
        self.connection.close()

    def single(self, entries: int) -> float:
        """Insert one by one; returns seconds."""
        rows = [[*entry, *first, *second] for entry, first, second in self._rows(entries)]

        def work() -> None:
            for row in rows:
                self.connection.execute(ONE, row)

        return timed(work)

    def bulk(self, batch: int, batches: int) -> float:
        """Insert batch by batch; returns seconds."""
        prepared = [self._columns(batch) for _ in range(batches)]

        def work() -> None:
            for entries, postings in prepared:
                with self.connection.transaction():
                    self.connection.execute(MANY_ENTRIES, entries)
                    self.connection.execute(MANY_POSTINGS, postings)

        return timed(work)

    def _columns(self, count: int) -> tuple[list[list[Any]], list[list[Any]]]:
        rows = list(self._rows(count))
        entries = [entry for entry, _, _ in rows]
        postings = [posting for _, *two in rows for posting in two]
        return [list(c) for c in zip(*entries, strict=True)], [
            list(c) for c in zip(*postings, strict=True)
        ]

    def _rows(self, count: int) -> Iterator[tuple[Row, Row, Row]]:
        now, day = self.now, self.now.date()
        for _ in range(count):
            id, reference = uuid7(), f"fact:{uuid.uuid4()}"
            first, second = (
                (self.book, id, account, 1_00, now, day, line, "CNY", side)
                for line, account, side in zip((1, 2), self.accounts, "DC", strict=True)
            )
            yield (
                (id, self.book, now, now, day, 2, os.urandom(32), reference, "bench", ""),
                first,
                second,
            )


@contextmanager
def _hordak() -> Iterator[Clients]:
    """As many processes as there are clients, on a database of their own."""
    if not PEERS.exists():
        raise RuntimeError(f"no {PEERS}: `make bench` installs what is compared with")
    with database("bench_hordak") as addresses:
        peer = {"PYTHONPATH": str(PEERS), "PEER_DATABASE_URL": addresses["DATABASE_OWNER_URL"]}
        with clients("bench.hordak_peer", count=CLIENTS, environment=peer) as peers:
            yield peers
