"""Simulated eBay over real HTTP: tokens, signed calls of European sellers, lists and sums."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from sandbox.marketplaces import Running, Store, UnknownEventError, make_world, serve

from .market import ENDS_ON, NOW, call, ebay, ebay_rows, store_of, truth, turn

BACK = "https://hub.example.com/back"


@pytest.fixture
def market() -> Iterator[Running]:
    world = make_world(seed=7, stores=2, days=14, ends_on=ENDS_ON, platforms=["ebay"])
    with serve(world, now=lambda: NOW) as running:
        yield running


@pytest.fixture
def store(market: Running) -> Store:
    return store_of(market, "ebay")


def test_the_pages_hold_every_transaction_once(market: Running, store: Store) -> None:
    rows = ebay_rows(market, store, "transaction")
    want = {line["id"] for line in truth(market, store)["lines"] if line["id"]}
    assert {row["transactionId"] for row in rows} == want
    assert len(rows) == len(want)
    dates = [row["transactionDate"] for row in rows]
    assert dates == sorted(dates, reverse=True)


def test_a_payouts_transactions_add_up_to_it(market: Running, store: Store) -> None:
    payouts = ebay_rows(market, store, "payout")
    assert {p["payoutId"] for p in payouts} == {p["id"] for p in truth(market, store)["payouts"]}
    for payout in payouts:
        wish = f"limit=100&filter=payoutId:{{{payout['payoutId']}}}"
        rows = ebay_rows(market, store, "transaction", wish)
        signed = {"CREDIT": 1, "DEBIT": -1}
        total = sum(Decimal(r["amount"]["value"]) * signed[r["bookingEntry"]] for r in rows)
        assert total == Decimal(payout["amount"]["value"])
        assert payout["transactionCount"] == len(rows)


def test_a_sale_is_stated_net_of_its_fees(market: Running, store: Store) -> None:
    sales = ebay_rows(market, store, "transaction", "limit=100&filter=transactionType:{SALE}")
    assert sales
    for row in sales:
        value = {name: Decimal(row[name]["value"]) for name in ("amount", "totalFeeAmount")}
        basis = Decimal(row["totalFeeBasisAmount"]["value"])
        assert basis - value["totalFeeAmount"] == value["amount"]


def test_both_ends_of_a_span_count_and_nothing_is_204(market: Running, store: Store) -> None:
    whole = ebay_rows(market, store, "transaction", "limit=1000")
    first, last = whole[40]["transactionDate"], whole[20]["transactionDate"]
    wish = f"limit=1000&filter=transactionDate:[{first}..{last}]"
    assert ebay_rows(market, store, "transaction", wish) == whole[20:41]
    empty = (
        "transaction?filter=transactionDate:[2020-01-01T00:00:00.000Z..2020-01-02T00:00:00.000Z]"
    )
    assert ebay(market, store, empty).status_code == 204
    for wrong in ("limit=1001", "limit=0", "filter=colour:{RED}", "filter=transactionDate:[x..y]"):
        assert ebay(market, store, f"transaction?{wrong}").status_code == 400


def test_a_wrong_token_is_refused(market: Running, store: Store) -> None:
    came = ebay(market, store, "payout", token="v^1.1#no")
    assert (came.status_code, came.json()["errors"][0]["errorId"]) == (401, 1001)


def test_a_european_seller_must_sign_and_an_american_need_not(
    market: Running, store: Store
) -> None:
    german = store_of(market, "ebay", 1)
    assert ebay(market, german, "payout?limit=5").status_code == 200
    wrong = [
        ebay(market, german, "payout", Signature="sig1=:AAAA:"),
        ebay(market, german, "payout", **{"Signature-Input": ""}),
        ebay(market, german, "payout", **{"x-ebay-signature-key": store.secrets["serial"]}),
        ebay(market, store, "payout", token=german.secrets["access_token"]),
    ]
    assert [came.status_code for came in wrong] == [403] * 4
    assert ebay(market, store, "payout", **{"Signature-Input": ""}).status_code == 200


def test_the_seller_consents_and_the_tokens_are_renewed(market: Running, store: Store) -> None:
    asked = {
        "client_id": store.secrets["app_key"],
        "redirect_uri": store.secrets["app_id"],
        "response_type": "code",
        "state": "s1",
    }
    page = f"https://auth.ebay.com/oauth2/authorize?{urlencode(asked)}"
    assert call(market, "GET", page).status_code == 400
    call(market, "POST", "http://control.sandbox/application", json={"ebay_back": BACK})
    assert "SIMULATED" in call(market, "GET", page).text
    back = call(market, "POST", page, data={"shop": store.external_id}).headers["Location"]
    answer = dict(parse_qsl(urlsplit(back).query))
    assert answer["state"] == "s1"
    grant = {"grant_type": "authorization_code", "code": answer["code"]}
    named = {"redirect_uri": store.secrets["app_id"]}
    tokens = _token(market, store, **grant, **named)
    assert tokens["expires_in"] == 7200
    assert ebay(market, store, "payout", token=tokens["access_token"]).status_code == 200
    assert _token(market, store, **grant, **named)["error"] == "invalid_grant"
    turn(market, expire={})
    assert ebay(market, store, "payout", token=tokens["access_token"]).status_code == 401
    for _ in range(2):
        refresh = tokens["refresh_token"]
        new = _token(market, store, grant_type="refresh_token", refresh_token=refresh)
        assert "refresh_token" not in new
        assert ebay(market, store, "payout", token=new["access_token"]).status_code == 200


def test_access_ends_after_two_hours(market: Running, store: Store) -> None:
    refresh = store.secrets["refresh_token"]
    new = _token(market, store, grant_type="refresh_token", refresh_token=refresh)
    later = {"at": (NOW + timedelta(hours=2)).isoformat()}
    call(market, "POST", "http://control.sandbox/clock", json=later)
    assert ebay(market, store, "payout", token=new["access_token"]).status_code == 401


def test_a_stranger_gets_no_token_and_no_hook_is_invented(market: Running, store: Store) -> None:
    refresh = {"grant_type": "refresh_token", "refresh_token": store.secrets["refresh_token"]}
    assert _token(market, store, "wrong", **refresh)["error"] == "invalid_client"
    with pytest.raises(UnknownEventError):
        market.hook(store, "PAYOUT")


def _token(market: Running, store: Store, secret: str = "", **form: str) -> dict[str, Any]:
    pair = f"{store.secrets['app_key']}:{secret or store.secrets['secret']}".encode()
    held = {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    url = "https://api.ebay.com/identity/v1/oauth2/token"
    answer: dict[str, Any] = call(market, "POST", url, headers=held, data=form).json()
    return answer
