from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LedgerConfig(AppConfig):
    """Double entry in opaque books; knows nothing of what the accounts are for."""

    name = "ledger"
    verbose_name = _("Ledger")
