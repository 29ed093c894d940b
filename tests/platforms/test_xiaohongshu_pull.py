"""Fetching from Xiaohongshu: one gateway, numbered pages, an answer wrapped twice; consent."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from platforms.adapters.xiaohongshu import ADAPTER
from platforms.contract import Link, Payout, UnauthorisedError, UnavailableError
from platforms.pulling import RefusedCallError, Request, Response
from tests.platforms.pulls import answered, pulled, records, resumes_everywhere, total, window
from tests.platforms.wire import Wire

SECRETS = {"app_id": "testAppId", "secret": "testAppSecret"}
LINK = Link(secrets={**SECRETS, "access_token": "token-of-the-store", "refresh_token": "refresh-1"})
DAY = 1773417600000


def record(number: int) -> dict[str, object]:
    """10.00 yuan each into the wallet; number 3 is a withdrawal of 20.00."""
    is_out = number == 3
    return {
        "sellerId": "5f0example",
        "tradeNo": f"A{number}",
        "incomeAmount": "0.00" if is_out else "10.00",
        "outcomeAmount": "20.00" if is_out else "0.00",
        "balanceBefore": f"{(number - 1) * 10}.00",
        "balanceAmount": "0.00" if is_out else f"{number * 10}.00",
        "businessNo": f"B{number}",
        "type": "PAY_SUCCESS" if is_out else "STATEMENT_IN",
        "typeDesc": "提现" if is_out else "结算入账",
        "createdTime": DAY + number,
        "fundType": "NOT_ER_QING",
    }


def transaction(number: int) -> dict[str, object]:
    return {
        "transactionId": number,
        "packageId": f"P{number}",
        "transactionBizType": 0,
        "settleBizType": 0,
        "settledTime": DAY + number,
        "erqingType": 0,
        "commonSettleStatus": 1,
        "amount": "9.50",
        "payAmount": "10.00",
        "commissionAmount": "0.50",
    }


def expense(number: int) -> dict[str, object]:
    return {
        "expenseId": number,
        "baseBizType": "1",
        "settledTime": DAY + number,
        "erqingType": 0,
        "settleBizType": 1,
        "commonSettleStatus": 1,
        "amount": "8.00",
    }


PAGES = {
    "finance.querySellerAccountRecords": ("records", [[record(1), record(2)], [record(3)]]),
    "finance.pageQueryTransaction": ("transactions", [[transaction(7)], [], [transaction(8)]]),
    "finance.pageQueryExpense": ("expenses", [[expense(9)]]),
}


def wrapped(data: object) -> Response:
    inner = {"code": 0, "msg": "成功", "success": True, "data": data}
    return answered({"success": True, "error_code": 0, "error_msg": "", "data": inner})


def store(request: Request) -> Response:
    """Everything on 14 March; the other days are empty."""
    asked = json.loads(request.body)
    key, pages = PAGES[asked["method"]]
    if asked["startTime"] != DAY:
        return wrapped({key: [], "pageNum": 1, "totalPage": 0})
    rows = pages[asked["pageNum"] - 1]
    return wrapped({key: rows, "pageNum": asked["pageNum"], "totalPage": len(pages)})


def drain(answer: Response) -> None:
    list(ADAPTER.pull(Wire(answer=lambda _: answer), LINK, window()))


def test_four_system_parameters_are_signed_and_nothing_else() -> None:
    wire = Wire(answer=store)
    list(ADAPTER.pull(wire, LINK, window()))
    for request in wire.sent:
        assert (request.method, request.url) == (
            *("POST", "https://ark.xiaohongshu.com/ark/open_api/v3/common_controller"),
        )
        body = json.loads(request.body)
        assert body["timestamp"] == "1773547200"
        signed = f"{body['method']}?appId=testAppId&timestamp=1773547200&version=2.0testAppSecret"
        assert body["sign"] == hashlib.md5(signed.encode()).hexdigest()
        assert body["accessToken"] == "token-of-the-store"
        assert "testAppSecret" not in request.body.decode()


def test_each_kind_is_asked_for_by_numbered_pages_within_a_day() -> None:
    wire = Wire(answer=store)
    list(ADAPTER.pull(wire, LINK, window(days=2)))
    bodies = [json.loads(request.body) for request in wire.sent]
    assert all(body["endTime"] - body["startTime"] == 86_400_000 for body in bodies)
    own = {"appId", "method", "version", "timestamp", "sign", "accessToken", "startTime", "endTime"}
    asked = [
        (body["method"], {name: body[name] for name in body if name not in own}) for body in bodies
    ]
    page = [{"pageNum": number, "pageSize": 50} for number in (1, 2, 3)]
    settled = [{**body, "commonSettleStatus": 1} for body in page]
    assert asked == [
        *(("finance.querySellerAccountRecords", body) for body in (page[0], page[1], page[0])),
        *(("finance.pageQueryTransaction", body) for body in (*settled, settled[0])),
        *(("finance.pageQueryExpense", {**page[0], "settleStatus": 1}) for _ in range(2)),
    ]


def test_what_is_fetched_is_read_to_its_sums() -> None:
    found = list(ADAPTER.pull(Wire(answer=store), LINK, window()))
    assert [document.name.removeprefix("xiaohongshu-") for document in found] == [
        "records-2026-03-14-1.json",
        "records-2026-03-14-2.json",
        "transactions-2026-03-14-1.json",
        "transactions-2026-03-14-2.json",
        "expenses-2026-03-14-1.json",
    ]
    moved = records(ADAPTER, found[:2])
    assert total(moved) == Decimal("0.00")
    assert [p.external_id for p in moved if isinstance(p, Payout)] == ["A3"]
    assert total(records(ADAPTER, found[2:4])) == Decimal("19.00")
    assert total(records(ADAPTER, found[4:])) == Decimal("-8.00")


def test_from_every_cursor_exactly_the_rest_comes() -> None:
    resumes_everywhere(ADAPTER, store, LINK, window(days=2))
    assert pulled(ADAPTER, store, LINK) == pulled(ADAPTER, store, LINK)


def test_the_probe_gives_the_stores_number_if_anything_moved() -> None:
    one = Wire(answer=lambda _: wrapped({"records": [record(1)], "totalPage": 9}))
    assert ADAPTER.probe(one, LINK) == "5f0example"
    none = Wire(answer=lambda _: wrapped({"records": [], "totalPage": 0}))
    assert ADAPTER.probe(none, LINK) == ""


@pytest.mark.parametrize(
    "answer",
    [
        {"success": False, "error_code": -2000400, "error_msg": "no token-of-the-store"},
        {"success": True, "error_code": -2000400, "error_msg": "no testAppSecret"},
        {"success": True, "error_code": 0, "data": {"success": False, "code": -1, "msg": "no"}},
        {"data": {"records": []}},
    ],
)
def test_a_failure_of_either_wrapping_refuses_the_call_in_its_words(
    answer: dict[str, object],
) -> None:
    with pytest.raises(RefusedCallError) as raised:
        drain(answered(answer))
    assert "token-of-the-store" not in str(raised.value)
    assert "testAppSecret" not in str(raised.value)


def test_statuses_and_what_is_no_answer() -> None:
    for status in (401, 403):
        with pytest.raises(UnauthorisedError):
            drain(answered({}, status=status))
    for answer in (answered(b""), wrapped({"records": [record(1)]}), wrapped(None)):
        with pytest.raises(UnavailableError):
            drain(answer)
    with pytest.raises(RefusedCallError, match="cursor"):
        pulled(ADAPTER, store, LINK, window("0:1:second"))
    with pytest.raises(UnauthorisedError, match="no access_token"):
        list(ADAPTER.pull(Wire(answer=store), Link(secrets=SECRETS), window()))


# --- consent --------------------------------------------------------------------------


def granted(**changes: object) -> Response:
    data = {
        "accessToken": "token-2",
        "accessTokenExpiresAt": 1774152000000,
        "refreshToken": "refresh-2",
        "refreshTokenExpiresAt": 1774756800000,
        "sellerId": "5f0example",
        "sellerName": "小店",
    }
    return answered({"success": True, "error_code": 0, "data": {**data, **changes}})


def test_the_owner_is_sent_to_the_page_of_consent() -> None:
    assert ADAPTER.consent_url(LINK, state="s 1", back="https://hub.example/back?x=1") == (
        "https://ark.xiaohongshu.com/ark/authorization?appId=testAppId"
        "&redirectUri=https%3A%2F%2Fhub.example%2Fback%3Fx%3D1&state=s+1"
    )
    assert ADAPTER.application == ("app_id", "secret")


def test_a_code_is_redeemed_and_tokens_are_renewed() -> None:
    for method, name, value in (
        ("oauth.getAccessToken", "code", "c-1"),
        ("oauth.refreshToken", "refreshToken", "refresh-1"),
    ):
        wire = Wire(answer=lambda _: granted())
        if name == "code":
            tokens = ADAPTER.exchange(wire, LINK, answer={"code": "c-1"}, back="")
        else:
            tokens = ADAPTER.renew(wire, LINK)
        body = json.loads(wire.sent[0].body)
        assert (body["method"], body[name]) == (method, value)
        assert "accessToken" not in body
        signed = f"{method}?appId=testAppId&timestamp=1773547200&version=2.0testAppSecret"
        assert body["sign"] == hashlib.md5(signed.encode()).hexdigest()
        assert tokens.secrets == {"access_token": "token-2", "refresh_token": "refresh-2"}
        assert tokens.expires_at == datetime(2026, 3, 22, 4, tzinfo=UTC)
        assert tokens.renewable_until == datetime(2026, 3, 29, 4, tzinfo=UTC)
        assert tokens.shop == "5f0example"


def test_nothing_is_redeemed_without_a_code_tokens_or_ends() -> None:
    with pytest.raises(UnauthorisedError, match="no code"):
        ADAPTER.exchange(Wire(answer=store), LINK, answer={}, back="")
    for changes in (
        {"accessToken": ""},
        {"refreshToken": None},
        {"accessTokenExpiresAt": 1774152000},
        {"refreshTokenExpiresAt": ""},
    ):
        with pytest.raises(RefusedCallError):
            ADAPTER.renew(Wire(answer=lambda _, c=changes: granted(**c)), LINK)
