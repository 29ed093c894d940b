"""A document's payouts become rows: new, known, or the next version of one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
from djmoney.money import Money

from accounts.models import Store
from platforms.contract import Payout as Stated
from platforms.contract import PayoutStatus
from settlement.models import Payout, PayoutState, SourceDocument

STATE_OF = {
    PayoutStatus.SCHEDULED: PayoutState.ANNOUNCED,
    PayoutStatus.IN_TRANSIT: PayoutState.IN_TRANSIT,
    PayoutStatus.PAID: PayoutState.IN_TRANSIT,
    PayoutStatus.FAILED: PayoutState.RETURNED,
    PayoutStatus.CANCELLED: PayoutState.RETURNED,
}
"""A platform's "paid" says that it sent the money; only the bank says that it came."""
SAME_DAY = timedelta(hours=24)
"""Two documents may date one payout in two time zones."""


@dataclass(slots=True)
class StoredPayouts:
    """What became of a document's payouts."""

    new: list[Payout] = field(default_factory=list)
    replaced: list[Payout] = field(default_factory=list)
    known: int = 0


def store_payouts(
    document: SourceDocument, *, store: Store, stated: Iterable[Stated]
) -> StoredPayouts:
    """Store payouts not yet known. Inside the document's transaction, the store locked."""
    result = StoredPayouts()
    numbered = _Numbering(store, list(stated))
    result.replaced += numbered.replaced
    by_id = {payout.external_id: payout for payout in numbered.payouts}
    earlier = {
        p.external_id: p
        for p in Payout.objects.filter(store=store, external_id__in=by_id, live=True)
    }
    versions = _highest_versions(store, by_id)
    for external_id, payout in by_id.items():
        before = earlier.get(external_id)
        if before is not None and (
            # A document that is read again never overrules one that came after it.
            before.known_at > document.known_at or _says_the_same(before, payout)
        ):
            _update_dates(before, payout)
            result.known += 1
            continue
        if before is not None:
            result.replaced.append(before)
        version = versions.get(external_id, 0) + 1
        result.new.append(_row(document, store, payout, version))
    _replace(result)
    return result


class _Numbering:
    """Makes one payout of two documents' when only one of them states its number.

    A platform's list of payouts may have no numbers (Shopify's export), while
    its list of transactions has numbers and no payout amounts. One payout a day
    and currency of a store is the same in both; the stated amount beats the
    summed one, and the number beats the day.
    """

    def __init__(self, store: Store, stated: list[Stated]) -> None:
        self._stored = (
            list(Payout.objects.filter(store=store, live=True))
            if any(not payout.numbered or payout.derived for payout in stated)
            else []
        )
        self.replaced: list[Payout] = []
        self.payouts = [self._resolved(payout) for payout in stated]

    def _resolved(self, payout: Stated) -> Stated:
        other = self._other(payout)
        if other is None:
            return payout
        if not payout.numbered:
            return msgspec.structs.replace(payout, external_id=other.external_id, numbered=True)
        # The number arrives after the day: the row that had only the day gives way.
        self.replaced.append(other)
        amount = other.amount.amount if payout.derived else payout.amount
        return msgspec.structs.replace(payout, amount=amount, derived=False)

    def _other(self, payout: Stated) -> Payout | None:
        """The only stored payout of that day whose numbering is the other kind."""
        same_day = [
            stored
            for stored in self._stored
            if stored.numbered != payout.numbered
            and stored.amount_currency == payout.currency
            and _near(stored.announced_at, payout.announced_at)
        ]
        exact = [stored for stored in same_day if stored.amount.amount == payout.amount]
        fitting = exact or same_day
        return fitting[0] if len(fitting) == 1 else None


def _near(one: datetime, other: datetime) -> bool:
    return abs(one - other) < SAME_DAY


def _highest_versions(store: Store, external_ids: Iterable[str]) -> dict[str, int]:
    versions: dict[str, int] = {}
    rows = Payout.objects.filter(store=store, external_id__in=list(external_ids))
    for external_id, version in rows.values_list("external_id", "version"):
        versions[external_id] = max(version, versions.get(external_id, 0))
    return versions


def _replace(result: StoredPayouts) -> None:
    for old in result.replaced:
        old.live = False
        old.state = PayoutState.RESTATED
    Payout.objects.bulk_update(result.replaced, ["live", "state"])
    Payout.objects.bulk_create(result.new, batch_size=500)


def _row(document: SourceDocument, store: Store, payout: Stated, version: int) -> Payout:
    return Payout(
        merchant_id=document.merchant_id,
        store=store,
        document=document,
        row=payout.row,
        external_id=payout.external_id,
        version=version,
        amount=payout.amount,
        amount_currency=payout.currency,
        state=STATE_OF[payout.status],
        announced_at=payout.announced_at,
        arrives_on=payout.arrives_on,
        remittance=payout.remittance,
        derived=payout.derived,
        numbered=payout.numbered,
        known_at=document.known_at,
    )


def _says_the_same(before: Payout, payout: Stated) -> bool:
    """Whether a payout states the same money; an amount the platform states beats a summed one."""
    if payout.derived and not before.derived:
        return True
    returned = STATE_OF[payout.status] == PayoutState.RETURNED
    same_fate = returned == (before.state == PayoutState.RETURNED)
    return same_fate and before.amount == Money(payout.amount, payout.currency)


def _update_dates(before: Payout, payout: Stated) -> None:
    changed: dict[str, Any] = {}
    if payout.arrives_on and payout.arrives_on != before.arrives_on:
        changed["arrives_on"] = payout.arrives_on
    if before.derived and not payout.derived:
        changed["derived"] = False
    if before.state == PayoutState.ANNOUNCED and payout.status != PayoutStatus.SCHEDULED:
        changed["state"] = PayoutState.IN_TRANSIT
    if changed:
        Payout.objects.filter(pk=before.pk).update(**changed)
