"""Fetching from Kuaishou: a query signed with the signSecret, a cursor from page to page."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from decimal import Decimal
from urllib.parse import parse_qsl, urlsplit

import pytest

from platforms.adapters.kuaishou import ADAPTER
from platforms.contract import (
    AdapterError,
    Link,
    RateLimitedError,
    UnauthorisedError,
    UnavailableError,
)
from platforms.pulling import RefusedCallError, Request, Response
from tests.platforms.pulls import answered, pulled, records, resumes_everywhere, total, window
from tests.platforms.wire import Wire

SECRETS = {"app_key": "ks123", "secret": "sign-secret", "access_token": "token-of-the-shop"}
LINK = Link(secrets=SECRETS)


def order(number: int) -> dict[str, object]:
    """100.00 yuan less 5.00."""
    return {
        "orderNo": number,
        "settlementTime": "1773450000000",
        "actualPayAmount": "10000",
        "platformCommissionAmount": "500",
        "totalIncome": "10000",
        "totalOutgoingAmount": "500",
        "settlementAmount": "9500",
        "accountChannel": "微信",
    }


def params(request: Request) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(request.url).query, keep_blank_values=True))


def shop(request: Request) -> Response:
    """Orders 1 and 2, a page without orders, order 3; nothing on other days."""
    asked = json.loads(params(request)["param"])
    if asked["settlementStartTime"] != 1773417600000:
        return answered({"result": 1, "data": {"orders": [], "cursor": "nomore"}})
    numbers, cursor = {"": ([1, 2], "a:1"), "a:1": ([], "b"), "b": ([3], "nomore")}[asked["cursor"]]
    data = {"orders": [order(number) for number in numbers], "cursor": cursor}
    return answered({"result": 1, "code": "1", "msg": "", "data": data})


def drain(answer: Response) -> None:
    list(ADAPTER.pull(Wire(answer=lambda _: answer), LINK, window()))


def test_seven_parameters_are_signed_before_they_are_escaped() -> None:
    wire = Wire(answer=shop)
    list(ADAPTER.pull(wire, LINK, window()))
    for request in wire.sent:
        given = params(request)
        sign = given.pop("sign")
        plain = "&".join(f"{name}={given[name]}" for name in sorted(given))
        message = f"{plain}&signSecret=sign-secret".encode()
        digest = hmac.new(b"sign-secret", message, hashlib.sha256).digest()
        assert sign == base64.b64encode(digest).decode()
        assert set(given) == {
            *("access_token", "appkey", "method", "param", "signMethod", "timestamp", "version")
        }
        assert given["timestamp"] == "1773547200000"
        assert (request.method, request.body) == ("GET", b"")
        assert urlsplit(request.url).path == "/open/funds/financial/settled/bill/detail"


def test_a_cursor_leads_from_page_to_page_within_a_day() -> None:
    wire = Wire(answer=shop)
    list(ADAPTER.pull(wire, LINK, window(days=2)))
    asked = [json.loads(params(request)["param"]) for request in wire.sent]
    day, next_day, third = 1773417600000, 1773504000000, 1773590400000
    assert [(body["settlementStartTime"], body["cursor"]) for body in asked] == [
        *((day, ""), (day, "a:1"), (day, "b"), (next_day, "")),
    ]
    assert [body["settlementEndTime"] for body in asked] == [next_day, next_day, next_day, third]
    assert {body["size"] for body in asked} == {100}


def test_what_is_fetched_is_read_to_its_sum() -> None:
    found = list(ADAPTER.pull(Wire(answer=shop), LINK, window()))
    assert [document.name for document in found] == [
        "kuaishou-settled-bill-2026-03-14-1.json",
        "kuaishou-settled-bill-2026-03-14-2.json",
    ]
    assert total(records(ADAPTER, found)) == Decimal("285.00")


def test_from_every_cursor_exactly_the_rest_comes() -> None:
    resumes_everywhere(ADAPTER, shop, LINK, window(days=2))
    assert pulled(ADAPTER, shop, LINK) == pulled(ADAPTER, shop, LINK)


def test_both_words_for_the_last_page_end_it() -> None:
    for word in ("nomore", "no_more", ""):
        data = {"orders": [order(1)], "cursor": word}
        assert len(pulled(ADAPTER, lambda _, d=data: answered({"result": 1, "data": d}), LINK)) == 1


def test_a_full_page_without_a_cursor_is_not_taken_for_the_last() -> None:
    full = {"orders": [order(number) for number in range(100)], "cursor": ""}
    for data in (full, None, {}):
        with pytest.raises(UnavailableError, match="next page"):
            drain(answered({"result": 1, "data": data}))


def test_the_probe_asks_for_one_order_of_the_last_day() -> None:
    wire = Wire(
        answer=lambda _: answered({"result": 1, "data": {"orders": [], "cursor": "nomore"}})
    )
    assert ADAPTER.probe(wire, LINK) == ""
    asked = json.loads(params(wire.sent[0])["param"])
    assert (asked["size"], asked["settlementEndTime"]) == (1, 1773547200000)
    assert asked["settlementStartTime"] == 1773547200000 - 86_400_000


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ({"result": 24}, UnauthorisedError),
        ({"result": 21}, UnauthorisedError),
        ({"result": 28}, UnauthorisedError),
        ({"result": 100200102, "error": "access_denied"}, UnauthorisedError),
        ({"result": 100200500}, UnavailableError),
        ({"result": 1016}, RateLimitedError),
        ({"result": 2, "sub_code": "802006"}, RateLimitedError),
        ({"result": 26}, RefusedCallError),
        ({"result": 77}, RefusedCallError),
        ({}, RefusedCallError),
    ],
)
def test_codes_become_named_errors_in_kuaishous_words(
    said: dict[str, object], error: type[AdapterError]
) -> None:
    words = "refused token-of-the-shop sign-secret"
    with pytest.raises(error, match="refused") as raised:
        drain(answered({**said, "error_msg": words}))
    assert "token-of-the-shop" not in str(raised.value)
    assert "sign-secret" not in str(raised.value)


def test_a_days_quota_waits_longer_than_a_minutes() -> None:
    for said, seconds in (({"result": 15}, 60), ({"sub_code": "802006"}, 3600)):
        with pytest.raises(RateLimitedError) as raised:
            drain(answered(said))
        assert raised.value.retry_after == seconds


def test_statuses_missing_secrets_and_other_answers() -> None:
    for status in (401, 403):
        with pytest.raises(UnauthorisedError):
            drain(answered({}, status=status))
    with pytest.raises(UnavailableError):
        drain(answered(b"busy"))
    for name in SECRETS:
        lacking = {key: value for key, value in SECRETS.items() if key != name}
        with pytest.raises(UnauthorisedError, match=name):
            list(ADAPTER.pull(Wire(answer=shop), Link(secrets=lacking), window()))


# --- consent --------------------------------------------------------------------------


APP = Link(secrets={**SECRETS, "app_secret": "app-secret-1", "refresh_token": "refresh-1"})


def granted(**changes: object) -> Response:
    given = {
        "result": 1,
        "access_token": "token-2",
        "refresh_token": "refresh-2",
        "open_id": "o",
        "expires_in": 172800,
        "scopes": ["merchant_funds", "user_base"],
    }
    return answered({**given, **changes})


def test_the_merchant_is_sent_to_the_page_of_consent() -> None:
    assert ADAPTER.consent_url(APP, state="s 1", back="https://hub.example/back") == (
        "https://open.kwaixiaodian.com/oauth/authorize?app_id=ks123"
        "&redirect_uri=https%3A%2F%2Fhub.example%2Fback&scope=merchant_funds"
        "&response_type=code&state=s+1"
    )
    assert ADAPTER.application == ("app_key", "app_secret", "secret")


def test_a_code_is_redeemed_by_the_apps_secret_and_not_by_the_signing_one() -> None:
    wire = Wire(answer=lambda _: granted())
    tokens = ADAPTER.exchange(wire, APP, answer={"code": "c-1"}, back="")
    request = wire.sent[0]
    assert (request.method, request.url.split("?")[0], request.body) == (
        *("GET", "https://openapi.kwaixiaodian.com/oauth2/access_token", b""),
    )
    assert params(request) == {
        "app_id": "ks123",
        "app_secret": "app-secret-1",
        "grant_type": "code",
        "code": "c-1",
    }
    assert tokens.secrets == {"access_token": "token-2", "refresh_token": "refresh-2"}
    assert tokens.expires_at == wire.at + timedelta(hours=48)
    assert tokens.renewable_until == wire.at + timedelta(days=180)
    assert tokens.scopes == ("merchant_funds", "user_base")


def test_tokens_are_renewed_until_the_end_that_is_stated() -> None:
    wire = Wire(answer=lambda _: granted(refresh_token_expires_in=86400, scopes="merchant_funds,"))
    tokens = ADAPTER.renew(wire, APP)
    request = wire.sent[0]
    assert (request.method, request.url) == (
        *("POST", "https://openapi.kwaixiaodian.com/oauth2/refresh_token"),
    )
    assert dict(parse_qsl(request.body.decode())) == {
        "app_id": "ks123",
        "app_secret": "app-secret-1",
        "grant_type": "refresh_token",
        "refresh_token": "refresh-1",
    }
    assert tokens.renewable_until == wire.at + timedelta(days=1)
    assert tokens.scopes == ("merchant_funds",)


def test_ended_consent_and_broken_answers_are_told_apart() -> None:
    for code in (100200101, 100200102, 100200105):
        said = answered({"result": code, "error": "x", "error_msg": "app-secret-1 refresh-1"})
        with pytest.raises(UnauthorisedError) as raised:
            ADAPTER.renew(Wire(answer=lambda _, said=said: said), APP)
        assert "app-secret-1" not in str(raised.value) and "refresh-1" not in str(raised.value)
    for changes in ({"access_token": ""}, {"refresh_token": None}, {"expires_in": ""}):
        with pytest.raises(RefusedCallError):
            ADAPTER.renew(Wire(answer=lambda _, c=changes: granted(**c)), APP)
    with pytest.raises(UnauthorisedError, match="no code"):
        ADAPTER.exchange(Wire(answer=shop), APP, answer={"error": "access_denied"}, back="")
