"""History cannot be changed by SQL while the guards are up, nor the guards walked around."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import timedelta, timezone
from uuid import UUID

import pytest
from django.db import DatabaseError, ProgrammingError, connections
from django.db.backends.utils import CursorWrapper

from ledger import partitions
from ledger.book import post
from ledger.errors import InvalidDraftError
from tests.ledger.build import (
    CASH,
    NOW,
    OWED,
    TODAY,
    Line,
    a_book,
    a_draft,
    broken,
    in_book,
    insert_entry,
    refused,
    tampering,
    trying,
)

pytestmark = pytest.mark.usefixtures("database")

TABLES = [
    "ledger_ledgeraccount",
    "ledger_journalentry",
    "ledger_posting",
    "ledger_balance",
    "ledger_hold",
]
PARTITION = "ledger_posting_2026_03"


def a_posted_entry(book: UUID) -> UUID:
    with in_book(book):
        return post(book=book, draft=a_draft(), now=NOW)


def copy_in(
    cursor: CursorWrapper, table: str, columns: str, rows: Iterable[Sequence[object]]
) -> None:
    copying = cursor.copy(f"COPY {table} ({columns}) FROM STDIN")
    with cursor.db.wrap_database_errors, copying as copy:
        for row in rows:
            copy.write_row(row)


# --- Permanence ---------------------------------------------------------------------------

CHANGES = [
    "UPDATE ledger_posting SET amount = amount + 1",
    "UPDATE ledger_posting SET subject = NULL",
    "UPDATE ledger_journalentry SET memo = 'other'",
    "UPDATE ledger_ledgeraccount SET code = code || 'x'",
    "UPDATE ledger_ledgeraccount SET floor = -1000",
    "UPDATE ledger_balance SET credits = credits + 1",
    "DELETE FROM ledger_posting",
    "DELETE FROM ledger_journalentry",
    "DELETE FROM ledger_ledgeraccount",
    "DELETE FROM ledger_balance",
    "UPDATE ledger_balance SET held = held + 1",
    "DELETE FROM ledger_hold",
    f"UPDATE {PARTITION} SET amount = amount + 1",
    f"DELETE FROM {PARTITION}",
    f"INSERT INTO {PARTITION} SELECT * FROM ledger_posting",
    "MERGE INTO ledger_posting p USING (VALUES (1)) v (x) ON p.line_no = v.x "
    "WHEN MATCHED THEN UPDATE SET amount = 1",
    "MERGE INTO ledger_posting p USING (VALUES (1)) v (x) ON p.line_no = v.x "
    "WHEN MATCHED THEN DELETE",
    "INSERT INTO ledger_posting SELECT * FROM ledger_posting "
    "ON CONFLICT (book, entry_id, line_no, known_at) DO UPDATE SET amount = 1",
    "INSERT INTO ledger_balance SELECT * FROM ledger_balance",
    *[f"TRUNCATE {table} CASCADE" for table in (*TABLES, PARTITION)],
]


@pytest.mark.parametrize("sql", CHANGES)
def test_the_owner_changes_nothing(sql: str) -> None:
    book = a_book()
    a_posted_entry(book)
    with refused("the ledger is only ever added to"), in_book(book, "owner") as cursor:
        cursor.execute(sql)


@pytest.mark.parametrize("sql", CHANGES)
def test_the_owner_changes_nothing_as_a_replica_either(sql: str) -> None:
    """session_replication_role = replica switches ordinary triggers off; ours are ALWAYS."""
    book = a_book()
    a_posted_entry(book)
    with refused("the ledger is only ever added to"), in_book(book, "owner") as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql)


def test_a_replica_posts_nothing_unbalanced_either() -> None:
    with tampering(book := a_book(), "owner", "entry_is_balanced") as (cursor, ids):
        cursor.execute("SET LOCAL session_replication_role = replica")
        insert_entry(cursor, book, [Line(ids[CASH], "D", 2), Line(ids[OWED], "C", 1)])


@pytest.mark.parametrize("using", ["default", "ops"])
@pytest.mark.parametrize("sql", CHANGES)
def test_the_other_roles_may_not_even_try(sql: str, using: str) -> None:
    book = a_book()
    a_posted_entry(book)
    with refused("permission denied", ProgrammingError), in_book(book, using) as cursor:
        cursor.execute(sql)


@pytest.mark.parametrize("table", TABLES)
def test_the_operator_adds_nothing(table: str) -> None:
    book = a_book()
    with refused("permission denied", ProgrammingError), in_book(book, "ops") as cursor:
        cursor.execute(f"INSERT INTO {table} DEFAULT VALUES")


# --- Paths past INSERT --------------------------------------------------------------------


@pytest.mark.parametrize("table", ["ledger_journalentry", "ledger_posting"])
def test_the_application_cannot_copy_into_the_ledger(table: str) -> None:
    with refused("COPY FROM not supported", DatabaseError), in_book(a_book()) as cursor:
        copy_in(cursor, table, "book", [])


def test_the_owner_copies_no_late_posting() -> None:
    book = a_book()
    entry = a_posted_entry(book)
    columns = "book, entry_id, line_no, account_id, currency, side, amount, known_at, booked_on"
    with tampering(book, "owner", "entry_has_all_its_postings") as (cursor, ids):
        late = [
            (book, entry, line_no, ids[code], "CNY", side, 1, NOW, TODAY)
            for line_no, code, side in [(3, CASH, "D"), (4, OWED, "C")]
        ]
        copy_in(cursor, "ledger_posting", columns, late)


def test_the_owner_copies_no_entry_without_postings() -> None:
    columns = "id, book, reference, kind, content_hash, posting_count, event_at, known_at"
    with tampering(book := a_book(), "owner", "entry_has_all_its_postings") as (cursor, _):
        row = (uuid.uuid4(), book, "r", "k", b"x" * 32, 2, NOW, NOW, TODAY, "")
        copy_in(cursor, "ledger_journalentry", f"{columns}, booked_on, memo", [row])


@pytest.mark.parametrize("using", ["default", "owner"])
def test_what_was_staged_is_checked_like_everything_else(using: str) -> None:
    book = a_book()
    entry = a_posted_entry(book)
    with tampering(book, using, "entry_has_all_its_postings") as (cursor, ids):
        cursor.execute("CREATE TEMPORARY TABLE staged (LIKE ledger_posting) ON COMMIT DROP")
        cursor.execute(
            "INSERT INTO staged (book, entry_id, line_no, account_id, currency, side, amount,"
            " known_at, booked_on) VALUES (%s, %s, 3, %s, 'CNY', 'D', 1, %s, %s)",
            [book, entry, ids[CASH], NOW, TODAY],
        )
        cursor.execute("INSERT INTO ledger_posting SELECT * FROM staged")


def test_the_application_cannot_borrow_a_guards_rights() -> None:
    """Hung on a table of one's own, the posting guard would move balances at will."""
    with refused("permission denied for function", ProgrammingError), in_book(a_book()) as cursor:
        cursor.execute("CREATE TEMPORARY TABLE mine (LIKE ledger_posting) ON COMMIT DROP")
        cursor.execute(
            "CREATE TRIGGER borrowed AFTER INSERT ON mine REFERENCING NEW TABLE AS arrived"
            " FOR EACH STATEMENT EXECUTE FUNCTION ledger_check_postings()"
        )


