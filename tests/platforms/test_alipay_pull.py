"""Fetching from Alipay, and how a merchant lets the operator do so."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from decimal import Decimal
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from platforms.adapters.alipay import ADAPTER
from platforms.contract import (
    AdapterError,
    Link,
    RateLimitedError,
    UnauthorisedError,
    UnavailableError,
)
from platforms.pulling import RefusedCallError, Request, Response
from tests.platforms import cn_pulls
from tests.platforms.cases import FIXTURES
from tests.platforms.wire import Wire

# Alipay's own key is ours here: what it signs is checked by the other half.
LINK = Link(
    secrets={"app_id": "2014072300007148", "access_token": "201510BBaabd"}
    | {"private_key": cn_pulls.pem(), "public_key": cn_pulls.public_pem()}
)
BILL = (
    "#支付宝账务明细查询\n#账号：[20880000000000010156]\n"
    "#起始日期：[2026年03月13日 00:00:00]   终止日期：[2026年03月14日 00:00:00]\n"
    "#-----------------账务明细列表-----------------\n"
    "账务流水号,业务流水号,商户订单号,商品名称,发生时间,对方账号,收入金额（+元）,支出金额（-元）,"
    "账户余额（元）,交易渠道,业务类型,备注\n"
    "7{day}1\t,2001\t,T200P1\t,茶\t,{day} 10:00:00,b@x.cn\t,88.20,0.00,188.20,支付宝,在线支付,\t\n"
    "7{day}2\t,2002\t,T200P1\t,茶\t,{day} 10:00:01,t@x.cn\t,0.00,-2.20,186.00,支付宝,收费,\t\n"
    "#-----------------账务明细列表结束-------------\n"
    "#支出合计：1笔，共-2.20元\n#收入合计：1笔，共88.20元\n"
)
SUMMARY = (
    "#支付宝账务汇总查询\n类型,收入笔数,收入金额（+元）,支出笔数,支出金额（-元）,总金额（元）\n"
)
QUERY = "alipay.data.dataservice.bill.downloadurl.query"
HOST = "https://dwbillcenter.alipay.com/downloadBillFile.resource"


def zipped(day: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (("汇总.csv", SUMMARY), ("明细.csv", BILL.format(day=day))):
            archive.writestr(zipfile.ZipInfo(name, (2026, 3, 14, 6, 0, 0)), text.encode("gbk"))
    return made.getvalue()


def answered(method: str, **fields: object) -> Response:
    """A node of Alipay's and its signature over the very letters."""
    node = json.dumps({"code": "10000", "msg": "Success", **fields}, ensure_ascii=False)
    made = cn_pulls.key().sign(node.encode(), padding.PKCS1v15(), hashes.SHA256())
    name = f"{method.replace('.', '_')}_response"
    body = f'{{"{name}":{node},"sign":"{base64.b64encode(made).decode()}"}}'
    return Response(status=200, headers={}, body=body.encode())


def refused(code: str, sub: str, said: str = "说明") -> Response:
    return answered(QUERY, code=code, msg="x", sub_code=sub, sub_msg=said)


def content(request: Request) -> dict[str, str]:
    return dict(json.loads(cn_pulls.form(request)["biz_content"]))


def platform(request: Request) -> Response:
    """Money moved on every day but 2026-03-14."""
    if request.method == "GET":
        return Response(status=200, headers={}, body=zipped(cn_pulls.query(request)["bizDates"]))
    day = content(request)["bill_date"]
    if day == "2026-03-14":
        return refused("40004", "isp.bill_not_exist")
    return answered(QUERY, bill_download_url=f"{HOST}?bizType=signcustomer&bizDates={day}")


def test_the_fund_bill_of_each_day_is_fetched_and_read_to_the_cent() -> None:
    wire = Wire(answer=platform, at=cn_pulls.LATER)
    found = list(ADAPTER.pull(wire, LINK, cn_pulls.days(3)))
    assert [(d.name, d.origin, cn_pulls.total(d)) for d in found] == [
        ("alipay-fund-bill-2026-03-13.zip", "pull", Decimal("86.00")),
        ("alipay-fund-bill-2026-03-15.zip", "pull", Decimal("86.00")),
    ]
    assert cn_pulls.content(found[0]) == zipped("2026-03-13")
    assert content(wire.sent[0]) == {
        "bill_type": "signcustomer",
        "bill_date": "2026-03-13",
    }


