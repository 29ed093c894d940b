"""Shopify: what is asked of the Admin API, in which order, and how a store is linked."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from platforms.adapters.shopify import ADAPTER as SHOPIFY
from platforms.contract import (
    AdapterError,
    Line,
    LineKind,
    Link,
    Payout,
    Totals,
    UnauthorisedError,
    UnavailableError,
)
from platforms.pulling import RefusedCallError, Request, Response, Window
from tests.platforms.cases import FIXTURES
from tests.platforms.resuming import day, goes_on_from_everywhere, pulled, records, says
from tests.platforms.wire import Wire

SECRETS = {"shop": "tributary-test.myshopify.com", "access_token": "shpat_not_a_real_token"}
APPLICATION = {**SECRETS, "app_key": "client-id", "secret": "client-secret-of-ours"}
HOST = "https://tributary-test.myshopify.com"
BASE = f"{HOST}/admin/api/2026-10/shopify_payments"
NOW = datetime(2026, 3, 15, 4, 0, tzinfo=UTC)
OLD = day(2)
NEW = day(14)


def _transaction(number: int, word: str, amount: str, fee: str, payout: int | None) -> object:
    net = str(Decimal(amount) - Decimal(fee))
    return {
        "id": number,
        "type": word,
        "test": False,
        "payout_id": payout,
        "payout_status": "paid" if payout else "pending",
        "currency": "USD",
        "amount": amount,
        "fee": fee,
        "net": net,
        "source_id": number,
        "source_type": word,
        "source_order_id": 77,
        "source_order_transaction_id": None,
        "processed_at": "2026-03-01",
    }


def _payout(number: int, amount: str) -> object:
    return {"id": number, "status": "paid", "date": "2026-03-02", "currency": "USD",
            "amount": amount}  # fmt: skip


# Payout 55: 20.00 − 0.88 − 3.45 + 10.00 − 0.59 = 25.08. Payout 56: 7.00 − 0.50 = 6.50.
PAYOUTS = [[_payout(56, "6.50")], [_payout(55, "25.08")]]
OF_PAYOUT = {
    "55": [
        [
            _transaction(1004, "payout", "-25.08", "0.00", 55),
            _transaction(1001, "charge", "20.00", "0.88", 55),
        ],
        [
            _transaction(1002, "refund", "-3.45", "0.00", 55),
            _transaction(1003, "charge", "10.00", "0.59", 55),
        ],
    ],
    "56": [
        [
            _transaction(1006, "payout", "-6.50", "0.00", 56),
            _transaction(1005, "charge", "7.00", "0.50", 56),
        ]
    ],
}
PENDING: list[list[object]] = [[_transaction(1007, "charge", "5.00", "0.45", None)]]


def _answer(request: Request) -> Response:
    """The store; a page's mark says which list it is of and its number."""
    asked = {name: values[0] for name, values in parse_qs(urlsplit(request.url).query).items()}
    path = urlsplit(request.url).path
    name = "payouts" if path.endswith("/payouts.json") else "transactions"
    which, number = asked.get("payout_id", asked.get("payout_status", "payouts")), 0
    if "page_info" in asked:
        assert set(asked) == {"limit", "page_info"}
        which, text = asked["page_info"].split("~")
        number = int(text)
    lists: Mapping[str, list[Any]] = {"payouts": PAYOUTS, "pending": PENDING, **OF_PAYOUT}
    pages = lists[which]
    before = f'<https://evil.example{path}?page_info={which}~0&limit=9>; rel="previous", '
    after = f'<https://evil.example{path}?limit=9&page_info={which}~{number + 1}>; rel="next"'
    link = (before if number else "") + (after if number + 1 < len(pages) else "")
    return says({name: pages[number]}, link=link)


def _wire(answer: Any = _answer) -> Wire:
    return Wire(answer=answer, at=NOW)


def _link(**secrets: str) -> Link:
    return Link(secrets={**SECRETS, **secrets})


def test_each_payout_of_the_days_is_asked_for_and_then_its_transactions() -> None:
    wire = _wire()
    pulled("shopify", SECRETS, OLD, wire)
    assert [each.url.removeprefix(BASE) for each in wire.sent] == [
        "/payouts.json?limit=100&date_min=2026-03-02&date_max=2026-03-02",
        "/balance/transactions.json?limit=250&payout_id=56",
        "/payouts.json?limit=100&page_info=payouts~1",
        "/balance/transactions.json?limit=250&payout_id=55",
        "/balance/transactions.json?limit=250&page_info=55~1",
    ]
    for request in wire.sent:
        assert request.method == "GET"
        assert request.headers["X-Shopify-Access-Token"] == SECRETS["access_token"]
        assert request.body == b""


