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
    LineKind,
    Link,
    Payout,
    PayoutStatus,
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


# 20.00 − 0.88 − 3.45 = 15.67, and with 0.20 of the day before the payout is 15.87.
# The charge of the day before is in the payout too: 0.50 − 0.30.
OLDER = _transaction(-9, "charge", 50, 30, "ch_0")
TRANSACTIONS = [
    _transaction(5, "payout", -1587, 0, "po_1"),
    _transaction(4, "refund", -345, 0, "re_1"),
    _transaction(3, "charge", 2000, 88, "ch_1"),
]


def _payout(name: str, created: int, amount: int, *, automatic: bool = True) -> dict[str, Any]:
    return {
        "id": name,
        "object": "payout",
        "amount": amount,
        "arrival_date": BEGIN + 86_400,
        "automatic": automatic,
        "created": created,
        "currency": "usd",
        "livemode": True,
        "reconciliation_status": "completed" if automatic else "not_applicable",
        "status": "paid",
        "trace_id": {"status": "supported", "value": f"TRACE-{name}"},
    }


PAYOUTS = [
    {**_payout("po_1", BEGIN + 5, 1587), "status": "failed"},
    _payout("po_instant", BEGIN + 4, 200, automatic=False),
    {**_payout("po_unready", BEGIN + 3, 300), "reconciliation_status": "in_progress"},
    _payout("po_before", BEGIN - 86_400, 400),
]


def _answer(request: Request) -> Response:
    """The account, two rows a page."""
    parts = urlsplit(request.url)
    asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
    found: list[dict[str, Any]] = PAYOUTS if parts.path.endswith("payouts") else TRANSACTIONS
    since = int(asked.get("created[gte]", 0))
    found = [row for row in found if row["created"] >= since]
    if "payout" in asked:
        assert asked["payout"] == "po_1"
        assert "created[gte]" not in asked
        found = [*TRANSACTIONS, OLDER]
    ids = [row["id"] for row in found]
    start = ids.index(asked["starting_after"]) + 1 if "starting_after" in asked else 0
    page = found[start : start + 2]
    return says(
        {"object": "list", "data": page, "has_more": start + 2 < len(found), "url": parts.path}
    )


def test_both_lists_are_asked_for_by_seconds_and_the_automatic_payouts_of_the_day_itemised() -> (
    None
):
    wire = Wire(answer=_answer)
    pulled("stripe", SECRETS, WINDOW, wire)
    created = "limit=100&created%5Bgte%5D=1773446400&created%5Blt%5D=1773532800"
    # The window reaches the present: the payouts of two weeks before may still change.
    earlier = "limit=100&created%5Bgte%5D=1772236800&created%5Blt%5D=1773532800"
    base = "https://api.stripe.com/v1"
    assert [each.url for each in wire.sent] == [
        f"{base}/balance_transactions?{created}",
        f"{base}/balance_transactions?{created}&starting_after=txn_4",
        f"{base}/payouts?{created}",
        f"{base}/balance_transactions?limit=100&payout=po_1",
        f"{base}/balance_transactions?limit=100&payout=po_1&starting_after=txn_4",
        f"{base}/payouts?{created}&starting_after=po_instant",
        f"{base}/payouts?{earlier}",
        f"{base}/payouts?{earlier}&starting_after=po_instant",
    ]
    for request in wire.sent:
        assert request.headers == {
            "Authorization": f"Bearer {SECRETS['access_token']}",
            "Stripe-Version": "2024-06-20",
        }


def test_a_window_that_is_over_for_long_asks_for_its_own_payouts_alone() -> None:
    wire = Wire(answer=_answer, at=datetime(2026, 3, 17, 0, 0, 1, tzinfo=UTC))
    pulled("stripe", SECRETS, WINDOW, wire)
    asked = [each.url.partition("?")[2] for each in wire.sent if "/payouts?" in each.url]
    assert {each.partition("&starting_after")[0] for each in asked} == {
        "limit=100&created%5Bgte%5D=1773446400&created%5Blt%5D=1773532800"
    }


def test_what_is_yielded_adds_up_to_the_payout() -> None:
    documents = pulled("stripe", SECRETS, WINDOW, Wire(answer=_answer))
    assert [each.name for each in documents] == [
        "stripe-balance-transactions-2026-03-14-1.json",
        "stripe-balance-transactions-2026-03-14-2.json",
        "stripe-balance-transactions-of-payout-po_1-1.json",
        "stripe-balance-transactions-of-payout-po_1-2.json",
        "stripe-payouts-2026-03-14-1.json",
        "stripe-payouts-2026-03-14-2.json",
    ]
    assert [dict(each.context) for each in documents] == [
        *({}, {}),
        *({"payout": "po_1"}, {"payout": "po_1"}),
        *({}, {}),
    ]
    found = records(documents)
    # What comes later counts: every line of the payout names it in the end.
    lines = {each.external_id: each for each in found if isinstance(each, Line)}
    assert {line.payout_ref for line in lines.values()} == {"po_1"}
    net = sum(line.amount for line in lines.values() if line.kind is not LineKind.PAYOUT)
    assert net == Decimal("15.87")
    payouts = [each for each in found if isinstance(each, Payout)]
    # The last word on a payout is its own object's.
    assert {each.external_id: each.status for each in payouts}["po_1"] is PayoutStatus.FAILED
    assert [(each.external_id, each.amount) for each in payouts if each.remittance] == [
        ("po_1", Decimal("15.87")),
        ("po_instant", Decimal("2.00")),
        ("po_unready", Decimal("3.00")),
        ("po_before", Decimal("4.00")),
    ]


def test_a_pull_goes_on_from_every_cursor() -> None:
    goes_on_from_everywhere("stripe", SECRETS, WINDOW, _answer)


def test_a_day_without_movement_gives_no_document() -> None:
    wire = Wire(answer=lambda request: says({"object": "list", "data": [], "has_more": False}))
    assert pulled("stripe", SECRETS, WINDOW, wire) == []
    assert len(wire.sent) == 3


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
