"""Withdraw: what there is, what it would cost, and the order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods
from djmoney.money import Money

from accounts.access import ALLOWED, Action, require
from accounts.models import BankAccount, Payee, Role, SettlementAccount
from settlement.errors import AmountError, WithdrawalError
from settlement.models import FeeQuote, Withdrawal
from settlement.money_out import gateway, queries, quotes, withdrawals
from web.dashboard import outgoing
from web.dashboard.entrance import MemberRequest, account_page, member_page, show
from web.dashboard.money_forms import OrderForm, WithdrawForm
from web.dashboard.withdrawal_words import AGAIN, way_onward

LATEST = 5


@require_http_methods(["GET", "HEAD", "POST"])
@account_page
def withdraw_money(request: MemberRequest, account: SettlementAccount) -> HttpResponse:
    """What can be withdrawn, and the form; what is filled in is quoted."""
    if request.method == "POST":
        require(request.member, Action.WITHDRAW)
    bank_accounts = list(
        account.bank_accounts.select_related("merchant").order_by("currency", "bank", "id")
    )
    form = WithdrawForm(
        request.POST if request.method == "POST" else None,
        bank_accounts=bank_accounts,
        payees=_fitting_first(queries.payees(), bank_accounts),
        initial=request.GET.dict(),
    )
    may_quote = request.method == "POST" and gateway.connected() and form.is_valid()
    if may_quote and (quote := _quote(request, form)) is not None:
        return redirect(_address(quote, form))
    status = 409 if request.method == "POST" else 200
    return show(request, "dashboard/withdraw_money.html", _all_about(request, account, form),
                status=status)  # fmt: skip


def _fitting_first(payees: Iterable[Payee], accounts: list[BankAccount]) -> list[Payee]:
    """Payees in the currency of the account that is offered first come first."""
    first = accounts[0].currency if accounts else ""
    return sorted(payees, key=lambda payee: payee.currency != first)


def _quote(request: MemberRequest, form: WithdrawForm) -> FeeQuote | None:
    """The quote for what was filled in; None if none can be had, and the form says why."""
    given = form.cleaned_data
    account = given["bank_account"]
    try:
        return quotes.quote_fee(
            account,
            amount=Money(given["amount"], account.currency),
            by=request.user,
            now=timezone.now(),
        )
    except AmountError as error:
        form.add_error("amount", str(error))
    except WithdrawalError as error:
        form.add_error(None, str(error))
    return None


def _address(quote: FeeQuote, form: WithdrawForm) -> str:
    """The quote's page, which is also told what a quote does not know: payee and text."""
    given = {"payee": form.cleaned_data["payee"].id, "text": form.cleaned_data["text"]}
    return f"{reverse('quote', args=[quote.id])}?{urlencode(given)}"


def _all_about(
    request: MemberRequest, account: SettlementAccount, form: WithdrawForm
) -> dict[str, Any]:
    return {
        "purses": outgoing.purses(account),
        "programmes": outgoing.programmes(account, now=timezone.now()),
        "savings": outgoing.savings(account),
        "latest": outgoing.rows(queries.withdrawals(account)[:LATEST]),
        "form": form,
        "connected": gateway.connected(),
        "may_withdraw": Action.WITHDRAW in ALLOWED[Role(request.member.role)],
    }


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def quote(request: MemberRequest, quote_id: UUID) -> HttpResponse:
    """What a withdrawal costs, frozen; a POST orders it, once for each key."""
    require(request.member, Action.WITHDRAW)
    found = get_object_or_404(outgoing.quoted(), id=quote_id)
    if request.method == "POST":
        return _order(request, found)
    payee = _payee(request.GET.get("payee", ""))
    if (made := _ordered(found)) is not None:
        return redirect("withdrawal", withdrawal_id=made.id)
    return _show_quote(request, found, payee, text=request.GET.get("text", ""))


def _order(request: MemberRequest, found: FeeQuote) -> HttpResponse:
    form = OrderForm(request.POST)
    if not form.is_valid():
        return redirect("withdraw_money")
    given = form.cleaned_data
    payee = _payee(str(given["payee"]))
    try:
        gateway.require_connected()
        made = withdrawals.request(
            quote=found,
            payee=payee,
            key=given["key"],
            by=request.user,
            now=timezone.now(),
            text=given["text"],
        )
    except WithdrawalError as error:
        return _show_quote(request, found, payee, text=given["text"], error=error)
    return redirect("withdrawal", withdrawal_id=made.id)


def _show_quote(
    request: MemberRequest,
    found: FeeQuote,
    payee: Payee,
    *,
    text: str,
    error: WithdrawalError | None = None,
) -> HttpResponse:
    offer = outgoing.offer_of(found, found.settlement_account, now=timezone.now())
    given = {"payee": payee.id, "text": text}
    context = {
        "offer": offer,
        "quote": found,
        "payee": payee,
        "text": text,
        "key": uuid4().hex,
        "connected": gateway.connected(),
        "refusal": error and _said(error),
        "ordered": _ordered(found) if error else None,
        "again": offer.expired if error is None else way_onward(error) == AGAIN,
        "amount": f"{found.amount.amount:f}",
        "change": urlencode({**given, "bank_account": found.bank_account_id,
                             "amount": f"{found.amount.amount.normalize():f}"}),
    }  # fmt: skip
    return show(request, "dashboard/quote.html", context, status=409 if error else 200)


def _said(error: WithdrawalError) -> str:
    """The refusal as a sentence."""
    text = str(error)
    return _("It was not ordered: %(reason)s.") % {"reason": text.rstrip(".。")}


def _ordered(found: FeeQuote) -> Withdrawal | None:
    """The withdrawal this quote became, if it was ordered."""
    return Withdrawal.objects.filter(quote=found).first()


def _payee(id: str) -> Payee:
    """The payee the address names; a missing or strange one is not found."""
    try:
        named = UUID(id)
    except ValueError:
        named = UUID(int=0)
    return get_object_or_404(Payee, id=named)
