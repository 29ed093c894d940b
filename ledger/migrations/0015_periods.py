"""Closing a book through a day, and reopening it; who said so, and what the book was then."""

from django.db import migrations, models

# The id is what a seal names. Names that differ only in letters and spaces are one person's.
COLUMNS = """
ALTER TABLE ledger_closing
    ADD COLUMN id uuid NOT NULL,
    ADD CONSTRAINT one_closing_per_id UNIQUE (book, id),
    ADD CONSTRAINT closing_digest_is_sha256 CHECK (octet_length(digest) = 32),
    ADD CONSTRAINT closing_reason_is_not_endless CHECK (length(reason) <= 2000),
    ADD CONSTRAINT approval_has_a_name CHECK (length(approved_by) BETWEEN 1 AND 200),
    -- It is the next day already where the day begins first.
    ADD CONSTRAINT closing_is_of_days_that_have_begun CHECK (
        through <= ((closed_at AT TIME ZONE 'UTC') + interval '14 hours')::date),
    DROP CONSTRAINT reopening_takes_two_persons,
    ADD CONSTRAINT reopening_takes_two_persons CHECK (
        action = 'close' OR approved_by IS NOT NULL
            AND lower(btrim(approved_by)) <> lower(btrim(closed_by)));
"""

# What the search for unspent money starts with: the newest entry of whose money some was taken.
LINKS = """
CREATE INDEX ledger_link_by_account ON ledger_link (book, account_id, target_id)
    WHERE account_id IS NOT NULL;
"""

