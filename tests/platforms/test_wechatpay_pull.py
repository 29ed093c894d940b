"""Fetching from WeChat Pay: what is signed, in which order, what is believed and what is not."""

from __future__ import annotations

import base64
import hashlib
import re
from decimal import Decimal
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from platforms.adapters.wechatpay import ADAPTER
from platforms.contract import (
    AdapterError,
    Link,
    RateLimitedError,
    Statement,
    UnauthorisedError,
    UnavailableError,
)
from platforms.pulling import NotYetError, RefusedCallError, Request, Response
from tests.platforms import cn_pulls
from tests.platforms.wire import Wire

LINK = Link(
    secrets={
        "shop": "1900009191",
        "serial": "5157F09EFDC096DE15EBE81A47057A72",
        "aes_key": "k" * 32,
    }
    | {"private_key": cn_pulls.pem()}
)
FLOW = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,"
    "收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号\n"
    "`{day} 08:15:02,`B{day}{wallet},`F1,`交易,`交易,`收入,`12.30,`12.30,`system,`,`V1\n"
    "`{day} 08:15:03,`B{day}{wallet},`F2,`扣除交易手续费,`扣除交易手续费,`支出,"
    "`0.07,`12.23,`system,`,`V1\n"
    "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\n"
    "`2,`1,`12.30,`1,`0.07\n"
)
TRADES = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,"
    "付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,"
    "退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注\n"
    "`{day} 08:15:02,`wx1,`1900009191,`0,`,`W{day},`O1,`u1,`JSAPI,`SUCCESS,`OTHERS,`CNY,`12.30,"
    "`0.00,`0,`0,`0.00,`0.00,`,`,`茶,`,`0.07000,`0.60%,`12.30,`0.00,`\n"
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\n"
    "`1,`12.30,`0.00,`0.00,`0.07000,`12.30,`0.00\n"
)
NO_BILL = cn_pulls.said({"code": "NO_STATEMENT_EXIST", "message": "账单文件不存在"}, status=400)


def bill(day: str, wallet: str) -> bytes:
    return (FLOW if wallet else TRADES).format(day=day, wallet=wallet).encode()


def platform(request: Request) -> Response:
    """A merchant with two wallets that trades on every day but 2026-03-14."""
    asked, path = cn_pulls.query(request), urlsplit(request.url).path
    if path == "/v3/billdownload/file":
        day, _, wallet = asked["token"].partition("~")
        return Response(status=200, headers={}, body=bill(day, wallet))
    day, wallet = asked["bill_date"], asked.get("account_type", "")
    if day == "2026-03-14" or wallet == "FEES":
        return NO_BILL
    return address(f"https://api.mch.weixin.qq.com/v3/billdownload/file?token={day}~{wallet}")


def address(url: str, **changes: str) -> Response:
    day, _, wallet = url.rpartition("=")[2].partition("~")
    hashed = hashlib.sha1(bill(day, wallet), usedforsecurity=False).hexdigest()
    return cn_pulls.said(
        {"hash_type": "SHA1", "hash_value": hashed, "download_url": url, **changes}
    )


def test_each_wallet_and_the_trades_are_fetched_day_by_day() -> None:
    wire = Wire(answer=platform)
    found = list(ADAPTER.pull(wire, LINK, cn_pulls.days(3)))
    assert [document.name for document in found] == [
        "wechatpay-fund-flow-basic-2026-03-13.csv",
        "wechatpay-fund-flow-operation-2026-03-13.csv",
        "wechatpay-trade-bill-2026-03-13.csv",
        "wechatpay-fund-flow-basic-2026-03-15.csv",
        "wechatpay-fund-flow-operation-2026-03-15.csv",
        "wechatpay-trade-bill-2026-03-15.csv",
    ]
    assert wire.sent[0].url == (
        "https://api.mch.weixin.qq.com/v3/bill/fundflowbill?bill_date=2026-03-13&account_type=BASIC"
    )
    assert "https://api.mch.weixin.qq.com/v3/bill/tradebill?bill_date=2026-03-15&bill_type=ALL" in [
        request.url for request in wire.sent
    ]
    assert [cn_pulls.content(found[0]), found[0].origin] == [bill("2026-03-13", "BASIC"), "pull"]


