"""How each store fares: what came last, what is late, and in one word whether to look at it.

Reads only, in a fixed number of queries; inside `acting_for`.

A store's health is its worst symptom's:

* ALARM, somebody must act: payouts are MISSING; its newest file was refused; its link is EXPIRED,
  REVOKED or in ERROR; or no file has been loaded for SILENT_DAYS.
* WATCH, somebody should look: payouts are LATE, SHORT, OVER, HELD or RETURNED; its link is
  PENDING, EXPIRING or waits for renewal; other exceptions are open; or no file has been loaded for
  QUIET_DAYS.
* NEW: no file of it was ever loaded.
* GOOD: none of these.

Days are counted between calendar days in the zone that is active, from the day the last loaded
file was received. Withdrawn files never were there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from django.db.models import Count, Max, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone
from djmoney.money import Money
from moneyed import get_currency

from accounts.models import LinkState, SettlementAccount, Store, StoreLink
from ledger import balances
from settlement.models import (
    OPEN_STATES,
    DocumentState,
    Line,
    Payout,
    PayoutState,
    Reason,
    ReconException,
    SourceDocument,
    WalletStatement,
)

QUIET_DAYS: Final = 7
"""Whoever uploads once a week is on time."""
SILENT_DAYS: Final = 30
"""A month without a file: the month cannot be closed."""
ON_THE_WAY: Final = (PayoutState.ANNOUNCED, PayoutState.IN_TRANSIT, PayoutState.LATE)
TOLD_BY_PAYOUTS: Final = (Reason.MISSING, Reason.SHORT, Reason.OVER)
"""Exceptions that the payouts' states say already."""


class Health(StrEnum):
    """A store in one word, worst first."""

    ALARM = "alarm"
    WATCH = "watch"
    NEW = "new"
    GOOD = "good"


class Symptom(StrEnum):
    """Why a store is not in order, in the order in which it is said."""

    MISSING = "missing"
    LINK_BROKEN = "link_broken"
    REFUSED = "refused"
    SILENT = "silent"
    DIFFERENT = "different"
    LATE = "late"
    HELD = "held"
    LINK_WEAK = "link_weak"
    EXCEPTIONS = "exceptions"
    QUIET = "quiet"
    READING = "reading"
    NO_FILE = "no_file"


HEALTH_OF: Final[dict[Symptom, Health]] = {
    Symptom.MISSING: Health.ALARM,
    Symptom.LINK_BROKEN: Health.ALARM,
    Symptom.REFUSED: Health.ALARM,
    Symptom.SILENT: Health.ALARM,
    Symptom.DIFFERENT: Health.WATCH,
    Symptom.LATE: Health.WATCH,
    Symptom.HELD: Health.WATCH,
    Symptom.LINK_WEAK: Health.WATCH,
    Symptom.EXCEPTIONS: Health.WATCH,
    Symptom.QUIET: Health.WATCH,
    Symptom.READING: Health.NEW,
    Symptom.NO_FILE: Health.NEW,
}
BROKEN_LINKS: Final = {LinkState.EXPIRED, LinkState.REVOKED, LinkState.ERROR}
WEAK_LINKS: Final = {LinkState.PENDING, LinkState.EXPIRING, LinkState.REAUTH_PENDING}
OF_PAYOUTS: Final[dict[Symptom, tuple[PayoutState, ...]]] = {
    Symptom.MISSING: (PayoutState.MISSING,),
    Symptom.DIFFERENT: (PayoutState.SHORT, PayoutState.OVER),
    Symptom.LATE: (PayoutState.LATE,),
    Symptom.HELD: (PayoutState.HELD, PayoutState.RETURNED),
}
_WORST: Final = {health: place for place, health in enumerate(Health)}


@dataclass(frozen=True, slots=True)
class Reasoned:
    """A symptom with how much of it: payouts, links, exceptions, files or days."""

    symptom: Symptom
    count: int


class Amounts(NamedTuple):
    """What one currency of a store amounts to: owed by the platform, and on its way to the bank."""

    owed: Money
    in_transit: Money