def test_all_that_is_sent_is_signed_in_the_order_of_its_names() -> None:
    wire = Wire(answer=platform)
    ADAPTER.probe(wire, LINK)
    (request,) = wire.sent
    assert request.url.startswith("https://openapi.alipay.com/gateway.do?")
    common = dict(parse_qsl(urlsplit(request.url).query))
    sent = {**common, **cn_pulls.form(request)}
    signature = base64.b64decode(sent.pop("sign"))
    assert sent | {"biz_content": ""} == {
        "app_auth_token": "201510BBaabd",
        "app_id": "2014072300007148",
        "biz_content": "",
        "charset": "utf-8",
        "format": "JSON",
        "method": QUERY,
        "sign_type": "RSA2",
        "timestamp": "2026-03-15 12:00:00",
        "version": "1.0",
    }
    text = "&".join(f"{name}={value}" for name, value in sorted(sent.items()))
    cn_pulls.key().public_key().verify(
        signature, text.encode(), padding.PKCS1v15(), hashes.SHA256()
    )


def test_a_key_as_alipays_tool_writes_it_signs_too() -> None:
    der = cn_pulls.key().private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    bare = Link(secrets={**LINK.secrets, "private_key": base64.b64encode(der).decode()})
    wires = [Wire(answer=platform), Wire(answer=platform)]
    for wire, link in zip(wires, (LINK, bare), strict=True):
        assert ADAPTER.probe(wire, link) == ""
    assert wires[0].sent == wires[1].sent


def test_the_place_of_the_bill_is_told_no_secret() -> None:
    wire = Wire(answer=platform)
    list(ADAPTER.pull(wire, LINK, cn_pulls.days(1)))
    (download,) = [request for request in wire.sent if request.method == "GET"]
    assert urlsplit(download.url).hostname == "dwbillcenter.alipay.com"
    assert not download.headers and not download.body and "201510BB" not in download.url


def test_a_day_without_a_bill_is_believed_when_it_is_over_for_a_day() -> None:
    none = refused("40004", "isp.bill_not_exist")
    cn_pulls.waits_a_day_for_a_bill(ADAPTER, platform, LINK, none)


def test_it_goes_on_behind_every_document() -> None:
    cn_pulls.resumes_anywhere(ADAPTER, platform, LINK, 4)


@pytest.mark.parametrize("length", [0, 10, 300, -1])
def test_a_zip_that_did_not_come_whole_is_asked_for_again(length: int) -> None:
    def answer(request: Request) -> Response:
        found = platform(request)
        if request.method == "POST":
            return found
        return Response(status=200, headers={}, body=found.body[:length])

    cn_pulls.fails(ADAPTER, answer, LINK, UnavailableError)


def test_a_byte_that_was_changed_on_its_way_is_noticed() -> None:
    def answer(request: Request) -> Response:
        found = platform(request)
        if request.method == "POST":
            return found
        spoiled = bytearray(found.body)
        spoiled[120] ^= 1
        return Response(status=200, headers={}, body=bytes(spoiled))

    cn_pulls.fails(ADAPTER, answer, LINK, UnavailableError)


def test_an_address_that_has_run_out_is_asked_for_again() -> None:
    def answer(request: Request) -> Response:
        ended = Response(status=403, headers={}, body=b"expired")
        return platform(request) if request.method == "POST" else ended

    cn_pulls.fails(ADAPTER, answer, LINK, UnavailableError)


@pytest.mark.parametrize(
    ("code", "sub", "kind"),
    [
        ("20000", "isp.unknow-error", UnavailableError),
        ("20001", "aop.invalid-app-auth-token", UnauthorisedError),
        ("20001", "never.heard.of", UnauthorisedError),
        ("40002", "isv.invalid-signature", UnauthorisedError),
        ("40002", "isv.invalid-app-id", UnauthorisedError),
        ("40002", "isv.invalid-parameter", RefusedCallError),
        ("40004", "never.heard.of", RefusedCallError),
        ("40005", "app-call-limited", RateLimitedError),
        ("40006", "isv.insufficient-isv-permissions", RefusedCallError),
    ],
)
def test_refusals_are_named_in_the_platforms_own_words(
    code: str, sub: str, kind: type[AdapterError]
) -> None:
    error = cn_pulls.fails(ADAPTER, lambda request: refused(code, sub), LINK, kind)
    assert str(error) == f"Alipay says: {code} {sub} 说明"


def test_a_token_that_alipay_repeats_is_not_repeated() -> None:
    echo = "验签字符串为：app_auth_token=201510BBaabd&app_id=2014072300007148"
    answer = refused("40002", "isv.invalid-signature", echo)
    error = cn_pulls.fails(ADAPTER, lambda request: answer, LINK, UnauthorisedError)
    assert "app_auth_token=…&app_id=2014072300007148" in str(error)


