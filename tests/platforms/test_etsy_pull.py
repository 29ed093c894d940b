"""Etsy is asked for its ledger in spans it allows, and linked without anything being stored."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from platforms.contract import Document, Link, UnauthorisedError, UnavailableError
from platforms.pulling import RefusedCallError, Request, Response, Window
from tests.platforms.pulled import (
    adapter_of,
    answer,
    booked,
    payouts_of,
    records_of,
    require_resumable,
)
from tests.platforms.wire import Wire

ETSY = adapter_of("etsy")
OPERATOR = {"app_key": "keystr1ng", "app_secret": "sh4red-s3cr3t"}
LINK = Link(secrets={**OPERATOR, "access_token": "12345.t0k3n", "shop": "9876"})
DAY = datetime(2026, 3, 14, tzinfo=UTC)
ONE_DAY = Window(begin=DAY, end=DAY + timedelta(days=1))
BACK = "https://hub.test/linked/etsy?x=1"


def entry(number: int, at: datetime, amount: int = 100, description: str = "payment") -> Any:
    return {
        "entry_id": 8_800_000_000 + number,
        "ledger_id": 5,
        "sequence_number": number,
        "amount": amount,
        "currency": "GBP",
        "description": description,
        "balance": 0,
        "create_date": int(at.timestamp()),
        "created_timestamp": int(at.timestamp()),
        "ledger_type": "X",
        "reference_type": "an_object",
        "reference_id": str(number),
    }


def ledger(*entries: Any) -> list[Any]:
    """The entries with the running balance."""
    balance = 0
    for found in entries:
        balance += found["amount"]
        found["balance"] = balance
    return list(entries)


class Etsy:
    """Answers in the form of the guide, newest entries first; `most` is the highest offset."""

    def __init__(self, entries: list[Any], *, counts: bool = True) -> None:
        self.entries = sorted(entries, key=lambda found: -found["sequence_number"])
        self.counts = counts

    def __call__(self, request: Request) -> Response:
        assert request.headers["x-api-key"] == "keystr1ng:sh4red-s3cr3t"
        assert request.headers["Authorization"] == "Bearer 12345.t0k3n"
        url = urlsplit(request.url)
        if url.path == "/v3/application/users/me":
            return answer({"user_id": 12345, "shop_id": 9876})
        query = {name: int(values[0]) for name, values in parse_qs(url.query).items()}
        if query["max_created"] - query["min_created"] > 2_678_400:
            return answer({"error": "Time window … must be no more than 2678400 seconds"}, 400)
        if query["offset"] > 12_000:
            return answer({"error": "Offset provided is greater than the maximum"}, 400)
        found = [
            found
            for found in self.entries
            if query["min_created"] <= found["created_timestamp"] <= query["max_created"]
        ]
        page = found[query["offset"] : query["offset"] + query["limit"]]
        return answer({"count": len(found) if self.counts else len(page), "results": page})


def pulled(server: Any, window: Window) -> Iterator[Document]:
    return iter(ETSY.pull(Wire(answer=server), LINK, window))


def test_the_ledger_is_asked_with_the_key_its_secret_and_the_sellers_token() -> None:
    wire = Wire(answer=Etsy([]))
    assert list(ETSY.pull(wire, LINK, ONE_DAY)) == []
    (sent,) = wire.sent
    assert (sent.method, sent.body) == ("GET", b"")
    assert sent.url == (
        "https://openapi.etsy.com/v3/application/shops/9876/payment-account/ledger-entries"
        "?min_created=1773446400&max_created=1773532799&limit=100&offset=0"
    )


def test_lines_and_disbursements_are_read_and_tie_to_the_balance() -> None:
    entries = ledger(
        entry(1, DAY, 2999),
        entry(2, DAY + timedelta(hours=1), -144, "bill payment"),
        entry(3, DAY + timedelta(hours=2), -2500, "disbursement"),
    )
    (found,) = pulled(Etsy(entries), ONE_DAY)
    assert found.name == "etsy-ledger-entries-2026-03-14-1.json"
    records = records_of([found], "etsy")
    assert sum(booked(records).values()) == Decimal("3.55")
    assert payouts_of(records) == {"8800000003": Decimal("25.00")}
    assert records[-1].ties is True  # type: ignore[union-attr]


@pytest.mark.parametrize("counts", [True, False])
def test_pages_of_100_follow_one_another_whatever_the_count_counts(counts: bool) -> None:
    entries = ledger(*(entry(n, DAY + timedelta(minutes=n)) for n in range(1, 251)))
    found = list(pulled(Etsy(entries, counts=counts), ONE_DAY))
    assert [document.name for document in found] == [
        f"etsy-ledger-entries-2026-03-14-{page}.json" for page in (1, 2, 3)
    ]
    assert sum(booked(records_of(found, "etsy")).values()) == Decimal("250.00")


def test_a_long_window_is_asked_in_spans_of_31_days() -> None:
    entries = ledger(*(entry(n, DAY + timedelta(days=10 * n)) for n in range(7)))
    wire = Wire(answer=Etsy(entries))
    found = list(ETSY.pull(wire, LINK, Window(begin=DAY, end=DAY + timedelta(days=70))))
    asked = [parse_qs(urlsplit(request.url).query) for request in wire.sent]
    assert [int(query["min_created"][0]) for query in asked] == [
        int((DAY + timedelta(days=31 * span)).timestamp()) for span in range(3)
    ]
    assert sum(booked(records_of(found, "etsy")).values()) == Decimal("7.00")


def test_more_entries_than_offsets_reach_are_asked_in_halves() -> None:
    entries = ledger(*(entry(n, DAY + timedelta(seconds=5 * n)) for n in range(1, 12_102)))
    found = list(pulled(Etsy(entries), ONE_DAY))
    assert len(found) > 121
    assert len({document.name for document in found}) == len(found)
    assert sum(booked(records_of(found, "etsy")).values()) == Decimal("12101.00")


def test_from_every_cursor_the_rest_follows() -> None:
    entries = ledger(*(entry(n, DAY + timedelta(hours=2 * n)) for n in range(1, 600)))
    window = Window(begin=DAY, end=DAY + timedelta(days=45))
    require_resumable(lambda asked: pulled(Etsy(entries), asked), window)


def test_a_page_without_rows_is_not_given_but_its_successor_is_asked() -> None:
    entries = ledger(*(entry(n, DAY + timedelta(minutes=n)) for n in range(1, 151)))
    server = Etsy(entries)

    def patchy(request: Request) -> Response:
        if request.url.endswith("offset=0"):
            return answer({"count": 150, "results": []})
        return server(request)

    assert [found.name[-6:] for found in pulled(patchy, ONE_DAY)] == ["2.json"]


@pytest.mark.parametrize(
    ("status", "said", "error"),
    [
        (401, {"error": "invalid_token", "error_description": "expired"}, UnauthorisedError),
        (403, {"error": "Shared secret is required in x-api-key header."}, UnauthorisedError),
        (403, {"error": "insufficient_scope 12345.t0k3n"}, RefusedCallError),
        (400, {"error": "Time window of sh4red-s3cr3t"}, RefusedCallError),
        (404, {}, RefusedCallError),
    ],
)
def test_a_refusal_is_named_and_holds_no_secret(
    status: int, said: dict[str, Any], error: type[Exception]
) -> None:
    wire = Wire(answer=lambda request: answer(said, status))
    for call in (lambda: ETSY.probe(wire, LINK), lambda: list(ETSY.pull(wire, LINK, ONE_DAY))):
        with pytest.raises(error, match=f"Etsy answered {status}") as caught:
            call()
        assert "t0k3n" not in str(caught.value)
        assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("said", [{"results": []}, {"count": True, "results": []}, {"count": 1}])
def test_a_page_without_its_count_or_rows_is_an_outage(said: dict[str, Any]) -> None:
    with pytest.raises(UnavailableError):
        list(pulled(lambda request: answer(said), ONE_DAY))


def test_the_probe_names_the_shop() -> None:
    assert ETSY.probe(Wire(answer=Etsy([])), LINK) == "9876"


def test_without_the_operators_application_nothing_is_sent() -> None:
    wire = Wire(answer=Etsy([]))
    with pytest.raises(UnauthorisedError, match="no app_key"):
        ETSY.probe(wire, Link(secrets={"access_token": "12345.t0k3n"}))
    assert wire.sent == []


# --- consent --------------------------------------------------------------------------

GRANTED = {
    "access_token": "12345.t0k3n",
    "token_type": "Bearer",
    "expires_in": 3600,
    "refresh_token": "12345.n3xt",
}
CONSENTING = Link(secrets=OPERATOR)


def consent(request: Request) -> Response:
    if request.url == "https://api.etsy.com/v3/public/oauth/token":
        return answer(GRANTED)
    return Etsy([])(request)


def asked(state: str, link: Link = CONSENTING) -> dict[str, list[str]]:
    return parse_qs(urlsplit(ETSY.consent_url(link, state=state, back=BACK)).query)


def redeemed(state: str) -> dict[str, list[str]]:
    wire = Wire(answer=consent)
    ETSY.exchange(wire, CONSENTING, answer={"code": "c0de", "state": state}, back=BACK)
    return parse_qs(wire.sent[0].body.decode())


def test_the_seller_is_sent_to_the_page_of_consent() -> None:
    url = ETSY.consent_url(CONSENTING, state="st-1", back=BACK)
    assert url.startswith("https://www.etsy.com/oauth/connect?")
    query = asked("st-1")
    assert len(query.pop("code_challenge")[0]) == 43
    assert query == {
        "response_type": ["code"],
        "client_id": ["keystr1ng"],
        "redirect_uri": [BACK],
        "scope": ["transactions_r shops_r"],
        "state": ["st-1"],
        "code_challenge_method": ["S256"],
    }


def test_the_verifier_that_redeems_is_the_one_whose_hash_was_sent() -> None:
    (verifier,) = redeemed("st-1")["code_verifier"]
    assert re.fullmatch("[A-Za-z0-9_-]{43}", verifier)
    digest = hashlib.sha256(verifier.encode()).digest()
    hashed = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert asked("st-1")["code_challenge"] == [hashed]


def test_another_state_or_another_secret_makes_another_verifier() -> None:
    assert redeemed("st-1")["code_verifier"] != redeemed("st-2")["code_verifier"]
    other = Link(secrets={**OPERATOR, "app_secret": "another"})
    assert asked("st-1")["code_challenge"] != asked("st-1", other)["code_challenge"]


def test_a_code_is_redeemed_for_tokens_and_the_shops_number() -> None:
    wire = Wire(answer=consent)
    tokens = ETSY.exchange(wire, CONSENTING, answer={"code": "c0de", "state": "s"}, back=BACK)
    sent = parse_qs(wire.sent[0].body.decode())
    sent.pop("code_verifier")
    assert sent == {
        "client_id": ["keystr1ng"],
        "grant_type": ["authorization_code"],
        "redirect_uri": [BACK],
        "code": ["c0de"],
    }
    assert b"sh4red" not in wire.sent[0].body
    assert tokens.secrets == {
        "access_token": "12345.t0k3n",
        "refresh_token": "12345.n3xt",
        "shop": "9876",
    }
    assert tokens.expires_at == wire.at + timedelta(hours=1)
    assert tokens.renewable_until == wire.at + timedelta(days=90)
    assert (tokens.shop, tokens.scopes) == ("9876", ("transactions_r", "shops_r"))


def test_a_renewal_keeps_the_shop_and_gives_the_next_refresh_token() -> None:
    wire = Wire(answer=consent)
    link = Link(secrets={**OPERATOR, "refresh_token": "12345.0ld", "shop": "9876"})
    tokens = ETSY.renew(wire, link)
    assert parse_qs(wire.sent[0].body.decode()) == {
        "client_id": ["keystr1ng"],
        "grant_type": ["refresh_token"],
        "refresh_token": ["12345.0ld"],
    }
    assert (tokens.secrets["refresh_token"], tokens.shop) == ("12345.n3xt", "9876")


@pytest.mark.parametrize(
    "brought", [{}, {"code": "c0de"}, {"error": "access_denied", "state": "s"}]
)
def test_a_browser_without_a_code_or_a_state_is_no_consent(brought: dict[str, str]) -> None:
    wire = Wire(answer=consent)
    with pytest.raises(UnauthorisedError):
        ETSY.exchange(wire, CONSENTING, answer=brought, back=BACK)
    assert wire.sent == []


def test_a_spent_code_or_refresh_token_is_refused_and_stays_unsaid() -> None:
    said = {"error": "invalid_grant", "error_description": "12345.0ld and c0de are spent"}
    wire = Wire(answer=lambda request: answer(said, 400))
    link = Link(secrets={**OPERATOR, "refresh_token": "12345.0ld"})
    with pytest.raises(UnauthorisedError) as renewal:
        ETSY.renew(wire, link)
    with pytest.raises(UnauthorisedError) as exchange:
        ETSY.exchange(wire, link, answer={"code": "c0de", "state": "s"}, back=BACK)
    for caught in (renewal, exchange):
        assert "0ld" not in str(caught.value)
    assert "c0de" not in str(exchange.value)


def test_a_seller_without_a_shop_cannot_be_linked() -> None:
    def server(request: Request) -> Response:
        return answer(GRANTED if "oauth" in request.url else {"user_id": 12345})

    with pytest.raises(RefusedCallError, match="has no shop"):
        ETSY.exchange(
            Wire(answer=server), CONSENTING, answer={"code": "c", "state": "s"}, back=BACK
        )
