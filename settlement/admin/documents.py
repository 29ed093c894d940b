"""Documents as received, and the lines read from them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from accounts.admin import OPS, ReadOnlyInline
from settlement import queries
from settlement.admin.base import BusinessAdmin, MerchantFilter, list_of, money
from settlement.models import (
    BankLine,
    BankStatement,
    Line,
    Payout,
    SourceDocument,
    WalletStatement,
)


class StatementInline(ReadOnlyInline):
    """The statements a bank's document holds."""

    model = BankStatement
    fields = (
        "bank_account",
        "number",
        "period_from",
        "period_to",
        money("opening", _("opening balance")),
        money("closing", _("closing balance")),
        "balanced",
        "live",
    )
    related = ("bank_account",)


class WalletInline(ReadOnlyInline):
    """What the store's wallet held before and after a platform's document."""

    model = WalletStatement
    fields = (
        "cash_account",
        "first_at",
        "last_at",
        money("opening", _("opening balance")),
        money("closing", _("closing balance")),
        "live",
    )
    hide_title = True


@admin.register(SourceDocument)
class SourceDocumentAdmin(BusinessAdmin):
    """Every document with where it stands and, if it was refused, why."""

    list_display = (
        "name",
        "merchant",
        "store",
        "format_name",
        "state",
        "rows_kept",
        "rows_restated",
        "error_reason",
        "known_at",
    )
    list_select_related = ("merchant", "store")
    list_filter = ("state", MerchantFilter)
    search_fields = ("name", "sha256__startswith", "merchant__name", "store__name")
    date_hierarchy = "known_at"
    inlines = (StatementInline, WalletInline)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "name",
                    "merchant",
                    "store",
                    "bank_account",
                    "format_name",
                    "column_profile",
                    "unverified",
                    "contents",
                )
            },
        ),
        (
            _("Reading"),
            {
                "fields": (
                    "state",
                    "error_row",
                    "error_reason",
                    "rows_kept",
                    "rows_known",
                    "rows_restated",
                    "loaded_at",
                    "readings",
                    "attempts",
                    "lease_until",
                )
            },
        ),
        (_("Origin"), {"fields": ("origin", "uploaded_by", "known_at", "size", "digest")}),
    )

    @admin.display(description=_("format"))
    def format_name(self, document: SourceDocument) -> str:
        """The format as its adapter calls it."""
        return queries.format_name(document.code) if document.code else ""

    @admin.display(description=_("SHA-256 of the bytes"))
    def digest(self, document: SourceDocument) -> SafeString:
        """The digest, breakable on narrow screens."""
        parts = ((document.sha256[start : start + 16],) for start in range(0, 64, 16))
        return format_html_join(mark_safe("<wbr>"), "{}", parts)

    @admin.display(description=_("contents"))
    def contents(self, document: SourceDocument) -> SafeString:
        """Where the rows are that were read from it."""
        if document.store_id is None:
            return list_of(BankLine, _("bank lines"), document=document.pk)
        lines = list_of(Line, _("settlement lines"), document=document.pk)
        payouts = list_of(Payout, _("payouts"), document=document.pk)
        return format_html("{} · {}", lines, payouts)

    def get_inlines(self, request: HttpRequest, obj: Model | None) -> Any:
        """A bank's document has statements, a platform's has wallets."""
        of_store = isinstance(obj, SourceDocument) and obj.store_id is not None
        return (WalletInline,) if of_store else (StatementInline,)


@admin.register(Line)
class LineAdmin(BusinessAdmin):
    """The lines of one document. The table is partitioned: without a document nothing is listed."""

    list_display = (
        "row",
        "external_id",
        "kind",
        money("amount", _("amount")),
        "event_at",
        "order_ref",
        "payout_ref",
        "label",
        "version",
        "live",
    )
    list_display_links = None
    list_filter = ("kind", "live")
    search_fields = ("external_id__startswith", "order_ref__startswith", "payout_ref__startswith")
    ordering = ("id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Line]:
        """The lines of the document the address names, found by their key and in one partition."""
        lines: QuerySet[Line] = super().get_queryset(request)
        document = _document(request)
        if document is None:
            return lines.none()
        return lines.filter(
            merchant_id=document.merchant_id, document=document, known_at=document.known_at
        )

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> None:
        """A line has no page of its own: its id alone is no key."""
        return

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Lines are reached from their document, not from the menu."""
        return False


def _document(request: HttpRequest) -> SourceDocument | None:
    try:
        named = UUID(request.GET.get("document", ""))
    except ValueError:
        return None
    return SourceDocument.objects.using(OPS).filter(pk=named).first()
