"""Stores are linked at their marketplaces, and what these know is here to the cent."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import permissions
from accounts.access import acting_for
from accounts.models import StoreLink
from accounts.onboarding import add_store
from sandbox.marketplaces import Running, make_world, serve
from settlement.models import Line, PullDay, SourceDocument
from settlement.money_in import consent, pulling
from tests.stories.fetching import (
    Linked,
    check_once_more,
    enter_keys,
    fetch_all,
    lines_of,
    linked,
    payouts_of,
    read_all,
    stores_told,
    true_lines,
    true_payouts,
)

pytestmark = pytest.mark.usefixtures("database")
DAYS = 6


@pytest.fixture
def market(settings: object) -> Iterator[Running]:
    ends_on = timezone.now().date() - timedelta(days=2)
    with serve(make_world(seed=11, stores=6, days=DAYS, ends_on=ends_on)) as running:
        settings.MARKETPLACES_URL = running.address  # type: ignore[attr-defined]
        yield running


def all_is_here(market: Running, ours: Linked) -> None:
    """Each store's booked lines and payouts are those the marketplace knows, each once."""
    read_all(ours.merchant)
    for told in stores_told(market):
        code = told["code"]
        assert lines_of(ours, code) == true_lines(told), code
        assert payouts_of(ours, code) == true_payouts(told), code


def test_every_line_and_payout_of_every_store_is_here_once(market: Running) -> None:
    ours = linked(market, days=DAYS)
    fetch_all(ours.merchant, until=market.world.ends_on)
    all_is_here(market, ours)
    with acting_for(ours.merchant.id):
        before = SourceDocument.objects.count(), Line.objects.count()
    check_once_more(ours.merchant)
    fetch_all(ours.merchant, until=market.world.ends_on)
    all_is_here(market, ours)
    with acting_for(ours.merchant.id):
        # Asking again brings a present day's list anew at the most, and no line twice.
        assert Line.objects.filter(live=True).count() <= before[1]


