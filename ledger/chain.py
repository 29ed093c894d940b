"""Proves that every record is what it was when it was sealed, and that no seal was touched.

An owner of the database can change a row together with its hash, its seal and all seals after it.
Against the rows the chain then holds; against the heads that left the database (`ledger/heads.py`)
it does not. So both are proved here, each as queries that stream: books of any size need no more
memory than small ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import connections, transaction

from ledger.checks import EXAMPLES, Finding, find, refuse_to_look_through_a_keyhole
from ledger.drafts import CONTENT_HASH_SQL, HOLD_HASH_SQL, canonical_sql, instant_sql
from ledger.heads import Head, is_signed, read

LATE = timedelta(minutes=5)
"""Sealing and writing off take seconds; after this long something stands still."""
BATCH = 1000


def prove_chain(
    using: str,
    book: UUID | None = None,
    *,
    now: datetime,
    heads: Path | None = None,
    keys: Sequence[Ed25519PublicKey] = (),
) -> list[Finding]:
    """Prove the seals of one book or of all; with `heads`, a directory, the exported heads too.

    `using` is as in `ledger.checks.prove`. One finding each, with 0 violations if all is well.
    Every head must be signed by one of the keys. What waits for longer than LATE before `now` is
    a violation.
    """
    refuse_to_look_through_a_keyhole(using, book)
    parameters = {"book": book, "late": now - LATE}
    outermost = not connections[using].in_atomic_block
    with transaction.atomic(using=using):
        if outermost:
            with connections[using].cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        findings = [
            find(using, invariant, sql, parameters) for invariant, sql in CHAIN_INVARIANTS.items()
        ]
    if heads is not None:
        findings += _Heads(using, book, keys).prove(heads, now - LATE)
    return findings


# --- The chain against the rows -----------------------------------------------------------

_ENTRY = canonical_sql(
    "'entry'", "e.id::text", instant_sql("e.known_at"), "encode(e.content_hash, 'hex')"
)
_ACCOUNT = canonical_sql(
    "'account'",
    "a.id::text",
    "a.code",
    "a.currency::text",
    "a.normal_side::text",
    "a.floor::text",
    "a.overdraft::text",
    instant_sql("a.opened_at"),
)
_HOLD = canonical_sql(
    "'hold'", "h.id::text", instant_sql("h.placed_at"), "encode(h.content_hash, 'hex')"
)
_SETTLEMENT = canonical_sql(
    "'settlement'",
    "h.id::text",
    "h.state",
    instant_sql("h.settled_at"),
    "h.reason",
    "h.taken::text",
    "h.posted_by::text",
)
_CLOSING = canonical_sql(
    "'closing'",
    "c.id::text",
    "c.number::text",
    "c.action",
    "to_char(c.through, 'YYYY-MM-DD')",
    "c.closed_by",
    "c.approved_by",
    "c.reason",
    instant_sql("c.closed_at"),
    "encode(c.digest, 'hex')",
)


def _digest(text: str) -> str:
    return f"sha256(convert_to({text}, 'UTF8'))"


# Of a sealed record `r` of the seal `s`. The content's hash is computed from the postings: one that
# was only stored anew does not help.
_DIGEST_NOW = f"""CASE r.kind
    WHEN 'entry' THEN (
        SELECT CASE WHEN c.whole AND c.content = e.content_hash THEN {_digest(_ENTRY)} END
        FROM ledger_journalentry e
        CROSS JOIN LATERAL (
            SELECT {CONTENT_HASH_SQL} AS content,
                   count(*) = e.posting_count AND min(p.line_no) = 1
                       AND max(p.line_no) = count(*) AND bool_and(p.booked_on = e.booked_on)
                       AS whole
            FROM ledger_posting p
            LEFT JOIN ledger_ledgeraccount a ON a.book = p.book AND a.id = p.account_id
            WHERE p.book = e.book AND p.entry_id = e.id AND p.known_at = e.known_at
        ) c
        WHERE e.book = s.book AND e.id = r.id)
    WHEN 'account' THEN (
        SELECT {_digest(_ACCOUNT)} FROM ledger_ledgeraccount a
        WHERE a.book = s.book AND a.id = r.id)
    WHEN 'hold' THEN (
        SELECT CASE WHEN h.content_hash = {HOLD_HASH_SQL} THEN {_digest(_HOLD)} END
        FROM ledger_hold h
        LEFT JOIN ledger_ledgeraccount a ON a.book = h.book AND a.id = h.account_id
        WHERE h.book = s.book AND h.id = r.id)
    WHEN 'settlement' THEN (
        SELECT {_digest(_SETTLEMENT)} FROM ledger_hold h
        WHERE h.book = s.book AND h.id = r.id AND h.state <> 'held')
    WHEN 'closing' THEN (
        SELECT {_digest(_CLOSING)} FROM ledger_closing c
        WHERE c.book = s.book AND c.id = r.id)
    END"""

# Of any record `r` with a book, a kind and an id.
_NAME = """format('%%s %%s%%s of book %%s', r.kind, r.id, (
    SELECT format(' (%%s)', name) FROM (
        SELECT e.reference FROM ledger_journalentry e
        WHERE r.kind = 'entry' AND e.book = r.book AND e.id = r.id
        UNION ALL SELECT a.code FROM ledger_ledgeraccount a
        WHERE r.kind = 'account' AND a.book = r.book AND a.id = r.id
        UNION ALL SELECT h.reference FROM ledger_hold h
        WHERE r.kind IN ('hold', 'settlement') AND h.book = r.book AND h.id = r.id
    ) AS named (name) LIMIT 1), r.book)"""

_OF_SEAL = "(%(book)s::uuid IS NULL OR s.book = %(book)s)"
_OF_BOOK = "(%(book)s::uuid IS NULL OR {}.book = %(book)s)"
# That a hold was posted its entries tell; of older books it is sealed as well.
_RECORDS = " UNION ALL ".join(
    f"SELECT x.book, '{kind}' AS kind, x.id, 1, {must}, 0, 0 FROM {table} x"
    f" WHERE {_OF_BOOK.format('x')} AND {which}"
    for kind, table, must, which in (
        ("entry", "ledger_journalentry", 1, "true"),
        ("account", "ledger_ledgeraccount", 1, "true"),
        ("hold", "ledger_hold", 1, "true"),
        ("settlement", "ledger_hold", 1, "x.state NOT IN ('held', 'posted')"),
        ("settlement", "ledger_hold", 0, "x.state = 'posted'"),
        ("closing", "ledger_closing", 1, "true"),
    )
)
_HEAD = canonical_sql(
    "'seal-1'",
    "s.book::text",
    "s.number::text",
    instant_sql("s.sealed_at"),
    "encode(s.previous, 'hex')",
    "cardinality(s.ids)::text",
)
_SEALED = canonical_sql("r.kind", "r.id::text", "encode(r.digest, 'hex')")

CHAIN_INVARIANTS = {
    "every sealed record is what it was when it was sealed": f"""
        SELECT {_NAME} || format(': not as in seal %%s', r.number)
        FROM (
            SELECT s.book, s.number, r.kind, r.id, r.digest, {_DIGEST_NOW} AS digest_now
            FROM ledger_seal s
            CROSS JOIN LATERAL unnest(s.kinds, s.ids, s.digests) AS r (kind, id, digest)
            WHERE {_OF_SEAL} OFFSET 0
        ) r WHERE r.digest IS DISTINCT FROM r.digest_now
    """,
    "every record is sealed once, or has just arrived": f"""
        SELECT {_NAME} || CASE
            WHEN r.there = 0 THEN ': has arrived and is not there'
            WHEN r.sealed + r.waits = 0 THEN ': is not sealed and has not just arrived'
            WHEN r.waits = 0 THEN format(': is sealed %%s times', r.sealed)
            ELSE ': has arrived more often than once' END
        FROM (
            SELECT book, kind, id, sum(there) AS there, sum(must) AS must, sum(sealed) AS sealed,
                   sum(waits) AS waits
            FROM (
                {_RECORDS}
                UNION ALL
                SELECT s.book, r.kind, r.id, 0, 0, 1, 0
                FROM ledger_seal s CROSS JOIN LATERAL unnest(s.kinds, s.ids) AS r (kind, id)
                WHERE {_OF_SEAL}
                UNION ALL
                SELECT w.book, w.kind, unnest(w.ids), 0, 0, 0, 1
                FROM ledger_arrival w WHERE {_OF_BOOK.format("w")}
            ) AS found (book, kind, id, there, must, sealed, waits)
            GROUP BY book, kind, id
        ) r
        WHERE r.sealed + r.waits > 1 OR r.must > r.sealed + r.waits
           OR r.there = 0 AND r.waits > 0
    """,
    "every seal's head is the hash of what it says": f"""
        SELECT format('seal %%s of book %%s', s.number, s.book) FROM ledger_seal s
        WHERE {_OF_SEAL} AND s.head IS DISTINCT FROM sha256(convert_to({_HEAD} || (
            SELECT string_agg({_SEALED}, '' ORDER BY r.n)
            FROM unnest(s.kinds, s.ids, s.digests) WITH ORDINALITY AS r (kind, id, digest, n)
        ), 'UTF8'))
    """,
    "every seal follows the one before it, from number 1 on": f"""
        SELECT format('seal %%s of book %%s follows %%s', number, book, CASE
            WHEN number = before + 1 THEN 'another head than that of seal ' || before
            ELSE coalesce('seal ' || nullif(before, 0), 'none') END)
        FROM (
            SELECT book, number, previous, coalesce(lag(number) OVER chain, 0) AS before,
                   coalesce(lag(head) OVER chain, decode(repeat('00', 32), 'hex')) AS head_before
            FROM ledger_seal s WHERE {_OF_SEAL} WINDOW chain AS (PARTITION BY book ORDER BY number)
        ) s WHERE number <> before + 1 OR previous <> head_before
    """,
    "what has arrived is sealed within minutes": f"""
        SELECT format('sealing is late: %%s arrivals of book %%s, the first of %%s', count(*),
            w.book, min(w.arrived_at))
        FROM ledger_arrival w
        WHERE {_OF_BOOK.format("w")} AND w.arrived_at < %(late)s GROUP BY w.book
    """,
}


# --- The chain against what left the database ---------------------------------------------

EQUAL = "every exported head is its seal's"
SIGNED = "every exported head is signed"
EXPORTED = "every seal's head has left the database"


class _Places:
    """Counts violations and keeps the first few."""

    def __init__(self, invariant: str) -> None:
        self.invariant = invariant
        self.count = 0
        self.first: list[str] = []

    def add(self, place: str) -> None:
        self.count += 1
        if self.count <= EXAMPLES:
            self.first.append(place)

    def finding(self) -> Finding:
        return Finding(invariant=self.invariant, violations=self.count, examples=tuple(self.first))


class _Heads:
    """Compares exported heads with seals, a batch at a time."""

    def __init__(self, using: str, book: UUID | None, keys: Sequence[Ed25519PublicKey]) -> None:
        self.using, self.book, self.keys = using, book, keys
        self.equal, self.signed, self.exported = map(_Places, (EQUAL, SIGNED, EXPORTED))
        self.seen: defaultdict[UUID, set[int]] = defaultdict(set)

    def prove(self, folder: Path, late: datetime) -> list[Finding]:
        """Three findings. A seal is there before its head leaves, so files are read first."""
        damaged: list[str] = []
        heads = (h for h in read(folder, damaged) if self.book in (None, h.book))
        while batch := list(islice(heads, BATCH)):
            self._compare(batch)
        for place in damaged:
            self.equal.add(place)
        for book, number in self._seals(late):
            if number not in self.seen[book]:
                self.exported.add(f"seal {number} of book {book}")
        return [places.finding() for places in (self.equal, self.signed, self.exported)]

    def _compare(self, batch: list[Head]) -> None:
        there = self._heads_of(batch)
        for head in batch:
            place = f"seal {head.number} of book {head.book}"
            found = there.get((head.book, head.number))
            if found is None:
                self.equal.add(f"{place} is not there")
            elif found != (head.head, head.previous):
                self.equal.add(f"{place} has another head")
            if is_signed(head, self.keys):
                self.seen[head.book].add(head.number)
            else:
                self.signed.add(place)

    def _heads_of(self, batch: list[Head]) -> dict[tuple[UUID, int], tuple[str, str]]:
        with connections[self.using].cursor() as cursor:
            cursor.execute(
                "SELECT s.book, s.number, encode(s.head, 'hex'), encode(s.previous, 'hex')"
                " FROM unnest(%s::uuid[], %s::bigint[]) AS wanted (book, number)"
                " JOIN ledger_seal s USING (book, number)",
                [[head.book for head in batch], [head.number for head in batch]],
            )
            return {(book, number): (head, prev) for book, number, head, prev in cursor.fetchall()}

    def _seals(self, late: datetime) -> Iterator[tuple[UUID, int]]:
        """The seals whose heads should have left: they are old enough, or their anchor says so."""
        sql = f"""
            SELECT s.book, s.number FROM ledger_seal s
            LEFT JOIN ledger_anchor a ON a.book = s.book AND a.number = s.number
            WHERE {_OF_SEAL} AND (s.sealed_at < %(late)s OR a.number IS NOT NULL)
            ORDER BY s.book, s.number
        """
        with connections[self.using].cursor() as cursor:
            cursor.execute(sql, {"book": self.book, "late": late})
            while rows := cursor.fetchmany(BATCH):
                yield from rows
