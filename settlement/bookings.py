"""Business facts become journal entries. The only writer to the ledger.

Per settlement account and currency (house of accounts: docs/ledger.md):

    store:S:receivable   asset      what the platform owes
    store:S:in_transit   asset      announced, not yet at the bank; per payout it ends at zero
    bank:B               asset      what the bank holds, equal to its statement at all times
    bank:B:unrelated     liability  bank entries that are no payout (or not yet known as one)
    merchant:A:pending   liability  the merchant's, still on its way
    merchant:A:available liability  the merchant's, arrived and proven
    opening:B            equity     what the bank held before the first statement
    suspense:A           liability  lines whose meaning is not known
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import islice
from uuid import UUID
from zoneinfo import ZoneInfo

from djmoney.money import Money
from moneyed import get_currency

from accounts.models import Store
from ledger import book
from ledger.book import AccountSpec, Draft, Movement, Side, credit, debit
from ledger.models import JournalEntry
from settlement.errors import FractionError
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


def minor(amount: Decimal, currency: str) -> int:
    """An amount in major units as whole minor units; FractionError if it is none."""
    scaled = amount * get_currency(currency).sub_unit
    whole = int(scaled)
    if whole != scaled:
        raise FractionError(f"{amount} {currency} is not a whole number of minor units")
    return whole


def receivable(store_id: UUID, currency: str) -> str:
    """The code of what the platform owes for a store."""
    return f"store:{store_id}:receivable:{currency}"


def in_transit(store_id: UUID, currency: str) -> str:
    """The code of what is announced for a store and not yet at the bank."""
    return f"store:{store_id}:in_transit:{currency}"


def bank(bank_account_id: UUID, currency: str) -> str:
    """The code of what the bank holds."""
    return f"bank:{bank_account_id}:{currency}"


def unrelated(bank_account_id: UUID, currency: str) -> str:
    """The code of bank entries that are no payout."""
    return f"bank:{bank_account_id}:unrelated:{currency}"


def pending(settlement_account_id: UUID, currency: str) -> str:
    """The code of the merchant's money on its way."""
    return f"merchant:{settlement_account_id}:pending:{currency}"


def available(settlement_account_id: UUID, currency: str) -> str:
    """The code of the merchant's money that has arrived."""
    return f"merchant:{settlement_account_id}:available:{currency}"


def opening(bank_account_id: UUID, currency: str) -> str:
    """The code of what the bank held before the first statement."""
    return f"opening:{bank_account_id}:{currency}"


