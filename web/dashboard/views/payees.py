"""Payees: who can be paid, and adding one."""

from __future__ import annotations

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import ALLOWED, Action, require
from accounts.models import BankAccount, Role
from accounts.onboarding import add_payee
from web.dashboard import outgoing
from web.dashboard.entrance import MemberRequest, member_page, show
from web.dashboard.money_forms import PayeeForm
from web.dashboard.withdrawal_words import payee_badge


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def payees(request: MemberRequest) -> HttpResponse:
    """Every payee, numbers masked, and a form for one more."""
    if request.method == "POST":
        require(request.member, Action.WITHDRAW)
    own = BankAccount.objects.order_by("id").values_list("currency", flat=True)
    form = PayeeForm(request.POST if request.method == "POST" else None, own=list(own))
    if request.method == "POST" and form.is_valid() and _add(request, form):
        return redirect("withdraw_money" if "then" in request.POST else "payees")
    context = {
        "payees": [(payee, payee_badge(payee.state)) for payee in outgoing.every_payee()],
        "form": form,
        "may_withdraw": Action.WITHDRAW in ALLOWED[Role(request.member.role)],
    }
    return show(request, "dashboard/payees.html", context,
                status=409 if request.method == "POST" else 200)  # fmt: skip


def _add(request: MemberRequest, form: PayeeForm) -> bool:
    """Save it; False if the same account is here already, and the form says so."""
    try:
        with transaction.atomic():
            made = add_payee(request.member.merchant, by=request.user, **form.cleaned_data)
    except IntegrityError as error:
        if "payee_is_once_in_a_merchant" not in str(error):
            raise
        form.add_error("number", _("This account is among your payees already."))
        return False
    messages.success(request, _("%(payee)s was added.") % {"payee": made})
    return True
