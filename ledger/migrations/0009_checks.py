"""The triggers on entries and postings anew: closed periods, holds, arrivals, and less work.

Most statements bring one entry of a few postings in one currency. What such an entry needs is
checked row by row in one short query; PostgreSQL takes longer to begin the aggregations that a
batch needs than to do all of that. Everything else goes the long way, which proves the same.

Plans are made once, perhaps for empty tables, when every index of a book looks as good as another.
`id >= … ORDER BY id LIMIT 1` leaves the planner one way: the index that has the id.
"""

from django.db import migrations

# Who posts holds the lock `ledger_closing <book>`, shared, before it looks which days are closed;
# who closes takes it alone. Without it a posting could look before a closing and come after it.
POSTINGS = """
CREATE OR REPLACE FUNCTION ledger_check_postings() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off SET jit = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    mine text := NULLIF(current_setting('tributary.tenant', true), '');
    first record;
    line record;
    seen int := 0;
    rest bigint := 0;
    its_accounts uuid[] := '{}';
    its_debits bigint[] := '{}';
    its_credits bigint[] := '{}';
    short boolean;
    broken text;
    has_reversal boolean;
    has_hold boolean;
    has_guarded boolean := false;
    moved record;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'the ledger is written under READ COMMITTED: an older snapshot does not '
            'see which days were closed meanwhile' USING ERRCODE = 'feature_not_supported';
    END IF;
    -- An assignment, not a query: it costs next to nothing. Its value must depend on the lock, else
    -- PostgreSQL leaves the call out. Without an open book there is none to lock here.
    short := pg_advisory_xact_lock_shared(hashtextextended('ledger_closing ' || mine, 0))
        IS NOT NULL;

    FOR line IN
        SELECT r.*, e.posting_count, e.reverses, e.hold_id, a.floor, CASE
            WHEN r.book::text IS DISTINCT FROM mine THEN 'long way'
            WHEN e.posting_count IS NULL THEN 'posting_has_an_entry_of_its_book'
            WHEN r.line_no > e.posting_count THEN 'entry_has_all_its_postings'
            WHEN r.known_at <> e.known_at OR r.booked_on <> e.booked_on
                THEN 'posting_has_the_times_of_its_entry'
            WHEN a.currency IS NULL THEN 'posting_has_an_account_of_its_book'
            WHEN a.currency <> r.currency THEN 'posting_has_the_currency_of_its_account'
            WHEN r.booked_on <= c.through THEN 'entry_is_booked_in_an_open_period'
            END AS broken
        FROM (SELECT * FROM arrived LIMIT 9) r
        LEFT JOIN LATERAL (
            SELECT id, posting_count, known_at, booked_on, reverses, hold_id FROM ledger_journalentry
            WHERE book = r.book AND id >= r.entry_id ORDER BY id LIMIT 1
        ) e ON e.id = r.entry_id
        LEFT JOIN LATERAL (
            SELECT id, currency, floor FROM ledger_ledgeraccount
            WHERE book = r.book AND id >= r.account_id ORDER BY id LIMIT 1
        ) a ON a.id = r.account_id
        LEFT JOIN LATERAL (
            SELECT through FROM ledger_closing WHERE book = r.book ORDER BY number DESC LIMIT 1
        ) c ON true
    LOOP
        IF seen = 0 THEN
            first := line;
        END IF;
        seen := seen + 1;
        IF line.entry_id <> first.entry_id OR line.currency <> first.currency OR seen > 8
            OR line.reverses IS NOT NULL OR line.hold_id IS NOT NULL OR line.floor IS NOT NULL
            OR line.broken IS NOT NULL
        THEN
            short := false;
            EXIT;
        END IF;
        IF line.side = 'D' THEN
            rest := rest + line.amount;
            its_debits := its_debits || line.amount;
            its_credits := its_credits || 0::bigint;
        ELSE
            rest := rest - line.amount;
            its_debits := its_debits || 0::bigint;
            its_credits := its_credits || line.amount;
        END IF;
        its_accounts := its_accounts || line.account_id;
    END LOOP;
    IF seen = 0 THEN
        RETURN NULL;
    END IF;
    -- Its primary key lets an entry have each line once, and no number was too high: as many lines
    -- as it states are all of them.
    IF short AND seen = first.posting_count AND rest = 0 THEN
        INSERT INTO ledger_arrival (book, kind, ids, accounts, debits, credits)
            VALUES (first.book, 'entry', ARRAY[first.entry_id], its_accounts, its_debits,
                its_credits);
        RETURN NULL;
    END IF;

    -- Whatever differs within an entry makes a group of its own, which then lacks postings. Almost
    -- always all is well; if not (or with several currencies), the second query says what is wrong.
    SELECT bool_and(coalesce(
               p.lines = e.posting_count AND p.lowest = 1 AND p.highest = e.posting_count
               AND p.known_at = e.known_at AND p.booked_on = e.booked_on AND p.net = 0, false)),
           bool_or(e.reverses IS NOT NULL), bool_or(e.hold_id IS NOT NULL)
        INTO short, has_reversal, has_hold
        FROM (
            SELECT book, entry_id, known_at, booked_on, count(*) AS lines, min(line_no) AS lowest,
                   max(line_no) AS highest,
                   sum(CASE side WHEN 'D' THEN amount ELSE -amount END) AS net
            FROM arrived GROUP BY book, entry_id, currency, known_at, booked_on
        ) p
        LEFT JOIN LATERAL (
            SELECT id, posting_count, known_at, booked_on, reverses, hold_id
            FROM ledger_journalentry WHERE book = p.book AND id >= p.entry_id ORDER BY id LIMIT 1
        ) e ON e.id = p.entry_id;
    IF NOT short THEN
        WITH per_currency AS (
            SELECT book, entry_id, count(*) AS lines, min(line_no) AS lowest, max(line_no) AS highest,
                   min(known_at) AS first_known, max(known_at) AS last_known,
                   min(booked_on) AS first_booked, max(booked_on) AS last_booked,
                   sum(CASE side WHEN 'D' THEN amount ELSE -amount END) AS net
            FROM arrived GROUP BY book, entry_id, currency
        ), per_entry AS (
            SELECT book, entry_id, sum(lines) AS lines, min(lowest) AS lowest, max(highest) AS highest,
                   min(first_known) AS first_known, max(last_known) AS last_known,
                   min(first_booked) AS first_booked, max(last_booked) AS last_booked,
                   bool_and(net = 0) AS balanced
            FROM per_currency GROUP BY book, entry_id
        ), judged AS (
            SELECT p.entry_id, CASE
                WHEN e.posting_count IS NULL THEN 'posting_has_an_entry_of_its_book'
                WHEN p.lines <> e.posting_count OR p.lowest <> 1 OR p.highest <> e.posting_count
                    THEN 'entry_has_all_its_postings'
                WHEN p.first_known <> e.known_at OR p.last_known <> e.known_at
                    OR p.first_booked <> e.booked_on OR p.last_booked <> e.booked_on
                    THEN 'posting_has_the_times_of_its_entry'
                WHEN NOT p.balanced THEN 'entry_is_balanced'
                END AS broken
            FROM per_entry p
            LEFT JOIN LATERAL (
                SELECT id, posting_count, known_at, booked_on FROM ledger_journalentry
                WHERE book = p.book AND id >= p.entry_id ORDER BY id LIMIT 1
            ) e ON e.id = p.entry_id
        )
        SELECT min(j.broken || ' ' || entry_id) INTO broken FROM judged j;
        PERFORM ledger_complain(broken);
    END IF;

    FOR moved IN
        SELECT p.book, min(p.booked_on) AS first_day,
               min(CASE WHEN a.id IS NULL THEN 'posting_has_an_account_of_its_book '
                        WHEN a.currency <> p.currency THEN 'posting_has_the_currency_of_its_account '
                   END || p.account_id) AS broken,
               bool_or(a.floor IS NOT NULL) AS guarded,
               coalesce(array_agg(p.account_id) FILTER (WHERE a.floor IS NULL), '{}') AS accounts,
               coalesce(array_agg(p.debits::bigint) FILTER (WHERE a.floor IS NULL), '{}') AS debits,
               coalesce(array_agg(p.credits::bigint) FILTER (WHERE a.floor IS NULL), '{}')
                   AS credits
        FROM (
            SELECT book, account_id, currency, min(booked_on) AS booked_on,
                   sum(CASE side WHEN 'D' THEN amount ELSE 0 END) AS debits,
                   sum(CASE side WHEN 'C' THEN amount ELSE 0 END) AS credits
            FROM arrived GROUP BY book, account_id, currency
        ) p
        LEFT JOIN LATERAL (
            SELECT id, currency, floor FROM ledger_ledgeraccount
            WHERE book = p.book AND id >= p.account_id ORDER BY id LIMIT 1
        ) a ON a.id = p.account_id
        GROUP BY p.book ORDER BY p.book
    LOOP
        PERFORM ledger_complain(moved.broken);
        has_guarded := has_guarded OR moved.guarded;
        PERFORM pg_advisory_xact_lock_shared(hashtextextended('ledger_closing ' || moved.book, 0));
        PERFORM ledger_complain((
            SELECT 'entry_is_booked_in_an_open_period ' || moved.book
            FROM (SELECT through FROM ledger_closing
                  WHERE book = moved.book ORDER BY number DESC LIMIT 1) c
            WHERE moved.first_day <= c.through));
        INSERT INTO ledger_arrival (book, kind, ids, accounts, debits, credits)
            VALUES (moved.book, 'entry',
                ARRAY(SELECT entry_id FROM arrived WHERE book = moved.book AND line_no = 1),
                moved.accounts, moved.debits, moved.credits);
    END LOOP;

    IF has_reversal THEN
        SELECT min('reversal_mirrors_its_original ' || p.entry_id) INTO broken
            FROM arrived p
            JOIN LATERAL (
                SELECT id, reverses, posting_count FROM ledger_journalentry
                WHERE book = p.book AND id >= p.entry_id ORDER BY id LIMIT 1
            ) e ON e.id = p.entry_id AND e.reverses IS NOT NULL
            LEFT JOIN LATERAL (
                SELECT id, known_at, posting_count FROM ledger_journalentry
                WHERE book = p.book AND id >= e.reverses ORDER BY id LIMIT 1
            ) o ON o.id = e.reverses
            LEFT JOIN LATERAL (
                SELECT * FROM ledger_posting
                WHERE book = p.book AND entry_id = e.reverses AND line_no = p.line_no
                  AND known_at = o.known_at LIMIT 1
            ) q ON true
            WHERE NOT coalesce(
                o.posting_count = e.posting_count AND q.account_id = p.account_id
                AND q.currency = p.currency AND q.amount = p.amount AND q.side <> p.side
                AND q.subject IS NOT DISTINCT FROM p.subject, false);
        PERFORM ledger_complain(broken);
    END IF;

    IF has_hold THEN
        -- Balances first, in the one order, then holds: so does whoever releases one. Under the
        -- lock a hold is what it will stay, and it gives up what the entry takes before the balance
        -- falls: what is available was never less in between.
        FOR moved IN
            SELECT DISTINCT p.book, p.account_id FROM arrived p
            JOIN LATERAL (
                SELECT id, floor FROM ledger_ledgeraccount
                WHERE book = p.book AND id >= p.account_id ORDER BY id LIMIT 1
            ) a ON a.id = p.account_id AND a.floor IS NOT NULL
            ORDER BY p.account_id
        LOOP
            PERFORM FROM ledger_balance
                WHERE book = moved.book AND account_id = moved.account_id FOR NO KEY UPDATE;
        END LOOP;
        FOR moved IN
            SELECT book, hold_id, its_id, max(known_at) AS known_at, sum(taken) AS taken,
                   min(taken) AS least
            FROM (
                SELECT p.book, e.id, e.hold_id, e.known_at, h.id AS its_id,
                       coalesce(sum(CASE WHEN p.account_id = h.account_id THEN
                           CASE p.side WHEN h.normal_side THEN -p.amount ELSE p.amount END
                       END), 0) AS taken
                FROM arrived p
                JOIN LATERAL (
                    SELECT id, hold_id, known_at FROM ledger_journalentry
                    WHERE book = p.book AND id >= p.entry_id ORDER BY id LIMIT 1
                ) e ON e.id = p.entry_id AND e.hold_id IS NOT NULL
                LEFT JOIN LATERAL (
                    SELECT id, account_id, (
                        SELECT normal_side FROM ledger_balance b
                        WHERE b.book = p.book AND b.account_id = o.account_id) AS normal_side
                    FROM ledger_hold o
                    WHERE o.book = p.book AND o.id >= e.hold_id ORDER BY o.id LIMIT 1
                ) h ON h.id = e.hold_id
                GROUP BY p.book, e.id, e.hold_id, e.known_at, h.id
            ) t GROUP BY book, hold_id, its_id ORDER BY hold_id
        LOOP
            IF moved.its_id IS NULL THEN
                PERFORM ledger_complain('entry_posts_a_hold_of_its_book ' || moved.hold_id);
            ELSIF moved.least <= 0 THEN
                PERFORM ledger_complain('entry_takes_from_the_hold_it_posts ' || moved.hold_id);
            END IF;
            -- An UPDATE knows no LIMIT that would keep it to the index of the id; ctid does.
            UPDATE ledger_hold SET taken = taken + moved.taken,
                state = CASE taken + moved.taken WHEN amount THEN 'posted' ELSE state END,
                settled_at = CASE taken + moved.taken WHEN amount THEN moved.known_at END
                WHERE state = 'held' AND ctid = (
                    SELECT ctid FROM ledger_hold
                    WHERE book = moved.book AND id >= moved.hold_id ORDER BY id LIMIT 1);
            IF NOT FOUND THEN
                PERFORM ledger_complain('posted_hold_is_live ' || moved.hold_id);
            END IF;
        END LOOP;
    END IF;

    IF has_guarded THEN
        -- One global order for everybody: two batches never wait for each other.
        FOR moved IN
            SELECT s.* FROM (
                SELECT book, account_id,
                       sum(CASE side WHEN 'D' THEN amount ELSE 0 END) AS debits,
                       sum(CASE side WHEN 'C' THEN amount ELSE 0 END) AS credits
                FROM arrived GROUP BY book, account_id
            ) s
            JOIN LATERAL (
                SELECT id, floor FROM ledger_ledgeraccount
                WHERE book = s.book AND id >= s.account_id ORDER BY id LIMIT 1
            ) a ON a.id = s.account_id AND a.floor IS NOT NULL
            ORDER BY s.account_id
        LOOP
            UPDATE ledger_balance
                SET debits = ledger_balance.debits + moved.debits,
                    credits = ledger_balance.credits + moved.credits
                WHERE book = moved.book AND account_id = moved.account_id;
        END LOOP;
    END IF;

    RETURN NULL;
END $$;
"""