def suspense(settlement_account_id: UUID, currency: str) -> str:
    """The code of lines whose meaning is not known."""
    return f"suspense:{settlement_account_id}:{currency}"


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
        claim = suspense if part.unknown else pending
        movements = _transfer(
            to=receivable(store.id, part.currency),
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
    _post(document.merchant_id, drafts, now)


def _lines_prefix(document: SourceDocument) -> str:
    return f"document:{document.id}:{document.readings}"


def payouts_announced(payouts: Iterable[Payout], *, store: Store, now: datetime) -> None:
    """The platform says it pays: owed becomes in transit, under the payout's id."""
    zone = ZoneInfo(store.merchant.zone)
    drafts = [
        Draft(
            reference=f"payout:{payout.id}",
            kind="payout.announced",
            movements=movements,
            event_at=payout.announced_at,
            booked_on=payout.announced_at.astimezone(zone).date(),
            memo=payout.external_id,
        )
        for payout in payouts
        if (
            movements := _transfer(
                to=in_transit(store.id, payout.amount_currency),
                source=receivable(store.id, payout.amount_currency),
                amount=_minor(payout.amount),
                currency=payout.amount_currency,
                to_subject=payout.id,
            )
        )
    ]
    _post(store.merchant_id, drafts, now)


def payouts_retired(payouts: Sequence[Payout], *, reason: str, now: datetime) -> None:
    """Payouts were restated or their document withdrawn: what was announced is reversed.

    A payout that came to nothing (failed, cancelled, zero) was never booked.
    """
    if not payouts:
        return
    merchant_id = payouts[0].merchant_id
    booked = JournalEntry.objects.filter(
        book=merchant_id, reference__in=[f"payout:{payout.id}" for payout in payouts]
    ).values_list("reference", flat=True)
    for reference in booked.order_by("reference"):
        _reverse(merchant_id, reference, reason=reason, now=now)


def statement_opened(
    statement: BankStatement, *, before: BankStatement | None, now: datetime
) -> None:
    """The earliest statement's opening balance; an earlier one takes the former's place."""
    if before is not None:
        opening_withdrawn(before, now=now)
    balance = statement.opening
    if balance is None:
        return
    movements = _transfer(
        to=bank(statement.bank_account_id, str(balance.currency)),
        source=opening(statement.bank_account_id, str(balance.currency)),
        amount=_minor(balance),
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
        _post(statement.merchant_id, [draft], now)


def opening_withdrawn(statement: BankStatement, *, now: datetime) -> None:
    """This statement's opening balance stands in the books no longer."""
    if statement.opening is None or not statement.opening.amount:
        return
    _reverse(statement.merchant_id, _opening_reference(statement), reason="withdrawn", now=now)


def wallet_opened(
    wallet: WalletStatement, *, before: WalletStatement | None, store: Store, now: datetime
) -> None:
    """What the platform owed before the first document; an earlier one takes its place."""
    if before is not None:
        wallet_withdrawn(before, now=now)
    currency = wallet.opening_currency
    movements = _transfer(
        to=receivable(store.id, currency),
        source=pending(store.settlement_account_id, currency),
        amount=_minor(wallet.opening),
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
        _post(store.merchant_id, [draft], now)


def wallet_withdrawn(wallet: WalletStatement, *, now: datetime) -> None:
    """This wallet's opening balance stands in the books no longer."""
    if wallet.opening.amount:
        _reverse(wallet.merchant_id, f"opening:{wallet.id}", reason="withdrawn", now=now)


def _opening_reference(statement: BankStatement) -> str:
    return f"opening:{statement.id}"


def bank_lines_booked(lines: Iterable[BankLine], *, merchant_id: UUID, now: datetime) -> None:
    """Every booked entry moves the bank; what it was for is decided by matching."""
    remaining = iter(lines)
    while batch := list(islice(remaining, BATCH)):
        _post(merchant_id, _bank_drafts(batch), now)


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
            movements := _transfer(
                to=bank(line.bank_account_id, line.amount_currency),
                source=unrelated(line.bank_account_id, line.amount_currency),
                amount=_minor(line.amount),
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
    """The bank has the money: in transit ends, and what was pending is available."""
    _post(merchant_id, [_confirmation(each) for each in proven], now)


def _confirmation(proven: Proven) -> Draft:
    currency = proven.payouts[0].amount_currency
    total = sum(_minor(payout.amount) for payout in proven.payouts)
    movements: list[Movement] = []
    for line in proven.lines:
        code = unrelated(line.bank_account_id, currency)
        movements += _side(code, _minor(line.amount), currency, line.id)
    for payout in proven.payouts:
        code = in_transit(payout.store_id, currency)
        movements += _side(code, -_minor(payout.amount), currency, payout.id)
    account = proven.match.settlement_account_id
    movements += _side(pending(account, currency), total, currency, None)
    movements += _side(available(account, currency), -total, currency, None)
    day = max(line.booked_on for line in proven.lines)
    return Draft(
        reference=f"match:{proven.match.id}",
        kind="match.confirmed",
        movements=tuple(movements),
        event_at=datetime.combine(day, time.max, UTC),
        booked_on=day,
    )


def match_revoked(match: Match, *, reason: str, now: datetime) -> None:
    """The two sides are not the same money after all."""
    _reverse(match.merchant_id, f"match:{match.id}", reason=reason, now=now)


def document_withdrawn(document: SourceDocument, *, reason: str, now: datetime) -> None:
    """What a document's own rows booked is reversed, reading by reading."""
    references = JournalEntry.objects.filter(
        book=document.merchant_id, reference__startswith=f"document:{document.id}:", reverses=None
    ).values_list("reference", flat=True)
    for reference in references.order_by("reference"):
        _reverse(document.merchant_id, reference, reason=reason, now=now)


def bank_lines_withdrawn(line_ids: Iterable[UUID], *, merchant_id: UUID, now: datetime) -> None:
    """Entries of a withdrawn statement leave the books again."""
    for line_id in line_ids:
        _reverse(merchant_id, f"bankline:{line_id}", reason="document withdrawn", now=now)


def _transfer(
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
        *_side(to, amount, currency, to_subject),
        *_side(source, -amount, currency, source_subject),
    )


def _side(account: str, amount: int, currency: str, subject: UUID | None) -> tuple[Movement, ...]:
    """A signed amount as one movement: positive debits, negative credits, zero is none."""
    if not amount:
        return ()
    side = debit if amount > 0 else credit
    return (side(account, abs(amount), currency, subject=subject),)


def _minor(amount: Money) -> int:
    return minor(amount.amount, str(amount.currency))


def _post(merchant_id: UUID, drafts: Sequence[Draft], now: datetime) -> None:
    if not drafts:
        return
    codes = {(m.account, m.currency) for draft in drafts for m in draft.movements}
    specs = [
        AccountSpec(code=code, currency=currency, normal_side=_normal_side(code))
        for code, currency in sorted(codes)
    ]
    book.open_accounts(book=merchant_id, specs=specs, now=now)
    book.post_many(book=merchant_id, drafts=drafts, now=now)


def _normal_side(code: str) -> Side:
    kind = code.split(":")
    owned = kind[0] == "store" or (kind[0] == "bank" and kind[2] != "unrelated")
    return Side.DEBIT if owned else Side.CREDIT


def _reverse(merchant_id: UUID, reference: str, *, reason: str, now: datetime) -> None:
    book.reverse(
        book=merchant_id, reference=reference, reason=reason, now=now, booked_on=now.date()
    )
