"""Lazada: a seller's consent is for one country, and its tokens rotate."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from platforms.adapters.lazada import ADAPTER
from platforms.contract import AdapterError, Link, UnauthorisedError, UnavailableError
from platforms.pulling import RefusedCallError
from tests.platforms.page_pulls import host, path, query, said
from tests.platforms.test_lazada_pull import LINK, shop, sign
from tests.platforms.wire import Wire

APP = Link(secrets={"app_key": "123456", "secret": "helloworld"})
GRANTED: dict[str, Any] = {
    "code": "0",
    "access_token": "50000601new",
    "refresh_token": "50001600new",
    "country": "sg",
    "expires_in": "2592000",
    "refresh_expires_in": 15552000,
    "country_user_info": [{"country": "SG", "user_id": "1001", "seller_id": "2001"}],
}


def test_the_browser_is_sent_with_state_and_way_back() -> None:
    address = ADAPTER.consent_url(APP, state="a b", back="https://hub.example/back?x=1")
    assert address == (
        "https://auth.lazada.com/oauth/authorize?response_type=code&force_auth=true"
        "&redirect_uri=https%3A%2F%2Fhub.example%2Fback%3Fx%3D1&client_id=123456&state=a+b"
    )
    assert "helloworld" not in address


def test_a_code_becomes_tokens_of_the_seller_in_his_country() -> None:
    wire = Wire(answer=lambda _: said(GRANTED))
    tokens = ADAPTER.exchange(wire, APP, answer={"code": "0_123_xyz"}, back="https://hub.example")
    assert tokens.secrets == {
        "access_token": "50000601new",
        "refresh_token": "50001600new",
        "region": "sg",
    }
    assert tokens.shop == "2001"
    assert tokens.expires_at == wire.at + timedelta(days=30)
    assert tokens.renewable_until == wire.at + timedelta(days=180)
    (request,) = wire.sent
    assert (host(request), path(request)) == ("auth.lazada.com", "/rest/auth/token/create")
    assert query(request)["code"] == "0_123_xyz" and "access_token" not in query(request)
    assert query(request)["sign"] == sign(request)


def test_a_refresh_rotates_both_tokens() -> None:
    answer = {**GRANTED, "country_user_info_list": GRANTED["country_user_info"]}
    del answer["country_user_info"]
    wire = Wire(answer=lambda _: said(answer))
    tokens = ADAPTER.renew(wire, LINK)
    assert tokens.secrets["refresh_token"] == "50001600new"
    (request,) = wire.sent
    assert path(request) == "/rest/auth/token/refresh"
    assert query(request)["refresh_token"] == "500016000300b"
    assert query(request)["sign"] == sign(request)


def test_tokens_that_cannot_be_renewed_end_at_once() -> None:
    wire = Wire(answer=lambda _: said({**GRANTED, "refresh_expires_in": "0"}))
    tokens = ADAPTER.exchange(wire, APP, answer={"code": "c"}, back="")
    assert tokens.renewable_until == tokens.expires_at == wire.at + timedelta(days=30)


@pytest.mark.parametrize(
    ("country", "region", "found"),
    [("cb", "my", "3001"), ("cb", "SG", "2001"), ("sg", "", "2001")],
)
def test_a_cross_border_consent_is_used_for_the_links_country(
    country: str, region: str, found: str
) -> None:
    users = [{"country": "sg", "seller_id": "2001"}, {"country": "my", "seller_id": 3001}]
    answer = said({**GRANTED, "country": country, "country_user_info": users})
    link = Link(secrets={**APP.secrets, "region": region})
    tokens = ADAPTER.exchange(Wire(answer=lambda _: answer), link, answer={"code": "c"}, back="")
    assert tokens.shop == found


@pytest.mark.parametrize(("country", "region"), [("cb", ""), ("cb", "th"), ("sg", "my")])
def test_a_consent_for_another_country_is_refused(country: str, region: str) -> None:
    answer = said({**GRANTED, "country": country})
    link = Link(secrets={**APP.secrets, "region": region})
    with pytest.raises(RefusedCallError, match="region"):
        ADAPTER.exchange(Wire(answer=lambda _: answer), link, answer={"code": "c"}, back="")


def test_no_code_is_no_consent() -> None:
    with pytest.raises(UnauthorisedError):
        ADAPTER.exchange(Wire(answer=shop), APP, answer={"state": "x"}, back="")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("InvalidCode", UnauthorisedError),
        ("IllegalRefreshToken", UnauthorisedError),
        ("AUTH_TYPE_UNSUPPORTED", RefusedCallError),
    ],
)
def test_a_refused_consent_says_why_and_no_code(code: str, kind: type[AdapterError]) -> None:
    answer = said({"code": code, "message": "refused 0_secret_code"})
    with pytest.raises(kind) as caught:
        ADAPTER.exchange(
            Wire(answer=lambda _: answer), APP, answer={"code": "0_secret_code"}, back=""
        )
    assert str(caught.value) == f"Lazada: {code} refused …"


@pytest.mark.parametrize("field", ["access_token", "refresh_token", "expires_in", "country"])
def test_a_grant_that_lacks_something_is_no_grant(field: str) -> None:
    answer = said({name: value for name, value in GRANTED.items() if name != field})
    with pytest.raises(UnavailableError, match=field):
        ADAPTER.exchange(Wire(answer=lambda _: answer), APP, answer={"code": "c"}, back="")


def test_it_says_how_it_may_be_asked() -> None:
    assert ADAPTER.terms.rates[""].source == "assumed"
    assert json.dumps(ADAPTER.application) == '["app_key", "secret"]'
