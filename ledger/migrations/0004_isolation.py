"""Who sees and writes what: row-level security and grants, table by table."""

from django.db import migrations

# The owner's policies serve its SECURITY DEFINER functions: FORCE binds the owner too, unless it
# is a superuser. Each policy names its role, so a role nobody thought of sees nothing.
ISOLATION = """
DO $$
DECLARE
    name text;
    mine text := $q$book = NULLIF(current_setting('tributary.tenant', true), '')::uuid$q$;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'ledger_ledgeraccount', 'ledger_journalentry', 'ledger_posting', 'ledger_balance'
    ] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY only_the_open_book ON %I TO tributary_app '
                       'USING (%s) WITH CHECK (%s)', name, mine, mine);
        EXECUTE format('CREATE POLICY operator_reads_all ON %I FOR SELECT TO tributary_ops '
                       'USING (true)', name);
        EXECUTE format('CREATE POLICY checks_read_all ON %I FOR SELECT TO CURRENT_USER '
                       'USING (true)', name);
    END LOOP;
END $$;
CREATE POLICY triggers_move_balances ON ledger_balance TO CURRENT_USER
    USING (true) WITH CHECK (true);
"""

GRANTS = """
GRANT USAGE ON SCHEMA public TO tributary_app, tributary_ops;
GRANT SELECT, INSERT ON ledger_ledgeraccount, ledger_journalentry, ledger_posting TO tributary_app;
GRANT SELECT ON ledger_balance TO tributary_app;
GRANT SELECT ON ledger_ledgeraccount, ledger_journalentry, ledger_posting, ledger_balance
    TO tributary_ops;
GRANT EXECUTE ON FUNCTION ledger_ensure_partitions(date, int) TO tributary_app;
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0003_guards")]

    operations = [migrations.RunSQL(sql) for sql in (ISOLATION, GRANTS)]
