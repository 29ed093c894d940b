"""Sealed books, and owners at work on them with every guard off, whose work is taken back."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import psycopg
from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper
from django.test import override_settings

from ledger import heads, holds
from ledger.book import Link, post, reverse
from ledger.catalogue import TABLES
from ledger.chain import prove_chain
from ledger.checks import Finding
from ledger.drafts import CONTENT_HASH_SQL, HOLD_HASH_SQL
from ledger.models import Closing
from ledger.periods import close
from ledger.seals import seal
from tests.ledger.build import NOW, TODAY, a_draft, a_funded_book, hold, in_book, spending

ROOT = Path(__file__).resolve().parents[2]
LATER = NOW + timedelta(hours=1)
SOON = timedelta(seconds=10)


@dataclass
class Sealed:
    """A book in four seals: accounts and a filled wallet; two entries; two more; and the rest.

    That is a reversal, an entry with links, one that posts a hold, a hold given back, a closing.
    """

    book: UUID
    folder: Path
    first: UUID
    second: UUID
    third: UUID
    fourth: UUID
    reversal: UUID
    linked: UUID
    spent: UUID
    kept: UUID
    used: UUID
    closing: UUID

    @property
    def key(self) -> Path:
        """The file of the public key."""
        return self.folder / "public.pem"

    @property
    def heads(self) -> Path:
        """The directory of exported heads."""
        return self.folder / "heads"


def a_sealed_book(folder: Path) -> Sealed:
    """A book whose seals have left the database for a directory below `folder`."""
    book, at = a_funded_book(1000), NOW
    seal(book=book, now=at)
    ids = {}
    for names in (("first", "second"), ("third", "fourth")):
        at += SOON
        with in_book(book):
            for name in names:
                draft = a_draft(reference=name, metadata={"b": "ß", "a": "1"})
                ids[name] = post(book=book, draft=draft, now=at)
        seal(book=book, now=at)
    with in_book(book):
        ids["reversal"] = reverse(
            book=book, reference="first", reason="", now=at + SOON, booked_on=TODAY
        )
        links = (Link(relation="about", reference="third"), Link(relation="on", reference="fourth"))
        draft = a_draft(reference="linked", links=links)
        ids["linked"] = post(book=book, draft=draft, now=at + SOON)
        ids["used"] = hold(book, 7, reference="used", now=at)
        ids["spent"] = holds.post(
            book=book, reference="used", draft=spending(7, reference="spent"), now=at + SOON
        )
        ids["kept"] = hold(book, 5, reference="kept", now=at)
        holds.release(book=book, reference="kept", reason="not needed", now=at + SOON)
        close(book=book, through=TODAY - timedelta(days=30), by="Ann", reason="", now=at + SOON)
        ids["closing"] = Closing.objects.get(book=book).id
    seal(book=book, now=at + SOON)
    sealed = Sealed(book=book, folder=folder, **ids)
    export(sealed)
    return sealed


def export(sealed: Sealed) -> None:
    """Write off what has not left yet, and the public key."""
    with override_settings(LEDGER_HEADS=sealed.heads):
        heads.export(using="ops", now=LATER)
    sealed.folder.mkdir(exist_ok=True)
    sealed.key.write_bytes(heads.pem(heads.signing_key().public_key()))


def broken_chain(sealed: Sealed, *, with_heads: bool = True, using: str = "ops") -> dict[str, str]:
    """The findings of `check_books --chain` that are no good, and where."""
    findings: list[Finding] = prove_chain(
        using,
        sealed.book,
        now=LATER,
        heads=sealed.heads if with_heads else None,
        keys=heads.public_keys(sealed.key.read_bytes()),
    )
    return {f.invariant: "; ".join(f.examples) for f in findings if f.violations}


def verified(sealed: Sealed) -> tuple[int, str]:
    """What docs/verify_chain.py says, a program that shares no code with the ledger."""
    done = subprocess.run(
        [
            *(sys.executable, "-I", "docs/verify_chain.py", os.environ["DATABASE_OWNER_URL"]),
            *("--heads", sealed.heads, "--public-key", sealed.key, "--book", str(sealed.book)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


# --- The owner at work --------------------------------------------------------------------


@contextmanager
def tampered(
    sealed: Sealed, *work: str | Callable[[CursorWrapper, Sealed], None]
) -> Iterator[None]:
    """The owner did this to the book, with every guard off, and put the guards back.

    At the end the book is as it was, because other tests prove every book.
    """
    columns = _columns()
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as keeper:
        for table, names in columns.items():
            keeper.execute(
                f"CREATE TEMP TABLE kept_{table} AS SELECT {names} FROM {table} WHERE book = %s",
                [sealed.book],
            )
        try:
            with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
                _guards(cursor, up=False)
                for each in work:
                    if isinstance(each, str):
                        cursor.execute(each, vars(sealed))
                    else:
                        each(cursor, sealed)
                _guards(cursor, up=True)
            yield
        finally:
            with keeper.transaction():
                _guards(keeper, up=False)
                for table in reversed(TABLES):
                    keeper.execute(f"DELETE FROM {table} WHERE book = %s", [sealed.book])
                for table, names in columns.items():
                    keeper.execute(
                        f"INSERT INTO {table} ({names}) SELECT {names} FROM kept_{table}"
                    )
                _guards(keeper, up=True)


def _guards(cursor: CursorWrapper | psycopg.Connection[tuple[object, ...]], *, up: bool) -> None:
    for table in TABLES:
        cursor.execute(f"ALTER TABLE {table} {'ENABLE' if up else 'DISABLE'} TRIGGER ALL")
    if up:
        cursor.execute("""DO $$ DECLARE t record; BEGIN
            FOR t IN SELECT tgrelid::regclass AS its_table, tgname FROM pg_trigger
                WHERE NOT tgisinternal AND tgrelid::regclass::text LIKE 'ledger\\_%'
            LOOP EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', t.its_table, t.tgname);
            END LOOP; END $$""")


def _columns() -> dict[str, str]:
    """The columns that can be written, by table."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT table_name, string_agg(column_name, ', ') FROM information_schema.columns"
            " WHERE table_name = ANY(%s) AND is_generated = 'NEVER' GROUP BY table_name",
            [list(TABLES)],
        )
        found = dict(cursor.fetchall())
    return {table: found[table] for table in TABLES}


