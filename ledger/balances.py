"""Reading the books: balances, now and at any instant. Nothing here writes, locks or reads a clock.

Every function works inside a transaction in which `tributary.tenant` is the book, whatever role
asks; otherwise it raises BookNotOpenError. Amounts are minor units of the account's currency.

What an account has now costs the same however long its history is: one row, and what has arrived
since the last folding. A past instant costs a row for each day, and the postings of one day.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, NamedTuple
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS

from ledger.drafts import check_instant
from ledger.errors import UnguardedAccountError, UnknownAccountError
from ledger.models import Side
from ledger.reading import (
    ALWAYS,
    BALANCES_NOW,
    CREDITS,
    DEBITS,
    OPEN_BOOK,
    SPAN_OF_DAY,
    UNFOLDED,
    of_accounts,
    rows_of_open_book,
)


class Axis(Enum):
    """By which time a past instant is meant."""

    KNOWN = "known"
    """What the ledger knew then (`known_at` at or before it).

    An entry carries the instant its writer began with, so a figure as of the last moments may
    still grow.
    """
    EVENT = "event"
    """What had happened by then (`event_at` at or before it), as far as is known by now."""


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


def balance(*, book: UUID, code: str, as_of: datetime | None = None, by: Axis = Axis.KNOWN) -> int:
    """The balance of one account, positive on its normal side.

    Raises UnknownAccountError.
    """
    return balances(book=book, codes=[code], as_of=as_of, by=by)[code].amount


def balances(
    *,
    book: UUID,
    prefix: str = "",
    codes: Collection[str] | None = None,
    as_of: datetime | None = None,
    by: Axis = Axis.KNOWN,
    using: str = DEFAULT_DB_ALIAS,
) -> dict[str, Balance]:
    """Balances by code, also of accounts that never moved, in one query.

    Of the accounts whose code begins with `prefix`; or of exactly `codes`, raising
    UnknownAccountError if one of them is not open. `as_of` any instant, by either axis.
    """
    which, accounts = of_accounts(prefix, codes)
    parameters = {"book": book, "accounts": accounts}
    if as_of is None:
        sql = _NOW
    else:
        sql = _PAST[by]
        parameters |= _cut(as_of)
    found = {
        code: Balance(
            code=code, currency=currency, normal_side=Side(side), debits=debits, credits=credits
        )
        for code, currency, side, debits, credits in rows_of_open_book(
            book, sql.replace("{which}", which), parameters, using=using
        )
    }
    if missing := sorted(set(codes or ()) - found.keys()):
        raise UnknownAccountError(f"no such account: {', '.join(missing[:10])}")
    return found


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


# --- Queries ------------------------------------------------------------------------------

_NOW = f"""
    WITH {BALANCES_NOW}
    SELECT {OPEN_BOOK}, c.code, c.currency, c.normal_side, c.debits_now, c.credits_now
    FROM {ALWAYS} LEFT JOIN present c ON true
    ORDER BY c.code
"""

_UNTIL = datetime(9999, 12, 31, tzinfo=UTC)


def _cut(as_of: datetime) -> dict[str, Any]:
    """Whole days before `day`, and what of that day lies from midnight on and before `until`."""
    check_instant("as_of", as_of)
    # Instants are whole microseconds: at or before one is before the next.
    until = min(as_of, _UNTIL).astimezone(UTC) + timedelta(microseconds=1)
    midnight = until.replace(hour=0, minute=0, second=0, microsecond=0)
    return {"until": until, "midnight": midnight, "day": midnight.date()}


# What was learnt on that day is read from the index of the account, folded or not; of what is not
# folded only the days before are then left.
_KNOWN_THAT_DAY = f"""
    SELECT {DEBITS} AS debits, {CREDITS} AS credits FROM ledger_posting
    WHERE book = %(book)s AND account_id = c.id
      AND known_at >= %(midnight)s AND known_at < %(until)s
"""

# What happened on that day may have been learnt on any: the daily totals tell on which. Postings
# do not say when they happened, entries do; the day they are booked on leaves most others out.
_HAPPENED_THAT_DAY = f"""
    SELECT {DEBITS} AS debits, {CREDITS} AS credits
    FROM (
        SELECT {SPAN_OF_DAY}, array_agg(DISTINCT booked_on) AS booked FROM ledger_daily
        WHERE book = %(book)s AND account_id = c.id AND event_day = %(day)s
          AND %(midnight)s < %(until)s
        GROUP BY known_day
    ) d
    JOIN LATERAL (
        SELECT entry_id, side, amount FROM ledger_posting
        WHERE book = %(book)s AND account_id = c.id AND booked_on = ANY(d.booked)
          AND known_at >= d.since AND known_at < d.before
        OFFSET 0
    ) p ON true
    JOIN LATERAL (
        SELECT event_at FROM ledger_journalentry WHERE book = %(book)s AND id = p.entry_id LIMIT 1
    ) e ON e.event_at >= %(midnight)s AND e.event_at < %(until)s
    WHERE NOT EXISTS (SELECT FROM unfolded u WHERE u.id = p.entry_id)
"""


class _Parts(NamedTuple):
    """Of what a past balance is made up besides the totals of whole days."""

    day: str
    """The column of `ledger_daily` that counts the days."""
    that_day: str
    fresh: str
    """Which of the postings that are not folded count."""


_PARTS = {
    Axis.KNOWN: _Parts("known_day", _KNOWN_THAT_DAY, "known_at < %(midnight)s"),
    Axis.EVENT: _Parts("event_day", _HAPPENED_THAT_DAY, "event_at < %(until)s"),
}


def _past(parts: _Parts) -> str:
    return f"""
    WITH {UNFOLDED}, chosen AS MATERIALIZED ({{which}})
    SELECT {OPEN_BOOK}, c.code, c.currency, c.normal_side,
           (d.debits + t.debits + coalesce(f.debits, 0))::bigint,
           (d.credits + t.credits + coalesce(f.credits, 0))::bigint
    FROM {ALWAYS}
    LEFT JOIN chosen c ON true
    LEFT JOIN LATERAL (
        SELECT coalesce(sum(debits), 0) AS debits, coalesce(sum(credits), 0) AS credits
        FROM ledger_daily
        WHERE book = %(book)s AND account_id = c.id AND {parts.day} < %(day)s
    ) d ON true
    LEFT JOIN LATERAL ({parts.that_day}) t ON true
    LEFT JOIN (
        SELECT account_id, {DEBITS} AS debits, {CREDITS} AS credits
        FROM fresh WHERE {parts.fresh} GROUP BY account_id
    ) f ON f.account_id = c.id
    ORDER BY c.code
"""


_PAST = {axis: _past(parts) for axis, parts in _PARTS.items()}
