"""Partitioned lines, their keys, tenant isolation and the constraints Django cannot state."""

from django.db import migrations

LINES = """
CREATE TABLE settlement_line (
    merchant_id uuid NOT NULL,
    document_id uuid NOT NULL,
    id uuid NOT NULL,
    known_at timestamptz NOT NULL,
    store_id uuid NOT NULL,
    "row" integer NOT NULL,
    version smallint NOT NULL,
    external_id text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    amount numeric(24, 8) NOT NULL,
    amount_currency varchar(3) NOT NULL,
    event_at timestamptz NOT NULL,
    order_ref text NOT NULL,
    payout_ref text NOT NULL,
    remittance text NOT NULL,
    label text NOT NULL,
    books boolean NOT NULL,
    live boolean NOT NULL,
    CONSTRAINT line_is_stored_once PRIMARY KEY (merchant_id, document_id, id, known_at),
    CONSTRAINT line_amount_is_a_number CHECK (amount <> 'NaN'),
    CONSTRAINT line_version_counts_from_one CHECK (version >= 1)
) PARTITION BY RANGE (known_at);
CREATE INDEX line_by_payout ON settlement_line (merchant_id, store_id, payout_ref)
    WHERE payout_ref <> '';
CREATE INDEX line_by_time ON settlement_line USING brin (event_at);

-- The live version of every line, whatever document it came from: a line is known, restated
-- or new by this key, across partitions. An empty fingerprint: its document was withdrawn.
CREATE TABLE settlement_linekey (
    merchant_id uuid NOT NULL,
    store_id uuid NOT NULL,
    external_id text COLLATE "C" NOT NULL,
    version smallint NOT NULL,
    fingerprint uuid,
    document_id uuid NOT NULL,
    known_at timestamptz NOT NULL,
    line_id uuid NOT NULL,
    CONSTRAINT line_is_known_once PRIMARY KEY (merchant_id, store_id, external_id)
);

-- Foreign keys of half a million rows in one look: all rows of a document share its parents.
CREATE FUNCTION settlement_line_has_its_parents() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (
            SELECT DISTINCT merchant_id, document_id, known_at, store_id FROM added
        ) a
        WHERE NOT EXISTS (
            SELECT FROM settlement_sourcedocument d
            WHERE d.id = a.document_id AND d.merchant_id = a.merchant_id
              AND d.known_at = a.known_at AND d.store_id = a.store_id
        )
    ) THEN
        RAISE EXCEPTION 'a settlement line names a document or store that is not its own'
            USING ERRCODE = 'foreign_key_violation',
                  CONSTRAINT = 'line_has_its_document_and_store';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER line_has_its_document_and_store AFTER INSERT ON settlement_line
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION settlement_line_has_its_parents();

CREATE FUNCTION settlement_ensure_partitions(from_day date, months integer)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    first_day date := date_trunc('month', from_day);
    next_day date;
    name text;
BEGIN
    IF months NOT BETWEEN 1 AND 36 THEN
        RAISE EXCEPTION 'between 1 and 36 months of partitions, not %', months;
    END IF;
    FOR i IN 1..months LOOP
        next_day := first_day + interval '1 month';
        name := 'settlement_line_' || to_char(first_day, 'YYYYMM');
        IF to_regclass(name) IS NULL THEN
            PERFORM pg_advisory_xact_lock(hashtext('settlement_ensure_partitions'));
            IF to_regclass(name) IS NULL THEN
                EXECUTE format(
                    'CREATE TABLE %I PARTITION OF settlement_line FOR VALUES FROM (%L) TO (%L)',
                    name, first_day::timestamp AT TIME ZONE 'UTC',
                    next_day::timestamp AT TIME ZONE 'UTC');
            END IF;
        END IF;
        first_day := next_day;
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION settlement_ensure_partitions(date, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION settlement_ensure_partitions(date, integer) TO tributary_app;
SELECT settlement_ensure_partitions((now() - interval '1 month')::date, 5);
"""

