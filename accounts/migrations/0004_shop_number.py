"""What the platform itself calls a shop, so that a spreadsheet of stores can say which is which."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_framework_grants")]

    operations = [
        migrations.AddField(
            model_name="store",
            name="external_id",
            field=models.CharField(
                blank=True, default="", max_length=64, verbose_name="shop number"
            ),
        ),
        migrations.AddConstraint(
            model_name="store",
            constraint=models.UniqueConstraint(
                condition=models.Q(("external_id", ""), _negated=True),
                fields=("merchant", "platform", "external_id"),
                name="store_number_is_once_on_a_platform",
            ),
        ),
    ]
