"""Money comes in: lines, payouts, bank entries and their matches become entries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import islice
from uuid import UUID
from zoneinfo import ZoneInfo

from accounts.models import Store
from ledger.book import Draft, Link, Movement
from ledger.models import JournalEntry
from settlement.bookings import codes
from settlement.bookings.codes import minor, minor_of
from settlement.bookings.origins import SETTLES
from settlement.bookings.writing import post, reverse, side_of, transfer
from settlement.models import (
    BankLine,
    BankStatement,
    Match,
    Payout,
    SourceDocument,
    WalletStatement,
)

BATCH = 5000
"""Bank lines booked at once: memory stays flat however long a statement is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DaysMovement:
    """What one day's lines added to a store's balance at the platform, in major units."""

    day: date
    currency: str
    unknown: bool
    amount: Decimal


def lines_loaded(
    document: SourceDocument, *, store: Store, moved: Iterable[DaysMovement], now: datetime
) -> None:
    """Sales, refunds and charges of a document: the platform owes more (or less)."""
    zone = ZoneInfo(store.merchant.zone)
    account = store.settlement_account_id
    drafts = []
    for part in moved:
        claim = codes.suspense if part.unknown else codes.pending
        movements = transfer(
            to=codes.receivable(store.id, part.currency),
            source=claim(account, part.currency),
            amount=minor(part.amount, part.currency),
            currency=part.currency,
        )
        if movements:
            kind = "suspense" if part.unknown else "lines"
            drafts.append(
                Draft(
                    reference=f"{_lines_prefix(document)}:{part.day}:{part.currency}:{kind}",
                    kind=f"document.{kind}",
                    movements=movements,
                    event_at=datetime.combine(part.day, time.max, zone).astimezone(UTC),
                    booked_on=part.day,
                )
            )
    post(document.merchant_id, drafts, now)


def _lines_prefix(document: SourceDocument) -> str:
    return f"document:{document.id}:{document.readings}"


def payouts_announced(payouts: Iterable[Payout], *, store: Store, now: datetime) -> None:
    """The platform says it pays: owed becomes in transit, under the payout's id."""
    zone = ZoneInfo(store.merchant.zone)
    drafts = [
        Draft(
            reference=_announced_reference(payout),
            kind="payout.announced",
            movements=movements,
            event_at=payout.announced_at,
            booked_on=payout.announced_at.astimezone(zone).date(),
            memo=payout.external_id,
        )
        for payout in payouts
        if (
            movements := transfer(
                to=codes.in_transit(store.id, payout.amount_currency),
                source=codes.receivable(store.id, payout.amount_currency),
                amount=minor_of(payout.amount),
                currency=payout.amount_currency,
                to_subject=payout.id,
            )
        )
    ]
    post(store.merchant_id, drafts, now)


def _announced_reference(payout: Payout) -> str:
    return f"payout:{payout.id}"


def payouts_retired(payouts: Sequence[Payout], *, reason: str, now: datetime) -> None:
    """Payouts were restated or their document withdrawn: what was announced is reversed.

    A payout that came to nothing (failed, cancelled, zero) was never booked.
    """
    if not payouts:
        return
    merchant_id = payouts[0].merchant_id
    booked = JournalEntry.objects.filter(
        book=merchant_id, reference__in=[_announced_reference(payout) for payout in payouts]
    ).values_list("reference", flat=True)
    for reference in booked.order_by("reference"):
        reverse(merchant_id, reference, reason=reason, now=now)


def statement_opened(
    statement: BankStatement, *, before: BankStatement | None, now: datetime
) -> None:
    """The earliest statement's opening balance; an earlier one takes the former's place."""
    if before is not None:
        opening_withdrawn(before, now=now)
    balance = statement.opening
    if balance is None:
        return
    movements = transfer(
        to=codes.bank(statement.bank_account_id, str(balance.currency)),
        source=codes.opening(statement.bank_account_id, str(balance.currency)),
        amount=minor_of(balance),
        currency=str(balance.currency),
    )
    if movements:
        day = statement.period_from
        draft = Draft(
            reference=_opening_reference(statement),
            kind="statement.opening",
            movements=movements,
            event_at=datetime.combine(day, time.min, UTC),
            booked_on=day,
        )
        post(statement.merchant_id, [draft], now)


def opening_withdrawn(statement: BankStatement, *, now: datetime) -> None:
    """This statement's opening balance stands in the books no longer."""
    if statement.opening is None or not statement.opening.amount:
        return
    reverse(statement.merchant_id, _opening_reference(statement), reason="withdrawn", now=now)


