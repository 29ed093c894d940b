"""Statements and their booked entries."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.admin import OPS
from settlement.admin.base import BusinessAdmin, MerchantFilter, list_of, money, page_of
from settlement.admin.matching import ExceptionInline, ItemInline
from settlement.models import BankLine, BankStatement, MatchItem


@admin.register(BankStatement)
class BankStatementAdmin(BusinessAdmin):
    """Statements of all merchants' bank accounts."""

    list_display = (
        "number",
        "merchant",
        "bank_account",
        "period_from",
        "period_to",
        money("opening", _("opening balance")),
        money("closing", _("closing balance")),
        "balanced",
        "books",
        "live",
    )
    list_select_related = ("merchant", "bank_account")
    list_filter = ("balanced", "books", "live", MerchantFilter)
    search_fields = ("number__startswith", "merchant__name", "=bank_account__number_tail")
    fields = (
        "number",
        "merchant",
        "bank_account",
        "period_from",
        "period_to",
        money("opening", _("opening balance")),
        money("closing", _("closing balance")),
        "balanced",
        "books",
        "live",
        "entries",
        "document",
        "known_at",
    )
    inlines = (ExceptionInline,)

    @admin.display(description=_("bank lines"))
    def entries(self, statement: BankStatement) -> SafeString:
        """Where its booked entries are."""
        return list_of(BankLine, _("bank lines"), statement=statement.pk)


@admin.register(BankLine)
class BankLineAdmin(BusinessAdmin):
    """Booked entries, each with the match that claims it."""

    list_display = (
        "booked_on",
        "merchant",
        "bank_account",
        money("amount", _("amount")),
        "counterparty",
        "remittance",
        "matched",
        "live",
    )
    list_select_related = ("merchant", "bank_account")
    list_filter = ("books", "live", MerchantFilter)
    search_fields = ("reference__startswith", "counterparty", "remittance", "merchant__name")
    inlines = (ItemInline, ExceptionInline)
    fields = (
        "booked_on",
        "value_on",
        "merchant",
        "bank_account",
        money("amount", _("amount")),
        "counterparty",
        "remittance",
        "reference",
        "end_to_end_id",
        "details",
        "books",
        "live",
        "statement",
        "document",
        "row",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The entries with their live matches."""
        items = MatchItem.objects.using(OPS).filter(live=True).select_related("match")
        claims = Prefetch("match_items", items, to_attr="claims")
        return super().get_queryset(request).prefetch_related(claims)

    @admin.display(description=_("match"))
    def matched(self, line: Any) -> SafeString | str:
        """The match that claims the entry."""
        return page_of(line.claims[0].match if line.claims else None)
