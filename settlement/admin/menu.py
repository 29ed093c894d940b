"""The back-office's menu and first page; named in settings.UNFOLD."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Model, TextChoices
from django.http import HttpRequest
from django.urls import reverse_lazy
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from accounts.admin import OPS
from settlement.admin.base import list_of
from settlement.models import (
    OPEN_STATES,
    DocumentState,
    Reason,
    ReconException,
    ReconRun,
    RunState,
    SourceDocument,
    Withdrawal,
    WithdrawalState,
)

MENU: tuple[tuple[Any, tuple[tuple[Any, str, str], ...]], ...] = (
    (
        _("Merchants"),
        (
            (_("Merchants"), "storefront", "accounts_merchant"),
            (_("Settlement accounts"), "account_balance_wallet", "accounts_settlementaccount"),
            (_("Stores"), "shopping_bag", "accounts_store"),
            (_("Store links"), "link", "accounts_storelink"),
            (_("Bank accounts"), "account_balance", "accounts_bankaccount"),
            (_("Payees"), "how_to_reg", "accounts_payee"),
            (_("Users"), "group", "accounts_user"),
        ),
    ),
    (
        _("Settlement"),
        (
            (_("Exceptions"), "report", "settlement_reconexception"),
            (_("Payouts"), "payments", "settlement_payout"),
            (_("Matches"), "join_inner", "settlement_match"),
            (_("Bank lines"), "receipt_long", "settlement_bankline"),
            (_("Bank statements"), "description", "settlement_bankstatement"),
            (_("Documents"), "folder_open", "settlement_sourcedocument"),
            (_("Fetched days"), "cloud_download", "settlement_pullday"),
            (_("Hooks"), "webhook", "settlement_hook"),
            (_("Platform applications"), "key", "accounts_platformapp"),
            (_("Column profiles"), "view_column", "settlement_columnprofile"),
            (_("Reconciliations"), "sync", "settlement_reconrun"),
        ),
    ),
    (
        _("Money out"),
        (
            (_("Withdrawals"), "send_money", "settlement_withdrawal"),
            (_("Payment attempts"), "outbound", "settlement_paymentattempt"),
            (_("Fee quotes"), "request_quote", "settlement_feequote"),
            (_("Fee schedules"), "price_change", "settlement_feeschedule"),
            (_("Waiver programmes"), "redeem", "settlement_waiverprogram"),
            (_("Waiver rules"), "rule", "settlement_waiverrule"),
        ),
    ),
    (
        _("Books"),
        (
            (_("Journal entries"), "menu_book", "ledger_journalentry"),
            (_("Ledger accounts"), "account_tree", "ledger_ledgeraccount"),
            (_("Holds"), "lock", "ledger_hold"),
            (_("Closings"), "event_busy", "ledger_closing"),
            (_("Seals"), "approval", "ledger_seal"),
        ),
    ),
)
"""Heading, then what stands under it: title, icon (Material Symbols), app and model."""

UNREAD = [DocumentState.REFUSED, DocumentState.READING, DocumentState.STORED]
UNANSWERED = [WithdrawalState.OUTCOME_UNKNOWN]
UNFINISHED = [RunState.FAILED, RunState.RUNNING, RunState.QUEUED]


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """The menu, without what the operator may not see."""
    groups = [
        {"title": heading, "separator": True, "items": _items(request, entries)}
        for heading, entries in MENU
    ]
    return [group for group in groups if group["items"]]


def _items(request: HttpRequest, entries: tuple[tuple[Any, str, str], ...]) -> list[dict[str, Any]]:
    return [
        {"title": title, "icon": icon, "link": reverse_lazy(f"admin:{model}_changelist")}
        for title, icon, model in entries
        if request.user.has_perm("{}.view_{}".format(*model.split("_")))
    ]


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """What waits for somebody, of all merchants. Documents and runs are few beside their rows."""
    rows = [
        *_counted(ReconException, "reason", Reason, state__in=OPEN_STATES),
        *_counted(SourceDocument, "state", DocumentState, state__in=UNREAD),
        *_counted(Withdrawal, "state", WithdrawalState, state__in=UNANSWERED),
        *_counted(ReconRun, "state", RunState, state__in=UNFINISHED),
    ]
    waiting = {"headers": [_("What"), _("Which"), _("How many")], "rows": rows}
    return {**context, "title": _("Overview"), "waiting": waiting}


def _counted(
    model: type[Model], field: str, words: type[TextChoices], *, state__in: list[Any]
) -> list[list[object]]:
    """The rows in these states, counted by a field; each count leads to its rows."""
    states = ",".join(state__in)
    counts = (
        model._default_manager.using(OPS)
        .filter(state__in=state__in)
        .values_list(field)
        .annotate(count=Count("id"))
        .order_by("-count", field)
    )
    return [
        [
            capfirst(model._meta.verbose_name_plural),
            list_of(model, words(value).label, **{"state__in": states, field: value}),
            count,
        ]
        for value, count in counts
    ]
