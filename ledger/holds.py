"""Holds: money of a guarded account promised to something, until it is posted, released or expires.

The second writer of the ledger beside `ledger/book.py`, under the same conventions: inside the
caller's transaction, in which `tributary.tenant` is the book, and leaving it usable after every
named error; no function reads a clock.

Postings state what has happened and may overdraw an account down to its floor. A hold is a promise
and needs money that is there: placing one leaves what is available (balance less all that is held)
at zero or above, or as far below as the account's `overdraft` says, however low the floor is.

An entry that posts a hold says so itself, in its content hash too; it takes the money from the hold
in the statement that posts it. A live hold keeps what was held less what was taken.

Locks go one way: first the one that a closing waits for, then the balance rows in the order of
their accounts, then holds. Nothing here reads the other holds of an account: a million of them cost
what one does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, connections
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
    DuplicateReferenceError,
    HoldMismatchError,
    HoldSettledError,
    UnknownHoldError,
    named,
)
from ledger.models import HoldState, Side
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
    gives the old hold's id. From `expires_at` on, `expire` gives back what is left; until it is
    called the hold stands. Raises DuplicateReferenceError for other content, InsufficientFundsError
    where less is available, UnguardedAccountError, UnknownAccountError, CurrencyMismatchError,
    InvalidDraftError, InvalidAmountError and BookNotOpenError.
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
    id = uuid7()
    asked = [id, reference, account, currency, amount, subject, now, expires_at, content.hex()]
    earlier = _place(book, asked)
    if earlier is None:
        return id
    if earlier.content_hash != content:
        raise DuplicateReferenceError(f"{reference} is held with other content")
    return earlier.id


def post(*, book: UUID, reference: str, draft: Draft, now: datetime, part: bool = False) -> UUID:
    """Post the draft in a hold's stead, and return the entry's id.

    The draft takes from the hold's account all that is left of the hold, and the hold is posted;
    with `part` it may take less, and the hold stays live with the rest. A draft that has posted
    from this hold already writes nothing and gives the old entry's id. Raises HoldSettledError for
    a hold posted by other entries, released or expired, HoldMismatchError,
    DuplicateReferenceError where the reference is posted with other content or from another hold,
    UnknownHoldError, and the errors of `book.post_many`.
    """
    check_instant("now", now)
    check(draft)
    hold, earlier = _read(book, reference, draft.reference)
    if earlier is not None:
        return _the_same(book, hold, draft, earlier)
    if hold.state is not HoldState.HELD:
        raise _settled(book, hold)
    # Read without a lock: what is left only shrinks, and PostgreSQL refuses to take more than that.
    _check_amount(hold, draft, part)
    try:
        return entries.post_hold(book=book, hold=hold.id, reference=reference, draft=draft, now=now)
    except HoldSettledError:
        hold, _ = _read(book, reference, draft.reference)
        raise _settled(book, hold) from None


def release(*, book: UUID, reference: str, reason: str, now: datetime) -> None:
    """Give back what is left of a hold. A hold released before keeps its first reason.

    Raises HoldSettledError for a hold that was posted or has expired, UnknownHoldError,
    InvalidDraftError and BookNotOpenError.
    """
    check_instant("now", now)
    check_text("reason", reason, least=0, most=2000)
    sql = f"SELECT {OPEN_BOOK}, ledger_release(%s, %s, %s, %s)"
    rows = rows_of_open_book(book, sql, [book, reference, now, reason])
    if not rows:
        raise _unknown(reference)
    [(state,)] = rows
    if state != HoldState.RELEASED:
        hold, _ = _read(book, reference, "")
        raise _settled(book, hold)


def expire(*, book: UUID, now: datetime, limit: int = 1000) -> int:
    """Give back what is left of live holds with `expires_at` <= `now`; returns how many they are.

    About `limit` at the most, those first that are due longest: call again until it returns 0.
    Raises BookNotOpenError and InvalidDraftError.
    """
    check_instant("now", now)
    sql = f"SELECT {OPEN_BOOK}, ledger_expire(%s, %s, %s)"
    [(expired,)] = rows_of_open_book(book, sql, [book, now, limit])
    return int(expired)


def books_to_expire(*, now: datetime, using: str) -> list[UUID]:
    """The books with holds to expire, as a connection of the operator's role sees them.

    Goes from book to book in the index of expiring holds: one look for each book that has any.
    """
    sql = """
        WITH RECURSIVE live AS (
            (SELECT book, expires_at FROM ledger_hold
             WHERE state = 'held' AND expires_at IS NOT NULL ORDER BY book, expires_at LIMIT 1)
            UNION ALL
            SELECT next.* FROM live, LATERAL (
                SELECT book, expires_at FROM ledger_hold
                WHERE book > live.book AND state = 'held' AND expires_at IS NOT NULL
                ORDER BY book, expires_at LIMIT 1
            ) next
        )
        SELECT book FROM live WHERE expires_at <= %s
    """
    with connections[using].cursor() as cursor:
        cursor.execute(sql, [now])
        return [book for (book,) in cursor.fetchall()]


# --- Reading ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Hold:
    id: UUID
    reference: str
    state: HoldState
    left: int
    """Minor units of it that no entry has taken."""
    account: str
    normal_side: Side
    posted_by: UUID | None


@dataclass(frozen=True, slots=True)
class _Earlier:
    """A hold, or an entry, that has the reference already."""

    id: UUID
    content_hash: bytes


# `>= … ORDER BY … LIMIT 1` can only go by the index of the reference, whatever the statistics say.
_READ = f"""
SELECT {OPEN_BOOK}, h.id, h.state, h.amount - h.taken, a.code, a.normal_side, h.posted_by,
       e.id, e.content_hash
