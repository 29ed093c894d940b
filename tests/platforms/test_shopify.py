"""Shopify Payments: exports that drift, rows without ids, payouts that must add up."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from platforms.adapters.shopify import ADAPTER
from platforms.contract import Line, LineKind, Payout, ReadError, Record
from platforms.occurrences import Occurrences
from tests.platforms.cases import document, verdicts

HEADER = (
    "Transaction Date,Type,Order,Card Brand,Card Source,Payout Status,Payout Date,Payout ID,"
    "Available On,Amount,Fee,Net,Checkout,Payment Method Name,Presentment Amount,"
    "Presentment Currency,Currency"
)
PAYOUTS = (
    "Payout Date,Status,Charges,Refunds,Adjustments,Reserved Funds,Fees,Retried Amount,"
    "Total,Currency"
)


def row(**changes: str) -> str:
    values = {
        "date": "2026-08-24 22:01:24 +0400",
        "type": "charge",
        "order": "#1",
        "brand": "visa",
        "source": "online",
        "status": "paid",
        "paid": "2026-09-01",
        "payout": "7",
        "available": "2026-09-01",
        "amount": "10.00",
        "fee": "0.50",
        "net": "9.50",
        "checkout": "#c1",
        "method": "card",
        "presented": "10.00",
        "in": "EUR",
        "cur": "EUR",
        **changes,
    }
    return ",".join(values.values())


def export(*rows: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *rows, ""]).encode()


def read(data: bytes, **context: str) -> list[Record]:
    return list(ADAPTER.read(document(data, **context)))


def lines(data: bytes) -> list[Line]:
    return [record for record in read(data) if isinstance(record, Line)]


def payouts(data: bytes, **context: str) -> list[Payout]:
    return [record for record in read(data, **context) if isinstance(record, Payout)]


def refused(data: bytes) -> ReadError:
    with pytest.raises(ReadError) as caught:
        read(data)
    return caught.value


PAYOUT_ROW = row(
    type="payout",
    order="",
    checkout="",
    amount="-9.50",
    fee="0.00",
    net="-9.50",
    date="2026-09-01 00:00:00 +0400",
)


def test_a_row_is_its_gross_amount_and_its_fee() -> None:
    gross, fee = lines(export(row()))
    assert (gross.kind, gross.amount) == (LineKind.SALE, Decimal("10.00"))
    assert (fee.kind, fee.amount) == (LineKind.COMMISSION, Decimal("-0.50"))
    assert fee.external_id == f"{gross.external_id}:fee"
    assert gross.row == fee.row == 2


def test_a_pending_row_keeps_its_id_when_it_is_paid() -> None:
    pending = row(status="pending", payout="", paid="", available="")
    assert [line.external_id for line in lines(export(pending))] == [
        line.external_id for line in lines(export(row()))
    ]


def test_an_id_survives_a_new_time_zone_and_another_scale() -> None:
    moved = row(date="2026-08-24 18:01:24 +0000", amount="10.0", fee="0.5", net="9.5")
    assert lines(export(moved))[0].external_id == lines(export(row()))[0].external_id


@pytest.mark.parametrize(
    "change",
    [
        {"date": "2026-08-24 22:01:25 +0400"},
        {"type": "adjustment"},
        {"order": "#2"},
        {"checkout": "#c2"},
        {"amount": "10.01", "net": "9.51"},
        {"fee": "0.51", "net": "9.49"},
    ],
)
def test_another_trade_has_another_id(change: dict[str, str]) -> None:
    one, two = lines(export(row()))[0], lines(export(row(**change)))[0]
    assert one.external_id != two.external_id


def test_twins_survive_and_overlap_with_another_export() -> None:
    ids = [line.external_id for line in lines(export(row(), row(order="#2"), row()))]
    assert len(set(ids)) == 6
    assert {line.external_id for line in lines(export(row(), row()))} < set(ids)


def test_a_payout_row_ties_its_lines_together() -> None:
    data = export(row(), PAYOUT_ROW)
    (payout,) = payouts(data)
    assert (payout.external_id, payout.amount, payout.derived) == ("7", Decimal("9.50"), False)
    assert verdicts(read(data)) == [True]


def test_a_payout_row_without_its_lines_does_not_tie() -> None:
    assert verdicts(read(export(PAYOUT_ROW))) == [False]
    assert verdicts(read(export(row(), row(), PAYOUT_ROW))) == [False]


def test_a_payout_without_its_row_is_summed_and_proves_nothing() -> None:
    data = export(row(), row(order="#2"), row(payout="8", status="in_transit"), PAYOUT_ROW)
    assert verdicts(read(data)) == [False]
    data = export(row(), row(payout="8", status="in_transit"), PAYOUT_ROW)
    stated, derived = payouts(data)
    assert not stated.derived
    assert derived.derived and (derived.external_id, derived.amount) == ("8", Decimal("9.50"))
    assert derived.announced_at.isoformat() == "2026-09-01T00:00:00+04:00"
    assert verdicts(read(data)) == [None]


@pytest.mark.parametrize("status", ["failed", "canceled", "pending", "words to come"])
def test_no_payout_is_derived_from_rows_that_go_nowhere(status: str) -> None:
    assert payouts(export(row(status=status))) == []


def test_an_export_of_nothing_is_a_statement_of_nothing() -> None:
    assert len(read(export())) == 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"net": "9.51"}, "Net 9.51 is not Amount 10.00"),
        ({"amount": "$10.00"}, "not an amount"),
        ({"fee": ""}, "not an amount"),
        ({"date": "2026-08-24 22:01:24"}, "not a time with an offset"),
        ({"paid": "2026/9/1"}, "not a day"),
        ({"cur": "USD"}, "USD in a file in EUR"),
        ({"cur": "EUR,x"}, "18 values under 17 columns"),
        ({"type": "payout", "status": "pending"}, "unknown payout status"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(change: dict[str, str], reason: str) -> None:
    error = refused(export(row(), row(**change)))
    assert reason in error.reason
    assert error.row == 3


def test_a_first_row_that_cannot_be_read_is_named_too() -> None:
    assert refused(export("only,three,fields")).row == 2
    assert "not a currency" in refused(export(row(cur="€"))).reason


def test_a_file_cut_inside_its_last_field_is_refused() -> None:
    assert "cut" in refused(export(row())[:-1]).reason


def test_a_core_column_is_required_and_others_drift() -> None:
    header = HEADER.replace("Checkout", "Brand New Column")
    assert len(lines(export(row(), header=header))) == 2
    with pytest.raises(ReadError):
        read(export(row(), header=HEADER.replace("Net", "Netto")))
    with pytest.raises(ReadError, match="twice"):
        read(export(row(), header=HEADER.replace("Checkout", "Amount")))


# --- payouts export ---


def test_both_signs_of_fees_add_up() -> None:
    negative = "2026-09-03,paid,450.00,-20.00,0.00,0.00,-13.35,0.00,416.65,USD"
    positive = "2026-09-03,paid,450.00,-20.00,0.00,0.00,13.35,0.00,416.65,USD"
    wrong = "2026-09-03,paid,450.00,-20.00,0.00,0.00,13.36,0.00,416.65,USD"
    assert verdicts(read(export(negative, positive, header=PAYOUTS))) == [True]
    assert verdicts(read(export(negative, wrong, header=PAYOUTS))) == [False]


def test_a_payout_without_an_id_is_known_by_its_day() -> None:
    one = "2026-09-03,In Transit,1.00,0.00,0.00,0.00,0.00,0.00,1.00,USD"
    found = payouts(export(one, one, header=PAYOUTS), zone="America/New_York")
    assert [payout.external_id for payout in found] == [
        "date:2026-09-03:USD",
        "date:2026-09-03:USD:2",
    ]
    assert found[0].announced_at.isoformat() == "2026-09-03T00:00:00-04:00"
    assert found[0].status.value == "in_transit"


def test_the_payouts_export_says_that_it_is_unverified() -> None:
    assert "payouts_csv" in ADAPTER.unverified


def test_a_payouts_row_that_cannot_be_read_is_named() -> None:
    for bad in ("2026-09-03,lost,1,0,0,0,0,0,1,USD", "x,paid,1,0,0,0,0,0,1,USD", "1,2"):
        assert refused(export(bad, header=PAYOUTS)).row == 2


def test_a_zone_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ReadError, match="no such time zone"):
        read(export(header=PAYOUTS), zone="Mars/Olympus")


# --- API ---


def transaction(**changes: Any) -> dict[str, Any]:
    return {
        "id": 1,
        "type": "charge",
        "test": False,
        "payout_id": 7,
        "payout_status": "paid",
        "currency": "EUR",
        "amount": "10.00",
        "fee": "0.50",
        "net": "9.50",
        "source_order_id": 9,
        "processed_at": "2026-04-01",
        **changes,
    }


def page(*transactions: dict[str, Any]) -> bytes:
    return json.dumps({"transactions": list(transactions)}).encode()


def test_api_lines_carry_the_platforms_own_ids() -> None:
    gross, fee = lines(page(transaction()))
    assert (gross.external_id, fee.external_id) == ("1", "1:fee")
    assert (gross.order_ref, gross.payout_ref) == ("9", "7")
    assert payouts(page(transaction())) == []


def test_a_page_that_ends_inside_a_payout_is_not_yet_wrong() -> None:
    out = transaction(type="payout", amount="-19.00", fee="0.00", net="-19.00")
    assert verdicts(read(page(transaction(), out))) == [None]
    out = transaction(type="payout", amount="-9.50", fee="0.00", net="-9.50")
    assert verdicts(read(page(transaction(), out))) == [True]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"test": True}, "a test transaction"),
        ({"net": "9.51"}, "net 9.51 is not amount"),
        ({"amount": None}, "amount is no amount"),
        ({"amount": True}, "amount is no amount"),
        ({"amount": "1e1"}, "not an amount"),
        ({"id": None}, "no id"),
        ({"id": True}, "id is no id"),
        ({"id": 1.5}, "id is no id"),
        ({"type": ""}, "no type"),
        ({"type": 7}, "type is no text"),
        ({"currency": "euro"}, "not a currency"),
        ({"currency": "USD"}, "USD in a page in EUR"),
        ({"processed_at": "2026-04-01 00:00:00"}, "not a day"),
        ({"processed_at": "2026-04-01T00:00:00"}, "not a time with an offset"),
        ({"type": "payout", "payout_status": "lost"}, "unknown payout status"),
    ],
)
def test_a_transaction_that_cannot_be_read_is_named(change: dict[str, Any], reason: str) -> None:
    error = refused(page(transaction(), transaction(**change)))
    assert reason in error.reason
    assert error.row == 2


def test_a_payouts_summary_is_checked() -> None:
    payout = {"id": 1, "status": "paid", "date": "2026-04-01", "currency": "EUR", "amount": "9.50"}
    summary = {"charges_gross_amount": "10.00", "charges_fee_amount": "0.50"}
    for changes, verdict in (
        ({"summary": summary}, True),
        ({"summary": {**summary, "advances_gross_amount": "1"}}, False),
        ({"summary": {**summary, "currency": "EUR"}}, True),
        ({}, None),
    ):
        data = json.dumps({"payouts": [{**payout, **changes}]}).encode()
        assert verdicts(read(data)) == [verdict]


@pytest.mark.parametrize(
    "data",
    [
        b'{"transactions":[]}',
        b'{"payouts":[{"id":1}]}',
        b'{"orders":[]}',
        b"[]",
        b"Transaction Date,Type\n",
        b"Payout Date,Status,Total\n",
        "时间,金额\n".encode("gbk"),
    ],
)
def test_what_is_not_shopifys_is_not_claimed(data: bytes) -> None:
    assert not ADAPTER.recognises(document(data))
    with pytest.raises(ReadError):
        read(data)


def test_occurrences_count_like_a_dictionary() -> None:
    table, counts = Occurrences(), dict[int, int]()
    for number in range(5000):
        # Keys that meet in their low bits, repeat, and include the free mark.
        key = (number % 1700) << 20
        counts[key or 1] = counts.get(key or 1, 0) + 1
        assert table.nth(key) == counts[key or 1]
