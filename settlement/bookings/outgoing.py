"""Money goes out: what is held, what the bank paid, what came back; fees gross, waivers beside."""

from __future__ import annotations

from datetime import UTC, datetime, time
from uuid import UUID

from ledger import holds
from ledger.book import Draft, Link, Movement
from settlement.bookings import codes
from settlement.bookings.codes import minor_of
from settlement.bookings.origins import RETURNS, Origins, available_of, paid_reference, taken
from settlement.bookings.writing import on_open_days, open_for, post, side_of
from settlement.models import BankLine, Withdrawal


def withdrawal_reserved(withdrawal: Withdrawal, *, now: datetime) -> None:
    """Hold what the withdrawal takes of the available balance: amount + fee - waived.

    Raises InsufficientFundsError.
    """
    account = available_of(withdrawal)
    open_for(withdrawal.merchant_id, {(account, withdrawal.amount_currency)}, now)
    holds.place(
        book=withdrawal.merchant_id,
        reference=_reference(withdrawal),
        account=account,
        amount=taken(withdrawal),
        currency=withdrawal.amount_currency,
        subject=withdrawal.id,
        now=now,
    )


def withdrawal_released(withdrawal: Withdrawal, *, reason: str, now: datetime) -> None:
    """Nothing was paid: what was held is available again."""
    holds.release(
        book=withdrawal.merchant_id, reference=_reference(withdrawal), reason=reason, now=now
    )


def withdrawal_paid(
    withdrawal: Withdrawal, *, line: BankLine, origins: Origins, now: datetime
) -> None:
    """The bank shows the debit: the hold becomes the movement, with the fee and its waiver.

    `origins` are of all that are paid in this transaction, under the settlement account's lock.
    """
    draft = _draft(withdrawal, line, kind="withdrawal.paid", links=origins.of(withdrawal))
    accounts = {(m.account, m.currency) for m in draft.movements}
    open_for(withdrawal.merchant_id, accounts, now)
    on_open_days(
        withdrawal.merchant_id,
        [draft],
        lambda ready: holds.post(
            book=withdrawal.merchant_id,
            reference=_reference(withdrawal),
            draft=ready[0],
            now=now,
        ),
    )


def withdrawal_returned(withdrawal: Withdrawal, *, line: BankLine, now: datetime) -> None:
    """The money came back: the movement, the fee and the waiver are undone."""
    paid = Link(relation=RETURNS, reference=paid_reference(withdrawal.id))
    draft = _draft(withdrawal, line, kind="withdrawal.returned", links=(paid,))
    post(withdrawal.merchant_id, [draft], now)


def books_with_due_promises(*, now: datetime) -> list[UUID]:
    """The books in which `promises_expired` has something to do; reads with the operator's role."""
    return holds.books_to_expire(now=now, using="ops")


def promises_expired(merchant_id: UUID, *, now: datetime) -> int:
    """What was held until an instant that has come is available again; returns how many, or 0."""
    return holds.expire(book=merchant_id, now=now)


def _draft(withdrawal: Withdrawal, line: BankLine, *, kind: str, links: tuple[Link, ...]) -> Draft:
    """The bank's line says which way: negative was paid, positive came back."""
    currency = withdrawal.amount_currency
    way = -1 if line.amount.amount < 0 else 1
    fee, waived = minor_of(withdrawal.fee), minor_of(withdrawal.waived)
    movements: tuple[Movement, ...] = (
        *side_of(
            codes.unrelated(line.bank_account_id, currency),
            minor_of(line.amount),
            currency,
            line.id,
        ),
        *side_of(
            available_of(withdrawal),
            -way * taken(withdrawal),
            currency,
            withdrawal.id,
        ),
        *side_of(codes.fee_income(currency), way * fee, currency, withdrawal.id),
    )
    if waived:
        assert withdrawal.quote.rule is not None
        program = codes.waiver(withdrawal.quote.rule.program.code, currency)
        movements += side_of(program, -way * waived, currency, withdrawal.id)
    return Draft(
        reference=f"{_reference(withdrawal)}:{kind.split('.')[1]}",
        kind=kind,
        movements=movements,
        event_at=datetime.combine(line.booked_on, time.max, UTC),
        booked_on=line.booked_on,
        memo=withdrawal.number,
        links=links,
    )


def _reference(withdrawal: Withdrawal) -> str:
    return f"withdrawal:{withdrawal.id}"
