"""Payouts: the list, and one payout from gross to the bank."""

from __future__ import annotations

from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from accounts.models import SettlementAccount
from settlement import queries
from settlement.models import Payout
from web.dashboard import reading
from web.dashboard.cascade import cascade
from web.dashboard.entrance import MemberRequest, account_page, member_page, show
from web.dashboard.forms import PayoutFilter

PAGE = 50


@require_safe
@account_page
def payouts(request: MemberRequest, account: SettlementAccount) -> HttpResponse:
    """Payouts, newest first, filtered by the address."""
    form = PayoutFilter(
        request.GET,
        stores=list(account.stores.order_by("platform", "name")),
        currencies=reading.payout_currencies(account),
    )
    page = Paginator(form.narrow(queries.payouts(account)), PAGE).get_page(request.GET.get("page"))
    return show(request, "dashboard/payouts.html", {"form": form, "page": page})


@require_safe
@member_page
def payout(request: MemberRequest, payout_id: UUID) -> HttpResponse:
    """One payout: how it came to its amount, what it became, and the lines under it."""
    found = get_object_or_404(
        Payout.objects.select_related("store", "document", "store__settlement_account"),
        id=payout_id,
    )
    waterfall = queries.waterfall(found)
    lines, _named = queries.payout_lines(found)
    match = reading.match_of(found)
    exceptions = reading.exceptions_about(payout=found)
    differing = [e.exception.bank_line for e in exceptions if e.exception.bank_line]
    context = {
        "payout": found,
        "waterfall": waterfall,
        "cascade": cascade(waterfall, differing=differing),
        "match": match,
        "companions": reading.companions(found, match),
        "exceptions": exceptions,
        "versions": reading.versions(found),
        "page": Paginator(lines, PAGE).get_page(request.GET.get("page")),
    }
    return show(request, "dashboard/payout.html", context)
