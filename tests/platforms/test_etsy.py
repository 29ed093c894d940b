"""Etsy: minor units with a running balance; a CSV of symbols, dashes and many spellings."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from platforms.adapters.etsy import ADAPTER, push
from platforms.contract import (
    BadSignatureError,
    Line,
    LineKind,
    Link,
    Payout,
    RawHook,
    ReadError,
    Record,
)
from tests.platforms.cases import FIXTURES, document, hooks, verdicts

HEADER = "Date,Type,Title,Info,Currency,Amount,Fees & Taxes,Net,Tax Details"
SALE = '"31 July, 2026",Sale,Payment for Order #7,,GBP,£29.99,-£1.44,£28.55,--'
DEPOSIT = '31 July 2026,Deposit,"£60.00 sent to your bank account",,GBP,--,--,--,--'


def read(data: bytes, **context: str) -> list[Record]:
    return list(ADAPTER.read(document(data, **context)))


def statement(*rows: str, header: str = HEADER) -> list[Record]:
    return read("\n".join([header, *rows, ""]).encode())


def lines(records: list[Record]) -> list[Line]:
    return [record for record in records if isinstance(record, Line)]


def ledger(**changes: Any) -> list[Record]:
    """The first three entries, the second one changed."""
    path = FIXTURES / "etsy/ledger_newest_first/input.json"
    answer = json.loads(path.read_text())
    answer["results"][1].update(changes)
    return read(json.dumps(answer).encode())


# --- the ledger ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("description", "ledger_type", "amount", "kind"),
    [
        ("payment", "PAYMENT_PROCESSING_FEE", -144, LineKind.COMMISSION),
        ("disbursement", "DISBURSE2", -144, LineKind.PAYOUT),
        ("returned disbursement", "DISBURSE2", 144, LineKind.PAYOUT_RETURNED),
        ("DISBURSE2", "", 144, LineKind.PAYOUT_RETURNED),
        ("prolist", "", -144, LineKind.ADVERTISING),
        ("billing_payment", "billing_payment", 144, LineKind.UNKNOWN),
    ],
)
def test_the_type_is_finer_than_the_description(
    description: str, ledger_type: str, amount: int, kind: LineKind
) -> None:
    records = ledger(description=description, ledger_type=ledger_type, amount=amount)
    assert lines(records)[1].kind is kind
    paid = [record for record in records if isinstance(record, Payout)]
    assert len(paid) == (kind is LineKind.PAYOUT)


def test_minor_units_become_pounds() -> None:
    assert [line.amount for line in lines(ledger())] == [
        Decimal("-10.00"),
        Decimal("-1.44"),
        Decimal("29.99"),
    ]


def test_a_page_proves_itself_whatever_its_order() -> None:
    assert verdicts(ledger()) == [True]
    for changes in ({"amount": -145}, {"balance": 3356}, {"sequence_number": 401}):
        assert verdicts(ledger(**changes)) == [False]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"amount": 1.44}, "no whole number of minor units"),
        ({"amount": "144"}, "no whole number of minor units"),
        ({"amount": True}, "no whole number of minor units"),
        ({"amount": None}, "no whole number of minor units"),
        ({"amount": 10**17}, "not an amount"),
        ({"balance": None}, "balance is no whole number"),
        ({"currency": "EUR"}, "EUR in a ledger in GBP"),
        ({"entry_id": None}, "no entry_id"),
        ({"created_timestamp": 0}, "created_timestamp is no time"),
        ({"sequence_number": "first"}, "no whole number"),
    ],
)
def test_an_entry_that_cannot_be_read_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ReadError, match=reason):
        ledger(**changes)


def test_a_currency_without_hundredths_is_refused() -> None:
    data = (FIXTURES / "etsy/ledger_newest_first/input.json").read_bytes()
    with pytest.raises(ReadError, match="the minor unit of JPY"):
        read(data.replace(b"GBP", b"JPY"))


@pytest.mark.parametrize("number", [b"1e9999", b"NaN", b"-Infinity"])
def test_a_number_that_is_none_is_refused(number: bytes) -> None:
    data = (FIXTURES / "etsy/ledger_newest_first/input.json").read_bytes()
    with pytest.raises(ReadError):
        read(data.replace(b"-144", number))


# --- the monthly statement ----------------------------------------------------------------


def test_the_lines_of_a_row_are_its_net() -> None:
    sale, fee = lines(statement(SALE))
    assert (sale.amount, sale.kind) == (Decimal("29.99"), LineKind.SALE)
    assert (fee.amount, fee.kind) == (Decimal("-1.44"), LineKind.COMMISSION)
    assert sale.order_ref == fee.order_ref == "7"


def test_a_fee_given_back_is_positive() -> None:
    row = "31 March 2023,Marketing,Credit for Offsite Ads fee,order: 12,GBP,--,£3.84,£3.84,--"
    (line,) = lines(statement(row))
    assert (line.amount, line.kind, line.order_ref) == (
        Decimal("3.84"),
        LineKind.ADVERTISING,
        "12",
    )


def test_a_day_is_one_day_however_it_is_spelled() -> None:
    spellings = ('"31 July, 2026"', "31 July 2026", '"July 31, 2026"', "31 Jul 2026")
    ids = {lines(statement(SALE.replace('"31 July, 2026"', s)))[0].external_id for s in spellings}
    assert len(ids) == 1


def test_equal_rows_are_two_fees() -> None:
    row = "30 July 2026,Fee,Listing fee,Listing #1,GBP,--,-£0.15,-£0.15,--"
    first, second = lines(statement(row, row))
    assert first.external_id != second.external_id
    assert lines(statement(row))[0].external_id == first.external_id


def test_a_deposit_has_its_amount_in_its_title() -> None:
    records = statement(DEPOSIT)
    (line,), (payout,) = lines(records), [r for r in records if isinstance(r, Payout)]
    assert line.amount == -payout.amount == Decimal(-60)
    assert not payout.numbered and line.payout_ref == payout.external_id


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (SALE.replace("£28.55", "£28.56"), "net 28.56 is not amount"),
        (SALE.replace("£28.55", "--"), "net None is not amount"),
        (SALE.replace("£29.99", "€29.99"), "is not in GBP"),
        (SALE.replace("£29.99", "29.99 £"), "not an amount"),
        (SALE.replace("£29.99", "£NaN"), "not an amount"),
        (SALE.replace("£29.99", '"£29,99"'), "not an amount"),
        (SALE.replace("GBP", "gbp"), "not a currency"),
        (SALE.replace("31 July, 2026", "31/07/2026"), "not a day"),
        (SALE.replace("31 July, 2026", "31 Juli, 2026"), "not a day"),
        (SALE.replace("31 July, 2026", "31 June, 2026"), "not a day"),
        (SALE + ",more", "10 values under 9 columns"),
        (DEPOSIT.replace("sent to", "on its way to"), "nor one in the title"),
        (DEPOSIT.replace("£60.00", "-£60.00"), "nor one in the title"),
        (DEPOSIT.replace("GBP,--,--,--", "GBP,£60.00,--,£60.00"), "an amount in its columns"),
        (SALE.replace("GBP", "USD").replace("£", "$"), "USD in a file in GBP"),
    ],
)
def test_a_row_that_cannot_be_read_names_itself(row: str, reason: str) -> None:
    with pytest.raises(ReadError, match=reason) as caught:
        statement(SALE, row)
    assert caught.value.row == 3


def test_a_column_twice_or_missing_is_not_a_statement_that_can_be_read() -> None:
    with pytest.raises(ReadError, match="names 'Net' twice"):
        statement(SALE, header=HEADER.replace("Tax Details", "Net"))
    with pytest.raises(ReadError, match="neither a statement nor ledger entries"):
        statement(SALE, header=HEADER.replace("Net", "Netto"))


def test_a_file_cut_in_its_last_amount_is_refused() -> None:
    with pytest.raises(ReadError, match="it was cut"):
        read(f"{HEADER}\n{SALE}".encode())


# --- webhooks -----------------------------------------------------------------------------


def delivery() -> tuple[RawHook, Link, datetime]:
    case = next(case for case in hooks() if str(case) == "etsy/hook_published_vector")
    hook = RawHook(headers=case.facts["headers"], body=case.body)
    return hook, Link(secrets=case.facts["secrets"]), datetime.fromtimestamp(1614265330, UTC)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("webhook-timestamp", "1614265331", "does not fit"),
        ("webhook-timestamp", "１６１４２６５３３０", "Unix seconds"),
        ("webhook-timestamp", "-1614265330", "Unix seconds"),
        ("webhook-timestamp", "", "is missing"),
        ("webhook-id", "msg_another", "does not fit"),
        ("webhook-id", "", "is missing"),
        ("webhook-signature", "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "does not fit"),
        ("webhook-signature", "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "does not fit"),
        ("webhook-signature", "v1,", "does not fit"),
    ],
)
def test_headers_are_read_strictly(name: str, value: str, reason: str) -> None:
    hook, link, now = delivery()
    with pytest.raises(BadSignatureError, match=reason):
        push.verify(dataclasses.replace(hook, headers={**hook.headers, name: value}), link, now)


def test_a_secret_that_is_not_base64_is_a_named_error() -> None:
    hook, _, now = delivery()
    with pytest.raises(BadSignatureError, match="not base64"):
        push.verify(hook, Link(secrets={"secret": "whsec_not base64!"}), now)


def test_an_independent_signature_fits() -> None:
    """Written out from the scheme's text, not with our own functions."""
    _, link, now = delivery()
    key = base64.b64decode(link.secrets["secret"].split("_")[1])
    signed = hmac.new(key, b"msg_1.1614265330.{}", hashlib.sha256).digest()
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": "1614265330",
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
    }
    push.verify(RawHook(headers=headers, body=b"{}"), link, now)
