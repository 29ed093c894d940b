"""Fetching from WeChat Store: a token with a life of its own, numbers first, movements then."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest

from platforms.adapters.wechat_store import ADAPTER
from platforms.contract import (
    AdapterError,
    Link,
    Payout,
    RateLimitedError,
    UnauthorisedError,
    UnavailableError,
)
from platforms.pulling import RefusedCallError, Request, Response
from tests.platforms.cases import FIXTURES
from tests.platforms.pulls import (
    DAY,
    NEXT_DAY,
    answered,
    pulled,
    records,
    resumes_everywhere,
    total,
    window,
)
from tests.platforms.wire import Wire

LINK = Link(secrets={"app_id": "wxshop0001", "secret": "shop-secret-1", "token": "hook-token"})
TOKEN = "ACCESS-TOKEN-1"
FLOWS = [f"F{number:02d}" for number in range(1, 26)]
ORDERS = (FIXTURES / "wechat_store/order_flow_settled/input.json").read_bytes()


def flow(number: str) -> dict[str, object]:
    """A movement: F01 is 0.01 yuan in, F02 0.02, …; the last one is a withdrawal of 3.25."""
    is_last = number == FLOWS[-1]
    return {
        "flow_id": number,
        "funds_type": 4 if is_last else 1,
        "flow_type": 2 if is_last else 1,
        "amount": 325 if is_last else int(number[1:]),
        "balance": 0,
        "bookkeeping_time": "2026-03-14 10:00:00",
        "funds_type_desc": "提现" if is_last else "订单支付",
        "related_info_list": [{"related_type": 3, "withdraw_id": "W1"}] if is_last else [],
    }


def shop(request: Request) -> Response:
    """A shop with 25 movements in three pages, and two pages of orders, all on 14 March."""
    asked = json.loads(request.body) if request.body else {}
    match urlsplit(request.url).path:
        case "/cgi-bin/stable_token":
            return answered({"access_token": TOKEN, "expires_in": 7200})
        case "/channels/ec/basics/info/get":
            return answered({"errcode": 0, "info": {"nickname": "小店", "username": "gh_1"}})
        case "/channels/ec/funds/getfundsflowlist":
            return answered(page_of_numbers(asked))
        case "/channels/ec/funds/getfundsflowdetail":
            return answered({"errcode": 0, "funds_flow": flow(asked["flow_id"])})
        case "/channels/ec/funds/listorderflow":
            return orders(asked)
    raise AssertionError(request.url)


def page_of_numbers(asked: dict[str, int]) -> dict[str, object]:
    page, size = asked["page"], asked["page_size"]
    assert asked.get("next_key", "") == ("" if page == 1 else f"key~{page}:x")
    if asked["start_time"] != int(DAY.timestamp()):
        return {"errcode": 0, "flow_ids": [], "has_more": False}
    following = page * size
    return {
        "errcode": 0,
        "flow_ids": FLOWS[following - size : following],
        "has_more": following < len(FLOWS),
        "next_key": f"key~{page + 1}:x",
    }


def orders(asked: dict[str, dict[str, object]]) -> Response:
    place = asked["pagination_info"]["page_ctx"]
    if asked["create_time_range"]["begin"] != int(DAY.timestamp()) or place == "second":
        return answered({"errcode": 0, "data_list": [], "page_ctx": ""})
    return answered(
        json.loads(ORDERS) | {"errcode": 0, "page_ctx": "first" if not place else "second"}
    )


def failing(path: str, answer: Response) -> Wire:
    """A shop that answers one path in its own way."""
    return Wire(answer=lambda asked: answer if path in asked.url else shop(asked))


def drain(wire: Wire) -> None:
    list(ADAPTER.pull(wire, LINK, window()))


def test_the_token_is_asked_for_by_id_and_secret_and_goes_into_every_query() -> None:
    wire = Wire(answer=shop)
    drain(wire)
    first, *others = wire.sent
    assert (first.method, first.url) == ("POST", "https://api.weixin.qq.com/cgi-bin/stable_token")
    assert json.loads(first.body) == {
        "grant_type": "client_credential",
        "appid": "wxshop0001",
        "secret": "shop-secret-1",
        "force_refresh": False,
    }
    assert first.rate == "token"
    assert all(
        request.url.startswith("https://api.weixin.qq.com/channels/ec/") for request in others
    )
    assert {parse_qs(urlsplit(request.url).query)["access_token"][0] for request in others} == {
        TOKEN
    }


def test_a_day_is_asked_for_in_unix_seconds_of_its_bounds_in_china() -> None:
    wire = Wire(answer=shop)
    drain(wire)
    assert json.loads(wire.sent[1].body) == {
        "page": 1,
        "page_size": 10,
        "start_time": 1773417600,
        "end_time": 1773504000,
    }
    assert DAY.timestamp() == 1773417600


def test_every_movement_and_every_page_of_orders_is_a_document_that_is_read_to_its_sums() -> None:
    found = list(ADAPTER.pull(Wire(answer=shop), LINK, window()))
    assert len(found) == 25 + 2
    assert found[0].name == "wechat-store-funds-flow-2026-03-14-1.json"
    read = records(ADAPTER, found[:25])
    # 0.01 + … + 0.24 = 3.00 came in and 3.25 went out.
    assert total(read) == Decimal("-0.25")
    payouts = [record for record in read if isinstance(record, Payout)]
    assert [(payout.external_id, payout.amount) for payout in payouts] == [("W1", Decimal("3.25"))]
    assert records(ADAPTER, found[25:])


def test_from_every_cursor_the_rest_comes_and_nothing_kept_is_asked_for_again() -> None:
    resumes_everywhere(ADAPTER, shop, LINK, window(days=2))
    seventh = pulled(ADAPTER, shop, LINK)[6]
    wire = Wire(answer=shop)
    list(ADAPTER.pull(wire, LINK, window(seventh[2])))
    asked = [json.loads(request.body) for request in wire.sent if "detail" in request.url]
    assert [body["flow_id"] for body in asked] == FLOWS[7:]


def test_the_same_window_gives_the_same_documents() -> None:
    assert pulled(ADAPTER, shop, LINK) == pulled(ADAPTER, shop, LINK)


def test_several_days_are_asked_for_one_by_one() -> None:
    wire = Wire(answer=shop)
    list(ADAPTER.pull(wire, LINK, window(days=2)))
    asked = [json.loads(request.body) for request in wire.sent if "flowlist" in request.url]
    assert asked[-1]["start_time"] == int(NEXT_DAY.timestamp())
    assert all(body["end_time"] - body["start_time"] == 86400 for body in asked)


def test_a_token_with_little_life_left_is_asked_for_again() -> None:
    def brief(request: Request) -> Response:
        if "stable_token" in request.url:
            return answered({"access_token": TOKEN, "expires_in": 345})
        wire.at += timedelta(seconds=100)
        return shop(request)

    wire = Wire(answer=brief)
    drain(wire)
    # Lasts 315 s, which is four calls of 100 s each.
    tokens = [number for number, request in enumerate(wire.sent) if "stable_token" in request.url]
    assert tokens[:3] == [0, 5, 10]


def test_a_page_that_moved_on_leaves_no_movement_out() -> None:
    cursor = pulled(ADAPTER, shop, LINK)[2][2].replace("F03", "F99")
    rest = pulled(ADAPTER, shop, LINK, window(cursor))
    assert len(rest) == 27


def test_the_probe_gives_the_number_of_the_shop() -> None:
    wire = Wire(answer=shop)
    assert ADAPTER.probe(wire, LINK) == "gh_1"
    assert [request.method for request in wire.sent] == ["POST", "GET"]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (40001, UnauthorisedError),
        (40014, UnauthorisedError),
        (42001, UnauthorisedError),
        (40013, UnauthorisedError),
        (45009, RateLimitedError),
        (45011, RateLimitedError),
        (-1, UnavailableError),
        (669900001, UnavailableError),
        (48001, RefusedCallError),
        (31415, RefusedCallError),
    ],
)
def test_error_codes_become_named_errors_in_wechats_words(
    code: int, error: type[AdapterError]
) -> None:
    said = answered({"errcode": code, "errmsg": f"no {TOKEN} of shop-secret-1"})
    for path in ("getfundsflowlist", "getfundsflowdetail", "listorderflow"):
        with pytest.raises(error, match=str(code)) as raised:
            drain(failing(path, said))
        assert TOKEN not in str(raised.value)
        assert "shop-secret-1" not in str(raised.value)


def test_a_limit_says_when_to_come_back() -> None:
    for code, seconds in ((45009, 3600), (45011, 60)):
        with pytest.raises(RateLimitedError) as raised:
            drain(failing("flowlist", answered({"errcode": code, "errmsg": "quota"})))
        assert raised.value.retry_after == seconds


def test_refused_credentials_and_foreign_addresses_are_told_apart() -> None:
    with pytest.raises(UnauthorisedError):
        drain(failing("stable_token", answered({"errcode": 40125, "errmsg": "invalid appsecret"})))
    with pytest.raises(UnauthorisedError):
        drain(failing("flowlist", answered(b"", status=401)))
    with pytest.raises(RefusedCallError, match="address"):
        drain(failing("flowlist", answered(b"", status=403)))


def test_what_is_no_answer_of_wechat_is_tried_again_later() -> None:
    for body in (b"<html>", b"[]", b'{"errcode":0,"flow_ids":{}}'):
        with pytest.raises(UnavailableError):
            drain(failing("flowlist", answered(body)))
    with pytest.raises(RefusedCallError):
        drain(failing("stable_token", answered({"errcode": 0})))


def test_a_list_without_end_is_refused() -> None:
    with pytest.raises(RefusedCallError, match="without movements"):
        drain(failing("flowlist", answered({"errcode": 0, "flow_ids": [], "has_more": True})))
    again = {"errcode": 0, "flow_ids": ["F01"], "has_more": True, "next_key": "k"}
    with pytest.raises(RefusedCallError, match="same page"):
        drain(failing("flowlist", answered(again)))
    endless = answered(json.loads(ORDERS) | {"errcode": 0, "page_ctx": "same"})
    with pytest.raises(RefusedCallError, match="same page"):
        drain(failing("listorderflow", endless))


def test_a_link_without_a_secret_and_a_foreign_cursor_are_refused() -> None:
    with pytest.raises(UnauthorisedError, match="no secret"):
        list(ADAPTER.pull(Wire(answer=shop), Link(secrets={"app_id": "wx"}), window()))
    for cursor in ("report:7", "0:1:x~F01~", "0:1:1", "0:1:1~F01", "3:1:"):
        with pytest.raises(RefusedCallError, match="cursor"):
            pulled(ADAPTER, shop, LINK, window(cursor))
