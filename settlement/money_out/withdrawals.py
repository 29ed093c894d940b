"""A merchant orders money out: the quote is honoured, the quota taken, the balance held."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from accounts.models import BankAccount, Payee, PayeeState, User, new_id
from ledger import balances
from ledger.errors import InsufficientFundsError
from settlement import bookings
from settlement.errors import (
    KeyConflictError,
    NotEnoughError,
    QuotaExhaustedError,
    QuoteExpiredError,
    WithdrawalError,
)
from settlement.models import (
    HOLDING,
    FeeQuote,
    QuotaState,
    QuotaUse,
    Withdrawal,
    WithdrawalState,
)
from settlement.money_in.requests import wake_after_commit
from settlement.states import check_step

LONGEST_TEXT = 80
"""Characters of free text: with our number in front it fits the bank's 140."""

# Whoever holds the ordinal in another transaction is waited for; then the next one is tried.
TAKE = """
INSERT INTO settlement_quotause (id, merchant_id, rule_id, quota, period, ordinal, withdrawal_id,
    state, live)
SELECT %(id)s, %(merchant)s, %(rule)s, %(quota)s, %(period)s, free.ordinal, %(withdrawal)s,
    'reserved', true
FROM (
    SELECT n AS ordinal FROM generate_series(1, %(quota)s) AS n
    WHERE NOT EXISTS (
        SELECT FROM settlement_quotause u
        WHERE u.merchant_id = %(merchant)s AND u.rule_id = %(rule)s AND u.period = %(period)s
          AND u.ordinal = n AND u.live)
    ORDER BY n LIMIT 1
) free
ON CONFLICT DO NOTHING
"""


def request(
    *,
    quote: FeeQuote,
    payee: Payee,
    key: str,
    by: User | None,
    now: datetime,
    text: str = "",
) -> Withdrawal:
    """Order what was quoted, once for each `key`. Inside `acting_for`.

    Holds amount + fee - waived of the available balance and takes the quota; the worker that
    pays is woken when the transaction commits. The same key again returns the first order.
    Raises QuoteExpiredError, QuotaExhaustedError, NotEnoughError, KeyConflictError, or
    WithdrawalError for a payee that cannot be paid.
    """
    if (earlier := _earlier(key, quote, payee)) is not None:
        return earlier
    _check(quote, payee, text, now)
    withdrawal = Withdrawal(
        id=new_id(),
        merchant_id=quote.merchant_id,
        settlement_account_id=quote.settlement_account_id,
        bank_account_id=quote.bank_account_id,
        payee=payee,
        quote=quote,
        key=key,
        amount=quote.amount,
        fee=quote.fee,
        waived=quote.waived,
        text=text,
        requested_by=by,
        requested_at=now,
    )
    withdrawal.number = number_of(withdrawal.id)
    # Whole or not at all, also for a caller who catches the error and goes on.
    with transaction.atomic():
        # One order of a quote or key at a time: the second finds the first.
        Withdrawal.objects.bulk_create([withdrawal], ignore_conflicts=True)
        if not Withdrawal.objects.filter(id=withdrawal.id).exists():
            if (earlier := _earlier(key, quote, payee)) is not None:
                return earlier
            raise QuoteExpiredError(_("this quote has been used already; ask for a new one"))
        _take_quota(withdrawal, quote)
        _hold(withdrawal, now)
    pay_after_commit(withdrawal)
    return withdrawal


def number_of(id: UUID) -> str:
    """A withdrawal's own number: TW and the id in 26 letters and digits."""
    return "TW" + base64.b32encode(id.bytes).decode().rstrip("=")


def pay_after_commit(withdrawal: Withdrawal) -> None:
    """Wake a worker for the withdrawal once the transaction is committed."""
    wake_after_commit(
        "settlement.tasks.pay",
        merchant_id=withdrawal.merchant_id,
        withdrawal_id=withdrawal.id,
    )


