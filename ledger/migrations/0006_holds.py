"""Holds: promises to take money out of a guarded account, until they are posted or released.

What has happened may overdraw an account down to its floor. A hold is a promise, and needs money
that is there: placing one leaves what is available at zero or above, however low the floor is.
"""

from django.db import migrations, models

HOLDS = """
CREATE TABLE ledger_hold (
    id uuid NOT NULL,
    book uuid NOT NULL,
    account_id uuid NOT NULL,
    subject uuid,
    entry_id uuid,
    amount bigint NOT NULL,
    placed_at timestamptz NOT NULL,
    expires_at timestamptz,
    settled_at timestamptz,
    currency char(3) NOT NULL,
    content_hash bytea NOT NULL,
    reference text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL DEFAULT 'held',
    reason text NOT NULL DEFAULT '',
    CONSTRAINT ledger_hold_key PRIMARY KEY (book, id),
    CONSTRAINT one_hold_per_reference UNIQUE (book, reference),
    -- Two holds posted by one entry would have promised twice what was taken once.
    CONSTRAINT one_hold_per_entry UNIQUE (book, entry_id),
    CONSTRAINT hold_reference_is_not_empty CHECK (length(reference) BETWEEN 1 AND 200),
    CONSTRAINT hold_amount_is_positive CHECK (amount > 0),
    CONSTRAINT hold_amount_is_below_a_quadrillion CHECK (amount < 1000000000000000),
    CONSTRAINT hold_content_hash_is_sha256 CHECK (octet_length(content_hash) = 32),
    CONSTRAINT hold_is_held_posted_or_released CHECK (state IN ('held', 'posted', 'released')),
    CONSTRAINT hold_is_settled_at_an_instant CHECK ((state = 'held') = (settled_at IS NULL)),
    CONSTRAINT hold_has_an_entry_only_if_posted CHECK (entry_id IS NULL OR state = 'posted'),
    CONSTRAINT hold_reason_is_not_endless CHECK (length(reason) <= 2000)
);
CREATE INDEX ledger_hold_live ON ledger_hold (book, account_id) WHERE state = 'held';
"""

PERMANENCE = """
-- A live hold is settled once. One that was settled as posted is then told its entry, once: the
-- entry can be written only when the hold no longer keeps the money from it.
CREATE FUNCTION ledger_check_hold_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    settling text[] := '{state,settled_at,entry_id,reason}';
    linking text[] := '{entry_id}';
BEGIN
    IF to_jsonb(NEW) - settling = to_jsonb(OLD) - settling
            AND OLD.state = 'held' AND NEW.state <> 'held'
        OR to_jsonb(NEW) - linking = to_jsonb(OLD) - linking
            AND OLD.state = 'posted' AND OLD.entry_id IS NULL AND NEW.entry_id IS NOT NULL
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% on % is refused: the ledger is only ever added to', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'history_is_never_changed';
END $$;

CREATE TRIGGER hold_is_settled_once BEFORE UPDATE ON ledger_hold
    FOR EACH ROW EXECUTE FUNCTION ledger_check_hold_change();
CREATE TRIGGER holds_never_vanish BEFORE DELETE OR TRUNCATE ON ledger_hold
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
ALTER TABLE ledger_hold ENABLE ALWAYS TRIGGER hold_is_settled_once;
ALTER TABLE ledger_hold ENABLE ALWAYS TRIGGER holds_never_vanish;
"""

