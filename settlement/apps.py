from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SettlementConfig(AppConfig):
    """The business: money in, proof, money out."""

    name = "settlement"
    verbose_name = _("Settlement")
