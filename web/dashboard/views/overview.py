"""The first page: what is owed, on its way, arrived and missing, and bank against books."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import SettlementAccount, Store
from settlement import queries
from web.dashboard import flow, outgoing
from web.dashboard.entrance import MemberRequest, account_page, member_page, show

COLUMNS = ("owed", "in_transit", "arrived", "missing", "difference")
SHORT = 12
"""Rows shown until all are asked for: the page of stores has them by their health."""


@require_safe
@account_page
def overview(request: MemberRequest, account: SettlementAccount) -> HttpResponse:
    """Everything about one settlement account."""
    seen = queries.overview(account)
    totals = seen.totals()
    currencies = [total.currency for total in totals]
    currency = _one_of(request.GET.get("currency"), currencies)
    platforms = list(dict.fromkeys(row.store.platform for row in seen.stores))
    platform = request.GET.get("platform", "")
    rows = _sorted(seen.stores, platform if platform in platforms else "", request)
    shown = len(rows) if "all" in request.GET or len(rows) <= SHORT else SHORT
    context: dict[str, Any] = {
        "seen": seen,
        "totals": totals,
        "currency": currency,
        "currencies": currencies,
        "platforms": platforms,
        "platform": platform if platform in platforms else "",
        "rows": rows[:shown],
        "more": len(rows) - shown,
        "sort": request.GET.get("sort", ""),
        "silent": _silent(account, seen),
    }
    if currency:
        given: dict[str, Any] = {"currency": currency, "out": outgoing.exits(account).get(currency)}
        context["out"] = given["out"]
        context["wide"] = flow.picture(seen.stores, measures=flow.WIDE, **given)
        context["narrow"] = flow.picture(seen.stores, measures=flow.NARROW, **given)
    return show(request, "dashboard/overview.html", context)


@require_safe
@member_page
def work(request: MemberRequest) -> HttpResponse:
    """The banner that says what is being worked on; pages refresh when it becomes idle."""
    left = queries.work_in_progress()
    response = render(request, "dashboard/parts/work.html", {"work": left})
    if not left:
        response["HX-Trigger"] = "work-done"
    return response


def _silent(account: SettlementAccount, seen: queries.Overview) -> list[Store]:
    """Stores of which nothing is known yet."""
    heard = {row.store.id for row in seen.stores}
    stores = account.stores.order_by("platform", "name")
    return [store for store in stores if store.id not in heard]


def _sorted(
    rows: list[queries.StoreRow], platform: str, request: MemberRequest
) -> list[queries.StoreRow]:
    """The platform's rows, largest first in the chosen column, else those with a loss first."""
    shown = [row for row in rows if platform in ("", row.store.platform)]
    column = request.GET.get("sort", "")
    if column not in COLUMNS:
        return sorted(shown, key=lambda row: not (row.missing.amount or row.difference.amount))
    # Amounts of different currencies are not compared with one another.
    shown.sort(key=lambda row: attrgetter(column)(row).amount, reverse=True)
    return sorted(shown, key=lambda row: str(row.owed.currency))


def _one_of(wanted: str | None, choices: list[str]) -> str:
    if wanted in choices and wanted:
        return wanted
    return choices[0] if choices else ""
