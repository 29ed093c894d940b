"""What single pages ask beyond settlement.queries. Reads only; inside the member's transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from djmoney.money import Money

from accounts.models import BankAccount, SettlementAccount, Store
from settlement import queries
from settlement.models import (
    OPEN_STATES,
    BankLine,
    BankStatement,
    DocumentState,
    Line,
    Match,
    MatchItem,
    Payout,
    Reason,
    ReconException,
    SourceDocument,
)
from web.dashboard.wording import Advice, advice, what_happened

SHOWN_RIVALS = 6

Sum = tuple[Decimal, str]


# --- payouts ------------------------------------------------------------------------------


def stores() -> QuerySet[Store]:
    """The acting merchant's stores."""
    return Store.objects.order_by("platform", "name")


def bank_accounts() -> QuerySet[BankAccount]:
    """The acting merchant's bank accounts."""
    return BankAccount.objects.order_by("bank", "id")


def payout_currencies(account: SettlementAccount) -> list[str]:
    """The currencies the account's payouts are in."""
    return list(
        queries.payouts(account)
        .order_by("amount_currency")
        .values_list("amount_currency", flat=True)
        .distinct()
    )


def match_of(payout: Payout) -> Match | None:
    """The payout's confirmed match, or None while it is open."""
    item = payout.match_items.filter(live=True).select_related("match").first()
    return item.match if item else None


def companions(payout: Payout, match: Match | None) -> list[Payout]:
    """The other payouts that arrived in the same deposit."""
    if match is None:
        return []
    items = match.items.filter(payout__isnull=False).exclude(payout=payout)
    return [item.payout for item in items.select_related("payout__store") if item.payout]


def versions(payout: Payout) -> list[Payout]:
    """Every version of the payout, newest first; one where it was never restated."""
    return list(
        Payout.objects.filter(store_id=payout.store_id, external_id=payout.external_id)
        .select_related("document")
        .order_by("-version")
    )


def payouts_in(match: Match) -> list[Payout]:
    """The payouts a match is about."""
    items = match.items.filter(payout__isnull=False)
    return [item.payout for item in items.select_related("payout__store") if item.payout]


# --- bank lines ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """One transaction under a booked entry, as the bank's file tells it."""

    counterparty: str
    remittance: str
    reference: str
    amount: Money | None
    charges: Money | None


def match_of_line(line: BankLine) -> Match | None:
    """The line's confirmed match, or None where it belongs to no payout."""
    item = line.match_items.filter(live=True).select_related("match").first()
    return item.match if item else None


def details_of(line: BankLine) -> list[Detail]:
    """The transactions under an entry."""
    return [
        Detail(
            counterparty=detail["counterparty"],
            remittance=detail["remittance"],
            reference=detail["end_to_end_id"] or detail["reference"],
            amount=_stated(detail["amount"], detail["currency"] or line.amount_currency),
            charges=_stated(detail["charges"], line.amount_currency),
        )
        for detail in line.details
    ]


def _stated(amount: str | None, currency: str) -> Money | None:
    return None if amount is None else Money(Decimal(amount), currency)


# --- exceptions ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """An exception in plain words, with what would fit it."""

    exception: ReconException
    text: str
    advice: Advice
    rivals: list[BankLine]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedGroup:
    """A reason with its exceptions in plain words."""

    reason: Reason
    total: int
    advice: Advice
    members: list[Explained]


def explained(account: SettlementAccount, groups: Iterable[Group]) -> list[ExplainedGroup]:
    """The same groups in plain words, in a fixed number of queries."""
    groups = list(groups)
    every = [exception for group in groups for exception in group.exceptions]
    fitting = rivals(account, every)
    before = statements_before(every)
    return [
        ExplainedGroup(
            reason=group.reason,
            total=group.total,
            advice=advice(group.reason),
            members=[
                Explained(
                    exception=exception,
                    text=what_happened(exception, before.get(exception.id)),
                    advice=advice(group.reason),
                    rivals=_rivals_of(exception, fitting),
                )
                for exception in group.exceptions
            ],
        )
        for group in groups
    ]


def exceptions_about(**subject: object) -> list[Explained]:
    """Open exceptions about one payout, bank line or document, in plain words."""
    found = list(
        ReconException.objects.filter(state__in=OPEN_STATES, **subject)
        .select_related("payout__store", "bank_line", "statement", "document", "settlement_account")
        .order_by("opened_at")
    )
    if not found:
        return []
    groups = [
        Group(reason=Reason(exception.reason), total=1, exceptions=[exception])
        for exception in found
    ]
    return [group.members[0] for group in explained(found[0].settlement_account, groups)]


