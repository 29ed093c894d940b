"""Seals: what arrived is hashed, chained and folded in one step; anchors say what left the database.

`canonical` text is as in ledger/drafts.py: each field as its length in characters, a colon and its
text; an absent one is a dash. docs/ledger.md has it field by field, with an example.
"""

import django.contrib.postgres.fields
from django.db import migrations, models

SEALS = """
CREATE TABLE ledger_seal (
    book uuid NOT NULL,
    number bigint NOT NULL,
    sealed_at timestamptz NOT NULL,
    kinds text[] COLLATE "C" NOT NULL,
    ids uuid[] NOT NULL,
    digests bytea[] NOT NULL,
    previous bytea NOT NULL,
    head bytea NOT NULL,
    -- For those who address a row by one column.
    id uuid NOT NULL GENERATED ALWAYS AS (encode(substring(head, 1, 16), 'hex')::uuid) STORED,
    CONSTRAINT ledger_seal_key PRIMARY KEY (book, number),
    CONSTRAINT every_seal_has_one_successor UNIQUE (book, previous),
    CONSTRAINT seal_numbers_begin_at_one CHECK (number >= 1),
    CONSTRAINT seal_heads_are_sha256 CHECK (
        octet_length(previous) = 32 AND octet_length(head) = 32),
    CONSTRAINT seal_has_a_digest_for_every_record CHECK (
        cardinality(ids) >= 1 AND cardinality(kinds) = cardinality(ids)
            AND cardinality(digests) = cardinality(ids)
            AND array_position(ids, NULL) IS NULL AND array_position(kinds, NULL) IS NULL
            AND array_position(digests, NULL) IS NULL)
);
-- Hashes do not compress; trying to costs time.
ALTER TABLE ledger_seal ALTER ids SET STORAGE EXTERNAL, ALTER digests SET STORAGE EXTERNAL;

-- When an arrival came, to see that sealing keeps up.
ALTER TABLE ledger_arrival
    ADD COLUMN arrived_at timestamptz NOT NULL DEFAULT clock_timestamp();
"""

# Written after the head has left: a crash in between exports it once more.
ANCHORS = """
CREATE TABLE ledger_anchor (
    book uuid NOT NULL,
    number bigint NOT NULL,
    exported_at timestamptz NOT NULL,
    signature bytea NOT NULL,
    place text NOT NULL,
    CONSTRAINT ledger_anchor_key PRIMARY KEY (book, number),
    CONSTRAINT anchor_has_its_seal FOREIGN KEY (book, number) REFERENCES ledger_seal (book, number),
    CONSTRAINT anchor_signature_is_ed25519 CHECK (octet_length(signature) = 64),
    CONSTRAINT anchor_names_a_place CHECK (length(place) BETWEEN 1 AND 1000)
);
"""

GUARDS = """
CREATE TRIGGER seal_never_changes BEFORE UPDATE OR DELETE ON ledger_seal
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER seals_never_vanish BEFORE TRUNCATE ON ledger_seal
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER anchor_never_changes BEFORE UPDATE OR DELETE ON ledger_anchor
    FOR EACH ROW EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER anchors_never_vanish BEFORE TRUNCATE ON ledger_anchor
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
ALTER TABLE ledger_seal ENABLE ALWAYS TRIGGER seal_never_changes;
ALTER TABLE ledger_seal ENABLE ALWAYS TRIGGER seals_never_vanish;
ALTER TABLE ledger_anchor ENABLE ALWAYS TRIGGER anchor_never_changes;
ALTER TABLE ledger_anchor ENABLE ALWAYS TRIGGER anchors_never_vanish;
"""


def _fields(*expressions):
    return " || ".join(f"coalesce(length({e}) || ':' || {e}, '-')" for e in expressions)


def _instant(column):
    return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')"""


_ACCOUNT = _fields(
    "'account'", "a.id::text", "a.code", "a.currency::text", "a.normal_side::text",
    "a.floor::text", "a.overdraft::text", _instant("a.opened_at"),
)
_CLOSING = _fields(
    "'closing'", "c.id::text", "c.number::text", "c.action", "to_char(c.through, 'YYYY-MM-DD')",
    "c.closed_by", "c.approved_by", "c.reason", _instant("c.closed_at"),
    "encode(c.digest, 'hex')",
)
# Of these there are many: fields of a length that never changes are written out.
_ENTRY = f"""'5:entry36:' || e.id || '26:' || {_instant("e.known_at")}
                    || '64:' || encode(e.content_hash, 'hex')"""
_HOLD = f"""'4:hold36:' || h.id || '26:' || {_instant("h.placed_at")}
                    || '64:' || encode(h.content_hash, 'hex')"""