FAULTS: dict[str, dict[str, dict[str, Any]]] = {
    # So many and no more: a storm in step with the calls of one day would never let it pass.
    "the platform does not answer": {
        "storm": {"every": 3, "times": 40},
        "error": {"every": 5, "times": 20},
        "silence": {"every": 7, "times": 20},
        "truncate": {"every": 11, "times": 20},
    },
    "its pages are not as they should be": {
        "small_pages": {},
        "duplicate": {"every": 2},
        "shuffle": {},
        "drift": {},
    },
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_goes_wrong_on_the_way_loses_and_doubles_nothing(market: Running, name: str) -> None:
    ours = linked(market, days=DAYS)
    for fault, options in FAULTS[name].items():
        market.faults.turn_on(fault, **options)
    fetch_all(ours.merchant, until=market.world.ends_on)
    struck = market.faults.counts()
    assert all(struck[fault] for fault in FAULTS[name]), struck
    all_is_here(market, ours)


def test_what_a_platform_enters_late_is_here_when_the_day_is_asked_for_again(
    market: Running,
) -> None:
    ours = linked(market, days=DAYS)
    late = market.world.ends_on - timedelta(days=3)
    market.faults.turn_on("late", day=late.isoformat(), calls=2)
    fetch_all(ours.merchant, until=market.world.ends_on)
    market.faults.turn_off("late")
    for _ in range(2):
        check_once_more(ours.merchant)
        fetch_all(ours.merchant, until=market.world.ends_on)
    all_is_here(market, ours)


def test_a_permission_that_ends_is_said_and_leaves_no_gap_once_it_is_renewed(
    market: Running,
) -> None:
    ours = linked(market, days=DAYS)
    market.faults.turn_on("skew", seconds=86_400)
    pulling.queue_days(now=timezone.now())
    link, day = tried(ours, "wechatpay")
    assert link.state == "expired" and link.error_reason
    assert (day.state, day.completed_at) == ("waiting", None)
    # Alipay says what is wrong, and it is not the permission: tomorrow it may be mended.
    link, day = tried(ours, "alipay")
    assert (link.state, day.state) == ("active", "refused") and "timestamp" in day.error_reason
    assert day.lease_until is not None and day.lease_until > timezone.now()
    market.faults.turn_off("skew")
    [theirs] = market.world.of("wechatpay")
    link = ours.links[theirs.code]
    with acting_for(ours.merchant.id):
        enter_keys(link, theirs, ours.owner, link.fetch_from or market.world.ends_on)
    consent.prove(merchant_id=ours.merchant.id, link_id=link.id)
    fetch_all(ours.merchant, until=market.world.ends_on)
    all_is_here(market, ours)


def tried(ours: Linked, platform: str) -> tuple[StoreLink, PullDay]:
    """A platform's link and its first day, after one try to fetch that."""
    [theirs] = ours.market.world.of(platform)
    link = ours.links[theirs.code]
    with acting_for(ours.merchant.id):
        day = PullDay.objects.filter(link=link).order_by("day")[0]
    pulling.pull(merchant_id=ours.merchant.id, day_id=day.id)
    with acting_for(ours.merchant.id):
        link.refresh_from_db()
        day.refresh_from_db()
    return link, day


@pytest.mark.parametrize("after", [1, 3])
def test_a_worker_that_dies_between_two_documents_is_resumed_behind_the_last(
    market: Running, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    ours = linked(market, days=DAYS)
    keep, kept = pulling._keep, 0

    def dying(*arguments: Any) -> None:
        nonlocal kept
        if kept % (after + 1) == after:
            kept += 1
            raise Killed
        keep(*arguments)
        kept += 1

    monkeypatch.setattr(pulling, "_keep", dying)
    for _ in range(200):
        try:
            fetch_all(ours.merchant, until=market.world.ends_on)
            break
        except Killed:
            continue
    assert kept > after
    all_is_here(market, ours)


class Killed(BaseException):
    """The worker is gone: nothing after it runs."""


def test_a_day_is_as_complete_as_when_its_first_page_was_asked_for(market: Running) -> None:
    ours = linked(market, days=DAYS)
    pulling.queue_days(now=timezone.now())
    [theirs] = market.world.of("wechatpay")
    with acting_for(ours.merchant.id):
        day = PullDay.objects.get(link=ours.links[theirs.code], day=market.world.ends_on)
        begun = timezone.now() - timedelta(days=2)
    # The first document is kept, then the line breaks.
    market.faults.turn_on("error", every=4, times=1)
    pulling.pull(merchant_id=ours.merchant.id, day_id=day.id)
    with acting_for(ours.merchant.id):
        day.refresh_from_db()
        assert day.cursor and day.asked_at is not None
        # As if that had been before the day was over at the platform.
        PullDay.objects.filter(id=day.id).update(asked_at=begun, lease_until=None)
    pulling.pull(merchant_id=ours.merchant.id, day_id=day.id)
    with acting_for(ours.merchant.id):
        day.refresh_from_db()
    assert (day.cursor, day.completed_at, day.state) == ("", None, "waiting")


def test_a_shop_is_linked_once(market: Running) -> None:
    ours = linked(market, days=DAYS)
    [theirs] = market.world.of("shopify")
    with acting_for(ours.merchant.id):
        first = StoreLink.objects.select_related("store__settlement_account").get(
            id=ours.links[theirs.code].id
        )
        assert first.store.external_id, "the platform's own name for the shop was not kept"
        again = add_store(first.store.settlement_account, platform="shopify", name="once more")
        link = StoreLink.objects.select_related("store").get(store=again)
        enter_keys(link, theirs, ours.owner, market.world.ends_on)
    consent.prove(merchant_id=ours.merchant.id, link_id=link.id)
    with acting_for(ours.merchant.id):
        link.refresh_from_db()
        assert link.method == "upload" and "this very shop" in link.error_reason
        assert link.secrets_sealed is None


def test_wrong_keys_are_said_and_keep_nothing(market: Running) -> None:
    ours = linked(market, days=DAYS)
    [stripe] = market.world.of("stripe")
    link = ours.links[stripe.code]
    with acting_for(ours.merchant.id):
        link.refresh_from_db()
        first = link.created_at.date()
        consent.enter_keys(link, secrets={"access_token": "sk_wrong"}, fetch_from=first,
                           by=ours.owner)  # fmt: skip
    consent.prove(merchant_id=ours.merchant.id, link_id=link.id)
    with acting_for(ours.merchant.id):
        link.refresh_from_db()
        # What worked before goes on working; what was tried is forgotten.
        assert link.state == "active" and "does not accept" in link.error_reason
        assert permissions.own_secrets(link)["access_token"] == stripe.secrets["access_token"]
        assert link.pending_sealed is None
