"""Posting in one round trip: a function that writes entries with the caller's own rights.

It takes a shorter way to the same tables, no way around their guards: whoever may call it may
INSERT without it, and row-level security and every trigger see what it writes.
"""

from django.db import migrations

# Arrays instead of rows, and in them positions from 1 instead of repetitions: `accounts` points
# into codes and currencies, `entries` into ids. An amount is positive on the debit side, negative
# on the credit side.
#
# The block with EXCEPTION is the savepoint, without the caller going back and forth for it. What
# breaks an invariant is told in `broken` (the sentence, or PostgreSQL's code of what has none) and
# `said`; any other error is raised. An account that is unknown is null, which no posting may have.
# `earlier…` are the entries that have the references already: then nothing is written. Entries go
# before postings, so that a repetition is found at its first row.
#
# PL/pgSQL keeps a plan for any number of rows: see 0003 for LATERAL … LIMIT 1 and enable_seqscan.
# `>= … ORDER BY` leaves only the index that has the column; for `=` the planner may take another
# one of the book, and read all of it.
POSTING = """
CREATE FUNCTION ledger_post(
    its_book uuid, its_known_at timestamptz, its_reversed uuid,
    codes text[], currencies text[],
    ids uuid[], refs text[], kinds text[], hashes text[], counts smallint[],
    happened timestamptz[], days date[], memos text[],
    entries int[], lines smallint[], accounts int[], amounts bigint[], subjects uuid[],
    OUT broken text, OUT said text,
    OUT earlier text[], OUT earlier_ids uuid[], OUT earlier_hashes bytea[]
) LANGUAGE plpgsql SET search_path = public, pg_temp SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    IF its_book IS DISTINCT FROM NULLIF(current_setting('tributary.tenant', true), '')::uuid THEN
        broken := 'book_is_open';
        RETURN;
    END IF;
    BEGIN
        WITH entry AS (
            INSERT INTO ledger_journalentry (id, reference, kind, content_hash, posting_count,
                event_at, booked_on, memo, reverses, book, known_at)
            SELECT id, ref, kind, decode(hash, 'hex'), count, happened_at, day, memo,
                its_reversed, its_book, its_known_at
            FROM unnest(ids, refs, kinds, hashes, counts, happened, days, memos)
                AS e (id, ref, kind, hash, count, happened_at, day, memo)
            RETURNING 1
        )
        INSERT INTO ledger_posting (entry_id, book, known_at, booked_on, line_no, account_id,
            currency, side, amount, subject)
        SELECT ids[entry], its_book, its_known_at, days[entry], line, (
                SELECT array_agg(a.id ORDER BY n)
                FROM unnest(codes) WITH ORDINALITY AS w (wanted, n)
                LEFT JOIN LATERAL (
                    SELECT id, code FROM ledger_ledgeraccount
                    WHERE book = its_book AND code >= wanted ORDER BY code LIMIT 1
                ) a ON code = wanted
            )[account], currencies[account], CASE WHEN moved > 0 THEN 'D' ELSE 'C' END, abs(moved),
            about
        FROM unnest(entries, lines, accounts, amounts, subjects)
            AS p (entry, line, account, moved, about)
        WHERE (SELECT count(*) FROM entry) > 0;
        RETURN;
    EXCEPTION WHEN integrity_constraint_violation THEN
        GET STACKED DIAGNOSTICS broken = CONSTRAINT_NAME, said = MESSAGE_TEXT;
        broken := coalesce(NULLIF(broken, ''), SQLSTATE);
    END;
    IF broken = 'one_entry_per_reference' THEN
        SELECT array_agg(reference), array_agg(id), array_agg(content_hash)
            INTO earlier, earlier_ids, earlier_hashes
            FROM unnest(refs) AS wanted
            JOIN LATERAL (
                SELECT reference, id, content_hash FROM ledger_journalentry
                WHERE book = its_book AND reference >= wanted ORDER BY reference LIMIT 1
            ) e ON reference = wanted;
        IF earlier IS NULL THEN
            RAISE EXCEPTION 'a reference was taken after the transaction began'
                USING ERRCODE = 'serialization_failure';
        END IF;
        broken := NULL;
    END IF;
END $$;
"""

_SIGNATURE = """ledger_post(uuid, timestamptz, uuid, text[], text[], uuid[], text[], text[], text[],
    smallint[], timestamptz[], date[], text[], int[], smallint[], int[], bigint[], uuid[])"""
GRANTS = f"""
REVOKE ALL ON FUNCTION {_SIGNATURE} FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {_SIGNATURE} TO tributary_app;
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0006_holds")]

    operations = [migrations.RunSQL(sql) for sql in (POSTING, GRANTS)]
