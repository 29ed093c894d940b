"""What makes a wrong entry impossible and a right one permanent.

Every trigger is ENABLE ALWAYS, so that session_replication_role does not switch it off. Functions
that need more than the caller may do are SECURITY DEFINER with a pinned search_path, and nobody
else may execute them: whoever may, could hang them on a table of his own.
"""

from django.db import migrations

PERMANENCE = """
CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: the ledger is only ever added to', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'history_is_never_changed';
END $$;

CREATE TRIGGER account_never_changes BEFORE UPDATE OR DELETE ON ledger_ledgeraccount
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER accounts_never_vanish BEFORE TRUNCATE ON ledger_ledgeraccount
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER entry_never_changes BEFORE UPDATE OR DELETE ON ledger_journalentry
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER entries_never_vanish BEFORE TRUNCATE ON ledger_journalentry
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER posting_never_changes BEFORE UPDATE OR DELETE ON ledger_posting
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER postings_never_vanish BEFORE TRUNCATE ON ledger_posting
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER balances_never_vanish BEFORE DELETE OR TRUNCATE ON ledger_balance
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
-- Inside another trigger the depth is 1: only postings and newly opened accounts move balances.
CREATE TRIGGER balance_moves_with_postings_only BEFORE INSERT OR UPDATE ON ledger_balance
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION ledger_refuse();

ALTER TABLE ledger_ledgeraccount ENABLE ALWAYS TRIGGER account_never_changes;
ALTER TABLE ledger_ledgeraccount ENABLE ALWAYS TRIGGER accounts_never_vanish;
ALTER TABLE ledger_journalentry ENABLE ALWAYS TRIGGER entry_never_changes;
ALTER TABLE ledger_journalentry ENABLE ALWAYS TRIGGER entries_never_vanish;
ALTER TABLE ledger_posting ENABLE ALWAYS TRIGGER posting_never_changes;
ALTER TABLE ledger_posting ENABLE ALWAYS TRIGGER postings_never_vanish;
ALTER TABLE ledger_balance ENABLE ALWAYS TRIGGER balances_never_vanish;
ALTER TABLE ledger_balance ENABLE ALWAYS TRIGGER balance_moves_with_postings_only;
"""

GUARDED_ACCOUNTS = """
CREATE FUNCTION ledger_open_balance() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO ledger_balance (book, account_id, floor, normal_side)
        VALUES (NEW.book, NEW.id, NEW.floor, NEW.normal_side);
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION ledger_open_balance() FROM PUBLIC;

CREATE TRIGGER guarded_account_has_a_balance AFTER INSERT ON ledger_ledgeraccount
    FOR EACH ROW WHEN (NEW.floor IS NOT NULL) EXECUTE FUNCTION ledger_open_balance();
ALTER TABLE ledger_ledgeraccount ENABLE ALWAYS TRIGGER guarded_account_has_a_balance;
"""