def _earlier(key: str, quote: FeeQuote, payee: Payee) -> Withdrawal | None:
    found = Withdrawal.objects.filter(key=key).first()
    if found is not None and (found.quote_id, found.payee_id) != (quote.id, payee.id):
        raise KeyConflictError(_("this key has been used for another withdrawal"))
    return found


def _check(quote: FeeQuote, payee: Payee, text: str, now: datetime) -> None:
    if now > quote.expires_at:
        raise QuoteExpiredError(_("this quote has expired; ask for a new one"))
    if payee.state == PayeeState.BLOCKED:
        raise WithdrawalError(_("this payee is blocked; ask the operator"))
    if payee.currency != quote.amount_currency:
        raise WithdrawalError(_("this payee's account is in %(currency)s")
                              % {"currency": payee.currency})  # fmt: skip
    if len(text) > LONGEST_TEXT or not text.isprintable():
        raise WithdrawalError(
            _("the text may have at most %(most)s characters and no line breaks")
            % {"most": LONGEST_TEXT}
        )


def _take_quota(withdrawal: Withdrawal, quote: FeeQuote) -> None:
    """Give the lowest free withdrawal of the month to this one, or say that none is left."""
    rule = quote.rule
    if rule is None or rule.quota is None:
        return
    given: dict[str, Any] = {
        "merchant": withdrawal.merchant_id,
        "rule": rule.id,
        "quota": rule.quota,
        "period": quote.period,
        "withdrawal": withdrawal.id,
    }
    with connection.cursor() as cursor:
        # Each round somebody else took the ordinal that was free: at most `quota` of them, and
        # those who give back in between.
        for _round in range(2 * rule.quota + 1):
            cursor.execute(TAKE, {**given, "id": new_id()})
            if cursor.rowcount:
                return
    raise QuotaExhaustedError(
        _("the free withdrawals of this month have been used meanwhile; ask for a new quote")
    )


def _hold(withdrawal: Withdrawal, now: datetime) -> None:
    _check_bank(withdrawal.bank_account)
    try:
        bookings.withdrawal_reserved(withdrawal, now=now)
    except InsufficientFundsError as error:
        raise NotEnoughError(
            _("the available balance does not cover this amount and its fee")
        ) from error


def _check_bank(account: BankAccount) -> None:
    """What the bank holds covers everything on its way out; between two orders the bank decides."""
    code = bookings.bank(account.id, account.currency)
    booked = balances.balances(book=account.merchant_id, prefix=code)
    held = bookings.major(booked[code].amount if code in booked else 0, account.currency)
    leaving = Withdrawal.objects.filter(bank_account=account, state__in=HOLDING).aggregate(
        total=Sum("amount")
    )["total"]
    if held.amount < (leaving or 0):
        raise NotEnoughError(_("the bank account itself does not hold that much"))


def cancel(withdrawal: Withdrawal, *, now: datetime) -> None:
    """Take back an order that has not gone to the bank; its row locked. Inside `acting_for`.

    Raises IllegalTransitionError once a worker has begun to send it.
    """
    _end(withdrawal, WithdrawalState.CANCELLED, reason=_("cancelled"), now=now)


def reject(withdrawal: Withdrawal, *, code: str, reason: str, now: datetime) -> None:
    """The bank refuses: the money is available again, the quota unused. Its row locked."""
    withdrawal.reason_code = code[:35]
    _end(withdrawal, WithdrawalState.REJECTED, reason=reason, now=now)


def _end(withdrawal: Withdrawal, state: WithdrawalState, *, reason: str, now: datetime) -> None:
    check_step(WithdrawalState(withdrawal.state), state)
    withdrawal.state, withdrawal.reason = state, reason
    withdrawal.lease_until = withdrawal.lease_token = None
    withdrawal.save(update_fields=["state", "reason", "reason_code", "lease_until", "lease_token"])
    QuotaUse.objects.filter(withdrawal=withdrawal, live=True).update(
        state=QuotaState.RELEASED, live=False
    )
    bookings.withdrawal_released(withdrawal, reason=reason or state.value, now=now)
