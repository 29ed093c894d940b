"""Holds in parts: an entry says which hold it posts, holds count what was taken, and they expire.

`taken` is the sum of what entries with this `hold_id` took from the hold's account; the posting
trigger (0009) moves it, and with the last of it the hold is posted. What a live hold keeps is
`amount - taken`.
"""

from django.db import migrations

# Entries of older books do not name their hold, and can never be told to: they are immutable, and
# the content hash they carry is of an entry without one. For holds posted before this migration the
# old link therefore stays, as `posted_by`, which nothing can write any more: a new hold has none,
# and no UPDATE may change it.
COLUMNS = """
DROP TRIGGER posted_hold_has_its_entry ON ledger_hold;
DROP FUNCTION ledger_check_posted_hold();
DROP TRIGGER settled_holds_give_back ON ledger_hold;
DROP INDEX ledger_hold_live;
REVOKE UPDATE (entry_id) ON ledger_hold FROM tributary_app;

ALTER TABLE ledger_hold RENAME entry_id TO posted_by;
ALTER TABLE ledger_hold
    DROP CONSTRAINT one_hold_per_entry,
    DROP CONSTRAINT hold_is_held_posted_or_released,
    ADD COLUMN taken bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT hold_is_held_posted_released_or_expired
        CHECK (state IN ('held', 'posted', 'released', 'expired')),
    ADD CONSTRAINT no_more_is_taken_than_was_held CHECK (taken >= 0 AND taken <= amount),
    ADD CONSTRAINT hold_expires_when_its_time_has_come
        CHECK (state <> 'expired' OR coalesce(settled_at >= expires_at, false));
-- Due holds only, and the only index that knows which holds are live: nothing else asks for all.
CREATE INDEX ledger_hold_due ON ledger_hold (book, expires_at, id)
    WHERE state = 'held' AND expires_at IS NOT NULL;

-- The posting trigger's, where the owner is no superuser.
CREATE POLICY triggers_settle_holds ON ledger_hold FOR UPDATE TO CURRENT_USER
    USING (true) WITH CHECK (true);
"""

# Holds and what became of them are sealed like entries. Of older books nothing is sealed yet; their
# postings of holds are settlements, because the entries do not tell of them.
OLD_HOLDS = """
ALTER TABLE ledger_hold DISABLE TRIGGER hold_is_settled_once;
UPDATE ledger_hold SET taken = amount WHERE state = 'posted';
ALTER TABLE ledger_hold ENABLE ALWAYS TRIGGER hold_is_settled_once;

ALTER TABLE ledger_arrival DISABLE TRIGGER arrivals_come_from_postings_only;
INSERT INTO ledger_arrival (book, kind, ids)
    SELECT book, kind, array_agg(id ORDER BY id)
    FROM (
        SELECT book, kind, id, row_number() OVER (PARTITION BY book, kind ORDER BY id) / 5000 AS part
        FROM ledger_hold, unnest(ARRAY['hold', 'settlement']) AS kind
        WHERE kind = 'hold' OR state <> 'held'
    ) h GROUP BY book, kind, part;
ALTER TABLE ledger_arrival ENABLE ALWAYS TRIGGER arrivals_come_from_postings_only;
"""

WHOLE = """
ALTER TABLE ledger_hold ADD CONSTRAINT hold_is_posted_when_all_is_taken
    CHECK ((state = 'posted') = (taken = amount));
"""

# Inside the posting trigger the depth of an UPDATE's trigger is 2. The application has no right to
# change `taken`; the depth keeps its owner from doing so by hand.
CHANGES = """
CREATE OR REPLACE FUNCTION ledger_check_hold_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    given_back text[] := '{state,settled_at,reason}';
    posted text[] := '{state,settled_at,taken}';
BEGIN
    IF OLD.state = 'held' AND NEW.state IN ('released', 'expired')
            AND to_jsonb(NEW) - given_back = to_jsonb(OLD) - given_back
        OR OLD.state = 'held' AND NEW.state IN ('held', 'posted') AND NEW.taken > OLD.taken
            AND pg_trigger_depth() > 1
            AND to_jsonb(NEW) - posted = to_jsonb(OLD) - posted
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% on % is refused: the ledger is only ever added to', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'history_is_never_changed';
END $$;
"""

