"""Mercado Pago: dialects of amounts, parts that may not add up, notifications half signed."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from platforms.adapters.mercadopago import ADAPTER, push
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

VECTORS = json.loads((FIXTURES / "known_answer_vectors.json").read_text())["mercadopago"]
COLUMNS = (
    *("DATE", "SOURCE_ID", "EXTERNAL_REFERENCE", "RECORD_TYPE", "DESCRIPTION"),
    *("NET_CREDIT_AMOUNT", "NET_DEBIT_AMOUNT", "GROSS_AMOUNT", "MP_FEE_AMOUNT"),
    *("FINANCING_FEE_AMOUNT", "TAXES_AMOUNT", "CURRENCY"),
)
SETTLEMENT = (
    *("SOURCE_ID", "TRANSACTION_TYPE", "TRANSACTION_AMOUNT", "TRANSACTION_CURRENCY"),
    *("TRANSACTION_DATE", "FEE_AMOUNT", "SETTLEMENT_NET_AMOUNT", "FINANCING_FEE_AMOUNT"),
    *("TAXES_AMOUNT", "SETTLEMENT_CURRENCY"),
)


def row(**changes: str) -> str:
    values = {
        "date": "2026-08-31T22:39:50.000-03:00",
        "source": "175662774659",
        "ref": "2999",
        "type": "release",
        "description": "payment",
        "credit": "100538.42",
        "debit": "0.00",
        "gross": "131085.03",
        "fee": "-9975.57",
        "financing": "-16638.49",
        "taxes": "-3932.55",
        "currency": "ARS",
        **changes,
    }
    return ";".join(values.values())


def balance(type_: str, credit: str, debit: str = "0.00") -> str:
    return f";;;{type_};;{credit};{debit};;;;;"


def report(*rows: str, columns: tuple[str, ...] = COLUMNS) -> bytes:
    return "\n".join([";".join(columns), *rows, ""]).encode()


def net(amount: str, **changes: str) -> str:
    """A row that states its net alone."""
    debit = amount.startswith("-")
    sides = {"credit": "0", "debit": amount[1:]} if debit else {"credit": amount, "debit": "0"}
    parts = {"gross": "", "fee": "", "financing": "", "taxes": ""}
    return row(**{**sides, **parts, **changes})


def read(data: bytes, **context: str) -> list[Record]:
    return list(ADAPTER.read(document(data, **context)))


def lines(data: bytes, **context: str) -> list[Line]:
    return [record for record in read(data, **context) if isinstance(record, Line)]


def refused(data: bytes, **context: str) -> str:
    with pytest.raises(ReadError) as caught:
        read(data, **context)
    return str(caught.value)


def test_a_payment_is_its_gross_amount_and_every_part_taken() -> None:
    found = lines(report(row()))
    assert [(line.kind, str(line.amount)) for line in found] == [
        (LineKind.SALE, "131085.03"),
        (LineKind.COMMISSION, "-9975.57"),
        (LineKind.COMMISSION, "-16638.49"),
        (LineKind.TAX, "-3932.55"),
    ]
    assert sum(line.amount for line in found) == Decimal("100538.42")


@pytest.mark.parametrize(
    ("changes", "kind", "amount"),
    [
        # A refund gives back less than its gross.
        (
            {"description": "refund", "credit": "46281.87", "gross": "47528.32"},
            LineKind.REFUND,
            "46281.87",
        ),
        # A tax stands in gross and in taxes.
        (
            {
                "description": "tax_payment_iibb",
                "credit": "0",
                "debit": "5000.00",
                "gross": "-5000.00",
                "taxes": "-5000.00",
            },
            LineKind.TAX,
            "-5000.00",
        ),
    ],
)
def test_where_the_parts_do_not_add_up_the_net_is_the_line(
    changes: dict[str, str], kind: LineKind, amount: str
) -> None:
    nothing = {"fee": "0.00", "financing": "0.00", "taxes": "0.00"}
    (line,) = lines(report(row(**{**nothing, **changes})))
    assert (line.kind, line.amount) == (kind, Decimal(amount))


@pytest.mark.parametrize(
    ("description", "amount", "kind"),
    [
        ("payment", "-46281.87", LineKind.UNKNOWN),
        ("reserve_for_payout", "-12000.00", LineKind.RESERVE_HELD),
        ("reserve_for_payout", "12000.00", LineKind.RESERVE_RELEASED),
        ("payout", "-12000.00", LineKind.PAYOUT),
        ("payout", "12000.00", LineKind.PAYOUT_RETURNED),
        ("payouts_cash", "-401599.00", LineKind.UNKNOWN),
        ("words to come", "1.00", LineKind.UNKNOWN),
    ],
)
def test_a_word_that_serves_both_ways_is_told_by_its_sign(
    description: str, amount: str, kind: LineKind
) -> None:
    (line,) = lines(report(net(amount, description=description)))
    assert (line.kind, line.amount) == (kind, Decimal(amount))


def test_a_payout_is_announced_and_its_reserve_is_not() -> None:
    reserve = net("-9.00", description="reserve_for_payout")
    records = read(report(reserve, net("-9.00", description="payout")))
    (payout,) = [record for record in records if isinstance(record, Payout)]
    assert (payout.external_id, payout.amount) == ("175662774659", Decimal("9.00"))


@pytest.mark.parametrize(
    ("currency", "text", "amount"),
    [
        ("CLP", "9.700", "9700"),
        ("CLP", "1.234.567", "1234567"),
        ("CLP", "9700", "9700"),
        ("CLP", "9700.00", "9700"),
        ("ARS", "9.70", "9.70"),
        ("ARS", "9.7", "9.7"),
        ("ARS", "9700", "9700"),
    ],
)
def test_an_amount_is_read_by_its_currency(currency: str, text: str, amount: str) -> None:
    (line,) = lines(report(net(text, currency=currency)))
    assert line.amount == Decimal(amount)


@pytest.mark.parametrize(
    ("currency", "text"),
    [
        ("ARS", "9.700"),
        ("ARS", "1.234.567"),
        ("ARS", "9,70"),
        ("COP", "9.700"),
        ("CLP", "9.70"),
        ("CLP", "12.34"),
        ("CLP", "9,700"),
        ("CLP", "9.7000"),
        ("ARS", "NaN"),
        ("ARS", "1e9999"),
        ("ARS", "1_000"),
        ("ARS", "$ 10.00"),
        ("ARS", "１０"),
        ("ARS", "9" * 17),
    ],
)
def test_an_amount_that_could_be_another_is_refused(currency: str, text: str) -> None:
    assert refused(report(net(text, currency=currency)))


def test_the_balances_prove_the_rows() -> None:
    first = balance("initial_available_balance", "100.00")
    for total in ("110.00", "10.00"):
        whole = report(first, net("10.00"), balance("total", total))
        assert verdicts(read(whole)) == [True]
    closing = balance("available_balance", "110.00")
    assert verdicts(read(report(first, net("10.00"), balance("total", "110.00"), closing))) == [
        True
    ]
    assert verdicts(read(report(net("10.00")))) == [None]


@pytest.mark.parametrize(
    "rows",
    [
        (balance("total", "110.01"),),
        (balance("total", "110.00"), balance("available_balance", "110.01")),
        (),
    ],
)
def test_a_report_that_says_otherwise_or_has_no_end_does_not_tie(rows: tuple[str, ...]) -> None:
    first = balance("initial_available_balance", "100.00")
    assert verdicts(read(report(first, net("10.00"), *rows))) == [False]


def test_an_id_survives_another_display_zone_and_twins_are_kept() -> None:
    moved = net("10.0", date="2026-09-01T01:39:50.000+00:00")
    (one,), (other,) = lines(report(net("10.00"))), lines(report(moved))
    assert (one.external_id, one.event_at) == (other.external_id, other.event_at)
    twins = [line.external_id for line in lines(report(net("10.00"), net("10.00")))]
    assert len(set(twins)) == 2 and twins[0] == one.external_id


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"credit": "1.00", "debit": "1.00"}, "credit 1.00 and debit 1.00"),
        ({"credit": "-1.00"}, "credit -1.00"),
        ({"type": "block"}, "unknown record type"),
        ({"type": ""}, "unknown record type"),
        ({"source": ""}, "no SOURCE_ID"),
        ({"date": ""}, "no DATE"),
        ({"date": "2026-08-31 22:39:50"}, "not a time"),
        ({"date": "2026-02-31T22:39:50.000-03:00"}, "not a time"),
        ({"date": "0001-01-01T00:00:00+03:00"}, "not a time"),
        ({"currency": "ars"}, "not a currency"),
        ({"ref": "a;b"}, "13 values under 12 columns"),
    ],
)
def test_what_a_row_cannot_be_is_refused(changes: dict[str, str], reason: str) -> None:
    assert reason in refused(report(row(**changes)))


def test_a_report_has_one_currency_and_says_which() -> None:
    assert "USD in a report in ARS" in refused(report(row(), row(currency="USD")))
    assert "choose the column CURRENCY" in refused(report(net("1.00", currency="")))
    (line,) = lines(report(net("1.00", currency="")), currency="BRL")
    assert line.currency == "BRL"


def test_a_header_with_a_double_or_missing_name_is_refused() -> None:
    double = (*COLUMNS[:-1], "DATE")
    assert "twice" in refused(report(row(), columns=double))
    assert "English names" in refused(report(row(), columns=("FECHA", *COLUMNS[1:])))


def test_a_balance_that_is_stated_twice_is_refused() -> None:
    assert "a second total" in refused(
        report(net("1.00"), balance("total", "1.00"), balance("total", "1.00"))
    )


def settled(**changes: str) -> str:
    values = {
        "source": "175662774659",
        "type": "SETTLEMENT",
        "amount": "131085.03",
        "currency": "ARS",
        "date": "2026-08-31T22:39:48.000-03:00",
        "fee": "-26614.06",
        "net": "100538.42",
        "financing": "-16638.49",
        "taxes": "-3932.55",
        "settled": "",
        **changes,
    }
    return ";".join(values.values())


def test_the_settlement_fee_already_contains_the_financing_fee() -> None:
    statement, *rest = read(report(settled(), columns=SETTLEMENT))
    assert isinstance(statement, Statement) and not statement.books
    amounts = [str(record.amount) for record in rest if isinstance(record, Line)]
    assert amounts == ["131085.03", "-9975.57", "-16638.49", "-3932.55"]
    assert sum(map(Decimal, amounts)) == Decimal("100538.42")


def test_a_settlement_that_does_not_add_up_is_its_net() -> None:
    (line,) = lines(report(settled(net="100500.00"), columns=SETTLEMENT))
    assert line.amount == Decimal("100500.00")


def test_a_settlement_in_another_currency_is_refused() -> None:
    assert "ARS settled in USD" in refused(report(settled(settled="USD"), columns=SETTLEMENT))


# --- notifications ----------------------------------------------------------

ID, REQUEST, TS = "ORD01JQ", "2066ca19", "1742505638683"


def signed(text: str, secret: str = "key") -> str:
    """The scheme written a second time, from its description."""
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def verify(
    v1: str,
    *,
    ts: str = TS,
    url: str = f"/hook?data.id={ID}&type=order",
    request: str = REQUEST,
    secret: str = "key",
) -> None:
    headers = {"x-signature": f"ts={ts},v1={v1}"} | ({"x-request-id": request} if request else {})
    hook = RawHook(headers=headers, body=b"", url=url)
    ADAPTER.verify(hook, Link(secrets={"secret": secret}), datetime.now(UTC))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["expected"]))
def test_the_published_inputs_are_signed(vector: dict[str, Any]) -> None:
    values = dict(pair.split(":") for pair in vector["signed_string"].strip(";").split(";"))
    made = push.sign(
        secret=vector["secret"],
        data_id=values["id"],
        request_id=values["request-id"],
        ts=values["ts"],
    )
    assert made == vector["expected"]


def test_the_id_may_be_lower_case_or_as_it_came() -> None:
    verify(signed(f"id:{ID};request-id:{REQUEST};ts:{TS};"))
    verify(signed(f"id:{ID.lower()};request-id:{REQUEST};ts:{TS};"))
    with pytest.raises(BadSignatureError, match="does not fit"):
        verify(signed(f"id:{ID};request-id:{REQUEST};ts:{TS}"))


def test_a_missing_value_takes_its_pair_with_it() -> None:
    verify(signed(f"id:{ID};ts:{TS};"), request="")
    verify(signed(f"request-id:{REQUEST};ts:{TS};"), url="/hook")
    with pytest.raises(BadSignatureError, match="does not fit"):
        verify(signed(f"id:;request-id:{REQUEST};ts:{TS};"), url="/hook")


def test_an_id_that_holds_the_next_pair_is_no_forgery() -> None:
    """The same manifest would be made of other values, under a fresh delivery id."""
    with pytest.raises(BadSignatureError, match="semicolon"):
        verify(
            signed(f"id:{ID};request-id:{REQUEST};ts:{TS};"),
            url=f"/hook?data.id={ID}%3Brequest-id%3A{REQUEST}",
            request="",
        )


def test_any_of_several_secrets_may_fit() -> None:
    verify(signed(f"id:{ID};request-id:{REQUEST};ts:{TS};"), secret="older\nkey")


@pytest.mark.parametrize(
    ("header", "url", "reason"),
    [
        ("", "/hook", "missing"),
        ("ts=1742505638683", "/hook", "missing"),
        ("v1=00", "/hook", "missing"),
        ("ts=1,ts=2,v1=00", "/hook", "twice"),
        ("ts=soon,v1=00", "/hook", "timestamp"),
        ("ts=１７４２,v1=00", "/hook", "timestamp"),
        ("ts=999999999999999,v1=00", "/hook", "timestamp"),
        ("ts=1742505638,v1=00", "/hook?data.id=1&data.id=2", "two resources"),
        ("ts=1742505638,v1=00", "/hook?data.id=%ff", "cannot be read"),
        ("ts=1742505638,v1=é", "/hook?data.id=1", "does not fit"),
    ],
)
def test_headers_and_address_are_read_strictly(header: str, url: str, reason: str) -> None:
    hook = RawHook(headers={"x-signature": header}, body=b"", url=url)
    with pytest.raises(BadSignatureError, match=reason):
        ADAPTER.verify(hook, Link(secrets={"secret": "key"}), datetime.now(UTC))


@pytest.mark.parametrize("ts", ["1742505638", "1742505638683"])
def test_a_time_in_seconds_or_milliseconds_is_told_apart(ts: str) -> None:
    hook = RawHook(headers={"x-signature": f"ts={ts},v1=00"}, body=b"", url="/?data.id=7")
    assert ADAPTER.unwrap(hook, Link()).context["signed_at"] == "2025-03-20T21:20:38+00:00"


@pytest.mark.parametrize("body", [b'{"data":{"id":"8"}}', b'{"data":{"id":8}}', b"{", b"\xff"])
def test_a_body_about_another_resource_is_refused(body: bytes) -> None:
    """The body is not signed: it may add to what the address says, never contradict it."""
    hook = RawHook(headers={"x-signature": "ts=1742505638,v1=00"}, body=body, url="/?data.id=7")
    with pytest.raises(BadSignatureError):
        ADAPTER.unwrap(hook, Link())
