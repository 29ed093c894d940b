"""Down to the bytes: a source row among its neighbours, the file's summary, the original."""

from __future__ import annotations

from uuid import UUID

from django.http import FileResponse, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from settlement.models import SourceDocument
from settlement.money_in import originals
from web.dashboard import looking, reading
from web.dashboard.entrance import MemberRequest, member_page, show


@require_safe
@member_page
def source_row(request: MemberRequest, document_id: UUID, row: int) -> HttpResponse:
    """The row of the original a figure comes from, and what was read from it."""
    document = get_object_or_404(SourceDocument.objects.select_related("store"), id=document_id)
    lines, payouts, bank_lines = reading.at_row(document, row)
    known_by = [line.external_id.partition("|")[0] for line in lines]
    known_by += [payout.external_id for payout in payouts]
    known_by += [line.reference for line in bank_lines]
    context = {
        "document": document,
        "row": row,
        "lines": lines,
        "payouts": payouts,
        "bank_lines": bank_lines,
        "excerpt": looking.excerpt_of(document, row, needle=next(iter(known_by), "")),
    }
    return show(request, "dashboard/source_row.html", context)


@require_safe
@member_page
def summary(request: MemberRequest, document_id: UUID) -> HttpResponse:
    """What the file itself says it adds up to; a fragment, as it reads the whole file."""
    document = get_object_or_404(SourceDocument, id=document_id)
    context = {"document": document, "statements": looking.said_by(document)}
    return render(request, "dashboard/parts/summary.html", context)


@require_safe
@member_page
def original(request: MemberRequest, document_id: UUID) -> FileResponse:
    """The bytes exactly as received, to download."""
    document = get_object_or_404(SourceDocument, id=document_id)
    response = FileResponse(
        originals.open_original(merchant_id=document.merchant_id, sha256=document.sha256),
        as_attachment=True,
        filename=document.name,
        # Never what the sender claims: a browser must not run what it is given here.
        content_type="application/octet-stream",
    )
    response["X-Content-Type-Options"] = "nosniff"
    return response
