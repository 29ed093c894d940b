"""What a book's accounts add up to over days: turnover and trial balances, by `booked_on`.

Conventions as in `ledger/balances.py`. Sums are told backwards from the balances of now, through
the totals of the days since: the later a period ends, the less there is to read, and no posting
that is folded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS

from ledger.drafts import check_day
from ledger.models import Side
from ledger.reading import (
    ALWAYS,
    BALANCES_NOW,
    OPEN_BOOK,
    UNFOLDED,
    check_period,
    of_accounts,
    rows_of_open_book,
)


class Totals(NamedTuple):
    """Sums of one currency over a whole book; equal in sound books."""

    debits: int
    credits: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodTotals:
    """One account over some days; opening and closing are positive on its normal side."""

    code: str
    currency: str
    normal_side: Side
    opening: int
    debits: int
    credits: int
    closing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyTotals:
    """One currency over some days: in each pair debits and credits are equal in sound books.

    Of opening and closing balances, those that stand on the debit and on the credit side.
    """

    opening: Totals
    turnover: Totals
    closing: Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialBalance:
    """A book's accounts over some days, by code, and what proves that they are level."""

    rows: tuple[PeriodTotals, ...]
    totals: dict[str, CurrencyTotals]
    """By currency."""


def period_totals(
    *, book: UUID, start: date, end: date, prefix: str = "", using: str = DEFAULT_DB_ALIAS
) -> dict[str, PeriodTotals]:
    """What is booked from `start` to `end`, both included, by code, in one query.

    Of all accounts whose code begins with `prefix`, also of those that did not move. Raises
    InvalidPeriodError.
    """
    check_period(start, end)
    which, accounts = of_accounts(prefix)
    parameters = {"book": book, "accounts": accounts, "start": start, "end": end}
    rows = rows_of_open_book(book, _PERIOD.replace("{which}", which), parameters, using=using)
    return {
        code: _period(code, currency, Side(side), closing, Totals(debits, credits))
        for code, currency, side, closing, debits, credits in rows
    }


def period_trial_balance(
    *, book: UUID, start: date, end: date, using: str = DEFAULT_DB_ALIAS
) -> TrialBalance:
    """The trial balance an accountant reads at a month's end, or for any other days.

    Of the accounts that have something to show. Raises InvalidPeriodError.
    """
    found = period_totals(book=book, start=start, end=end, using=using).values()
    rows = tuple(x for x in found if x.opening or x.debits or x.credits)
    by_currency: defaultdict[str, list[PeriodTotals]] = defaultdict(list)
    for row in rows:
        by_currency[row.currency].append(row)
    totals = {
        currency: CurrencyTotals(
            opening=_sides((x.normal_side, x.opening) for x in moved),
            turnover=Totals(sum(x.debits for x in moved), sum(x.credits for x in moved)),
            closing=_sides((x.normal_side, x.closing) for x in moved),
        )
        for currency, moved in sorted(by_currency.items())
    }
    return TrialBalance(rows=rows, totals=totals)


def trial_balance(
    *, book: UUID, through: date | None = None, using: str = DEFAULT_DB_ALIAS
) -> dict[str, Totals]:
    """Sums of all debits and all credits per currency; they differ only in broken books.

    Of everything, or of what is booked on `through` or earlier.
    """
    which, accounts = of_accounts()
    parameters = {"book": book, "accounts": accounts, "start": through, "end": through}
    if through is not None:
        check_day("through", through)
    sql = (_TOTALS_NOW if through is None else _TOTALS).replace("{which}", which)
    rows = rows_of_open_book(book, sql, parameters, using=using)
    return {currency: Totals(debits, credits) for currency, debits, credits in rows}


def _period(code: str, currency: str, side: Side, closing: int, moved: Totals) -> PeriodTotals:
    way = 1 if side is Side.DEBIT else -1
    return PeriodTotals(
        code=code,
        currency=currency,
        normal_side=side,
        opening=way * (closing - moved.debits + moved.credits),
        debits=moved.debits,
        credits=moved.credits,
        closing=way * closing,
    )


def _sides(balances: Iterable[tuple[Side, int]]) -> Totals:
    """Balances, positive on their normal sides, by the side they stand on."""
    net = [amount if side is Side.DEBIT else -amount for side, amount in balances]
    return Totals(sum(x for x in net if x > 0), -sum(x for x in net if x < 0))


# --- Queries ------------------------------------------------------------------------------

# What is booked after `end`, and what from `start` to `end`, of days that are read from `start` on.
_SPAN = """
        coalesce(sum({d}) FILTER (WHERE booked_on > %(end)s), 0) AS later_debits,
        coalesce(sum({c}) FILTER (WHERE booked_on > %(end)s), 0) AS later_credits,
        coalesce(sum({d}) FILTER (WHERE booked_on <= %(end)s), 0) AS debits,
        coalesce(sum({c}) FILTER (WHERE booked_on <= %(end)s), 0) AS credits
"""
_MOVED = f"""
    WITH {BALANCES_NOW}, {UNFOLDED}, recent AS MATERIALIZED (
        SELECT account_id, {_SPAN.format(d="debit", c="credit")}
        FROM (SELECT account_id, booked_on, CASE side WHEN 'D' THEN amount ELSE 0 END AS debit,
                     CASE side WHEN 'C' THEN amount ELSE 0 END AS credit
              FROM fresh WHERE booked_on >= %(start)s) f
        GROUP BY account_id
    ), moved AS (
        SELECT c.*, c.debits_now - d.later_debits - coalesce(f.later_debits, 0) AS debits_then,
               c.credits_now - d.later_credits - coalesce(f.later_credits, 0) AS credits_then,
               (d.debits + coalesce(f.debits, 0))::bigint AS debits_moved,
               (d.credits + coalesce(f.credits, 0))::bigint AS credits_moved
        FROM present c
        LEFT JOIN LATERAL (
            SELECT {_SPAN.format(d="debits", c="credits")} FROM ledger_daily
            WHERE book = %(book)s AND account_id = c.id AND booked_on >= %(start)s
        ) d ON true
        LEFT JOIN recent f ON f.account_id = c.id
    )
"""
_PERIOD = f"""
    {_MOVED}
    SELECT {OPEN_BOOK}, m.code, m.currency, m.normal_side,
           (m.debits_then - m.credits_then)::bigint, m.debits_moved, m.credits_moved
    FROM {ALWAYS} LEFT JOIN moved m ON true ORDER BY m.code
"""


def _per_currency(accounts: str, debits: str, credits: str) -> str:
    return f"""
    SELECT {OPEN_BOOK}, t.*
    FROM {ALWAYS} LEFT JOIN (
        SELECT currency, sum({debits})::bigint, sum({credits})::bigint FROM {accounts}
        GROUP BY currency HAVING sum({debits} + {credits}) > 0
    ) t ON true
    ORDER BY t.currency
"""


_TOTALS = f"{_MOVED} {_per_currency('moved', 'debits_then', 'credits_then')}"
_TOTALS_NOW = f"WITH {BALANCES_NOW} {_per_currency('present', 'debits_now', 'credits_now')}"