def test_what_is_fetched_is_read_to_the_cent() -> None:
    basic, operation, trades = ADAPTER.pull(Wire(answer=platform), LINK, cn_pulls.days(1))
    assert [cn_pulls.total(d) for d in (basic, operation)] == [Decimal("12.23")] * 2
    assert cn_pulls.total(trades) == Decimal("12.30")
    statements = [next(iter(ADAPTER.read(d))) for d in (basic, operation, trades)]
    assert [
        (s.account, s.cash_account, s.books) for s in statements if isinstance(s, Statement)
    ] == [
        ("1900009191", "BASIC", True),
        ("1900009191", "OPERATION", True),
        ("1900009191", "", False),
    ]


def test_every_request_is_signed_over_its_own_lines() -> None:
    wire = Wire(answer=platform)
    list(ADAPTER.pull(wire, LINK, cn_pulls.days(1)))
    assert len(wire.sent) == 7
    for request in wire.sent:
        scheme, _, parts = request.headers["Authorization"].partition(" ")
        given = dict(re.findall(r'(\w+)="([^"]*)"', parts))
        assert scheme == "WECHATPAY2-SHA256-RSA2048"
        assert (given["mchid"], given["serial_no"]) == ("1900009191", LINK.secrets["serial"])
        assert given["timestamp"] == "1773547200"
        target = request.url.removeprefix("https://api.mch.weixin.qq.com")
        message = f"GET\n{target}\n1773547200\n{given['nonce_str']}\n\n"
        cn_pulls.key().public_key().verify(
            base64.b64decode(given["signature"]),
            message.encode(),
            padding.PKCS1v15(),
            hashes.SHA256(),
        )
    assert len({request.headers["Authorization"] for request in wire.sent}) == 7


def test_it_goes_on_behind_every_document() -> None:
    cn_pulls.resumes_anywhere(ADAPTER, platform, LINK, 3)


def test_a_bill_that_is_being_made_is_waited_for_at_its_place() -> None:
    creating = cn_pulls.said({"code": "STATEMENT_CREATING", "message": "账单生成中"}, status=400)

    def answer(request: Request) -> Response:
        late = cn_pulls.query(request).get("account_type") == "OPERATION"
        return creating if late else platform(request)

    wire = Wire(answer=answer)
    kept: list[str] = []
    with pytest.raises(NotYetError) as caught:
        kept.extend(d.cursor for d in ADAPTER.pull(wire, LINK, cn_pulls.days(1)))
    assert (caught.value.retry_after, caught.value.cursor) == (1800, "2026-03-13/BASIC")
    assert kept == ["2026-03-13/BASIC"]
    later = list(ADAPTER.pull(Wire(answer=platform), LINK, cn_pulls.days(1, cursor=kept[0])))
    assert [d.cursor for d in later] == ["2026-03-13/OPERATION", "2026-03-13/TRADES"]


def test_a_bill_without_a_row_is_not_given() -> None:
    empty = bill("x", "BASIC").split(b"\n")
    body = b"\n".join([empty[0], empty[3], b"`0,`0,`0.00,`0,`0.00", b""])
    hashed = hashlib.sha1(body, usedforsecurity=False).hexdigest()

    def answer(request: Request) -> Response:
        if "billdownload" in request.url:
            return Response(status=200, headers={}, body=body)
        return address(
            "https://api.mch.weixin.qq.com/v3/billdownload/file?token=x~", hash_value=hashed
        )

    assert list(ADAPTER.pull(Wire(answer=answer), LINK, cn_pulls.days(1))) == []


def test_a_bill_that_is_not_what_its_hash_says_is_refused() -> None:
    def answer(request: Request) -> Response:
        found = platform(request)
        if "billdownload" not in request.url:
            return found
        return Response(status=200, headers={}, body=found.body[:-20])

    cn_pulls.fails(ADAPTER, answer, LINK, UnavailableError)


