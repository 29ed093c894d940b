"""Who is signed in, for which merchant, and what else they may choose."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST, require_safe

from accounts.access import asking_as, membership, visible_to
from accounts.errors import NoSuchMerchantError
from settlement import queries
from web.dashboard.context import MERCHANT
from web.dashboard.entrance import (
    ACCOUNT,
    MemberRequest,
    choose_account,
    member_page,
    show,
)


@require_safe
@member_page
def profile(request: MemberRequest) -> HttpResponse:
    """The signed-in user, the merchants it may act for, and their settlement accounts."""
    with asking_as(request.user):
        memberships = list(visible_to(request.user))
    context = {"memberships": memberships, "accounts": list(queries.settlement_accounts())}
    return show(request, "dashboard/profile.html", context)


@require_POST
@member_page
def act_for(request: MemberRequest, merchant_id: UUID) -> HttpResponse:
    """Act for another merchant from now on."""
    try:
        membership(request.user, merchant_id=merchant_id)
    except NoSuchMerchantError as error:
        raise Http404(str(error)) from error
    request.session[MERCHANT] = str(merchant_id)
    request.session.pop(ACCOUNT, None)
    return redirect("overview")


@require_POST
@member_page
def look_at(request: MemberRequest, account_id: UUID) -> HttpResponse:
    """Look at another settlement account from now on."""
    choose_account(request, get_object_or_404(queries.settlement_accounts(), id=account_id).id)
    return redirect("overview")
