"""eBay: what is asked of the Finances API, how it is signed, and how a store is linked."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from platforms.adapters.ebay import ADAPTER as EBAY
from platforms.contract import (
    AdapterError,
    Line,
    LineKind,
    Link,
    Payout,
    UnauthorisedError,
    UnavailableError,
)
from platforms.pulling import RefusedCallError, Request, Response, Window
from tests.platforms.cases import FIXTURES
from tests.platforms.resuming import day, goes_on_from_everywhere, pulled, records, says
from tests.platforms.wire import Wire

SECRETS = {"access_token": "v^1.1#not-a-real-token"}
APPLICATION = {"app_key": "client-id", "secret": "cert-of-ours", "app_id": "Tributary-RuName-x"}
WINDOW = day(14)
BASE = "https://apiz.ebay.com/sell/finances/v1"
VECTOR = next(
    vector
    for vector in json.loads((FIXTURES / "known_answer_vectors.json").read_text())["ebay"]
    if vector["kind"] == "request_http_message_signature"
)
PEM = f"-----BEGIN PRIVATE KEY-----\n{VECTOR['private_key_pkcs8_b64']}\n-----END PRIVATE KEY-----\n"


def _transaction(name: str, word: str, entry: str, value: str, payout: str) -> dict[str, Any]:
    return {
        "transactionId": name,
        **({"payoutId": payout} if payout else {}),
        "transactionType": word,
        "transactionStatus": "PAYOUT",
        "amount": {"value": value, "currency": "USD"},
        "bookingEntry": entry,
        "transactionDate": "2026-03-14T12:52:12.625Z",
    }


# Payout 71: 189.29 − 4.85 = 184.44. The sale of the day before is in no payout yet.
OF_PAYOUT = [
    _transaction("FEE-1", "NON_SALE_CHARGE", "DEBIT", "4.85", "71"),
    _transaction("SALE-1", "SALE", "CREDIT", "189.29", "71"),
]
TRANSACTIONS = [_transaction("SALE-3", "SALE", "CREDIT", "7.00", ""), *OF_PAYOUT]
PAYOUTS: list[dict[str, Any]] = [
    {
        "payoutId": "71",
        "payoutStatus": "SUCCEEDED",
        "payoutDate": "2026-03-14T15:00:00.000Z",
        "amount": {"value": "184.44", "currency": "USD"},
        "bankReference": "BANK-71",
        "transactionCount": 2,
    },
    {
        "payoutId": "70",
        "payoutStatus": "REVERSED",
        "payoutDate": "2026-03-13T15:00:00.000Z",
        "amount": {"value": "1.00", "currency": "USD"},
    },
]


def _answer(request: Request) -> Response:
    """The seller, two rows a page whatever the limit asked for."""
    parts = urlsplit(request.url)
    asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
    name = "payouts" if parts.path.endswith("/payout") else "transactions"
    found: list[dict[str, Any]] = PAYOUTS if name == "payouts" else TRANSACTIONS
    if asked.get("filter", "").startswith("payoutId:"):
        assert asked["filter"] == "payoutId:{71}"
        found = OF_PAYOUT
    offset = int(asked.get("offset", 0))
    page = found[offset : offset + 2]
    return says({"total": len(found), "limit": 2, "offset": offset, name: page})


def _filters(wire: Wire) -> list[tuple[str, str, str]]:
    asked = [
        (urlsplit(each.url).path, dict(parse_qsl(urlsplit(each.url).query))) for each in wire.sent
    ]
    return [
        (path[len("/sell/finances/v1/") :], q["filter"], q.get("offset", "")) for path, q in asked
    ]


def test_transactions_and_payouts_of_the_day_are_asked_for_and_then_those_of_each_payout() -> None:
    wire = Wire(answer=_answer)
    pulled("ebay", SECRETS, WINDOW, wire)
    span = "[2026-03-14T00:00:00.000Z..2026-03-14T23:59:59.999Z]"
    earlier = span.replace("03-14T00", "02-28T00")
    assert _filters(wire) == [
        ("transaction", f"transactionDate:{span}", ""),
        ("transaction", f"transactionDate:{span}", "2"),
        # The window reaches the present: the payouts of two weeks before may still change.
        ("payout", f"payoutDate:{earlier}", ""),
        ("transaction", "payoutId:{71}", ""),
    ]
    assert [parse_qs(urlsplit(each.url).query)["limit"] for each in wire.sent] == [
        ["1000"],
        ["1000"],
        ["200"],
        ["1000"],
    ]
    for request in wire.sent:
        assert request.headers == {
            "Authorization": f"Bearer {SECRETS['access_token']}",
            "Accept": "application/json",
            "X-EBAY-C-MARKETPLACE-ID": "EBAY_US",
        }


def test_what_is_yielded_adds_up_to_the_payout() -> None:
    documents = pulled("ebay", SECRETS, WINDOW, Wire(answer=_answer))
    assert [each.name for each in documents] == [
        "ebay-transactions-2026-03-14-1.json",
        "ebay-transactions-2026-03-14-2.json",
        "ebay-payouts-2026-02-28-to-2026-03-14-1.json",
        "ebay-transactions-of-payout-71-1.json",
    ]
    # The same lines under the same numbers in both lists.
    found = {each.external_id: each for each in records(documents) if isinstance(each, Line)}
    sums: dict[str, Decimal] = {}
    for line in found.values():
        if line.kind is not LineKind.PAYOUT:
            sums[line.payout_ref] = sums.get(line.payout_ref, Decimal(0)) + line.amount
    assert sums == {"": Decimal("7.00"), "71": Decimal("184.44")}
    payouts = [each for each in records(documents) if isinstance(each, Payout)]
    assert [(each.amount, each.remittance) for each in payouts] == [
        (Decimal("184.44"), "BANK-71"),
        (Decimal("1.00"), ""),
    ]


def test_a_pull_goes_on_from_every_cursor() -> None:
    goes_on_from_everywhere("ebay", SECRETS, WINDOW, _answer)


def test_nothing_to_tell_is_said_without_a_body() -> None:
    wire = Wire(answer=lambda request: Response(status=204, headers={}, body=b""))
    assert pulled("ebay", SECRETS, WINDOW, wire) == []
    assert len(wire.sent) == 2


def test_a_window_longer_than_ebay_allows_is_asked_for_in_pieces() -> None:
    wire = Wire(answer=lambda request: Response(status=204, headers={}, body=b""))
    begin = datetime(2022, 1, 1, tzinfo=UTC)
    pulled("ebay", SECRETS, Window(begin=begin, end=begin + timedelta(days=1_001)), wire)
    assert [wanted for path, wanted, _ in _filters(wire) if path == "payout"] == [
        "payoutDate:[2022-01-01T00:00:00.000Z..2024-09-26T23:59:59.999Z]",
        "payoutDate:[2024-09-27T00:00:00.000Z..2024-09-27T23:59:59.999Z]",
    ]


# --- signatures ---------------------------------------------------------------------------


def _signed_by_ebays_test_key(request: Request, at: datetime) -> None:
    """Rebuild the base of RFC 9421 by hand and verify it with the published public key."""
    key = load_der_public_key(base64.b64decode(VECTOR["public_key_spki_b64"]))
    assert isinstance(key, Ed25519PublicKey)
    covered = '("x-ebay-signature-key" "@method" "@path" "@authority")'
    parameters = f"{covered};created={int(at.timestamp())}"
    base = "\n".join(
        [
            f'"x-ebay-signature-key": {request.headers["x-ebay-signature-key"]}',
            '"@method": GET',
            f'"@path": {urlsplit(request.url).path}',
            '"@authority": apiz.ebay.com',
            f'"@signature-params": {parameters}',
        ]
    )
    assert request.headers["signature-input"] == f"sig1={parameters}"
    given = request.headers["signature"].removeprefix("sig1=:").removesuffix(":")
    key.verify(base64.b64decode(given), base.encode())


@pytest.mark.parametrize("key", [PEM, VECTOR["private_key_pkcs8_b64"]])
def test_every_call_of_a_seller_with_a_key_is_signed(key: str) -> None:
    wire = Wire(answer=_answer)
    secrets = {**SECRETS, "region": "gb", "private_key": key, "serial": "the.jwe.of.ebay"}
    pulled("ebay", secrets, WINDOW, wire)
    assert len(wire.sent) == 4
    for request in wire.sent:
        assert request.headers["X-EBAY-C-MARKETPLACE-ID"] == "EBAY_GB"
        assert request.headers["x-ebay-signature-key"] == "the.jwe.of.ebay"
        _signed_by_ebays_test_key(request, wire.at)


@pytest.mark.parametrize("region", ["GB", "DE", "PL"])
def test_a_seller_of_the_eu_or_the_uk_without_a_key_asks_nothing(region: str) -> None:
    wire = Wire(answer=_answer)
    with pytest.raises(UnauthorisedError, match=f"private_key, which EBAY_{region}"):
        EBAY.probe(wire, Link(secrets={**SECRETS, "region": region}))
    with pytest.raises(UnauthorisedError, match="serial"):
        EBAY.probe(wire, Link(secrets={**SECRETS, "region": region, "private_key": PEM}))
    assert wire.sent == []


def test_a_region_that_ebay_has_not_is_refused_with_those_it_has() -> None:
    with pytest.raises(RefusedCallError, match=r"there are AT, BE, .*US"):
        EBAY.probe(Wire(answer=_answer), Link(secrets={**SECRETS, "region": "CN"}))


# --- refusals -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, RefusedCallError), (401, UnauthorisedError), (403, RefusedCallError)],
)
def test_a_refusal_is_told_in_ebays_words_without_the_token(
    status: int, error: type[AdapterError]
) -> None:
    said = {"errors": [{"errorId": 1100, "message": f"Access denied {SECRETS['access_token']}"}]}
    wire = Wire(answer=lambda request: says(said, status=status))
    with pytest.raises(error, match="Access denied") as raised:
        EBAY.probe(wire, Link(secrets=SECRETS))
    assert SECRETS["access_token"] not in str(raised.value)


def test_a_key_that_cannot_be_read_is_not_repeated() -> None:
    secrets = {**SECRETS, "private_key": "bm90IGEga2V5", "serial": "the.jwe"}
    with pytest.raises(UnauthorisedError, match="cannot be read") as raised:
        EBAY.probe(Wire(answer=_answer), Link(secrets=secrets))
    assert "bm90" not in str(raised.value)


def test_a_page_that_does_not_say_how_many_there_are_is_no_end() -> None:
    wire = Wire(answer=lambda request: says({"transactions": OF_PAYOUT}))
    with pytest.raises(UnavailableError, match="how many"):
        pulled("ebay", SECRETS, WINDOW, wire)


def test_the_probe_asks_for_one_payout() -> None:
    wire = Wire(answer=_answer)
    assert EBAY.probe(wire, Link(secrets=SECRETS)) == ""
    assert [each.url for each in wire.sent] == [f"{BASE}/payout?limit=1"]


# --- consent ------------------------------------------------------------------------------


def _tokens(request: Request) -> Response:
    form = dict(parse_qsl(request.body.decode()))
    answer: dict[str, object] = {"access_token": "v^1.1#new", "expires_in": 7200,
                                 "token_type": "User Access Token"}  # fmt: skip
    if form["grant_type"] == "authorization_code":
        answer |= {"refresh_token": "v^1.1#refresh", "refresh_token_expires_in": 47_304_000}
    return says(answer)


def _form(request: Request) -> Mapping[str, str]:
    return dict(parse_qsl(request.body.decode(), strict_parsing=True))


def test_the_browser_is_sent_to_ebay_with_the_name_of_the_address_of_return() -> None:
    url = EBAY.consent_url(Link(secrets=APPLICATION), state="abc", back="https://hub.example/b")
    assert url == (
        "https://auth.ebay.com/oauth2/authorize?client_id=client-id"
        "&redirect_uri=Tributary-RuName-x&response_type=code"
        "&scope=https%3A%2F%2Fapi.ebay.com%2Foauth%2Fapi_scope%2Fsell.finances&state=abc"
    )


def test_a_code_is_redeemed_with_the_applications_own_credentials() -> None:
    wire = Wire(answer=_tokens)
    answer = {"code": "v^1.1#code/+=", "state": "abc", "expires_in": "299"}
    tokens = EBAY.exchange(wire, Link(secrets=APPLICATION), answer=answer, back="")
    assert tokens.secrets == {"access_token": "v^1.1#new", "refresh_token": "v^1.1#refresh"}
    assert tokens.expires_at == wire.at + timedelta(hours=2)
    assert tokens.renewable_until == wire.at + timedelta(seconds=47_304_000)
    (request,) = wire.sent
    assert request.url == "https://api.ebay.com/identity/v1/oauth2/token"
    pair = base64.b64encode(b"client-id:cert-of-ours").decode()
    assert request.headers["Authorization"] == f"Basic {pair}"
    assert _form(request) == {
        "grant_type": "authorization_code",
        "code": "v^1.1#code/+=",
        "redirect_uri": "Tributary-RuName-x",
    }


def test_a_link_by_key_gets_one_access_token_for_a_whole_pull() -> None:
    secrets = {**APPLICATION, "refresh_token": "v^1.1#kept"}
    wire = Wire(
        answer=lambda request: _tokens(request) if request.method == "POST" else _answer(request)
    )
    documents = pulled("ebay", secrets, WINDOW, wire)
    assert len(documents) == 4
    assert [each.method for each in wire.sent] == ["POST", "GET", "GET", "GET", "GET"]
    assert _form(wire.sent[0]) == {
        "grant_type": "refresh_token",
        "refresh_token": "v^1.1#kept",
        "scope": "https://api.ebay.com/oauth/api_scope/sell.finances",
    }
    assert wire.sent[1].headers["Authorization"] == "Bearer v^1.1#new"


def test_a_consent_that_has_ended_is_asked_for_again() -> None:
    said = {"error": "invalid_grant", "error_description": "v^1.1#kept is over"}
    wire = Wire(answer=lambda request: says(said, status=400))
    link = Link(secrets={**APPLICATION, "refresh_token": "v^1.1#kept"})
    with pytest.raises(UnauthorisedError, match="invalid_grant") as raised:
        EBAY.renew(wire, link)
    assert "v^1.1#kept" not in str(raised.value)
    with pytest.raises(UnauthorisedError, match="no code"):
        EBAY.exchange(wire, link, answer={"error": "access_denied"}, back="")


def test_a_cursor_of_another_platform_is_refused() -> None:
    window = dataclasses.replace(WINDOW, cursor="report:1")
    with pytest.raises(RefusedCallError, match="cursor"):
        pulled("ebay", SECRETS, window, Wire(answer=_answer))
