"""PayPal: implied decimals, directions, footers that must agree, deliveries that are signed."""

from __future__ import annotations

import base64
import json
import zlib
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import given
from hypothesis import strategies as st

from platforms.adapters.paypal import ADAPTER, push
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

VECTORS = json.loads((FIXTURES / "known_answer_vectors.json").read_text())["paypal"]
COLUMNS = (
    '"CH","Transaction ID","Invoice ID","Transaction Event Code","Transaction Initiation Date",'
    '"Transaction Completion Date","Transaction Debit or Credit","Gross Transaction Amount",'
    '"Gross Transaction Currency","Fee Debit or Credit","Fee Amount","Fee Currency",'
    '"Bank Reference ID","Credit Transactional Fee"'
)
TIME = "2026/01/06 00:00:30 -0800"
HEAD = (
    '"RH",2026/01/07 02:21:10 -0800,"A","ACC",009,',
    '"FH",01',
    '"SH",2026/01/06 00:00:00 -0800,2026/01/06 23:59:59 -0800,"ACC",""',
)
# 52.00 − 2.25 = 49.75, from 10.00 to 59.75.
SUMS = '"USD",5200,0,0,225,"CR",1000,"CR",5975,"CR",1000,"CR",5975,"CR",0,"CR",0,1'


def row(**changes: str) -> str:
    values = {
        "id": "TX1",
        "invoice": "INV-1",
        "code": "T0006",
        "begun": TIME,
        "done": TIME,
        "direction": "CR",
        "gross": "5200",
        "currency": "USD",
        "fee_direction": "DR",
        "fee": "225",
        "fee_currency": "USD",
        "bank": "",
        "credit_fee": "",
        **changes,
    }
    return ",".join(["SB", *values.values()])


def report(
    *rows: str, sums: str = SUMS, count: int | None = None, head: tuple[str, ...] = HEAD
) -> bytes:
    number = len(rows) if count is None else count
    frame = [f'"SF",{sums}', f'"SC",{number}', f'"RF",{sums}', f'"RC",{number}', f'"FF",{number}']
    return "\n".join([*head, COLUMNS, *rows, *frame, ""]).encode()


def read(data: bytes) -> list[Record]:
    return list(ADAPTER.read(document(data)))


def lines(data: bytes) -> list[Line]:
    return [record for record in read(data) if isinstance(record, Line)]


def refused(data: bytes) -> str:
    with pytest.raises(ReadError) as caught:
        read(data)
    return str(caught.value)


def test_a_row_is_its_gross_amount_and_its_fee_in_the_major_unit() -> None:
    gross, fee = lines(report(row()))
    assert (gross.kind, gross.amount) == (LineKind.SALE, Decimal("52.00"))
    assert (fee.kind, fee.amount) == (LineKind.COMMISSION, Decimal("-2.25"))
    assert gross.event_at == datetime(2026, 1, 6, 8, 0, 30, tzinfo=UTC)
    assert verdicts(read(report(row()))) == [True]


def test_a_refund_gives_back_the_fee() -> None:
    given = row(code="T1107", direction="DR", fee_direction="CR")
    assert [(line.kind, line.amount) for line in lines(report(given))] == [
        (LineKind.REFUND, Decimal("-52.00")),
        (LineKind.COMMISSION, Decimal("2.25")),
    ]


def test_yen_have_two_implied_decimals_as_well() -> None:
    (line,) = lines(report(row(gross="10000", currency="JPY", fee="")))
    assert line.amount == 100
    assert "a fraction of a yen" in refused(report(row(gross="150", currency="JPY", fee="")))


def test_a_payment_sent_is_no_sale() -> None:
    (line, _) = lines(report(row(direction="DR")))
    assert (line.kind, line.amount) == (LineKind.UNKNOWN, Decimal("-52.00"))


def test_a_withdrawal_is_a_payout_with_the_banks_reference() -> None:
    given = row(code="T0400", direction="DR", fee="", bank="1047428557493")
    (found,) = [record for record in read(report(given)) if isinstance(record, Payout)]
    assert (found.external_id, found.amount, found.remittance) == (
        "TX1",
        Decimal("52.00"),
        "1047428557493",
    )


def test_one_transaction_may_move_the_balance_twice() -> None:
    held, released = row(code="T1110", direction="DR", fee=""), row(code="T1111", fee="")
    found = lines(report(held, released, held))
    assert [line.kind for line in found] == [
        LineKind.RESERVE_HELD,
        LineKind.RESERVE_RELEASED,
        LineKind.RESERVE_HELD,
    ]
    assert len({line.external_id for line in found}) == 3
    assert found[0].external_id == lines(report(held))[0].external_id


