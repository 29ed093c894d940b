"""Tenant isolation: roles, the isolating function, and its use on the accounts tables."""

from django.db import migrations

# Roles belong to the whole server: another database may migrate at the same moment.
# Since PostgreSQL 16 being a member is not enough for SET ROLE; the SET option is. An owner who
# may not grant the roles to itself needs them as logins of their own, and no SET ROLE.
ROLES = """
DO $$
DECLARE
    role_name text;
    way text := CASE WHEN current_setting('server_version_num')::int >= 160000
                     THEN 'SET' ELSE 'MEMBER' END;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['tributary_app', 'tributary_ops'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
        BEGIN
            IF NOT pg_has_role(current_user, role_name, way) THEN
                EXECUTE format('GRANT %I TO CURRENT_USER', role_name);
            END IF;
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE NOTICE '% cannot act as %', current_user, role_name;
        END;
        EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', role_name);
        EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO %I', current_database(), role_name);
    END LOOP;
END $$;
"""

# Inlined by the planner: policies cost one comparison a row.
TENANT = """
CREATE FUNCTION tributary_tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
RETURN NULLIF(current_setting('tributary.tenant', true), '')::uuid;

CREATE FUNCTION tributary_user() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
RETURN NULLIF(current_setting('tributary.user', true), '')::uuid;

-- Shuts a table that has a merchant_id: the application role sees and writes the acting
-- merchant's rows only, the operator's role all of them. Privileges are given by hand.
CREATE FUNCTION tributary_isolate(tbl regclass, app_may text, ops_may text)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', tbl);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', tbl);
    EXECUTE format('CREATE POLICY only_the_acting_merchant ON %s TO tributary_app '
        'USING (merchant_id = tributary_tenant()) '
        'WITH CHECK (merchant_id = tributary_tenant())', tbl);
    EXECUTE format('CREATE POLICY the_operator_sees_all ON %s TO tributary_ops '
        'USING (true) WITH CHECK (true)', tbl);
    EXECUTE format('GRANT %s ON %s TO tributary_app', app_may, tbl);
    EXECUTE format('GRANT %s ON %s TO tributary_ops', ops_may, tbl);
END $$;
REVOKE ALL ON FUNCTION tributary_isolate(regclass, text, text) FROM PUBLIC;
"""

TABLES = """
SELECT tributary_isolate('accounts_member', 'SELECT, INSERT, UPDATE, DELETE', 'SELECT, INSERT, UPDATE, DELETE');
SELECT tributary_isolate('accounts_settlementaccount', 'SELECT, INSERT, UPDATE', 'SELECT, INSERT, UPDATE');
SELECT tributary_isolate('accounts_bankaccount', 'SELECT, INSERT, UPDATE', 'SELECT, INSERT, UPDATE');
SELECT tributary_isolate('accounts_store', 'SELECT, INSERT, UPDATE', 'SELECT, INSERT, UPDATE');
SELECT tributary_isolate('accounts_storelink', 'SELECT, INSERT, UPDATE', 'SELECT, INSERT, UPDATE');

CREATE POLICY own_memberships ON accounts_member FOR SELECT TO tributary_app
    USING (user_id = tributary_user());

ALTER TABLE accounts_merchant ENABLE ROW LEVEL SECURITY;
ALTER TABLE accounts_merchant FORCE ROW LEVEL SECURITY;
CREATE POLICY only_the_acting_merchant ON accounts_merchant TO tributary_app
    USING (id = tributary_tenant()) WITH CHECK (id = tributary_tenant());
CREATE POLICY own_merchants ON accounts_merchant FOR SELECT TO tributary_app
    USING (id IN (SELECT merchant_id FROM accounts_member WHERE user_id = tributary_user()));
CREATE POLICY the_operator_sees_all ON accounts_merchant TO tributary_ops
    USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON accounts_merchant TO tributary_app, tributary_ops;

-- People stand above merchants: a user may act for several.
GRANT SELECT, INSERT, UPDATE ON accounts_user TO tributary_app, tributary_ops;
GRANT SELECT, INSERT, DELETE ON accounts_user_groups, accounts_user_user_permissions
    TO tributary_app, tributary_ops;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO tributary_app, tributary_ops;
"""

# A store, its account and its merchant belong together; a plain foreign key would accept
# another merchant's settlement account.
TOGETHER = """
ALTER TABLE accounts_settlementaccount
    ADD CONSTRAINT settlement_account_key_with_merchant UNIQUE (merchant_id, id);
ALTER TABLE accounts_store
    ADD CONSTRAINT store_key_with_merchant UNIQUE (merchant_id, id);
ALTER TABLE accounts_bankaccount
    ADD CONSTRAINT bank_account_key_with_merchant UNIQUE (merchant_id, id);
ALTER TABLE accounts_store
    ADD CONSTRAINT store_and_account_share_the_merchant
    FOREIGN KEY (merchant_id, settlement_account_id)
    REFERENCES accounts_settlementaccount (merchant_id, id);
ALTER TABLE accounts_bankaccount
    ADD CONSTRAINT bank_account_and_account_share_the_merchant
    FOREIGN KEY (merchant_id, settlement_account_id)
    REFERENCES accounts_settlementaccount (merchant_id, id);
ALTER TABLE accounts_storelink
    ADD CONSTRAINT link_and_store_share_the_merchant
    FOREIGN KEY (merchant_id, store_id) REFERENCES accounts_store (merchant_id, id);
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [migrations.RunSQL(sql) for sql in (ROLES, TENANT, TABLES, TOGETHER)]