# Fires when the whole statement is done, its postings included. A variable, unlike a column of
# another table, lets PostgreSQL leave out all partitions but one before it opens them.
ENTRIES = """
CREATE OR REPLACE FUNCTION ledger_check_entries() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off SET jit = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    entry record;
    entries int := 0;
BEGIN
    FOR entry IN SELECT book, id, known_at, link_count FROM arrived LIMIT 2 LOOP
        entries := entries + 1;
        IF entries > 1 OR entry.link_count > 0 THEN
            entries := 2;
            EXIT;
        END IF;
    END LOOP;
    IF entries = 0 THEN
        RETURN NULL;
    ELSIF entries = 1 THEN
        PERFORM FROM (
            SELECT entry_id FROM ledger_posting
            WHERE book = entry.book AND entry_id >= entry.id AND known_at = entry.known_at
            ORDER BY entry_id LIMIT 1
        ) p WHERE entry_id = entry.id;
        IF NOT FOUND THEN
            PERFORM ledger_complain('entry_has_all_its_postings ' || entry.id);
        END IF;
        RETURN NULL;
    END IF;
    PERFORM ledger_complain((
        SELECT min(CASE WHEN p.line_no IS NULL THEN 'entry_has_all_its_postings '
                        WHEN e.link_count <> coalesce(l.links, 0) THEN 'entry_has_all_its_links '
                   END || e.id)
        FROM arrived e
        LEFT JOIN LATERAL (
            SELECT line_no FROM ledger_posting
            WHERE book = e.book AND entry_id = e.id AND line_no = 1 AND known_at = e.known_at
            LIMIT 1
        ) p ON true
        LEFT JOIN LATERAL (
            SELECT count(*) AS links FROM ledger_link
            WHERE e.link_count <> 0 AND book = e.book AND entry_id = e.id
        ) l ON true
    ));
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0008_arrivals")]

    operations = [migrations.RunSQL(sql) for sql in (POSTINGS, ENTRIES)]
