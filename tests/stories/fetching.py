"""A merchant whose stores are at the simulated marketplaces, linked and fetched as people do it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from accounts.access import acting_for
from accounts.models import Merchant, StoreLink, User
from accounts.onboarding import add_store, open_settlement_account, register_merchant
from sandbox.marketplaces import Running
from sandbox.marketplaces import Store as TheirStore
from settlement.models import Line, Payout, PullDay, PullState, SourceDocument
from settlement.money_in import consent, pulling
from tests.build import a_user, work_off

ROUNDS = 40
"""So often is a day that failed tried again before the test gives up on it."""


@dataclass(frozen=True, kw_only=True)
class Linked:
    """A merchant and, by the marketplace's own code for the store, its links."""

    merchant: Merchant
    owner: User
    links: dict[str, StoreLink]
    market: Running


def linked(market: Running, *, days: int) -> Linked:
    """Link every store of the market by its keys, from the world's first day on."""
    first = market.world.ends_on - timedelta(days=days - 1)
    owner, merchant, links = link_stores(market.world.stores, first=first)
    return Linked(merchant=merchant, owner=owner, links=links, market=market)


def link_stores(
    stores: Iterable[TheirStore], *, first: date
) -> tuple[User, Merchant, dict[str, StoreLink]]:
    """A merchant with these stores, linked by keys that work, to be fetched from a day on."""
    owner = a_user()
    merchant = register_merchant(name="many stores", owner=owner)
    links = {}
    with acting_for(merchant.id):
        account = open_settlement_account(merchant, name="main")
        for theirs in stores:
            store = add_store(account, platform=theirs.platform, name=theirs.code)
            links[theirs.code] = StoreLink.objects.select_related("store").get(store=store)
            enter_keys(links[theirs.code], theirs, owner, first)
    for link in links.values():
        consent.prove(merchant_id=merchant.id, link_id=link.id)
    return owner, merchant, links


def enter_keys(link: StoreLink, theirs: TheirStore, owner: User, first: date) -> None:
    """What the page does with the keys of the form."""
    link.refresh_from_db()
    consent.enter_keys(link, secrets=dict(theirs.secrets), fetch_from=first, by=owner)


def fetch_all(merchant: Merchant, *, until: date) -> int:
    """Do what workers do until every day to `until` is complete; returns how many tries it took.

    Pauses pass at once: what waits for a while is tried in the next round.
    """
    pulling.queue_days(now=timezone.now())
    tries = 0
    for _ in range(ROUNDS):
        waiting = _waiting(merchant, until)
        if not waiting:
            return tries
        for day in waiting:
            pulling.pull(merchant_id=merchant.id, day_id=day.id)
            tries += 1
    left = [(f"{day}", day.state, day.error_reason) for day in _waiting(merchant, until)]
    raise AssertionError(f"still not complete after {ROUNDS} rounds: {left}")


def check_once_more(merchant: Merchant) -> None:
    """Let the days pass after which a complete day is asked for again."""
    with acting_for(merchant.id):
        PullDay.objects.filter(state=PullState.WAITING).update(lease_until=None, completed_at=None)


def _waiting(merchant: Merchant, until: date) -> list[PullDay]:
    with acting_for(merchant.id):
        days = PullDay.objects.filter(day__lte=until, completed_at=None)
        days.update(lease_until=None, lease_token=None)
        return list(days.order_by("day", "id").select_related("link__store"))


def read_all(merchant: Merchant) -> None:
    """Read what was fetched; nothing may be refused."""
    work_off(merchant.id)
    with acting_for(merchant.id):
        refused = SourceDocument.objects.filter(state="refused").values_list("name", "error_reason")
        assert not list(refused)


def lines_of(linked_: Linked, code: str) -> Counter[tuple[str, str, str]]:
    """The booked lines of a store: kind, amount, currency."""
    with acting_for(linked_.merchant.id):
        lines = Line.objects.filter(store=linked_.links[code].store, live=True, books=True)
        rows = list(lines.values_list("kind", "amount", "amount_currency"))
    return Counter((kind, _plain(amount), currency) for kind, amount, currency in rows)


def payouts_of(linked_: Linked, code: str) -> Counter[tuple[str, str]]:
    """The store's payouts: amount, currency."""
    with acting_for(linked_.merchant.id):
        payouts = Payout.objects.filter(store=linked_.links[code].store).exclude(state="restated")
        rows = list(payouts.values_list("amount", "amount_currency"))
    return Counter((_plain(amount), currency) for amount, currency in rows)


def true_lines(told: dict[str, Any]) -> Counter[tuple[str, str, str]]:
    """What the marketplace says its store's lines are."""
    return Counter((line["kind"], _plain(line["amount"]), line["currency"])
                   for line in told["lines"])  # fmt: skip


def true_payouts(told: dict[str, Any]) -> Counter[tuple[str, str]]:
    """What the marketplace says it paid."""
    return Counter((_plain(payout["amount"]), payout["currency"]) for payout in told["payouts"])


def stores_told(market: Running) -> Iterable[dict[str, Any]]:
    """The truth, store by store."""
    told: list[dict[str, Any]] = market.world.truth()["stores"]
    return told


def _plain(amount: object) -> str:
    return f"{Decimal(str(amount)).normalize():f}"
