"""What keeps tariffs, quotas, quotes and withdrawals right, whoever writes them."""

from django.contrib.postgres.operations import BtreeGistExtension
from django.db import migrations

# The operator's own tables: the application reads them, the operator adds to them, and nobody
# edits what was once in force. Of a rule only its state changes.
TARIFFS = """
GRANT SELECT ON settlement_feeschedule, settlement_feetier, settlement_waiverprogram,
    settlement_waiverrule TO tributary_app;
GRANT SELECT, INSERT ON settlement_feeschedule, settlement_feetier, settlement_waiverprogram,
    settlement_waiverrule TO tributary_ops;
GRANT UPDATE (name, name_zh) ON settlement_waiverprogram TO tributary_ops;
GRANT UPDATE (state) ON settlement_waiverrule TO tributary_ops;

CREATE FUNCTION settlement_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: make a new version', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'what_was_in_force_never_changes';
END $$;
CREATE TRIGGER fee_schedule_never_changes BEFORE UPDATE OR DELETE OR TRUNCATE
    ON settlement_feeschedule FOR EACH STATEMENT EXECUTE FUNCTION settlement_refuse();
CREATE TRIGGER fee_tier_never_changes BEFORE UPDATE OR DELETE OR TRUNCATE
    ON settlement_feetier FOR EACH STATEMENT EXECUTE FUNCTION settlement_refuse();
CREATE TRIGGER waiver_rule_never_vanishes BEFORE DELETE OR TRUNCATE
    ON settlement_waiverrule FOR EACH STATEMENT EXECUTE FUNCTION settlement_refuse();
CREATE TRIGGER waiver_rule_changes_its_state_only
    BEFORE UPDATE OF id, program_id, version, segment, quota, percent, valid
    ON settlement_waiverrule FOR EACH STATEMENT EXECUTE FUNCTION settlement_refuse();
CREATE TRIGGER waiver_program_keeps_its_code BEFORE UPDATE OF id, code OR DELETE OR TRUNCATE
    ON settlement_waiverprogram FOR EACH STATEMENT EXECUTE FUNCTION settlement_refuse();

-- A tier may join its schedule only until somebody has been quoted by it.
CREATE FUNCTION settlement_tier_comes_in_time() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM settlement_feequote q WHERE q.schedule_id = NEW.schedule_id) THEN
        RAISE EXCEPTION 'this tariff has been quoted: make a new version'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'fee_tier_comes_in_time';
    END IF;
    RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION settlement_tier_comes_in_time() FROM PUBLIC;
CREATE TRIGGER fee_tier_comes_in_time BEFORE INSERT ON settlement_feetier
    FOR EACH ROW EXECUTE FUNCTION settlement_tier_comes_in_time();

ALTER TABLE settlement_waiverrule
    ADD CONSTRAINT waiver_rules_of_a_program_do_not_overlap
        EXCLUDE USING gist (program_id WITH =, valid WITH &&) WHERE (state <> 'retired'),
    ADD CONSTRAINT waiver_rule_key_with_quota UNIQUE (id, quota);
ALTER TABLE settlement_feetier
    ADD CONSTRAINT fee_tier_amounts_are_numbers CHECK (
        fixed <> 'NaN' AND rate <> 'NaN' AND up_to > 0 AND up_to <> 'NaN'
        AND minimum >= 0 AND minimum <> 'NaN' AND maximum >= minimum AND maximum <> 'NaN');
"""

ISOLATION = """
SELECT tributary_isolate('settlement_feequote', 'SELECT, INSERT', 'SELECT');
SELECT tributary_isolate('settlement_withdrawal',
    'SELECT, INSERT, UPDATE (state, paid_on, returned_on, reason_code, reason, attempts, '
    'lease_until, lease_token)', 'SELECT');
SELECT tributary_isolate('settlement_paymentattempt',
    'SELECT, INSERT, UPDATE (sent_at, answered_at, outcome, code, reason, live)', 'SELECT');
SELECT tributary_isolate('settlement_quotause', 'SELECT, INSERT, UPDATE (state, live)', 'SELECT');
"""

# The owner looks on behalf of the trigger above, although row-level security is forced.
OWNER = """
CREATE POLICY tariffs_see_their_quotes ON settlement_feequote FOR SELECT TO CURRENT_USER
    USING (true);
"""

