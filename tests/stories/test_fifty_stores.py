"""Fifty-six stores on four platforms, ninety days, one bank account: the demonstration's size."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ledger.checks import prove
from sandbox.world import write_world
from settlement import checks
from tests.stories.journey import (
    begun,
    every_document_was_read,
    every_match_is_the_true_one,
    every_payout_came_out_as_the_truth_says,
    nothing_in_transit_is_left_of_a_proven_payout,
    the_books_equal_the_bank,
    the_exceptions_are_the_expected_ones,
    the_stores_are_owed_what_the_truth_says,
)

pytestmark = pytest.mark.usefixtures("database")


def test_books_bank_and_truth_are_one(tmp_path: Path) -> None:
    world = tmp_path / "world"
    write_world(seed=7, out=world, ends_on=date(2026, 11, 20), days=90, stores=56)
    journey = begun(world)
    assert len(journey.stores) == 56
    assert len({store.platform for store in journey.stores.values()}) == 4
    assert len({account["number"] for account in journey.truth["bank_accounts"]}) == 1

    journey.upload_everything()

    with journey.seen_by_the_merchant():
        every_document_was_read()
        every_payout_came_out_as_the_truth_says(journey)
        every_match_is_the_true_one(journey)
        the_exceptions_are_the_expected_ones(journey)
        the_stores_are_owed_what_the_truth_says(journey)
        the_books_equal_the_bank(journey)
        nothing_in_transit_is_left_of_a_proven_payout(journey)
    for prover in (
        prove(using="ops", book=journey.merchant.id),
        checks.prove("ops", journey.merchant.id),
    ):
        assert [finding for finding in prover if finding.violations] == []
