"""Simulated Douyin over real HTTP: signatures, tokens that renew, pages in fen, pushes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from sandbox.marketplaces import Running, Store, make_world, serve

from .market import ENDS_ON, NOW, douyin, store_of, struck, truth, turn

ITEMS = "/order/getShopAccountItem"
WINDOW = {"start_time": "2026-03-01 00:00:00", "end_time": "2026-03-14 23:59:59"}


@pytest.fixture
def market() -> Iterator[Running]:
    world = make_world(seed=7, stores=2, days=14, ends_on=ENDS_ON, platforms=["douyin"])
    with serve(world, now=lambda: NOW) as running:
        yield running


@pytest.fixture
def store(market: Running) -> Store:
    return store_of(market, "douyin")


def test_the_pages_hold_every_movement_in_fen(market: Running, store: Store) -> None:
    rows = _rows(market, store, 7)
    want: dict[str, Decimal] = {}
    for line in truth(market, store)["lines"]:
        number = line["id"] or line["of"]
        want[number] = want.get(number, Decimal(0)) + Decimal(line["amount"])
    sign = {0: 1, 1: -1}
    found = {
        row["account_trade_no"]: Decimal(row["account_amount"] * sign[row["fund_flow"]]).scaleb(-2)
        for row in rows
    }
    assert found == want
    assert len(rows) == len(want)


def test_a_sales_parts_make_up_its_movement(market: Running, store: Store) -> None:
    sales = [r for r in _rows(market, store, 100) if r["trans_scene"] == "货款结算入账"]
    assert sales
    for row in sales:
        assert row["pay_amount"] + row["platform_service_fee"] == row["account_amount"]


def test_withdrawals_are_the_payouts(market: Running, store: Store) -> None:
    rows = {r["account_trade_no"]: r for r in _rows(market, store, 100)}
    for payout in truth(market, store)["payouts"]:
        row = rows[payout["id"]]
        assert (row["trans_scene"], row["fund_flow"]) == ("提现", 1)
        assert Decimal(row["account_amount"]).scaleb(-2) == Decimal(payout["amount"])


def test_wrong_signatures_clocks_and_tokens_are_refused(market: Running, store: Store) -> None:
    wrong = store.secrets["access_token"][:-1] + "x"
    cases = {
        "isv.signature-invalid": [
            douyin(market, store, ITEMS, WINDOW, sign="00"),
            douyin(market, store, ITEMS, WINDOW, v="3"),
            douyin(market, store, ITEMS, WINDOW, method="order.other"),
        ],
        "isv.timestamp-expired": [
            douyin(market, store, ITEMS, WINDOW, at=NOW - timedelta(seconds=601)),
        ],
        "isv.app-key-invalid": [douyin(market, store, ITEMS, WINDOW, app_key="1")],
        "isv.access-token-no-existed": [douyin(market, store, ITEMS, WINDOW, token=wrong)],
        "isv.method-not-existed": [douyin(market, store, "/order/other", {})],
    }
    for sub_code, answers in cases.items():
        for answer in answers:
            assert answer["sub_code"] == sub_code
            assert answer["data"] is None


def test_the_size_and_the_window_have_limits(market: Running, store: Store) -> None:
    for wrong in ({"size": 1001}, {"size": 0}, {"start_time": "yesterday"}):
        page = douyin(market, store, ITEMS, WINDOW | wrong)["data"]
        assert page["code"] == "100001"


def test_expired_tokens_are_refused_until_they_are_renewed(market: Running, store: Store) -> None:
    turn(market, expire={})
    assert douyin(market, store, ITEMS, WINDOW)["sub_code"] == "isv.access-token-expired"
    assert struck(market, "expire") == 1
    renewal = {"grant_type": "refresh_token", "refresh_token": store.secrets["refresh_token"]}
    new = douyin(market, store, "/token/refresh", renewal)["data"]
    assert new["shop_id"] == int(store.secrets["shop"])
    answer = douyin(market, store, ITEMS, WINDOW, token=new["access_token"])
    assert answer["data"]["code"] == "100000"
    again = douyin(market, store, "/token/refresh", renewal)
    assert again["sub_code"] == "dop.token-generate-failed:token-expired"
    turn(market, expire={})
    answer = douyin(market, store, ITEMS, WINDOW, token=new["access_token"])
    assert answer["sub_code"] == "isv.access-token-expired"


def test_a_self_built_application_gets_a_token_for_its_shop(market: Running, store: Store) -> None:
    wish = {"grant_type": "authorization_self", "shop_id": store.secrets["shop"], "code": ""}
    new = douyin(market, store, "/token/create", wish)["data"]
    answer = douyin(market, store, ITEMS, WINDOW, token=new["access_token"])
    assert answer["data"]["data"]


def test_pushes_are_signed_around_the_body(market: Running, store: Store) -> None:
    message = market.hook(store, "110")
    key, secret = store.secrets["app_key"].encode(), store.secrets["secret"].encode()
    assert message.headers["event-sign"] == hashlib.md5(key + message.body + secret).hexdigest()
    (note,) = json.loads(message.body)
    assert note["tag"] == "110"
    assert json.loads(note["data"])["shop_id"] == int(store.secrets["shop"])


def _rows(market: Running, store: Store, size: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    start = "0"
    while True:
        wish = WINDOW | {"size": size, "start_index": start}
        page = douyin(market, store, ITEMS, wish)["data"]
        assert page["data_size"] == len(page["data"])
        rows += page["data"]
        start = page["next_start_index"]
        if page["is_end"]:
            return rows
