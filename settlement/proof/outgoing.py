"""Which bank entries are our own withdrawals: paid, or come back.

A withdrawal's number is ours alone and stands in the payment, so the bank's entry names it. An
entry that names one and does not fit is never guessed at: it becomes an exception.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Max, Min, Q

from accounts.models import SettlementAccount
from settlement import bookings
from settlement.models import (
    HOLDING,
    BankLine,
    BankStatement,
    Match,
    MatchItem,
    MatchRule,
    MatchState,
    PaymentAttempt,
    QuotaState,
    QuotaUse,
    Reason,
    Withdrawal,
    WithdrawalState,
)
from settlement.proof.exceptions_desk import Leftover
from settlement.states import check_step

NUMBER = re.compile(r"TW[A-Z2-7]{26}")
"""As money_out.withdrawals.number_of makes it; banks break texts with spaces and line ends."""
COMES_BACK_WITHIN = timedelta(days=180)
"""How long before the newest statement an order was made that is over and still watched: its money
may come back, or leave after all."""

NAMING = r"""
SELECT l.* FROM settlement_bankline l
JOIN accounts_bankaccount b ON b.id = l.bank_account_id
WHERE l.merchant_id = %(merchant)s AND b.settlement_account_id = %(account)s
    AND l.live AND l.books AND l.booked_on >= %(since)s
    AND regexp_replace(concat_ws(' ', l.end_to_end_id, l.remittance, l.reference, l.details),
        '\s', '', 'g') ~ %(number)s
    AND NOT EXISTS (
        SELECT FROM settlement_matchitem i WHERE i.bank_line_id = l.id AND i.live)
ORDER BY l.booked_on, l.amount, l.id
"""


def settle(account: SettlementAccount, *, now: datetime) -> list[Leftover]:
    """Match what the bank shows of this account's withdrawals; returns what does not fit.

    Inside the merchant's transaction, the account locked. Before payouts are matched: an entry
    that is a withdrawal's is no payout's, whatever its amount.
    """
    leftovers = []
    lines = _lines_naming(account)
    known = _withdrawals(account, lines)
    origins = bookings.Origins(w for w in known.values() if w.state in HOLDING)
    for line in lines:
        named = [known[number] for number in _numbers(line) if number in known]
        if len(named) != 1 or not _settle(named[0], line, origins, now):
            leftovers += [_differs(withdrawal, line) for withdrawal in named]
    return leftovers


def _lines_naming(account: SettlementAccount) -> list[BankLine]:
    """Booked entries nobody claims that may carry one of our numbers, debits first of a day."""
    newest = BankStatement.objects.filter(
        bank_account__settlement_account=account, live=True, books=True
    ).aggregate(newest=Max("period_to"))["newest"]
    if newest is None:
        return []
    watched = Q(state__in=HOLDING) | Q(requested_at__date__gte=newest - COMES_BACK_WITHIN)
    oldest = Withdrawal.objects.filter(watched, settlement_account=account).aggregate(
        oldest=Min("requested_at")
    )["oldest"]
    if oldest is None:
        return []
    given = {
        "merchant": account.merchant_id,
        "account": account.id,
        # The bank's day may be behind ours.
        "since": oldest.date() - timedelta(days=1),
        "number": NUMBER.pattern,
    }
    return list(BankLine.objects.raw(NAMING, given))


def _numbers(line: BankLine) -> set[str]:
    details = [
        text
        for detail in line.details
        for text in (detail["end_to_end_id"], detail["remittance"], detail["reference"])
    ]
    texts = (line.end_to_end_id, line.remittance, line.reference, *details)
    return {number for text in texts for number in NUMBER.findall(re.sub(r"\s", "", text))}


def _withdrawals(account: SettlementAccount, lines: Iterable[BankLine]) -> dict[str, Withdrawal]:
    numbers = {number for line in lines for number in _numbers(line)}
    # Locked in one order; the worker that asks the bank waits, and finds it settled.
    found = (
        Withdrawal.objects.filter(settlement_account=account, number__in=numbers)
        .select_related("quote__rule__program")
        .order_by("id")
        .select_for_update(of=("self",))
    )
    return {withdrawal.number: withdrawal for withdrawal in found}


def _settle(
    withdrawal: Withdrawal, line: BankLine, origins: bookings.Origins, now: datetime
) -> bool:
    """Settle or return the withdrawal by this entry; False if it does not fit."""
    if line.bank_account_id != withdrawal.bank_account_id:
        return False
    if line.amount == -withdrawal.amount and _may_be_paid(withdrawal):
        _match(withdrawal, line, MatchRule.WITHDRAWAL, now)
        _step(withdrawal, WithdrawalState.SUCCEEDED)
        withdrawal.paid_on = line.booked_on
        _quota(withdrawal, QuotaState.CONFIRMED)
        bookings.withdrawal_paid(withdrawal, line=line, origins=origins, now=now)
    elif line.amount == withdrawal.amount and withdrawal.state == WithdrawalState.SUCCEEDED:
        _match(withdrawal, line, MatchRule.RETURN, now)
        _step(withdrawal, WithdrawalState.RETURNED)
        withdrawal.returned_on = line.booked_on
        withdrawal.reason = NUMBER.sub("", line.remittance).strip()[:500]
        _quota(withdrawal, QuotaState.RESTORED)
        bookings.withdrawal_returned(withdrawal, line=line, now=now)
    else:
        return False
    withdrawal.save(update_fields=["state", "paid_on", "returned_on", "reason"])
    return True


def _may_be_paid(withdrawal: Withdrawal) -> bool:
    """Whether the bank may have had it; a try it denied having received counts after all."""
    if withdrawal.state not in HOLDING:
        return False
    tries = PaymentAttempt.objects.filter(withdrawal=withdrawal)
    if not tries.filter(live=True).exists():
        tries.filter(id=tries.order_by("-id").values("id")[:1]).update(live=True)
    return tries.filter(live=True, sent_at__isnull=False).exists()


def _step(withdrawal: Withdrawal, state: WithdrawalState) -> None:
    check_step(WithdrawalState(withdrawal.state), state)
    withdrawal.state = state


def _quota(withdrawal: Withdrawal, state: QuotaState) -> None:
    """The free withdrawal is used; or it came to nothing and may be had again."""
    QuotaUse.objects.filter(withdrawal=withdrawal, live=True).update(
        state=state, live=state == QuotaState.CONFIRMED
    )


def _match(withdrawal: Withdrawal, line: BankLine, rule: MatchRule, now: datetime) -> None:
    match = Match.objects.create(
        merchant_id=withdrawal.merchant_id,
        settlement_account_id=withdrawal.settlement_account_id,
        state=MatchState.CONFIRMED,
        rule=rule,
        made_at=now,
    )
    common = {"merchant_id": withdrawal.merchant_id, "match": match, "amount": line.amount}
    MatchItem.objects.bulk_create(
        [
            MatchItem(withdrawal=withdrawal, **common),
            MatchItem(bank_line=line, **common),
        ]
    )


def _differs(withdrawal: Withdrawal, line: BankLine) -> Leftover:
    same = line.amount_currency == withdrawal.amount_currency
    return Leftover(
        reason=Reason.WITHDRAWAL_DIFFERS,
        subject=line.id,
        bank_line_id=line.id,
        difference=abs(line.amount) - withdrawal.amount if same else None,
    )
