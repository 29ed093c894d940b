"""Entries of two postings: one transaction each, and in bulk, against plain SQL and django-hordak.

All three write to the same server with its usual durability, in turns; medians count.

Ours: drafts in, entries out, with every check and guard; `post` in a transaction of its own,
`post_many` in one for each batch. Plain SQL: the same columns in tables with their primary keys
only, the values ready in memory; one statement an entry, and for a batch one INSERT a table from
arrays (faster than executemany). Hordak: `Account.transfer_to` in a database and process of its
own; it has no bulk call, so a batch is as many calls in one transaction.
"""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.db import connections
from uuid_utils.compat import uuid7

from accounts.access import acting_for
from bench.measure import in_turns, timed
from ledger.book import AccountSpec, Draft, Side, credit, debit, open_accounts, post, post_many

SINGLE = 500
BATCH, BATCHES = 5_000, 4
RUNS = 7
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
    """Yield entries a second, one by one and in bulk, each against both."""
    ours, entries = _Ours(), BATCH * BATCHES
    with _Plain() as plain, _hordak() as hordak:
        single = in_turns(
            {
                "ours": lambda: ours.single(SINGLE),
                "plain": lambda: plain.single(SINGLE),
                "hordak": lambda: hordak("single", SINGLE),
            },
            runs=RUNS,
        )
        bulk = in_turns(
            {
                "ours": lambda: ours.bulk(BATCH, BATCHES),
                "plain": lambda: plain.bulk(BATCH, BATCHES),
                "hordak": lambda: hordak("bulk", BATCH),
            },
            runs=RUNS,
        )
    one = {name: round(SINGLE / seconds) for name, seconds in single.items()}
    many = {name: round(entries / seconds) for name, seconds in bulk.items()}
    many["hordak"] = round(BATCH / bulk["hordak"])
    [found] = distributions(name="django-hordak", path=[str(PEERS)])
    peer = f"django-hordak {found.version} transfer_to"
    yield _case("single", one["ours"], peer, one["hordak"], 2)
    yield _case("single", one["ours"], "plain SQL into keys only", one["plain"], None)
    yield _case("bulk", many["ours"], f"{peer}, {BATCH:,} a transaction", many["hordak"], 20)
    yield _case("bulk", many["ours"], "plain SQL into keys only", many["plain"], 0.25)


def _case(
    case: str, ours: int, against: str, reference: int, target: float | None
) -> dict[str, Any]:
    return {
        "case": f"{case}, entries of two postings",
        "ours": ours,
        "against": against,
        "reference": reference,
        "target": target,
        "ok": None if target is None else ours / reference >= target,
        "unit": "entries/s",
        "rows": SINGLE if case == "single" else BATCH * BATCHES,
        "runs": RUNS,
    }


class _Ours:
    """A book with two accounts."""

    def __init__(self) -> None:
        self.book = uuid.uuid4()
        self.now = datetime.now(UTC)
        cash = AccountSpec(code="cash", currency="CNY", normal_side=Side.DEBIT)
        owed = AccountSpec(code="owed", currency="CNY", normal_side=Side.CREDIT)
        with acting_for(self.book):
            open_accounts(book=self.book, specs=[cash, owed], now=self.now)

    def single(self, entries: int) -> float:
        """Post one by one; returns seconds."""
        drafts = [self._draft() for _ in range(entries)]

        def work() -> None:
            for draft in drafts:
                post(book=self.book, draft=draft, now=self.now)

        return timed(work)

    def bulk(self, batch: int, batches: int) -> float:
        """Post batch by batch; returns seconds."""
        prepared = [[self._draft() for _ in range(batch)] for _ in range(batches)]

        def work() -> None:
            for drafts in prepared:
                with acting_for(self.book):
                    post_many(book=self.book, drafts=drafts, now=self.now)

        return timed(work)

    def _draft(self) -> Draft:
        return Draft(
            reference=f"fact:{uuid.uuid4()}",
            kind="bench",
            movements=(debit("cash", 1_00, "CNY"), credit("owed", 1_00, "CNY")),
            event_at=self.now,
            booked_on=self.now.date(),
        )


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
def _hordak() -> Iterator[Any]:
    """Another process with a database of its own; yields what asks it for seconds."""
    if not PEERS.exists():
        raise RuntimeError(f"no {PEERS}: `make bench` installs what is compared with")
    owner = connections["owner"]
    with owner.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS bench_hordak")
        cursor.execute("CREATE DATABASE bench_hordak")
    address = urlsplit(os.environ["DATABASE_OWNER_URL"])._replace(path="/bench_hordak")
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.hordak_peer"],
        env={**os.environ, "PYTHONPATH": str(PEERS), "PEER_DATABASE_URL": urlunsplit(address)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    pipes = process.stdin, process.stdout

    def ask(way: str, entries: int) -> float:
        print(way, entries, file=pipes[0], flush=True)
        return float(pipes[1].readline())

    try:
        yield ask
    finally:
        process.communicate()
        with owner.cursor() as cursor:
            cursor.execute("DROP DATABASE bench_hordak WITH (FORCE)")
