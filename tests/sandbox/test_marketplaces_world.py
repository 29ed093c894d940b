"""The world of the simulated marketplaces: the same from the same seed, and it adds up."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from sandbox.marketplaces import Running, World, make_world, serve

from .market import ENDS_ON, NOW, alipay, call, stripe, wechat

STORES = 10


def world(seed: int = 7, stores: int = STORES, **more: object) -> World:
    wish = {"days": 14, "ends_on": ENDS_ON} | more
    return make_world(seed=seed, stores=stores, **wish)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def market() -> Iterator[Running]:
    with serve(world(), now=lambda: NOW) as running:
        yield running


def test_the_same_seed_gives_the_same_world_and_another_seed_another() -> None:
    told = json.dumps(world().truth())
    assert told == json.dumps(world().truth())
    assert told != json.dumps(world(seed=8).truth())
    assert world().stores == world().stores


def test_a_store_lives_the_same_whatever_stores_stand_beside_it() -> None:
    alone = world(stores=1, platforms=["stripe"])
    among = world()
    assert alone.lives["stripe-1"] == among.lives["stripe-1"]


def test_the_same_seed_answers_the_same_bytes(market: Running) -> None:
    with serve(world(), now=lambda: NOW) as other:
        for asked in (_stripe_list, _wechat_order, _alipay_order):
            assert asked(market) == asked(other)


def test_the_lines_of_a_payout_add_up_to_it(market: Running) -> None:
    told = call(market, "GET", "http://control.sandbox/truth").json()
    assert len(told["stores"]) == STORES
    for store in told["stores"]:
        assert store["payouts"], store["code"]
        for payout in store["payouts"]:
            own = [line for line in store["lines"] if line["payout"] == payout["id"]]
            total = sum(Decimal(line["amount"]) for line in own if line["kind"] != "payout")
            assert total == Decimal(payout["amount"]) > 0
            assert sum(Decimal(line["amount"]) for line in own) == 0


def test_numbers_are_unique_in_a_store_and_amounts_are_whole_minor_units() -> None:
    made = world()
    kinds: set[str] = set()
    for store in made.stores:
        movements = made.lives[store.code].movements
        kinds |= {movement.kind for movement in movements}
        assert len({movement.id for movement in movements}) == len(movements)
        assert [m.at for m in movements] == sorted(m.at for m in movements)
        least = Decimal(1) if store.currency == "JPY" else Decimal("0.01")
        assert all(m.net == m.net.quantize(least) for m in movements)
    assert kinds >= {"sale", "refund", "commission", "payout", "payout_returned", "advertising"}
    assert kinds >= {"shipping", "penalty", "reserve_held", "reserve_released", "adjustment"}


def test_the_command_says_what_there_is_in_one_line() -> None:
    command = [sys.executable, "-m", "sandbox.marketplaces", "--ends-on", "2026-03-14"]
    command += ["--platforms", "shopify,stripe", "--stores", "2", "--now", "2026-03-15T04:00+00:00"]
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        try:
            assert process.stdout
            told = json.loads(process.stdout.readline())
            shop, account = told["stores"]
            assert shop["secrets"].keys() == {"shop", "access_token", "app_key", "secret"}
            held = {"Authorization": f"Bearer {account['secrets']['access_token']}"}
            headers = {"Host": "api.stripe.com", **held}
            came = httpx.get(f"{told['address']}/v1/payouts", headers=headers)
            assert came.json()["data"]
            assert came.headers["X-Simulated"] == "true"
        finally:
            process.terminate()
    assert process.returncode == 0


def test_nothing_of_the_future_is_shown(market: Running) -> None:
    store = market.world.of("stripe")[0]
    early = {"at": "2026-03-05T00:00:00+00:00"}
    with serve(market.world, now=lambda: NOW) as other:
        whole = stripe(other, store, "balance_transactions?limit=100").json()["data"]
        call(other, "POST", "http://control.sandbox/clock", json=early).raise_for_status()
        part = stripe(other, store, "balance_transactions?limit=100").json()["data"]
    assert 0 < len(part) < len(whole)
    assert max(row["created"] for row in part) <= 1_772_668_800


def test_an_unknown_host_is_no_marketplace(market: Running) -> None:
    assert call(market, "GET", "https://api.example.com/v1/payouts").status_code == 404


def _stripe_list(market: Running) -> bytes:
    return stripe(market, market.world.of("stripe")[0], "payouts").content


def _wechat_order(market: Running) -> str:
    url = "https://api.mch.weixin.qq.com/v3/bill/fundflowbill?bill_date=2026-03-10"
    came = wechat(market, market.world.of("wechatpay")[0], url).json()
    return str(came["hash_value"])


def _alipay_order(market: Running) -> bytes:
    content = {"start_time": "2026-03-01 00:00:00", "end_time": "2026-03-10 00:00:00"}
    method = "alipay.data.bill.accountlog.query"
    return alipay(market, market.world.of("alipay")[0], method, content).content


def test_a_day_before_the_world_is_empty() -> None:
    first = min(m.at.date() for life in world().lives.values() for m in life.movements)
    assert first >= date(2026, 3, 1)
