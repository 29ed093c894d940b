"""Holds: money of a guarded account promised to something, until it is posted or released.

The second writer of the ledger beside `ledger/book.py`, under the same conventions: inside the
caller's transaction, in which `tributary.tenant` is the book, and within a savepoint of its own;
no function reads a clock.

Postings state what has happened and may overdraw an account down to its floor. A hold is a promise
and needs money that is there: placing one leaves what is available (balance less all that is held)
at zero or above, however low the floor is.

Locks go one way: first the balance rows, in the order of their accounts, then the hold.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from uuid_utils.compat import uuid7

from ledger import book as entries
from ledger.drafts import (
    Draft,
    check,
    check_amount,
    check_instant,
    check_text,
    content_hash,
    hold_hash,
)
from ledger.errors import (
    CurrencyMismatchError,
    DuplicateReferenceError,
    HoldSettledError,
    UnguardedAccountError,
    UnknownAccountError,
    UnknownHoldError,
    named_errors,
)
from ledger.models import HoldState
from ledger.reading import ALWAYS, OPEN_BOOK, rows_of_open_book


def place(
    *,
    book: UUID,
    reference: str,
    account: str,
    amount: int,
    currency: str,
    subject: UUID | None,
    now: datetime,
    expires_at: datetime | None = None,
) -> UUID:
    """Hold `amount` minor units of an account and return the hold's id.

    A reference that is taken by a hold of the same content, live or settled, writes nothing and
    gives the old hold's id. `expires_at` is kept and does nothing. Raises DuplicateReferenceError
    for other content, InsufficientFundsError where less is available, UnguardedAccountError,
    UnknownAccountError, CurrencyMismatchError, InvalidDraftError, InvalidAmountError and
    BookNotOpenError.
    """
    check_instant("now", now)
    check_text("reference", reference, least=1, most=200)
    check_text("account", account, least=1, most=200)
    check_amount(reference, amount)
    if expires_at is not None:
        check_instant("expires_at", expires_at)
    content = hold_hash(
        book=book,
        reference=reference,
        account=account,
        amount=amount,
        currency=currency,
        subject=subject,
        expires_at=expires_at,
    )
    with named_errors(), transaction.atomic():
        account_id = _guarded_account(book, account, currency)
        hold = uuid7()
        values = [hold, book, reference, account_id, currency, amount, subject, now, expires_at]
        if _insert([*values, content]):
            return hold
        earlier = _read(book, reference)
        if earlier.content_hash != content:
            raise DuplicateReferenceError(f"{reference} is held with other content")
        return earlier.id


def post(*, book: UUID, reference: str, draft: Draft, now: datetime) -> UUID:
    """Settle a hold by posting the draft in its stead, and return the entry's id.

    The draft takes from the hold's account exactly what was held. A hold that this very draft has
    posted stays as it is and gives that entry's id. Raises HoldSettledError for a hold released or
    posted by another entry, HoldMismatchError, DuplicateReferenceError where the entry has posted
    another hold, UnknownHoldError, and the errors of `book.post_many`.
    """
    check_instant("now", now)
    check(draft)
    with named_errors(), transaction.atomic():
        hold = _read(book, reference)
        _lock(book, hold, {movement.account for movement in draft.movements})
        if not _settle(book, hold, HoldState.POSTED, now):
            return _entry_that_posted(book, _read(book, reference), draft)
        entry = entries.post(book=book, draft=draft, now=now)
        link = "UPDATE ledger_hold SET entry_id = %s WHERE book = %s AND id = %s"
        _execute(link, [entry, book, hold.id])
    return entry


def release(*, book: UUID, reference: str, reason: str, now: datetime) -> None:
    """Give back what was held. A hold released before keeps its first reason.

    Raises HoldSettledError for a hold that was posted, UnknownHoldError, InvalidDraftError and
    BookNotOpenError.
    """
    check_instant("now", now)
    check_text("reason", reason, least=0, most=2000)
    with named_errors(), transaction.atomic():
        hold = _read(book, reference)
        _lock(book, hold, ())
        if _settle(book, hold, HoldState.RELEASED, now, reason):
            return
        if _read(book, reference).state is HoldState.POSTED:
            raise HoldSettledError(f"{reference} was posted and cannot be released")


# --- Reading ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Hold:
    id: UUID
    reference: str
    account_id: UUID
    state: HoldState
    content_hash: bytes
    entry_id: UUID | None
    entry_reference: str | None
    entry_hash: bytes | None


def _guarded_account(book: UUID, code: str, currency: str) -> UUID:
    """The id of an account of which something can be held in this currency."""
    sql = f"""
        SELECT {OPEN_BOOK}, a.id, a.currency, a.floor
        FROM {ALWAYS} LEFT JOIN ledger_ledgeraccount a ON a.book = %s AND a.code = %s
    """
    rows = rows_of_open_book(book, sql, [book, code])
    if not rows:
        raise UnknownAccountError(f"no such account: {code}")
    [(account, its_currency, floor)] = rows
    if its_currency != currency:
        raise CurrencyMismatchError(f"{code} is in {its_currency}, not {currency}")
    if floor is None:
        raise UnguardedAccountError(f"{code} has no floor")
    return UUID(str(account))


def _read(book: UUID, reference: str) -> _Hold:
    sql = f"""
        SELECT {OPEN_BOOK}, h.id, h.reference, h.account_id, h.state, h.content_hash,
               h.entry_id, e.reference, e.content_hash
        FROM {ALWAYS}
        LEFT JOIN ledger_hold h ON h.book = %s AND h.reference = %s
        LEFT JOIN ledger_journalentry e ON e.book = h.book AND e.id = h.entry_id
    """
    rows = rows_of_open_book(book, sql, [book, reference])
    if not rows:
        raise UnknownHoldError(f"no hold has the reference {reference}")
    [(id, reference, account, state, content, entry, entry_reference, entry_hash)] = rows
    return _Hold(
        id=id,
        reference=reference,
        account_id=account,
        state=HoldState(state),
        content_hash=bytes(content),
        entry_id=entry,
        entry_reference=entry_reference,
        entry_hash=None if entry_hash is None else bytes(entry_hash),
    )


def _entry_that_posted(book: UUID, hold: _Hold, draft: Draft) -> UUID:
    """The entry of a settled hold, if it is what the draft would have become."""
    if hold.entry_id is None:
        raise HoldSettledError(f"{hold.reference} was released and cannot be posted")
    if hold.entry_reference != draft.reference:
        raise HoldSettledError(f"{hold.reference} was posted by {hold.entry_reference}")
    if hold.entry_hash != content_hash(book=book, draft=draft):
        raise DuplicateReferenceError(f"{draft.reference} is posted with other content")
    return hold.entry_id


# --- Writing ------------------------------------------------------------------------------


def _insert(values: list[Any]) -> bool:
    """Insert a hold if its reference is free; waits for whoever is writing the same one."""
    sql = """
        INSERT INTO ledger_hold (id, book, reference, account_id, currency, amount, subject,
            placed_at, expires_at, content_hash)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (book, reference) DO NOTHING
    """
    return _execute(sql, values) == 1


def _lock(book: UUID, hold: _Hold, codes: Collection[str]) -> None:
    """Lock the balances of the hold's account and of those with the codes, in the global order."""
    sql = """
        SELECT ledger_lock_balances(array(
            SELECT id FROM ledger_ledgeraccount WHERE book = %s AND (id = %s OR code = ANY(%s))))
    """
    _execute(sql, [book, hold.account_id, list(codes)])


def _settle(book: UUID, hold: _Hold, state: HoldState, now: datetime, reason: str = "") -> bool:
    """Settle a hold; False if somebody settled it before."""
    sql = """
        UPDATE ledger_hold SET state = %s, settled_at = %s, reason = %s
        WHERE book = %s AND id = %s AND state = 'held'
    """
    return _execute(sql, [state.value, now, reason, book, hold.id]) == 1


def _execute(sql: str, parameters: list[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.rowcount)
