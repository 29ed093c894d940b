"""Documents: upload, list, look into, withdraw."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import Action, require
from accounts.models import Store
from settlement import queries
from settlement.errors import (
    AlreadyStoredError,
    IllegalTransitionError,
    RefusedError,
    SettledError,
)
from settlement.models import DocumentState, SourceDocument
from settlement.money_in import ingest
from settlement.money_in.withdrawing import withdraw as withdraw_document
from web.dashboard import looking, reading
from web.dashboard.entrance import MemberRequest, member_page, show
from web.dashboard.forms import DocumentFilter, UploadForm

PAGE = 50


@require_safe
@member_page
def documents(request: MemberRequest) -> HttpResponse:
    """Documents, newest first, with the upload form for those who may."""
    return _list(request)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def upload(request: MemberRequest) -> HttpResponse:
    """Take files in; they are read by the workers."""
    require(request.member, Action.UPLOAD)
    if request.method != "POST":
        return redirect("documents")
    form = _upload_form(list(reading.stores()), request.POST, request.FILES)
    if not form.is_valid():
        return _list(request, form)
    taken = sum(_receive(request, file, form) for file in form.cleaned_data["originals"])
    if taken:
        messages.success(
            request,
            ngettext(
                "%d file is stored and being read.", "%d files are stored and being read.", taken
            )
            % taken,
        )
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Redirect": reverse("documents")})
    return redirect("documents")


def _upload_form(
    stores: list[Store], data: Any = None, files: Any = None, *, whose: str = ""
) -> UploadForm:
    accounts = list(reading.bank_accounts())
    return UploadForm(data, files, stores=stores, accounts=accounts, whose=whose)


def _receive(request: MemberRequest, file: UploadedFile[Any], form: UploadForm) -> bool:
    """Take one file; what stands against it becomes a message."""
    name = file.name or _("without a name")
    try:
        ingest.receive(
            merchant_id=request.member.merchant_id,
            stream=file,  # type: ignore[arg-type]
            name=name,
            store=form.store,
            bank_account=form.bank_account,
            uploaded_by=request.user,
            origin="upload",
        )
    except AlreadyStoredError as error:
        address = reverse("document", args=[error.document_id])
        text = _("%(file)s is here already; nothing was added.") % {"file": name}
        messages.info(
            request, format_html('{} <a href="{}">{}</a>', text, address, _("Look at it"))
        )
        return False
    except RefusedError as error:
        messages.error(
            request, _("%(file)s was not taken: %(reason)s") % {"file": name, "reason": error}
        )
        return False
    return True


def _list(request: MemberRequest, form: UploadForm | None = None) -> HttpResponse:
    stores = list(reading.stores())
    chosen = DocumentFilter(request.GET, stores=stores)
    page = Paginator(chosen.narrow(queries.documents()), PAGE).get_page(request.GET.get("page"))
    context = {
        "filter": chosen,
        "form": form or _upload_form(stores, whose=request.GET.get("belongs_to", "")),
        "page": page,
        "in_work": reading.in_work(page.object_list),
    }
    return show(request, "dashboard/documents.html", context)


@require_safe
@member_page
def document(request: MemberRequest, document_id: UUID) -> HttpResponse:
    """One document: how it fared, its first rows, and what was read from it."""
    found = get_object_or_404(queries.documents(), id=document_id)
    lines = reading.lines_of(found)
    context = {
        "document": found,
        "in_work": reading.in_work([found]),
        "contents": reading.contents(found),
        "statements": found.statements.select_related("bank_account").order_by("period_from"),
        "payouts": found.payouts.select_related("store").order_by("row", "id")[:PAGE],
        "bank_lines": found.bank_lines.select_related("bank_account").order_by("row", "id")[:PAGE],
        "exceptions": reading.exceptions_about(document=found),
        "page": Paginator(lines, PAGE).get_page(request.GET.get("page")),
        "preview": looking.preview_of(found),
        "may_withdraw": found.state in (DocumentState.LOADED, DocumentState.REFUSED),
    }
    return show(request, "dashboard/document.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def withdraw(request: MemberRequest, document_id: UUID) -> HttpResponse:
    """Ask, then take a wrongly uploaded document back."""
    require(request.member, Action.UPLOAD)
    found = get_object_or_404(SourceDocument.objects.select_related("store"), id=document_id)
    if request.method != "POST":
        context = {"document": found, "contents": reading.contents(found)}
        return show(request, "dashboard/withdraw.html", context)
    try:
        withdraw_document(merchant_id=found.merchant_id, document_id=found.id, now=timezone.now())
    except IllegalTransitionError:
        messages.error(
            request, _("This file cannot be withdrawn now: it is being read, or it already was.")
        )
    except SettledError as error:
        messages.error(
            request,
            _("%(file)s was not withdrawn: %(reason)s") % {"file": found.name, "reason": error},
        )
    else:
        messages.success(request, _("%(file)s was withdrawn.") % {"file": found.name})
    return redirect("document", document_id=found.id)
