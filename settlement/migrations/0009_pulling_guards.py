"""What PostgreSQL holds of fetching: isolation, hooks that never change, and rate limits."""

from django.db import migrations

GUARDS = """
SELECT tributary_isolate('settlement_pullday', 'SELECT, INSERT, UPDATE', 'SELECT');
SELECT tributary_isolate('settlement_hook',
    'SELECT, INSERT, UPDATE (state, error_reason, handled_at, attempts, lease_until, lease_token)',
    'SELECT');
ALTER TABLE settlement_pullday ADD CONSTRAINT day_and_link_share_the_merchant
    FOREIGN KEY (merchant_id, link_id) REFERENCES accounts_storelink (merchant_id, id);
ALTER TABLE settlement_hook ADD CONSTRAINT hook_and_link_share_the_merchant
    FOREIGN KEY (merchant_id, link_id) REFERENCES accounts_storelink (merchant_id, id);
ALTER TABLE settlement_pullday ADD CONSTRAINT complete_day_was_asked_for
    CHECK (state <> 'complete' OR (completed_at IS NOT NULL AND asked_at IS NOT NULL));

CREATE TRIGGER hook_never_vanishes BEFORE DELETE OR TRUNCATE ON settlement_hook
    FOR EACH STATEMENT EXECUTE FUNCTION settlement_refuse();
CREATE TRIGGER hook_stays_as_it_came
    BEFORE UPDATE OF id, merchant_id, link_id, delivery_id, headers, body, url, received_at
    ON settlement_hook FOR EACH STATEMENT EXECUTE FUNCTION settlement_refuse();
"""

# One row a limit, in the manner of a leaky bucket (GCRA): `free_at` is when all that was asked for
# will have leaked away. What would have to wait longer than `most` seconds takes no place.
RATES = """
CREATE TABLE settlement_rate (
    bucket text PRIMARY KEY,
    free_at timestamptz NOT NULL
);
GRANT SELECT ON settlement_rate TO tributary_ops;

CREATE FUNCTION settlement_take_place(its_bucket text, calls int, seconds float8, most float8)
RETURNS float8 LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    each_takes interval := make_interval(secs => seconds / calls);
    at timestamptz;
    free timestamptz;
    wait float8;
BEGIN
    INSERT INTO settlement_rate VALUES (its_bucket, '-infinity') ON CONFLICT DO NOTHING;
    SELECT free_at INTO free FROM settlement_rate WHERE bucket = its_bucket FOR UPDATE;
    -- Read once the row is ours: whoever waited for it must not count from before.
    at := clock_timestamp();
    free := greatest(free, at) + each_takes;
    wait := greatest(0, extract(epoch FROM free - make_interval(secs => seconds) - at));
    IF wait <= most THEN
        UPDATE settlement_rate SET free_at = free WHERE bucket = its_bucket;
    END IF;
    RETURN wait;
END $$;
REVOKE ALL ON FUNCTION settlement_take_place(text, int, float8, float8) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION settlement_take_place(text, int, float8, float8) TO tributary_app;
"""


class Migration(migrations.Migration):
    dependencies = [("settlement", "0008_pulling"), ("accounts", "0008_permission_guards")]

    operations = [migrations.RunSQL(sql) for sql in (GUARDS, RATES)]
