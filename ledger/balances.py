"""Reading the books. Nothing here writes, locks or reads a clock.

Every function works inside a transaction in which `tributary.tenant` is the book, whatever role
asks; otherwise it raises BookNotOpenError. Amounts are minor units of the account's currency.
`as_of` counts what the ledger knew at that instant (`known_at` at or before it). An entry carries
the instant its writer began with, so a figure as of the last moments may still grow.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS

from ledger.errors import UnguardedAccountError, UnknownAccountError
from ledger.models import Side
from ledger.reading import ALWAYS, OPEN_BOOK, rows_of_open_book


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What an account's postings add up to; debits and credits are sums of positive amounts."""

    code: str
    currency: str
    normal_side: Side
    debits: int
    credits: int

    @property
    def amount(self) -> int:
        """The balance, positive on the account's normal side."""
        net = self.debits - self.credits
        return net if self.normal_side is Side.DEBIT else -net


@dataclass(frozen=True, slots=True, kw_only=True)
class Funds:
    """What a guarded account has now, positive on its normal side."""

    balance: int
    held: int
    """Of the balance, what live holds keep; never negative."""

    @property
    def available(self) -> int:
        """What is neither held nor spent; below zero where facts overdrew the account."""
        return self.balance - self.held


class Totals(NamedTuple):
    """Sums of one currency over a whole book; equal in sound books."""

    debits: int
    credits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A place in an account's statement, to read on from."""

    known_at: datetime
    entry_id: UUID
    line_no: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementRow:
    """One posting with what its entry says, and the balance it left behind."""

    position: Position
    reference: str
    kind: str
    memo: str
    event_at: datetime
    booked_on: date
    side: Side
    amount: int
    subject: UUID | None
    balance: int
    """After this posting, positive on the account's normal side."""


def balance(*, book: UUID, code: str, as_of: datetime | None = None) -> int:
    """The balance of one account, positive on its normal side.

    Raises UnknownAccountError.
    """
    return balances(book=book, codes=[code], as_of=as_of)[code].amount


def funds(*, book: UUID, code: str, using: str = DEFAULT_DB_ALIAS) -> Funds:
    """What a guarded account has, and what of it is held, from one row.

    Raises UnknownAccountError, and UnguardedAccountError for an account without a floor.
    """
    sql = f"""
        SELECT {OPEN_BOOK}, a.normal_side, b.debits - b.credits, b.held
        FROM {ALWAYS}
        LEFT JOIN ledger_ledgeraccount a ON a.book = %s AND a.code = %s
        LEFT JOIN ledger_balance b
            ON b.book = a.book AND b.account_id = a.id AND b.floor IS NOT NULL
    """
    rows = rows_of_open_book(book, sql, [book, code], using=using)
    if not rows:
        raise UnknownAccountError(f"no such account: {code}")
    [(side, net, held)] = rows
    if held is None:
        raise UnguardedAccountError(f"{code} has no floor")
    return Funds(balance=net if side == Side.DEBIT else -net, held=held)


def balances(
    *,
    book: UUID,
    prefix: str = "",
    codes: Collection[str] | None = None,
    as_of: datetime | None = None,
    using: str = DEFAULT_DB_ALIAS,
) -> dict[str, Balance]:
    """Balances by code, also of accounts that never moved, in one query.

    Of the accounts whose code begins with `prefix`; or of exactly `codes`, raising
    UnknownAccountError if one of them is not open.
    """
    which, argument = _which(prefix, codes)
    sql = f"""
        SELECT {OPEN_BOOK}, a.code, a.currency, a.normal_side,
               coalesce(sum(p.amount) FILTER (WHERE p.side = 'D'), 0)::bigint,
               coalesce(sum(p.amount) FILTER (WHERE p.side = 'C'), 0)::bigint
        FROM {ALWAYS}
        LEFT JOIN ledger_ledgeraccount a ON a.book = %s AND {which}
        LEFT JOIN ledger_posting p ON p.book = a.book AND p.account_id = a.id
            AND p.known_at <= coalesce(%s::timestamptz, 'infinity')
        GROUP BY a.code, a.currency, a.normal_side ORDER BY a.code
    """
    found = {
        code: Balance(
            code=code, currency=currency, normal_side=Side(side), debits=debits, credits=credits
        )
        for code, currency, side, debits, credits in rows_of_open_book(
            book, sql, [book, argument, as_of], using=using
        )
    }
    if missing := sorted(set(codes or ()) - found.keys()):
        raise UnknownAccountError(f"no such account: {', '.join(missing[:10])}")
    return found