def _rivals_of(exception: ReconException, fitting: dict[Sum, list[BankLine]]) -> list[BankLine]:
    payout = exception.payout
    if exception.reason != Reason.AMBIGUOUS or payout is None:
        return []
    return fitting.get((payout.amount.amount, payout.amount_currency), [])


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The open exceptions of one reason: how many, and the oldest of them."""

    reason: Reason
    total: int
    exceptions: list[ReconException]


def exception_groups(account: SettlementAccount, *, most: int) -> list[Group]:
    """Open exceptions by reason, in the order of Reason, at most `most` of each."""
    standing = queries.open_exceptions(account)
    totals = dict(standing.order_by().values_list("reason").annotate(Count("id")))
    return [
        Group(
            reason=reason,
            total=totals[reason],
            exceptions=list(standing.filter(reason=reason)[:most]),
        )
        for reason in Reason
        if reason in totals
    ]


def rivals(
    account: SettlementAccount, exceptions: Iterable[ReconException]
) -> dict[Sum, list[BankLine]]:
    """The open bank lines of the same amount as each AMBIGUOUS payout, by amount and currency."""
    payouts = [
        exception.payout
        for exception in exceptions
        if exception.reason == Reason.AMBIGUOUS and exception.payout
    ]
    wanted = {(payout.amount.amount, payout.amount_currency) for payout in payouts}
    found: dict[Sum, list[BankLine]] = defaultdict(list)
    if wanted:
        lines = (
            BankLine.objects.filter(
                bank_account__settlement_account=account,
                live=True,
                books=True,
                amount__in=[amount for amount, _currency in wanted],
            )
            .exclude(match_items__live=True)
            .select_related("bank_account")
            .order_by("booked_on")
        )
        for line in lines:
            key = (line.amount.amount, line.amount_currency)
            if key in wanted and len(found[key]) < SHOWN_RIVALS:
                found[key].append(line)
    return found


def statements_before(exceptions: Iterable[ReconException]) -> dict[UUID, BankStatement]:
    """For each gap, the statement it should follow on, by the exception's id."""
    gaps = {e.id: e.statement for e in exceptions if e.statement is not None}
    if not gaps:
        return {}
    standing = list(
        BankStatement.objects.filter(
            bank_account_id__in={s.bank_account_id for s in gaps.values()}, live=True, books=True
        )
        .exclude(opening=None)
        .exclude(closing=None)
        .order_by("bank_account_id", "period_from", "period_to", "id")
    )
    follows = {
        after.id: before
        for before, after in pairwise(standing)
        if before.bank_account_id == after.bank_account_id
    }
    return {id: follows[gap.id] for id, gap in gaps.items() if gap.id in follows}


# --- documents ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """How much the hub has read from a document and still holds to be true."""

    lines: int
    payouts: int
    statements: int
    bank_lines: int
    matched: int
    """Payouts and bank lines whose match would end with the document."""


def contents(document: SourceDocument) -> Contents:
    """Count a document's live records."""
    mine = Q(payout__document=document) | Q(bank_line__document=document)
    return Contents(
        lines=lines_of(document).filter(live=True).count(),
        payouts=document.payouts.filter(live=True).count(),
        statements=document.statements.filter(live=True).count(),
        bank_lines=document.bank_lines.filter(live=True).count(),
        matched=MatchItem.objects.filter(mine, live=True).count(),
    )


def lines_of(document: SourceDocument) -> QuerySet[Line]:
    """The settlement lines read from a document, in file order."""
    # The partition is named by `known_at`: without it every month would be searched.
    return Line.objects.filter(document=document, known_at=document.known_at).order_by("row", "id")


def at_row(document: SourceDocument, row: int) -> tuple[list[Line], list[Payout], list[BankLine]]:
    """What was read from one row of a document."""
    return (
        list(lines_of(document).filter(row=row)),
        list(document.payouts.filter(row=row).select_related("store")),
        list(document.bank_lines.filter(row=row).select_related("bank_account")),
    )


def in_work(documents: Iterable[SourceDocument]) -> bool:
    """Whether one of them is waiting or being read."""
    return any(d.state in (DocumentState.STORED, DocumentState.READING) for d in documents)
