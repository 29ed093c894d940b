"""A world follows from its arguments alone, and never overwrites anything."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path
from random import Random

import pytest

from sandbox import OutputNotEmptyError, World, plan, write_world
from sandbox.__main__ import main
from sandbox.model import Platform

from .conftest import ENDS_ON


def _bytes(out: Path) -> dict[str, bytes]:
    return {str(p.relative_to(out)): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}


def test_the_same_seed_writes_the_same_bytes(world: World, tmp_path: Path) -> None:
    again = write_world(seed=7, out=tmp_path / "again", ends_on=ENDS_ON)
    assert _bytes(again.out) == _bytes(world.out)


def test_another_seed_writes_other_amounts(world: World, tmp_path: Path) -> None:
    other = write_world(seed=8, out=tmp_path / "other", ends_on=ENDS_ON)
    shared = {p["amount"] for p in other.truth["payouts"]} & {
        p["amount"] for p in world.truth["payouts"]
    }
    assert len(shared) < len(world.fates) / 10


def test_every_file_is_listed_and_the_default_world_is_small(world: World) -> None:
    listed = {file.path for file in world.files} | {"truth.json", "README.md"}
    assert set(_bytes(world.out)) == listed
    assert 10_000 < world.rows <= 20_000


def test_it_says_that_it_is_simulated(world: World) -> None:
    assert world.truth["simulated"] is True
    assert "SIMULATED" in (world.out / "README.md").read_text()


@pytest.mark.parametrize("seed", range(1, 9))
def test_any_seed_gives_a_sound_world(seed: int, tmp_path: Path) -> None:
    ends_on = date(2026, 3, 20 + seed)
    world = write_world(seed=seed, out=tmp_path / "w", ends_on=ends_on, days=21, small=True)
    assert world.truth["exceptions"] == {"SHORT": 2, "MISSING": 2, "AMBIGUOUS": 4}


def test_more_stores_and_days_fit(tmp_path: Path) -> None:
    world = write_world(seed=3, out=tmp_path / "w", ends_on=ENDS_ON, days=90, stores=56, small=True)
    assert len({store.external_id for store in world.stores}) == 56
    assert len({(store.platform, store.name) for store in world.stores}) == 56
    assert Counter(store.platform.value for store in world.stores) == {
        "wechatpay": 16,
        "alipay": 16,
        "pinduoduo": 14,
        "shopify": 10,
    }
    assert len(world.files) <= 260


@pytest.mark.parametrize("count", range(20, 57))
def test_every_number_of_stores_is_what_it_says(count: int) -> None:
    accounts = plan.bank_accounts(Random(1))
    chosen = plan.stores(count, accounts, ENDS_ON, small=False, rng=Random(1))
    assert len({store.code for store in chosen}) == count
    least = Counter(store.platform for store in chosen)
    assert least[Platform.WECHATPAY] >= 8
    assert min(least[platform] for platform in Platform) >= 4


@pytest.mark.parametrize("wrong", [{"days": 20}, {"stores": 19}])
def test_too_little_room_for_the_troubles_is_refused(wrong: dict[str, int], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least"):
        write_world(seed=1, out=tmp_path / "w", ends_on=ENDS_ON, **wrong)  # type: ignore[arg-type]


def test_a_directory_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(OutputNotEmptyError):
        write_world(seed=1, out=tmp_path, ends_on=ENDS_ON)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_command_writes_a_world_and_sums_it_up(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "w")
    assert main([out, "--seed", "7", "--days", "21", "--small", "--ends-on", "2026-11-20"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["simulated"] is True
    assert summary["rows"] == json.loads((tmp_path / "w/truth.json").read_text())["rows"]
