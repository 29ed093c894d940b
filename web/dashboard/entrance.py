"""Who may come in, and what every page is given."""

from __future__ import annotations

import functools
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django_htmx.middleware import HtmxDetails

from accounts.access import ALLOWED, Action
from accounts.errors import NotAllowedError
from accounts.models import Member, Role, SettlementAccount, User
from settlement import queries

ACCOUNT = "settlement_account_id"
"""The session's key of the settlement account a member has chosen."""

P = ParamSpec("P")


class MemberRequest(HttpRequest):
    """A request of a signed-in member, inside its merchant's transaction."""

    member: Member
    user: User
    htmx: HtmxDetails
    account: SettlementAccount | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chrome:
    """What stands around every page."""

    account: SettlementAccount | None
    exceptions: int
    work: int
    may_upload: bool
    may_link: bool


View = Callable[Concatenate[MemberRequest, P], HttpResponseBase]


def member_page(view: View[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Let members in, in their merchant's time zone; send visitors to sign in."""

    @functools.wraps(view)
    def page(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _sign_in(request)
        member: Member | None = request.member  # type: ignore[attr-defined]
        if member is None:
            return render(request, "dashboard/no_merchant.html", status=403)
        try:
            with timezone.override(zoneinfo.ZoneInfo(member.merchant.zone)):
                response = view(request, *args, **kwargs)  # type: ignore[arg-type]
        except NotAllowedError as error:
            raise PermissionDenied(str(error)) from error
        add_never_cache_headers(response)
        return response

    page.members_only = True  # type: ignore[attr-defined]
    return page


def account_page(
    view: Callable[Concatenate[MemberRequest, SettlementAccount, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """As `member_page`, giving the view the chosen settlement account as well."""

    def page(request: MemberRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        account = chosen_account(request)
        if account is None:
            return show(request, "dashboard/no_account.html", {})
        return view(request, account, *args, **kwargs)

    functools.update_wrapper(page, view)
    return member_page(page)


def show(
    request: MemberRequest, template: str, context: Mapping[str, Any], *, status: int = 200
) -> HttpResponse:
    """Render a page with what stands around it."""
    account = chosen_account(request)
    allowed = ALLOWED[Role(request.member.role)]
    chrome = Chrome(
        account=account,
        exceptions=queries.open_exceptions(account).count() if account else 0,
        work=queries.work_in_progress(),
        may_upload=Action.UPLOAD in allowed,
        may_link=Action.LINK in allowed,
    )
    return render(request, template, {**context, "chrome": chrome}, status=status)


def chosen_account(request: MemberRequest) -> SettlementAccount | None:
    """The settlement account the member looks at: the chosen one, else the oldest, else none."""
    if not hasattr(request, "account"):
        accounts = {str(account.id): account for account in queries.settlement_accounts()}
        chosen = accounts.get(request.session.get(ACCOUNT, ""))
        request.account = chosen or next(iter(accounts.values()), None)
    return request.account


def choose_account(request: MemberRequest, account_id: UUID) -> None:
    """Look at another settlement account from now on."""
    request.session[ACCOUNT] = str(account_id)


def _sign_in(request: HttpRequest) -> HttpResponse:
    if request.headers.get("HX-Request"):
        # A page that refreshes itself must not show the sign-in form inside itself.
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    return redirect_to_login(request.get_full_path())
