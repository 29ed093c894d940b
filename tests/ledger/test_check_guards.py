"""A guard that is taken away is found, whatever the rows say.

Each test tampers as the owner in a transaction that is rolled back.
"""

from __future__ import annotations

import uuid

import pytest

from tests.ledger.build import broken as broken_in
from tests.ledger.tampering import (
    APP,
    BODIES,
    CONSTRAINTS,
    ISOLATION,
    NEXT_MONTH,
    OPS,
    RIGHTS,
    TRIGGERS,
    tampering,
)

pytestmark = pytest.mark.usefixtures("database")

CATALOGUE = [
    ("ALTER TABLE ledger_posting DISABLE TRIGGER postings_make_whole_entries", TRIGGERS),
    ("ALTER TABLE ledger_posting ENABLE TRIGGER posting_never_changes", TRIGGERS),
    ("ALTER TABLE ledger_posting_2026_03 DISABLE TRIGGER posting_never_changes", TRIGGERS),
    ("ALTER TABLE ledger_posting_2026_03 DISABLE TRIGGER partition_is_closed", TRIGGERS),
    ("DROP TRIGGER partition_is_closed ON ledger_posting_2026_03", TRIGGERS),
    ("DROP TRIGGER entries_have_their_postings ON ledger_journalentry", TRIGGERS),
    ("ALTER TABLE ledger_ledgeraccount ENABLE REPLICA TRIGGER accounts_never_vanish", TRIGGERS),
    ("DROP TRIGGER balances_never_vanish ON ledger_balance", TRIGGERS),
    ("CREATE FUNCTION harmless() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
     " CREATE OR REPLACE TRIGGER entry_never_changes BEFORE UPDATE OR DELETE"
     " ON ledger_journalentry FOR EACH ROW EXECUTE FUNCTION harmless();"
     " ALTER TABLE ledger_journalentry ENABLE ALWAYS TRIGGER entry_never_changes", TRIGGERS),
    ("CREATE TABLE ledger_posting_1990_01 PARTITION OF ledger_posting"
     " FOR VALUES FROM ('1990-01-01') TO ('1990-02-01')", TRIGGERS),
    ("ALTER TABLE ledger_balance DROP CONSTRAINT available_is_never_below_its_floor", CONSTRAINTS),
    ("ALTER TABLE ledger_journalentry DROP CONSTRAINT reversal_has_its_original", CONSTRAINTS),
    ("ALTER DOMAIN ledger_posting_count DROP CONSTRAINT entry_has_at_least_two_postings;"
     " ALTER DOMAIN ledger_posting_count"
     " ADD CONSTRAINT entry_has_at_least_two_postings CHECK (VALUE >= 2) NOT VALID", CONSTRAINTS),
    ("ALTER TABLE ledger_journalentry ALTER COLUMN kind TYPE text", CONSTRAINTS),
    ("ALTER TABLE ledger_link DROP CONSTRAINT link_leads_to_another_entry,"
     " ADD CONSTRAINT link_leads_to_another_entry CHECK (target_id <> entry_id) NOT VALID",
     CONSTRAINTS),
    ("DROP INDEX one_reversal_per_entry", CONSTRAINTS),
    ("ALTER TABLE ledger_posting NO FORCE ROW LEVEL SECURITY", ISOLATION),
    ("ALTER TABLE ledger_balance DISABLE ROW LEVEL SECURITY", ISOLATION),
    ("ALTER TABLE ledger_posting_2026_03 DISABLE ROW LEVEL SECURITY", ISOLATION),
    ("CREATE POLICY p ON ledger_posting FOR SELECT TO tributary_app USING (true)", ISOLATION),
    ("CREATE POLICY p ON ledger_posting FOR INSERT TO tributary_app WITH CHECK (true)", ISOLATION),
    ("CREATE POLICY p ON ledger_journalentry FOR SELECT USING (true)", ISOLATION),
    ("ALTER POLICY only_the_open_book ON ledger_ledgeraccount"
     " USING (book = NULLIF(current_setting('tributary.tenant', true), '')::uuid OR true)",
     ISOLATION),
    ("GRANT UPDATE ON ledger_posting TO tributary_app", APP),
    ("GRANT DELETE ON ledger_journalentry TO PUBLIC", APP),
    ("GRANT TRUNCATE ON ledger_ledgeraccount TO tributary_app", APP),
    ("GRANT TRIGGER ON ledger_journalentry TO tributary_app", APP),
    ("GRANT UPDATE (memo) ON ledger_journalentry TO tributary_app", APP),
    ("GRANT INSERT ON ledger_balance TO tributary_app", APP),
    ("GRANT INSERT ON ledger_posting_2026_03 TO tributary_app", APP),
    ("ALTER ROLE tributary_app BYPASSRLS", APP),
    ("ALTER ROLE tributary_ops BYPASSRLS", APP),
    ("GRANT CREATE ON SCHEMA public TO tributary_app", APP),
    ("CREATE ROLE another; ALTER TABLE ledger_balance OWNER TO another;"
     " GRANT another TO tributary_app", APP),
    ("GRANT INSERT ON ledger_posting TO tributary_ops", OPS),
    ("GRANT UPDATE (memo) ON ledger_journalentry TO tributary_ops", OPS),
    ("GRANT EXECUTE ON FUNCTION ledger_check_postings() TO tributary_app", RIGHTS),
    ("GRANT EXECUTE ON FUNCTION ledger_check_entries() TO PUBLIC", RIGHTS),
    ("GRANT EXECUTE ON FUNCTION ledger_open_balances() TO tributary_ops", RIGHTS),
    ("ALTER TABLE ledger_closing DISABLE TRIGGER closing_follows_the_last_one", TRIGGERS),
    ("DROP TRIGGER closings_arrive ON ledger_closing", TRIGGERS),
    ("ALTER TABLE ledger_closing DROP CONSTRAINT reopening_takes_two_persons", CONSTRAINTS),
    ("GRANT EXECUTE ON FUNCTION ledger_check_closing() TO tributary_app", RIGHTS),
    ("CREATE OR REPLACE FUNCTION ledger_trial_balance_digest(its_book uuid, last_day date)"
     " RETURNS bytea LANGUAGE sql AS 'SELECT sha256(''x'')'", BODIES),
    ("CREATE OR REPLACE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql"
     " AS 'BEGIN RETURN NEW; END'", BODIES),
    ("DROP FUNCTION ledger_check_entries() CASCADE", BODIES),
    ("DROP FUNCTION ledger_check_entries() CASCADE", TRIGGERS),
    ("ALTER FUNCTION ledger_check_postings() SECURITY INVOKER", RIGHTS),
    ("ALTER FUNCTION ledger_check_postings() RESET search_path", RIGHTS),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "expected"), CATALOGUE)
def test_a_guard_taken_away_is_found(sql: str, expected: str) -> None:
    with tampering() as cursor:
        cursor.execute(sql)
        assert expected in broken_in("owner", uuid.uuid4())


def test_a_month_that_nobody_prepared_is_found() -> None:
    with tampering() as cursor:
        cursor.execute("SELECT 'ledger_posting_' || to_char(now() + interval '1 month', 'YYYY_MM')")
        [(name,)] = cursor.fetchall()
        cursor.execute(f"ALTER TABLE ledger_posting DETACH PARTITION {name}")
        assert broken_in("owner", uuid.uuid4())[NEXT_MONTH].examples == (name,)
