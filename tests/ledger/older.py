"""Books of older versions: a database of its own, in which their tables are, and rows by hand."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

import psycopg
from psycopg import sql

from ledger.book import AccountSpec, Draft
from ledger.drafts import content_hash, hold_hash
from tests.ledger.build import NOW, TODAY, WALLET
from tests.ledger.test_plain_owner import environment_of, run

LEDGER = ("ledger", "0007_posting")
"""The last version in which a hold named its entry and unguarded accounts had no balance."""


@contextmanager
def older_database(*versions: tuple[str, str]) -> Iterator[dict[str, str]]:
    """The environment of a database that was migrated so far: names of apps and migrations."""
    name = f"older_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            environment = environment_of(name, plain=False)
            for version in versions:
                migrate(environment, *version)
            yield environment
        finally:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            connection.execute(drop)


def migrate(environment: dict[str, str], *version: str) -> None:
    """Bring the database to the newest version, or to the one that is named."""
    run("manage.py", "migrate", *version, "--database=owner", env=environment)


@contextmanager
def old_book(environment: dict[str, str]) -> Iterator[OldBook]:
    """A book of the older version, on a connection of the owner's."""
    owner = environment["DATABASE_OWNER_URL"]
    with psycopg.connect(owner, autocommit=True) as connection:
        yield OldBook(connection)


@dataclass
class OldBook:
    """A book written by hand as the older version wrote it."""

    connection: psycopg.Connection[tuple[object, ...]]
    book: UUID = field(default_factory=uuid.uuid4)
    accounts: dict[str, UUID] = field(default_factory=dict)

    def open(self, *specs: AccountSpec) -> None:
        self.connection.execute(
            "SELECT set_config('tributary.tenant', %s, false), ledger_ensure_partitions(%s, 2)",
            [str(self.book), TODAY],
        )
        for spec in specs:
            id = self.accounts[spec.code] = uuid.uuid4()
            self.connection.execute(
                "INSERT INTO ledger_ledgeraccount VALUES (%s, %s, %s, %s, %s, %s, %s)",
                [id, self.book, spec.code, spec.currency, spec.normal_side, spec.floor, NOW],
            )

    def post(self, content: Draft) -> UUID:
        entry, rows = uuid.uuid4(), []
        for number, x in enumerate(content.movements, start=1):
            rows += [self.book, entry, number, self.accounts[x.account], x.side, x.amount, NOW]
            rows += [TODAY]
        self.connection.execute(
            "WITH entry AS (INSERT INTO ledger_journalentry (id, book, reference, kind,"
            " content_hash, posting_count, event_at, known_at, booked_on, memo)"
            " VALUES (%s, %s, %s, 'test', %s, 2, %s, %s, %s, ''))"
            " INSERT INTO ledger_posting (book, entry_id, line_no, account_id, currency, side,"
            " amount, known_at, booked_on) VALUES (%s, %s, %s, %s, 'CNY', %s, %s, %s, %s),"
            " (%s, %s, %s, %s, 'CNY', %s, %s, %s, %s)",
            [entry, self.book, content.reference, content_hash(book=self.book, draft=content),
             NOW, NOW, TODAY, *rows],
        )  # fmt: skip
        return entry

    def place(self, reference: str, amount: int) -> UUID:
        hold = uuid.uuid4()
        content = hold_hash(book=self.book, reference=reference, account=WALLET, amount=amount,
                            currency="CNY", subject=None, expires_at=None)  # fmt: skip
        self.connection.execute(
            "INSERT INTO ledger_hold (id, book, reference, account_id, currency, amount,"
            " placed_at, content_hash) VALUES (%s, %s, %s, %s, 'CNY', %s, %s, %s)",
            [hold, self.book, reference, self.accounts[WALLET], amount, NOW, content],
        )
        return hold

    def settle(self, hold: UUID, state: str, content: Draft | None = None) -> None:
        with self.connection.transaction():
            change = "UPDATE ledger_hold SET state = %s, settled_at = %s WHERE id = %s"
            self.connection.execute(change, [state, NOW, hold])
            if content is not None:
                link = "UPDATE ledger_hold SET entry_id = %s WHERE id = %s"
                self.connection.execute(link, [self.post(content), hold])
