"""Stores: every one with its health, the worst first."""

from __future__ import annotations

from collections import Counter

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.models import SettlementAccount
from settlement.store_health import Health, store_health, with_documents
from web.dashboard import labels
from web.dashboard.entrance import MemberRequest, account_page, show
from web.dashboard.store_forms import StoreFilter

PAGE = 50


@require_safe
@account_page
def stores(request: MemberRequest, account: SettlementAccount) -> HttpResponse:
    """The settlement account's stores, worst first, filtered by the address."""
    rows = store_health(account, now=timezone.now())
    form = StoreFilter(request.GET, rows=rows)
    page = Paginator(form.narrow(rows), PAGE).get_page(request.GET.get("page"))
    counts = Counter(row.health for row in rows)
    context = {
        "form": form,
        "page": page,
        "rows": with_documents(account, page.object_list),
        "total": len(rows),
        "healths": [(health, labels.HEALTHS[health], counts[health]) for health in Health],
        "chosen": form.chosen("health") or "",
    }
    return show(request, "dashboard/stores.html", context)