REHASH = f"""
UPDATE ledger_journalentry x SET content_hash = c.hash FROM (
    SELECT e.book, e.id, {CONTENT_HASH_SQL} AS hash
    FROM ledger_journalentry e
    JOIN ledger_posting p ON p.book = e.book AND p.entry_id = e.id AND p.known_at = e.known_at
    JOIN ledger_ledgeraccount a ON a.book = p.book AND a.id = p.account_id
    WHERE e.book = %(book)s GROUP BY e.book, e.id
) c WHERE x.book = c.book AND x.id = c.id;
UPDATE ledger_hold x SET content_hash = c.hash FROM (
    SELECT h.book, h.id, {HOLD_HASH_SQL} AS hash
    FROM ledger_hold h JOIN ledger_ledgeraccount a ON a.book = h.book AND a.id = h.account_id
    WHERE h.book = %(book)s
) c WHERE x.book = c.book AND x.id = c.id
"""
"""What a careful attacker does last: every content hash of the book is true again."""


def reseal(cursor: CursorWrapper, sealed: Sealed) -> None:
    """Rewrite the chain so that it fits the rows: the same seals of the same moments."""
    cursor.execute(
        "SELECT sealed_at, kinds, ids FROM ledger_seal WHERE book = %s ORDER BY number",
        [sealed.book],
    )
    old = cursor.fetchall()
    for table in ("ledger_anchor", "ledger_seal", "ledger_arrival"):
        cursor.execute(f"DELETE FROM {table} WHERE book = %s", [sealed.book])
    cursor.execute("SELECT set_config('tributary.tenant', %s, true)", [str(sealed.book)])
    for sealed_at, kinds, ids in old:
        cursor.execute(
            "INSERT INTO ledger_arrival (book, kind, ids)"
            " SELECT %s, kind, array_agg(id) FROM unnest(%s::text[], %s::uuid[]) AS r (kind, id)"
            " WHERE kind <> 'entry' OR id IN (SELECT id FROM ledger_journalentry) GROUP BY kind",
            [sealed.book, kinds, ids],
        )
        cursor.execute("SELECT ledger_seal_arrivals(%s, %s, 10000)", [sealed.book, sealed_at])
