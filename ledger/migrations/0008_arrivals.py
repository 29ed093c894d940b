"""What entries say besides their postings, and where new rows wait to be sealed and folded.

An *arrival* is one row for each statement that posted: which entries came, and what they add to
each unguarded account. A statement of ten thousand entries changes a hot account once, without a
lock. What leaves the arrivals is folded into balances and daily totals by the trigger on DELETE
(0010): the sum of both is the balance at every moment.
"""

from django.db import migrations

# What a column may say, as its type: PostgreSQL reads the text of a CHECK anew for every statement,
# and of a domain once for a connection. It was a tenth of what posting an entry took.
DOMAINS = """
CREATE DOMAIN ledger_reference AS text COLLATE "C"
    CONSTRAINT entry_reference_is_not_empty CHECK (length(VALUE) BETWEEN 1 AND 300);
CREATE DOMAIN ledger_kind AS text
    CONSTRAINT entry_kind_is_not_empty CHECK (length(VALUE) BETWEEN 1 AND 100);
CREATE DOMAIN ledger_memo AS text
    CONSTRAINT entry_memo_is_not_endless CHECK (length(VALUE) <= 2000);
CREATE DOMAIN ledger_hash AS bytea
    CONSTRAINT entry_content_hash_is_sha256 CHECK (octet_length(VALUE) = 32);
CREATE DOMAIN ledger_posting_count AS smallint
    CONSTRAINT entry_has_at_least_two_postings CHECK (VALUE >= 2);
CREATE DOMAIN ledger_metadata AS jsonb
    CONSTRAINT entry_metadata_is_an_object CHECK (jsonb_typeof(VALUE) = 'object');
CREATE DOMAIN ledger_line_no AS smallint
    CONSTRAINT posting_line_numbers_begin_at_one CHECK (VALUE >= 1);
CREATE DOMAIN ledger_side AS char(1)
    CONSTRAINT posting_is_debit_or_credit CHECK (VALUE IN ('D', 'C'));
CREATE DOMAIN ledger_amount AS bigint
    CONSTRAINT posting_amount_is_positive CHECK (VALUE > 0)
    CONSTRAINT posting_amount_is_below_a_quadrillion CHECK (VALUE < 1000000000000000);

ALTER TABLE ledger_journalentry
    DROP CONSTRAINT entry_reference_is_not_empty,
    DROP CONSTRAINT entry_kind_is_not_empty,
    DROP CONSTRAINT entry_memo_is_not_endless,
    DROP CONSTRAINT entry_content_hash_is_sha256,
    DROP CONSTRAINT entry_has_at_least_two_postings,
    ALTER COLUMN reference TYPE ledger_reference,
    ALTER COLUMN kind TYPE ledger_kind,
    ALTER COLUMN memo TYPE ledger_memo,
    ALTER COLUMN content_hash TYPE ledger_hash,
    ALTER COLUMN posting_count TYPE ledger_posting_count;
ALTER TABLE ledger_posting
    DROP CONSTRAINT posting_line_numbers_begin_at_one,
    DROP CONSTRAINT posting_is_debit_or_credit,
    DROP CONSTRAINT posting_amount_is_positive,
    DROP CONSTRAINT posting_amount_is_below_a_quadrillion,
    ALTER COLUMN line_no TYPE ledger_line_no,
    ALTER COLUMN side TYPE ledger_side,
    ALTER COLUMN amount TYPE ledger_amount;
"""

ENTRIES = """
ALTER TABLE ledger_journalentry
    ADD COLUMN hold_id uuid,
    ADD COLUMN metadata ledger_metadata,
    ADD COLUMN link_count smallint NOT NULL DEFAULT 0;
CREATE INDEX ledger_entry_by_hold ON ledger_journalentry (book, hold_id) WHERE hold_id IS NOT NULL;

-- How far promises may take the available balance below zero; facts may go down to the floor.
ALTER TABLE ledger_ledgeraccount
    ADD COLUMN overdraft bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT overdraft_is_not_beyond_the_floor
        CHECK (overdraft >= 0 AND overdraft <= coalesce(-floor, 0));
"""

LINKS = """
CREATE TABLE ledger_link (
    book uuid NOT NULL,
    entry_id uuid NOT NULL,
    target_id uuid NOT NULL,
    account_id uuid,
    amount bigint,
    link_no smallint NOT NULL,
    relation text NOT NULL,
    CONSTRAINT ledger_link_key PRIMARY KEY (book, entry_id, link_no),
    CONSTRAINT link_has_its_entry FOREIGN KEY (book, entry_id)
        REFERENCES ledger_journalentry (book, id),
    CONSTRAINT link_has_its_target FOREIGN KEY (book, target_id)
        REFERENCES ledger_journalentry (book, id),
    CONSTRAINT link_leads_to_another_entry CHECK (target_id <> entry_id),
    CONSTRAINT link_numbers_begin_at_one CHECK (link_no >= 1),
    CONSTRAINT link_amount_is_positive CHECK (amount > 0),
    CONSTRAINT link_amount_is_of_an_account CHECK ((amount IS NULL) = (account_id IS NULL)),
    CONSTRAINT link_relation_is_not_empty CHECK (length(relation) BETWEEN 1 AND 100)
);
CREATE INDEX ledger_link_by_target ON ledger_link (book, target_id, account_id);
"""