@pytest.mark.parametrize(
    "url", ["https://evil.example/v3/billdownload/file?token=x", "https://x@evil.example/"]
)
def test_no_signature_goes_to_a_foreign_host(url: str) -> None:
    wire = Wire(answer=lambda request: address(url))
    with pytest.raises(RefusedCallError, match=r"evil\.example"):
        list(ADAPTER.pull(wire, LINK, cn_pulls.days(1)))
    assert [urlsplit(request.url).hostname for request in wire.sent] == ["api.mch.weixin.qq.com"]


def test_another_kind_of_hash_is_not_skipped() -> None:
    url = "https://api.mch.weixin.qq.com/v3/billdownload/file?token=x"
    cn_pulls.fails(ADAPTER, lambda r: address(url, hash_type="SM3"), LINK, RefusedCallError)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "SIGN_ERROR", UnauthorisedError),
        (401, "another", UnauthorisedError),
        (400, "MCH_NOT_EXISTS", UnauthorisedError),
        (403, "NO_AUTH", RefusedCallError),
        (400, "PARAM_ERROR", RefusedCallError),
        (400, "never_heard_of", RefusedCallError),
        (400, "FREQUENCY_LIMITED", RateLimitedError),
        (400, "SYSTEM_ERROR", UnavailableError),
    ],
)
def test_refusals_are_named_in_the_platforms_own_words(
    status: int, code: str, kind: type[AdapterError]
) -> None:
    answer = cn_pulls.said({"code": code, "message": "说明"}, status=status)
    error = cn_pulls.fails(ADAPTER, lambda request: answer, LINK, kind)
    assert str(error) == f"WeChat Pay says: {code} 说明"
    if isinstance(error, RateLimitedError):
        assert error.retry_after == 60


def test_an_address_that_has_run_out_is_told_as_the_platform_says() -> None:
    def answer(request: Request) -> Response:
        ended = cn_pulls.said({"code": "INVALID_REQUEST", "message": "请重新获取"}, status=400)
        return ended if "billdownload" in request.url else platform(request)

    assert "请重新获取" in str(cn_pulls.fails(ADAPTER, answer, LINK, RefusedCallError))


def test_a_page_that_is_no_answer_is_a_platform_that_cannot_answer() -> None:
    page = Response(status=404, headers={}, body=b"<html>")
    cn_pulls.fails(ADAPTER, lambda request: page, LINK, UnavailableError)


@pytest.mark.parametrize("name", ["shop", "serial", "private_key"])
def test_a_link_without_a_secret_asks_nothing(name: str) -> None:
    wire = Wire(answer=platform)
    bare = Link(secrets={**LINK.secrets, name: " "})
    with pytest.raises(UnauthorisedError, match=name):
        ADAPTER.probe(wire, bare)
    assert not wire.sent


def test_a_private_key_that_is_none_is_not_repeated() -> None:
    broken = Link(secrets={**LINK.secrets, "private_key": "-----BEGIN nonsense 4711"})
    with pytest.raises(UnauthorisedError) as caught:
        ADAPTER.probe(Wire(answer=platform), broken)
    assert "4711" not in str(caught.value)


def test_a_wrong_cursor_is_refused() -> None:
    for cursor in ("x", "2026-03-13/ALL", "report:7"):
        with pytest.raises(RefusedCallError):
            list(ADAPTER.pull(Wire(answer=platform), LINK, cn_pulls.days(1, cursor=cursor)))


def test_the_probe_is_one_signed_call() -> None:
    wire = Wire(answer=lambda request: NO_BILL)
    assert ADAPTER.probe(wire, LINK) == ""
    assert [cn_pulls.query(request)["bill_date"] for request in wire.sent] == ["2026-03-12"]
    assert set(ADAPTER.credentials) >= {"shop", "serial", "private_key", "public_key", "aes_key"}
