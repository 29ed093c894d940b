"""Exceptions: what is left over, in plain words, with what to do next."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.views.decorators.http import require_safe

from accounts.models import SettlementAccount
from settlement import queries
from settlement.models import Reason
from web.dashboard import reading
from web.dashboard.entrance import MemberRequest, account_page, show

SOME = 5
PAGE = 50


@require_safe
@account_page
def exceptions(request: MemberRequest, account: SettlementAccount) -> HttpResponse:
    """Open exceptions by reason; of one reason all of them, page by page."""
    reason = request.GET.get("reason", "")
    if reason in Reason.values:
        standing = queries.open_exceptions(account).filter(reason=reason)
        page = Paginator(standing, PAGE).get_page(request.GET.get("page"))
        groups = [
            reading.Group(
                reason=Reason(reason), total=page.paginator.count, exceptions=list(page.object_list)
            )
        ]
        context = {"groups": reading.explained(account, groups), "page": page, "reason": reason}
    else:
        groups = reading.exception_groups(account, most=SOME)
        context = {"groups": reading.explained(account, groups)}
    return show(request, "dashboard/exceptions.html", context)
