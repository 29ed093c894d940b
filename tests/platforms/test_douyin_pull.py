"""Fetching from Douyin: signed pages that name their successor, tokens with two kinds of ends."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qsl, urlsplit

import pytest

from platforms.adapters.douyin import ADAPTER
from platforms.contract import (
    AdapterError,
    Link,
    Payout,
    RateLimitedError,
    UnauthorisedError,
    UnavailableError,
)
from platforms.pulling import RefusedCallError, Request, Response
from tests.platforms.pulls import (
    answered,
    pulled,
    records,
    resumes_everywhere,
    total,
    window,
)
from tests.platforms.wire import Wire

TOKEN = "access-token-of-the-shop"
SECRETS = {"app_key": "6839996111122223334", "secret": "app-secret-1"}
LINK = Link(secrets={**SECRETS, "access_token": TOKEN})
OWN = Link(secrets={**SECRETS, "shop": "4463798"})


def movement(number: int) -> dict[str, object]:
    """An order settled: 100.00 yuan less 5.00; number 3 is a withdrawal of 190.00."""
    is_out = number == 3
    return {
        "bill_time": f"2026-03-14 0{number}:00:00",
        "account_trade_no": f"AS{number}",
        "fund_flow": int(is_out),
        "account_amount": 19000 if is_out else 9500,
        "account_type_desc": "聚合账户",
        "trans_scene": "提现" if is_out else "货款结算入账",
        "account_bill_desc": "提现" if is_out else "订单结算",
        "pay_amount": 0 if is_out else 10000,
        "platform_service_fee": 0 if is_out else -500,
        "shop_id": "4463798",
    }


def settled(number: int) -> dict[str, object]:
    return {
        "settle_time": "2026-03-14 11:05:56",
        "request_no": f"R{number}",
        "shop_order_id": "477",
        "order_id": f"477{number}",
        "settle_amount": 9500,
        "pay_type_desc": "聚合账户",
        "trade_type": 0,
        "total_income": 10000,
        "platform_service_fee": -500,
        "total_outcome": -500,
    }


def page(rows: list[dict[str, object]], following: str) -> Response:
    data = {
        "code": "100000",
        "code_msg": "SUCCESS",
        "data": rows,
        "next_start_index": following or "0",
        "next_start_time": "2026-03-14 02:00:00" if following else "",
        "size": 100,
        "data_size": len(rows),
        "is_end": int(not following),
    }
    return answered({"code": 10000, "msg": "success", "sub_code": "", "data": data})


def granted(**changes: object) -> Response:
    data = {
        "access_token": TOKEN,
        "expires_in": 530808,
        "refresh_token": "refresh-2",
        "scope": "SCOPE",
        "shop_id": 4463798,
        "shop_name": "店铺名",
    }
    return answered({"code": 10000, "msg": "success", "data": {**data, **changes}})


def shop(request: Request) -> Response:
    """Three movements in a full, an empty and a last page; settlements in two."""
    path, asked = urlsplit(request.url).path, json.loads(request.body)
    place = asked.get("start_index", "")
    if path in ("/token/create", "/token/refresh"):
        return granted()
    if not place.startswith("X") and not asked["start_time"].startswith("2026-03-14"):
        return page([], "")
    if path == "/order/getShopAccountItem":
        found = {"": ([1, 2], "X1"), "X1": ([], "X2"), "X2": ([3], "")}[place]
        return page([movement(number) for number in found[0]], found[1])
    assert path == "/order/getSettleBillDetailV3"
    found = {"": ([1], "X1"), "X1": ([2], "")}[place]
    return page([settled(number) for number in found[0]], found[1])


def drain(answer: Response, link: Link = LINK) -> None:
    list(ADAPTER.pull(Wire(answer=lambda _: answer), link, window()))


def test_the_signature_covers_five_fields_and_not_the_token() -> None:
    wire = Wire(answer=shop)
    list(ADAPTER.pull(wire, LINK, window()))
    for request in wire.sent:
        query = dict(parse_qsl(urlsplit(request.url).query))
        method = urlsplit(request.url).path[1:].replace("/", ".")
        signed = (
            f"app-secret-1app_key6839996111122223334method{method}param_json{request.body.decode()}"
            f"timestamp{int(wire.at.timestamp())}v2app-secret-1"
        )
        assert query == {
            "app_key": "6839996111122223334",
            "method": method,
            "timestamp": str(int(wire.at.timestamp())),
            "v": "2",
            "sign": hmac.new(b"app-secret-1", signed.encode(), hashlib.sha256).hexdigest(),
            "sign_method": "hmac-sha256",
            "access_token": TOKEN,
        }
        assert request.method == "POST"
        assert request.headers["x-open-no-old-err-code"] == "1"
        assert request.url.startswith("https://openapi-fxg.jinritemai.com/order/")


def test_pages_are_asked_for_from_the_place_the_one_before_names() -> None:
    wire = Wire(answer=shop)
    list(ADAPTER.pull(wire, LINK, window()))
    end = "2026-03-15 00:00:00"
    first, second = "2026-03-14 00:00:00", "2026-03-14 02:00:00"
    assert [request.body.decode() for request in wire.sent] == [
        f'{{"end_time":"{end}","size":1000,"start_time":"{first}"}}',
        f'{{"end_time":"{end}","size":1000,"start_index":"X1","start_time":"{second}"}}',
        f'{{"end_time":"{end}","size":1000,"start_index":"X2","start_time":"{second}"}}',
        f'{{"end_time":"{end}","size":100,"start_time":"{first}"}}',
        f'{{"end_time":"{end}","size":100,"start_index":"X1","start_time":"{second}"}}',
    ]


def test_what_is_fetched_is_read_to_its_sums_and_the_empty_page_is_left_out() -> None:
    found = list(ADAPTER.pull(Wire(answer=shop), LINK, window()))
    assert [document.name for document in found] == [
        "douyin-account-items-2026-03-14-1.json",
        "douyin-account-items-2026-03-14-2.json",
        "douyin-settle-bill-2026-03-14-1.json",
        "douyin-settle-bill-2026-03-14-2.json",
    ]
    read = records(ADAPTER, found[:2])
    assert total(read) == Decimal("0.00")
    assert total(records(ADAPTER, found[2:])) == Decimal("190.00")
    payouts = [record for record in read if isinstance(record, Payout)]
    assert [(payout.external_id, payout.amount) for payout in payouts] == [("AS3", Decimal(190))]


def test_from_every_cursor_exactly_the_rest_comes() -> None:
    resumes_everywhere(ADAPTER, shop, LINK, window(days=9))
    assert pulled(ADAPTER, shop, LINK) == pulled(ADAPTER, shop, LINK)


def test_a_window_is_cut_into_seven_days() -> None:
    wire = Wire(answer=shop)
    list(ADAPTER.pull(wire, LINK, window(days=9)))
    bounds = {json.loads(request.body)["end_time"] for request in wire.sent}
    assert bounds == {"2026-03-21 00:00:00", "2026-03-23 00:00:00"}


def test_a_merchants_own_app_needs_no_token_of_the_link() -> None:
    wire = Wire(answer=shop)
    list(ADAPTER.pull(wire, OWN, window()))
    first, *others = wire.sent
    assert json.loads(first.body) == {
        "code": "",
        "grant_type": "authorization_self",
        "shop_id": "4463798",
    }
    assert "/token/create?" in first.url and "access_token" not in first.url
    assert all(f"access_token={TOKEN}" in request.url for request in others)


def test_the_probe_names_the_shop() -> None:
    assert ADAPTER.probe(Wire(answer=shop), OWN) == "4463798"
    told = Wire(answer=lambda _: page([movement(1)], "X1"))
    assert ADAPTER.probe(told, LINK) == "4463798"
    assert [json.loads(request.body)["size"] for request in told.sent] == [1]
    known = Link(secrets={**LINK.secrets, "shop": "77"})
    assert ADAPTER.probe(Wire(answer=lambda _: page([], "")), known) == "77"


@pytest.mark.parametrize(
    ("code", "word", "error"),
    [
        (40003, "isv.access-token-expired", UnauthorisedError),
        (40003, "isv.access-token-no-existed", UnauthorisedError),
        (40003, "isv.signature-invalid", UnauthorisedError),
        (30001, "dop.authorization-closed", UnauthorisedError),
        (30001, "isv.app-permissions-insufficient", RefusedCallError),
        (30002, "", RefusedCallError),
        (40004, "isv.parameter-invalid:500", RefusedCallError),
        (60000, "", RateLimitedError),
        (20000, "isp.service-error:100001", UnavailableError),
        (20001, "", UnavailableError),
        (90000, "dop.unknown-error", UnavailableError),
        (12345, "something.new", RefusedCallError),
    ],
)
def test_error_codes_become_named_errors_in_douyins_words(
    code: int, word: str, error: type[AdapterError]
) -> None:
    said = f"refused {TOKEN} app-secret-1"
    answer = answered({"code": code, "msg": "失败", "sub_code": word, "sub_msg": said})
    with pytest.raises(error, match=str(code)) as raised:
        drain(answer)
    assert "refused" in str(raised.value) and word in str(raised.value)
    assert TOKEN not in str(raised.value) and "app-secret-1" not in str(raised.value)


def test_statuses_and_what_is_no_answer() -> None:
    for status in (401, 403):
        with pytest.raises(UnauthorisedError):
            drain(answered({}, status=status))
    with pytest.raises(RefusedCallError, match="404"):
        drain(answered({}, status=404))
    with pytest.raises(UnavailableError):
        drain(answered(b"<html>"))
    with pytest.raises(RateLimitedError) as raised:
        drain(answered({"code": 60000, "msg": "触发限流"}))
    assert raised.value.retry_after == 60


def test_the_inner_envelope_and_a_page_without_successor_are_refused() -> None:
    inner = {"code": "100001", "code_msg": "系统错误", "data": []}
    with pytest.raises(RefusedCallError, match="系统错误"):
        drain(answered({"code": 10000, "data": inner}))
    open_end = {"code": "100000", "data": [movement(1)], "is_end": 0}
    with pytest.raises(RefusedCallError, match="next one"):
        drain(answered({"code": 10000, "data": open_end}))


# --- consent --------------------------------------------------------------------------


APP = Link(secrets={**SECRETS, "app_id": "service-7", "refresh_token": "refresh-1"})


def test_the_merchant_is_sent_to_the_service_market() -> None:
    assert ADAPTER.consent_url(APP, state="a b", back="https://hub.example/back") == (
        "https://fuwu.jinritemai.com/authorize?service_id=service-7&state=a+b"
    )
    assert ADAPTER.application == ("app_key", "secret", "app_id")


def test_a_code_is_redeemed_for_tokens_with_their_ends() -> None:
    wire = Wire(answer=shop)
    tokens = ADAPTER.exchange(wire, APP, answer={"code": "c-1", "state": "s"}, back="")
    assert wire.sent[0].body == b'{"code":"c-1","grant_type":"authorization_code"}'
    assert tokens.secrets == {
        "access_token": TOKEN,
        "refresh_token": "refresh-2",
        "shop": "4463798",
    }
    assert tokens.expires_at == wire.at + timedelta(seconds=530808)
    assert tokens.renewable_until == wire.at + timedelta(seconds=530808, days=7)
    assert (tokens.shop, tokens.scopes) == ("4463798", ("SCOPE",))


def test_an_end_stated_as_an_instant_is_one() -> None:
    wire = Wire(answer=lambda _: granted(expires_in=1774000000))
    tokens = ADAPTER.renew(wire, APP)
    assert tokens.expires_at == datetime.fromtimestamp(1774000000, UTC)


def test_tokens_are_renewed_by_the_refresh_token_or_for_the_own_shop() -> None:
    wire = Wire(answer=shop)
    assert ADAPTER.renew(wire, APP).secrets["refresh_token"] == "refresh-2"
    assert "/token/refresh?" in wire.sent[0].url
    assert wire.sent[0].body == b'{"grant_type":"refresh_token","refresh_token":"refresh-1"}'
    own = Wire(answer=lambda _: granted(refresh_token="", scope=None))
    tokens = ADAPTER.renew(own, OWN)
    assert tokens.renewable_until is None
    assert "refresh_token" not in tokens.secrets


@pytest.mark.parametrize("word", ["code-expired", "token-expired", "token-invalid"])
def test_ended_consent_is_told_from_other_failures(word: str) -> None:
    for blank in ("", " "):
        said = {"code": 50001, "sub_code": f"dop.token-generate-failed:{blank}{word}"}
        with pytest.raises(UnauthorisedError):
            ADAPTER.renew(Wire(answer=lambda _, said=said: answered(said)), APP)


def test_nothing_is_redeemed_without_a_code_or_without_an_end() -> None:
    with pytest.raises(UnauthorisedError, match="no code"):
        ADAPTER.exchange(Wire(answer=shop), APP, answer={"error": "denied"}, back="")
    for changes in ({"access_token": ""}, {"expires_in": ""}, {"expires_in": "soon"}):
        with pytest.raises(RefusedCallError):
            ADAPTER.renew(Wire(answer=lambda _, c=changes: granted(**c)), APP)
    with pytest.raises(UnauthorisedError, match="no shop"):
        ADAPTER.renew(Wire(answer=shop), Link(secrets=SECRETS))
