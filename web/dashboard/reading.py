"""What single pages ask beyond settlement.queries. Reads only; inside the member's transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Q, QuerySet

from accounts.models import SettlementAccount, Store
from settlement import queries
from settlement.models import (
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

SHOWN_RIVALS = 6


# --- payouts ------------------------------------------------------------------------------


def stores() -> QuerySet[Store]:
    """The acting merchant's stores."""
    return Store.objects.order_by("platform", "name")


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


# --- exceptions ---------------------------------------------------------------------------


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


Sum = tuple[Decimal, str]


def rivals(account: SettlementAccount, exceptions: Iterable[ReconException]) -> dict[Sum, list[BankLine]]:
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


def statement_before(statement: BankStatement) -> BankStatement | None:
    """The statement of the same account this one should follow on."""
    return (
        BankStatement.objects.filter(
            bank_account_id=statement.bank_account_id,
            live=True,
            books=True,
            period_from__lt=statement.period_from,
        )
        .exclude(closing=None)
        .order_by("-period_from", "-period_to", "-id")
        .first()
    )


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
