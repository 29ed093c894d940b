"""Posting with metadata, links and holds."""

from django.db import migrations

# As in 0007: arrays, and positions from 1 in place of repetitions. Null is success. Otherwise the
# answer says what is `broken`, in whose words, or which references are taken: `earlier`, with ids
# and content hashes. A link names its target by reference; one it cannot find is null, which no
# link may have.
POSTING = """
DROP FUNCTION ledger_post(uuid, timestamptz, uuid, text[], text[], uuid[], text[], text[], text[],
    smallint[], timestamptz[], date[], text[], int[], smallint[], int[], bigint[], uuid[]);

CREATE FUNCTION ledger_post(
    its_book uuid, its_known_at timestamptz, its_reversed uuid, its_hold uuid,
    codes text[], currencies text[],
    ids uuid[], refs text[], kinds text[], hashes text[], counts smallint[],
    happened timestamptz[], days date[], memos text[], metas text[],
    entries int[], lines smallint[], accounts int[], amounts bigint[], subjects uuid[],
    link_counts smallint[] DEFAULT NULL, link_entries int[] DEFAULT NULL,
    link_numbers smallint[] DEFAULT NULL, link_relations text[] DEFAULT NULL,
    link_targets text[] DEFAULT NULL, link_accounts text[] DEFAULT NULL,
    link_amounts bigint[] DEFAULT NULL
) RETURNS jsonb LANGUAGE plpgsql SET search_path = public, pg_temp SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    broken text;
    said text;
    earlier jsonb;
BEGIN
    IF its_book IS DISTINCT FROM NULLIF(current_setting('tributary.tenant', true), '')::uuid THEN
        RETURN jsonb_build_object('broken', 'book_is_open');
    END IF;
    BEGIN
        WITH entry AS (
            INSERT INTO ledger_journalentry (id, reference, kind, content_hash, posting_count,
                event_at, booked_on, memo, metadata, link_count, reverses, hold_id, book, known_at)
            SELECT id, ref, kind, decode(hash, 'hex'), count, happened_at, day, memo, meta::jsonb,
                coalesce(links, 0), its_reversed, its_hold, its_book, its_known_at
            FROM unnest(ids, refs, kinds, hashes, counts, happened, days, memos, metas, link_counts)
                AS e (id, ref, kind, hash, count, happened_at, day, memo, meta, links)
            RETURNING 1
        ), link AS (
            INSERT INTO ledger_link (entry_id, link_no, relation, target_id, account_id, amount,
                book)
            SELECT ids[entry], number, relation, e.id, a.id, moved, its_book
            FROM unnest(link_entries, link_numbers, link_relations, link_targets, link_accounts,
                    link_amounts) AS l (entry, number, relation, wanted, code, moved)
            LEFT JOIN LATERAL (
                SELECT id, reference FROM ledger_journalentry
                WHERE book = its_book AND reference >= wanted ORDER BY reference LIMIT 1
            ) e ON e.reference = wanted
            LEFT JOIN LATERAL (
                SELECT f.id, f.code FROM ledger_ledgeraccount f
                WHERE f.book = its_book AND f.code >= l.code ORDER BY f.code LIMIT 1
            ) a ON a.code = l.code
            WHERE (SELECT count(*) FROM entry) > 0
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
        RETURN NULL;
    EXCEPTION WHEN integrity_constraint_violation THEN
        GET STACKED DIAGNOSTICS broken = CONSTRAINT_NAME, said = MESSAGE_TEXT;
        broken := coalesce(NULLIF(broken, ''), SQLSTATE);
    END;
    -- A reversal finds its place taken by either key, whichever PostgreSQL looks at first.
    IF broken NOT IN ('one_entry_per_reference', 'one_reversal_per_entry') THEN
        RETURN jsonb_build_object('broken', broken, 'said', said);
    END IF;
    SELECT jsonb_object_agg(reference, jsonb_build_array(id, encode(content_hash, 'hex')))
        INTO earlier
        FROM unnest(refs) AS wanted
        JOIN LATERAL (
            SELECT reference, id, content_hash FROM ledger_journalentry
            WHERE book = its_book AND reference >= wanted ORDER BY reference LIMIT 1
        ) e ON reference = wanted;
    IF earlier IS NULL AND broken = 'one_reversal_per_entry' THEN
        RETURN jsonb_build_object('broken', broken, 'said', said);
    ELSIF earlier IS NULL THEN
        RAISE EXCEPTION 'a reference was taken after the transaction began'
            USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN jsonb_build_object('earlier', earlier);
END $$;
"""

_SIGNATURE = """ledger_post(uuid, timestamptz, uuid, uuid, text[], text[], uuid[], text[], text[],
    text[], smallint[], timestamptz[], date[], text[], text[], int[], smallint[], int[], bigint[],
    uuid[], smallint[], int[], smallint[], text[], text[], text[], bigint[])"""
GRANTS = f"""
REVOKE ALL ON FUNCTION {_SIGNATURE} FROM PUBLIC;
GRANT EXECUTE ON FUNCTION {_SIGNATURE} TO tributary_app;
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0009_checks")]

    operations = [migrations.RunSQL(sql) for sql in (POSTING, GRANTS)]
