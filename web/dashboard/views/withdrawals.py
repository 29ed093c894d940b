"""Withdrawals: the list, its export, one withdrawal as a receipt, and taking it back."""

from __future__ import annotations

import csv
import io
import zoneinfo
from collections.abc import Iterator
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from djmoney.money import Money

from accounts.access import ALLOWED, Action, acting_for, require
from accounts.models import Role, SettlementAccount
from settlement.errors import IllegalTransitionError
from settlement.models import Withdrawal, WithdrawalState
from settlement.money_out import queries
from settlement.money_out import withdrawals as orders
from web.dashboard import outgoing, receipts
from web.dashboard.entrance import MemberRequest, account_page, member_page, show
from web.dashboard.money_forms import WithdrawalFilter

PAGE = 50
CHUNK = 500
"""Rows of an export fetched at a time: no transaction waits for a slow reader."""


@require_safe
@account_page
def withdrawals(request: MemberRequest, account: SettlementAccount) -> HttpResponse:
    """Withdrawals, newest first, filtered by the address, and what was saved."""
    form = WithdrawalFilter(request.GET)
    page = Paginator(form.narrow(queries.withdrawals(account)), PAGE).get_page(
        request.GET.get("page")
    )
    context = {
        "form": form,
        "page": page,
        "rows": outgoing.rows(page.object_list),
        "savings": outgoing.savings(account),
        "may_withdraw": _may_withdraw(request),
    }
    return show(request, "dashboard/withdrawals.html", context)


@require_safe
@member_page
def withdrawal(request: MemberRequest, withdrawal_id: UUID) -> HttpResponse:
    """One withdrawal: what it cost and why, and how far it has come."""
    found = get_object_or_404(
        Withdrawal.objects.select_related(
            "payee", "bank_account", "requested_by", "quote__rule__program", "quote__schedule"
        ),
        id=withdrawal_id,
    )
    context = {
        "withdrawal": found,
        "receipt": receipts.receipt(found),
        "may_cancel": found.state == WithdrawalState.RESERVED and _may_withdraw(request),
        "may_withdraw": _may_withdraw(request),
    }
    return show(request, "dashboard/withdrawal.html", context)


@require_POST
@member_page
def cancel(request: MemberRequest, withdrawal_id: UUID) -> HttpResponse:
    """Take an order back, as long as it has not gone to the bank."""
    require(request.member, Action.WITHDRAW)
    # Whoever sends it takes the row first or waits here; only one of the two is in time.
    found = get_object_or_404(
        Withdrawal.objects.select_for_update(of=("self",)).select_related("quote__rule__program"),
        id=withdrawal_id,
    )
    try:
        with transaction.atomic():
            orders.cancel(found, now=timezone.now())
    except IllegalTransitionError:
        messages.error(
            request,
            _("It cannot be cancelled any more: it has gone to the bank, or is over already."),
        )
    else:
        messages.success(request, _("The withdrawal was cancelled. The money is available again."))
    return redirect("withdrawal", withdrawal_id=found.id)


def _may_withdraw(request: MemberRequest) -> bool:
    return Action.WITHDRAW in ALLOWED[Role(request.member.role)]


# --- export -------------------------------------------------------------------------------


@require_safe
@account_page
def export(request: MemberRequest, account: SettlementAccount) -> StreamingHttpResponse:
    """The filtered list as CSV, in UTF-8 with the mark that spreadsheets look for."""
    response = StreamingHttpResponse(
        _csv(
            account,
            WithdrawalFilter(request.GET),
            language=translation.get_language() or "en",
            zone=zoneinfo.ZoneInfo(request.member.merchant.zone),
        ),
        content_type="text/csv; charset=utf-8",
    )
    response["Content-Disposition"] = 'attachment; filename="withdrawals.csv"'
    return response


def _csv(
    account: SettlementAccount,
    form: WithdrawalFilter,
    *,
    language: str,
    zone: zoneinfo.ZoneInfo,
) -> Iterator[str]:
    """The file piece by piece. It is read after the request's transaction has ended."""
    with translation.override(language):
        heads = [str(head) for head in _heads()]
    yield "\N{BYTE ORDER MARK}" + _written([heads])
    last: UUID | None = None
    while True:
        with acting_for(account.merchant_id), timezone.override(zone):
            found = form.narrow(queries.withdrawals(account)).order_by("-id")
            if last is not None:
                found = found.filter(id__lt=last)
            with translation.override(language):
                rows = outgoing.rows(found[:CHUNK])
                text = _written([_cells(row) for row in rows])
        if not rows:
            return
        last = rows[-1].withdrawal.id
        yield text


def _heads() -> list[str]:
    return [
        _("Number"),
        _("Ordered"),
        _("State"),
        _("Currency"),
        _("Amount"),
        _("Fee"),
        _("Waived"),
        _("You pay"),
        _("Programme"),
        _("Payee"),
        _("Account"),
        _("Text"),
        _("Paid on"),
        _("Returned on"),
        _("Reason"),
    ]


def _cells(row: outgoing.Row) -> list[str]:
    given = row.withdrawal
    sums = (given.amount, given.fee, given.waived, row.rest)
    return [
        given.number,
        timezone.localtime(given.requested_at).isoformat(timespec="seconds"),
        str(row.badge.text),
        given.amount_currency,
        *(_plain(amount) for amount in sums),
        row.program,
        given.payee.holder,
        f"{given.payee.bank} {given.payee.masked}",
        given.text,
        given.paid_on.isoformat() if given.paid_on else "",
        given.returned_on.isoformat() if given.returned_on else "",
        given.reason,
    ]


def _plain(amount: Money) -> str:
    """An amount with its currency's decimals; a withdrawal has no more."""
    return f"{amount.amount:.{len(str(amount.currency.sub_unit)) - 1}f}"


def _written(rows: list[list[str]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([harmless(cell) for cell in row] for row in rows)
    return buffer.getvalue()


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