def test_a_window_that_reaches_the_present_gives_what_is_in_no_payout_yet() -> None:
    wire = _wire()
    documents = pulled("shopify", SECRETS, NEW, wire)
    assert [each.url.removeprefix(BASE) for each in wire.sent][:2] == [
        "/balance/transactions.json?limit=250&payout_status=pending&test=false",
        # Payouts are dated ahead, so there is no last day; and what changes of the days before
        # is asked for again.
        "/payouts.json?limit=100&date_min=2026-02-28",
    ]
    # Not their transactions, which their own windows have told.
    assert "payout_id" not in " ".join(each.url for each in wire.sent)
    assert documents[0].name == "shopify-balance-transactions-pending-2026-03-15-1.json"
    lines = [each for each in records(documents[:1]) if isinstance(each, Line)]
    assert [(line.amount, line.payout_ref) for line in lines] == [
        (Decimal("5.00"), ""),
        (Decimal("-0.45"), ""),
    ]


def test_what_is_yielded_adds_up_to_the_payouts() -> None:
    documents = pulled("shopify", SECRETS, OLD, _wire())
    assert [each.name for each in documents] == [
        "shopify-payouts-2026-03-02-1.json",
        "shopify-balance-transactions-of-payout-56-1.json",
        "shopify-payouts-2026-03-02-2.json",
        "shopify-balance-transactions-of-payout-55-1.json",
        "shopify-balance-transactions-of-payout-55-2.json",
    ]
    found = records(documents)
    sums = {"55": Decimal(0), "56": Decimal(0)}
    for line in found:
        if isinstance(line, Line) and line.kind is not LineKind.PAYOUT:
            sums[line.payout_ref] += line.amount
    assert sums == {"55": Decimal("25.08"), "56": Decimal("6.50")}
    paid = {each.external_id: each.amount for each in found if isinstance(each, Payout)}
    assert paid == sums
    # The whole of payout 56 stands in one page, which proves itself.
    assert Totals(ties=True) in records(documents[1:2])


def test_the_bytes_are_the_answers_own() -> None:
    wire = _wire()
    documents = pulled("shopify", SECRETS, OLD, wire)
    assert [each.open().read() for each in documents] == [
        _answer(request).body for request in wire.sent
    ]
    assert all(each.head == each.open().read() for each in documents)
    assert {each.origin for each in documents} == {"pull"}


@pytest.mark.parametrize("window", [OLD, NEW])
def test_a_pull_goes_on_from_every_cursor(window: Window) -> None:
    goes_on_from_everywhere("shopify", SECRETS, window, _answer)


def test_a_list_whose_kept_mark_has_died_begins_anew_once() -> None:
    def dying(request: Request) -> Response:
        if "page_info=55~1" in request.url:
            return says({"errors": {"page_info": "Invalid value."}}, status=400)
        return _answer(request)

    documents = pulled("shopify", SECRETS, OLD, _wire())
    rest = Window(begin=OLD.begin, end=OLD.end, cursor=documents[3].cursor)
    wire = _wire(dying)
    with pytest.raises(RefusedCallError, match="Invalid value"):
        pulled("shopify", SECRETS, rest, wire)
    assert [each.url.rpartition("&")[2] for each in wire.sent] == [
        "page_info=55~1",
        "payout_id=55",
        "page_info=55~1",
    ]


def test_a_page_without_rows_is_no_document() -> None:
    wire = _wire(lambda request: says({"payouts": [], "transactions": []}))
    assert pulled("shopify", SECRETS, NEW, wire) == []
    assert len(wire.sent) == 2


