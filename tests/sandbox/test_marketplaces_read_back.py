"""What the simulated marketplaces serve is read by the hub's own adapters to the truth.

Both sides were written from the reference apart from each other: here they must agree.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest

from platforms import registry
from platforms.contract import Document, Line, Payout, Totals
from sandbox.marketplaces import Running, Store, make_world, serve

from .market import (
    BILL_METHOD,
    ENDS_ON,
    LOG_METHOD,
    NOW,
    WECHAT,
    alipay,
    alipay_node,
    call,
    douyin,
    shopify_pages,
    store_of,
    stripe,
    truth,
    wechat,
)

Sums = Counter[tuple[str, Decimal]]
TRANSACTIONS = "2026-01/shopify_payments/balance/transactions.json?limit=50"


@pytest.fixture(scope="module")
def market() -> Iterator[Running]:
    world = make_world(seed=7, stores=10, days=14, ends_on=ENDS_ON)
    with serve(world, now=lambda: NOW) as running:
        yield running


@pytest.mark.parametrize("index", [0, 1])
def test_shopify_is_read_to_the_truth(market: Running, index: int) -> None:
    store = store_of(market, "shopify", index)
    pages = [page.content for page in shopify_pages(market, store, TRANSACTIONS)]
    place = "2026-01/shopify_payments/payouts.json"
    pages += [page.content for page in shopify_pages(market, store, place)]
    _agrees(market, store, pages, {"zone": store.zone})


@pytest.mark.parametrize("index", [0, 1])
def test_stripe_is_read_to_the_truth(market: Running, index: int) -> None:
    store = store_of(market, "stripe", index)
    pages = []
    for name in ("balance_transactions", "payouts"):
        place = f"{name}?limit=100"
        while True:
            page = stripe(market, store, place)
            pages.append(page.content)
            if not page.json()["has_more"]:
                break
            place = f"{name}?limit=100&starting_after={page.json()['data'][-1]['id']}"
    _agrees(market, store, pages, {})


@pytest.mark.parametrize("index", [0, 1])
def test_wechat_pay_is_read_to_the_truth(market: Running, index: int) -> None:
    store = store_of(market, "wechatpay", index)
    bills = []
    for day in _days():
        url = f"{WECHAT}/v3/bill/fundflowbill?bill_date={day}"
        bills.append(wechat(market, store, wechat(market, store, url).json()["download_url"]))
    _agrees(market, store, [bill.content for bill in bills], {})


@pytest.mark.parametrize("index", [0, 1])
def test_alipays_bills_are_read_to_the_truth(market: Running, index: int) -> None:
    store = store_of(market, "alipay", index)
    bills = []
    for day in _days():
        wish = {"bill_type": "signcustomer", "bill_date": day}
        node = alipay_node(alipay(market, store, BILL_METHOD, wish), BILL_METHOD)
        bills.append(call(market, "GET", node["bill_download_url"]).content)
    _agrees(market, store, bills, {})


def test_alipays_log_is_read_to_the_truth(market: Running) -> None:
    store = store_of(market, "alipay")
    wish = {"start_time": "2026-03-01 00:00:00", "end_time": "2026-03-14 23:59:59"}
    _agrees(market, store, [alipay(market, store, LOG_METHOD, wish).content], {})


@pytest.mark.parametrize("index", [0, 1])
def test_douyin_is_read_to_the_truth(market: Running, index: int) -> None:
    store = store_of(market, "douyin", index)
    wish = {"start_time": "2026-03-01 00:00:00", "end_time": "2026-03-14 23:59:59", "size": 1000}
    answer = douyin(market, store, "/order/getShopAccountItem", wish)
    _agrees(market, store, [json.dumps(answer, ensure_ascii=False).encode()], {})


def _days() -> list[str]:
    return [f"{ENDS_ON - timedelta(days=back)}" for back in range(13, -1, -1)]


def _agrees(market: Running, store: Store, bodies: list[bytes], context: dict[str, str]) -> None:
    """Reads everything; lines by kind and amount, and payouts, are the truth's."""
    lines: Sums = Counter()
    payouts: dict[str, Decimal] = {}
    for body in bodies:
        document = Document(
            name="", head=body[:65_536], open=lambda body=body: io.BytesIO(body), context=context
        )  # type: ignore[misc]
        adapter = registry.recognise(document)
        assert adapter.code == store.platform
        for record in adapter.read(document):
            if isinstance(record, Line):
                lines[record.kind.value, record.amount] += 1
            elif isinstance(record, Payout):
                payouts[record.external_id] = record.amount
            elif isinstance(record, Totals):
                assert record.ties is not False
    told = truth(market, store)
    want = Counter((line["kind"], Decimal(line["amount"])) for line in told["lines"])
    assert lines == want
    assert payouts == {payout["id"]: Decimal(payout["amount"]) for payout in told["payouts"]}
