"""What the back-office's business pages share: big read-only lists, money, links and tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from djmoney.money import Money
from unfold.paginator import InfinitePaginator

from accounts.admin import OPS, ReadOnlyAdmin
from accounts.models import Merchant

Text = str | Promise
MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EM DASH}"
SPACE = "\N{NO-BREAK SPACE}"
MERCHANTS_LISTED = 30


class BusinessAdmin(ReadOnlyAdmin):
    """A list that may have millions of rows: newest first, never counted, never sorted anew.

    Ids sort by time, so the primary key serves the order across merchants.
    """

    ordering = ("-id",)
    sortable_by = ()
    paginator = InfinitePaginator
    show_facets = admin.ShowFacets.NEVER


class WithTables(admin.ModelAdmin):  # type: ignore[type-arg]
    """Shows tables below a row's form; the theme would ask a computed field again and again."""

    change_form_outer_after_template = "admin/tables.html"

    def tables(self, row: Any) -> list[SafeString]:
        """The tables of a row that exists."""
        raise NotImplementedError

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """The form's page, with the tables."""
        if (row := context.get("original")) is not None:
            context["tables"] = self.tables(row)
        return super().render_change_form(request, context, *args, **kwargs)


class MerchantFilter(admin.SimpleListFilter):
    """One merchant's rows. Many merchants are found by the search; the chosen one is named."""

    title = _("merchant")
    parameter_name = "merchant"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The newest merchants."""
        newest = Merchant.objects.using(OPS).order_by("-id")[:MERCHANTS_LISTED]
        return [(str(merchant.id), merchant.name) for merchant in newest]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of the chosen merchant."""
        return queryset.filter(merchant_id=self.value()) if self.value() else queryset


def money(name: str, label: Text) -> Any:
    """A column or field (a callable of the row) that writes the row's amount of this name."""

    @admin.display(description=label)  # type: ignore[arg-type]  # lazy texts are allowed
    def column(row: Any) -> str:
        return written(getattr(row, name))

    column.__name__ = name
    return column


def written(amount: Money | None) -> str:
    """An amount exactly, with its currency's decimals or more, on one line: −1,234.50 CNY."""
    if amount is None:
        return NOTHING
    places = len(str(amount.currency.sub_unit)) - 1
    stated: Decimal = amount.amount
    kept = stated.quantize(Decimal(1).scaleb(-places))
    exact = kept if kept == stated else stated.normalize()
    return f"{MINUS if exact < 0 else ''}{abs(exact):,f}{SPACE}{amount.currency}"


def page_of(row: Model | None, text: str = "") -> SafeString | str:
    """A link to a row's own page."""
    if row is None:
        return NOTHING
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
    return _link(reverse(name, args=[row.pk]), text or str(row))


def list_of(model: type[Model], text: Text, **chosen: object) -> SafeString:
    """A link to the rows of a table that fit: `list_of(Payout, _("payouts"), document=id)`."""
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
    return _link(f"{reverse(name)}?{urlencode(chosen)}", text)


def table(
    heads: Sequence[Text], rows: Iterable[Sequence[object]], *, title: Text = ""
) -> SafeString:
    """A table as the theme draws it."""
    given = {"headers": list(heads), "rows": [list(row) for row in rows]}
    return render_to_string("unfold/components/table.html", {"table": given, "title": title})


def _link(address: str, text: Text) -> SafeString:
    return format_html('<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a>',
                       address, text)  # fmt: skip