_SETTLEMENT = _fields(
    "'settlement'", "h.id::text", "h.state", _instant("h.settled_at"), "h.reason",
    "h.taken::text", "h.posted_by::text",
)

# One sealer per book at a time. Arrivals are taken as they are found: whatever order transactions
# commit in, each stays until some call has sealed it. What is taken is whole arrivals, so a call
# may seal more than `most` records; a seal has at most 10,000.
#
# `near` reads the entries of a seal in one go, because those that arrive together lie together; the
# few that lie elsewhere are looked up one by one. The plan is made once and must join by hashing;
# the setting ends with the function, and must not reach the trigger that folds.
SEALING = f"""
CREATE FUNCTION ledger_seal_arrivals(its_book uuid, its_now timestamptz, most int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off
SET enable_nestloop = on SET jit = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    size CONSTANT int := 10000;
    places tid[];
    gone bigint;
    arrived record;
    all_kinds text[] := '{{}}';
    all_ids uuid[] := '{{}}';
    its_kinds text[];
    its_ids uuid[];
    its_digests bytea[];
    entries uuid[];
    its_number bigint;
    its_previous bytea;
    its_head bytea;
    records text;
    lost text;
BEGIN
    IF its_book IS DISTINCT FROM NULLIF(current_setting('tributary.tenant', true), '')::uuid THEN
        RETURN NULL;
    ELSIF most IS NULL OR most < 1 THEN
        RAISE EXCEPTION 'at least one record, not %', most
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('ledger_seal ' || its_book, 0));

    SELECT array_agg(found.ctid) INTO places FROM (
        SELECT a.ctid, sum(cardinality(a.ids)) OVER (ROWS UNBOUNDED PRECEDING)
            - cardinality(a.ids) AS before
        FROM (SELECT ctid, ids FROM ledger_arrival WHERE book = its_book LIMIT most) a
    ) found WHERE found.before < most;
    IF places IS NULL THEN
        RETURN 0;
    END IF;
    FOR arrived IN
        SELECT a.kind, array_agg(u.id ORDER BY u.id) AS ids
        FROM ledger_arrival a, unnest(a.ids) AS u (id)
        WHERE a.ctid = ANY (places) GROUP BY a.kind ORDER BY a.kind
    LOOP
        all_kinds := all_kinds || array_fill(arrived.kind, ARRAY[cardinality(arrived.ids)]);
        all_ids := all_ids || arrived.ids;
    END LOOP;
    -- The statement's own trigger folds what it takes.
    DELETE FROM ledger_arrival WHERE ctid = ANY (places);
    GET DIAGNOSTICS gone = ROW_COUNT;
    IF gone <> cardinality(places) THEN
        RAISE EXCEPTION 'arrivals of % were taken away by somebody else', its_book
            USING ERRCODE = 'serialization_failure';
    END IF;

    PERFORM set_config('enable_nestloop', 'off', true);
    SELECT number, head INTO its_number, its_previous FROM ledger_seal
        WHERE book = its_book ORDER BY number DESC LIMIT 1;
    its_number := coalesce(its_number, 0);
    its_previous := coalesce(its_previous, decode(repeat('00', 32), 'hex'));
    FOR done IN 0 .. cardinality(all_ids) - 1 BY size LOOP
        its_kinds := all_kinds[done + 1 : done + size];
        its_ids := all_ids[done + 1 : done + size];
        entries := its_ids[array_position(its_kinds, 'entry') :
            coalesce(array_position(its_kinds, 'hold'),
                     array_position(its_kinds, 'settlement'), size + 1) - 1];
        WITH near AS MATERIALIZED (
            SELECT id, known_at, content_hash FROM ledger_journalentry
            WHERE book = its_book AND id >= entries[1 + cardinality(entries) / 50]
            ORDER BY id LIMIT cardinality(entries) * 5 / 4 + 10
        )
        SELECT array_agg(d.digest ORDER BY d.n),
               string_agg(length(d.kind) || ':' || d.kind || '36:' || d.id || '64:'
                   || encode(d.digest, 'hex'), '' ORDER BY d.n),
               min('arrival_has_its_record ' || d.id) FILTER (WHERE d.digest IS NULL)
            INTO its_digests, records, lost
            FROM (
                SELECT r.kind, r.id, r.n, sha256(convert_to(CASE
                WHEN r.kind = 'entry' AND e.id IS NOT NULL THEN {_ENTRY}
                WHEN r.kind = 'entry' THEN (
                    SELECT {_ENTRY}
                    FROM (SELECT id, known_at, content_hash FROM ledger_journalentry
                          WHERE book = its_book AND id >= r.id ORDER BY id LIMIT 1) e
                    WHERE e.id = r.id)
                WHEN r.kind = 'hold' THEN (
                    SELECT {_HOLD}
                    FROM (SELECT id, placed_at, content_hash FROM ledger_hold
                          WHERE book = its_book AND id >= r.id ORDER BY id LIMIT 1) h
                    WHERE h.id = r.id)
                WHEN r.kind = 'settlement' THEN (
                    SELECT {_SETTLEMENT}
                    FROM (SELECT * FROM ledger_hold
                          WHERE book = its_book AND id >= r.id ORDER BY id LIMIT 1) h
                    WHERE h.id = r.id AND h.state <> 'held')
                WHEN r.kind = 'account' THEN (
                    SELECT {_ACCOUNT}
                    FROM (SELECT * FROM ledger_ledgeraccount
                          WHERE book = its_book AND id >= r.id ORDER BY id LIMIT 1) a
                    WHERE a.id = r.id)
                WHEN r.kind = 'closing' THEN (
                    SELECT {_CLOSING}
                    FROM ledger_closing c
                    WHERE c.book = its_book AND c.id = r.id)
                END, 'UTF8')) AS digest
                FROM unnest(its_kinds, its_ids) WITH ORDINALITY AS r (kind, id, n)
                LEFT JOIN near e ON e.id = r.id
                OFFSET 0
            ) d;
        PERFORM ledger_complain(lost);
        its_number := its_number + 1;
        its_head := sha256(convert_to(
            {_fields("'seal-1'", "its_book::text", "its_number::text", _instant("its_now"),
                     "encode(its_previous, 'hex')", "cardinality(its_ids)::text")}
            || records, 'UTF8'));
        INSERT INTO ledger_seal (book, number, sealed_at, kinds, ids, digests, previous, head)
            VALUES (its_book, its_number, its_now, its_kinds, its_ids, its_digests, its_previous,
                its_head);
        its_previous := its_head;
    END LOOP;
    RETURN cardinality(all_ids);
END $$;
REVOKE ALL ON FUNCTION ledger_seal_arrivals(uuid, timestamptz, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_seal_arrivals(uuid, timestamptz, int) TO tributary_app;
"""

