"""Shopee: a shop's own consent, an address without a clock, tokens that are good once."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from platforms.adapters.shopee import ADAPTER
from platforms.contract import Link, UnauthorisedError, UnavailableError
from platforms.pulling import RefusedCallError
from tests.platforms.page_pulls import host, path, query, said
from tests.platforms.test_shopee_pull import LINK, local, sign
from tests.platforms.wire import Wire

APP = Link(secrets={"app_id": "1000016", "secret": "test_partner_key"})
GRANTED: dict[str, Any] = {
    "refresh_token": "666478546b6c63464867685554477a57",
    "access_token": "7a5970754768697552654a466f425573",
    "expire_in": 14400,
    "request_id": "6d79dd0f",
    "error": "",
    "message": "",
}


def test_the_browser_is_sent_with_state_and_way_back() -> None:
    assert ADAPTER.consent_url(APP, state="s t", back="https://hub.example/back") == (
        "https://open.shopee.com/auth?partner_id=1000016&auth_type=seller"
        "&redirect_uri=https%3A%2F%2Fhub.example%2Fback&response_type=code&state=s+t"
    )


def test_a_code_becomes_tokens_of_the_shop() -> None:
    wire = Wire(answer=lambda _: said(GRANTED))
    tokens = ADAPTER.exchange(wire, APP, answer={"code": "7867", "shop_id": "54804"}, back="")
    assert tokens.secrets == {
        "access_token": "7a5970754768697552654a466f425573",
        "refresh_token": "666478546b6c63464867685554477a57",
    }
    assert tokens.shop == "54804"
    assert tokens.expires_at == wire.at + timedelta(hours=4)
    assert tokens.renewable_until == wire.at + timedelta(days=30)
    (request,) = wire.sent
    assert (request.method, host(request)) == ("POST", "partner.shopeemobile.com")
    assert path(request) == "/api/v2/auth/token/get"
    assert query(request).keys() == {"partner_id", "timestamp", "sign"}
    assert query(request)["sign"] == sign(request)
    assert request.headers == {"content-type": "application/json"}
    assert json.loads(request.body) == {"code": "7867", "shop_id": 54804, "partner_id": 1000016}


def test_a_refresh_rotates_both_tokens() -> None:
    wire = Wire(answer=lambda _: said(GRANTED))
    tokens = ADAPTER.renew(wire, LINK)
    assert tokens.secrets["refresh_token"] == "666478546b6c63464867685554477a57"
    (request,) = wire.sent
    assert path(request) == "/api/v2/auth/access_token/get"
    assert query(request)["sign"] == sign(request)
    assert json.loads(request.body) == {
        "refresh_token": "456e416149664b76745a6a794156794a",
        "shop_id": 14701711,
        "partner_id": 2001887,
    }


def test_an_end_that_is_an_instant_is_one() -> None:
    wire = Wire(answer=lambda _: said({**GRANTED, "expire_in": 1767001812}))
    tokens = ADAPTER.exchange(wire, APP, answer={"code": "c", "shop_id": "1"}, back="")
    assert tokens.expires_at == datetime(2025, 12, 29, 9, 50, 12, tzinfo=UTC)


def test_a_main_accounts_consent_is_refused_with_what_to_do() -> None:
    answer = {"code": "c", "main_account_id": "10208"}
    with pytest.raises(RefusedCallError, match="the shop's own account"):
        ADAPTER.exchange(Wire(answer=local), APP, answer=answer, back="")


def test_no_code_is_no_consent() -> None:
    with pytest.raises(UnauthorisedError):
        ADAPTER.exchange(Wire(answer=local), APP, answer={"shop_id": "1"}, back="")


@pytest.mark.parametrize(
    "code", ["invalid_code", "refresh_token_expired", "error_shop_refresh_token", "shop_no_linked"]
)
def test_a_refused_grant_says_why_and_no_code(code: str) -> None:
    answer = said({"error": code, "message": "refused 0secretcode"})
    with pytest.raises(UnauthorisedError) as caught:
        given = {"code": "0secretcode", "shop_id": "1"}
        ADAPTER.exchange(Wire(answer=lambda _: answer), APP, answer=given, back="")
    assert str(caught.value) == f"Shopee: {code} refused …"


@pytest.mark.parametrize("field", ["access_token", "refresh_token", "expire_in"])
def test_a_grant_that_lacks_something_is_no_grant(field: str) -> None:
    answer = said({name: value for name, value in GRANTED.items() if name != field})
    with pytest.raises(UnavailableError, match=field):
        given = {"code": "c", "shop_id": "1"}
        ADAPTER.exchange(Wire(answer=lambda _: answer), APP, answer=given, back="")