def test_an_answer_that_was_changed_is_not_believed() -> None:
    def answer(request: Request) -> Response:
        true = platform(request).body
        return Response(status=200, headers={}, body=true.replace(b"dwbill", b"evil"))

    cn_pulls.fails(ADAPTER, answer, LINK, RefusedCallError)
    bare = cn_pulls.said({f"{QUERY.replace('.', '_')}_response": {"code": "10000"}})
    cn_pulls.fails(ADAPTER, lambda request: bare, LINK, RefusedCallError)


def test_an_answer_of_alipays_own_sandbox_is_believed() -> None:
    (vector,) = json.loads((FIXTURES / "known_answer_vectors.json").read_text())["alipay"]
    link = Link(secrets={**LINK.secrets, "public_key": vector["public_key"]})
    node = f'"{QUERY.replace(".", "_")}_response":{vector["signed_string"]}'
    body = f'{{{node},"sign":"{vector["signature"]}"}}'.encode()
    answer = Response(status=200, headers={}, body=body)
    # It is believed, and has no address in it.
    error = cn_pulls.fails(ADAPTER, lambda request: answer, link, RefusedCallError)
    assert "no address" in str(error)


@pytest.mark.parametrize("name", ["app_id", "private_key"])
def test_a_link_without_a_secret_asks_nothing(name: str) -> None:
    wire = Wire(answer=platform)
    with pytest.raises(UnauthorisedError, match=name):
        ADAPTER.probe(wire, Link(secrets={**LINK.secrets, name: ""}))
    assert not wire.sent


# --- consent ------------------------------------------------------------------

TOKEN = "alipay.open.auth.token.app"
OPERATOR = Link(secrets={k: v for k, v in LINK.secrets.items() if k != "access_token"})


def granted(request: Request) -> Response:
    number = content(request).get("code") or content(request)["refresh_token"]
    return answered(
        TOKEN,
        app_auth_token=f"token-{number}",
        app_refresh_token=f"next-{number}",
        auth_app_id="2013111800001989",
        user_id="2088011177545623",
        expires_in=31536000,
        re_expires_in=32140800,
    )


def test_the_merchant_is_sent_to_alipays_page() -> None:
    url = ADAPTER.consent_url(OPERATOR, state="s&1", back="https://hub.example/back?x=1")
    assert url.partition("?")[0] == "https://openauth.alipay.com/oauth2/appToAppAuth.htm"
    assert dict(parse_qsl(urlsplit(url).query)) == {
        "app_id": "2014072300007148",
        "redirect_uri": "https://hub.example/back?x=1",
        "state": "s&1",
    }
    assert set(ADAPTER.application) <= set(OPERATOR.secrets)


def test_a_code_is_redeemed_without_a_merchants_token() -> None:
    wire = Wire(answer=granted)
    answer = {"app_auth_code": "P1", "app_id": "2014072300007148"}
    tokens = ADAPTER.exchange(wire, LINK, answer=answer, back="https://hub.example/")
    assert tokens.secrets == {"access_token": "token-P1", "refresh_token": "next-P1"}
    assert (tokens.shop, tokens.expires_at, tokens.renewable_until) == (
        "2088011177545623",
        None,
        None,
    )
    assert content(wire.sent[0]) == {"grant_type": "authorization_code", "code": "P1"}
    assert "app_auth_token" not in cn_pulls.query(wire.sent[0])


def test_tokens_are_renewed_by_the_one_that_was_kept() -> None:
    wire = Wire(answer=granted)
    kept = Link(secrets={**OPERATOR.secrets, "refresh_token": "next-P1"})
    assert ADAPTER.renew(wire, kept).secrets["refresh_token"] == "next-next-P1"
    assert content(wire.sent[0]) == {"grant_type": "refresh_token", "refresh_token": "next-P1"}


@pytest.mark.parametrize("answer", [{}, {"app_auth_code": "P1", "app_id": "another"}])
def test_what_comes_back_without_a_code_or_for_another_is_refused(answer: dict[str, str]) -> None:
    wire = Wire(answer=granted)
    with pytest.raises(UnauthorisedError):
        ADAPTER.exchange(wire, OPERATOR, answer=answer, back="")
    assert not wire.sent


def test_a_code_that_is_spent_is_named() -> None:
    answer = answered(TOKEN, code="40004", sub_code="AUTH_CODE_NOT_EXIST")
    wire = Wire(answer=lambda request: answer)
    with pytest.raises(UnauthorisedError, match="AUTH_CODE_NOT_EXIST"):
        ADAPTER.exchange(wire, OPERATOR, answer={"app_auth_code": "P1"}, back="")