ARRIVALS = """
CREATE TABLE ledger_arrival (
    book uuid NOT NULL,
    kind text COLLATE "C" NOT NULL,
    ids uuid[] NOT NULL,
    accounts uuid[] NOT NULL DEFAULT '{}',
    debits bigint[] NOT NULL DEFAULT '{}',
    credits bigint[] NOT NULL DEFAULT '{}'
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
CREATE INDEX ledger_arrival_by_book ON ledger_arrival (book);
-- Random ids do not compress; trying to costs time.
ALTER TABLE ledger_arrival ALTER ids SET STORAGE EXTERNAL, ALTER accounts SET STORAGE EXTERNAL;
"""

# One row for every combination of days that occurs: whatever day is asked for, the sums of whole
# days are read, and postings of at most one.
DAILY = """
CREATE TABLE ledger_daily (
    book uuid NOT NULL,
    account_id uuid NOT NULL,
    booked_on date NOT NULL,
    event_day date NOT NULL,
    known_day date NOT NULL,
    debits bigint NOT NULL,
    credits bigint NOT NULL,
    postings bigint NOT NULL,
    CONSTRAINT ledger_daily_key PRIMARY KEY (book, account_id, booked_on, event_day, known_day),
    CONSTRAINT daily_sums_are_not_negative CHECK (debits >= 0 AND credits >= 0 AND postings > 0)
) WITH (fillfactor = 80);
"""

# From now on a row for every account: those with a floor move with each posting, under a lock;
# the others when arrivals are folded.
BALANCES = """
ALTER TABLE ledger_balance ALTER floor DROP NOT NULL;
ALTER TABLE ledger_balance ADD COLUMN overdraft bigint NOT NULL DEFAULT 0;
"""

# The last row says through which day a book is closed. Closings are rows of their own, so that who
# closed, who reopened and who agreed stays on record.
CLOSINGS = """
CREATE TABLE ledger_closing (
    book uuid NOT NULL,
    number int NOT NULL,
    action text COLLATE "C" NOT NULL,
    through date,
    closed_by text NOT NULL,
    approved_by text,
    reason text NOT NULL,
    closed_at timestamptz NOT NULL,
    digest bytea NOT NULL,
    CONSTRAINT ledger_closing_key PRIMARY KEY (book, number),
    CONSTRAINT closing_numbers_begin_at_one CHECK (number >= 1),
    CONSTRAINT closing_closes_or_reopens CHECK (action IN ('close', 'reopen')),
    CONSTRAINT closing_has_a_last_day CHECK (through IS NOT NULL OR action = 'reopen'),
    CONSTRAINT closing_has_a_name CHECK (length(closed_by) BETWEEN 1 AND 200),
    CONSTRAINT reopening_takes_two_persons CHECK (
        action = 'close' OR length(approved_by) >= 1 AND approved_by <> closed_by
            AND approved_by IS NOT NULL),
    CONSTRAINT reopening_has_a_reason CHECK (action = 'close' OR length(reason) >= 1)
);
"""

GUARDS = """
CREATE TRIGGER closing_never_changes BEFORE UPDATE OR DELETE ON ledger_closing
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER closings_never_vanish BEFORE TRUNCATE ON ledger_closing
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
ALTER TABLE ledger_closing ENABLE ALWAYS TRIGGER closing_never_changes;
ALTER TABLE ledger_closing ENABLE ALWAYS TRIGGER closings_never_vanish;
CREATE TRIGGER link_never_changes BEFORE UPDATE OR DELETE ON ledger_link
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER links_never_vanish BEFORE TRUNCATE ON ledger_link
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER arrivals_stay_until_they_are_folded BEFORE UPDATE OR TRUNCATE ON ledger_arrival
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER arrivals_come_from_postings_only BEFORE INSERT ON ledger_arrival
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER daily_totals_never_vanish BEFORE DELETE OR TRUNCATE ON ledger_daily
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER daily_totals_come_from_arrivals_only BEFORE INSERT OR UPDATE ON ledger_daily
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION ledger_refuse();
ALTER TABLE ledger_link ENABLE ALWAYS TRIGGER link_never_changes;
ALTER TABLE ledger_link ENABLE ALWAYS TRIGGER links_never_vanish;
ALTER TABLE ledger_arrival ENABLE ALWAYS TRIGGER arrivals_stay_until_they_are_folded;
ALTER TABLE ledger_arrival ENABLE ALWAYS TRIGGER arrivals_come_from_postings_only;
ALTER TABLE ledger_daily ENABLE ALWAYS TRIGGER daily_totals_never_vanish;
ALTER TABLE ledger_daily ENABLE ALWAYS TRIGGER daily_totals_come_from_arrivals_only;
"""

ISOLATION = """
DO $$
DECLARE
    name text;
    mine text := $q$book = NULLIF(current_setting('tributary.tenant', true), '')::uuid$q$;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'ledger_link', 'ledger_arrival', 'ledger_daily', 'ledger_closing'
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
CREATE POLICY triggers_write_arrivals ON ledger_arrival TO CURRENT_USER
    USING (true) WITH CHECK (true);
CREATE POLICY triggers_write_daily_totals ON ledger_daily TO CURRENT_USER
    USING (true) WITH CHECK (true);

GRANT SELECT, INSERT ON ledger_link, ledger_closing TO tributary_app;
GRANT SELECT ON ledger_arrival, ledger_daily TO tributary_app;
GRANT SELECT ON ledger_link, ledger_arrival, ledger_daily, ledger_closing TO tributary_ops;
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0007_posting")]

    operations = [
        migrations.RunSQL(sql)
        for sql in (DOMAINS, ENTRIES, LINKS, ARRIVALS, DAILY, BALANCES, CLOSINGS, GUARDS, ISOLATION)
    ]
