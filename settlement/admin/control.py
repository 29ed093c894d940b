"""Reconciliations as pieces of work."""

from __future__ import annotations

from django.contrib import admin

from settlement.admin.base import BusinessAdmin, MerchantFilter
from settlement.models import ReconRun


@admin.register(ReconRun)
class ReconRunAdmin(BusinessAdmin):
    """Every reconciliation: when, how it ended, what it found."""

    list_display = (
        "requested_at",
        "merchant",
        "settlement_account",
        "state",
        "matched",
        "excepted",
        "error_reason",
        "finished_at",
    )
    list_select_related = ("merchant", "settlement_account")
    list_filter = ("state", MerchantFilter)
    search_fields = ("settlement_account__name", "merchant__name")
    fields = (
        "merchant",
        "settlement_account",
        "state",
        "requested_at",
        "finished_at",
        "matched",
        "excepted",
        "error_reason",
        "attempts",
        "lease_until",
    )
