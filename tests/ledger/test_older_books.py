"""Books of a version in which a hold named its entry, brought along by the migrations."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from ledger.book import Draft, credit, debit
from ledger.drafts import content_hash, hold_hash
from tests.ledger.build import CASH, NOW, TODAY, WALLET
from tests.ledger.test_plain_owner import environment_of, run

pytestmark = pytest.mark.usefixtures("database")

BEFORE = "0007_posting"


def draft(reference: str, amount: int) -> Draft:
    """What fills the wallet, or with a negative amount takes from it."""
    sides = (debit, credit) if amount > 0 else (credit, debit)
    movements = tuple(
        side(code, abs(amount), "CNY") for side, code in zip(sides, (CASH, WALLET), strict=True)
    )
    return Draft(
        reference=reference, kind="test", movements=movements, event_at=NOW, booked_on=TODAY
    )


@dataclass
class OldBook:
    """A book written by hand as the older version wrote it."""

    connection: psycopg.Connection[tuple[object, ...]]
    book: UUID
    accounts: dict[str, UUID]

    def open(self) -> None:
        self.connection.execute(
            "SELECT set_config('tributary.tenant', %s, false), ledger_ensure_partitions(%s, 2)",
            [str(self.book), TODAY],
        )
        for code, side, floor in ((CASH, "D", None), (WALLET, "C", 0)):
            self.connection.execute(
                "INSERT INTO ledger_ledgeraccount VALUES (%s, %s, %s, 'CNY', %s, %s, %s)",
                [self.accounts[code], self.book, code, side, floor, NOW],
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


AFTERWARDS = """
import django; django.setup()
import pytest
from tests.ledger.test_older_books import *
from tests.ledger.build import in_book, broken, spending
from ledger import holds
from ledger.balances import Funds, funds
from ledger.errors import DuplicateReferenceError, HoldSettledError
from ledger.models import Hold, JournalEntry

book = UUID("{book}")
assert broken("ops", None) == {{}}
assert broken("owner", None) == {{}}
with in_book(book) as cursor:
    rows = Hold.objects.order_by("reference").values_list("reference", "state", "taken")
    assert list(rows) == [
        ("live", "held", 0), ("posted", "posted", 30), ("released", "released", 0)
    ]
    old = JournalEntry.objects.get(reference="paid")
    assert old.hold_id is None
    cursor.execute("SELECT kind, sum(cardinality(ids)) FROM ledger_arrival GROUP BY 1 ORDER BY 1")
    assert cursor.fetchall() == [("account", 2), ("entry", 2), ("hold", 3), ("settlement", 2)]
    # The same draft again is the old entry, though it does not name the hold.
    assert holds.post(book=book, reference="posted", draft=draft("paid", -30), now=NOW) == old.id
    with pytest.raises(HoldSettledError, match="posted by paid"):
        holds.post(book=book, reference="posted", draft=draft("other", -30), now=NOW)
    with pytest.raises(DuplicateReferenceError):
        holds.post(book=book, reference="live", draft=draft("paid", -30), now=NOW)
    with pytest.raises(HoldSettledError, match="posted by paid"):
        holds.release(book=book, reference="posted", reason="", now=NOW)
    assert funds(book=book, code=WALLET) == Funds(balance=70, held=20)
    holds.post(book=book, reference="live", draft=draft("new", -20), now=NOW)
    assert funds(book=book, code=WALLET) == Funds(balance=50, held=0)
assert broken("ops", None) == {{}}
print("told")
"""


@pytest.fixture
def older_database(database: None) -> Iterator[str]:
    """A database of its own, in which the older version's tables are."""
    name = f"older_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield name
        finally:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            connection.execute(drop)


def test_holds_of_older_books_are_what_they_were(older_database: str) -> None:
    environment = environment_of(older_database, plain=False)
    migrate = ("manage.py", "migrate", "ledger")
    run(*migrate, BEFORE, "--database=owner", env=environment)
    owner = environment["DATABASE_OWNER_URL"]
    with psycopg.connect(owner, autocommit=True) as connection:
        accounts = {code: uuid.uuid4() for code in (CASH, WALLET)}
        old = OldBook(connection, uuid.uuid4(), accounts)
        old.open()
        old.post(draft("filled", 100))
        old.settle(old.place("posted", 30), "posted", draft("paid", -30))
        old.settle(old.place("released", 15), "released")
        old.place("live", 20)
    run(*migrate, "--database=owner", env=environment)
    assert run("-c", AFTERWARDS.format(book=old.book), env=environment).strip() == "told"