# The digest: SHA-256 over fields, each as its length in characters, a colon and its text:
# "closing-1", the book, the day ("-" alone for none), then of every account on which something is
# booked on that day or earlier, by code: code, currency, debits, credits.
#
# The lock is taken before anything is read: nobody who posts is under way then, and each query in
# this function sees all that was committed before. The sums are those of now less what is booked
# later; `check_books` proves them from the postings alone.
CLOSING = """
CREATE FUNCTION ledger_trial_balance_digest(its_book uuid, last_day date) RETURNS bytea
LANGUAGE sql VOLATILE SET search_path = public, pg_temp SET jit = off AS $$
    WITH unfolded AS MATERIALIZED (
        SELECT unnest(ids) AS id FROM ledger_arrival WHERE book = its_book AND kind = 'entry'
    ), fresh AS MATERIALIZED (
        SELECT p.account_id,
               sum(CASE p.side WHEN 'D' THEN p.amount ELSE 0 END) AS all_debits,
               sum(CASE p.side WHEN 'C' THEN p.amount ELSE 0 END) AS all_credits,
               sum(CASE p.side WHEN 'D' THEN p.amount ELSE 0 END)
                   FILTER (WHERE e.booked_on > last_day) AS debits,
               sum(CASE p.side WHEN 'C' THEN p.amount ELSE 0 END)
                   FILTER (WHERE e.booked_on > last_day) AS credits
        FROM unfolded u
        JOIN LATERAL (
            SELECT known_at, booked_on FROM ledger_journalentry
            WHERE book = its_book AND id = u.id LIMIT 1
        ) e ON true
        JOIN LATERAL (
            SELECT account_id, side, amount FROM ledger_posting
            WHERE book = its_book AND entry_id = u.id AND known_at = e.known_at OFFSET 0
        ) p ON true
        GROUP BY p.account_id
    ), booked AS (
        SELECT a.code, a.currency,
               b.debits + CASE WHEN a.floor IS NULL THEN coalesce(f.all_debits, 0) ELSE 0 END
                   - coalesce(f.debits, 0) - d.debits AS debits,
               b.credits + CASE WHEN a.floor IS NULL THEN coalesce(f.all_credits, 0) ELSE 0 END
                   - coalesce(f.credits, 0) - d.credits AS credits
        FROM ledger_ledgeraccount a
        JOIN ledger_balance b ON b.book = a.book AND b.account_id = a.id
        LEFT JOIN fresh f ON f.account_id = a.id
        LEFT JOIN LATERAL (
            SELECT coalesce(sum(debits), 0) AS debits, coalesce(sum(credits), 0) AS credits
            FROM ledger_daily
            WHERE book = its_book AND account_id = a.id AND booked_on > last_day
        ) d ON true
        WHERE a.book = its_book AND last_day IS NOT NULL
    )
    SELECT sha256(convert_to('9:closing-136:' || its_book
        || coalesce('10:' || to_char(last_day, 'YYYY-MM-DD'), '-')
        || coalesce(string_agg(
            length(code) || ':' || code || length(currency) || ':' || currency
            || length(debits::bigint::text) || ':' || debits::bigint
            || length(credits::bigint::text) || ':' || credits::bigint,
            '' ORDER BY code COLLATE "C"), ''), 'UTF8'))
    FROM booked WHERE debits > 0 OR credits > 0
$$;
REVOKE ALL ON FUNCTION ledger_trial_balance_digest(uuid, date) FROM PUBLIC;

CREATE FUNCTION ledger_check_closing() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    last record;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'books are closed under READ COMMITTED: an older snapshot does not see '
            'what was posted meanwhile' USING ERRCODE = 'feature_not_supported';
    END IF;
    -- Before the lock: the rule that keeps books apart is asked only after this function.
    IF NEW.book::text IS DISTINCT FROM NULLIF(current_setting('tributary.tenant', true), '') THEN
        PERFORM ledger_complain('closing_is_of_the_open_book ' || NEW.book);
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('ledger_closing ' || NEW.book, 0));
    SELECT number, through INTO last FROM ledger_closing
        WHERE book = NEW.book ORDER BY number DESC LIMIT 1;
    IF NEW.action = 'close' AND NEW.through <= last.through THEN
        PERFORM ledger_complain('closing_goes_forward ' || NEW.book);
    ELSIF NEW.action = 'reopen' AND NOT coalesce(
        last.through IS NOT NULL AND (NEW.through IS NULL OR NEW.through < last.through), false)
    THEN
        PERFORM ledger_complain('reopening_goes_back ' || NEW.book);
    END IF;
    NEW.number := coalesce(last.number, 0) + 1;
    NEW.digest := ledger_trial_balance_digest(NEW.book, NEW.through);
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION ledger_check_closing() FROM PUBLIC;

CREATE FUNCTION ledger_announce_closings() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO ledger_arrival (book, kind, ids)
        SELECT book, 'closing', array_agg(id ORDER BY number) FROM arrived GROUP BY book;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION ledger_announce_closings() FROM PUBLIC;

CREATE TRIGGER closing_follows_the_last_one BEFORE INSERT ON ledger_closing
    FOR EACH ROW EXECUTE FUNCTION ledger_check_closing();
CREATE TRIGGER closings_arrive AFTER INSERT ON ledger_closing
    REFERENCING NEW TABLE AS arrived
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_announce_closings();
ALTER TABLE ledger_closing ENABLE ALWAYS TRIGGER closing_follows_the_last_one;
ALTER TABLE ledger_closing ENABLE ALWAYS TRIGGER closings_arrive;
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0014_holds")]

    operations = [
        *[migrations.RunSQL(sql) for sql in (COLUMNS, LINKS, CLOSING)],
        migrations.CreateModel(
            name='Closing',
            fields=[
                ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ('book', models.UUIDField(verbose_name='book')),
                ('number', models.IntegerField(verbose_name='number')),
                ('action', models.TextField(choices=[('close', 'close'), ('reopen', 'reopen')], verbose_name='action')),
                ('through', models.DateField(null=True, verbose_name='closed through')),
                ('closed_by', models.TextField(verbose_name='by')),
                ('approved_by', models.TextField(null=True, verbose_name='approved by')),
                ('reason', models.TextField(verbose_name='reason')),
                ('closed_at', models.DateTimeField(verbose_name='at')),
                ('digest', models.BinaryField(max_length=32, verbose_name='digest')),
            ],
            options={
                'verbose_name': 'closing',
                'verbose_name_plural': 'closings',
                'ordering': ['book', '-number'],
                'managed': False,
                'default_permissions': ['view'],
            },
        ),
    ]