FROM {ALWAYS}
LEFT JOIN LATERAL (
    SELECT * FROM ledger_hold
    WHERE book = %(book)s AND reference >= %(hold)s ORDER BY reference LIMIT 1
) h ON h.reference = %(hold)s
LEFT JOIN LATERAL (
    SELECT id, code, normal_side FROM ledger_ledgeraccount
    WHERE book = %(book)s AND id >= h.account_id ORDER BY id LIMIT 1
) a ON a.id = h.account_id
LEFT JOIN LATERAL (
    SELECT id, reference, content_hash FROM ledger_journalentry
    WHERE book = %(book)s AND reference >= %(entry)s ORDER BY reference LIMIT 1
) e ON e.reference = %(entry)s
"""


def _read(book: UUID, reference: str, entry: str) -> tuple[_Hold, _Earlier | None]:
    """A hold, and the entry that has this reference."""
    rows = rows_of_open_book(book, _READ, {"book": book, "hold": reference, "entry": entry})
    if not rows:
        raise _unknown(reference)
    [(id, state, left, account, side, posted_by, entry_id, entry_hash)] = rows
    hold = _Hold(id, reference, HoldState(state), left, account, Side(side), posted_by)
    return hold, None if entry_id is None else _Earlier(entry_id, bytes(entry_hash))


def _the_same(book: UUID, hold: _Hold, draft: Draft, earlier: _Earlier) -> UUID:
    """The earlier entry's id, if it is what the draft would have become."""
    # Entries of older books do not name the hold they posted; the hold names them.
    named_by = None if earlier.id == hold.posted_by else hold.reference
    if earlier.content_hash != content_hash(book=book, draft=draft, hold=named_by):
        raise DuplicateReferenceError(f"{draft.reference} is posted with other content")
    return earlier.id


def _settled(book: UUID, hold: _Hold) -> HoldSettledError:
    """The error that says how a hold was settled."""
    if hold.state is HoldState.RELEASED:
        return HoldSettledError(f"{hold.reference} was released")
    if hold.state is HoldState.EXPIRED:
        return HoldSettledError(f"{hold.reference} has expired")
    sql = """
        SELECT reference FROM ledger_journalentry
        WHERE book = %s AND (hold_id = %s OR id = %s) ORDER BY id DESC LIMIT 5
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [book, hold.id, hold.posted_by])
        takers = ", ".join(reference for (reference,) in cursor.fetchall())
    return HoldSettledError(f"{hold.reference} was posted by {takers}")


def _unknown(reference: str) -> UnknownHoldError:
    return UnknownHoldError(f"no hold has the reference {reference}")


# --- Writing ------------------------------------------------------------------------------


def _place(book: UUID, asked: list[Any]) -> _Earlier | None:
    """Insert a hold, or return the one that has its reference; waits for whoever is writing it."""
    sql = f"SELECT {OPEN_BOOK}, ledger_place({', '.join(['%s'] * 10)})::text"
    rows = rows_of_open_book(book, sql, [book, *asked])
    if not rows:
        return None
    answer = json.loads(rows[0][0])
    if "broken" in answer:
        raise named(answer["broken"], answer.get("said") or asked[2])
    id, content = answer["earlier"]
    return _Earlier(UUID(id), bytes.fromhex(content))


def _check_amount(hold: _Hold, draft: Draft, part: bool) -> None:
    """Return if the draft takes all that is left of the hold, or at least 1 of it as a part."""
    taken = sum(
        -movement.amount if movement.side is hold.normal_side else movement.amount
        for movement in draft.movements
        if movement.account == hold.account
    )
    if taken == hold.left or (part and 0 < taken < hold.left):
        return
    left = f"{hold.left} of {hold.reference} is left"
    raise HoldMismatchError(f"{draft.reference} takes {taken} of {hold.account}; {left}")
