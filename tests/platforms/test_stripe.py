"""Stripe: minor units, fees of their own, payouts that must add up, signed events."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from platforms.adapters.stripe import ADAPTER, push
from platforms.contract import (
    BadSignatureError,
    Line,
    LineKind,
    Link,
    Payout,
    RawHook,
    ReadError,
    Record,
    Statement,
)
from tests.platforms.cases import FIXTURES, document, verdicts

HEADER = "balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,source_id"
VECTORS = json.loads((FIXTURES / "known_answer_vectors.json").read_text())["stripe"]


def transaction(**changes: Any) -> dict[str, Any]:
    return {
        "id": "txn_1",
        "object": "balance_transaction",
        "amount": 10000,
        "available_on": 1788393600,
        "created": 1788393600,
        "currency": "usd",
        "fee": 320,
        "fee_details": [],
        "net": 9680,
        "reporting_category": "charge",
        "source": "ch_1",
        "type": "charge",
        **changes,
    }


def payout(**changes: Any) -> dict[str, Any]:
    return {
        "id": "po_1",
        "object": "payout",
        "amount": 9680,
        "arrival_date": 1788566400,
        "automatic": True,
        "created": 1788393600,
        "currency": "usd",
        "livemode": True,
        "status": "paid",
        **changes,
    }


def page(*items: dict[str, Any]) -> bytes:
    url = f"/v1/{items[0]['object']}s" if items else "/v1/balance_transactions"
    return json.dumps({"object": "list", "data": items, "has_more": False, "url": url}).encode()


def report(*rows: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *rows, ""]).encode()


def read(data: bytes, **context: str) -> list[Record]:
    return list(ADAPTER.read(document(data, **context)))


def lines(data: bytes, **context: str) -> list[Line]:
    return [record for record in read(data, **context) if isinstance(record, Line)]


def payouts(data: bytes) -> list[Payout]:
    return [record for record in read(data) if isinstance(record, Payout)]


def refused(data: bytes, **context: str) -> str:
    with pytest.raises(ReadError) as caught:
        read(data, **context)
    return str(caught.value)


@pytest.mark.parametrize(
    ("currency", "amount"),
    [
        ("usd", "100.00"),
        ("jpy", "10000"),
        ("mga", "10000"),
        ("kwd", "10.000"),
        ("ugx", "100.00"),
        ("isk", "100.00"),
    ],
)
def test_the_smallest_unit_is_what_stripe_says_it_is(currency: str, amount: str) -> None:
    gross, fee = lines(page(transaction(currency=currency)))
    assert gross.amount == Decimal(amount)
    assert fee.amount == -gross.amount * 320 / 10000


def test_a_currency_whose_unit_is_not_confirmed_is_refused() -> None:
    assert "IQD" in refused(page(transaction(currency="iqd")))


def test_the_api_and_a_report_state_one_movement_alike() -> None:
    row = "txn_1,2026-09-03 00:00:00,usd,100.00,3.20,96.80,charge,ch_1"
    assert [msgspec.structs.replace(line, row=1) for line in lines(report(row))] == lines(
        page(transaction())
    )


@given(st.lists(st.tuples(st.integers(-(10**12), 10**12), st.integers(-(10**6), 10**6))))
def test_the_lines_of_a_payout_are_the_payout_whatever_is_in_it(
    parts: list[tuple[int, int]],
) -> None:
    items = [
        transaction(id=f"txn_{number}", amount=gross, fee=fee, net=gross - fee)
        for number, (gross, fee) in enumerate(parts)
    ]
    net = sum(item["net"] for item in items)
    own = {"reporting_category": "payout", "source": "po_1", "amount": -net, "fee": 0, "net": -net}
    data = page(transaction(id="txn_payout", **own), *items)
    found = lines(data, payout="po_1")
    assert sum(line.amount for line in found if line.kind is not LineKind.PAYOUT) == Decimal(
        net
    ).scaleb(-2)
    assert verdicts(read(data, payout="po_1")) == [True]


def test_an_instant_payouts_fee_does_not_reach_the_bank() -> None:
    """The payout is what the bank gets; its fee is a line of its own beside it."""
    item = transaction(
        reporting_category="payout", source="po_9", amount=-10000, fee=100, net=-10100
    )
    assert [line.amount for line in lines(page(item))] == [Decimal("-100.00"), Decimal("-1.00")]
    (found,) = payouts(page(item))
    assert (found.external_id, found.amount) == ("po_9", Decimal("100.00"))


def test_a_page_of_a_payout_proves_itself_only_with_its_own_row() -> None:
    own = transaction(
        id="txn_2", reporting_category="payout", source="po_1", amount=-9680, fee=0, net=-9680
    )
    whole = page(own, transaction())
    assert verdicts(read(whole, payout="po_1")) == [True]
    assert verdicts(read(whole)) == [None]
    assert verdicts(read(page(transaction()), payout="po_1")) == [None]
    assert {line.payout_ref for line in lines(whole, payout="po_1")} == {"po_1"}


def test_a_page_in_two_currencies_is_two_statements() -> None:
    records = read(page(transaction(), transaction(id="txn_2", currency="eur")))
    assert [found.currency for found in records if isinstance(found, Statement)] == ["USD", "EUR"]


def test_an_event_is_evidence_as_events_come_in_any_order() -> None:
    event = {"id": "evt_1", "object": "event", "type": "payout.paid", "data": {"object": payout()}}
    statement, found, _ = read(json.dumps(event).encode())
    assert isinstance(statement, Statement) and not statement.books
    assert isinstance(found, Payout) and found.amount == Decimal("96.80")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"net": 9681}, "is not gross"),
        ({"amount": 100.0}, "no whole number"),
        ({"amount": "10000"}, "no whole number"),
        ({"amount": True}, "no whole number"),
        ({"amount": 10**17, "net": 10**17 - 320}, "not an amount"),
        ({"fee": None}, "no whole number"),
        ({"balance_type": "issuing"}, "of the balance 'issuing'"),
        ({"reporting_category": ""}, "no reporting_category"),
        ({"reporting_category": None}, "no reporting_category"),
        ({"created": 0}, "created is no time"),
        ({"created": 10**15}, "created is no time"),
        ({"currency": "ＵＳＤ"}, "not a currency"),
        ({"currency": "usdc"}, "not a currency"),
        ({"source": 7}, "source is no text"),
        ({"id": ""}, "no id"),
        ({"fee_details": [{"amount": 319, "currency": "usd"}]}, "the fee's parts are 3.19"),
        ({"fee_details": [{"amount": 320, "currency": "eur"}]}, "a fee in EUR"),
        ({"object": "charge"}, "a list of charge"),
    ],
)
def test_what_a_transaction_cannot_be_is_refused(change: dict[str, Any], reason: str) -> None:
    data = {"object": "list", "url": "/v1/balance_transactions", "data": [transaction(**change)]}
    assert reason in refused(json.dumps(data).encode())


@pytest.mark.parametrize("number", ["NaN", "1e9999", "Infinity", "1e2", "-"])
def test_a_number_that_is_none_is_refused(number: str) -> None:
    data = page(transaction()).replace(b'"amount": 10000', f'"amount": {number}'.encode())
    assert refused(data)
    row = f"txn_1,2026-09-03 00:00:00,usd,{number},3.20,96.80,charge,ch_1"
    assert "not an amount" in refused(report(row))


def test_a_key_that_is_stated_twice_is_refused() -> None:
    assert "twice" in refused(page(transaction()).replace(b'"fee": 320', b'"fee": 320, "fee": 1'))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"livemode": False}, "test mode"),
        ({"livemode": None}, "test mode"),
        ({"status": "done"}, "unknown payout status"),
        ({"arrival_date": None}, "arrival_date is no whole number"),
    ],
)
def test_a_payout_that_moved_nothing_is_refused(change: dict[str, Any], reason: str) -> None:
    assert reason in refused(page(payout(**change)))


def test_only_a_supported_trace_is_what_the_bank_will_write() -> None:
    header = f"{HEADER},trace_id,trace_id_status"
    row = "txn_1,2026-09-03 00:00:00,usd,-5.00,0,-5.00,payout,po_1,0210,{}"
    assert payouts(report(row.format("supported"), header=header))[0].remittance == "0210"
    assert payouts(report(row.format("pending"), header=header))[0].remittance == ""


def test_a_reports_local_times_need_the_accounts_zone() -> None:
    header = HEADER.replace("created_utc", "created")
    data = report("txn_1,2026-09-03 02:00:00,usd,1.00,0.10,0.90,charge,ch_1", header=header)
    assert "created_utc" in refused(data)
    assert "no such time zone" in refused(data, zone="Mars/Olympus")
    (gross, _) = lines(data, zone="Europe/Berlin")
    assert gross.event_at == datetime(2026, 9, 3, tzinfo=UTC)


def test_a_manual_payout_cannot_be_itemised_and_proves_nothing() -> None:
    row = "txn_1,2026-09-03 00:00:00,usd,-5.00,0,-5.00,payout,po_1"
    assert verdicts(read(report(row))) == [None]


@pytest.mark.parametrize(
    ("header", "row", "reason"),
    [
        (HEADER, "txn_1,2026-09-03 00:00:00,usd,1.00,0.10,0.91,charge,ch_1", "is not gross"),
        (HEADER, "txn_1,2026-09-03 00:00:00,usd,1.00,0.10,0.90,charge", "7 values under 8"),
        (HEADER, ",2026-09-03 00:00:00,usd,1.00,0.10,0.90,charge,ch_1", "no balance_transaction"),
        (HEADER, 'txn_1,2026-09-03 00:00:00,usd,"1,00",0,"1,00",charge,ch_1', "not an amount"),
        (HEADER, "txn_1,2026-09-03,usd,1.00,0.10,0.90,charge,ch_1", "not a time"),
        (f"{HEADER},fee", "txn_1,2026-09-03 00:00:00,usd,1,0,1,charge,ch_1,0", "names 'fee' twice"),
        (HEADER.replace("created_utc", "when"), "txn_1,x,usd,1,0,1,charge,c", "lacks created_utc"),
    ],
)
def test_what_a_report_row_cannot_be_is_refused(header: str, row: str, reason: str) -> None:
    assert reason in refused(report(row, header=header))


def test_a_summary_report_is_refused_with_the_way_out() -> None:
    data = b"reporting_category,currency,count,gross,fee,net\ncharge,usd,2,9.00,1.00,8.00\n"
    assert not ADAPTER.recognises(document(data))
    assert "itemised" in refused(data)


def test_a_category_to_come_is_unknown_and_not_lost() -> None:
    (line,) = lines(
        page(transaction(reporting_category="climate_order_purchase", fee=0, net=10000))
    )
    assert (line.kind, line.label) == (LineKind.UNKNOWN, "climate_order_purchase")


# --- events -----------------------------------------------------------------

BODY = b'{"id":"evt_1","type":"payout.paid"}'
NOW = 1_700_000_000


def signed(secret: str, body: bytes = BODY, at: int = NOW) -> str:
    """The scheme written a second time, from its description."""
    return hmac.new(secret.encode(), b"%d.%s" % (at, body), hashlib.sha256).hexdigest()


def verify(header: str, secret: str = "whsec_a") -> None:
    hook = RawHook(headers={"stripe-signature": header}, body=BODY)
    ADAPTER.verify(hook, Link(secrets={"secret": secret}), datetime.fromtimestamp(NOW, UTC))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["kind"]))
def test_the_published_vector_is_made(vector: dict[str, Any]) -> None:
    stamp, _, body = vector["signed_string"].partition(".")
    made = push.sign(secret=vector["secret"], timestamp=int(stamp), body=body.encode())
    assert made == vector["expected"]


def test_any_of_several_signatures_and_secrets_may_fit() -> None:
    header = f"t={NOW},v1={'0' * 64},v1={signed('whsec_b')},v0=00"
    verify(header, "whsec_a\nwhsec_b")
    with pytest.raises(BadSignatureError, match="does not fit"):
        verify(header, "whsec_a")


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("", "missing"),
        (f"t={NOW}", "missing"),
        (f"v1={signed('whsec_a')}", "missing"),
        (f"t={NOW},t={NOW},v1={signed('whsec_a')}", "missing"),
        (f"t={NOW},v0={signed('whsec_a')}", "missing"),
        (f"t=１７０,v1={signed('whsec_a')}", "timestamp"),
        (f"t={'9' * 30},v1={signed('whsec_a')}", "timestamp"),
        (f"t=-1,v1={signed('whsec_a')}", "timestamp"),
        (f"t={NOW},v1={signed('whsec_a').upper()}", "does not fit"),
        (f"t={NOW + 1},v1={signed('whsec_a')}", "does not fit"),
        (f"t={NOW},v1=é", "does not fit"),
    ],
)
def test_the_signature_header_is_read_strictly(header: str, reason: str) -> None:
    with pytest.raises(BadSignatureError, match=reason):
        verify(header)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"id": 7}', b'{"id":"a","id":"b"}'])
def test_a_body_that_is_no_event_is_a_named_error(body: bytes) -> None:
    with pytest.raises(BadSignatureError):
        ADAPTER.delivery_id(RawHook(headers={}, body=body))
    with pytest.raises(BadSignatureError):
        ADAPTER.unwrap(RawHook(headers={}, body=body), Link())