@pytest.mark.parametrize(
    "shop",
    [
        "evil.example",
        "evil.example/x.myshopify.com",
        "evil.example#.myshopify.com",
        "x@evil.example",
        "a.b.myshopify.com",
        "-a.myshopify.com",
        "myshopify.com",
        "x.myshopify.com.evil.example",
        "x.myshopify.com:8443",
        "x\x00.myshopify.com",
        "ｘ.myshopify.com",
    ],
)
def test_a_token_is_never_sent_to_a_host_that_is_no_store(shop: str) -> None:
    wire = _wire()
    link = _link(shop=shop, app_key="client-id", secret="client-secret-of-ours")
    with pytest.raises(RefusedCallError, match=r"name\.myshopify\.com"):
        list(SHOPIFY.pull(wire, link, OLD))
    with pytest.raises(RefusedCallError):
        SHOPIFY.consent_url(link, state="s", back="https://hub.example/back")
    assert wire.sent == []


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, UnauthorisedError),
        (402, RefusedCallError),
        (403, RefusedCallError),
        (404, RefusedCallError),
        (423, UnavailableError),
    ],
)
def test_a_refusal_is_told_in_shopifys_words_without_the_token(
    status: int, error: type[AdapterError]
) -> None:
    said = {"errors": f"[API] no merchant approval for {SECRETS['access_token']}"}
    with pytest.raises(error, match="no merchant approval") as raised:
        SHOPIFY.probe(_wire(lambda request: says(said, status=status)), _link())
    assert SECRETS["access_token"] not in str(raised.value)
    assert str(status) in str(raised.value)


def test_an_answer_that_is_no_json_is_a_platform_that_is_not_there() -> None:
    wire = _wire(lambda request: Response(status=200, headers={}, body=b"<html>"))
    with pytest.raises(UnavailableError):
        pulled("shopify", SECRETS, OLD, wire)


def test_a_link_without_a_token_asks_nothing() -> None:
    wire = _wire()
    with pytest.raises(UnauthorisedError, match="access_token"):
        SHOPIFY.probe(wire, Link(secrets={"shop": SECRETS["shop"]}))
    assert wire.sent == []


def test_a_cursor_of_another_platform_is_refused() -> None:
    for cursor in ("po_1", "{}", '[["payouts",1]]'):
        window = Window(begin=OLD.begin, end=OLD.end, cursor=cursor)
        with pytest.raises(RefusedCallError, match="cursor"):
            pulled("shopify", SECRETS, window, _wire())


def test_the_probe_gives_the_stores_host() -> None:
    wire = _wire()
    assert SHOPIFY.probe(wire, _link()) == SECRETS["shop"]
    assert [each.url for each in wire.sent] == [f"{BASE}/payouts.json?limit=1"]


def test_a_transaction_may_state_the_time_it_was_processed() -> None:
    body = json.dumps({"transactions": OF_PAYOUT["56"][0]}).replace(
        '"2026-03-01"', '"2026-03-01T16:32:45Z"'
    )
    wire = _wire(
        lambda request: (
            Response(status=200, headers={}, body=body.encode())
            if "payout_id" in request.url
            else says({"payouts": PAYOUTS[0]})
        )
    )
    found = records(pulled("shopify", SECRETS, OLD, wire))
    at = {each.event_at for each in found if isinstance(each, Line)}
    assert at == {datetime(2026, 3, 1, 16, 32, 45, tzinfo=UTC)}


# --- consent ------------------------------------------------------------------------------


def _signed(**answer: str) -> dict[str, str]:
    text = "&".join(f"{name}={answer[name]}" for name in sorted(answer))
    key = APPLICATION["secret"].encode()
    return {**answer, "hmac": hmac.new(key, text.encode(), hashlib.sha256).hexdigest()}


def _returned(**changed: str) -> dict[str, str]:
    stamp = str(int(NOW.timestamp()))
    answer = {"code": "the-code", "shop": SECRETS["shop"], "state": "abc", "timestamp": stamp}
    return _signed(**{**answer, "host": "YWRtaW4uc2hvcGlmeS5jb20", **changed})


def _granted(request: Request) -> Response:
    return says(
        {
            "access_token": "shpat_new",
            "scope": "read_shopify_payments_payouts",
            "expires_in": 3600,
            "refresh_token": "shprt_new",
            "refresh_token_expires_in": 7776000,
        }
    )


def test_the_browser_is_sent_to_the_stores_own_page_of_consent() -> None:
    url = SHOPIFY.consent_url(Link(secrets=APPLICATION), state="a b", back="https://hub.example/b")
    assert url == (
        f"{HOST}/admin/oauth/authorize?client_id=client-id&scope=read_shopify_payments_payouts"
        "&redirect_uri=https%3A%2F%2Fhub.example%2Fb&state=a%20b"
    )


def test_a_return_that_shopify_signed_is_redeemed() -> None:
    wire = _wire(_granted)
    tokens = SHOPIFY.exchange(
        wire, Link(secrets=APPLICATION), answer=_returned(), back="https://hub.example/b"
    )
    assert tokens.secrets == {"access_token": "shpat_new", "refresh_token": "shprt_new"}
    assert tokens.expires_at == NOW + timedelta(hours=1)
    assert tokens.renewable_until == NOW + timedelta(days=90)
    assert (tokens.shop, tokens.scopes) == (SECRETS["shop"], ("read_shopify_payments_payouts",))
    (request,) = wire.sent
    assert (request.method, request.url) == ("POST", f"{HOST}/admin/oauth/access_token")
    assert json.loads(request.body) == {
        "client_id": "client-id",
        "client_secret": "client-secret-of-ours",
        "code": "the-code",
        "expiring": "1",
    }


