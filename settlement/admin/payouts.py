"""Payouts, each with its waterfall, its match and what is wrong with it."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.access import acting_for
from settlement import queries
from settlement.admin.base import (
    BusinessAdmin,
    MerchantFilter,
    WithTables,
    money,
    page_of,
    table,
    written,
)
from settlement.admin.matching import ExceptionInline, ItemInline
from settlement.models import Payout
from settlement.queries import Waterfall


@admin.register(Payout)
class PayoutAdmin(WithTables, BusinessAdmin):
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
        "document",
        "row",
        "version",
        "live",
        "derived",
        "numbered",
    )

    def tables(self, row: Payout) -> list[SafeString]:
        """How it came to its amount and which bank lines it became, as the merchant sees it."""
        with acting_for(row.merchant_id):
            waterfall = queries.waterfall(Payout.objects.get(pk=row.pk))
        return [_parts(waterfall), _bank_lines(waterfall)]


def _parts(waterfall: Waterfall) -> SafeString:
    rows = [(part.kind, part.count, written(part.amount)) for part in waterfall.parts]
    sums = (
        (_("gross"), waterfall.gross),
        (_("fees"), waterfall.fees),
        (_("net"), waterfall.net),
        (_("carried over"), waterfall.carried),
        (_("payout"), waterfall.payout.amount),
    )
    return table(
        (_("kind"), _("lines"), _("amount")),
        [*rows, *((name, "", written(amount)) for name, amount in sums)],
        title=_("Gross → fees → net"),
    )


def _bank_lines(waterfall: Waterfall) -> SafeString:
    rows = [
        (
            page_of(line, str(line.booked_on)),
            written(line.amount),
            line.counterparty,
            line.remittance,
            line.bank_account,
        )
        for line in waterfall.bank_lines
    ]
    heads = (_("booked"), _("amount"), _("counterparty"), _("text"), _("bank account"))
    return table(heads, rows, title=_("Bank lines"))
