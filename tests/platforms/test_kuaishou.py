"""Kuaishou Shop: sums that must come out to the fen, sealed messages, signed requests."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from platforms.adapters.kuaishou import ADAPTER, sign
from platforms.contract import (
    AdapterError,
    BadSignatureError,
    Line,
    LineKind,
    Link,
    RawHook,
    ReadError,
    Record,
    Statement,
)
from tests.platforms.cases import FIXTURES, document, documents

KEY = bytes(range(16))
LINK = Link(secrets={"aes_key": base64.b64encode(KEY).decode()})
NOW = datetime(2026, 8, 3, tzinfo=UTC)


def bill(*orders: dict[str, object], result: int = 1) -> bytes:
    order = {
        "orderNo": 25,
        "settlementTime": "1785723536914",
        "actualPayAmount": "10000",
        "platformCommissionAmount": "500",
        "totalIncome": "10000",
        "totalOutgoingAmount": "500",
        "settlementAmount": "9500",
    }
    data = {"orders": [{**order, **changes} for changes in orders], "cursor": "nomore"}
    return json.dumps({"result": result, "data": data}).encode()


def read(data: bytes) -> list[Record]:
    return list(ADAPTER.read(document(data)))


def lines(data: bytes) -> list[Line]:
    return [record for record in read(data) if isinstance(record, Line)]


# --- settled orders -----------------------------------------------------------


def test_fen_become_yuan_and_the_lines_come_to_the_settlement() -> None:
    assert [line.amount for line in lines(bill({}))] == [Decimal("100.00"), Decimal("-5.00")]


@pytest.mark.parametrize(
    ("case", "settled"),
    [
        ("settled_bill", ["56.90", "85.13"]),
        ("settled_bill_two_wallets", ["56.90", "94.12", "56.45"]),
        ("settled_bill_refunds", ["26.90", "0.00", "-3.10"]),
    ],
)
def test_every_order_comes_to_its_settlement_by_hand(case: str, settled: list[str]) -> None:
    data = next(c.data for c in documents() if (c.code, c.name) == ("kuaishou", case))
    sums: dict[int, Decimal] = {}
    # Rows begin anew in no wallet: they are ordinals of the page.
    for line in lines(data):
        sums[line.row] = sums.get(line.row, Decimal(0)) + line.amount
    assert [sums[row] for row in sorted(sums)] == [Decimal(text) for text in settled]


def test_wallets_are_statements_of_their_own() -> None:
    data = bill({"accountChannel": "微信"}, {"accountChannel": "支付宝", "orderNo": 26})
    found = [record for record in read(data) if isinstance(record, Statement)]
    assert [statement.cash_account for statement in found] == ["微信", "支付宝"]
    assert {statement.profile for statement in found} <= ADAPTER.unverified.keys()


def test_a_refund_may_be_counted_on_either_side_but_not_twice() -> None:
    refund = {"totalRefundAmount": "3000", "settlementAmount": "6500"}
    for sums in ({"totalIncome": "7000"}, {"totalOutgoingAmount": "3500"}, {}):
        assert sum(line.amount for line in lines(bill({**refund, **sums}))) == 65
    with pytest.raises(ReadError, match=r"the settlement is 35\.00"):
        read(bill({**refund, "settlementAmount": "3500"}))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        # In yuan it would be read a hundred times too small.
        ({"settlementAmount": "95.5"}, "not in whole fen"),
        ({"settlementAmount": "9501"}, "states something that is not known"),
        # Fees that are stated negative do not come out.
        ({"platformCommissionAmount": "-500"}, "states something that is not known"),
        ({"totalIncome": "9999"}, "not to totalIncome"),
        ({"totalOutgoingAmount": "499"}, "not to totalOutgoingAmount"),
        ({"totalIncome": ""}, "no totalIncome"),
        ({"czjAmount": "1"}, "unknown sum 'czjAmount'"),
        ({"presellSettleAmount": 1}, "unknown sum 'presellSettleAmount'"),
        ({"brandNewAmount": "0.01"}, "not in whole fen"),
        ({"settlementTime": ""}, "not settled"),
        ({"settlementTime": "1785723536"}, "not in Unix milliseconds"),
        ({"settlementTime": "2026-08-03 10:00:00"}, "no time"),
        ({"actualPayAmount": "1e9"}, "not an amount"),
        ({"actualPayAmount": "NaN"}, "not an amount"),
        ({"actualPayAmount": [1]}, "no amount"),
        ({"orderNo": None}, "no orderNo"),
        ({"accountChannel": "微" * 33}, "no wallet"),
    ],
)
def test_an_order_that_does_not_come_out_is_refused(change: dict[str, object], reason: str) -> None:
    with pytest.raises(ReadError, match=reason):
        read(bill(change))


def test_empty_texts_state_nothing_and_are_no_sums() -> None:
    assert lines(bill({"czjAmount": "", "huabeiAmount": None, "presellSettleAmount": 0}))


def test_what_is_called_other_is_an_adjustment_where_the_sums_bear_it_out() -> None:
    change = {"otherAmount": 45, "otherAmountDesc": "运费险", "totalOutgoingAmount": "545"}
    other = lines(bill({**change, "settlementAmount": "9455"}))[-1]
    assert (other.kind, other.amount) == (LineKind.ADJUSTMENT, Decimal("-0.45"))
    assert other.label == "其他/运费险"


def test_an_order_stated_twice_is_refused() -> None:
    with pytest.raises(ReadError, match="row 2: the order 25 is stated twice"):
        read(bill({}, {}))
    assert len(lines(bill({}, {"productId": "2"}))) == 4


def test_an_error_answer_is_no_bill() -> None:
    with pytest.raises(ReadError, match="result '24'"):
        read(bill({}, result=24))
    with pytest.raises(ReadError, match="not an answer of Kuaishou"):
        read(b'{"result":1,"data":{"orders":[]}}')


# --- messages -----------------------------------------------------------------


def sealed(plain: bytes, *, key: bytes = KEY) -> bytes:
    """A message as the official demo seals it, written apart from the adapter."""
    padding = 16 - len(plain) % 16
    encryptor = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).encryptor()
    return base64.b64encode(encryptor.update(plain + bytes([padding]) * padding))


def test_a_test_message_is_accepted_and_says_so() -> None:
    body = (FIXTURES / "kuaishou" / "hook_test_after_rotation" / "body.bin").read_bytes()
    hook = RawHook(headers={}, body=body)
    ADAPTER.verify(hook, LINK, NOW)
    opened = ADAPTER.unwrap(hook, LINK)
    assert opened.context["test"] == "true"
    assert opened.name == opened.context["eventId"] == "202608030000000002"


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        b"not json",
        b"[]",
        b'{"eventId":"1"}',
        b'{"eventId":"","appKey":"k","event":"e","createTime":1}',
        b'{"eventId":"1","appKey":"k","event":"e","createTime":1,"info":{}}',
        b'{"eventId":"1","eventId":"2","appKey":"k","event":"e","createTime":1}',
    ],
)
def test_what_opens_must_be_a_message_too(plain: bytes) -> None:
    with pytest.raises(BadSignatureError, match="does not fit"):
        ADAPTER.verify(RawHook(headers={}, body=sealed(plain)), LINK, NOW)


def test_a_message_sealed_with_another_key_is_refused() -> None:
    plain = b'{"eventId":"1","appKey":"k","event":"e","createTime":1}'
    ADAPTER.verify(RawHook(headers={}, body=sealed(plain)), LINK, NOW)
    with pytest.raises(BadSignatureError, match="does not fit"):
        ADAPTER.verify(RawHook(headers={}, body=sealed(plain, key=bytes(16))), LINK, NOW)


# --- requests -----------------------------------------------------------------


def _vector() -> tuple[dict[str, str], str, str]:
    (vector,) = json.loads((FIXTURES / "known_answer_vectors.json").read_text())["kuaishou"]
    return vector["params"], vector["sign_secret"], vector["expected"]


def test_requests_are_signed_as_the_official_demo_does() -> None:
    parameters, secret, expected = _vector()
    assert sign(parameters, secret=secret) == expected
    # Only the seven system parameters are signed.
    assert sign({**parameters, "sign": "x", "other": "y"}, secret=secret) == expected
    assert sign({**parameters, "timestamp": "1"}, secret=secret) != expected


def test_the_hmac_is_base64_over_the_same_text() -> None:
    parameters, secret, _ = _vector()
    parameters = {**parameters, "signMethod": "HMAC_SHA256"}
    text = "&".join(f"{name}={parameters[name]}" for name in sorted(parameters))
    made = hmac.new(secret.encode(), f"{text}&signSecret={secret}".encode(), hashlib.sha256)
    expected = base64.b64encode(made.digest()).decode()
    assert expected.startswith("ZpPrG0oB")  # as the reference computed it
    assert sign(parameters, secret=secret) == expected


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"access_token": " "}, "no access_token"),
        ({"method": ""}, "no method"),
        ({"signMethod": "SHA1"}, "unknown signMethod"),
    ],
)
def test_a_request_that_cannot_be_signed_is_refused(change: dict[str, str], reason: str) -> None:
    parameters, secret, _ = _vector()
    with pytest.raises(AdapterError, match=reason):
        sign({**parameters, **change}, secret=secret)
