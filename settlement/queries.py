"""What pages, the API and the back-office ask. Reads only; inside `acting_for`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Count, Prefetch, Q, QuerySet, Sum
from djmoney.money import Money

from accounts.models import BankAccount, SettlementAccount, Store
from ledger import balances
from platforms import registry
from settlement import bookings
from settlement.models import (
    OPEN_STATES,
    BankLine,
    BankStatement,
    Line,
    MatchItem,
    Payout,
    PayoutState,
    ReconException,
    ReconRun,
    SourceDocument,
)
from settlement.models.control import RunState

ON_THE_WAY = [PayoutState.ANNOUNCED, PayoutState.IN_TRANSIT, PayoutState.LATE]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreRow:
    """One store in one currency: what is owed, on its way, arrived, and not found."""

    store: Store
    owed: Money
    in_transit: Money
    arrived: Money
    missing: Money
    difference: Money
    """Payouts the bank shows with another amount: what was announced for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BankRow:
    """One bank account: what its latest statement says against what the books say."""

    bank_account: BankAccount
    stated: Money | None
    stated_on: date | None
    booked: Money
    unrelated: Money

    @property
    def agrees(self) -> bool | None:
        """Whether books = bank; None before the first statement."""
        return None if self.stated is None else self.stated == self.booked

    @property
    def difference(self) -> Money | None:
        """Books − bank; None before the first statement."""
        return None if self.stated is None else self.booked - self.stated


@dataclass(slots=True, kw_only=True)
class Overview:
    """The first page: every store and bank account of a settlement account."""

    account: SettlementAccount
    stores: list[StoreRow] = field(default_factory=list)
    banks: list[BankRow] = field(default_factory=list)
    open_exceptions: int = 0
    documents: int = 0
    last_run: ReconRun | None = None

    def totals(self) -> list[StoreTotals]:
        """The stores' sums, one for each currency."""
        return _totals(self.stores)


@dataclass(slots=True, kw_only=True)
class StoreTotals:
    """Sums over stores in one currency."""

    currency: str
    owed: Money
    in_transit: Money
    arrived: Money
    missing: Money
    difference: Money


def settlement_accounts() -> QuerySet[SettlementAccount]:
    """The acting merchant's settlement accounts, oldest first."""
    return SettlementAccount.objects.order_by("id")


def overview(account: SettlementAccount) -> Overview:
    """Everything the first page shows, in a fixed number of queries."""
    return Overview(
        account=account,
        stores=_store_rows(account),
        banks=_bank_rows(account),
        open_exceptions=open_exceptions(account).count(),
        documents=SourceDocument.objects.count(),
        last_run=ReconRun.objects.filter(settlement_account=account, state=RunState.DONE)
        .order_by("-finished_at")
        .first(),
    )


def _store_rows(account: SettlementAccount) -> list[StoreRow]:
    stores = list(account.stores.order_by("platform", "name"))
    owed = _by_store(balances.balances(book=account.merchant_id, prefix="store:"))
    sums = _payout_sums(account)
    rows = []
    for store in stores:
        currencies = {c for s, c in owed if s == store.id} | {c for s, c in sums if s == store.id}
        for currency in sorted(currencies):
            by_state = sums.get((store.id, currency), {})
            rows.append(
                StoreRow(
                    store=store,
                    owed=bookings.major(owed.get((store.id, currency), 0), currency),
                    in_transit=_of(by_state, ON_THE_WAY, currency),
                    arrived=_of(by_state, [PayoutState.RECONCILED], currency),
                    missing=_of(by_state, [PayoutState.MISSING], currency),
                    difference=_of(by_state, [PayoutState.SHORT, PayoutState.OVER], currency),
                )
            )
    return rows


def _by_store(found: dict[str, balances.Balance]) -> dict[tuple[UUID, str], int]:
    """Receivable balances by (store, currency), from codes store:<id>:receivable:<currency>."""
    result = {}
    for code, balance in found.items():
        _kind, store, what, currency = code.split(":")
        if what == "receivable":
            result[UUID(store), currency] = balance.amount
    return result


def _payout_sums(account: SettlementAccount) -> dict[tuple[UUID, str], dict[str, Decimal]]:
    rows = (
        Payout.objects.filter(store__settlement_account=account, live=True)
        .values_list("store_id", "amount_currency", "state")
        .annotate(total=Sum("amount"))
    )
    sums: dict[tuple[UUID, str], dict[str, Decimal]] = defaultdict(dict)
    for store_id, currency, state, total in rows:
        sums[store_id, currency][state] = total
    return sums


def _of(by_state: dict[str, Decimal], states: Iterable[str], currency: str) -> Money:
    return Money(sum((by_state.get(state, Decimal(0)) for state in states), Decimal(0)), currency)


def _bank_rows(account: SettlementAccount) -> list[BankRow]:
    booked = balances.balances(book=account.merchant_id, prefix="bank:")
    latest = {
        statement.bank_account_id: statement
        for statement in BankStatement.objects.filter(
            bank_account__settlement_account=account, live=True, books=True
        )
        .exclude(closing=None)
        .order_by("bank_account_id", "-period_to", "-id")
        .distinct("bank_account_id")
    }
    rows = []
    for bank_account in account.bank_accounts.order_by("bank", "id"):
        statement = latest.get(bank_account.id)
        currency = bank_account.currency
        rows.append(
            BankRow(
                bank_account=bank_account,
                stated=statement.closing if statement else None,
                stated_on=statement.period_to if statement else None,
                booked=_balance(booked, bookings.bank(bank_account.id, currency), currency),
                unrelated=_balance(booked, bookings.unrelated(bank_account.id, currency), currency),
            )
        )
    return rows


