"""A merchant's reach ends at its own rows, in every table, by every kind of statement.

PostgreSQL sees to it whatever the code above it forgets. Two merchants have a row in every table;
tables and partitions are found in the catalogue, so that a new one cannot be forgotten.
"""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connections

from accounts.access import acting_for
from tests.settlement.attempts import (
    APP,
    FORBIDDEN,
    OPS,
    OWNER,
    PARTITIONS,
    TABLES,
    answers,
    asked,
    attempt,
    copied,
    named,
    rolled_back,
    tables,
)
from tests.settlement.furnished import Rows

# --- another merchant's rows --------------------------------------------------------------


def test_every_table_has_a_row_of_both_merchants(mine: Rows, yours: Rows) -> None:
    """The tests below mean something for each of them."""
    for table, tenant in tables():
        query = named("SELECT DISTINCT {tenant} FROM {table}", table=table, tenant=tenant)
        assert {(mine.merchant.id,), (yours.merchant.id,)} <= set(asked(query)), table


def test_without_a_merchant_no_table_shows_a_row(mine: Rows) -> None:
    for table, _ in tables():
        assert asked(named("SELECT * FROM {table}", table=table), APP) == [], table


def test_a_merchant_sees_its_own_rows_only(mine: Rows, yours: Rows) -> None:
    with acting_for(mine.merchant.id):
        for table, tenant in tables():
            query = named("SELECT DISTINCT {tenant} FROM {table}", table=table, tenant=tenant)
            assert asked(query, APP) == [(mine.merchant.id,)], table


def test_the_operator_sees_all(mine: Rows, yours: Rows) -> None:
    for table, tenant in tables():
        query = named("SELECT DISTINCT {tenant} FROM {table}", table=table, tenant=tenant)
        assert {(mine.merchant.id,), (yours.merchant.id,)} <= set(asked(query, OPS)), table


@pytest.mark.parametrize("acting", [True, False])
def test_no_row_is_written_for_another_merchant(mine: Rows, yours: Rows, acting: bool) -> None:
    """A copy of the other's row, whole and well-formed, sent while acting for me or for nobody."""
    for table, tenant in tables():
        query = named("SELECT to_jsonb(t)::text FROM {table} t WHERE {tenant} = %s LIMIT 1",
                      table=table, tenant=tenant)  # fmt: skip
        [(row,)] = asked(query, OWNER, [yours.merchant.id])
        # Their triggers look first, and do not see the other's payout or quote, or that the book
        # is not the open one.
        refusals = {
            FORBIDDEN,
            "23514 match_item_fits_its_side",
            "23514 withdrawal_is_as_quoted",
            "23514 closing_is_of_the_open_book",
        }
        assert attempt(copied(table), [row], as_=mine if acting else None) in refusals, table


def test_no_row_is_given_to_another_merchant(mine: Rows, yours: Rows) -> None:
    for table, tenant in tables():
        query = named("UPDATE {table} SET {tenant} = %s", table=table, tenant=tenant)
        assert attempt(query, [yours.merchant.id], as_=mine) == FORBIDDEN, table


def test_another_merchants_row_is_out_of_reach(mine: Rows, yours: Rows) -> None:
    for table, tenant in tables():
        query = named("SELECT * FROM {table} WHERE {tenant} = %s FOR SHARE",
                      table=table, tenant=tenant)  # fmt: skip
        with rolled_back(APP), acting_for(mine.merchant.id):
            if asked("SELECT has_any_column_privilege(%s, 'UPDATE')", APP, [table]) == [(True,)]:
                assert asked(query, APP, [yours.merchant.id]) == [], table


def test_the_application_deletes_nothing_but_memberships(mine: Rows) -> None:
    deleted = answers("DELETE FROM {table} WHERE {tenant} IS NOT NULL", as_=mine)
    assert {table for table, answer in deleted.items() if answer != FORBIDDEN} == {
        "accounts_member"
    }
    assert set(answers("TRUNCATE {table} CASCADE", as_=mine).values()) == {FORBIDDEN}


