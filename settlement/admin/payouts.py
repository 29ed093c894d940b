"""Payouts, each with its waterfall, its match and what is wrong with it."""

from __future__ import annotations

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.access import acting_for
from settlement import queries
from settlement.admin.base import BusinessAdmin, MerchantFilter, money, page_of, table, written
from settlement.admin.matching import ExceptionInline, ItemInline
from settlement.models import Payout
from settlement.queries import Waterfall


@admin.register(Payout)
class PayoutAdmin(BusinessAdmin):
    """Payouts of all merchants; a restated one keeps its row."""

    list_display = (
        "external_id",
        "merchant",
        "store",
        money("amount", _("amount")),
        "state",
        "announced_at",
        "arrives_on",
        "arrived_on",
        "live",
    )
    list_select_related = ("merchant", "store")
    list_filter = ("state", "live", MerchantFilter)
    search_fields = ("external_id__startswith", "remittance__startswith", "merchant__name")
    inlines = (ItemInline, ExceptionInline)
    fields = (
        "external_id",
        "merchant",
        "store",
        money("amount", _("amount")),
        "state",
        "announced_at",
        "arrives_on",
        "arrived_on",
        "remittance",
        "waterfall",
        "bank_lines",
        "document",
        "row",
        "version",
        "live",
        "derived",
        "numbered",
    )

    @admin.display(description=_("gross → fees → net"))
    def waterfall(self, payout: Payout) -> SafeString:
        """What the payout consists of, by kind of line, as the merchant sees it."""
        found = _waterfall(payout)
        rows = [(part.kind, part.count, written(part.amount)) for part in found.parts]
        sums = ((_("gross"), found.gross), (_("fees"), found.fees), (_("net"), found.net),
                (_("carried over"), found.carried), (_("payout"), payout.amount))  # fmt: skip
        return table(
            (_("kind"), _("lines"), _("amount")),
            [*rows, *((name, "", written(amount)) for name, amount in sums)],
        )

    @admin.display(description=_("bank lines"))
    def bank_lines(self, payout: Payout) -> SafeString | str:
        """The bank lines of its confirmed match."""
        rows = [
            (page_of(line, str(line.booked_on)), written(line.amount), line.counterparty,
             line.remittance, line.bank_account)
            for line in _waterfall(payout).bank_lines
        ]  # fmt: skip
        heads = (_("booked"), _("amount"), _("counterparty"), _("text"), _("bank account"))
        return table(heads, rows) if rows else format_html("{}", _("none"))


def _waterfall(payout: Payout) -> Waterfall:
    with acting_for(payout.merchant_id):
        return queries.waterfall(Payout.objects.get(pk=payout.pk))