# What a document said never changes: of such rows only their fate may be updated.
ISOLATION = """
SELECT tributary_isolate('settlement_sourcedocument', 'SELECT, INSERT, UPDATE', 'SELECT');
SELECT tributary_isolate('settlement_line', 'SELECT, INSERT, UPDATE (live)', 'SELECT');
SELECT tributary_isolate('settlement_linekey', 'SELECT, INSERT, UPDATE', 'SELECT');
SELECT tributary_isolate('settlement_walletstatement', 'SELECT, INSERT, UPDATE (live)', 'SELECT');
SELECT tributary_isolate('settlement_payout',
    'SELECT, INSERT, UPDATE (live, state, arrives_on, arrived_on, derived)', 'SELECT');
SELECT tributary_isolate('settlement_bankstatement', 'SELECT, INSERT, UPDATE (live)', 'SELECT');
SELECT tributary_isolate('settlement_bankline', 'SELECT, INSERT, UPDATE (live)', 'SELECT');
SELECT tributary_isolate('settlement_match',
    'SELECT, INSERT, UPDATE (state, revoked_at)', 'SELECT');
SELECT tributary_isolate('settlement_matchitem', 'SELECT, INSERT, UPDATE (live)', 'SELECT');
SELECT tributary_isolate('settlement_reconexception', 'SELECT, INSERT, UPDATE', 'SELECT');
SELECT tributary_isolate('settlement_reconrun', 'SELECT, INSERT, UPDATE', 'SELECT');
"""

