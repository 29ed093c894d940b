"""Withdrawals in plain words: states, what the bank answered, and ways onward after a refusal."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import PayeeState
from settlement.errors import (
    AmountError,
    KeyConflictError,
    NotEnoughError,
    QuotaExhaustedError,
    QuoteExpiredError,
    WithdrawalError,
)
from settlement.models import PaymentAttempt, Withdrawal, WithdrawalState
from web.dashboard.labels import Badge
from web.dashboard.templatetags.tributary import written_day

Text = str | Promise

_TONES: Final[dict[str, tuple[str, str]]] = {
    WithdrawalState.RESERVED: ("wait", "clock"),
    WithdrawalState.SUBMITTED: ("move", "arrow"),
    WithdrawalState.ACCEPTED: ("move", "bank"),
    WithdrawalState.SUCCEEDED: ("good", "check"),
    WithdrawalState.RETURNED: ("warn", "undo"),
    WithdrawalState.REJECTED: ("bad", "cross"),
    WithdrawalState.CANCELLED: ("off", "cross"),
    WithdrawalState.OUTCOME_UNKNOWN: ("warn", "question"),
}

_PAYEES: Final[dict[str, tuple[str, str]]] = {
    PayeeState.NEW: ("wait", "clock"),
    PayeeState.COOLING: ("wait", "clock"),
    PayeeState.TRUSTED: ("good", "check"),
    PayeeState.BLOCKED: ("bad", "cross"),
}

_STORIES: Final[dict[str, Text]] = {
    WithdrawalState.RESERVED: gettext_lazy(
        "The money is set aside and goes to the bank in a moment. Until then you can cancel."
    ),
    WithdrawalState.SUBMITTED: gettext_lazy("It is being sent to the bank."),
    WithdrawalState.ACCEPTED: gettext_lazy(
        "The bank has taken the order. It is done once your bank statement shows it."
    ),
    WithdrawalState.CANCELLED: gettext_lazy(
        "It was cancelled before it went out. The money is available again."
    ),
    WithdrawalState.OUTCOME_UNKNOWN: gettext_lazy(
        "The bank has not said yet what became of it. We keep asking; it is never sent a second "
        "time, and the money stays set aside."
    ),
}

_ANSWERS: Final[dict[str, Badge]] = {
    "received": Badge(tone="wait", icon="clock", text=gettext_lazy("Received by the bank")),
    "booked": Badge(tone="good", icon="check", text=gettext_lazy("Booked by the bank")),
    "accepted": Badge(tone="good", icon="check", text=gettext_lazy("Taken by the bank")),
    "pending": Badge(tone="wait", icon="clock", text=gettext_lazy("Being looked at by the bank")),
    "rejected": Badge(tone="bad", icon="cross", text=gettext_lazy("Refused by the bank")),
    "never_received": Badge(
        tone="warn", icon="undo", text=gettext_lazy("The bank never had it; it is sent again")
    ),
}


def badge_of(state: str) -> Badge:
    """How a withdrawal's state is shown."""
    tone, icon = _TONES[state]
    return Badge(tone=tone, icon=icon, text=WithdrawalState(state).label)


def payee_badge(state: str) -> Badge:
    """How a payee's state is shown."""
    tone, icon = _PAYEES[state]
    return Badge(tone=tone, icon=icon, text=PayeeState(state).label)


def attempt_words(attempt: PaymentAttempt) -> Badge | None:
    """What the bank answered to one try, or None while it has said nothing."""
    if not attempt.outcome:
        return None
    known = _ANSWERS.get(attempt.outcome)
    return known or Badge(tone="wait", icon="dot", text=attempt.outcome)


def story_of(withdrawal: Withdrawal) -> Text:
    """One sentence about where the money is now."""
    if withdrawal.state == WithdrawalState.SUCCEEDED and withdrawal.paid_on:
        return _("Paid on %(day)s, as your bank statement shows.") % {
            "day": written_day(withdrawal.paid_on)
        }
    if withdrawal.state == WithdrawalState.RETURNED:
        return _(
            "The payee's bank sent the money back. The amount, the fee and the free withdrawal of "
            "the month are yours again."
        )
    if withdrawal.state == WithdrawalState.REJECTED:
        return _("The bank refused it. Nothing was paid, and the money is available again.")
    return _STORIES[WithdrawalState(withdrawal.state)]


AGAIN, CHANGE, HISTORY = "again", "change", "history"
"""Ways onward: a new quote for the same, other figures, or a look at what was ordered."""

_WAYS: Final[dict[type[WithdrawalError], str]] = {
    QuoteExpiredError: AGAIN,
    QuotaExhaustedError: AGAIN,
    NotEnoughError: CHANGE,
    AmountError: CHANGE,
    KeyConflictError: HISTORY,
}


def way_onward(error: WithdrawalError) -> str:
    """What to offer beside the refusal."""
    return _WAYS.get(type(error), CHANGE)
