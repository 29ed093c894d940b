"""Fifty-six stores on four platforms, ninety days, one bank account: the demonstration's size."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from sandbox.world import write_world
from tests.stories.journey import begun, everything_is_as_the_truth_says

pytestmark = pytest.mark.usefixtures("database")


def test_books_bank_and_truth_are_one(tmp_path: Path) -> None:
    world = tmp_path / "world"
    write_world(seed=7, out=world, ends_on=date(2026, 11, 20), days=90, stores=56)
    journey = begun(world)
    assert len(journey.stores) == 56
    assert len({store.platform for store in journey.stores.values()}) == 4
    assert len({account["number"] for account in journey.truth["bank_accounts"]}) == 1

    journey.upload_everything()

    everything_is_as_the_truth_says(journey)
