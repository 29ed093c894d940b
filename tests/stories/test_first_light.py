"""First light: from files in the real formats to books that equal the bank.

A merchant with twenty stores on four platforms uploads what the platforms and
the bank give it. The sandbox wrote the files, with honest troubles in them, and
the truth beside them; the hub sees the files only.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from django.utils import timezone

from ledger.checks import prove
from sandbox.world import write_world
from settlement.errors import AlreadyStoredError
from settlement.models import DocumentState, SourceDocument
from settlement.money_in.withdrawing import withdraw
from tests.build import upload, work_off
from tests.stories.journey import (
    Journey,
    begun,
    every_payout_came_out_as_the_truth_says,
    everything_is_as_the_truth_says,
    figures,
    the_books_equal_the_bank,
    the_exceptions_are_the_expected_ones,
    the_stores_are_owed_what_the_truth_says,
)

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world") / "files"
    write_world(seed=20, out=folder, ends_on=date(2026, 11, 20), days=28, small=True)
    return folder


@pytest.fixture
def journey(world: Path, database: None) -> Journey:
    """The merchant before it has uploaded anything."""
    return begun(world)


def test_every_payout_is_proven_or_has_its_reason(journey: Journey) -> None:
    journey.upload_everything()
    everything_is_as_the_truth_says(journey)


def test_sending_everything_again_adds_nothing(journey: Journey) -> None:
    journey.upload_everything()
    with journey.seen_by_the_merchant():
        before = figures(journey)
    for file in journey.truth["files"]:
        with pytest.raises(AlreadyStoredError):
            upload(
                journey.merchant.id,
                journey.folder / file["path"],
                store=journey.stores.get(file.get("store")),
            )
    with journey.seen_by_the_merchant():
        assert figures(journey) == before


def test_the_order_of_the_files_does_not_matter(journey: Journey) -> None:
    """Bank first and newest first: the same figures, to the cent."""
    journey.truth["files"].reverse()
    journey.upload_everything()
    with journey.seen_by_the_merchant():
        every_payout_came_out_as_the_truth_says(journey)
        the_exceptions_are_the_expected_ones(journey)
        the_stores_are_owed_what_the_truth_says(journey)
        the_books_equal_the_bank(journey)


def test_a_document_uploaded_wrongly_leaves_no_trace_in_the_figures(journey: Journey) -> None:
    journey.upload_everything()
    with journey.seen_by_the_merchant():
        before = figures(journey)
        fund_flow = (
            SourceDocument.objects.select_related("store")
            .filter(store=journey.stores["W02"], state=DocumentState.LOADED, rows_kept__gt=0)
            .order_by("known_at")[1]
        )
        statement = SourceDocument.objects.select_related("store").filter(store=None)[1]
    for document in (fund_flow, statement):
        withdraw(merchant_id=journey.merchant.id, document_id=document.id, now=timezone.now())
    work_off(journey.merchant.id)
    with journey.seen_by_the_merchant():
        assert figures(journey) != before
    for document in (fund_flow, statement):
        path = next(
            journey.folder / file["path"]
            for file in journey.truth["files"]
            if file["path"].endswith(document.name)
            and journey.stores.get(file.get("store")) == document.store
        )
        upload(journey.merchant.id, path, store=document.store)
    work_off(journey.merchant.id)
    with journey.seen_by_the_merchant():
        assert figures(journey) == before
    assert [f for f in prove(using="ops", book=journey.merchant.id) if f.violations] == []
