"""What the pages about money out show. Reads only; inside the member's transaction."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from djmoney.money import Money

from accounts.models import BankAccount, Payee, Segment, SettlementAccount
from settlement.models import (
    BankLine,
    FeeQuote,
    Withdrawal,
)
from settlement.money_out import queries, quotes
from web.dashboard import flow
from web.dashboard.labels import Badge
from web.dashboard.withdrawal_words import badge_of

Text = str | Promise
MOST_DOTS = 12
"""A larger quota is said in words only."""


# --- what can be withdrawn ----------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class Purse:
    """What can be withdrawn in one currency, and from which bank accounts."""

    currency: str
    available: Money
    held: Money
    banked: Money
    bank_accounts: list[BankAccount] = field(default_factory=list)

    @property
    def withdrawable(self) -> Money:
        """What could be ordered now: what is available, as far as the bank holds it."""
        return min(self.available, self.banked - self.held)

    @property
    def bank_is_short(self) -> bool:
        """Whether the bank holds less than what is available (rent and suppliers were paid)."""
        return self.withdrawable < self.available

    @property
    def free(self) -> int:
        """The part of what has arrived that can be withdrawn, in per cent of the bar's width."""
        whole = max(self.available.amount, Decimal(0)) + self.held.amount
        return int(100 * max(self.available.amount, Decimal(0)) / whole) if whole else 0

    @property
    def overdrawn(self) -> bool:
        """Whether the platforms took back more than was there."""
        return bool(self.available.amount < 0)


def purses(account: SettlementAccount) -> list[Purse]:
    """The account's funds by currency, in the order of the currencies' codes."""
    found: dict[str, Purse] = {}
    banked = queries.banked(account)
    for row in queries.funds(account):
        currency = row.bank_account.currency
        purse = found.setdefault(
            currency,
            Purse(
                currency=currency,
                available=row.available,
                held=row.held,
                banked=banked[currency],
            ),
        )
        purse.bank_accounts.append(row.bank_account)
    return list(found.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """A waiver programme as the merchant sees it: its name, and what is left of the month's."""

    name: str
    applies: bool
    why_not: str
    left: int | None
    quota: int | None
    percent: Decimal
    dots: list[bool]
    """One for each free withdrawal of the month: True while it is left. Empty: no limit."""


def programmes(account: SettlementAccount, *, now: datetime) -> list[Programme]:
    """Every programme in force, those that apply first."""
    return [_programme(row) for row in queries.programs(account, now=now)]


def _programme(row: queries.ProgramRow) -> Programme:
    rule = row.rule
    quota, left = rule.quota, row.left
    few = quota is not None and left is not None and quota <= MOST_DOTS
    return Programme(
        name=quotes.program_name(rule),
        applies=row.applies,
        why_not=""
        if row.applies
        else _("Only for merchants of the segment “%(segment)s”.")
        % {"segment": Segment(rule.segment).label},
        left=left,
        quota=quota,
        percent=rule.percent,
        dots=[n < (left or 0) for n in range(quota or 0)] if few else [],
    )


# --- a quote ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A quote, what it would leave behind, and whether it can still be ordered."""

    quote: FeeQuote
    rest: Money
    """What the merchant pays of the fee."""
    leaving: Money
    """What leaves the available balance: amount + rest."""
    after: Money
    explanation: quotes.Explanation
    program: str
    expired: bool

    @property
    def covered(self) -> bool:
        """Whether what is available covers it."""
        return bool(self.after.amount >= 0)


def offer_of(quote: FeeQuote, account: SettlementAccount, *, now: datetime) -> Offer:
    """What ordering the quote would do. Its rule, programme and bank account are loaded."""
    rest = quote.fee - quote.waived
    leaving = quote.amount + rest
    currency = quote.amount_currency
    available = next(
        (row.available for row in queries.funds(account) if row.bank_account.currency == currency),
        Money(0, currency),
    )
    return Offer(
        quote=quote,
        rest=rest,
        leaving=leaving,
        after=available - leaving,
        explanation=quotes.explain(quote),
        program=quotes.program_name(quote.rule) if quote.rule else "",
        expired=now > quote.expires_at,
    )


def quoted() -> QuerySet[FeeQuote]:
    """The acting merchant's quotes, with what their page shows."""
    return FeeQuote.objects.select_related(
        "rule__program", "bank_account", "settlement_account", "withdrawal"
    )


# --- withdrawals --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A withdrawal in a list."""

    withdrawal: Withdrawal
    badge: Badge
    rest: Money
    program: str


def rows(withdrawals: Iterable[Withdrawal]) -> list[Row]:
    """Withdrawals with their words; their quote's programme is loaded."""
    return [
        Row(
            withdrawal=withdrawal,
            badge=badge_of(withdrawal.state),
            rest=withdrawal.fee - withdrawal.waived,
            program=quotes.program_name(withdrawal.quote.rule) if withdrawal.quote.rule else "",
        )
        for withdrawal in withdrawals
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Savings:
    """What was saved in one currency, of all withdrawals that were paid and stayed so."""

    currency: str
    total: queries.Saved
    month: Money


def savings(account: SettlementAccount) -> list[Savings]:
    """What was saved in all and this month, a row for each currency with a paid withdrawal."""
    first = quotes.month_of(timezone.now(), account.merchant)
    month = {row.currency: row.waived for row in queries.saved(account, since=first)}
    return [
        Savings(
            currency=row.currency, total=row, month=month.get(row.currency, Money(0, row.currency))
        )
        for row in queries.saved(account)
    ]


# --- the picture --------------------------------------------------------------------------


def exits(account: SettlementAccount) -> dict[str, flow.Out]:
    """For the money-flow picture: what became of what arrived, by currency."""
    flows = {row.currency: row for row in queries.outflows(account)}
    paid = {row.currency: row.paid for row in queries.saved(account)}
    found = {}
    for row in queries.funds(account):
        currency = row.bank_account.currency
        nothing = Money(0, currency)
        way = flows.get(currency)
        found[currency] = flow.Out(
            ready=row.available,
            leaving=row.held,
            gone=way.paid if way else nothing,
            fees=paid.get(currency, nothing),
            returned=way.returned if way else nothing,
        )
    return found


# --- payees -------------------------------------------------------------------------------


def every_payee() -> QuerySet[Payee]:
    """The acting merchant's payees, blocked ones too, by name."""
    return Payee.objects.select_related("added_by").order_by("holder", "id")


def withdrawals_in(lines: Iterable[BankLine]) -> dict[object, Withdrawal]:
    """The withdrawal each of these lines pays or brings back, by the line's id."""
    items = BankLine.objects.filter(
        id__in=[line.id for line in lines],
        match_items__live=True,
        match_items__match__items__live=True,
        match_items__match__items__withdrawal__isnull=False,
    ).values_list("id", "match_items__match__items__withdrawal")
    named = dict(items)
    known = Withdrawal.objects.select_related("payee").in_bulk(set(named.values()))
    return {line: known[withdrawal] for line, withdrawal in named.items()}
