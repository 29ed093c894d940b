"""Fetching from Kuaishou: a query signed with the signSecret, a cursor from page to page."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
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
    if request.url.startswith("https://openapi.kwaixiaodian.com/open/shop/info/get?"):
        return answered({"result": 1, "data": {"shopName": "快手小店"}})
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


def test_the_probe_names_the_shop() -> None:
    assert ADAPTER.probe(Wire(answer=shop), LINK) == "快手小店"


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
