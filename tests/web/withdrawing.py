"""Merchants with money on the pages about withdrawing, and a bank that does as it is told."""

from __future__ import annotations

import html
import re
import uuid
from pathlib import Path
from typing import Any

from django.test import Client
from django.utils import timezone
from djmoney.money import Money

from accounts.access import acting_for
from accounts.models import BankAccount, Member, Role, User
from settlement.models import FeeQuote, Withdrawal, WithdrawalState
from settlement.money_out import quotes
from tests.build import a_user, upload, work_off
from tests.money import Shop, ordered, sent, statement


def owner_of(shop: Shop) -> User:
    """The merchant's first member."""
    with acting_for(shop.id):
        return Member.objects.select_related("user").earliest("id").user


def a_member(shop: Shop, role: Role) -> User:
    """Another user acting for this merchant."""
    user = a_user()
    with acting_for(shop.id):
        Member.objects.create(merchant=shop.merchant, user=user, role=role)
    return user


def browser_of(shop: Shop, *, role: Role = Role.OWNER, language: str = "en") -> Client:
    """A browser in which a member of this role is signed in."""
    user = owner_of(shop) if role == Role.OWNER else a_member(shop, role)
    client = Client(headers={"accept-language": language})
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def a_quote(shop: Shop, amount: str) -> FeeQuote:
    """A quote for the shop's account, now."""
    with acting_for(shop.id):
        return quotes.quote_fee(
            BankAccount.objects.select_related("merchant").get(id=shop.bank_account.id),
            amount=Money(amount, shop.bank_account.currency),
            by=None,
            now=timezone.now(),
        )


def a_withdrawal(shop: Shop, amount: str, *, text: str = "") -> Withdrawal:
    """An order that no worker has taken up."""
    return ordered(shop, a_quote(shop, amount), now=timezone.now(), text=text)


def accepted(withdrawal: Withdrawal) -> Withdrawal:
    """The bank has taken the order."""
    return sent(withdrawal, now=timezone.now())


def in_state(withdrawal: Withdrawal, state: WithdrawalState) -> Withdrawal:
    """As a worker leaves it; inside `acting_for`."""
    withdrawal.state = state
    if state in (WithdrawalState.SUCCEEDED, WithdrawalState.RETURNED):
        withdrawal.paid_on = timezone.localdate()
    withdrawal.save(update_fields=["state", "paid_on"])
    return withdrawal


def at_the_bank(shop: Shop, folder: Path, *entries: tuple[Withdrawal, str], opening: str) -> None:
    """The bank's statement of today: withdrawals with the sign their amount has there."""
    today = timezone.now().date().isoformat()
    lines = [
        (today, f"W{n}", f"{sign}{withdrawal.amount.amount:.2f}", f"{withdrawal.number} text")
        for n, (withdrawal, sign) in enumerate(entries)
    ]
    path = folder / f"{uuid.uuid4().hex}.xml"
    upload(shop.id, statement(shop, path, lines, opening=opening, day=today))
    work_off(shop.id)
    for withdrawal, _sign in entries:
        with acting_for(shop.id):
            withdrawal.refresh_from_db()


# --- reading ------------------------------------------------------------------------------


def text_of(client: Client, url: str, *, status: int = 200) -> str:
    """What a page says, its spaces made plain."""
    response = client.get(url)
    assert response.status_code == status
    return words(response)


def words(response: Any) -> str:
    """What an answer says."""
    text = html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode()))
    return re.sub(r"\s+", " ", text)
