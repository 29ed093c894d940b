"""One withdrawal as a receipt: what it cost and why, what happened, and what comes next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from djmoney.money import Money

from settlement.models import BankLine, PaymentAttempt, QuotaUse, Withdrawal, WithdrawalState
from settlement.money_out import queries, quotes
from web.dashboard.outgoing import Row, rows
from web.dashboard.withdrawal_words import attempt_words, story_of

Text = str | Promise


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What happened to a withdrawal, or what comes next (`done` False)."""

    title: Text
    tone: str
    icon: str
    at: datetime | date | None = None
    text: Text = ""
    line: BankLine | None = None
    done: bool = True

    @property
    def to_the_minute(self) -> bool:
        """Whether the hour is known; a statement names days."""
        return isinstance(self.at, datetime)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One withdrawal with everything its page shows."""

    row: Row
    leaving: Money
    explanation: quotes.Explanation
    story: Text
    use: QuotaUse | None
    steps: list[Step]
    in_flight: bool
    seconds: int
    """After how many seconds a page shown meanwhile looks again."""


IN_FLIGHT = {WithdrawalState.RESERVED: 3, WithdrawalState.SUBMITTED: 3,
             WithdrawalState.ACCEPTED: 5, WithdrawalState.OUTCOME_UNKNOWN: 10}  # fmt: skip


def receipt(withdrawal: Withdrawal) -> Receipt:
    """Everything about a withdrawal; loaded as `queries.withdrawals` does."""
    row = rows([withdrawal])[0]
    return Receipt(
        row=row,
        leaving=withdrawal.amount + row.rest,
        explanation=quotes.explain(withdrawal.quote),
        story=story_of(withdrawal),
        use=queries.quota_used(withdrawal),
        steps=_steps(withdrawal),
        in_flight=withdrawal.state in IN_FLIGHT,
        seconds=IN_FLIGHT.get(WithdrawalState(withdrawal.state), 0),
    )


def _steps(withdrawal: Withdrawal) -> list[Step]:
    steps = [_ordered(withdrawal)]
    for attempt in withdrawal.payment_attempts.order_by("id"):
        steps += _tries(attempt)
    return steps + _ends(withdrawal)


def _ordered(withdrawal: Withdrawal) -> Step:
    who = str(withdrawal.requested_by or "")
    return Step(
        title=_("You ordered it"),
        at=withdrawal.requested_at,
        text=_("by %(who)s") % {"who": who} if who else "",
        tone="good",
        icon="check",
    )


def _tries(attempt: PaymentAttempt) -> list[Step]:
    if attempt.sent_at is None:
        return []
    sent = Step(title=_("Sent to the bank"), at=attempt.sent_at, tone="good", icon="check")
    answer = attempt_words(attempt)
    if answer is None:
        return [sent]
    said = " ".join(part for part in (attempt.code, attempt.reason) if part)
    return [
        sent,
        Step(
            title=answer.text,
            at=attempt.answered_at,
            text=said,
            tone=answer.tone,
            icon=answer.icon,
        ),
    ]


def _ends(withdrawal: Withdrawal) -> list[Step]:
    """What the bank's statement says, or what is still to come."""
    out, back = _bank_lines(withdrawal)
    state = withdrawal.state
    if state == WithdrawalState.CANCELLED:
        return [Step(title=_("Cancelled"), tone="off", icon="cross")]
    if state == WithdrawalState.REJECTED:
        return [
            Step(
                title=_("The money is available again"),
                text=withdrawal.reason,
                tone="off",
                icon="undo",
            )
        ]
    if withdrawal.paid_on is None:
        to_come = [_("Your bank statement shows it")]
        if state in (WithdrawalState.RESERVED, WithdrawalState.SUBMITTED):
            to_come.insert(0, _("It goes to the bank"))
        return [Step(title=title, tone="wait", icon="clock", done=False) for title in to_come]
    steps = [
        Step(
            title=_("Shown on your bank statement"),
            at=withdrawal.paid_on,
            line=out,
            tone="good",
            icon="check",
        )
    ]
    if withdrawal.returned_on:
        steps.append(
            Step(
                title=_("Sent back by the payee's bank"),
                at=withdrawal.returned_on,
                text=withdrawal.reason,
                line=back,
                tone="warn",
                icon="undo",
            )
        )
    return steps


def _bank_lines(withdrawal: Withdrawal) -> tuple[BankLine | None, BankLine | None]:
    """The entry that paid it, and the one that brought it back."""
    lines = list(
        BankLine.objects.filter(
            match_items__live=True,
            match_items__match__items__live=True,
            match_items__match__items__withdrawal=withdrawal,
        ).distinct()
    )
    out = next((line for line in lines if line.amount.amount < 0), None)
    return out, next((line for line in lines if line.amount.amount > 0), None)