def test_shadow_tables_do_not_fool_the_guards() -> None:
    """Temporary tables come first in a search path; the guards' path is pinned."""
    match = "posting_has_an_account_of_its_book"
    with tampering(book := a_book(), "default", match) as (cursor, ids):
        shadow = uuid.uuid4()
        cursor.execute(
            "CREATE TEMPORARY TABLE ledger_ledgeraccount ON COMMIT DROP AS"
            " SELECT book, %s::uuid AS id, code, currency, floor FROM public.ledger_ledgeraccount",
            [shadow],
        )
        insert_entry(cursor, book, [Line(shadow, "D"), Line(ids[OWED], "C")])


# --- Partitions ---------------------------------------------------------------------------


def test_partitions_are_made_once_and_closed() -> None:
    far = NOW.replace(year=2031, month=11)
    with in_book(a_book()):
        assert partitions.ensure(far, months=3) in (0, 3)
        assert partitions.ensure(far, months=3) == 0
    with in_book(a_book(), "owner") as cursor:
        cursor.execute(
            "SELECT pg_get_expr(relpartbound, oid) FROM pg_class"
            " WHERE relname = 'ledger_posting_2031_12'"
        )
        [(bounds,)] = cursor.fetchall()
        assert "2031-12-01 00:00:00+00" in bounds
        assert "2032-01-01 00:00:00+00" in bounds
    assert broken("ops", uuid.uuid4()) == {}
    with refused("only ever added to"), in_book(a_book(), "owner") as cursor:
        cursor.execute("TRUNCATE ledger_posting_2032_01")


def test_a_partition_is_made_by_the_month_in_utc() -> None:
    shanghai = timezone(timedelta(hours=8))
    with in_book(a_book(), "owner") as cursor:
        partitions.ensure(NOW.replace(year=2033, month=5, day=1, hour=2, tzinfo=shanghai), months=1)
        cursor.execute("SELECT to_regclass('ledger_posting_2033_04') IS NOT NULL")
        assert cursor.fetchone() == (True,)


def test_four_months_are_made_unless_told_otherwise() -> None:
    months = ["2050_11", "2050_12", "2051_01", "2051_02", "2051_03"]
    with trying(a_book(), "owner") as cursor:
        assert partitions.ensure(NOW.replace(year=2050, month=11), using="owner") == 4
        names = [f"ledger_posting_{month}" for month in months]
        cursor.execute("SELECT to_regclass(name)::text FROM unnest(%s::text[]) name", [names])
        assert [name for (name,) in cursor.fetchall()] == [*names[:4], None]


def test_a_month_of_nowhere_is_refused() -> None:
    with in_book(a_book()), pytest.raises(InvalidDraftError):
        partitions.ensure(NOW.replace(tzinfo=None))


@pytest.mark.parametrize("months", [0, 61])
def test_a_silly_number_of_partitions_is_refused(months: int) -> None:
    with refused("between 1 and 60", DatabaseError), in_book(a_book()):
        partitions.ensure(NOW, months=months)


def test_the_operator_makes_no_partitions() -> None:
    with refused("permission denied", ProgrammingError), in_book(a_book(), "ops"):
        partitions.ensure(NOW, using="ops")


def test_connections_are_the_roles_they_say() -> None:
    for using, role in [("default", "tributary_app"), ("ops", "tributary_ops")]:
        with connections[using].cursor() as cursor:
            cursor.execute("SELECT current_user")
            assert cursor.fetchone() == (role,)
