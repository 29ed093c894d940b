"""How entries are put together and posted; the only code that calls the ledger's writers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from ledger import book
from ledger.book import AccountSpec, Draft, Movement, credit, debit
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
    book.post_many(book=merchant_id, drafts=drafts, now=now)


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
    """Post the mirror of an entry, on the day it is learnt."""
    book.reverse(
        book=merchant_id, reference=reference, reason=reason, now=now, booked_on=now.date()
    )
