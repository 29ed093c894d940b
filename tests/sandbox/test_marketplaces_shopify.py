"""Simulated Shopify over real HTTP: consent, tokens, pages, sums and signed webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from sandbox.marketplaces import Running, Store, UnknownEventError, make_world, serve

from .market import ENDS_ON, NOW, call, shopify, shopify_pages, store_of, truth

TRANSACTIONS = "2026-01/shopify_payments/balance/transactions.json"
PAYOUTS = "2026-01/shopify_payments/payouts.json"
BACK = "https://hub.example.com/links/back"


@pytest.fixture(scope="module")
def world_market() -> Iterator[Running]:
    world = make_world(seed=7, stores=2, days=14, ends_on=ENDS_ON, platforms=["shopify"])
    with serve(world, now=lambda: NOW) as running:
        yield running


@pytest.fixture
def market(world_market: Running) -> Iterator[Running]:
    """A server with tokens of its own for each test."""
    with serve(world_market.world, now=lambda: NOW) as running:
        yield running


@pytest.fixture
def store(market: Running) -> Store:
    return store_of(market, "shopify")


def test_the_pages_hold_every_transaction_once(market: Running, store: Store) -> None:
    pages = shopify_pages(market, store, f"{TRANSACTIONS}?limit=7")
    rows = [row for page in pages for row in page.json()["transactions"]]
    assert len(pages) == -(-len(rows) // 7) > 3
    ids = [row["id"] for row in rows]
    assert ids == sorted(set(ids), reverse=True)
    want = {line["id"] for line in truth(market, store)["lines"] if line["id"]}
    assert {str(one) for one in ids} == want
    for row in rows:
        assert Decimal(row["net"]) == Decimal(row["amount"]) - Decimal(row["fee"])


def test_since_id_leads_through_the_rows_oldest_first(market: Running, store: Store) -> None:
    found: list[int] = []
    while True:
        last = found[-1] if found else 0
        place = f"{TRANSACTIONS}?limit=9&since_id={last}"
        rows = shopify(market, store, place).json()["transactions"]
        if not rows:
            break
        found += [row["id"] for row in rows]
    assert len(found) == len(market.world.lives[store.code].movements)
    assert found == sorted(found)


def test_a_payout_is_its_transactions_and_its_summary(market: Running, store: Store) -> None:
    payouts = shopify(market, store, PAYOUTS).json()["payouts"]
    assert {(str(p["id"]), p["amount"], p["status"], p["date"]) for p in payouts} == {
        (p["id"], p["amount"], p["status"], p["day"]) for p in truth(market, store)["payouts"]
    }
    for payout in payouts:
        place = f"{TRANSACTIONS}?payout_id={payout['id']}&limit=250"
        rows = shopify(market, store, place).json()["transactions"]
        total = sum(Decimal(row["net"]) for row in rows if row["type"] != "payout")
        assert total == Decimal(payout["amount"])
        summary = payout["summary"].items()
        signed = [Decimal(v) if k.endswith("gross_amount") else -Decimal(v) for k, v in summary]
        assert sum(signed) == total


def test_days_and_status_filter_payouts(market: Running, store: Store) -> None:
    place = f"{PAYOUTS}?date_min=2026-03-05&date_max=2026-03-10"
    days = {payout["date"] for payout in shopify(market, store, place).json()["payouts"]}
    assert days
    assert all("2026-03-05" <= day <= "2026-03-10" for day in days)
    paid = shopify(market, store, f"{PAYOUTS}?status=paid").json()["payouts"]
    assert {payout["status"] for payout in paid} == {"paid"}


def test_a_wrong_token_a_wrong_place_and_a_mixed_cursor_are_refused(
    market: Running, store: Store
) -> None:
    held = store.secrets["access_token"]
    for wrong in ("nothing", held[:-1] + ("0" if held[-1] != "0" else "1")):
        came = shopify(market, store, PAYOUTS, token=wrong)
        assert (came.status_code, came.json()) == (
            401,
            {"errors": "[API] Invalid API key or access token "
                       "(unrecognized login or wrong password)"},
        )  # fmt: skip
    other = store_of(market, "shopify", 1)
    assert shopify(market, other, PAYOUTS, token=held).status_code == 401
    assert shopify(market, store, "2026-01/nothing.json").status_code == 404
    following = shopify(market, store, f"{PAYOUTS}?limit=2").links["next"]["url"]
    came = shopify(market, store, f"{following}&status=paid")
    assert came.status_code == 400
    assert "page_info is present" in came.text
    assert shopify(market, store, f"{PAYOUTS}?page_info=nonsense").status_code == 400


def test_the_merchant_consents_and_the_browser_comes_back_signed(
    market: Running, store: Store
) -> None:
    code = _consent(market, store)
    came = _token(market, store, code=code)
    assert came.keys() == {"access_token", "scope"}
    assert shopify(market, store, PAYOUTS, token=came["access_token"]).status_code == 200
    assert shopify(market, store, PAYOUTS).status_code == 401
    assert _token(market, store, code=code)["error"] == "invalid_request"


def test_expiring_tokens_end_and_are_renewed_once(market: Running, store: Store) -> None:
    first = _token(market, store, code=_consent(market, store), expiring="1")
    assert first["expires_in"] == 3600
    later = (NOW + timedelta(hours=2)).isoformat()
    call(market, "POST", "http://control.sandbox/clock", json={"at": later})
    assert shopify(market, store, PAYOUTS, token=first["access_token"]).status_code == 401
    renewal = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = _token(market, store, **renewal)
    assert shopify(market, store, PAYOUTS, token=second["access_token"]).status_code == 200
    assert _token(market, store, **renewal)["error"] == "invalid_grant"


def test_a_revoked_permission_is_over(market: Running, store: Store) -> None:
    held = {"X-Shopify-Access-Token": store.secrets["access_token"]}
    url = f"https://{store.external_id}/admin/api_permissions/current.json"
    assert call(market, "DELETE", url, headers=held).status_code == 200
    assert shopify(market, store, PAYOUTS).status_code == 401


def test_a_browser_reaches_the_consent_page_without_the_host(market: Running, store: Store) -> None:
    query = urlencode({"client_id": store.secrets["app_key"], "redirect_uri": BACK, "state": "s"})
    path = f"/_host/{store.external_id}/admin/oauth/authorize?{query}"
    page = call(market, "GET", f"http://127.0.0.1{path}")
    assert "SIMULATED" in page.text
    back = call(market, "POST", f"http://127.0.0.1{path}")
    assert back.headers["Location"].startswith(BACK)


def test_webhooks_are_signed_with_the_applications_secret(market: Running, store: Store) -> None:
    secret = store.secrets["secret"].encode()
    message = market.hook(store, "tender_transactions/create")
    mac = hmac.new(secret, message.body, hashlib.sha256).digest()
    assert message.headers["X-Shopify-Hmac-Sha256"] == base64.b64encode(mac).decode()
    assert message.headers["X-Shopify-Shop-Domain"] == store.external_id
    again = market.hook(store, "tender_transactions/create")
    assert again.headers["X-Shopify-Webhook-Id"] != message.headers["X-Shopify-Webhook-Id"]
    with pytest.raises(UnknownEventError):
        market.hook(store, "payouts/paid")


def _consent(market: Running, store: Store) -> str:
    """Says yes as the merchant, checks the signature, gives the code."""
    asked = {
        "client_id": store.secrets["app_key"],
        "scope": "read_shopify_payments_payouts",
        "redirect_uri": BACK,
        "state": "n0nce",
    }
    url = f"https://{store.external_id}/admin/oauth/authorize?{urlencode(asked)}"
    assert "SIMULATED" in call(market, "GET", url).text
    back = call(market, "POST", url)
    assert back.status_code == 302
    answer = dict(parse_qsl(urlsplit(back.headers["Location"]).query))
    mac = answer.pop("hmac")
    text = "&".join(f"{name}={answer[name]}" for name in sorted(answer))
    secret = store.secrets["secret"].encode()
    assert mac == hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
    assert (answer["shop"], answer["state"]) == (store.external_id, "n0nce")
    return answer["code"]


def _token(market: Running, store: Store, **asked: str) -> dict[str, object]:
    url = f"https://{store.external_id}/admin/oauth/access_token"
    known = {"client_id": store.secrets["app_key"], "client_secret": store.secrets["secret"]}
    answer: dict[str, object] = call(market, "POST", url, data=known | asked).json()
    return answer


def test_a_stranger_redeems_no_code(market: Running, store: Store) -> None:
    code = _consent(market, store)
    came = _token(market, store, code=code, client_secret="wrong")
    assert came["error"] == "application_cannot_be_found"
    other = store_of(market, "shopify", 1)
    assert _token(market, other, code=code)["error"] == "invalid_request"
