"""PostgreSQL itself refuses what must not be, whatever the code above it forgets.

Two merchants have a row in every table. The application's role acts for one of them and tries to
reach the other's; the owner of the database, who sees both, tries to tie them together. Tables,
columns and partitions are found in the catalogue: a new one cannot be forgotten.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, IntegrityError, connections, transaction
from djmoney.money import Money
from psycopg import sql

from accounts.access import acting_for
from accounts.models import Member, Merchant, SettlementAccount, Store
from accounts.onboarding import add_bank_account, add_store, open_settlement_account
from ledger import book
from ledger.book import AccountSpec, Draft, Side, credit, debit
from settlement.models import (
    BankLine,
    BankStatement,
    Match,
    MatchItem,
    Payout,
    ReconException,
    ReconRun,
    SourceDocument,
    WalletStatement,
)
from tests.build import a_merchant

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TODAY = date(2026, 11, 20)
SIX = Money(6, "CNY")
FORBIDDEN = "42501"
"""A privilege is missing, or row-level security refuses the row."""
APP, OPS, OWNER = "default", "ops", "owner"

Query = str | sql.Composed


@dataclass(frozen=True)
class Rows:
    """One merchant with a row in every table, by its table's name."""

    merchant: Merchant
    ids: dict[str, UUID]


@pytest.fixture(scope="module")
def both(migrated: None, django_db_blocker: Any) -> Iterator[tuple[Rows, Rows]]:
    """Two merchants; refused attempts leave them as they are."""
    with django_db_blocker.unblock():
        yield furnished(), furnished()


@pytest.fixture
def mine(both: tuple[Rows, Rows], database: None) -> Rows:
    return both[0]


@pytest.fixture
def yours(both: tuple[Rows, Rows], database: None) -> Rows:
    return both[1]


def furnished() -> Rows:
    """A merchant with a row in every table."""
    merchant = a_merchant()
    with acting_for(merchant.id):
        account = open_settlement_account(merchant, name="main")
        store = add_store(account, platform="wechatpay", name="shop")
        rows = [merchant, account, store, store.links.get(), Member.objects.get()]
        rows += the_business(account, store)
        ids = {row._meta.db_table: row.pk for row in rows}
        add_line(ids)
        an_entry(merchant)
    return Rows(merchant, ids)


def the_business(account: SettlementAccount, store: Store) -> list[Any]:
    """One of everything: a document, a payout, a bank line, their match, an exception, a run."""
    of = {"merchant_id": account.merchant_id}
    bank = add_bank_account(account, bank="B", holder="H", number=uuid.uuid4().hex, currency="CNY")
    document = SourceDocument.objects.create(
        **of, store=store, sha256=uuid.uuid4().hex * 2, size=1, name="f", known_at=NOW
    )
    row = {**of, "document": document, "known_at": NOW}
    wallet = WalletStatement.objects.create(
        **row, store=store, opening=SIX, closing=SIX, first_at=NOW, last_at=NOW
    )
    payout = Payout.objects.create(
        **row, store=store, row=1, external_id="P", amount=SIX, state="reconciled", announced_at=NOW
    )
    statement = BankStatement.objects.create(
        **row, bank_account=bank, opening=SIX, closing=SIX, period_from=TODAY, period_to=TODAY
    )
    line = BankLine.objects.create(
        **row, bank_account=bank, statement=statement, row=1, line_key="k", amount=SIX,
        booked_on=TODAY,
    )  # fmt: skip
    match = Match.objects.create(
        **of, settlement_account=account, state="confirmed", rule="amount", made_at=NOW
    )
    MatchItem.objects.create(**of, match=match, bank_line=line, amount=SIX)
    item = MatchItem.objects.create(**of, match=match, payout=payout, amount=SIX)
    exception = ReconException.objects.create(
        **of, settlement_account=account, reason="short", subject=payout.pk, payout=payout,
        difference=SIX, opened_at=NOW,
    )  # fmt: skip
    run = ReconRun.objects.create(**of, settlement_account=account, requested_at=NOW)
    return [bank, document, wallet, payout, statement, line, match, item, exception, run]


LINE = """
INSERT INTO settlement_line (merchant_id, document_id, id, known_at, store_id, "row", version,
    external_id, kind, amount, amount_currency, event_at, order_ref, payout_ref, remittance, label,
    books, live)
VALUES (%(merchant)s, %(document)s, %(line)s, %(known_at)s, %(store)s, 1, %(version)s, 'L', 'sale',
    %(amount)s, 'CNY', %(known_at)s, '', '', '', '', true, true)
"""
KEY = """
INSERT INTO settlement_linekey (merchant_id, store_id, external_id, version, document_id, known_at,
    line_id)
VALUES (%(merchant)s, %(store)s, 'L', 1, %(document)s, %(known_at)s, %(line)s)
"""


