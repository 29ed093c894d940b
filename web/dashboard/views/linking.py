"""Link stores: many by a spreadsheet, or a single one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import Action, require
from accounts.errors import StoreTakenError
from accounts.models import SettlementAccount
from settlement import queries
from settlement.money_in import linking, platform_names
from settlement.money_in.store_sheet import MOST_BYTES
from settlement.money_in.store_template import template
from settlement.store_health import Health
from web.dashboard import carrying
from web.dashboard.entrance import MemberRequest, account_page, show
from web.dashboard.store_forms import SheetForm, StoreForm

SHOWN = 300
"""Rows of a preview on the page; those with errors come first."""
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@require_http_methods(["GET", "HEAD", "POST"])
@account_page
def link_stores(request: MemberRequest, account: SettlementAccount) -> HttpResponse:
    """The way to link stores; with a spreadsheet, what linking it would do."""
    require(request.member, Action.LINK)
    if request.method != "POST":
        return _page(request, account)
    form = SheetForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, account, sheet_form=form)
    file = form.cleaned_data["sheet"]
    try:
        sheet = linking.read_sheet(file.read(MOST_BYTES + 1), name=file.name)
    except linking.SheetError as error:
        form.add_error("sheet", str(error))
        return _page(request, account, sheet_form=form)
    seen = linking.preview(account, sheet.rows)
    return _preview(request, account, seen, file=file.name, unused=sheet.unused)


@require_http_methods(["GET", "HEAD", "POST"])
@account_page
def confirm_stores(request: MemberRequest, account: SettlementAccount) -> HttpResponse:
    """Link what was shown, if it still can be linked."""
    require(request.member, Action.LINK)
    if request.method != "POST":
        return redirect("link_stores")
    try:
        rows = carrying.opened(request.POST.get("rows", ""), account=account, user=request.user)
    except carrying.LostRowsError:
        messages.error(
            request,
            _("This preview is no longer valid; nothing was linked. Upload the file again."),
        )
        return redirect("link_stores")
    try:
        done = linking.link(account, rows, by=request.user, now=timezone.now())
    except (linking.RowsRefusedError, StoreTakenError):
        # The store or name came aboard some other way since the preview.
        messages.error(request, _("Something has changed meanwhile; nothing was linked."))
        return _preview(request, account, linking.preview(account, rows))
    _tell(request, done)
    return redirect(f"{reverse('stores')}?health={Health.NEW}" if done.stores else "stores")


@require_http_methods(["GET", "HEAD", "POST"])
@account_page
def add_store(request: MemberRequest, account: SettlementAccount) -> HttpResponse:
    """Link a single store."""
    require(request.member, Action.LINK)
    if request.method != "POST":
        return redirect("link_stores")
    form = StoreForm(request.POST)
    if not form.is_valid():
        return _page(request, account, store_form=form)
    row = linking.SheetRow(row=1, **form.cleaned_data)
    try:
        done = linking.link(account, [row], by=request.user, now=timezone.now())
    except linking.RowsRefusedError as error:
        form.refuse(error.preview.rows[0])
        return _page(request, account, store_form=form)
    except StoreTakenError:
        form.add_error("name", _("This store is linked already."))
        return _page(request, account, store_form=form)
    if done.known:
        form.add_error("name", _("This store is linked already."))
        return _page(request, account, store_form=form)
    _tell(request, done)
    return redirect("stores")


@require_safe
@account_page
def store_template(request: MemberRequest, account: SettlementAccount) -> HttpResponse:
    """The empty spreadsheet, in the reader's language."""
    require(request.member, Action.LINK)
    content = template(
        choices=platform_names.choices(),
        accounts=[found.name for found in queries.settlement_accounts()],
    )
    return HttpResponse(
        content,
        content_type=XLSX,
        headers={"Content-Disposition": 'attachment; filename="tributary-stores.xlsx"'},
    )


def _tell(request: MemberRequest, done: linking.Linked) -> None:
    new, numbered, known = len(done.stores), done.numbered, done.known
    said = [
        (new, ngettext("%d store is linked.", "%d stores are linked.", new)),
        (numbered, ngettext("%d shop number is noted.", "%d shop numbers are noted.", numbered)),
        (known, ngettext("%d was linked already.", "%d were linked already.", known)),
    ]
    messages.success(request, " ".join(text % count for count, text in said if count))


def _preview(
    request: MemberRequest,
    account: SettlementAccount,
    seen: linking.Preview,
    *,
    file: str = "",
    unused: Sequence[str] = (),
) -> HttpResponse:
    """What linking would do with each row, errors first, and the way to do it."""
    errors = seen.of(linking.Verdict.ERROR)
    others = [row for row in seen.rows if row.verdict != linking.Verdict.ERROR]
    rows = (row.row for row in seen.rows)
    return _page(
        request,
        account,
        seen=seen,
        counts=[(verdict, len(seen.of(verdict))) for verdict in linking.Verdict],
        errors=errors,
        shown=[*errors, *others][:SHOWN],
        more=max(0, len(seen.rows) - SHOWN),
        file=file,
        unused=unused,
        carried=carrying.sealed(rows, account=account, user=request.user) if seen.ready else "",
    )


def _page(
    request: MemberRequest,
    account: SettlementAccount,
    *,
    sheet_form: SheetForm | None = None,
    store_form: StoreForm | None = None,
    **more: Any,
) -> HttpResponse:
    context = {
        "account": account,
        "sheet_form": sheet_form or SheetForm(),
        "store_form": store_form or StoreForm(),
        **more,
    }
    return show(request, "dashboard/link_stores.html", context)
