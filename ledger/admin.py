"""The operator reads accounts, entries, holds, closings and seals here; nobody writes them."""

from __future__ import annotations

from textwrap import wrap
from typing import Any

from django.contrib import admin
from django.db.models import F, Func, IntegerField, Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from ledger.checks import operator_alias
from ledger.models import Closing, Hold, JournalEntry, LedgerAccount, Posting, Seal, Side


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]  # unfold is not typed
    """Shows every book's rows, through the operator's role; changes none."""

    list_per_page = 50
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows of all books."""
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.using(operator_alias())

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Never."""
        return False


@admin.register(LedgerAccount)
class LedgerAccountAdmin(ReadOnlyAdmin):
    """Accounts of all books."""

    list_display = ("code", "currency", "normal_side", "floor", "book", "opened_at")
    list_filter = ("currency", "normal_side")
    search_fields = ("code", "book")


@admin.register(JournalEntry)
class JournalEntryAdmin(ReadOnlyAdmin):
    """Entries of all books, each with its postings; within a book the newest first."""

    list_display = ("reference", "kind", "booked_on", "event_at", "known_at", "book")
    # As the primary key lies, so that a page of a large table needs no sorting.
    ordering = ("-book", "-id")
    search_fields = ("reference", "book")
    fields = (
        "reference",
        "kind",
        "memo",
        "postings_table",
        "book",
        "event_at",
        "known_at",
        "booked_on",
        "reverses",
        "hold_id",
        "fingerprint",
    )
    readonly_fields = ("postings_table", "fingerprint")

    @admin.display(description=_("postings"))
    def postings_table(self, entry: JournalEntry) -> SafeString:
        """The entry's postings as a table, debits and credits side by side."""
        postings = Posting.objects.using(operator_alias()).filter(
            book=entry.book, entry_id=entry.id, known_at=entry.known_at
        )
        rows = format_html_join(
            "",
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            (
                (
                    p.account.code,
                    _on(p, Side.DEBIT),
                    _on(p, Side.CREDIT),
                    p.currency,
                    p.subject or "",
                )
                for p in postings.select_related("account").order_by("line_no")
            ),
        )
        heads = format_html_join(
            "",
            "<th>{}</th>",
            ((head,) for head in (_("account"), _("debit"), _("credit"), "", _("subject"))),
        )
        return format_html("<table><tr>{}</tr>{}</table>", heads, rows)

    @admin.display(description=_("content hash"))
    def fingerprint(self, entry: JournalEntry) -> str:
        """The content hash in hexadecimal."""
        return _hexadecimal(entry.content_hash)


@admin.register(Hold)
class HoldAdmin(ReadOnlyAdmin):
    """Holds of all books; within a book the newest first."""

    list_display = ("reference", "state", "account", "amount", "currency", "placed_at", "book")
    list_filter = ("state", "currency")
    list_select_related = ("account",)
    ordering = ("-book", "-id")
    search_fields = ("reference", "book")
    fields = (
        "reference",
        "state",
        "account",
        "amount",
        "taken",
        "currency",
        "subject",
        "book",
        "placed_at",
        "expires_at",
        "settled_at",
        "entries",
        "reason",
    )
    readonly_fields = ("entries",)

    @admin.display(description=_("journal entries"))
    def entries(self, hold: Hold) -> str:
        """The references of the entries that took from it."""
        by_hold = Q(hold_id=hold.id)
        if hold.posted_by_id is not None:
            by_hold |= Q(id=hold.posted_by_id)
        found = JournalEntry.objects.using(operator_alias()).filter(by_hold, book=hold.book)
        return ", ".join(found.order_by("id").values_list("reference", flat=True))


@admin.register(Closing)
class ClosingAdmin(ReadOnlyAdmin):
    """Closings and reopenings of all books; within a book the newest, which is in force, first."""

    list_display = ("book", "number", "action", "through", "closed_by", "approved_by", "closed_at")
    list_filter = ("action",)
    ordering = ("-book", "-number")
    search_fields = ("book", "closed_by", "approved_by")
    fields = (
        "book",
        "number",
        "action",
        "through",
        "closed_by",
        "approved_by",
        "reason",
        "closed_at",
        "fingerprint",
    )
    readonly_fields = ("fingerprint",)

    @admin.display(description=_("digest"))
    def fingerprint(self, closing: Closing) -> str:
        """The digest in hexadecimal."""
        return _hexadecimal(closing.digest)


@admin.register(Seal)
class SealAdmin(ReadOnlyAdmin):
    """Seals of all books; within a book the newest first, without their thousands of records."""

    list_display = ("number", "book", "sealed_at", "records", "fingerprint")
    ordering = ("-book", "-number")
    search_fields = ("book",)
    fields = ("book", "number", "sealed_at", "records", "previous_fingerprint", "fingerprint")
    readonly_fields = ("records", "previous_fingerprint", "fingerprint")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The seals without their records, but with how many these are."""
        records = Func(F("ids"), function="cardinality", output_field=IntegerField())
        rows: QuerySet[Any] = super().get_queryset(request).annotate(records=records)
        return rows.defer("kinds", "ids", "digests")

    @admin.display(description=_("number of records"))
    def records(self, seal: Any) -> int:
        """How many records it seals."""
        return int(seal.records)

    @admin.display(description=_("head"))
    def fingerprint(self, seal: Seal) -> str:
        """The head in hexadecimal."""
        return _hexadecimal(seal.head)

    @admin.display(description=_("previous head"))
    def previous_fingerprint(self, seal: Seal) -> str:
        """The head of the seal before it."""
        return _hexadecimal(seal.previous)


def _hexadecimal(digest: bytes | memoryview) -> SafeString:
    """A digest that may be broken on a narrow screen, and is copied without a gap."""
    parts = wrap(bytes(digest).hex(), 16)
    return format_html_join(mark_safe("<wbr>"), "{}", ((part,) for part in parts))


def _on(posting: Posting, side: Side) -> str:
    """The amount in minor units if it stands on this side."""
    return str(posting.amount) if posting.side == side else ""
