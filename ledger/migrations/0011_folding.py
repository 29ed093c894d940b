"""Every account has a balance row; what leaves the arrivals is folded into it and into the days."""

from django.db import migrations

ACCOUNTS = """
DROP TRIGGER guarded_account_has_a_balance ON ledger_ledgeraccount;
DROP FUNCTION ledger_open_balance();

CREATE FUNCTION ledger_open_balances() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO ledger_balance (book, account_id, floor, overdraft, normal_side)
        SELECT book, id, floor, overdraft, normal_side FROM arrived;
    INSERT INTO ledger_arrival (book, kind, ids)
        SELECT book, 'account', array_agg(id) FROM arrived GROUP BY book;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION ledger_open_balances() FROM PUBLIC;

CREATE TRIGGER account_has_a_balance AFTER INSERT ON ledger_ledgeraccount
    REFERENCING NEW TABLE AS arrived
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_open_balances();
ALTER TABLE ledger_ledgeraccount ENABLE ALWAYS TRIGGER account_has_a_balance;
"""

# The statement that takes arrivals away is the one that folds them: no moment lies between, in
# which an amount would be in neither place or in both.
FOLDING = """
CREATE FUNCTION ledger_fold_arrivals() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp SET jit = off AS $$
DECLARE
    moved record;
BEGIN
    FOR moved IN
        SELECT g.book, u.account_id, sum(u.debits)::bigint AS debits,
               sum(u.credits)::bigint AS credits
        FROM gone g, unnest(g.accounts, g.debits, g.credits) AS u (account_id, debits, credits)
        GROUP BY g.book, u.account_id ORDER BY u.account_id
    LOOP
        UPDATE ledger_balance b
            SET debits = b.debits + moved.debits, credits = b.credits + moved.credits
            WHERE book = moved.book AND account_id = moved.account_id AND floor IS NULL;
        IF NOT FOUND THEN
            PERFORM ledger_complain('arrival_has_an_unguarded_account ' || moved.account_id);
        END IF;
    END LOOP;

    INSERT INTO ledger_daily AS d (book, account_id, booked_on, event_day, known_day, debits,
        credits, postings)
        SELECT g.book, p.account_id, e.booked_on, (e.event_at AT TIME ZONE 'UTC')::date,
               (e.known_at AT TIME ZONE 'UTC')::date,
               sum(CASE p.side WHEN 'D' THEN p.amount ELSE 0 END),
               sum(CASE p.side WHEN 'C' THEN p.amount ELSE 0 END), count(*)
        FROM (SELECT book, unnest(ids) AS id FROM gone WHERE kind = 'entry') g
        JOIN ledger_journalentry e ON e.book = g.book AND e.id = g.id
        JOIN ledger_posting p
          ON p.book = e.book AND p.entry_id = e.id AND p.known_at = e.known_at
        GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
        ON CONFLICT ON CONSTRAINT ledger_daily_key DO UPDATE
            SET debits = d.debits + excluded.debits, credits = d.credits + excluded.credits,
                postings = d.postings + excluded.postings;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION ledger_fold_arrivals() FROM PUBLIC;

CREATE TRIGGER arrivals_are_folded AFTER DELETE ON ledger_arrival
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_fold_arrivals();
ALTER TABLE ledger_arrival ENABLE ALWAYS TRIGGER arrivals_are_folded;
"""

# Books written by an earlier version: all they have is an arrival, to be sealed and folded next.
# 5,000 entries to a row, as a large batch brings them.
OLD_BOOKS = """
ALTER TABLE ledger_balance DISABLE TRIGGER balance_moves_with_postings_only;
INSERT INTO ledger_balance (book, account_id, normal_side)
    SELECT book, id, normal_side FROM ledger_ledgeraccount WHERE floor IS NULL;
ALTER TABLE ledger_balance ENABLE ALWAYS TRIGGER balance_moves_with_postings_only;

ALTER TABLE ledger_arrival DISABLE TRIGGER arrivals_come_from_postings_only;
INSERT INTO ledger_arrival (book, kind, ids)
    SELECT book, 'account', array_agg(id) FROM ledger_ledgeraccount GROUP BY book;
INSERT INTO ledger_arrival (book, kind, ids, accounts, debits, credits)
    WITH parts AS (
        SELECT book, id, known_at, row_number() OVER (PARTITION BY book ORDER BY id) / 5000 AS part
        FROM ledger_journalentry
    ), sums AS (
        SELECT p.book, p.account_id, e.part,
               sum(CASE p.side WHEN 'D' THEN p.amount ELSE 0 END)::bigint AS debits,
               sum(CASE p.side WHEN 'C' THEN p.amount ELSE 0 END)::bigint AS credits
        FROM parts e
        JOIN ledger_posting p
          ON p.book = e.book AND p.entry_id = e.id AND p.known_at = e.known_at
        JOIN ledger_ledgeraccount a
          ON a.book = p.book AND a.id = p.account_id AND a.floor IS NULL
        GROUP BY 1, 2, 3
    ), moved AS (
        SELECT book, part, array_agg(account_id) AS accounts, array_agg(debits) AS debits,
               array_agg(credits) AS credits
        FROM sums GROUP BY book, part
    )
    SELECT i.book, 'entry', i.ids, coalesce(m.accounts, '{}'), coalesce(m.debits, '{}'),
           coalesce(m.credits, '{}')
    FROM (SELECT book, part, array_agg(id ORDER BY id) AS ids FROM parts GROUP BY book, part) i
    LEFT JOIN moved m ON m.book = i.book AND m.part = i.part;
ALTER TABLE ledger_arrival ENABLE ALWAYS TRIGGER arrivals_come_from_postings_only;
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0010_posting")]

    operations = [migrations.RunSQL(sql) for sql in (ACCOUNTS, FOLDING, OLD_BOOKS)]