def test_published_vectors_of_the_return_are_accepted() -> None:
    vectors = json.loads((FIXTURES / "known_answer_vectors.json").read_text())["shopify"]
    found = [vector for vector in vectors if vector["kind"] == "oauth_callback"]
    assert len(found) == 2
    for vector in found:
        answer = dict(pair.split("=") for pair in vector["signed_string"].split("&"))
        link = Link(
            secrets={"app_key": "id", "secret": f"another\n{vector['secret']}",
                     "shop": answer["shop"]}
        )  # fmt: skip
        at = datetime.fromtimestamp(int(answer["timestamp"]), UTC)
        wire = Wire(answer=_granted, at=at + timedelta(seconds=90))
        SHOPIFY.exchange(wire, link, answer={**answer, "hmac": vector["expected"]}, back="")
        wrong = vector["expected"].replace("4", "5")
        with pytest.raises(UnauthorisedError, match="not signed"):
            SHOPIFY.exchange(wire, link, answer={**answer, "hmac": wrong}, back="")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (_returned() | {"code": "another"}, "not signed"),
        (_returned() | {"added": "1"}, "not signed"),
        ({"code": "the-code"}, "not signed"),
        (_returned(shop="other.myshopify.com"), "another shop"),
        (_returned(timestamp=str(int(NOW.timestamp()) - 91)), "begin again"),
        (_returned(timestamp=str(int(NOW.timestamp()) + 91)), "begin again"),
        (_returned(timestamp="soon"), "begin again"),
    ],
)
def test_a_return_that_is_not_shopifys_or_too_old_is_not_redeemed(
    answer: dict[str, str], reason: str
) -> None:
    wire = _wire(_granted)
    with pytest.raises(UnauthorisedError, match=reason):
        SHOPIFY.exchange(wire, Link(secrets=APPLICATION), answer=answer, back="")
    assert wire.sent == []


def test_two_pairs_cannot_be_signed_as_one() -> None:
    """`code=x&shop=…` as the value of one name must not pass for two names."""
    stamp = str(int(NOW.timestamp()))
    whole = _signed(code="x", shop=SECRETS["shop"], timestamp=stamp)
    joined = {"code": f"x&shop={SECRETS['shop']}", "timestamp": stamp, "hmac": whole["hmac"]}
    with pytest.raises(UnauthorisedError, match="not signed"):
        SHOPIFY.exchange(_wire(_granted), Link(secrets=APPLICATION), answer=joined, back="")


def test_a_token_is_renewed_and_the_refresh_token_with_it() -> None:
    wire = _wire(_granted)
    tokens = SHOPIFY.renew(wire, Link(secrets={**APPLICATION, "refresh_token": "shprt_old"}))
    assert tokens.secrets["refresh_token"] == "shprt_new"
    assert json.loads(wire.sent[0].body) == {
        "client_id": "client-id",
        "client_secret": "client-secret-of-ours",
        "grant_type": "refresh_token",
        "refresh_token": "shprt_old",
    }


@pytest.mark.parametrize("status", [400, 401])
def test_a_refresh_token_that_is_over_asks_for_consent_again(status: int) -> None:
    said = {"error": "invalid_request", "error_description": "bad token shprt_old"}
    wire = _wire(lambda request: says(said, status=status))
    with pytest.raises(UnauthorisedError, match="invalid_request") as raised:
        SHOPIFY.renew(wire, Link(secrets={**APPLICATION, "refresh_token": "shprt_old"}))
    assert "shprt_old" not in str(raised.value)


def test_a_token_that_does_not_end_needs_no_renewal() -> None:
    wire = _wire(lambda request: says({"access_token": "shpat_x", "scope": "a,b"}))
    tokens = SHOPIFY.exchange(wire, Link(secrets=APPLICATION), answer=_returned(), back="")
    assert (tokens.expires_at, tokens.renewable_until) == (None, None)
    assert tokens.scopes == ("a", "b")
    with pytest.raises(UnauthorisedError, match="refresh_token"):
        SHOPIFY.renew(wire, Link(secrets=APPLICATION))