def wallet_opened(
    wallet: WalletStatement, *, before: WalletStatement | None, store: Store, now: datetime
) -> None:
    """What the platform owed before the first document; an earlier one takes its place."""
    if before is not None:
        wallet_withdrawn(before, now=now)
    currency = wallet.opening_currency
    movements = transfer(
        to=codes.receivable(store.id, currency),
        source=codes.pending(store.settlement_account_id, currency),
        amount=minor_of(wallet.opening),
        currency=currency,
    )
    if movements:
        draft = Draft(
            reference=f"opening:{wallet.id}",
            kind="wallet.opening",
            movements=movements,
            event_at=wallet.first_at,
            booked_on=wallet.first_at.astimezone(ZoneInfo(store.merchant.zone)).date(),
        )
        post(store.merchant_id, [draft], now)


def wallet_withdrawn(wallet: WalletStatement, *, now: datetime) -> None:
    """This wallet's opening balance stands in the books no longer."""
    if wallet.opening.amount:
        reverse(wallet.merchant_id, f"opening:{wallet.id}", reason="withdrawn", now=now)


def _opening_reference(statement: BankStatement) -> str:
    return f"opening:{statement.id}"


def bank_lines_booked(lines: Iterable[BankLine], *, merchant_id: UUID, now: datetime) -> None:
    """Every booked entry moves the bank; what it was for is decided by matching."""
    remaining = iter(lines)
    while batch := list(islice(remaining, BATCH)):
        post(merchant_id, _bank_drafts(batch), now)


def _bank_drafts(lines: Iterable[BankLine]) -> list[Draft]:
    return [
        Draft(
            reference=f"bankline:{line.id}",
            kind="bank.line",
            movements=movements,
            event_at=datetime.combine(line.booked_on, time.max, UTC),
            booked_on=line.booked_on,
            memo=line.reference,
        )
        for line in lines
        if (
            movements := transfer(
                to=codes.bank(line.bank_account_id, line.amount_currency),
                source=codes.unrelated(line.bank_account_id, line.amount_currency),
                amount=minor_of(line.amount),
                currency=line.amount_currency,
                source_subject=line.id,
            )
        )
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proven:
    """Payouts and the bank lines that are their money, to the cent."""

    match: Match
    payouts: Sequence[Payout]
    lines: Sequence[BankLine]


def matches_confirmed(proven: Iterable[Proven], *, merchant_id: UUID, now: datetime) -> None:
    """The bank has the money: in transit ends, and what was pending is available.

    What arrived first is booked first, and so is first to be paid out.
    """
    drafts = sorted((_confirmation(each) for each in proven), key=lambda draft: draft.event_at)
    post(merchant_id, drafts, now)


def _confirmation(proven: Proven) -> Draft:
    currency = proven.payouts[0].amount_currency
    total = sum(minor_of(payout.amount) for payout in proven.payouts)
    movements: list[Movement] = []
    for line in proven.lines:
        code = codes.unrelated(line.bank_account_id, currency)
        movements += side_of(code, minor_of(line.amount), currency, line.id)
    for payout in proven.payouts:
        code = codes.in_transit(payout.store_id, currency)
        movements += side_of(code, -minor_of(payout.amount), currency, payout.id)
    account = proven.match.settlement_account_id
    movements += side_of(codes.pending(account, currency), total, currency, None)
    movements += side_of(codes.available(account, currency), -total, currency, None)
    day = max(line.booked_on for line in proven.lines)
    return Draft(
        reference=f"match:{proven.match.id}",
        kind="match.confirmed",
        movements=tuple(movements),
        event_at=datetime.combine(day, time.max, UTC),
        booked_on=day,
        links=tuple(
            Link(relation=SETTLES, reference=_announced_reference(payout))
            for payout in proven.payouts
        ),
    )


def match_revoked(match: Match, *, reason: str, now: datetime) -> None:
    """The two sides are not the same money after all."""
    reverse(match.merchant_id, f"match:{match.id}", reason=reason, now=now)


def document_withdrawn(document: SourceDocument, *, reason: str, now: datetime) -> None:
    """What a document's own rows booked is reversed, reading by reading."""
    references = JournalEntry.objects.filter(
        book=document.merchant_id, reference__startswith=f"document:{document.id}:", reverses=None
    ).values_list("reference", flat=True)
    for reference in references.order_by("reference"):
        reverse(document.merchant_id, reference, reason=reason, now=now)


def bank_lines_withdrawn(line_ids: Iterable[UUID], *, merchant_id: UUID, now: datetime) -> None:
    """Entries of a withdrawn statement leave the books again."""
    for line_id in line_ids:
        reverse(merchant_id, f"bankline:{line_id}", reason="document withdrawn", now=now)