def a_line(ids: dict[str, UUID], **fields: Any) -> dict[str, Any]:
    """What the statements above are given."""
    return {
        "merchant": ids["accounts_merchant"],
        "document": ids["settlement_sourcedocument"],
        "store": ids["accounts_store"],
        "line": uuid.uuid4(),
        "known_at": NOW,
        "version": 1,
        "amount": 6,
    } | fields


def add_line(ids: dict[str, UUID]) -> None:
    """A settlement line and its key."""
    given = a_line(ids)
    with connections[APP].cursor() as cursor:
        cursor.execute(LINE, given)
        cursor.execute(KEY, given)
    ids["settlement_line"] = given["line"]


def an_entry(merchant: Merchant) -> None:
    """A balanced entry on two accounts, one of them guarded."""
    specs = [
        AccountSpec(code=code, currency="CNY", normal_side=side, floor=floor)
        for code, side, floor in (("a", Side.DEBIT, None), ("b", Side.CREDIT, 0))
    ]
    book.open_accounts(book=merchant.id, specs=specs, now=NOW)
    movements = (debit("a", 1, "CNY"), credit("b", 1, "CNY"))
    draft = Draft(reference="r", kind="k", movements=movements, event_at=NOW, booked_on=TODAY)
    book.post(book=merchant.id, draft=draft, now=NOW)


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
# Each single-column key, and whether one that carries the merchant along stands beside it.
REFERENCES = f"""
SELECT c.relname, a.attname, t.relname, EXISTS (
    SELECT FROM pg_constraint b
    JOIN pg_attribute m ON m.attrelid = b.conrelid AND m.attnum = b.conkey[1]
    WHERE b.contype = 'f' AND b.conrelid = k.conrelid AND b.confrelid = k.confrelid
      AND b.convalidated AND m.attname = 'merchant_id' AND b.conkey[2:] = k.conkey)
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class t ON t.oid = k.confrelid
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
WHERE k.contype = 'f' AND cardinality(k.conkey) = 1 AND a.attname <> 'merchant_id'
  AND t.relname IN (SELECT relname FROM ({TABLES}) AS tables)
  AND c.relname IN (SELECT relname FROM ({TABLES}) AS tables)
"""
AMOUNTS = """
SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.atttypid = 'numeric'::regtype
  AND c.relname LIKE 'settlement\\_%%'
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
        copy = named("INSERT INTO {table} SELECT * FROM jsonb_populate_record(NULL::{table}, %s)",
                     table=table)  # fmt: skip
        # The item's trigger looks first, and does not see the other's payout.
        refusals = {FORBIDDEN, "23514 match_item_fits_its_side"}
        assert attempt(copy, [row], as_=mine if acting else None) in refusals, table


def test_no_row_is_given_to_another_merchant(mine: Rows, yours: Rows) -> None:
    for table, tenant in tables():
        query = named("UPDATE {table} SET {tenant} = %s", table=table, tenant=tenant)
        assert attempt(query, [yours.merchant.id], as_=mine) == FORBIDDEN, table


def test_another_merchants_row_is_out_of_reach(mine: Rows, yours: Rows) -> None:
    for table, tenant in tables():
        query = named("SELECT * FROM {table} WHERE {tenant} = %s FOR SHARE",
                      table=table, tenant=tenant)  # fmt: skip
        with rolled_back(APP), acting_for(mine.merchant.id):
            if asked("SELECT has_table_privilege(%s, 'UPDATE')", APP, [table]) == [(True,)]:
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
        "SET ROLE tributary_ops",
        "SELECT tributary_isolate('settlement_payout', 'ALL', 'ALL')",
        "CREATE TABLE public.mine (id int)",
        "CREATE OR REPLACE FUNCTION tributary_tenant() RETURNS uuid LANGUAGE sql RETURN NULL::uuid",
    ],
)
def test_the_guards_are_not_the_applications_to_remove(mine: Rows, statement: str) -> None:
    for using in (APP, OPS):
        if (using, statement) != (OPS, "SET ROLE tributary_ops"):
            assert attempt(statement, using=using, as_=mine) == FORBIDDEN, using


def test_row_level_security_switched_off_is_an_error_not_a_view(mine: Rows) -> None:
    with rolled_back(APP), connections[APP].cursor() as cursor:
        cursor.execute("SET LOCAL row_security = off")
        with pytest.raises(DatabaseError, match="row-level security"):
            cursor.execute("SELECT * FROM settlement_payout")


# --- what belongs together ----------------------------------------------------------------


def test_no_reference_leads_to_another_merchant(mine: Rows, yours: Rows) -> None:
    """Also not for the owner, whom row-level security does not bind."""
    found = asked(REFERENCES)
    assert ("settlement_payout", "store_id", "accounts_store", True) in found
    assert {f"{table}.{column}" for table, column, _, together in found if not together} == set()
    for table, column, target, _ in found:
        query = named("UPDATE {table} SET {column} = %s WHERE merchant_id = %s",
                      table=table, column=column)  # fmt: skip
        assert attempt(query, [yours.ids[target], mine.merchant.id], using=OWNER), (table, column)


@pytest.mark.parametrize("field", ["merchant", "document", "store", "known_at"])
@pytest.mark.parametrize("using", [APP, OWNER])
def test_a_line_has_its_own_document_and_store(
    mine: Rows, yours: Rows, field: str, using: str
) -> None:
    theirs = a_line(yours.ids, known_at=NOW.replace(minute=1))
    given = a_line(mine.ids, **{field: theirs[field]})
    refused = attempt(LINE, given, using=using, as_=mine)
    by_tenant = FORBIDDEN if (field, using) == ("merchant", APP) else ""
    assert refused == by_tenant or refused == "23503 line_has_its_document_and_store"
    assert refused


CHANGES = {
    "settlement_line": {"live"},
    "settlement_walletstatement": {"live"},
    "settlement_bankstatement": {"live"},
    "settlement_bankline": {"live"},
    "settlement_matchitem": {"live"},
    "settlement_payout": {"live", "state", "arrives_on", "arrived_on", "derived"},
    "settlement_match": {"state", "revoked_at"},
}
"""What may change of a row that says what a document said."""


def test_what_a_row_says_is_never_changed(mine: Rows) -> None:
    for table, may_change in CHANGES.items():
        columns = asked(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0", OWNER,
            [table],
        )  # fmt: skip
        changed = {
            column
            for (column,) in columns
            if attempt(
                named("UPDATE {table} SET {column} = {column}", table=table, column=column),
                as_=mine,
            )
            != FORBIDDEN
        }
        assert changed == may_change, table


ITEM = """
INSERT INTO settlement_matchitem (id, merchant_id, match_id, payout_id, bank_line_id, amount,
    amount_currency, live)