def test_the_operator_changes_nothing_of_the_business(mine: Rows) -> None:
    changed = {
        query: {table for table, answer in answers(query, OPS).items() if answer != FORBIDDEN}
        for query in ("UPDATE {table} SET {tenant} = {tenant}", "DELETE FROM {table}")
    }
    people = {table for table, _ in tables() if table.startswith("accounts_")}
    assert changed == {
        "UPDATE {table} SET {tenant} = {tenant}": people,
        "DELETE FROM {table}": {"accounts_member"},
    }


def test_copy_does_not_go_round_row_level_security(mine: Rows) -> None:
    assert set(answers("COPY {table} FROM STDIN", as_=mine).values()) <= {FORBIDDEN, "0A000"}


def test_partitions_are_shut(mine: Rows) -> None:
    partitions = [name for (name,) in asked(PARTITIONS)]
    assert {name.rsplit("_", 1)[0] for name in partitions} >= {"settlement_line"}
    for name in partitions:
        for query in ("SELECT FROM {table}", "INSERT INTO {table} DEFAULT VALUES",
                      "UPDATE {table} SET amount = amount", "DELETE FROM {table}",
                      "TRUNCATE {table}", "COPY {table} FROM STDIN"):  # fmt: skip
            for using in (APP, OPS):
                answer = attempt(named(query, table=name), using=using, as_=mine)
                assert answer == FORBIDDEN, (name, query, using)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE settlement_payout DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE settlement_payout NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE settlement_matchitem DISABLE TRIGGER ALL",
        "ALTER TABLE settlement_matchitem DROP CONSTRAINT match_item_has_one_side",
        "DROP POLICY only_the_acting_merchant ON settlement_payout",
        "CREATE POLICY open ON settlement_payout USING (true)",
        "DROP INDEX payout_is_matched_once",
        "SET session_replication_role = replica",
        "SET ROLE tributary_owner",
        "SELECT tributary_isolate('settlement_payout', 'ALL', 'ALL')",
        "CREATE TABLE public.mine (id int)",
        "CREATE OR REPLACE FUNCTION tributary_tenant() RETURNS uuid LANGUAGE sql RETURN NULL::uuid",
    ],
)
def test_the_guards_are_not_the_applications_to_remove(mine: Rows, statement: str) -> None:
    for using in (APP, OPS):
        assert attempt(statement, using=using, as_=mine) == FORBIDDEN, using


def test_a_login_of_its_own_never_becomes_the_operator(mine: Rows) -> None:
    """One login that serves for all may: it is stricter to have several (docs/operations.md)."""
    logins = {using: asked("SELECT session_user", using) for using in (APP, OPS)}
    expected = "" if logins[APP] == logins[OPS] else FORBIDDEN
    assert attempt("SET ROLE tributary_ops", using=APP, as_=mine) == expected


def test_row_level_security_switched_off_is_an_error_not_a_view(mine: Rows) -> None:
    with rolled_back(APP), connections[APP].cursor() as cursor:
        cursor.execute("SET LOCAL row_security = off")
        with pytest.raises(DatabaseError, match="row-level security"):
            cursor.execute("SELECT * FROM settlement_payout")


# --- the catalogue ------------------------------------------------------------------------


def test_every_table_is_shut_and_every_partition_granted_to_nobody(mine: Rows) -> None:
    open_tables = asked(f"""
        SELECT c.relname FROM pg_class c JOIN ({TABLES}) t ON t.relname = c.relname
        WHERE NOT (c.relrowsecurity AND c.relforcerowsecurity)
           OR NOT EXISTS (SELECT FROM pg_policies p WHERE p.tablename = c.relname
                          AND 'tributary_app' = ANY (p.roles))
           OR NOT EXISTS (SELECT FROM pg_policies p WHERE p.tablename = c.relname
                          AND 'tributary_ops' = ANY (p.roles))
    """)
    assert open_tables == []
    granted = asked(f"""
        SELECT table_name, grantee, privilege_type FROM information_schema.role_table_grants
        WHERE table_name IN ({PARTITIONS})
          AND grantee IN ('tributary_app', 'tributary_ops', 'PUBLIC')
    """)
    assert granted == []


def test_neither_role_is_above_the_rules(mine: Rows) -> None:
    roles = asked(
        "SELECT rolname, rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb FROM pg_roles "
        "WHERE rolname IN ('tributary_app', 'tributary_ops') ORDER BY 1"
    )
    assert roles == [("tributary_app", False), ("tributary_ops", False)]
