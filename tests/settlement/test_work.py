"""Work is a row: held by one, handed on when its holder is silent, given up in the end."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.access import acting_for
from accounts.models import Merchant, Store
from accounts.onboarding import add_store, open_settlement_account
from ledger.balances import Funds, funds
from settlement import control, tasks
from settlement.errors import LeaseLostError
from settlement.models import DocumentState, Line, SourceDocument
from settlement.money_in import ingest, requests
from settlement.work import DOCUMENT, MAX_ATTEMPTS, claim, kept_alive
from tests.build import a_merchant, upload
from tests.settlement.files import fund_flow
from tests.settlement.furnished import NOW, an_entry

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def merchant(database: None) -> Merchant:
    return a_merchant()


@pytest.fixture
def document(merchant: Merchant, tmp_path: Path) -> SourceDocument:
    with acting_for(merchant.id):
        account = open_settlement_account(merchant, name="main")
        store: Store = add_store(account, platform="wechatpay", name="shop")
    path = fund_flow(tmp_path / "a.csv", [("09:00:00", "1", "交易", "1.00")])
    return upload(merchant.id, path, store=store)


def state_of(document: SourceDocument) -> str:
    with acting_for(document.merchant_id):
        document.refresh_from_db()
    return document.state


def test_only_one_worker_holds_a_piece_of_work(document: SourceDocument) -> None:
    first = claim(DOCUMENT, merchant_id=document.merchant_id, id=document.id)
    assert first is not None
    assert claim(DOCUMENT, merchant_id=document.merchant_id, id=document.id) is None
    assert state_of(document) == DocumentState.READING


def test_a_silent_workers_work_is_handed_on_and_it_can_finish_no_more(
    document: SourceDocument, settings: Any
) -> None:
    settings.LEASE_SECONDS = 0
    silent = claim(DOCUMENT, merchant_id=document.merchant_id, id=document.id)
    assert silent is not None
    settings.LEASE_SECONDS = 60
    ingest.read(merchant_id=document.merchant_id, document_id=document.id)
    assert state_of(document) == DocumentState.LOADED
    with acting_for(document.merchant_id), pytest.raises(LeaseLostError):
        silent.still_held()


def test_work_that_kills_its_workers_is_given_up_with_a_report(
    document: SourceDocument, settings: Any
) -> None:
    settings.LEASE_SECONDS = 0
    for _ in range(MAX_ATTEMPTS):
        assert claim(DOCUMENT, merchant_id=document.merchant_id, id=document.id) is not None
    settings.LEASE_SECONDS = 60
    ingest.read(merchant_id=document.merchant_id, document_id=document.id)
    assert state_of(document) == DocumentState.REFUSED
    assert document.error_reason
    with acting_for(document.merchant_id):
        assert not Line.objects.exists()


def test_a_living_worker_renews_its_lease_and_tells_its_progress(
    document: SourceDocument, settings: Any
) -> None:
    settings.PROGRESS_SECONDS = 0.05
    lease = claim(DOCUMENT, merchant_id=document.merchant_id, id=document.id)
    assert lease is not None
    with acting_for(document.merchant_id):
        document.refresh_from_db()
    before = document.lease_until
    deadline = timezone.now() + timedelta(seconds=20)
    with kept_alive(lease):
        lease.progress = document.size // 2
        while document.bytes_read != document.size // 2:
            assert timezone.now() < deadline
            state_of(document)
    assert document.lease_until > before
    assert document.percent in (49, 50)


def test_the_sweeper_finds_what_no_message_told_of(
    document: SourceDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[object] = []
    monkeypatch.setattr(control, "wake", lambda task, **ids: woken.append((task, ids)))
    expected = (
        "settlement.tasks.read_document",
        {"merchant_id": document.merchant_id, "document_id": document.id},
    )
    control.sweep(now=timezone.now())
    assert expected not in woken, "a fresh row is left to its own message"
    control.sweep(now=timezone.now() + control.GRACE * 2)
    assert expected in woken
    woken.clear()
    claim(DOCUMENT, merchant_id=document.merchant_id, id=document.id)
    control.sweep(now=timezone.now() + control.GRACE * 2)
    assert expected not in woken, "a living worker holds it"
    control.sweep(now=timezone.now() + timedelta(hours=1))
    assert expected in woken


def test_a_silent_broker_delays_and_loses_nothing(
    merchant: Merchant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_kwargs: object) -> None:
        raise requests.OperationalError("connection refused")

    monkeypatch.setattr(requests.current_app, "send_task", refuse)
    with acting_for(merchant.id):
        account = open_settlement_account(merchant, name="main")
        store = add_store(account, platform="wechatpay", name="shop")
    path = fund_flow(tmp_path / "b.csv", [("09:00:00", "2", "交易", "1.00")])
    document = upload(merchant.id, path, store=store)
    assert state_of(document) == DocumentState.STORED


def test_the_sweeper_wakes_a_worker_for_every_book_with_due_holds(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[object] = []
    monkeypatch.setattr(control, "wake", lambda task, **ids: woken.append((task, ids)))
    expected = (
        "settlement.tasks.expire_holds",
        {"merchant_id": merchant.id, "expires": control.HOLDS_SECONDS},
    )
    with acting_for(merchant.id):
        an_entry(merchant, hold_expires_at=NOW)
    control.sweep_holds(now=NOW - timedelta(seconds=1))
    assert expected not in woken
    assert control.sweep_holds(now=NOW) >= 1
    assert expected in woken
    tasks.expire_holds(merchant_id=str(merchant.id), unknown_later="x")
    with acting_for(merchant.id):
        assert funds(book=merchant.id, code="b") == Funds(balance=1, held=0)
    assert control.expire_holds(merchant_id=merchant.id, now=NOW) == 0
    woken.clear()
    control.sweep_holds(now=NOW)
    assert expected not in woken