VALUES (gen_random_uuid(), %(merchant)s, %(match)s, %(payout)s, %(bank_line)s, %(amount)s,
    %(currency)s, %(live)s)
"""


@pytest.mark.parametrize("side", ["payout", "bank_line"])
@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"amount": "6.00000001"}, "23514 match_item_fits_its_side"),
        ({"amount": "-6"}, "23514 match_item_fits_its_side"),
        ({"amount": "0"}, "23514 match_item_fits_its_side"),
        ({"amount": "NaN"}, "23514 match_item_fits_its_side"),
        ({"currency": "USD"}, "23514 match_item_fits_its_side"),
        ({"payout": None, "bank_line": None}, "23514 match_item_fits_its_side"),
        ({"payout": "both", "bank_line": "both"}, "23514 match_item_has_one_side"),
        ({"live": True}, "23505 {side}_is_matched_once"),
        ({}, ""),
    ],
)
def test_an_item_claims_no_more_than_its_side_and_nothing_twice(
    mine: Rows, side: str, change: dict[str, Any], refusal: str
) -> None:
    sides = {"payout": mine.ids["settlement_payout"], "bank_line": mine.ids["settlement_bankline"]}
    given = {
        "merchant": mine.merchant.id,
        "match": mine.ids["settlement_match"],
        "payout": None,
        "bank_line": None,
        "amount": 6,
        "currency": "CNY",
        "live": False,
        side: sides[side],
    } | {key: sides[key] if value == "both" else value for key, value in change.items()}
    for using in (APP, OWNER):
        assert attempt(ITEM, given, using=using, as_=mine) == refusal.format(side=side)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ("amount = 6.01", "23514 match_item_fits_its_side"),
        ("amount = 'NaN'", "23514 match_item_fits_its_side"),
        ("amount_currency = 'USD'", "23514 match_item_fits_its_side"),
        ("payout_id = NULL", "23514 match_item_fits_its_side"),
        ("bank_line_id = (SELECT id FROM settlement_bankline LIMIT 1)",
         "23514 match_item_has_one_side"),
    ],
)  # fmt: skip
def test_an_item_is_not_changed_into_a_wrong_one(mine: Rows, change: str, refusal: str) -> None:
    query = f"UPDATE settlement_matchitem SET {change} WHERE id = %s"
    assert attempt(query, [mine.ids["settlement_matchitem"]], using=OWNER) == refusal


COPY_OF_MINE = """
INSERT INTO {table}
SELECT (jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid()) || %s)).*
FROM {table} t WHERE id = %s
"""


@pytest.mark.parametrize(
    ("table", "change", "refusal"),
    [
        ("settlement_sourcedocument", "{}", "23505 document_is_stored_once"),
        ("settlement_sourcedocument", '{"state": "refused"}', "23505 document_is_stored_once"),
        ("settlement_sourcedocument", '{"state": "withdrawn"}', ""),
        ("settlement_payout", "{}", "23505"),
        ("settlement_payout", '{"live": false}', "23505 payout_is_once_per_version"),
        ("settlement_payout", '{"version": 2}', "23505 payout_has_one_live_version"),
        ("settlement_payout", '{"version": 2, "live": false}', ""),
        ("settlement_bankline", "{}", "23505 bank_line_is_stored_once"),
        ("settlement_bankline", '{"live": false}', ""),
        ("settlement_reconexception", "{}", "23505 exception_is_open_once_per_subject"),
        ("settlement_reconexception", '{"state": "assigned"}',
         "23505 exception_is_open_once_per_subject"),
        ("settlement_reconexception", '{"state": "resolved"}', ""),
        ("settlement_reconrun", "{}", "23505 reconciliation_waits_once"),
        ("accounts_store", "{}", "23505 store_name_is_once_on_a_platform"),
        ("accounts_bankaccount", "{}", "23505 bank_account_is_once_in_a_merchant"),
        ("accounts_member", "{}", "23505 member_is_once_in_a_merchant"),
        ("accounts_settlementaccount", "{}", "23505 settlement_account_name_is_once_in_a_merchant"),
        ("accounts_storelink", "{}", "23505 store_link_is_once_per_cash_account"),
    ],
)  # fmt: skip
def test_nothing_is_stored_twice(mine: Rows, table: str, change: str, refusal: str) -> None:
    query = named(COPY_OF_MINE, table=table)
    for using in (APP, OWNER):
        answer = attempt(query, [change, mine.ids[table]], using=using, as_=mine)
        assert answer.startswith(refusal) if refusal else not answer, using


def test_a_withdrawn_document_does_not_come_back_beside_another(mine: Rows) -> None:
    """Uniqueness holds for updates as well."""
    old = uuid.uuid4()
    copy = named(COPY_OF_MINE, table="settlement_sourcedocument")
    change = f'{{"id": "{old}", "state": "withdrawn"}}'
    with (
        pytest.raises(IntegrityError, match="document_is_stored_once"),
        acting_for(mine.merchant.id),
        connections[APP].cursor() as cursor,
    ):
        cursor.execute(copy, [change, mine.ids["settlement_sourcedocument"]])
        cursor.execute("UPDATE settlement_sourcedocument SET state = 'loaded' WHERE id = %s", [old])


def test_a_line_is_stored_once_in_its_document_and_known_once(mine: Rows) -> None:
    again = a_line(mine.ids, line=mine.ids["settlement_line"])
    for using in (APP, OWNER):
        assert attempt(LINE, again, using=using, as_=mine).startswith("23505")
        assert attempt(KEY, again, using=using, as_=mine) == "23505 line_is_known_once"
        first = a_line(mine.ids, version=0)
        refusal = attempt(LINE, first, using=using, as_=mine)
        assert refusal == "23514 line_version_counts_from_one"


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_every_amount_is_a_number(mine: Rows, value: str) -> None:
    columns = asked(AMOUNTS)
    assert ("settlement_line", "amount") in columns
    accepted = {
        f"{table}.{column}"
        for table, column in columns
        if attempt(
            named("UPDATE {table} SET {column} = %s WHERE merchant_id = %s", table=table,
                  column=column), [value, mine.merchant.id], using=OWNER,
        )[:5] not in ("23514", "22003")
    }  # fmt: skip
    assert accepted == set()


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
