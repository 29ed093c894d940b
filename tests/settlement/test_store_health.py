"""A store's health in one word: the worst that can be said of it, with the reason."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from djmoney.money import Money

from accounts.access import acting_for
from accounts.models import LinkState, SettlementAccount, Store, StoreLink, new_id
from accounts.onboarding import add_store, open_settlement_account
from settlement import queries
from settlement.models import (
    DocumentState,
    Line,
    Payout,
    PayoutState,
    Reason,
    ReconException,
    SourceDocument,
)
from settlement.store_health import (
    Amounts,
    Health,
    Reasoned,
    StoreHealth,
    Symptom,
    store_health,
    with_documents,
)
from tests.build import a_merchant, upload, work_off
from tests.settlement.files import fund_flow

pytestmark = pytest.mark.usefixtures("database")

NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)


@pytest.fixture(scope="module")
def account(migrated: None, django_db_blocker: pytest.FixtureRequest) -> SettlementAccount:
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        merchant = a_merchant()
        with acting_for(merchant.id):
            return open_settlement_account(merchant, name="main")


@pytest.fixture
def store(account: SettlementAccount, database: None) -> Store:
    with acting_for(account.merchant_id):
        return add_store(account, platform="shopify", name=uuid.uuid4().hex)


def a_file(
    store: Store, *, days: float = 0, state: DocumentState = DocumentState.LOADED
) -> SourceDocument:
    return SourceDocument.objects.create(
        merchant_id=store.merchant_id, store=store, sha256=uuid.uuid4().hex * 2, size=1, name="f",
        known_at=NOW - timedelta(days=days), state=state,
    )  # fmt: skip


def a_payout(
    store: Store, state: PayoutState, amount: str = "10.00", *, currency: str = "CNY", days: int = 2
) -> Payout:
    return Payout.objects.create(
        merchant_id=store.merchant_id, store=store, document=a_file(store), row=1,
        external_id=uuid.uuid4().hex, amount=Money(amount, currency), state=state,
        announced_at=NOW - timedelta(days=days), known_at=NOW,
    )  # fmt: skip


def an_exception(account: SettlementAccount, reason: Reason, **about: object) -> None:
    subject = next(iter(about.values()))
    ReconException.objects.create(
        merchant_id=account.merchant_id, settlement_account=account, reason=reason,
        subject=subject.id, opened_at=NOW, **about,
    )  # fmt: skip


def a_line(document: SourceDocument, event_at: datetime) -> None:
    Line.objects.create(
        id=new_id(), merchant_id=document.merchant_id, document=document, store=document.store,
        known_at=document.known_at, row=1, external_id=uuid.uuid4().hex, kind="sale",
        amount=Money(1, "CNY"), event_at=event_at,
    )  # fmt: skip


def of(account: SettlementAccount, store: Store) -> StoreHealth:
    return next(row for row in store_health(account, now=NOW) if row.store == store)


Story = Callable[[SettlementAccount, Store], object]
STORIES: list[tuple[Story, Health, list[Reasoned]]] = [
    (lambda a, s: None, Health.NEW, [Reasoned(Symptom.NO_FILE, 1)]),
    (lambda a, s: a_file(s), Health.GOOD, []),
    (lambda a, s: a_file(s, days=6), Health.GOOD, []),
    (lambda a, s: a_file(s, days=7), Health.WATCH, [Reasoned(Symptom.QUIET, 7)]),
    (lambda a, s: a_file(s, days=29), Health.WATCH, [Reasoned(Symptom.QUIET, 29)]),
    (lambda a, s: a_file(s, days=30), Health.ALARM, [Reasoned(Symptom.SILENT, 30)]),
    (lambda a, s: [a_file(s, days=40), a_file(s, days=1)], Health.GOOD, []),
    (
        lambda a, s: a_file(s, state=DocumentState.STORED),
        Health.NEW,
        [Reasoned(Symptom.READING, 1)],
    ),
    (
        lambda a, s: a_file(s, state=DocumentState.WITHDRAWN),
        Health.NEW,
        [Reasoned(Symptom.NO_FILE, 1)],
    ),
    (
        lambda a, s: [a_file(s, days=2), a_file(s, days=1, state=DocumentState.REFUSED)],
        Health.ALARM,
        [Reasoned(Symptom.REFUSED, 1)],
    ),
    (
        lambda a, s: [a_file(s, days=2, state=DocumentState.REFUSED), a_file(s, days=1)],
        Health.GOOD,
        [],
    ),
    (
        lambda a, s: [a_payout(s, PayoutState.MISSING), a_payout(s, PayoutState.MISSING)],
        Health.ALARM,
        [Reasoned(Symptom.MISSING, 2)],
    ),
    (
        lambda a, s: [a_payout(s, PayoutState.SHORT), a_payout(s, PayoutState.OVER)],
        Health.WATCH,
        [Reasoned(Symptom.DIFFERENT, 2)],
    ),
    (lambda a, s: a_payout(s, PayoutState.LATE), Health.WATCH, [Reasoned(Symptom.LATE, 1)]),
    (lambda a, s: a_payout(s, PayoutState.RETURNED), Health.WATCH, [Reasoned(Symptom.HELD, 1)]),
    (lambda a, s: a_payout(s, PayoutState.RECONCILED), Health.GOOD, []),
    (
        lambda a, s: an_exception(a, Reason.UNKNOWN_KIND, document=a_file(s)),
        Health.WATCH,
        [Reasoned(Symptom.EXCEPTIONS, 1)],
    ),
    (
        lambda a, s: an_exception(a, Reason.MISSING, payout=a_payout(s, PayoutState.MISSING)),
        Health.ALARM,
        [Reasoned(Symptom.MISSING, 1)],  # said once
    ),
    (
        lambda a, s: [
            a_payout(s, PayoutState.LATE),
            StoreLink.objects.filter(store=s).update(state=LinkState.EXPIRED),
        ],
        Health.ALARM,
        [Reasoned(Symptom.LINK_BROKEN, 1), Reasoned(Symptom.LATE, 1)],
    ),
    (
        lambda a, s: [
            a_file(s),
            StoreLink.objects.filter(store=s).update(state=LinkState.EXPIRING),
        ],
        Health.WATCH,
        [Reasoned(Symptom.LINK_WEAK, 1)],
    ),
]


@pytest.mark.parametrize(("story", "health", "reasons"), STORIES)
def test_the_worst_symptom_is_the_health(
    story: Story, health: Health, reasons: list[Reasoned], account: SettlementAccount, store: Store
) -> None:
    with acting_for(account.merchant_id):
        story(account, store)
        row = of(account, store)
    assert (row.health, row.reasons) == (health, reasons)


def test_money_is_summed_by_currency(account: SettlementAccount, store: Store) -> None:
    with acting_for(account.merchant_id):
        a_payout(store, PayoutState.ANNOUNCED, "10.00")
        a_payout(store, PayoutState.LATE, "2.50")
        a_payout(store, PayoutState.RECONCILED, "99.00")
        a_payout(store, PayoutState.IN_TRANSIT, "7.00", currency="EUR")
        row = of(account, store)
    assert [(a.owed, a.in_transit) for a in row.amounts] == [
        (Money(0, "CNY"), Money(Decimal("12.50"), "CNY")),
        (Money(0, "EUR"), Money(7, "EUR")),
    ]
    assert (row.late, row.lost) == (1, 0)


def test_what_is_owed_is_what_the_books_say(tmp_path: Path) -> None:
    merchant = a_merchant()
    with acting_for(merchant.id):
        account = open_settlement_account(merchant, name="main")
        store = add_store(account, platform="wechatpay", name="shop")
    flows = [("10:00:00", "1", "交易", "100.00"), ("18:30:00", "2", "扣除交易手续费", "-0.60")]
    upload(merchant.id, fund_flow(tmp_path / "flow.csv", flows, opening="5.00"), store=store)
    work_off(merchant.id)
    with acting_for(merchant.id):
        (row,) = store_health(account, now=timezone.now())
        (summed,) = queries.overview(account).stores
    assert row.amounts == [Amounts(owed=Money("104.40", "CNY"), in_transit=Money(0, "CNY"))]
    assert summed.owed == row.amounts[0].owed
    assert (row.health, row.reaches_to) == (Health.GOOD, datetime(2026, 11, 2, 10, 30, tzinfo=UTC))


def test_a_store_reaches_as_far_as_its_papers_speak(
    account: SettlementAccount, store: Store
) -> None:
    with acting_for(account.merchant_id):
        a_payout(store, PayoutState.RECONCILED, days=9)
        other = add_store(account, platform="shopify", name=uuid.uuid4().hex)
        a_line(a_file(other, days=1), NOW)  # another store's file of the same instant
        newest = a_file(store, days=1)
        SourceDocument.objects.filter(store=store).exclude(id=newest.id).update(
            known_at=NOW - timedelta(days=3)
        )
        assert of(account, store).reaches_to == NOW - timedelta(days=9)
        a_line(newest, NOW - timedelta(days=5))
        a_line(newest, NOW - timedelta(days=6))
        (row,) = with_documents(account, [of(account, store)])
    assert row.document == newest
    assert row.reaches_to == NOW - timedelta(days=5)


def test_the_worst_store_comes_first_and_the_most_of_it_before() -> None:
    merchant = a_merchant()
    with acting_for(merchant.id):
        account = open_settlement_account(merchant, name="main")
        names = ["good", "new", "late", "two missing", "one missing", "quiet"]
        stores = {n: add_store(account, platform="shopify", name=n) for n in names}
        for name in ("good", "late", "two missing", "one missing"):
            a_file(stores[name])
        a_file(stores["quiet"], days=9)
        a_payout(stores["late"], PayoutState.LATE)
        for name in ("two missing", "two missing", "one missing"):
            a_payout(stores[name], PayoutState.MISSING)
        rows = store_health(account, now=NOW)
    assert [row.store.name for row in rows] == [
        "two missing", "one missing", "late", "quiet", "new", "good",
    ]  # fmt: skip


def test_another_accounts_stores_are_not_among_them(account: SettlementAccount) -> None:
    with acting_for(account.merchant_id):
        other = open_settlement_account(account.merchant, name=uuid.uuid4().hex)
        elsewhere = add_store(other, platform="shopify", name=uuid.uuid4().hex)
        a_payout(elsewhere, PayoutState.MISSING)
        assert [row.store for row in store_health(other, now=NOW)] == [elsewhere]
        assert elsewhere not in [row.store for row in store_health(account, now=NOW)]


def test_two_hundred_stores_cost_as_many_questions_as_one() -> None:
    merchant = a_merchant()
    with acting_for(merchant.id):
        account = open_settlement_account(merchant, name="main")
        questions = []
        for total in (1, 200):
            for n in range(account.stores.count(), total):
                store = add_store(account, platform="shopify", name=f"{n:03d}")
                a_payout(store, PayoutState.IN_TRANSIT)
            with CaptureQueriesContext(connections["default"]) as seen:
                assert len(with_documents(account, store_health(account, now=NOW))) == total
            questions.append(len(seen.captured_queries))
    assert questions[0] == questions[1] <= 10
