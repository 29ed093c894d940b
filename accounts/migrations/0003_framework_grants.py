"""What the application may do with the tables of Django and allauth. No merchant's row is there."""

from django.db import migrations

GRANTS = """
GRANT SELECT, INSERT, UPDATE, DELETE ON
    django_session, account_emailaddress, account_emailconfirmation
    TO tributary_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON django_session TO tributary_ops;
GRANT SELECT ON
    django_content_type, auth_permission, auth_group, auth_group_permissions, django_migrations
    TO tributary_app, tributary_ops;
GRANT SELECT, INSERT ON django_admin_log TO tributary_app, tributary_ops;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO tributary_app, tributary_ops;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_isolation"),
        ("account", "0009_emailaddress_unique_primary_email"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("sessions", "0001_initial"),
    ]

    operations = [migrations.RunSQL(GRANTS)]