@pytest.mark.parametrize(
    "sums",
    [
        SUMS.replace("5200", "5300"),
        SUMS.replace("225", "224"),
        SUMS.replace("5975", "5976"),
        SUMS.replace('"CR",5975', '"DR",5975'),
        SUMS.replace("USD", "EUR"),
    ],
)
def test_a_footer_that_says_otherwise_does_not_tie(sums: str) -> None:
    assert False in verdicts(read(report(row(), sums=sums)))


def test_either_the_available_or_the_total_balance_may_lead_to_its_end() -> None:
    """A hold changes the available balance and leaves the total as it is."""
    held = row(code="T1110", direction="DR", gross="500", fee="")
    sums = '"USD",0,500,0,0,"CR",1000,"CR",500,"CR",1000,"CR",1000,"CR",0,"CR",0,1'
    assert verdicts(read(report(held, sums=sums))) == [True]


@pytest.mark.parametrize("count", [0, 2, 10])
def test_a_count_that_is_not_the_rows_does_not_tie(count: int) -> None:
    assert verdicts(read(report(row(), count=count))) == [False]


def test_a_later_file_of_a_report_cannot_prove_its_totals() -> None:
    later = (HEAD[0], '"FH",02', HEAD[2])
    data = report(row(), sums=SUMS.replace("5200", "99900"), head=later)
    assert verdicts(read(data)) == [None]
    assert verdicts(read(data.replace(b'"FF",1', b'"FF",2'))) == [False]


def test_a_file_without_its_end_is_refused() -> None:
    whole = report(row(), row(id="TX2")).splitlines(keepends=True)
    for cut in range(4, len(whole)):
        assert "cut" in refused(b"".join(whole[:cut]))
    assert "follows the end" in refused(b"".join([*whole, whole[-1]]))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"gross": "52.00"}, "not an amount"),
        ({"gross": "-5200"}, "not an amount"),
        ({"gross": "NaN"}, "not an amount"),
        ({"gross": "1e9999"}, "not an amount"),
        ({"gross": "٥٢٠٠"}, "not an amount"),
        ({"gross": "9" * 17}, "not an amount"),
        ({"gross": ""}, "not an amount"),
        ({"direction": ""}, "neither CR nor DR"),
        ({"direction": "XX"}, "neither CR nor DR"),
        ({"fee_direction": ""}, "neither CR nor DR"),
        ({"fee_currency": "EUR"}, "a fee in 'EUR'"),
        ({"currency": "usd"}, "not a currency"),
        ({"id": ""}, "no Transaction ID"),
        ({"code": ""}, "no Transaction Event Code"),
        ({"done": "2026-01-06 00:00:30 -0800"}, "not a time"),
        ({"done": "2026/01/06 00:00:30"}, "not a time"),
        ({"credit_fee": "15"}, "Credit Transactional Fee is not known"),
        ({"bank": "1,2"}, "15 values under 14 columns"),
    ],
)
def test_what_a_row_cannot_be_is_refused(changes: dict[str, str], reason: str) -> None:
    assert reason in refused(report(row(**changes)))


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ('"SC",1', '"XX",1', "unknown record"),
        ('"SC",1', '"SC",', "lacks value 1"),
        ('"SC",1', '"SC",one', "not a count"),
        (f'"SF",{SUMS}', f'"SF",{SUMS},1', "has 20 values"),
        (f'"SF",{SUMS}', f'"SF",{SUMS}\n"SF",{SUMS}', "a second SF"),
        ('"Fee Amount"', '"Fee Currency"', "twice"),
        ('"Fee Amount"', '"Fee Sum"', "lacks Fee Amount"),
        (HEAD[2], "", "before a section"),
        (HEAD[1], "", "no file or section header"),
        ('"ACC",""', '"",""', "lacks value 3"),
    ],
)
def test_what_a_frame_cannot_be_is_refused(before: str, after: str, reason: str) -> None:
    data = report(row()).decode()
    assert before in data
    assert reason in refused(data.replace(before, after).encode())


@given(
    amounts=st.lists(st.integers(1, 10**9), min_size=1, max_size=6),
    lost=st.integers(0, 5),
    change=st.sampled_from(["drop", "double", "turn"]),
)
def test_no_row_can_be_lost_doubled_or_turned(amounts: list[int], lost: int, change: str) -> None:
    rows = [row(id=f"TX{place}", gross=str(cents), fee="") for place, cents in enumerate(amounts)]
    total = sum(amounts)
    sums = f'"USD",{total},0,0,0,"CR",0,"CR",{total},"CR",0,"CR",{total},"CR",0,"CR",0,1'
    assert verdicts(read(report(*rows, sums=sums))) == [True]
    place = lost % len(rows)
    own = {"drop": [], "double": [rows[place]] * 2, "turn": [rows[place].replace("CR", "DR")]}
    changed = [*rows[:place], *own[change], *rows[place + 1 :]]
    assert set(verdicts(read(report(*changed, sums=sums, count=len(rows))))) == {False}


