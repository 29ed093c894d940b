"""Fetching from Pinduoduo, and how a merchant lets the operator do so."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import parse_qsl, urlsplit

import pytest

from platforms.adapters.pinduoduo import ADAPTER
from platforms.contract import (
    AdapterError,
    Link,
    RateLimitedError,
    Statement,
    UnauthorisedError,
    UnavailableError,
)
from platforms.pulling import RefusedCallError, Request, Response
from tests.platforms import cn_pulls
from tests.platforms.wire import Wire

LINK = Link(
    secrets={"app_key": "237bfc3d", "secret": "ddcc6f15e9", "access_token": "asd78172s8"}
    | {"shop": "661234"}
)
BILL = (
    "拼多多店铺账务明细查询\r\n\r\n起始时间：{day} 00:00:00  终止时间：{day} 23:59:59\r\n"
    "----------交易记录明细列表---------\r\n"
    "商户订单号,发生时间,收入金额（+元）,支出金额（-元）,账务类型,备注,业务描述\r\n"
    "260313-662941284701219,{day} 23:30:43,19.90,0.00,交易收入,-,0010002|交易收入-订单收入\r\n"
    "260313-662941284701219,{day} 23:30:43,0.00,-0.12,技术服务费,-,"
    "0030002|技术服务费-基础技术服务费\r\n"
    "#支出合计：1笔-0.12元\r\n#收入合计：1笔19.90元\r\n#导出时间：{day} 10:09:55\r\n"
)
METHOD = "pdd.finance.balance.daily.bill.url.get"
NAME = "finance_balance_daily_bill_url_get_response"
HOST = "https://bill-files.example/daily.csv"


def bill(day: str) -> bytes:
    return BILL.format(day=day).encode("gb18030")


def platform(request: Request) -> Response:
    """There is a bill of every day but 2026-03-14."""
    if request.method == "GET":
        return Response(status=200, headers={}, body=bill(cn_pulls.query(request)["day"]))
    day = cn_pulls.form(request)["bill_date"]
    url = "" if day == "2026-03-14" else f"{HOST}?day={day}"
    return cn_pulls.said({NAME: {"download_url": url, "request_id": "15440104776643887"}})


def refused(code: int, sub: str | None = None, message: str = "说明") -> Response:
    error = {"error_code": code, "error_msg": message, "sub_code": sub, "sub_msg": ""}
    return cn_pulls.said({"error_response": {**error, "request_id": "1"}})


def test_the_bill_of_each_day_is_fetched_and_read_to_the_cent() -> None:
    wire = Wire(answer=platform, at=cn_pulls.LATER)
    found = list(ADAPTER.pull(wire, LINK, cn_pulls.days(3)))
    assert [(d.name, d.origin, cn_pulls.total(d)) for d in found] == [
        ("pinduoduo-store-bill-2026-03-13.csv", "pull", Decimal("19.78")),
        ("pinduoduo-store-bill-2026-03-15.csv", "pull", Decimal("19.78")),
    ]
    assert cn_pulls.content(found[0]) == bill("2026-03-13")
    statement = next(iter(ADAPTER.read(found[0])))
    assert isinstance(statement, Statement) and statement.account == "661234"


def test_two_pulls_of_one_day_number_its_rows_alike() -> None:
    once, again = (
        [
            line.external_id
            for d in ADAPTER.pull(Wire(answer=platform, at=cn_pulls.LATER), LINK, w)
            for line in cn_pulls.lines(d)
        ]
        for w in (cn_pulls.days(1), cn_pulls.days(3))
    )
    assert once == again[:2] and len(set(again)) == 4


def test_all_that_is_sent_is_signed() -> None:
    wire = Wire(answer=platform)
    assert ADAPTER.probe(wire, LINK) == ""
    (request,) = wire.sent
    sent = dict(cn_pulls.form(request))
    assert (request.method, request.url) == ("POST", "https://gw-api.pinduoduo.com/api/router")
    text = "".join(name + sent[name] for name in sorted(sent) if name != "sign")
    made = hashlib.md5(f"ddcc6f15e9{text}ddcc6f15e9".encode(), usedforsecurity=False)
    assert sent.pop("sign") == made.hexdigest().upper()
    assert sent == {
        "access_token": "asd78172s8",
        "bill_date": "2026-03-12",
        "client_id": "237bfc3d",
        "data_type": "JSON",
        "timestamp": "1773547200",
        "type": METHOD,
        "version": "V1",
    }


def test_of_secrets_that_are_being_changed_the_first_is_used_and_none_is_told() -> None:
    both = Link(secrets={**LINK.secrets, "access_token": "first-token\nlast-token"})
    wire = Wire(answer=platform)
    ADAPTER.probe(wire, both)
    assert cn_pulls.form(wire.sent[0])["access_token"] == "first-token"
    answer = refused(10019, None, "first-token last-token")
    error = cn_pulls.fails(ADAPTER, lambda request: answer, both, UnauthorisedError)
    assert str(error) == "Pinduoduo says: 10019 … …"


def test_the_place_of_the_bill_is_told_nothing_of_ours() -> None:
    wire = Wire(answer=platform)
    list(ADAPTER.pull(wire, LINK, cn_pulls.days(1)))
    _, download = wire.sent
    assert (download.method, download.url) == ("GET", f"{HOST}?day=2026-03-13")
    assert not download.headers and not download.body


def test_a_day_without_a_bill_is_believed_when_it_is_over_for_a_day() -> None:
    none = cn_pulls.said({NAME: {"download_url": None}})
    cn_pulls.waits_a_day_for_a_bill(ADAPTER, platform, LINK, none)


def test_it_goes_on_behind_every_document() -> None:
    cn_pulls.resumes_anywhere(ADAPTER, platform, LINK, 4)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refused(10019), UnauthorisedError),
        (refused(10016), UnauthorisedError),
        (refused(20004), UnauthorisedError),
        (refused(20032), UnauthorisedError),
        (refused(50001, "20032"), UnauthorisedError),
        (refused(50001, "7"), UnavailableError),
        (refused(52102), UnavailableError),
        (refused(52101), RateLimitedError),
        (refused(70031), RateLimitedError),
        (refused(20031), RefusedCallError),
        (refused(30000), RefusedCallError),
        (refused(4711), RefusedCallError),
        (cn_pulls.said({"other_response": {}}), UnavailableError),
        (cn_pulls.said([1]), UnavailableError),
        (Response(status=403, headers={}, body=b"forbidden"), UnavailableError),
        (cn_pulls.said({NAME: {"download_url": "file:///etc/passwd"}}), RefusedCallError),
    ],
)
def test_refusals_have_names(answer: Response, kind: type[AdapterError]) -> None:
    cn_pulls.fails(ADAPTER, lambda request: answer, LINK, kind)


def test_a_refusal_is_told_in_the_platforms_own_words_without_the_token() -> None:
    answer = refused(10019, None, "asd78172s8 已过期")
    error = cn_pulls.fails(ADAPTER, lambda request: answer, LINK, UnauthorisedError)
    assert str(error) == "Pinduoduo says: 10019 … 已过期"


def test_a_place_that_does_not_answer_is_asked_for_again() -> None:
    def answer(request: Request) -> Response:
        gone = Response(status=404, headers={}, body=b"")
        return gone if request.method == "GET" else platform(request)

    cn_pulls.fails(ADAPTER, answer, LINK, UnavailableError)


@pytest.mark.parametrize("name", ["app_key", "secret", "access_token"])
def test_a_link_without_a_secret_asks_nothing(name: str) -> None:
    wire = Wire(answer=platform)
    with pytest.raises(UnauthorisedError, match=name):
        ADAPTER.probe(wire, Link(secrets={**LINK.secrets, name: ""}))
    assert not wire.sent
    assert name in ADAPTER.credentials


# --- consent ------------------------------------------------------------------

OPERATOR = Link(secrets={"app_key": "237bfc3d", "secret": "ddcc6f15e9"})


def granted(request: Request) -> Response:
    sent = cn_pulls.form(request)
    name = sent["type"].removeprefix("pdd.").replace(".", "_")
    number = sent.get("code") or sent["refresh_token"]
    return cn_pulls.said(
        {
            f"{name}_response": {
                "access_token": f"token-{number}",
                "refresh_token": f"next-{number}",
                "expires_in": 86_400,
                "refresh_token_expires_in": "172800",
                "owner_id": 661234,
                "owner_name": "pdd66123",
                "scope": ["pdd.order.list.get", METHOD],
            }
        }
    )


def test_the_merchant_is_sent_to_the_service_market() -> None:
    url = ADAPTER.consent_url(OPERATOR, state="s&1", back="https://hub.example/back?x=1")
    assert url.partition("?")[0] == "https://fuwu.pinduoduo.com/service-market/auth"
    assert dict(parse_qsl(urlsplit(url).query)) == {
        "response_type": "code",
        "client_id": "237bfc3d",
        "redirect_uri": "https://hub.example/back?x=1",
        "state": "s&1",
    }
    assert ADAPTER.application == ("app_key", "secret")


def test_a_code_is_redeemed() -> None:
    wire = Wire(answer=granted)
    tokens = ADAPTER.exchange(wire, OPERATOR, answer={"code": "C1", "state": "s"}, back="")
    assert tokens.secrets == {
        "access_token": "token-C1",
        "refresh_token": "next-C1",
        "shop": "661234",
    }
    assert tokens.expires_at == datetime(2026, 3, 16, 4, 0, tzinfo=UTC)
    assert tokens.renewable_until == datetime(2026, 3, 17, 4, 0, tzinfo=UTC)
    assert (tokens.shop, tokens.scopes) == ("661234", ("pdd.order.list.get", METHOD))
    sent = cn_pulls.form(wire.sent[0])
    assert (sent["type"], sent["code"]) == ("pdd.pop.auth.token.create", "C1")
    assert "access_token" not in sent


def test_tokens_are_renewed_and_the_refresh_token_changes() -> None:
    wire = Wire(answer=granted)
    kept = Link(secrets={**OPERATOR.secrets, "refresh_token": "next-C1"})
    assert ADAPTER.renew(wire, kept).secrets["refresh_token"] == "next-next-C1"
    assert cn_pulls.form(wire.sent[0])["type"] == "pdd.pop.auth.token.refresh"


def test_consent_that_was_not_given_or_has_ended_is_named() -> None:
    wire = Wire(answer=granted)
    with pytest.raises(UnauthorisedError):
        ADAPTER.exchange(wire, OPERATOR, answer={"error": "access_denied"}, back="")
    with pytest.raises(UnauthorisedError):
        ADAPTER.renew(wire, OPERATOR)
    assert not wire.sent
    with pytest.raises(UnavailableError):
        empty: dict[str, object] = {"pop_auth_token_create_response": {}}
        ADAPTER.exchange(
            Wire(answer=lambda r: cn_pulls.said(empty)), OPERATOR, answer={"code": "1"}, back=""
        )
