"""Where a withdrawal's money came from, as a table of the back-office."""

from __future__ import annotations

from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.access import acting_for
from settlement.admin.base import NOTHING, page_of, table, written
from settlement.models import Payout, Withdrawal
from settlement.money_out.origins import Origin, origins


def origins_table(withdrawal: Withdrawal) -> SafeString:
    """What each arrival gave to a paid withdrawal, and what nobody knows the origin of."""
    with acting_for(withdrawal.merchant_id):
        found = origins([withdrawal])[withdrawal.id]
    rows = [(_brought_by(origin), _stores(origin), written(origin.amount)) for origin in found]
    known = sum((origin.amount for origin in found), start=withdrawal.amount * 0)
    rest = withdrawal.amount + withdrawal.fee - withdrawal.waived - known
    if rest.amount:
        rows.append((str(_("not known")), NOTHING, written(rest)))
    return table(
        (_("payout or returned withdrawal"), _("store"), _("amount")),
        rows,
        title=_("Where its money came from"),
    )


def _brought_by(origin: Origin) -> SafeString | str:
    if origin.returned is not None:
        return page_of(Withdrawal(id=origin.returned.id), origin.returned.number)
    links = ((page_of(Payout(id=payout.id), payout.external_id),) for payout in origin.payouts)
    return format_html_join(", ", "{}", links) or origin.reference


def _stores(origin: Origin) -> str:
    return ", ".join(sorted({payout.store for payout in origin.payouts})) or NOTHING