TOGETHER = """
ALTER TABLE settlement_feequote
    ADD CONSTRAINT quote_key_with_merchant UNIQUE (merchant_id, id),
    ADD CONSTRAINT quote_amounts_are_numbers CHECK (
        amount > 0 AND amount <> 'NaN' AND fee >= 0 AND fee <> 'NaN'
        AND waived >= 0 AND waived <= fee),
    ADD CONSTRAINT quote_has_one_currency CHECK (
        amount_currency = fee_currency AND amount_currency = waived_currency),
    ADD CONSTRAINT quote_and_account_share_the_merchant
        FOREIGN KEY (merchant_id, settlement_account_id)
        REFERENCES accounts_settlementaccount (merchant_id, id),
    ADD CONSTRAINT quote_and_bank_account_share_the_merchant
        FOREIGN KEY (merchant_id, bank_account_id) REFERENCES accounts_bankaccount (merchant_id, id);
ALTER TABLE settlement_withdrawal
    ADD CONSTRAINT withdrawal_key_with_merchant UNIQUE (merchant_id, id),
    ADD CONSTRAINT withdrawal_amounts_are_numbers CHECK (
        amount <> 'NaN' AND fee <> 'NaN' AND waived <> 'NaN'),
    ADD CONSTRAINT withdrawal_number_is_plain CHECK (number ~ '^[A-Z0-9]{8,30}$'),
    ADD CONSTRAINT withdrawal_and_account_share_the_merchant
        FOREIGN KEY (merchant_id, settlement_account_id)
        REFERENCES accounts_settlementaccount (merchant_id, id),
    ADD CONSTRAINT withdrawal_and_bank_account_share_the_merchant
        FOREIGN KEY (merchant_id, bank_account_id) REFERENCES accounts_bankaccount (merchant_id, id),
    ADD CONSTRAINT withdrawal_and_payee_share_the_merchant
        FOREIGN KEY (merchant_id, payee_id) REFERENCES accounts_payee (merchant_id, id),
    ADD CONSTRAINT withdrawal_and_quote_share_the_merchant
        FOREIGN KEY (merchant_id, quote_id) REFERENCES settlement_feequote (merchant_id, id);
ALTER TABLE settlement_paymentattempt
    ADD CONSTRAINT attempt_and_withdrawal_share_the_merchant
        FOREIGN KEY (merchant_id, withdrawal_id) REFERENCES settlement_withdrawal (merchant_id, id);
ALTER TABLE settlement_quotause
    ADD CONSTRAINT quota_use_and_withdrawal_share_the_merchant
        FOREIGN KEY (merchant_id, withdrawal_id) REFERENCES settlement_withdrawal (merchant_id, id),
    ADD CONSTRAINT quota_use_has_the_quota_of_its_rule
        FOREIGN KEY (rule_id, quota) REFERENCES settlement_waiverrule (id, quota);
ALTER TABLE settlement_matchitem
    ADD CONSTRAINT item_and_withdrawal_share_the_merchant
        FOREIGN KEY (merchant_id, withdrawal_id) REFERENCES settlement_withdrawal (merchant_id, id);

-- A withdrawal is what was quoted, to the cent.
CREATE FUNCTION settlement_withdrawal_is_as_quoted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM settlement_feequote q
        WHERE q.id = NEW.quote_id AND q.merchant_id = NEW.merchant_id
          AND q.settlement_account_id = NEW.settlement_account_id
          AND q.bank_account_id = NEW.bank_account_id
          AND (q.amount, q.amount_currency, q.fee, q.waived)
            = (NEW.amount, NEW.amount_currency, NEW.fee, NEW.waived)
          AND NEW.requested_at <= q.expires_at
    ) THEN
        RAISE EXCEPTION 'the withdrawal is not what was quoted'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'withdrawal_is_as_quoted';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER withdrawal_is_as_quoted BEFORE INSERT ON settlement_withdrawal
    FOR EACH ROW EXECUTE FUNCTION settlement_withdrawal_is_as_quoted();

-- An item never claims more than there is, on any side; a withdrawal's is whole.
CREATE OR REPLACE FUNCTION settlement_item_fits() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    there numeric;
    there_currency text;
BEGIN
    IF NEW.payout_id IS NOT NULL THEN
        SELECT amount, amount_currency INTO there, there_currency
        FROM settlement_payout WHERE id = NEW.payout_id;
    ELSIF NEW.withdrawal_id IS NOT NULL THEN
        SELECT sign(NEW.amount) * amount, amount_currency INTO there, there_currency
        FROM settlement_withdrawal WHERE id = NEW.withdrawal_id AND amount = abs(NEW.amount);
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
DROP TRIGGER match_item_fits_its_side ON settlement_matchitem;
CREATE TRIGGER match_item_fits_its_side BEFORE INSERT
    OR UPDATE OF amount, amount_currency, payout_id, bank_line_id, withdrawal_id
    ON settlement_matchitem FOR EACH ROW EXECUTE FUNCTION settlement_item_fits();
"""


class Migration(migrations.Migration):
    dependencies = [("settlement", "0004_money_out"), ("accounts", "0005_payees")]

    operations = [
        BtreeGistExtension(),
        *(migrations.RunSQL(sql) for sql in (TARIFFS, ISOLATION, OWNER, TOGETHER)),
    ]
