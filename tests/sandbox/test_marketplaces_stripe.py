"""Simulated Stripe over real HTTP: keys, cursors, filters, minor units, signed webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from decimal import Decimal

import pytest

from sandbox.marketplaces import Running, Store, UnknownEventError, make_world, serve

from .market import ENDS_ON, NOW, call, store_of, stripe, stripe_rows, truth


@pytest.fixture(scope="module")
def market() -> Iterator[Running]:
    world = make_world(seed=7, stores=3, days=14, ends_on=ENDS_ON, platforms=["stripe"])
    with serve(world, now=lambda: NOW) as running:
        yield running


@pytest.fixture
def store(market: Running) -> Store:
    return store_of(market, "stripe")


def test_the_cursor_leads_through_every_transaction_once(market: Running, store: Store) -> None:
    rows = stripe_rows(market, store, "balance_transactions?limit=7")
    ids = [row["id"] for row in rows]
    want = {line["id"] for line in truth(market, store)["lines"] if line["id"]}
    assert len(ids) == len(set(ids))
    assert set(ids) == want
    assert [row["created"] for row in rows] == sorted((r["created"] for r in rows), reverse=True)
    assert all(row["net"] == row["amount"] - row["fee"] for row in rows)
    newer = stripe(market, store, f"balance_transactions?limit=5&ending_before={ids[20]}").json()
    assert [row["id"] for row in newer["data"]] == ids[15:20]


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_payouts_transactions_add_up_to_it_in_minor_units(market: Running, index: int) -> None:
    store = store_of(market, "stripe", index)
    factor = 1 if store.currency == "JPY" else 100
    payouts = stripe_rows(market, store, "payouts?limit=100")
    known = {p["id"]: p for p in truth(market, store)["payouts"]}
    assert known.keys() == {payout["id"] for payout in payouts}
    for payout in payouts:
        assert payout["amount"] == Decimal(known[payout["id"]]["amount"]) * factor
        assert payout["livemode"] is True
        rows = stripe_rows(market, store, f"balance_transactions?payout={payout['id']}&limit=20")
        (own,) = [row for row in rows if row["type"] == "payout"]
        assert own["id"] == payout["balance_transaction"]
        assert (own["source"], own["net"]) == (payout["id"], -payout["amount"])
        assert sum(row["net"] for row in rows if row is not own) == payout["amount"]


def test_filters_are_kept_through_the_pages(market: Running, store: Store) -> None:
    begin, end = 1_772_841_600, 1_773_100_800
    place = f"balance_transactions?created[gte]={begin}&created[lt]={end}&limit=3"
    rows = stripe_rows(market, store, place)
    whole = stripe_rows(market, store, "balance_transactions?limit=100")
    assert rows == [row for row in whole if begin <= row["created"] < end] != []
    assert {r["type"] for r in stripe_rows(market, store, "balance_transactions?type=charge")} == {
        "charge"
    }


def test_wrong_keys_are_refused_and_not_repeated(market: Running, store: Store) -> None:
    key = store.secrets["access_token"]
    came = stripe(market, store, "payouts", key=key[:-1] + ("a" if key[-1] != "a" else "b"))
    assert came.status_code == 401
    assert came.json()["error"]["type"] == "invalid_request_error"
    assert key[8:-4] not in came.text
    assert call(market, "GET", "https://api.stripe.com/v1/payouts").status_code == 401
    basic = {"Authorization": f"Basic {base64.b64encode(f'{key}:'.encode()).decode()}"}
    url = "https://api.stripe.com/v1/payouts"
    assert call(market, "GET", url, headers=basic).status_code == 200
    account = stripe(market, store, "account").json()
    assert account["id"] == store.secrets["shop"]


@pytest.mark.parametrize(
    ("place", "status", "code", "param"),
    [
        ("payouts?limit=101", 400, "parameter_invalid_integer", "limit"),
        ("payouts?limit=0", 400, "parameter_invalid_integer", "limit"),
        ("payouts?page=2", 400, "parameter_unknown", "page"),
        ("balance_transactions?starting_after=txn_no", 400, "resource_missing", "starting_after"),
        ("balance_transactions?payout=po_no", 404, "resource_missing", "id"),
        ("payouts/po_no", 404, "resource_missing", "id"),
    ],
)
def test_wrong_parameters_are_refused_by_name(
    market: Running, store: Store, place: str, status: int, code: str, param: str
) -> None:
    came = stripe(market, store, place)
    error = came.json()["error"]
    assert (came.status_code, error["code"], error["param"]) == (status, code, param)


def test_another_accounts_payout_is_not_there(market: Running, store: Store) -> None:
    other = stripe(market, store_of(market, "stripe", 1), "payouts").json()["data"][0]["id"]
    assert stripe(market, store, f"payouts/{other}").status_code == 404


def test_webhooks_are_signed_over_time_and_body(market: Running, store: Store) -> None:
    message = market.hook(store, "payout.paid")
    parts = dict(part.split("=", 1) for part in message.headers["Stripe-Signature"].split(","))
    assert int(parts["t"]) == int(NOW.timestamp())
    text = f"{parts['t']}.".encode() + message.body
    secret = store.secrets["secret"].encode()
    assert parts["v1"] == hmac.new(secret, text, hashlib.sha256).hexdigest()
    told = json.loads(message.body)
    assert (told["type"], told["data"]["object"]["status"]) == ("payout.paid", "paid")
    with pytest.raises(UnknownEventError):
        market.hook(store, "charge.succeeded")
