"""Ways to try what PostgreSQL should refuse, on tables found in its catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DatabaseError, connections, transaction
from django.db.backends.utils import CursorWrapper
from psycopg import sql

from tests.settlement.furnished import Rows

FORBIDDEN = "42501"
"""A privilege is missing, or row-level security refuses the row."""
APP, OPS, OWNER = "default", "ops", "owner"

Query = str | sql.Composed


# --- what the catalogue says --------------------------------------------------------------

TENANT_COLUMN = """
    CASE WHEN c.relname = 'accounts_merchant' THEN 'id' ELSE (
        SELECT attname FROM pg_attribute a WHERE a.attrelid = c.oid AND NOT a.attisdropped
            AND a.attname IN ('merchant_id', 'book')) END
"""
TABLES = f"""
SELECT c.relname, {TENANT_COLUMN} FROM pg_class c
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND c.relnamespace = 'public'::regnamespace AND {TENANT_COLUMN} IS NOT NULL
ORDER BY c.relname
"""
PARTITIONS = f"""
SELECT c.relname FROM pg_class c
WHERE c.relispartition AND c.relkind = 'r' AND {TENANT_COLUMN} IS NOT NULL
"""

WRITTEN_COLUMNS = """
SELECT attname FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""


def asked(query: Query, using: str = OWNER, given: Any = ()) -> list[tuple[Any, ...]]:
    """The rows of a query, outside any merchant's transaction."""
    with connections[using].cursor() as cursor:
        cursor.execute(query, given)
        return list(cursor.fetchall())


def tables() -> list[tuple[str, str]]:
    """Every table that holds merchants' rows, with the column that says whose they are."""
    found = [(name, column) for name, column in asked(TABLES)]
    assert {"accounts_merchant", "settlement_line", "ledger_posting"} < {t for t, _ in found}
    return found


def copied(table: str) -> sql.Composed:
    """A statement that inserts a row, given as JSON, into the table: all that is not computed."""
    names = [sql.Identifier(name) for (name,) in asked(WRITTEN_COLUMNS, given=[table])]
    insert = "INSERT INTO {table} ({columns}) SELECT {columns} FROM jsonb_populate_record({row})"
    return sql.SQL(insert).format(
        table=sql.Identifier(table),
        columns=sql.SQL(", ").join(names),
        row=sql.SQL("NULL::{}, %s").format(sql.Identifier(table)),
    )


# --- how it is tried ----------------------------------------------------------------------


def attempt(query: Query, given: Any = (), *, using: str = APP, as_: Rows | None = None) -> str:
    """What PostgreSQL says to a statement: its code and constraint, "" when it is done.

    Nothing stays of what is done.
    """
    try:
        with rolled_back(using), connections[using].cursor() as cursor:
            if as_ is not None:
                cursor.execute(
                    "SELECT set_config('tributary.tenant', %s, true)", [str(as_.merchant.id)]
                )
            cursor.execute(query, given)
            assert cursor.rowcount != 0, "the attempt met no row"
    except DatabaseError as error:
        cause: Any = error.__cause__
        return f"{cause.sqlstate} {cause.diag.constraint_name or ''}".strip()
    return ""


@contextmanager
def tampering() -> Iterator[CursorWrapper]:
    """The owner at work with triggers and foreign keys switched off; nothing of it stays."""
    with rolled_back(OWNER), connections[OWNER].cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield cursor


@contextmanager
def rolled_back(using: str) -> Iterator[None]:
    """A transaction of which nothing stays."""
    with transaction.atomic(using=using):
        yield
        transaction.set_rollback(True, using=using)


def named(query: str, **names: str) -> sql.Composed:
    """A statement with table and column names filled in."""
    return sql.SQL(query).format(**{key: sql.Identifier(name) for key, name in names.items()})


def answers(query: str, using: str = APP, as_: Rows | None = None) -> dict[str, str]:
    """What PostgreSQL says to a statement on each table."""
    return {
        table: attempt(named(query, table=table, tenant=tenant), using=using, as_=as_)
        for table, tenant in tables()
    }