# No foreign keys, as with postings: the triggers look, and nothing they found can vanish.
PROMISES = """
CREATE FUNCTION ledger_place_holds() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off SET jit = off AS $$
DECLARE
    placed record;
    free bigint;
BEGIN
    PERFORM ledger_complain((
        SELECT min(CASE WHEN h.state <> 'held' THEN 'hold_is_held_when_placed '
                        WHEN a.id IS NULL THEN 'hold_has_an_account_of_its_book '
                        WHEN a.currency <> h.currency THEN 'hold_has_the_currency_of_its_account '
                        WHEN a.floor IS NULL THEN 'hold_has_a_guarded_account '
                   END || h.id)
        FROM arrived h
        LEFT JOIN LATERAL (
            SELECT id, currency, floor FROM ledger_ledgeraccount
            WHERE book = h.book AND id = h.account_id LIMIT 1
        ) a ON true
    ));
    -- The order in which postings lock guarded accounts.
    FOR placed IN
        SELECT book, account_id, sum(amount) AS amount
        FROM arrived GROUP BY book, account_id ORDER BY account_id
    LOOP
        UPDATE ledger_balance SET held = held + placed.amount
            WHERE book = placed.book AND account_id = placed.account_id
            RETURNING CASE normal_side WHEN 'D' THEN debits - credits ELSE credits - debits END
                - held INTO free;
        IF NOT coalesce(free >= 0, false) THEN
            PERFORM ledger_complain('hold_needs_money_that_is_there ' || placed.account_id);
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION ledger_place_holds() FROM PUBLIC;

CREATE FUNCTION ledger_settle_holds() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off SET jit = off AS $$
DECLARE
    settled record;
BEGIN
    FOR settled IN
        SELECT o.book, o.account_id, sum(o.amount) AS amount
        FROM was o JOIN became n USING (book, id)
        WHERE o.state = 'held' AND n.state <> 'held'
        GROUP BY o.book, o.account_id ORDER BY o.account_id
    LOOP
        UPDATE ledger_balance SET held = held - settled.amount
            WHERE book = settled.book AND account_id = settled.account_id;
    END LOOP;
    PERFORM ledger_complain((
        SELECT min('posted_hold_took_what_was_held ' || h.id)
        FROM became h
        LEFT JOIN LATERAL (
            SELECT sum(CASE p.side WHEN a.normal_side THEN -p.amount ELSE p.amount END) AS amount
            FROM ledger_journalentry e
            JOIN ledger_posting p
              ON p.book = e.book AND p.entry_id = e.id AND p.known_at = e.known_at
            JOIN ledger_ledgeraccount a ON a.book = p.book AND a.id = p.account_id
            WHERE e.book = h.book AND e.id = h.entry_id AND p.account_id = h.account_id
        ) taken ON true
        WHERE h.entry_id IS NOT NULL AND taken.amount IS DISTINCT FROM h.amount
    ));
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION ledger_settle_holds() FROM PUBLIC;

CREATE TRIGGER holds_need_money_that_is_there AFTER INSERT ON ledger_hold
    REFERENCING NEW TABLE AS arrived
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_place_holds();
CREATE TRIGGER settled_holds_give_back AFTER UPDATE ON ledger_hold
    REFERENCING OLD TABLE AS was NEW TABLE AS became
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_settle_holds();
ALTER TABLE ledger_hold ENABLE ALWAYS TRIGGER holds_need_money_that_is_there;
ALTER TABLE ledger_hold ENABLE ALWAYS TRIGGER settled_holds_give_back;

-- With the transaction's end at the latest, every posted hold has its entry.
CREATE FUNCTION ledger_check_posted_hold() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM ledger_complain('posted_hold_has_its_entry ' || id) FROM ledger_hold
        WHERE book = NEW.book AND id = NEW.id AND state = 'posted' AND entry_id IS NULL;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION ledger_check_posted_hold() FROM PUBLIC;

CREATE CONSTRAINT TRIGGER posted_hold_has_its_entry AFTER UPDATE ON ledger_hold
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.state = 'posted' AND NEW.entry_id IS NULL)
    EXECUTE FUNCTION ledger_check_posted_hold();
ALTER TABLE ledger_hold ENABLE ALWAYS TRIGGER posted_hold_has_its_entry;
"""

LOCKS = """
-- Whoever settles a hold and posts goes through two statements, and takes every lock it will need
-- before the first, in the one order there is. Locks only what the transaction's book has.
CREATE FUNCTION ledger_lock_balances(accounts uuid[]) RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM FROM ledger_balance
        WHERE book = NULLIF(current_setting('tributary.tenant', true), '')::uuid
          AND account_id = ANY(accounts)
        ORDER BY account_id FOR NO KEY UPDATE;
END $$;
REVOKE ALL ON FUNCTION ledger_lock_balances(uuid[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_lock_balances(uuid[]) TO tributary_app;
"""

ISOLATION = """
ALTER TABLE ledger_hold ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_hold FORCE ROW LEVEL SECURITY;
CREATE POLICY only_the_open_book ON ledger_hold TO tributary_app
    USING (book = NULLIF(current_setting('tributary.tenant', true), '')::uuid)
    WITH CHECK (book = NULLIF(current_setting('tributary.tenant', true), '')::uuid);
CREATE POLICY operator_reads_all ON ledger_hold FOR SELECT TO tributary_ops USING (true);
CREATE POLICY checks_read_all ON ledger_hold FOR SELECT TO CURRENT_USER USING (true);

GRANT SELECT, INSERT, UPDATE (state, settled_at, entry_id, reason) ON ledger_hold TO tributary_app;
GRANT SELECT ON ledger_hold TO tributary_ops;
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0005_models")]

    operations = [
        *[migrations.RunSQL(sql) for sql in (HOLDS, PERMANENCE, PROMISES, LOCKS, ISOLATION)],
        migrations.CreateModel(
            name='Hold',
            fields=[
                ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ('book', models.UUIDField(verbose_name='book')),
                ('reference', models.TextField(verbose_name='reference')),
                ('currency', models.CharField(max_length=3, verbose_name='currency')),
                ('amount', models.BigIntegerField(verbose_name='amount')),
                ('subject', models.UUIDField(null=True, verbose_name='subject')),
                ('state', models.TextField(choices=[('held', 'held'), ('posted', 'posted'), ('released', 'released')], verbose_name='state')),
                ('placed_at', models.DateTimeField(verbose_name='placed at')),
                ('expires_at', models.DateTimeField(null=True, verbose_name='expires at')),
                ('settled_at', models.DateTimeField(null=True, verbose_name='settled at')),
                ('reason', models.TextField(verbose_name='reason')),
                ('content_hash', models.BinaryField(max_length=32, verbose_name='content hash')),
            ],
            options={
                'verbose_name': 'hold',
                'verbose_name_plural': 'holds',
                'ordering': ['-id'],
                'managed': False,
                'default_permissions': ['view'],
            },
        ),
    ]