@dataclass(slots=True, kw_only=True)
class StoreHealth:
    """One store with everything the list says of it."""

    store: Store
    links: list[str] = field(default_factory=list)
    """The states of its links, one per cash account."""
    loaded_at: datetime | None = None
    """When the newest file that could be read was received."""
    exceptions: int = 0
    states: dict[str, int] = field(default_factory=dict)
    """How many live payouts are in each state."""
    amounts: list[Amounts] = field(default_factory=list)
    """By currency."""
    reasons: list[Reasoned] = field(default_factory=list)
    document: SourceDocument | None = None
    """The newest loaded file; only after `with_documents`."""
    reaches_to: datetime | None = None
    """The last instant its wallet statements, its payouts or (only after `with_documents`) the
    lines of the newest file speak of."""

    @property
    def health(self) -> Health:
        """The worst symptom's."""
        found = (HEALTH_OF[reason.symptom] for reason in self.reasons)
        return min(found, key=_WORST.__getitem__, default=Health.GOOD)

    @property
    def lost(self) -> int:
        """How many payouts are missing."""
        return self.states.get(PayoutState.MISSING, 0)

    @property
    def late(self) -> int:
        """How many payouts are late."""
        return self.states.get(PayoutState.LATE, 0)


def store_health(account: SettlementAccount, *, now: datetime) -> list[StoreHealth]:
    """Every store of a settlement account, worst first, then by platform and name."""
    stores = account.stores.order_by("platform", "name", "id")
    known = _Known(account)
    return sorted((known.health_of(store, now=now) for store in stores), key=_urgency)


def with_documents(account: SettlementAccount, rows: Iterable[StoreHealth]) -> list[StoreHealth]:
    """Add the newest loaded file and how far its lines reach: for the stores of one page.

    Lines of a whole file are looked at, which would be too much for hundreds of stores at once.
    """
    listed = list(rows)
    documents = {
        document.store_id: document
        for document in SourceDocument.objects.filter(
            merchant_id=account.merchant_id,
            store_id__in=[row.store.id for row in listed],
            known_at__in={row.loaded_at for row in listed if row.loaded_at},
            state=DocumentState.LOADED,
        ).order_by("known_at", "id")
    }
    reach = dict(
        # The partition is named by `known_at`: without it every month would be searched.
        Line.objects.filter(
            merchant_id=account.merchant_id,
            document_id__in=[document.id for document in documents.values()],
            known_at__in={document.known_at for document in documents.values()},
        )
        .order_by()
        .values_list("document_id")
        .annotate(Max("event_at"))
    )
    for row in listed:
        row.document = documents.get(row.store.id)
        if row.document is not None:
            row.reaches_to = _later(row.reaches_to, reach.get(row.document.id))
    return listed


def _urgency(row: StoreHealth) -> tuple[object, ...]:
    """What sorts stores: the worst symptom, and the most of it, first."""
    first = row.reasons[0] if row.reasons else Reasoned(Symptom.NO_FILE, 0)
    return (
        _WORST[row.health],
        list(Symptom).index(first.symptom),
        -first.count,
        row.store.platform,
        row.store.name,
    )


# --- what is known of the stores ----------------------------------------------------------


class _Known:
    """Everything about an account's stores, asked once for all of them."""

    def __init__(self, account: SettlementAccount) -> None:
        self.links = _links(account)
        self.arrivals = _arrivals(account)
        self.payouts = _payouts(account)
        self.owed = _owed(account)
        self.wallets = _wallets(account)
        self.exceptions = _exceptions(account)

    def health_of(self, store: Store, *, now: datetime) -> StoreHealth:
        """One store's."""
        payouts = self.payouts[store.id]
        arrivals = self.arrivals[store.id]
        exceptions = self.exceptions[store.id]
        row = StoreHealth(
            store=store,
            links=self.links[store.id],
            loaded_at=arrivals.get(DocumentState.LOADED),
            exceptions=sum(exceptions.values()),
            states=payouts.states,
            amounts=_amounts(self.owed[store.id], payouts.moving),
            reaches_to=_later(payouts.reach_to, self.wallets.get(store.id)),
        )
        counts = {
            **_of_payouts(payouts.states),
            **_of_links(row.links),
            **_of_files(arrivals, now),
            Symptom.EXCEPTIONS: sum(
                count for reason, count in exceptions.items() if reason not in TOLD_BY_PAYOUTS
            ),
        }
        row.reasons = [
            Reasoned(symptom, count) for symptom in Symptom if (count := counts.get(symptom, 0))
        ]
        return row


def _of_payouts(states: dict[str, int]) -> dict[Symptom, int]:
    return {
        symptom: sum(states.get(state, 0) for state in those)
        for symptom, those in OF_PAYOUTS.items()
    }


def _of_links(states: list[str]) -> dict[Symptom, int]:
    return {
        Symptom.LINK_BROKEN: sum(state in BROKEN_LINKS for state in states),
        Symptom.LINK_WEAK: sum(state in WEAK_LINKS for state in states),
    }