def _balance(found: dict[str, balances.Balance], code: str, currency: str) -> Money:
    return bookings.major(found[code].amount if code in found else 0, currency)


def _totals(rows: Iterable[StoreRow]) -> list[StoreTotals]:
    totals: dict[str, StoreTotals] = {}
    for row in rows:
        currency = str(row.owed.currency)
        nothing = Money(0, currency)
        total = totals.setdefault(
            currency,
            StoreTotals(
                currency=currency,
                owed=nothing,
                in_transit=nothing,
                arrived=nothing,
                missing=nothing,
                difference=nothing,
            ),
        )
        total.owed += row.owed
        total.in_transit += row.in_transit
        total.arrived += row.arrived
        total.missing += row.missing
        total.difference += row.difference
    return [totals[currency] for currency in sorted(totals)]


# --- payouts ------------------------------------------------------------------------------


def payouts(account: SettlementAccount) -> QuerySet[Payout]:
    """Live payouts, newest first, with their store."""
    return (
        Payout.objects.filter(store__settlement_account=account, live=True)
        .select_related("store")
        .order_by("-announced_at", "-id")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A step of the waterfall: all lines of one kind under a payout."""

    kind: str
    amount: Money
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    """How a payout came to its amount, and which bank lines it became.

    `carried` = payout − parts: what the balance held from before (or still
    holds) where the platform pays out a running balance; zero where it pays
    out named lines. `complete` is False when a platform that names the lines
    has named other than the payout's sum.
    """

    payout: Payout
    parts: list[Part]
    gross: Money
    fees: Money
    net: Money
    carried: Money
    bank_lines: list[BankLine]
    by_reference: bool


def waterfall(payout: Payout) -> Waterfall:
    """The parts of a payout by kind, largest income first, and its bank lines."""
    lines, by_reference = payout_lines(payout)
    currency = payout.amount_currency
    parts = [
        Part(kind=kind, amount=Money(total, currency), count=count)
        for kind, total, count in lines.order_by()
        .values_list("kind")
        .annotate(total=Sum("amount"), count=Count("id"))
        .order_by("-total")
    ]
    nothing = Money(0, currency)
    gross = sum((part.amount for part in parts if part.amount > nothing), nothing)
    fees = sum((part.amount for part in parts if part.amount < nothing), nothing)
    return Waterfall(
        payout=payout,
        parts=parts,
        gross=gross,
        fees=fees,
        net=gross + fees,
        carried=payout.amount - gross - fees,
        bank_lines=bank_lines_of(payout),
        by_reference=by_reference,
    )


def payout_lines(payout: Payout) -> tuple[QuerySet[Line], bool]:
    """The lines a payout pays for, and whether the platform names them.

    Where it does not (a wallet that is paid out), they are the lines since the
    payout before. Payout rows themselves are left out.
    """
    lines = (
        Line.objects.filter(
            store_id=payout.store_id, live=True, books=True, amount_currency=payout.amount_currency
        )
        .exclude(kind__in=["payout", "payout_returned"])
        .select_related("document")
        .order_by("event_at", "id")
    )
    named = lines.filter(payout_ref=payout.external_id)
    if named.exists():
        return named, True
    since = _payout_before(payout)
    period = Q(event_at__lte=payout.announced_at)
    if since is not None:
        period &= Q(event_at__gt=since)
    return lines.filter(period, payout_ref=""), False


def _payout_before(payout: Payout) -> datetime | None:
    before = (
        Payout.objects.filter(
            store_id=payout.store_id,
            live=True,
            amount_currency=payout.amount_currency,
            announced_at__lt=payout.announced_at,
        )
        .order_by("-announced_at")
        .first()
    )
    return before.announced_at if before else None


def bank_lines_of(payout: Payout) -> list[BankLine]:
    """The bank lines of the payout's confirmed match."""
    return list(
        BankLine.objects.filter(
            match_items__live=True,
            match_items__match__items__payout=payout,
            match_items__match__items__live=True,
        )
        .select_related("bank_account", "statement")
        .distinct()
    )


# --- bank lines, exceptions, documents ----------------------------------------------------


def bank_lines(account: SettlementAccount) -> QuerySet[BankLine]:
    """Live entries, newest first, each with the payouts it is matched to in `matched`."""
    matched = Prefetch(
        "match_items",
        MatchItem.objects.filter(live=True).select_related("match"),
        to_attr="live_items",
    )
    return (
        BankLine.objects.filter(bank_account__settlement_account=account, live=True)
        .select_related("bank_account")
        .prefetch_related(
            matched,
            Prefetch(
                "live_items__match__items",
                MatchItem.objects.filter(payout__isnull=False).select_related("payout__store"),
                to_attr="payout_items",
            ),
        )
        .order_by("-booked_on", "-id")
    )


def open_exceptions(account: SettlementAccount) -> QuerySet[ReconException]:
    """Exceptions a person still has to look at, oldest first."""
    return (
        ReconException.objects.filter(settlement_account=account, state__in=OPEN_STATES)
        .select_related(
            "payout__store", "bank_line__bank_account", "statement__bank_account", "document"
        )
        .order_by("opened_at", "id")
    )


def documents() -> QuerySet[SourceDocument]:
    """The acting merchant's documents, newest first."""
    return SourceDocument.objects.select_related("store", "uploaded_by").order_by(
        "-known_at", "-id"
    )


def work_in_progress() -> int:
    """How many documents and runs are waiting or being worked on."""
    return (
        SourceDocument.objects.filter(state__in=["stored", "reading"]).count()
        + ReconRun.objects.filter(state__in=["queued", "running"]).count()
    )


def format_name(code: str) -> str:
    """What the adapter of a platform or file format calls itself; the code where it is gone."""
    try:
        return registry.get(code).name
    except registry.UnknownAdapterError:
        return code
