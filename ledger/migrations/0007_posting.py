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
# breaks an invariant is told in `broken` (the sentence) and `said`; any other error is raised.
# `earlier…` are the entries that have the references already: then nothing is written.
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
DECLARE
    account_ids uuid[];
    all_known boolean;
    all_agree boolean;
BEGIN
    IF its_book IS DISTINCT FROM NULLIF(current_setting('tributary.tenant', true), '')::uuid THEN
        broken := 'book_is_open';
        RETURN;
    END IF;

    SELECT array_agg(a.id ORDER BY w.n), count(a.id) = count(*), bool_and(a.currency = w.currency)
        INTO account_ids, all_known, all_agree
        FROM unnest(codes, currencies) WITH ORDINALITY AS w (code, currency, n)
        LEFT JOIN LATERAL (
            SELECT id, code, currency FROM ledger_ledgeraccount
            WHERE book = its_book AND code >= w.code ORDER BY code LIMIT 1
        ) a ON a.code = w.code;
    IF NOT all_known THEN
        broken := 'posting_has_an_account_of_its_book';
        RETURN;
    ELSIF NOT all_agree THEN
        broken := 'posting_has_the_currency_of_its_account';
        RETURN;
    END IF;

    LOOP
        SELECT array_agg(reference), array_agg(id), array_agg(content_hash)
            INTO earlier, earlier_ids, earlier_hashes
            FROM unnest(refs) AS r (ref)
            JOIN LATERAL (
                SELECT reference, id, content_hash FROM ledger_journalentry
                WHERE book = its_book AND reference >= r.ref ORDER BY reference LIMIT 1
            ) e ON reference = ref;
        IF earlier IS NOT NULL THEN
            broken := NULL;
            RETURN;
        ELSIF broken IS NOT NULL THEN
            RAISE EXCEPTION 'a reference was taken after the transaction began'
                USING ERRCODE = 'serialization_failure';
        END IF;
        BEGIN
            WITH entry AS (
                INSERT INTO ledger_journalentry (id, reference, kind, content_hash, posting_count,
                    event_at, booked_on, memo, reverses, book, known_at)
                SELECT id, ref, kind, decode(hash, 'hex'), count, happened_at, day, memo,
                    its_reversed, its_book, its_known_at
                FROM unnest(ids, refs, kinds, hashes, counts, happened, days, memos)
                    AS e (id, ref, kind, hash, count, happened_at, day, memo)
            )
            INSERT INTO ledger_posting (entry_id, book, known_at, booked_on, line_no, account_id,
                currency, side, amount, subject)
            SELECT ids[entry], its_book, its_known_at, days[entry], line, account_ids[account],
                currencies[account], CASE WHEN moved > 0 THEN 'D' ELSE 'C' END, abs(moved), about
            FROM unnest(entries, lines, accounts, amounts, subjects)
                AS p (entry, line, account, moved, about);
            RETURN;
        EXCEPTION WHEN integrity_constraint_violation THEN
            GET STACKED DIAGNOSTICS broken = CONSTRAINT_NAME, said = MESSAGE_TEXT;
            broken := coalesce(NULLIF(broken, ''), SQLSTATE);
        END;
        -- Somebody else came first while this waited for the unique key: look once more.
        EXIT WHEN broken <> 'one_entry_per_reference';
    END LOOP;
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