TOGETHER = """
ALTER TABLE settlement_sourcedocument
    ADD CONSTRAINT document_key_with_merchant UNIQUE (merchant_id, id),
    ADD CONSTRAINT document_and_store_share_the_merchant
        FOREIGN KEY (merchant_id, store_id) REFERENCES accounts_store (merchant_id, id),
    ADD CONSTRAINT document_progress_is_within_its_size
        CHECK (bytes_read >= 0 AND size >= 0);
ALTER TABLE settlement_payout
    ADD CONSTRAINT payout_key_with_merchant UNIQUE (merchant_id, id),
    ADD CONSTRAINT payout_amount_is_a_number CHECK (amount <> 'NaN'),
    ADD CONSTRAINT payout_and_store_share_the_merchant
        FOREIGN KEY (merchant_id, store_id) REFERENCES accounts_store (merchant_id, id),
    ADD CONSTRAINT payout_and_document_share_the_merchant
        FOREIGN KEY (merchant_id, document_id) REFERENCES settlement_sourcedocument (merchant_id, id);
ALTER TABLE settlement_walletstatement
    ADD CONSTRAINT wallet_balances_are_numbers CHECK (opening <> 'NaN' AND closing <> 'NaN'),
    ADD CONSTRAINT wallet_and_store_share_the_merchant
        FOREIGN KEY (merchant_id, store_id) REFERENCES accounts_store (merchant_id, id),
    ADD CONSTRAINT wallet_and_document_share_the_merchant
        FOREIGN KEY (merchant_id, document_id)
        REFERENCES settlement_sourcedocument (merchant_id, id);
ALTER TABLE settlement_bankstatement
    ADD CONSTRAINT statement_key_with_merchant UNIQUE (merchant_id, id),
    ADD CONSTRAINT statement_balances_are_numbers CHECK (opening <> 'NaN' AND closing <> 'NaN'),
    ADD CONSTRAINT statement_and_bank_account_share_the_merchant
        FOREIGN KEY (merchant_id, bank_account_id) REFERENCES accounts_bankaccount (merchant_id, id),
    ADD CONSTRAINT statement_and_document_share_the_merchant
        FOREIGN KEY (merchant_id, document_id) REFERENCES settlement_sourcedocument (merchant_id, id);
ALTER TABLE settlement_bankline
    ADD CONSTRAINT bank_line_key_with_merchant UNIQUE (merchant_id, id),
    ADD CONSTRAINT bank_line_amount_is_a_number CHECK (amount <> 'NaN'),
    ADD CONSTRAINT bank_line_and_statement_share_the_merchant
        FOREIGN KEY (merchant_id, statement_id) REFERENCES settlement_bankstatement (merchant_id, id),
    ADD CONSTRAINT bank_line_and_document_share_the_merchant
        FOREIGN KEY (merchant_id, document_id)
        REFERENCES settlement_sourcedocument (merchant_id, id),
    ADD CONSTRAINT bank_line_and_account_share_the_merchant
        FOREIGN KEY (merchant_id, bank_account_id) REFERENCES accounts_bankaccount (merchant_id, id);
ALTER TABLE settlement_match
    ADD CONSTRAINT match_key_with_merchant UNIQUE (merchant_id, id),
    ADD CONSTRAINT match_and_account_share_the_merchant
        FOREIGN KEY (merchant_id, settlement_account_id)
        REFERENCES accounts_settlementaccount (merchant_id, id);
ALTER TABLE settlement_matchitem
    ADD CONSTRAINT item_and_match_share_the_merchant
        FOREIGN KEY (merchant_id, match_id) REFERENCES settlement_match (merchant_id, id),
    ADD CONSTRAINT item_and_payout_share_the_merchant
        FOREIGN KEY (merchant_id, payout_id) REFERENCES settlement_payout (merchant_id, id),
    ADD CONSTRAINT item_and_bank_line_share_the_merchant
        FOREIGN KEY (merchant_id, bank_line_id) REFERENCES settlement_bankline (merchant_id, id);
ALTER TABLE settlement_reconexception
    ADD CONSTRAINT exception_and_account_share_the_merchant
        FOREIGN KEY (merchant_id, settlement_account_id)
        REFERENCES accounts_settlementaccount (merchant_id, id),
    ADD CONSTRAINT exception_difference_is_a_number CHECK (difference <> 'NaN'),
    ADD CONSTRAINT exception_and_payout_share_the_merchant
        FOREIGN KEY (merchant_id, payout_id) REFERENCES settlement_payout (merchant_id, id),
    ADD CONSTRAINT exception_and_bank_line_share_the_merchant
        FOREIGN KEY (merchant_id, bank_line_id) REFERENCES settlement_bankline (merchant_id, id),
    ADD CONSTRAINT exception_and_statement_share_the_merchant
        FOREIGN KEY (merchant_id, statement_id)
        REFERENCES settlement_bankstatement (merchant_id, id),
    ADD CONSTRAINT exception_and_document_share_the_merchant
        FOREIGN KEY (merchant_id, document_id)
        REFERENCES settlement_sourcedocument (merchant_id, id);
ALTER TABLE settlement_reconrun
    ADD CONSTRAINT run_and_account_share_the_merchant
        FOREIGN KEY (merchant_id, settlement_account_id)
        REFERENCES accounts_settlementaccount (merchant_id, id);

-- An item never claims more than there is, on either side.
CREATE FUNCTION settlement_item_fits() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    there numeric;
    there_currency text;
BEGIN
    IF NEW.payout_id IS NOT NULL THEN
        SELECT amount, amount_currency INTO there, there_currency
        FROM settlement_payout WHERE id = NEW.payout_id;
    ELSE
        SELECT amount, amount_currency INTO there, there_currency
        FROM settlement_bankline WHERE id = NEW.bank_line_id;
    END IF;
    IF there_currency IS DISTINCT FROM NEW.amount_currency
       OR abs(NEW.amount) > abs(there) OR sign(NEW.amount) <> sign(there) THEN
        RAISE EXCEPTION 'a match claims more than its item has'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'match_item_fits_its_side';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER match_item_fits_its_side BEFORE INSERT
    OR UPDATE OF amount, amount_currency, payout_id, bank_line_id
    ON settlement_matchitem FOR EACH ROW EXECUTE FUNCTION settlement_item_fits();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("settlement", "0001_initial"),
        ("accounts", "0002_isolation"),
    ]

    operations = [migrations.RunSQL(sql) for sql in (LINES, ISOLATION, TOGETHER)]
