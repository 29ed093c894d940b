"""What goes wrong on purpose: each fault strikes over real HTTP, and says how often."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest

from sandbox.marketplaces import (
    Faults,
    Mischief,
    Running,
    Store,
    UnknownFaultError,
    make_world,
    send,
    send_all,
    serve,
)

from .market import (
    BILL_METHOD,
    ENDS_ON,
    NOW,
    WECHAT,
    alipay,
    alipay_node,
    call,
    douyin,
    shopify,
    shopify_pages,
    store_of,
    stripe,
    stripe_rows,
    struck,
    turn,
    wechat,
)

TRANSACTIONS = "2026-01/shopify_payments/balance/transactions.json?limit=10"
ITEMS = "/order/getShopAccountItem"
WINDOW = {"start_time": "2026-03-01 00:00:00", "end_time": "2026-03-14 23:59:59", "size": 10}
BILL = f"{WECHAT}/v3/bill/fundflowbill?bill_date=2026-03-10"

WORLD = make_world(seed=7, stores=5, days=14, ends_on=ENDS_ON)


@pytest.fixture
def market() -> Iterator[Running]:
    with serve(WORLD, now=lambda: NOW) as running:
        yield running


@pytest.fixture
def account(market: Running) -> Store:
    return store_of(market, "stripe")


def test_a_storm_refuses_every_third_call_for_a_while(market: Running, account: Store) -> None:
    turn(market, storm={"every": 3, "retry_after": 7})
    came = [stripe(market, account, "payouts") for _ in range(6)]
    assert [one.status_code for one in came] == [200, 200, 429, 200, 200, 429]
    assert came[2].headers["Retry-After"] == "7"
    assert came[2].json()["error"]["code"] == "rate_limit"
    assert struck(market, "storm") == 2
    turn(market, storm=None)
    assert stripe(market, account, "payouts").status_code == 200


@pytest.mark.parametrize("platform", ["shopify", "stripe", "wechatpay", "alipay", "douyin"])
def test_a_storm_may_be_one_platforms(market: Running, platform: str) -> None:
    turn(market, storm={"platform": platform})
    shop = store_of(market, "shopify").external_id
    hosts = {
        "shopify": shop,
        "stripe": "api.stripe.com",
        "wechatpay": "api.mch.weixin.qq.com",
        "alipay": "openapi.alipay.com",
        "douyin": "openapi-fxg.jinritemai.com",
    }
    for name, host in hosts.items():
        status = call(market, "GET", f"https://{host}/").status_code
        assert (status == 429) is (name == platform)


def test_an_error_is_a_server_error_of_ones_choice(market: Running, account: Store) -> None:
    turn(market, error={"status": 502, "times": 1})
    assert stripe(market, account, "payouts").status_code == 502
    assert stripe(market, account, "payouts").status_code == 200
    assert struck(market, "error") == 1


def test_silence_is_a_line_that_breaks(market: Running, account: Store) -> None:
    turn(market, silence={"times": 1})
    with pytest.raises(httpx.RemoteProtocolError):
        stripe(market, account, "payouts")
    assert stripe(market, account, "payouts").status_code == 200
    assert struck(market, "silence") == 1


def test_a_truncated_answer_is_shorter_than_it_says(market: Running, account: Store) -> None:
    turn(market, truncate={"every": 2})
    assert stripe(market, account, "payouts").status_code == 200
    with pytest.raises(httpx.RemoteProtocolError):
        stripe(market, account, "payouts")
    assert struck(market, "truncate") == 1


def test_a_late_day_comes_after_it_was_asked_for(market: Running, account: Store) -> None:
    whole = stripe(market, account, "balance_transactions?limit=100").json()["data"]
    turn(market, late={"day": "2026-03-10", "calls": 2, "platform": "stripe"})
    sizes = [
        len(stripe(market, account, "balance_transactions?limit=100").json()["data"])
        for _ in range(3)
    ]
    assert sizes[0] == sizes[1] < sizes[2] == len(whole)
    assert struck(market, "late") == 2


def test_a_late_day_comes_at_its_instant(market: Running) -> None:
    until = (NOW + timedelta(hours=1)).isoformat()
    turn(market, late={"day": "2026-03-10", "until": until})
    store = store_of(market, "wechatpay")
    assert wechat(market, store, BILL).json()["code"] == "STATEMENT_CREATING"
    bill = {"bill_type": "signcustomer", "bill_date": "2026-03-10"}
    refused = alipay(market, store_of(market, "alipay"), BILL_METHOD, bill)
    assert alipay_node(refused, BILL_METHOD)["sub_code"] == "isp.bill_not_exist"
    call(market, "POST", "http://control.sandbox/clock", json={"at": until})
    at = NOW + timedelta(hours=1)
    assert wechat(market, store, BILL, at=at).status_code == 200


def test_a_row_may_stand_on_two_pages_and_none_is_lost(market: Running, account: Store) -> None:
    shop, seller = store_of(market, "shopify"), store_of(market, "douyin")
    before = _every_id(market, shop, account, seller)
    turn(market, duplicate={})
    after = _every_id(market, shop, account, seller)
    for once, twice in zip(before, after, strict=True):
        assert len(twice) > len(set(twice))
        assert set(twice) == set(once)
    assert struck(market, "duplicate") > 3


def test_rows_out_of_order_are_the_same_rows(market: Running, account: Store) -> None:
    shop, seller = store_of(market, "shopify"), store_of(market, "douyin")
    before = _every_id(market, shop, account, seller)
    turn(market, shuffle={})
    after = _every_id(market, shop, account, seller)
    for ordered, mixed in zip(before, after, strict=True):
        assert mixed != ordered
        assert sorted(mixed) == sorted(ordered)
    assert struck(market, "shuffle") > 3


def test_rows_drift_by_a_harmless_field_or_by_money(market: Running, account: Store) -> None:
    turn(market, drift={"every": 2})
    rows = stripe(market, account, "balance_transactions").json()["data"]
    assert ["simulated_note" in row for row in rows] == [False, True] * 5
    turn(market, drift=None, drift_money={})
    rows = shopify(market, store_of(market, "shopify"), TRANSACTIONS).json()["transactions"]
    assert all(row["simulated_levy_amount"] == "1.23" for row in rows)
    answer = douyin(market, store_of(market, "douyin"), ITEMS, WINDOW)
    assert answer["data"]["data"][0]["simulated_levy_amount"] == 123
    store = store_of(market, "wechatpay")
    link = wechat(market, store, BILL).json()["download_url"]
    lines = wechat(market, store, link).text.splitlines()
    assert lines[0].endswith(",模拟附加费(元)")
    assert lines[1].endswith(",`1.23")
    assert not lines[-1].endswith("`1.23")
    assert struck(market, "drift") == 5
    assert struck(market, "drift_money") == 10 + 10 + 1


def test_shopifys_tokens_expire_until_they_are_renewed(market: Running) -> None:
    shop = store_of(market, "shopify")
    turn(market, expire={"platform": "shopify"})
    assert shopify(market, shop, TRANSACTIONS).status_code == 401
    assert struck(market, "expire") == 1
    turn(market, expire=None)
    assert shopify(market, shop, TRANSACTIONS).status_code == 200


def test_a_skewed_clock_wants_its_own_time(market: Running) -> None:
    store, seller = store_of(market, "wechatpay"), store_of(market, "douyin")
    turn(market, skew={"seconds": 3600})
    assert wechat(market, store, BILL).json()["code"] == "SIGN_ERROR"
    ahead = NOW + timedelta(hours=1)
    assert wechat(market, store, BILL, at=ahead).status_code == 200
    assert douyin(market, seller, ITEMS, WINDOW)["sub_code"] == "isv.timestamp-expired"
    assert douyin(market, seller, ITEMS, WINDOW, at=ahead)["code"] == 10000
    assert struck(market, "skew") == 4


def test_a_fault_that_does_not_exist_is_refused(market: Running) -> None:
    for wish in ({"earthquake": {}}, {"storm": {"colour": 1}}, {"storm": {"every": 0}}):
        came = call(market, "POST", "http://control.sandbox/faults", json=wish)
        assert came.status_code == 400
    with pytest.raises(UnknownFaultError):
        Faults(seed=1).turn_on("earthquake")


def test_hooks_are_posted_with_their_mischief(market: Running, account: Store) -> None:
    message = market.hook(account, "payout.paid")
    with _listener() as (url, heard):
        send(message, url)
        send(message, url, mischief=Mischief.DUPLICATE)
        send(message, url, mischief=Mischief.WRONG_SIGNATURE)
        send(message, url, mischief=Mischief.FLIPPED_BYTE)
        send(message, url, mischief=Mischief.LATE, after=0.01)
        other = market.hook(account, "payout.created")
        send_all([message, other], url, reordered=True)
        wish = {"store": account.code, "event": "payout.paid", "url": url}
        came = call(market, "POST", "http://control.sandbox/hooks", json=wish).json()
    assert came == [{"status": 204, "body": ""}]
    right = (message.headers["Stripe-Signature"], message.body)
    assert heard[0] == heard[1] == heard[2] == heard[5] == right
    assert heard[3][0] != right[0]
    assert heard[3][1] == right[1]
    flipped = [one ^ two for one, two in zip(heard[4][1], right[1], strict=True)]
    assert sorted(flipped)[-2:] == [0, 1]
    assert [heard[6][1], heard[7][1]] == [other.body, message.body]
    assert json.loads(heard[8][1])["type"] == "payout.paid"


def _every_id(market: Running, shop: Store, account: Store, seller: Store) -> list[list[str]]:
    pages = shopify_pages(market, shop, TRANSACTIONS)
    shops = [f"{row['id']}" for page in pages for row in page.json()["transactions"]]
    accounts = [row["id"] for row in stripe_rows(market, account, "balance_transactions")]
    sellers: list[str] = []
    page: dict[str, Any] = {"next_start_index": "0", "is_end": 0}
    while not page["is_end"]:
        wish = WINDOW | {"start_index": page["next_start_index"]}
        page = douyin(market, seller, ITEMS, wish)["data"]
        sellers += [row["account_trade_no"] for row in page["data"]]
    return [shops, accounts, sellers]


@contextmanager
def _listener() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """Hears hooks: their signatures and bodies."""
    heard: list[tuple[str, bytes]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append((self.headers["Stripe-Signature"], body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/hooks", heard
        server.shutdown()
        thread.join()