def test_other_reports_are_refused_with_the_reason() -> None:
    data = b'"RH",2026/01/07 02:21:10 -0800,"A","ACC",009,\n"CH","Subscription ID"\n"SB","S-1"\n'
    assert not ADAPTER.recognises(document(data))
    assert "subscription reports" in refused(data)


def test_the_detail_report_is_evidence_and_keeps_what_moved_nothing() -> None:
    columns = COLUMNS.replace('"Bank Reference ID"', '"Transactional Status"')
    data = report(row(bank="S"), row(id="TX2", bank="D"), sums="2", count=2)
    statement, *found = read(data.replace(COLUMNS.encode(), columns.encode()))
    assert isinstance(statement, Statement) and not statement.books
    kinds = [record.kind for record in found if isinstance(record, Line)]
    assert kinds[0] is LineKind.SALE and set(kinds[2:]) == {LineKind.UNKNOWN}
    assert verdicts([statement, *found]) == [True]


# --- deliveries -------------------------------------------------------------

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
BODY = b'{"id":"WH-1","event_type":"PAYMENT.SALE.COMPLETED"}'


def delivery(**changes: str) -> RawHook:
    """A delivery signed here a second time, from the scheme's description."""
    checksum = zlib.crc32(BODY) & 0xFFFFFFFF
    message = b"t-1|2026-01-06T00:00:00Z|WEBHOOK|%d" % checksum
    signature = KEY.sign(message, padding.PKCS1v15(), hashes.SHA256())
    headers = {
        "paypal-transmission-id": "t-1",
        "paypal-transmission-time": "2026-01-06T00:00:00Z",
        "paypal-transmission-sig": base64.b64encode(signature).decode(),
        "paypal-cert-url": "https://api.paypal.com/v1/notifications/certs/CERT-1",
        "paypal-auth-algo": "SHA256withRSA",
        **{f"paypal-{name.replace('_', '-')}": value for name, value in changes.items()},
    }
    return RawHook(headers=headers, body=BODY)


def verify(hook: RawHook, webhook_id: str = "WEBHOOK") -> None:
    secrets = {"public_key": PEM.decode(), "webhook_id": webhook_id}
    ADAPTER.verify(hook, Link(secrets=secrets), datetime.now(UTC))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: str(vector["webhook_id"]))
def test_a_genuine_signature_fits_whatever_has_the_bodys_checksum(vector: dict[str, Any]) -> None:
    """PayPal's own signatures, over a body of ours: why an event is a hint and no more."""
    body = b'{"id":"WH-OTHER"}' + bytes.fromhex(vector["other_body_end"])
    stamps = {"transmission_id": vector["transmission_id"], "time": vector["transmission_time"]}
    made = push.signed_text(**stamps, webhook_id=vector["webhook_id"], body=body)
    assert made == vector["signed_string"]
    headers = {
        "paypal-transmission-id": vector["transmission_id"],
        "paypal-transmission-time": vector["transmission_time"],
        "paypal-transmission-sig": vector["signature"],
    }
    link = Link(secrets={name: vector[name] for name in ("public_key", "webhook_id")})
    ADAPTER.verify(RawHook(headers=headers, body=body), link, datetime.now(UTC))
    with pytest.raises(BadSignatureError, match="does not fit"):
        ADAPTER.verify(RawHook(headers=headers, body=body + b" "), link, datetime.now(UTC))


def test_any_of_several_webhooks_may_fit() -> None:
    verify(delivery(), "OLDER\nWEBHOOK")
    with pytest.raises(BadSignatureError, match="does not fit"):
        verify(delivery(), "OLDER")
    with pytest.raises(BadSignatureError, match="the link has no webhook_id"):
        verify(delivery(), " \n")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"transmission_id": ""}, "missing"),
        ({"transmission_time": ""}, "missing"),
        ({"transmission_sig": ""}, "missing"),
        ({"transmission_id": "t-2"}, "does not fit"),
        ({"transmission_time": "2026-01-06T00:00:01Z"}, "does not fit"),
        ({"transmission_sig": "!"}, "not base64"),
        ({"auth_algo": "SHA1withRSA"}, "another type"),
        ({"cert_url": "http://api.paypal.com/c"}, "not at PayPal"),
        ({"cert_url": "https://api.paypal.com.evil.example/c"}, "not at PayPal"),
        ({"cert_url": "https://evilpaypal.com/c"}, "not at PayPal"),
        ({"cert_url": "https://[::1/c"}, "cannot be read"),
    ],
)
def test_the_headers_are_read_strictly(change: dict[str, str], reason: str) -> None:
    with pytest.raises(BadSignatureError, match=reason):
        verify(delivery(**change))


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"id": 7}', b'{"id":"a","id":"b"}'])
def test_a_body_that_is_no_event_is_a_named_error(body: bytes) -> None:
    with pytest.raises(BadSignatureError):
        ADAPTER.unwrap(RawHook(headers={}, body=body), Link())
