"""Matches with both their sides, and exceptions."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts.admin import ReadOnlyInline
from settlement.admin.base import BusinessAdmin, MerchantFilter, money, page_of
from settlement.models import Match, MatchItem, ReconException


class ItemInline(ReadOnlyInline):
    """One side's parts of matches, live and revoked."""

    model = MatchItem
    fields = (
        "match",
        "payout",
        "bank_line",
        "withdrawal",
        money("amount", _("amount")),
        "live",
    )
    related = ("match", "payout", "bank_line", "withdrawal")
    hide_title = True


class ExceptionInline(ReadOnlyInline):
    """What is or was wrong with it."""

    model = ReconException
    fields = (
        "reason",
        "state",
        money("difference", _("difference")),
        "owner",
        "opened_at",
        "closed_at",
    )
    related = ("owner",)


@admin.register(Match)
class MatchAdmin(BusinessAdmin):
    """What was declared the same money, why, and whether it still is."""

    list_display = ("made_at", "merchant", "settlement_account", "rule", "state", "revoked_at")
    list_select_related = ("merchant", "settlement_account")
    list_filter = ("state", "rule", MerchantFilter)
    search_fields = ("=id", "merchant__name")
    fields = ("merchant", "settlement_account", "rule", "state", "made_at", "revoked_at")
    inlines = (ItemInline,)


@admin.register(ReconException)
class ReconExceptionAdmin(BusinessAdmin):
    """Leftovers with their reason, what they are about, and who looks after them."""

    list_display = (
        "reason",
        "merchant",
        "settlement_account",
        "about",
        money("difference", _("difference")),
        "state",
        "owner",
        "opened_at",
        "closed_at",
    )
    list_select_related = (
        "merchant",
        "settlement_account",
        "owner",
        "payout",
        "bank_line",
        "statement",
        "document",
    )
    list_filter = ("state", "reason", MerchantFilter)
    search_fields = ("payout__external_id__startswith", "merchant__name")
    fields = (
        "reason",
        "state",
        "merchant",
        "settlement_account",
        "payout",
        "bank_line",
        "statement",
        "document",
        money("difference", _("difference")),
        "owner",
        "note",
        "opened_at",
        "closed_at",
    )

    @admin.display(description=_("about"))
    def about(self, exception: ReconException) -> str:
        """The payout, statement or document it is about."""
        return page_of(
            exception.payout or exception.statement or exception.document or exception.bank_line
        )
