"""Settlement accounts and stores: accounts' tables whose pages need the business.

What an account holds is told by the books, and which platforms there are by the adapters.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from accounts.access import acting_for
from accounts.admin import OperatorAdmin, OperatorForm, ReadOnlyInline
from accounts.models import SettlementAccount, Store, StoreLink
from accounts.onboarding import add_store
from platforms import registry
from settlement import queries
from settlement.admin.base import NOTHING, WithTables, page_of, table, written
from settlement.queries import BankRow, StoreRow


@admin.register(SettlementAccount)
class SettlementAccountAdmin(WithTables, OperatorAdmin):
    """The accounts stores are linked to, each with the merchant's own first page."""

    list_display = ("name", "merchant", "created_at")
    list_select_related = ("merchant",)
    search_fields = ("name", "merchant__name")
    ordering = ("-id",)
    autocomplete_fields = ("merchant",)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """A new account is only named."""
        return ("merchant", "name", "created_at") if obj else ("merchant", "name")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Books lie under the merchant, so an account never moves to another."""
        return ("merchant", "created_at") if obj else ()

    def tables(self, row: SettlementAccount) -> list[SafeString]:
        """What the merchant's first page shows."""
        overview = _overview(row)
        return [_stores_table(overview), _banks_table(overview)]


def _overview(account: SettlementAccount) -> queries.Overview:
    """What the merchant's first page shows, asked as the merchant."""
    with acting_for(account.merchant_id):
        return queries.overview(SettlementAccount.objects.get(pk=account.pk))


def _stores_table(overview: queries.Overview) -> SafeString:
    heads = (_("store"), _("platform"), _("owed"), _("in transit"), _("arrived"),
             _("missing"), _("difference"))  # fmt: skip
    return table(heads, map(_store_cells, overview.stores), title=_("Stores"))


def _banks_table(overview: queries.Overview) -> SafeString:
    heads = (_("bank account"), _("statement"), _("until"), _("books"), _("agrees"))
    return table(heads, map(_bank_cells, overview.banks), title=_("Bank and books"))


def _store_cells(row: StoreRow) -> list[object]:
    amounts = (row.owed, row.in_transit, row.arrived, row.missing, row.difference)
    platform = queries.format_name(row.store.platform)
    return [page_of(row.store), platform, *map(written, amounts)]


def _bank_cells(row: BankRow) -> list[object]:
    agrees = {None: NOTHING, True: _("yes"), False: _("NO")}[row.agrees]
    stated_on = row.stated_on or NOTHING
    return [page_of(row.bank_account), written(row.stated), stated_on, written(row.booked), agrees]


class StoreForm(OperatorForm):
    """A new store, on one of the platforms whose documents can be read."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "platform" in self.fields:
            self.fields["platform"] = forms.ChoiceField(
                label=self.fields["platform"].label,
                choices=_platforms,
                widget=UnfoldAdminSelectWidget,
            )

    def clean(self) -> dict[str, Any]:
        """The store's merchant is its settlement account's."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if account := cleaned.get("settlement_account"):
            self.instance.merchant_id = account.merchant_id
        return cleaned


def _platforms() -> list[tuple[str, str]]:
    adapters = (adapter for adapter in registry.all() if adapter.family == "platform")
    return sorted(((adapter.code, adapter.name) for adapter in adapters), key=lambda pair: pair[1])


class LinkInline(ReadOnlyInline):
    """How the store's documents reach us."""

    model = StoreLink
    fields = ("method", "cash_account", "state", "created_at")


@admin.register(Store)
class StoreAdmin(OperatorAdmin):
    """Shops on platforms; once one has books and documents, only its name still changes."""

    form = StoreForm
    list_display = ("name", "platform_name", "merchant", "settlement_account", "created_at")
    list_select_related = ("merchant", "settlement_account")
    list_filter = ("platform",)
    search_fields = ("name", "merchant__name")
    ordering = ("-id",)
    autocomplete_fields = ("settlement_account",)
    inlines = (LinkInline,)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """The merchant is the settlement account's."""
        base = ("settlement_account", "platform", "name")
        return ("merchant", *base, "created_at") if obj else base

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """All but the name, once made."""
        return ("merchant", "settlement_account", "platform", "created_at") if obj else ()

    def get_inlines(self, request: HttpRequest, obj: Model | None) -> Any:
        """The link is made with the store."""
        return self.inlines if obj else ()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """A new store comes aboard as everywhere else, with its link."""
        if change:
            super().save_model(request, obj, form, change)
            return
        account = obj.settlement_account
        with acting_for(account.merchant_id):
            made = add_store(account, platform=obj.platform, name=obj.name)
        obj.pk = made.pk

    @admin.display(description=_("platform"))
    def platform_name(self, store: Store) -> str:
        """The platform as its adapter calls it."""
        return queries.format_name(store.platform)