def by_subject(
    *, book: UUID, prefix: str, subjects: Collection[UUID], using: str = DEFAULT_DB_ALIAS
) -> dict[UUID, dict[str, int]]:
    """Debits less credits per subject and currency, over the accounts whose code has the prefix.

    Every subject asked for is in the answer; one without postings there has no currencies.
    """
    sql = f"""
        SELECT {OPEN_BOOK}, p.subject, p.currency,
               sum(CASE p.side WHEN 'D' THEN p.amount ELSE -p.amount END)::bigint
        FROM {ALWAYS}
        LEFT JOIN ledger_posting p ON p.book = %s AND p.subject = ANY(%s)
            AND EXISTS (SELECT FROM ledger_ledgeraccount a
                        WHERE a.book = p.book AND a.id = p.account_id AND a.code ^@ %s)
        GROUP BY p.subject, p.currency ORDER BY p.subject, p.currency
    """
    found: dict[UUID, dict[str, int]] = {subject: {} for subject in subjects}
    for subject, currency, net in rows_of_open_book(
        book, sql, [book, list(subjects), prefix], using=using
    ):
        found[subject][currency] = net
    return found


def trial_balance(*, book: UUID, using: str = DEFAULT_DB_ALIAS) -> dict[str, Totals]:
    """Sums of all debits and all credits per currency; they differ only in broken books."""
    sql = f"""
        SELECT {OPEN_BOOK}, p.currency,
               coalesce(sum(p.amount) FILTER (WHERE p.side = 'D'), 0)::bigint,
               coalesce(sum(p.amount) FILTER (WHERE p.side = 'C'), 0)::bigint
        FROM {ALWAYS} LEFT JOIN ledger_posting p ON p.book = %s
        GROUP BY p.currency ORDER BY p.currency
    """
    rows = rows_of_open_book(book, sql, [book], using=using)
    return {currency: Totals(debits, credits) for currency, debits, credits in rows}


def statement(
    *,
    book: UUID,
    code: str,
    limit: int,
    before: Position | None = None,
    using: str = DEFAULT_DB_ALIAS,
) -> list[StatementRow]:
    """The account's newest `limit` postings, newest first, each with the balance it left.

    `before` is the position of the last row of the page before. Raises UnknownAccountError.
    """
    sql = f"""
        SELECT {OPEN_BOOK}, a.normal_side, p.known_at, p.entry_id, p.line_no, p.side, p.amount,
               p.subject, p.net, e.reference, e.kind, e.memo, e.event_at, e.booked_on
        FROM {ALWAYS}
        LEFT JOIN ledger_ledgeraccount a ON a.book = %s AND a.code = %s
        LEFT JOIN LATERAL (
            SELECT *, sum(CASE side WHEN 'D' THEN amount ELSE -amount END)
                OVER (ORDER BY known_at, entry_id, line_no)::bigint AS net
            FROM ledger_posting
            WHERE book = a.book AND account_id = a.id AND {_up_to(before)}
            ORDER BY known_at DESC, entry_id DESC, line_no DESC LIMIT %s
        ) p ON true
        LEFT JOIN ledger_journalentry e ON e.book = p.book AND e.id = p.entry_id
        ORDER BY p.known_at DESC, p.entry_id DESC, p.line_no DESC
    """
    place = [] if before is None else [before.known_at, before.entry_id, before.line_no]
    rows = rows_of_open_book(book, sql, [book, code, *place, limit], using=using)
    if not rows:
        raise UnknownAccountError(f"no such account: {code}")
    return [_statement_row(row) for row in rows if row[1] is not None]


def _which(prefix: str, codes: Collection[str] | None) -> tuple[str, Any]:
    if codes is None:
        return "a.code ^@ %s", prefix
    return "a.code = ANY(%s)", list(codes)


def _up_to(before: Position | None) -> str:
    return "true" if before is None else "(known_at, entry_id, line_no) < (%s, %s, %s)"


def _statement_row(row: tuple[Any, ...]) -> StatementRow:
    normal_side, known_at, entry_id, line_no, side, amount, subject, net = row[:8]
    reference, kind, memo, event_at, booked_on = row[8:]
    return StatementRow(
        position=Position(known_at=known_at, entry_id=entry_id, line_no=line_no),
        reference=reference,
        kind=kind,
        memo=memo,
        event_at=event_at,
        booked_on=booked_on,
        side=Side(side),
        amount=amount,
        subject=subject,
        balance=net if normal_side == Side.DEBIT else -net,
    )
