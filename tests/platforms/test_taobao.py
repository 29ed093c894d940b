"""Taobao's fee bills: what a shop is charged, read as evidence, fetched and consented to."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from platforms.adapters.taobao import ADAPTER
from platforms.adapters.taobao.gateway import sign
from platforms.contract import (
    AdapterError,
    Line,
    LineKind,
    Link,
    RateLimitedError,
    ReadError,
    Record,
    Statement,
    UnauthorisedError,
    UnavailableError,
)
from platforms.pulling import RefusedCallError, Request, Response, Window
from tests.platforms import cn_pulls
from tests.platforms.cases import FIXTURES, document
from tests.platforms.wire import Wire

LINK = Link(
    secrets={"app_key": "12345678", "secret": "hello4711", "access_token": "6200a009ZZf9"}
    | {"shop": "淘宝测试test"}
)
ANSWER = "bill_bills_get_response"


def bill(**changes: object) -> dict[str, object]:
    return {
        "bid": 1,
        "account_id": 10003011,
        "trade_id": "900",
        "amount": 1055,
        "book_time": "2026-03-13 09:00:00",
        "pay_time": "2026-03-13 09:00:31",
        "alipay_notice": "天猫佣金（类目）{900}扣款",
        "status": 1,
        **changes,
    }


def page(*bills: object, more: object = False, **changes: object) -> dict[str, Any]:
    held = {"bills": {"bill": list(bills)}} if bills else {}
    return {ANSWER: {**held, "has_next": more, "total_results": len(bills), **changes}}


def read(value: object) -> list[Record]:
    return list(ADAPTER.read(document(json.dumps(value, ensure_ascii=False).encode())))


def the_line(**changes: object) -> Line:
    (line,) = [record for record in read(page(bill(**changes))) if isinstance(record, Line)]
    return line


def test_what_is_charged_leaves_the_shop_and_is_never_booked() -> None:
    statement = read(page(bill()))[0]
    assert isinstance(statement, Statement) and not statement.books
    assert statement.profile in ADAPTER.unverified
    line = the_line()
    assert (line.amount, line.kind, line.external_id, line.order_ref) == (
        Decimal("-10.55"),
        LineKind.COMMISSION,
        "1",
        "900",
    )
    assert line.event_at == datetime(2026, 3, 13, 1, 0, 31, tzinfo=UTC)


def test_what_is_given_back_comes_in() -> None:
    assert the_line(amount=-1055).amount == Decimal("10.55")
    assert the_line(amount="0").amount == 0


@pytest.mark.parametrize(("status", "word"), [(0, "未支付"), ("2", "支付失败")])
def test_what_alipay_has_not_taken_moved_nothing_and_says_so(status: object, word: str) -> None:
    line = the_line(status=status, pay_time=None)
    assert line.amount == 0 and line.label.endswith(f"/{word} 10.55")
    assert line.event_at == datetime(2026, 3, 13, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": 10.5},
        {"amount": None},
        {"amount": ""},
        {"amount": "1,055"},
        {"bid": None},
        {"status": 3},
        {"status": None},
        {"pay_time": "2026-02-30 09:00:00"},
        {"pay_time": None, "book_time": None},
        {"alipay_notice": ["天猫佣金"]},
    ],
)
def test_a_bill_that_is_not_understood_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ReadError) as caught:
        read(page(bill(), bill(bid=2, **changes) if "bid" not in changes else bill(**changes)))
    assert caught.value.row in (1, 2)


@pytest.mark.parametrize(
    "value",
    [
        {ANSWER: []},
        page(bills=[bill()]),
        page(bills={"bill": bill()}),
        page(bill(), total_results=-1),
    ],
)
def test_an_answer_of_another_shape_is_refused(value: object) -> None:
    with pytest.raises(ReadError):
        read(value)


# --- signing ------------------------------------------------------------------


def test_requests_are_signed_as_published() -> None:
    (vector,) = json.loads((FIXTURES / "known_answer_vectors.json").read_text())["taobao"]
    parameters = dict(reversed(vector["params"].items()))
    assert sign(parameters, secret=vector["secret"]) == vector["expected"]
    # Neither the signature itself nor what is empty is signed.
    assert sign({**parameters, "sign": "x", "y": ""}, secret="helloworld") == vector["expected"]
    assert sign({**parameters, "z": "1"}, secret="helloworld") != vector["expected"]


def test_the_hmacs_take_the_secret_as_their_key_and_wrap_nothing() -> None:
    """No value is published for these: computed with openssl from the published string."""
    (vector,) = json.loads((FIXTURES / "known_answer_vectors.json").read_text())["taobao"]
    for method, expected in (("hmac", HMAC_MD5), ("hmac-sha256", HMAC_SHA256)):
        assert sign(vector["params"], secret="helloworld", method=method) == expected


HMAC_MD5 = "B4DDA503460D60A86B16E950E5D303E9"
HMAC_SHA256 = "6B7EB7E1C35D068D69538D80282A37DFBF29B4DB11B451881AF51890626138B3"


# --- fetching -----------------------------------------------------------------


def platform(request: Request) -> Response:
    """Two pages in the second quarter of each day, one in the fourth of 2026-03-13."""
    sent = cn_pulls.form(request)
    day, hour = sent["start_time"][:10], sent["start_time"][11:13]
    number = int(sent["page_no"])
    charged = bill(bid=int(f"{day[-2:]}{hour}{number}"), amount=100 * number)
    if hour == "06":
        return cn_pulls.said(page(charged, more=number == 1))
    if (day, hour) == ("2026-03-13", "18"):
        return cn_pulls.said(page(charged))
    return cn_pulls.said(page())


def test_a_day_is_asked_for_in_quarters_and_pages() -> None:
    wire = Wire(answer=platform)
    found = list(ADAPTER.pull(wire, LINK, cn_pulls.days(1)))
    assert [(d.name, cn_pulls.total(d)) for d in found] == [
        ("taobao-fee-bills-2026-03-13T06-1.json", Decimal("-1.00")),
        ("taobao-fee-bills-2026-03-13T06-2.json", Decimal("-2.00")),
        ("taobao-fee-bills-2026-03-13T18-1.json", Decimal("-1.00")),
    ]
    asked = [cn_pulls.form(request) for request in wire.sent]
    assert [(a["start_time"], a["end_time"], a["page_no"]) for a in asked] == [
        ("2026-03-13 00:00:00", "2026-03-13 05:59:59", "1"),
        ("2026-03-13 06:00:00", "2026-03-13 11:59:59", "1"),
        ("2026-03-13 06:00:00", "2026-03-13 11:59:59", "2"),
        ("2026-03-13 12:00:00", "2026-03-13 17:59:59", "1"),
        ("2026-03-13 18:00:00", "2026-03-13 23:59:59", "1"),
    ]
    assert {a["time_type"] for a in asked} == {"2"} and {a["page_size"] for a in asked} == {"100"}


def test_what_is_sent_is_signed_and_asks_for_no_mail_address() -> None:
    wire = Wire(answer=platform)
    assert ADAPTER.probe(wire, LINK) == ""
    (request,) = wire.sent
    sent = dict(cn_pulls.form(request))
    assert (request.method, request.url) == ("POST", "https://gw.api.taobao.com/router/rest")
    text = "".join(name + sent[name] for name in sorted(sent) if name != "sign")
    made = hashlib.md5(f"hello4711{text}hello4711".encode(), usedforsecurity=False)
    assert sent["sign"] == made.hexdigest().upper()
    assert (sent["session"], sent["timestamp"], sent["method"]) == (
        "6200a009ZZf9",
        "2026-03-15 12:00:00",
        "taobao.bill.bills.get",
    )
    assert "access_token" not in sent and "mail" not in sent["fields"]


def test_an_empty_page_is_not_given_and_its_successor_still_asked_for() -> None:
    def answer(request: Request) -> Response:
        sent = cn_pulls.form(request)
        if sent["start_time"] != "2026-03-13 00:00:00":
            return cn_pulls.said(page())
        return cn_pulls.said(page(more=True) if sent["page_no"] == "1" else page(bill()))

    (found,) = ADAPTER.pull(Wire(answer=answer), LINK, cn_pulls.days(1))
    assert found.name.endswith("T00-2.json")


def test_it_goes_on_behind_every_document() -> None:
    cn_pulls.resumes_anywhere(ADAPTER, platform, LINK, 2)


def test_more_than_the_platform_gives_is_said_rather_than_lost() -> None:
    full = cn_pulls.said(page(bill(), more=True))
    kept = []
    with pytest.raises(RefusedCallError, match="5000 charges"):
        for found in ADAPTER.pull(Wire(answer=lambda request: full), LINK, cn_pulls.days(1)):
            kept += [found.cursor]
    assert len(kept) == 49


@pytest.mark.parametrize(
    ("code", "sub", "kind"),
    [
        (7, "accesscontrol.limited-by-api-access-count", RateLimitedError),
        (10, "", UnavailableError),
        (15, "isp.remote-service-timeout", UnavailableError),
        (15, "isv.invalid-parameter", RefusedCallError),
        (11, "isv.permission-api-package-limit", RefusedCallError),
        (25, "", UnauthorisedError),
        (26, "", UnauthorisedError),
        (27, "invalid-sessionkey", UnauthorisedError),
        (29, "isv.appkey-not-exists", UnauthorisedError),
        (4711, "", RefusedCallError),
    ],
)
def test_refusals_are_named_in_the_platforms_own_words(
    code: int, sub: str, kind: type[AdapterError]
) -> None:
    refused = {"code": code, "msg": "Words 6200a009ZZf9", "sub_code": sub, "request_id": "1"}
    answer = cn_pulls.said({"error_response": refused})
    error = cn_pulls.fails(ADAPTER, lambda request: answer, LINK, kind)
    assert str(error) == f"Taobao says: {code} Words … {sub}".rstrip()


@pytest.mark.parametrize(
    "answer",
    [
        cn_pulls.said({"another_response": {}}),
        cn_pulls.said(page(bill(), more="yes")),
        cn_pulls.said(page(bills=[1])),
        Response(status=403, headers={}, body=b"<html>"),
    ],
)
def test_what_is_no_answer_is_a_platform_that_cannot_answer(answer: Response) -> None:
    cn_pulls.fails(ADAPTER, lambda request: answer, LINK, UnavailableError)


def test_a_wrong_cursor_is_refused() -> None:
    for cursor in ("x", "2026-03-13T06:00:00+08:00", "report:7"):
        window: Window = cn_pulls.days(1, cursor=cursor)
        with pytest.raises(RefusedCallError):
            list(ADAPTER.pull(Wire(answer=platform), LINK, window))


@pytest.mark.parametrize("name", ["app_key", "secret", "access_token"])
def test_a_link_without_a_secret_asks_nothing(name: str) -> None:
    wire = Wire(answer=platform)
    with pytest.raises(UnauthorisedError, match=name):
        ADAPTER.probe(wire, Link(secrets={**LINK.secrets, name: ""}))
    assert not wire.sent


# --- consent ------------------------------------------------------------------

OPERATOR = Link(secrets={"app_key": "12345678", "secret": "hello4711"})
GRANTED = {
    "access_token": "6200new",
    "token_type": "Bearer",
    "expires_in": 86_400,
    "refresh_token": "6201new",
    "re_expires_in": 172_800,
    "taobao_user_id": "706388888",
    "taobao_user_nick": "%E6%B7%98%E5%AE%9Dtest",
}


def test_the_owner_is_sent_to_taobao() -> None:
    url = ADAPTER.consent_url(OPERATOR, state="s&1", back="https://hub.example/back?x=1")
    assert url.partition("?")[0] == "https://oauth.taobao.com/authorize"
    assert dict(parse_qsl(urlsplit(url).query)) == {
        "response_type": "code",
        "client_id": "12345678",
        "redirect_uri": "https://hub.example/back?x=1",
        "state": "s&1",
        "view": "web",
    }


def test_a_code_is_redeemed() -> None:
    wire = Wire(answer=lambda request: cn_pulls.said(GRANTED))
    tokens = ADAPTER.exchange(wire, OPERATOR, answer={"code": "C1"}, back="https://hub.example/b")
    assert tokens.secrets == {"access_token": "6200new", "refresh_token": "6201new"}
    assert tokens.expires_at == datetime(2026, 3, 16, 4, 0, tzinfo=UTC)
    assert tokens.renewable_until == datetime(2026, 3, 17, 4, 0, tzinfo=UTC)
    assert tokens.shop == "淘宝test"
    assert wire.sent[0].url == "https://oauth.taobao.com/token"
    assert cn_pulls.form(wire.sent[0]) == {
        "grant_type": "authorization_code",
        "code": "C1",
        "client_id": "12345678",
        "client_secret": "hello4711",
        "redirect_uri": "https://hub.example/b",
        "view": "web",
    }


def test_a_token_that_may_not_be_renewed_ends_for_good() -> None:
    for fixed in ({**GRANTED, "re_expires_in": 0}, {**GRANTED, "refresh_token": ""}):
        wire = Wire(answer=lambda request, fixed=fixed: cn_pulls.said(fixed))
        tokens = ADAPTER.exchange(wire, OPERATOR, answer={"code": "C1"}, back="")
        assert tokens.renewable_until == tokens.expires_at is not None


def test_renewal_is_a_signed_call_whose_answer_is_json_in_a_text() -> None:
    held = {"top_auth_token_refresh_response": {"token_result": json.dumps(GRANTED)}}
    wire = Wire(answer=lambda request: cn_pulls.said(held))
    kept = Link(secrets={**OPERATOR.secrets, "refresh_token": "6201old"})
    assert ADAPTER.renew(wire, kept).secrets["refresh_token"] == "6201new"
    sent = cn_pulls.form(wire.sent[0])
    assert (sent["method"], sent["refresh_token"]) == ("taobao.top.auth.token.refresh", "6201old")
    assert "session" not in sent


def test_consent_that_is_refused_is_named_without_the_secret() -> None:
    refused = {"error": "invalid_client", "error_description": "hello4711 is wrong"}
    wire = Wire(answer=lambda request: cn_pulls.said(refused, status=400))
    with pytest.raises(UnauthorisedError) as caught:
        ADAPTER.exchange(wire, OPERATOR, answer={"code": "C1"}, back="")
    assert str(caught.value) == "Taobao says: invalid_client … is wrong"
    with pytest.raises(UnauthorisedError):
        ADAPTER.exchange(wire, OPERATOR, answer={"error": "access_denied"}, back="")
    assert len(wire.sent) == 1
    for broken in ({"token_result": "x"}, {"token_result": "[1]"}, {}):
        answer = cn_pulls.said({"top_auth_token_refresh_response": broken})
        kept = Link(secrets={**OPERATOR.secrets, "refresh_token": "6201old"})
        with pytest.raises(UnavailableError):
            ADAPTER.renew(Wire(answer=lambda request, answer=answer: answer), kept)
