"""Bank lines: the list, and one line with what it is matched to."""

from __future__ import annotations

from uuid import UUID

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from accounts.models import SettlementAccount
from settlement import queries
from settlement.models import BankLine
from web.dashboard import outgoing, reading
from web.dashboard.entrance import MemberRequest, account_page, member_page, show
from web.dashboard.forms import BankFilter

PAGE = 50


@require_safe
@account_page
def bank_lines(request: MemberRequest, account: SettlementAccount) -> HttpResponse:
    """Booked entries, newest first, each with the payouts it pays."""
    form = BankFilter(request.GET, accounts=list(account.bank_accounts.order_by("bank", "id")))
    lines = form.narrow(queries.bank_lines(account))
    page = Paginator(lines, PAGE).get_page(request.GET.get("page"))
    withdrawn = outgoing.withdrawals_in(page.object_list)
    for line in page.object_list:
        line.withdrawal = withdrawn.get(line.id)  # type: ignore[attr-defined]  # for the table
    return show(request, "dashboard/bank_lines.html", {"form": form, "page": page})


@require_safe
@member_page
def bank_line(request: MemberRequest, line_id: UUID) -> HttpResponse:
    """One entry: its text, its details, its match."""
    found = get_object_or_404(
        BankLine.objects.select_related("bank_account", "statement", "document"), id=line_id
    )
    match = reading.match_of_line(found)
    context = {
        "line": found,
        "details": reading.details_of(found),
        "match": match,
        "withdrawal": outgoing.withdrawals_in([found]).get(found.id) if match else None,
        "payouts": reading.payouts_in(match) if match else [],
        "exceptions": reading.exceptions_about(bank_line=found),
    }
    return show(request, "dashboard/bank_line.html", context)
