"""WooCommerce: an order is evidence, a secret is decoded once, a ping proves nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from platforms import signing
from platforms.adapters.woocommerce import ADAPTER
from platforms.adapters.woocommerce.push import decoded_secret
from platforms.contract import (
    BadSignatureError,
    Challenges,
    Line,
    Link,
    RawHook,
    ReadError,
    Record,
    Reply,
    Statement,
)
from tests.platforms.cases import FIXTURES, document

VECTORS = json.loads((FIXTURES / "known_answer_vectors.json").read_text())["woocommerce"]


def order(case: str = "order_completed_partly_refunded", **changes: Any) -> list[Record]:
    answer = json.loads((FIXTURES / "woocommerce" / case / "input.json").read_text())
    return list(ADAPTER.read(document(json.dumps({**answer, **changes}).encode())))


def lines(records: list[Record]) -> list[Line]:
    return [record for record in records if isinstance(record, Line)]


def test_an_order_is_never_booked() -> None:
    statements = [record for record in order() if isinstance(record, Statement)]
    assert [statement.books for statement in statements] == [False]


def test_what_was_paid_and_given_back_is_told_apart() -> None:
    paid, broken, rest = lines(order())
    assert (paid.amount, broken.amount, rest.amount) == (
        Decimal("29.35"),
        Decimal("-9.00"),
        Decimal("-0.35"),
    )
    assert paid.event_at == datetime(2026, 3, 22, 16, 28, 8, tzinfo=UTC)
    assert paid.remittance == "pi_3Nabc"


def test_an_order_that_is_not_paid_has_no_money() -> None:
    assert lines(order("order_not_paid")) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"total": "NaN"}, "not an amount"),
        ({"total": "1e9999"}, "not an amount"),
        ({"total": "-1.00"}, "an order of -1.00"),
        ({"total": None}, "total is no amount"),
        ({"refunds": [{"id": 1, "reason": "", "total": "9.00"}]}, "a refund of 9.00"),
        ({"refunds": [{"reason": "", "total": "-9.00"}]}, "no id"),
        ({"refunds": "none"}, "refunds is not a list"),
        ({"date_paid_gmt": "22 March"}, "date_paid_gmt is no time"),
        ({"date_paid_gmt": "2026-03-22T16:28:02Z"}, "not a time"),
        ({"currency": "£"}, "not a currency"),
    ],
)
def test_an_order_that_cannot_be_read_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ReadError, match=reason):
        order(**changes)


def test_another_document_is_refused_and_told_where_the_money_is() -> None:
    with pytest.raises(ReadError, match="in its gateway's files"):
        list(ADAPTER.read(document(b'{"id": 1}')))


@pytest.mark.parametrize(
    ("typed", "signs"),
    [
        ("plain", "plain"),
        ("a&b", "a&b"),
        ("&amp;&lt;&gt;&quot;&#039;", "&<>\"'"),
        ("&#38;&#060;&#62;&#34;&#39;&#x26;&#X22;&#x027;", "&<>\"'&\"'"),
        ("&amp;amp;", "&amp;"),
        ("&amp;#039;", "&#039;"),
        ("&nbsp;&copy;&#65;&#x3c;", "&nbsp;&copy;&#65;&#x3c;"),
    ],
)
def test_a_secret_is_decoded_once(typed: str, signs: str) -> None:
    assert decoded_secret(typed) == signs


def test_the_vector_fits() -> None:
    (vector,) = VECTORS
    made = signing.hmac_sha256_base64(
        secret=vector["secret"], message=vector["signed_string"].encode()
    )
    assert made == vector["expected"]


def test_the_ping_of_a_new_webhook_is_known_and_proves_nothing() -> None:
    ping, link = RawHook(headers={}, body=b"webhook_id=7"), Link(secrets={"secret": "s"})
    assert isinstance(ADAPTER, Challenges)
    assert ADAPTER.challenge(ping, link) == Reply(status=200)
    with pytest.raises(BadSignatureError, match="missing"):
        ADAPTER.verify(ping, link, datetime.now(UTC))
    for body in (b"webhook_id=7&x=1", b"webhook_id=", b"webhook_id=7\n", b'{"id":7}', b""):
        assert ADAPTER.challenge(RawHook(headers={}, body=body), link) is None


def test_a_signed_delivery_is_no_ping_whatever_it_says() -> None:
    signed = RawHook(headers={"x-wc-webhook-signature": "x"}, body=b"webhook_id=7")
    assert ADAPTER.challenge(signed, Link(secrets={"secret": "s"})) is None


def test_a_delivery_without_an_id_is_a_named_error() -> None:
    with pytest.raises(BadSignatureError, match="delivery-id is missing"):
        ADAPTER.delivery_id(RawHook(headers={}, body=b"{}"))
