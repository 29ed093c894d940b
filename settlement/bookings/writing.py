"""How entries are put together and posted; the only code that calls the ledger's writers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

from ledger import book, periods
from ledger.book import AccountSpec, Draft, Movement, credit, debit
from ledger.errors import DuplicateReferenceError, PeriodClosedError
from ledger.models import Closing, JournalEntry
from settlement.bookings.codes import normal_side

FACTS = 1 - 10**15
"""The floor of the merchant's available money. What the bank has done is booked whatever it
leaves; only promises (holds) need money that is there."""


def transfer(
    *,
    to: str,
    source: str,
    amount: int,
    currency: str,
    to_subject: UUID | None = None,
    source_subject: UUID | None = None,
) -> tuple[Movement, ...]:
    """Debit `to`, credit `source`; the other way round when negative; nothing when zero."""
    return (
        *side_of(to, amount, currency, to_subject),
        *side_of(source, -amount, currency, source_subject),
    )


def side_of(account: str, amount: int, currency: str, subject: UUID | None) -> tuple[Movement, ...]:
    """A signed amount as one movement: positive debits, negative credits, zero is none."""
    if not amount:
        return ()
    side = debit if amount > 0 else credit
    return (side(account, abs(amount), currency, subject=subject),)


def post(merchant_id: UUID, drafts: Sequence[Draft], now: datetime) -> None:
    """Post all drafts, opening the accounts they move. Raises the errors of the ledger."""
    if not drafts:
        return
    open_for(merchant_id, {(m.account, m.currency) for d in drafts for m in d.movements}, now)
    on_open_days(
        merchant_id,
        drafts,
        lambda ready: book.post_many(book=merchant_id, drafts=ready, now=now),
    )


def on_open_days(
    merchant_id: UUID, drafts: Sequence[Draft], write: Callable[[Sequence[Draft]], object]
) -> None:
    """Write the drafts; facts of closed days, learnt late, are booked on the first open one.

    When they happened stays what it is. A fact that is in the books already stays on the day it
    was booked on, whatever was closed or opened since.
    """
    ready = list(drafts)
    while True:
        try:
            write(ready)
        except (PeriodClosedError, DuplicateReferenceError):
            earlier, ready = ready, _booked_on_open_days(merchant_id, drafts)
            if ready == earlier:
                raise
        else:
            return


def _booked_on_open_days(merchant_id: UUID, drafts: Sequence[Draft]) -> list[Draft]:
    open_day = periods.first_open_day(book=merchant_id)
    closings = Closing.objects.filter(book=merchant_id)
    first_days = {c.through + timedelta(days=1) for c in closings if c.through is not None}
    entries = JournalEntry.objects.filter(
        book=merchant_id, reference__in=[draft.reference for draft in drafts]
    )
    booked: dict[str, date] = dict(entries.values_list("reference", "booked_on"))
    ready = []
    for draft in drafts:
        day = booked.get(draft.reference)
        if day is None and open_day is not None:
            ready.append(replace(draft, booked_on=max(draft.booked_on, open_day)))
        elif day is not None and day > draft.booked_on and day in first_days:
            # It was late when it was posted, and this was the first open day then.
            ready.append(replace(draft, booked_on=day))
        else:
            ready.append(draft)
    return ready


def open_for(merchant_id: UUID, accounts: Iterable[tuple[str, str]], now: datetime) -> None:
    """Open the accounts, given by code and currency, that are not open yet."""
    specs = [
        AccountSpec(code=code, currency=currency, normal_side=normal_side(code), floor=_floor(code))
        for code, currency in sorted(accounts)
    ]
    book.open_accounts(book=merchant_id, specs=specs, now=now)


def _floor(code: str) -> int | None:
    return FACTS if code.startswith("merchant:") and ":available:" in code else None


def reverse(merchant_id: UUID, reference: str, *, reason: str, now: datetime) -> None:
    """Post the mirror of an entry, on the day it is learnt or the first that is open."""
    day = now.date()
    while True:
        try:
            book.reverse(
                book=merchant_id, reference=reference, reason=reason, now=now, booked_on=day
            )
        except PeriodClosedError:
            open_day = periods.first_open_day(book=merchant_id)
            if open_day is None or open_day <= day:
                raise
            day = open_day
        else:
            return
