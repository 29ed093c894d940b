from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """People, merchants, stores and bank accounts; no money amounts."""

    name = "accounts"
    verbose_name = _("Accounts")
