"""The two roles the ledger grants to. Logins of these names, made beforehand, are kept as they are."""

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
    END LOOP;
END $$;
"""


class Migration(migrations.Migration):
    initial = True
    dependencies = []

    operations = [migrations.RunSQL(ROLES)]
