"""Who may touch what a permission is kept in, and where a hook's merchant is found."""

from django.db import migrations

GUARDS = """
GRANT SELECT ON accounts_platformapp TO tributary_app;
GRANT SELECT, INSERT, UPDATE ON accounts_platformapp TO tributary_ops;

ALTER TABLE accounts_storelink ADD CONSTRAINT link_key_with_merchant UNIQUE (merchant_id, id);
ALTER TABLE accounts_storelink ADD CONSTRAINT link_by_upload_keeps_no_secrets
    CHECK (method <> 'upload' OR secrets_sealed IS NULL);

-- A hook's address names a link and nobody's merchant. The id of a link is no secret: this tells
-- whose it is, and no more.
CREATE FUNCTION accounts_merchant_of_link(its_id uuid) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT merchant_id FROM accounts_storelink WHERE id = its_id
$$;
REVOKE ALL ON FUNCTION accounts_merchant_of_link(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION accounts_merchant_of_link(uuid) TO tributary_app;
"""

# The owner is held to row-level security too; this lets the function above see one column's worth.
POLICY = """
CREATE POLICY addresses_name_their_merchant ON accounts_storelink FOR SELECT TO CURRENT_USER
    USING (true);
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_permissions")]

    operations = [migrations.RunSQL(sql) for sql in (GUARDS, POLICY)]
