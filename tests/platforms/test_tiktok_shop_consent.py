"""TikTok Shop: a seller's consent opens one shop; its ends are instants."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from platforms.adapters.tiktok_shop import ADAPTER
from platforms.contract import (
    AdapterError,
    Link,
    RateLimitedError,
    UnauthorisedError,
    UnavailableError,
)
from platforms.pulling import RefusedCallError, Request, Response
from tests.platforms.page_pulls import host, path, query, said
from tests.platforms.test_tiktok_shop_pull import LINK, SHOP, answered
from tests.platforms.wire import Wire

APP = Link(secrets={"app_key": "123456", "secret": "abc000def111", "app_id": "7431458374265161478"})
GRANTED: dict[str, Any] = {
    "access_token": "TTP_new",
    "access_token_expire_in": 1774152000,
    "refresh_token": "TTP_refresh",
    "refresh_token_expire_in": 1805083200,
    "open_id": "7010736057180325637",
    "seller_base_region": "GB",
    "user_type": 0,
    "granted_scopes": ["seller.finance.info"],
}


def grants(request: Request, **changes: Any) -> Response:
    """One who grants, and one shop that is opened."""
    if host(request) == "auth.tiktok-shops.com":
        return answered({**GRANTED, **changes})
    assert request.headers["x-tts-access-token"] == "TTP_new"
    return answered({"shops": [SHOP]})


@pytest.mark.parametrize(
    ("region", "address"),
    [
        ("", "https://services.tiktokshop.com/open/authorize"),
        ("GB", "https://services.tiktokshop.com/open/authorize"),
        ("us", "https://services.tiktokshops.us/open/authorize"),
    ],
)
def test_the_browser_is_sent_to_the_markets_address(region: str, address: str) -> None:
    link = Link(secrets={**APP.secrets, "region": region})
    found = ADAPTER.consent_url(link, state="s t", back="https://hub.example/back")
    assert found == f"{address}?service_id=7431458374265161478&state=s+t"


def test_a_code_becomes_tokens_of_the_shop_it_opens() -> None:
    wire = Wire(answer=grants)
    tokens = ADAPTER.exchange(wire, APP, answer={"code": "TTP_FeBo", "state": "s"}, back="")
    assert tokens.secrets == {"access_token": "TTP_new", "refresh_token": "TTP_refresh"}
    assert tokens.shop == "7000714532876273420"
    assert tokens.scopes == ("seller.finance.info",)
    assert tokens.expires_at == datetime(2026, 3, 22, 4, 0, tzinfo=UTC)
    assert tokens.renewable_until == datetime(2027, 3, 15, 4, 0, tzinfo=UTC)
    first, _ = wire.sent
    assert first.url == (
        "https://auth.tiktok-shops.com/api/v2/token/get?app_key=123456&app_secret=abc000def111"
        "&auth_code=TTP_FeBo&grant_type=authorized_code"
    )


def test_a_refresh_gives_both_tokens() -> None:
    wire = Wire(answer=grants)
    tokens = ADAPTER.renew(wire, LINK)
    assert tokens.secrets == {"access_token": "TTP_new", "refresh_token": "TTP_refresh"}
    (request,) = wire.sent
    assert path(request) == "/api/v2/token/refresh"
    assert query(request) == {
        "app_key": "123456",
        "app_secret": "abc000def111",
        "refresh_token": "TTP_NTUxZTNhYTQ2ZDk2YmRm",
        "grant_type": "refresh_token",
    }


@pytest.mark.parametrize("answer", [{}, {"code": "null", "error": "auth_denied"}, {"error": "x"}])
def test_no_code_is_no_consent(answer: dict[str, str]) -> None:
    with pytest.raises(UnauthorisedError):
        ADAPTER.exchange(Wire(answer=grants), APP, answer=answer, back="")


def test_a_creators_consent_opens_no_shop() -> None:
    wire = Wire(answer=lambda request: grants(request, user_type=1))
    with pytest.raises(RefusedCallError, match="not a seller's"):
        ADAPTER.exchange(wire, APP, answer={"code": "c"}, back="")


@pytest.mark.parametrize(
    ("code", "kind"),
    [(36004004, UnauthorisedError), (36009002, RateLimitedError), (36009003, UnavailableError)],
)
def test_a_refused_grant_says_why_and_nothing_secret(code: int, kind: type[AdapterError]) -> None:
    answer = said({"code": code, "message": "refused TTP_code with abc000def111"})
    with pytest.raises(kind) as caught:
        ADAPTER.exchange(Wire(answer=lambda _: answer), APP, answer={"code": "TTP_code"}, back="")
    assert str(caught.value) == f"TikTok Shop: {code} refused … with …"


@pytest.mark.parametrize("field", ["access_token", "refresh_token", "access_token_expire_in"])
def test_a_grant_that_lacks_something_is_no_grant(field: str) -> None:
    wire = Wire(answer=lambda request: grants(request, **{field: None}))
    with pytest.raises(UnavailableError, match=field):
        ADAPTER.exchange(wire, APP, answer={"code": "c"}, back="")