# An entry states how many postings it has, and arrives with all of them in one statement
# (WITH … INSERT … INSERT). A late posting finds its line number taken or too high, whoever sends
# it and by whatever path (also COPY); an entry alone is refused at once, without a deferred
# trigger for each row.
#
# PL/pgSQL keeps the first plan it makes, perhaps for two rows in empty tables; later come a hundred
# thousand rows and millions. LATERAL … LIMIT 1 leaves the planner one way: an index lookup each.
WHOLE_ENTRIES = """
-- `broken` is the sentence that does not hold and the id of the row that breaks it, or null.
CREATE FUNCTION ledger_complain(broken text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION '% does not hold for %', split_part(broken, ' ', 1), split_part(broken, ' ', 2)
            USING ERRCODE = 'check_violation', CONSTRAINT = split_part(broken, ' ', 1);
    END IF;
END $$;

CREATE FUNCTION ledger_check_postings() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off SET jit = off AS $$
DECLARE
    broken text;
    has_reversal boolean;
    has_guarded boolean;
    moved record;
BEGIN
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
        SELECT p.entry_id, e.reverses IS NOT NULL AS reversal, CASE
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
            SELECT posting_count, known_at, booked_on, reverses FROM ledger_journalentry
            WHERE book = p.book AND id = p.entry_id LIMIT 1
        ) e ON true
    )
    SELECT bool_or(reversal), min(j.broken || ' ' || entry_id) INTO has_reversal, broken
        FROM judged j;
    PERFORM ledger_complain(broken);

    SELECT bool_or(a.floor IS NOT NULL),
           min(CASE WHEN a.currency IS NULL THEN 'posting_has_an_account_of_its_book '
                    WHEN a.currency <> p.currency THEN 'posting_has_the_currency_of_its_account '
               END || p.account_id)
        INTO has_guarded, broken
        FROM (SELECT DISTINCT book, account_id, currency FROM arrived) p
        LEFT JOIN LATERAL (
            SELECT currency, floor FROM ledger_ledgeraccount
            WHERE book = p.book AND id = p.account_id LIMIT 1
        ) a ON true;
    PERFORM ledger_complain(broken);

    IF has_reversal THEN
        SELECT min('reversal_mirrors_its_original ' || p.entry_id) INTO broken
            FROM arrived p
            JOIN LATERAL (
                SELECT reverses, posting_count FROM ledger_journalentry
                WHERE book = p.book AND id = p.entry_id LIMIT 1
            ) e ON e.reverses IS NOT NULL
            LEFT JOIN LATERAL (
                SELECT known_at, posting_count FROM ledger_journalentry
                WHERE book = p.book AND id = e.reverses LIMIT 1
            ) o ON true
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

    IF has_guarded THEN
        -- One global order for everybody: two batches never wait for each other.
        FOR moved IN
            SELECT book, account_id, sum(CASE side WHEN 'D' THEN amount ELSE 0 END) AS debits,
                   sum(CASE side WHEN 'C' THEN amount ELSE 0 END) AS credits
            FROM arrived GROUP BY book, account_id ORDER BY account_id
        LOOP
            UPDATE ledger_balance
                SET debits = debits + moved.debits, credits = credits + moved.credits
                WHERE book = moved.book AND account_id = moved.account_id;
        END LOOP;
    END IF;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION ledger_check_postings() FROM PUBLIC;

CREATE TRIGGER postings_make_whole_entries AFTER INSERT ON ledger_posting
    REFERENCING NEW TABLE AS arrived
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_check_postings();
ALTER TABLE ledger_posting ENABLE ALWAYS TRIGGER postings_make_whole_entries;

-- Fires when the whole statement is done, its postings included.
CREATE FUNCTION ledger_check_entries() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off SET jit = off AS $$
BEGIN
    PERFORM ledger_complain((
        SELECT min('entry_has_all_its_postings ' || e.id)
        FROM arrived e
        LEFT JOIN LATERAL (
            SELECT line_no FROM ledger_posting
            WHERE book = e.book AND entry_id = e.id AND line_no = 1 AND known_at = e.known_at
            LIMIT 1
        ) p ON true
        WHERE p.line_no IS NULL
    ));
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION ledger_check_entries() FROM PUBLIC;

CREATE TRIGGER entries_have_their_postings AFTER INSERT ON ledger_journalentry
    REFERENCING NEW TABLE AS arrived
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_check_entries();
ALTER TABLE ledger_journalentry ENABLE ALWAYS TRIGGER entries_have_their_postings;
"""

# Row triggers reach partitions by themselves, statement triggers and row-level security do not.
# ATTACH takes a weaker lock than CREATE TABLE … PARTITION OF: nobody waits for a new month.
PARTITIONS = """
CREATE FUNCTION ledger_ensure_partitions(first_day date, months int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    month date;
    partition text;
    made int := 0;
BEGIN
    IF months NOT BETWEEN 1 AND 60 THEN
        RAISE EXCEPTION 'between 1 and 60 months, not %', months
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('ledger_ensure_partitions'));
    FOR i IN 0 .. months - 1 LOOP
        month := date_trunc('month', first_day::timestamp) + make_interval(months => i);
        partition := 'ledger_posting_' || to_char(month, 'YYYY_MM');
        CONTINUE WHEN to_regclass(partition) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I (LIKE ledger_posting INCLUDING CONSTRAINTS)', partition);
        EXECUTE format('REVOKE ALL ON %I FROM PUBLIC, tributary_app, tributary_ops', partition);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', partition);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', partition);
        EXECUTE format(
            'CREATE TRIGGER partition_is_closed BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE '
            'ON %I FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse()', partition);
        EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER partition_is_closed', partition);
        EXECUTE format(
            'ALTER TABLE ledger_posting ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
            partition, to_char(month, 'YYYY-MM-DD') || ' 00:00:00+00',
            to_char(month + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00');
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;
REVOKE ALL ON FUNCTION ledger_ensure_partitions(date, int) FROM PUBLIC;

SELECT ledger_ensure_partitions((now() - interval '1 month')::date, 5);
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_tables")]

    operations = [
        migrations.RunSQL(sql)
        for sql in (PERMANENCE, GUARDED_ACCOUNTS, WHOLE_ENTRIES, PARTITIONS)
    ]
