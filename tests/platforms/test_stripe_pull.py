"""Stripe: what is asked of the API, and in which order."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from platforms.adapters.stripe import ADAPTER as STRIPE
from platforms.contract import (
    AdapterError,
    Line,
    Link,
    Payout,
    UnauthorisedError,
    UnavailableError,
)
from platforms.pulling import RefusedCallError, Request, Response
from tests.platforms.resuming import day, goes_on_from_everywhere, pulled, records, says
from tests.platforms.wire import Wire

SECRETS = {"access_token": "rk_live_not_a_real_key_0001", "secret": "whsec_of_the_hook"}
WINDOW = day(14)
BEGIN = int(datetime(2026, 3, 14, tzinfo=UTC).timestamp())


def _transaction(number: int, category: str, amount: int, fee: int, source: str) -> dict[str, Any]:
    return {
        "id": f"txn_{number}",
        "object": "balance_transaction",
        "amount": amount,
        "available_on": BEGIN + 172_800,
        "created": BEGIN + number,
        "currency": "usd",
        "fee": fee,
        "fee_details": [],
        "net": amount - fee,
        "reporting_category": category,
        "source": source,
        "status": "pending",
        "type": category,
    }


# 20.00 − 0.88 − 3.45 + 0.00 = 15.67, and the payout of 15.67 takes it away.
TRANSACTIONS = [
    _transaction(5, "payout", -1567, 0, "po_1"),
    _transaction(4, "refund", -345, 0, "re_1"),
    _transaction(3, "charge", 2000, 88, "ch_1"),
]
PAYOUTS = [
    {
        "id": "po_1",
        "object": "payout",
        "amount": 1567,
        "arrival_date": BEGIN + 86_400,
        "automatic": True,
        "created": BEGIN + 5,
        "currency": "usd",
        "livemode": True,
        "status": "paid",
        "trace_id": {"status": "supported", "value": "TRACE-1"},
    }
]


def _answer(request: Request) -> Response:
    """The account, two rows a page."""
    parts = urlsplit(request.url)
    asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
    found: list[dict[str, Any]] = PAYOUTS if parts.path.endswith("payouts") else TRANSACTIONS
    ids = [row["id"] for row in found]
    start = ids.index(asked["starting_after"]) + 1 if "starting_after" in asked else 0
    page = found[start : start + 2]
    return says(
        {"object": "list", "data": page, "has_more": start + 2 < len(found), "url": parts.path}
    )


def test_both_lists_are_asked_for_by_the_seconds_of_the_day() -> None:
    wire = Wire(answer=_answer)
    pulled("stripe", SECRETS, WINDOW, wire)
    created = "limit=100&created%5Bgte%5D=1773446400&created%5Blt%5D=1773532800"
    base = "https://api.stripe.com/v1"
    assert [each.url for each in wire.sent] == [
        f"{base}/balance_transactions?{created}",
        f"{base}/balance_transactions?{created}&starting_after=txn_4",
        f"{base}/payouts?{created}",
    ]
    for request in wire.sent:
        assert request.headers == {
            "Authorization": f"Bearer {SECRETS['access_token']}",
            "Stripe-Version": "2024-06-20",
        }


def test_what_is_yielded_adds_up() -> None:
    documents = pulled("stripe", SECRETS, WINDOW, Wire(answer=_answer))
    assert [each.name for each in documents] == [
        "stripe-balance-transactions-2026-03-14-1.json",
        "stripe-balance-transactions-2026-03-14-2.json",
        "stripe-payouts-2026-03-14-1.json",
    ]
    found = records(documents)
    lines = [each for each in found if isinstance(each, Line)]
    assert [line.amount for line in lines] == [
        Decimal("-15.67"),
        Decimal("-3.45"),
        Decimal("20.00"),
        Decimal("-0.88"),
    ]
    payouts = [each for each in found if isinstance(each, Payout)]
    assert {(each.external_id, each.amount) for each in payouts} == {("po_1", Decimal("15.67"))}
    assert payouts[-1].remittance == "TRACE-1"


def test_a_pull_goes_on_from_every_cursor() -> None:
    goes_on_from_everywhere("stripe", SECRETS, WINDOW, _answer)


def test_a_day_without_movement_gives_no_document() -> None:
    wire = Wire(answer=lambda request: says({"object": "list", "data": [], "has_more": False}))
    assert pulled("stripe", SECRETS, WINDOW, wire) == []
    assert len(wire.sent) == 2


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, RefusedCallError),
        (401, UnauthorisedError),
        (403, RefusedCallError),
        (409, UnavailableError),
        (424, UnavailableError),
    ],
)
def test_a_refusal_is_told_in_stripes_words_without_the_key(
    status: int, error: type[AdapterError]
) -> None:
    said = {"error": {"message": f"The key {SECRETS['access_token']} may not", "type": "x"}}
    wire = Wire(answer=lambda request: says(said, status=status))
    with pytest.raises(error, match="may not") as raised:
        STRIPE.probe(wire, Link(secrets=SECRETS))
    assert SECRETS["access_token"] not in str(raised.value)


def test_the_probe_asks_for_one_transaction() -> None:
    wire = Wire(answer=_answer)
    assert STRIPE.probe(wire, Link(secrets=SECRETS)) == ""
    assert [each.url for each in wire.sent] == [
        "https://api.stripe.com/v1/balance_transactions?limit=1"
    ]


def test_the_secret_of_the_hooks_is_no_key() -> None:
    wire = Wire(answer=_answer)
    with pytest.raises(UnauthorisedError, match="access_token"):
        STRIPE.probe(wire, Link(secrets={"secret": SECRETS["secret"]}))
    assert wire.sent == []


@pytest.mark.parametrize(
    "answer",
    [
        {"object": "list", "has_more": False},
        {"object": "list", "data": [1], "has_more": False},
        {"object": "list", "data": [{"object": "payout"}], "has_more": True},
        [],
    ],
)
def test_a_list_that_cannot_be_followed_is_no_end_of_it(answer: object) -> None:
    with pytest.raises(UnavailableError):
        pulled("stripe", SECRETS, WINDOW, Wire(answer=lambda request: says(answer)))