# Neither reads any hold but those of its own statement: a hot account with a million live holds
# costs what an account with one does.
PROMISES = """
CREATE OR REPLACE FUNCTION ledger_place_holds() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off SET jit = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    placed record;
    free bigint;
BEGIN
    PERFORM ledger_complain((
        SELECT min(CASE WHEN h.state <> 'held' OR h.taken <> 0 THEN 'hold_is_held_when_placed '
                        WHEN a.id IS NULL THEN 'hold_has_an_account_of_its_book '
                        WHEN a.currency <> h.currency THEN 'hold_has_the_currency_of_its_account '
                        WHEN a.floor IS NULL THEN 'hold_has_a_guarded_account '
                   END || h.id)
        FROM arrived h
        LEFT JOIN LATERAL (
            SELECT id, currency, floor FROM ledger_ledgeraccount
            WHERE book = h.book AND id >= h.account_id ORDER BY id LIMIT 1
        ) a ON a.id = h.account_id
    ));
    -- The order in which postings lock guarded accounts.
    FOR placed IN
        SELECT book, account_id, sum(amount) AS amount
        FROM arrived GROUP BY book, account_id ORDER BY account_id
    LOOP
        UPDATE ledger_balance SET held = held + placed.amount
            WHERE book = placed.book AND account_id = placed.account_id
            RETURNING CASE normal_side WHEN 'D' THEN debits - credits ELSE credits - debits END
                - held + overdraft INTO free;
        IF NOT coalesce(free >= 0, false) THEN
            PERFORM ledger_complain('hold_needs_money_that_is_there ' || placed.account_id);
        END IF;
    END LOOP;
    INSERT INTO ledger_arrival (book, kind, ids)
        SELECT book, 'hold', array_agg(id) FROM arrived GROUP BY book;
    RETURN NULL;
END $$;

-- What is held moves with its holds, whether entries take it or it is given back. What entries take
-- is sealed with them.
CREATE OR REPLACE FUNCTION ledger_settle_holds() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off SET jit = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    moved record;
BEGIN
    FOR moved IN
        SELECT o.book, o.account_id, sum(
            CASE n.state WHEN 'held' THEN n.taken - o.taken ELSE o.amount - o.taken END) AS freed
        FROM was o JOIN became n USING (book, id)
        WHERE o.state = 'held'
        GROUP BY o.book, o.account_id ORDER BY o.account_id
    LOOP
        UPDATE ledger_balance SET held = held - moved.freed
            WHERE book = moved.book AND account_id = moved.account_id;
    END LOOP;
    INSERT INTO ledger_arrival (book, kind, ids)
        SELECT book, 'settlement', array_agg(id) FROM became
        WHERE state IN ('released', 'expired') GROUP BY book;
    RETURN NULL;
END $$;

CREATE TRIGGER settled_holds_give_back AFTER UPDATE ON ledger_hold
    REFERENCING OLD TABLE AS was NEW TABLE AS became
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_settle_holds();
ALTER TABLE ledger_hold ENABLE ALWAYS TRIGGER settled_holds_give_back;
"""

