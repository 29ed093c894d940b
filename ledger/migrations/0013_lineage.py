"""Whose money an entry took: no entry funds more than it brought."""

from django.db import migrations

# A link comes with its entry: the entry states how many there are, and its primary key takes each
# number once. What is claimed of an account is claimed under the lock of its balance: links are
# checked when their statement is done, postings and balances included, so only guarded accounts
# can have lineage.
LINEAGE = """
CREATE FUNCTION ledger_check_links() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off SET jit = off AS $$
BEGIN
    PERFORM FROM ledger_balance b
        JOIN (SELECT DISTINCT book, account_id FROM arrived) l USING (book, account_id)
        ORDER BY b.account_id FOR NO KEY UPDATE OF b;
    PERFORM ledger_complain((
        SELECT min(CASE WHEN NOT coalesce(l.link_no <= e.link_count, false)
                            THEN 'link_comes_with_its_entry '
                        WHEN l.account_id IS NOT NULL AND a.floor IS NULL
                            THEN 'lineage_has_a_guarded_account '
                   END || l.entry_id)
        FROM arrived l
        LEFT JOIN ledger_journalentry e ON e.book = l.book AND e.id = l.entry_id
        LEFT JOIN ledger_ledgeraccount a ON a.book = l.book AND a.id = l.account_id
    ));
    PERFORM ledger_complain((
        SELECT min('entry_funds_no_more_than_it_brought ' || t.target_id)
        FROM (SELECT DISTINCT book, target_id, account_id FROM arrived
              WHERE account_id IS NOT NULL) t
        JOIN ledger_ledgeraccount a ON a.book = t.book AND a.id = t.account_id
        WHERE (
            SELECT sum(amount) FROM ledger_link
            WHERE book = t.book AND target_id = t.target_id AND account_id = t.account_id
        ) > coalesce((
            SELECT sum(CASE p.side WHEN a.normal_side THEN p.amount ELSE -p.amount END)
            FROM ledger_journalentry e
            JOIN ledger_posting p
              ON p.book = e.book AND p.entry_id = e.id AND p.known_at = e.known_at
            WHERE e.book = t.book AND e.id = t.target_id AND p.account_id = t.account_id
        ), 0)
    ));
    PERFORM ledger_complain((
        SELECT min('entry_has_no_more_origins_than_it_took ' || t.entry_id)
        FROM (SELECT book, entry_id, account_id, sum(amount) AS amount FROM arrived
              WHERE account_id IS NOT NULL GROUP BY book, entry_id, account_id) t
        JOIN ledger_ledgeraccount a ON a.book = t.book AND a.id = t.account_id
        WHERE t.amount > coalesce((
            SELECT sum(CASE p.side WHEN a.normal_side THEN -p.amount ELSE p.amount END)
            FROM ledger_journalentry e
            JOIN ledger_posting p
              ON p.book = e.book AND p.entry_id = e.id AND p.known_at = e.known_at
            WHERE e.book = t.book AND e.id = t.entry_id AND p.account_id = t.account_id
        ), 0)
    ));
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION ledger_check_links() FROM PUBLIC;

CREATE TRIGGER links_come_with_their_entry AFTER INSERT ON ledger_link
    REFERENCING NEW TABLE AS arrived
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_check_links();
ALTER TABLE ledger_link ENABLE ALWAYS TRIGGER links_come_with_their_entry;
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0012_models")]

    operations = [migrations.RunSQL(LINEAGE)]