def _of_files(arrivals: dict[str, datetime], now: datetime) -> dict[Symptom, int]:
    """What the newest files say: one refused, one being read, or too long without any."""
    newest = max(arrivals, key=arrivals.__getitem__, default=None)
    loaded_at = arrivals.get(DocumentState.LOADED)
    if newest == DocumentState.REFUSED:
        return {Symptom.REFUSED: 1}
    if newest in (DocumentState.STORED, DocumentState.READING):
        return {} if loaded_at else {Symptom.READING: 1}
    if loaded_at is None:
        return {Symptom.NO_FILE: 1}
    days = (timezone.localdate(now) - timezone.localdate(loaded_at)).days
    if days >= SILENT_DAYS:
        return {Symptom.SILENT: days}
    return {Symptom.QUIET: days} if days >= QUIET_DAYS else {}


def _amounts(owed: dict[str, Money], moving: dict[str, Money]) -> list[Amounts]:
    """Both sums by currency; currencies in which neither is anything are left out."""
    pairs = [
        (owed.get(currency, Money(0, currency)), moving.get(currency, Money(0, currency)))
        for currency in sorted({*owed, *moving})
    ]
    return [Amounts(*pair) for pair in pairs if any(amount.amount for amount in pair)]


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((each for each in (one, other) if each is not None), default=None)


# --- one question each --------------------------------------------------------------------


def _links(account: SettlementAccount) -> dict[UUID, list[str]]:
    """The states of each store's links."""
    states: dict[UUID, list[str]] = defaultdict(list)
    links = StoreLink.objects.filter(store__settlement_account=account).order_by("cash_account")
    for store_id, state in links.values_list("store_id", "state"):
        states[store_id].append(state)
    return states


def _arrivals(account: SettlementAccount) -> dict[UUID, dict[str, datetime]]:
    """When each store's newest document in each state was received."""
    arrivals: dict[UUID, dict[str, datetime]] = defaultdict(dict)
    rows = (
        SourceDocument.objects.filter(store__settlement_account=account)
        .exclude(state=DocumentState.WITHDRAWN)
        .order_by()
        .values_list("store_id", "state")
        .annotate(Max("known_at"))
    )
    for store_id, state, known_at in rows:
        assert store_id is not None, "the filter asks for a store"
        arrivals[store_id][state] = known_at
    return arrivals


@dataclass(slots=True, kw_only=True)
class _Payouts:
    """A store's live payouts: how many by state, what is on its way, how far they reach."""

    states: dict[str, int] = field(default_factory=dict)
    moving: dict[str, Money] = field(default_factory=dict)
    reach_to: datetime | None = None


def _payouts(account: SettlementAccount) -> dict[UUID, _Payouts]:
    found: dict[UUID, _Payouts] = defaultdict(_Payouts)
    rows = (
        Payout.objects.filter(store__settlement_account=account, live=True)
        .order_by()
        .values_list("store_id", "amount_currency", "state")
        .annotate(Count("id"), Sum("amount"), Max("announced_at"))
    )
    for store_id, currency, state, count, total, announced_at in rows:
        payouts = found[store_id]
        payouts.states[state] = payouts.states.get(state, 0) + count
        payouts.reach_to = _later(payouts.reach_to, announced_at)
        if state in ON_THE_WAY:
            before = payouts.moving.get(currency, Money(0, currency))
            payouts.moving[currency] = before + Money(total, currency)
    return found


def _owed(account: SettlementAccount) -> dict[UUID, dict[str, Money]]:
    """What the books say the platforms owe, from the codes store:<id>:receivable:<currency>."""
    owed: dict[UUID, dict[str, Money]] = defaultdict(dict)
    for code, balance in balances.balances(book=account.merchant_id, prefix="store:").items():
        _kind, store, what, currency = code.split(":")
        if what == "receivable":
            amount = Decimal(balance.amount) / get_currency(currency).sub_unit
            owed[UUID(store)][currency] = Money(amount, currency)
    return owed


def _wallets(account: SettlementAccount) -> dict[UUID, datetime]:
    """How far each store's wallet statements reach."""
    return dict(
        WalletStatement.objects.filter(store__settlement_account=account, live=True)
        .order_by()
        .values_list("store_id")
        .annotate(Max("last_at"))
    )


def _exceptions(account: SettlementAccount) -> dict[UUID, dict[str, int]]:
    """Open exceptions by reason of each store: those about a payout or a file of it."""
    found: dict[UUID, dict[str, int]] = defaultdict(dict)
    rows = (
        ReconException.objects.filter(settlement_account=account, state__in=OPEN_STATES)
        .annotate(about=Coalesce("payout__store_id", "document__store_id"))
        .filter(about__isnull=False)
        .order_by()
        .values_list("about", "reason")
        .annotate(Count("id"))
    )
    for store_id, reason, count in rows:
        found[store_id][reason] = count
    return found
