"""How banks write their CSV files, and which bank account an uploaded file is of."""

import accounts.models
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


# Of no merchant: everybody reads them, the operator adds to them, nobody changes one.
PROFILES = """
GRANT SELECT ON settlement_columnprofile TO tributary_app;
GRANT SELECT, INSERT ON settlement_columnprofile TO tributary_ops;
ALTER TABLE settlement_columnprofile
    ADD CONSTRAINT column_profile_version_counts_from_one CHECK (version >= 1);

CREATE FUNCTION settlement_column_profile_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: a correction is another version', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'column_profile_never_changes';
END $$;
CREATE TRIGGER column_profile_never_changes BEFORE UPDATE OR DELETE ON settlement_columnprofile
    FOR EACH ROW EXECUTE FUNCTION settlement_column_profile_stays();
CREATE TRIGGER column_profiles_never_vanish BEFORE TRUNCATE ON settlement_columnprofile
    FOR EACH STATEMENT EXECUTE FUNCTION settlement_column_profile_stays();
ALTER TABLE settlement_columnprofile ENABLE ALWAYS TRIGGER column_profile_never_changes;
ALTER TABLE settlement_columnprofile ENABLE ALWAYS TRIGGER column_profiles_never_vanish;
"""

TOGETHER = """
ALTER TABLE settlement_sourcedocument
    ADD CONSTRAINT document_and_bank_account_share_the_merchant
        FOREIGN KEY (merchant_id, bank_account_id) REFERENCES accounts_bankaccount (merchant_id, id),
    ADD CONSTRAINT document_is_of_a_store_or_of_a_bank_account
        CHECK (store_id IS NULL OR bank_account_id IS NULL);
"""


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_framework_grants'),
        ('settlement', '0002_tables_and_isolation'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='sourcedocument',
            name='bank_account',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.bankaccount', verbose_name='bank account'),
        ),
        migrations.CreateModel(
            name='ColumnProfile',
            fields=[
                ('id', models.UUIDField(default=accounts.models.new_id, editable=False, primary_key=True, serialize=False)),
                ('code', models.CharField(editable=False, max_length=32, verbose_name='code')),
                ('version', models.IntegerField(editable=False, verbose_name='version')),
                ('definition', models.JSONField(verbose_name='definition')),
                ('made_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='made')),
                ('made_by', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='made by')),
            ],
            options={
                'verbose_name': 'column profile',
                'verbose_name_plural': 'column profiles',
            },
        ),
        migrations.AddField(
            model_name='sourcedocument',
            name='column_profile',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='settlement.columnprofile', verbose_name='column profile'),
        ),
        migrations.AddConstraint(
            model_name='columnprofile',
            constraint=models.UniqueConstraint(fields=('code', 'version'), name='column_profile_version_is_made_once'),
        ),
        migrations.RunSQL(PROFILES),
        migrations.RunSQL(TOGETHER),
    ]