ISOLATION = """
DO $$
DECLARE
    name text;
    mine text := $q$book = NULLIF(current_setting('tributary.tenant', true), '')::uuid$q$;
BEGIN
    FOREACH name IN ARRAY ARRAY['ledger_seal', 'ledger_anchor'] LOOP
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
CREATE POLICY sealer_writes_seals ON ledger_seal FOR INSERT TO CURRENT_USER WITH CHECK (true);

GRANT SELECT ON ledger_seal TO tributary_app, tributary_ops;
GRANT SELECT, INSERT ON ledger_anchor TO tributary_app;
GRANT SELECT ON ledger_anchor TO tributary_ops;
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0015_periods")]

    operations = [
        *[migrations.RunSQL(sql) for sql in (SEALS, ANCHORS, GUARDS, SEALING, ISOLATION)],
        migrations.CreateModel(
            name='Seal',
            fields=[
                ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ('book', models.UUIDField(verbose_name='book')),
                ('number', models.BigIntegerField(verbose_name='number')),
                ('sealed_at', models.DateTimeField(verbose_name='sealed at')),
                ('kinds', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None, verbose_name='kinds')),
                ('ids', django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), size=None, verbose_name='records')),
                ('digests', django.contrib.postgres.fields.ArrayField(base_field=models.BinaryField(), size=None, verbose_name='digests')),
                ('previous', models.BinaryField(max_length=32, verbose_name='previous head')),
                ('head', models.BinaryField(max_length=32, verbose_name='head')),
            ],
            options={
                'verbose_name': 'seal',
                'verbose_name_plural': 'seals',
                'ordering': ['book', '-number'],
                'managed': False,
                'default_permissions': ['view'],
            },
        ),
        migrations.CreateModel(
            name='Anchor',
            fields=[
                ('pk', models.CompositePrimaryKey('book', 'number', blank=True, editable=False, primary_key=True, serialize=False)),
                ('book', models.UUIDField(verbose_name='book')),
                ('number', models.BigIntegerField(verbose_name='number')),
                ('exported_at', models.DateTimeField(verbose_name='exported at')),
                ('signature', models.BinaryField(max_length=64, verbose_name='signature')),
                ('place', models.TextField(verbose_name='place')),
            ],
            options={
                'verbose_name': 'anchor',
                'verbose_name_plural': 'anchors',
                'ordering': ['book', '-number'],
                'managed': False,
                'default_permissions': ['view'],
            },
        ),
    ]