# As `ledger_post`: the caller's own rights, one round trip, and an answer instead of an error where
# an invariant is broken. Each takes its locks in the one order there is: balances by account, then
# holds. A hold is found and its balance locked first; the statement after that sees what the hold
# has become meanwhile. `>= … ORDER BY … LIMIT 1`: see 0009; an UPDATE is led to its row by `ctid`,
# because it knows no LIMIT.
FUNCTIONS = """
-- Before the balances the lock that a closing waits for, as everywhere: who goes on to post in the
-- same transaction would otherwise wait for it with a balance that another poster needs.
CREATE OR REPLACE FUNCTION ledger_lock_balances(accounts uuid[]) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    mine uuid := NULLIF(current_setting('tributary.tenant', true), '')::uuid;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('ledger_closing ' || mine, 0));
    PERFORM FROM ledger_balance
        WHERE book = mine AND account_id = ANY(accounts)
        ORDER BY account_id FOR NO KEY UPDATE;
END $$;

-- Null when the hold was placed. Else `broken`, or the id and content hash of the `earlier` one.
CREATE FUNCTION ledger_place(
    its_book uuid, its_id uuid, its_reference text, its_code text, its_currency text,
    its_amount bigint, its_subject uuid, its_placed_at timestamptz, its_expires_at timestamptz,
    its_hash text
) RETURNS jsonb LANGUAGE plpgsql SET search_path = public, pg_temp SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    account uuid;
    broken text;
    said text;
BEGIN
    IF its_book IS DISTINCT FROM NULLIF(current_setting('tributary.tenant', true), '')::uuid THEN
        RETURN jsonb_build_object('broken', 'book_is_open');
    END IF;
    SELECT id, CASE WHEN currency <> its_currency THEN 'hold_has_the_currency_of_its_account' END
        INTO account, broken
        FROM (
            SELECT id, code, currency FROM ledger_ledgeraccount
            WHERE book = its_book AND code >= its_code ORDER BY code LIMIT 1
        ) a WHERE code = its_code;
    IF NOT FOUND THEN
        broken := 'hold_has_an_account_of_its_book';
    END IF;
    IF broken IS NOT NULL THEN
        RETURN jsonb_build_object('broken', broken);
    END IF;
    PERFORM ledger_lock_balances('{}');
    BEGIN
        INSERT INTO ledger_hold (id, book, reference, account_id, currency, amount, subject,
            placed_at, expires_at, content_hash)
            VALUES (its_id, its_book, its_reference, account, its_currency, its_amount,
                its_subject, its_placed_at, its_expires_at, decode(its_hash, 'hex'))
            ON CONFLICT (book, reference) DO NOTHING;
        IF FOUND THEN
            RETURN NULL;
        END IF;
    EXCEPTION WHEN integrity_constraint_violation THEN
        GET STACKED DIAGNOSTICS broken = CONSTRAINT_NAME, said = MESSAGE_TEXT;
        RETURN jsonb_build_object('broken', coalesce(NULLIF(broken, ''), SQLSTATE), 'said', said);
    END;
    RETURN (
        SELECT jsonb_build_object('earlier', jsonb_build_array(id, encode(content_hash, 'hex')))
        FROM (
            SELECT id, reference, content_hash FROM ledger_hold
            WHERE book = its_book AND reference >= its_reference ORDER BY reference LIMIT 1
        ) h WHERE reference = its_reference);
END $$;

-- The state the hold has now: `released`, unless it was settled otherwise before. Null: no such hold.
CREATE FUNCTION ledger_release(
    its_book uuid, its_reference text, its_settled_at timestamptz, its_reason text
) RETURNS text LANGUAGE plpgsql SET search_path = public, pg_temp SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    its record;
BEGIN
    FOR turn IN 1 .. 2 LOOP
        SELECT * INTO its FROM (
            SELECT ctid AS place, reference, account_id, state FROM ledger_hold
            WHERE book = its_book AND reference >= its_reference ORDER BY reference LIMIT 1
        ) h WHERE reference = its_reference;
        EXIT WHEN NOT FOUND OR its.state <> 'held' OR turn = 2;
        PERFORM ledger_lock_balances(ARRAY[its.account_id]);
    END LOOP;
    IF its.state IS DISTINCT FROM 'held' THEN
        RETURN its.state;
    END IF;
    UPDATE ledger_hold SET state = 'released', settled_at = its_settled_at, reason = its_reason
        WHERE ctid = its.place;
    RETURN 'released';
END $$;

-- How many live holds were due, about `most` of them at the most. The UPDATE names the last one: no
-- other index than that of due holds has the order in which that is one.
CREATE FUNCTION ledger_expire(its_book uuid, its_settled_at timestamptz, most int) RETURNS int
LANGUAGE plpgsql SET search_path = public, pg_temp SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    due record;
    expired int;
BEGIN
    SELECT array_agg(DISTINCT account_id) AS accounts,
           (array_agg(expires_at ORDER BY expires_at DESC, id DESC))[1] AS last_at,
           (array_agg(id ORDER BY expires_at DESC, id DESC))[1] AS last_id
        INTO due
        FROM (
            SELECT id, account_id, expires_at FROM ledger_hold
            WHERE book = its_book AND state = 'held' AND expires_at <= its_settled_at
            ORDER BY expires_at, id LIMIT most
        ) first;
    PERFORM ledger_lock_balances(due.accounts);
    UPDATE ledger_hold SET state = 'expired', settled_at = its_settled_at
        WHERE book = its_book AND state = 'held' AND expires_at <= due.last_at
          AND (expires_at, id) <= (due.last_at, due.last_id) AND account_id = ANY (due.accounts);
    GET DIAGNOSTICS expired = ROW_COUNT;
    RETURN expired;
END $$;
"""

_SIGNATURES = (
    "ledger_place(uuid, uuid, text, text, text, bigint, uuid, timestamptz, timestamptz, text)",
    "ledger_release(uuid, text, timestamptz, text)",
    "ledger_expire(uuid, timestamptz, int)",
)
GRANTS = "".join(
    f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC;"
    f"GRANT EXECUTE ON FUNCTION {signature} TO tributary_app;"
    for signature in _SIGNATURES
)


class Migration(migrations.Migration):
    dependencies = [("ledger", "0013_lineage")]

    operations = [
        migrations.RunSQL(sql)
        for sql in (COLUMNS, OLD_HOLDS, WHOLE, CHANGES, PROMISES, FUNCTIONS, GRANTS)
    ]
