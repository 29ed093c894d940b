"""Every fault of the marketplaces in turn, and programs killed meanwhile: the truth is here."""

from __future__ import annotations

from tests.faults.fetching import season
from tests.faults.harness import Arena

KILLS = 5


def test_whatever_is_killed_the_hub_knows_the_truth(arena: Arena) -> None:
    found = season(arena, seed=5, stores=6, days=13, kills=KILLS)
    assert found.wrong == []
    assert found.kills.total() == KILLS
    assert all(found.struck.values()), found.struck
    assert found.lines and found.payouts and found.hooks
    print(found)
