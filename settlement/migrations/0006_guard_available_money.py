"""Accounts of available money that were opened without a floor get one: holds need it.

The ledger itself never changes an account, so this is done past its guards, once, by the owner.
Where no such account exists (every new installation) nothing happens.
"""

from django.db import migrations

GUARD = """
DO $$
DECLARE
    facts CONSTANT bigint := 1 - 1000000000000000;
    which CONSTANT text := '^merchant:[0-9a-f-]{36}:available:[A-Z]{3}$';
BEGIN
    IF NOT EXISTS (SELECT FROM ledger_ledgeraccount WHERE code ~ which AND floor IS NULL) THEN
        RETURN;
    END IF;
    ALTER TABLE ledger_ledgeraccount DISABLE TRIGGER account_never_changes;
    ALTER TABLE ledger_balance DISABLE TRIGGER balance_moves_with_postings_only;
    EXECUTE format('CREATE POLICY floors_are_set_once ON ledger_ledgeraccount FOR UPDATE TO %I '
                   'USING (true) WITH CHECK (true)', current_user);
    WITH guarded AS (
        UPDATE ledger_ledgeraccount SET floor = facts WHERE code ~ which AND floor IS NULL
        RETURNING book, id, normal_side
    )
    INSERT INTO ledger_balance (book, account_id, floor, normal_side, debits, credits)
    SELECT g.book, g.id, facts, g.normal_side,
        coalesce(sum(p.amount) FILTER (WHERE p.side = 'D'), 0),
        coalesce(sum(p.amount) FILTER (WHERE p.side = 'C'), 0)
    FROM guarded g LEFT JOIN ledger_posting p ON p.book = g.book AND p.account_id = g.id
    GROUP BY g.book, g.id, g.normal_side;
    DROP POLICY floors_are_set_once ON ledger_ledgeraccount;
    ALTER TABLE ledger_ledgeraccount ENABLE ALWAYS TRIGGER account_never_changes;
    ALTER TABLE ledger_balance ENABLE ALWAYS TRIGGER balance_moves_with_postings_only;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("settlement", "0005_money_out_guards"), ("ledger", "0007_posting")]
    # It writes the balances of guarded accounts as they were kept until then.
    run_before = [("ledger", "0008_arrivals")]

    operations = [migrations.RunSQL(GUARD)]
