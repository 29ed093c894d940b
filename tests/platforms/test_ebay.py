"""eBay: what the exam does not see of answers, reports, notifications and requests."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from platforms import registry
from platforms.adapters.ebay import push, request
from platforms.contract import (
    BadSignatureError,
    Challenges,
    Line,
    LineKind,
    Link,
    Payout,
    RawHook,
    ReadError,
    Record,
    Reply,
    Totals,
    UnauthorisedError,
)
from tests.platforms.cases import FIXTURES, document

EBAY = registry.get("ebay")
VECTORS: list[dict[str, Any]] = json.loads((FIXTURES / "known_answer_vectors.json").read_text())[
    "ebay"
]


def _vector(kind: str) -> dict[str, Any]:
    return next(vector for vector in VECTORS if vector["kind"] == kind)


def _file(case: str) -> str:
    return next((FIXTURES / "ebay" / case).glob("input.*")).read_text()


def _read(text: str, **context: str) -> list[Record]:
    return list(EBAY.read(document(text.encode(), **context)))


def _by_payout(records: Iterable[Record]) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for record in records:
        if isinstance(record, Line) and record.kind is not LineKind.PAYOUT:
            sums[record.payout_ref] += record.amount
    return sums


def _amount(records: Iterable[Record], kind: LineKind, order: str) -> Decimal:
    found = (
        record.amount
        for record in records
        if isinstance(record, Line) and record.kind is kind and record.order_ref == order
    )
    return sum(found, Decimal(0))


# --- reading ------------------------------------------------------------------------


def test_the_transactions_of_a_payout_add_up_to_it() -> None:
    payouts = [r for r in _read(_file("api_payouts")) if isinstance(r, Payout)]
    assert payouts[0].amount == Decimal("44.71")
    # 88.18 − 3.12 − 42.31 + 42.31 − 6.40 − 20 + 20 − 21.95 − 5 − 4 − 1 − 2
    assert _by_payout(_read(_file("api_transactions")))["7001112223"] == Decimal("44.71")


def test_a_sale_is_gross_and_its_fees_are_lines_of_their_own() -> None:
    records = _read(_file("api_transactions"))
    assert _amount(records, LineKind.SALE, "21-10007-55501") == Decimal("103.90")
    assert _amount(records, LineKind.COMMISSION, "21-10007-55501") == Decimal("-15.72")
    assert _amount(records, LineKind.ADVERTISING, "21-10007-55501") == Decimal("-3.12")


def test_a_refund_gives_its_fees_back_also_those_that_no_line_explains() -> None:
    records = _read(_file("api_transactions"))
    assert _amount(records, LineKind.REFUND, "21-10007-55777") == Decimal("-49.98")
    assert _amount(records, LineKind.COMMISSION, "21-10007-55777") == Decimal("7.67")


def test_tax_that_ebay_collects_is_not_the_sellers_money() -> None:
    text = _file("api_transactions")
    assert _read(text.replace('"8.05"', '"999.99"')) == _read(text)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"bookingEntry": "DEBIT"', '"bookingEntry": "BOTH"', "unknown bookingEntry"),
        ('"value": "88.18"', '"value": "-88.18"', "negative"),
        ('"value": "88.18"', '"value": "88.19"', "the amount and its fees are"),
        ('"value": "88.18"', '"value": NaN', "not an amount"),
        ('"value": "88.18"', '"value": 1e9999', "not an amount"),
        ('"value": "88.18"', '"value": "1e3"', "not an amount"),
        ('"value": "88.18"', '"value": null', "is no amount"),
        ('"15.72",\n    "currency": "USD"', '"15.72",\n    "currency": "EUR"', "EUR in a trans"),
        ('"transactionId": "R-1"', '"transactionId": ""', "no transactionId"),
        ("2026-09-02T12:48:08.764Z", "2026-09-02 12:48:08", "not a time"),
        ('"limit": 20', '"limit": -20', "is no count"),
    ],
)
def test_a_transaction_that_says_too_little_is_refused(old: str, new: str, reason: str) -> None:
    text = _file("api_transactions")
    assert old in text
    with pytest.raises(ReadError, match=reason):
        _read(text.replace(old, new, 1))


def test_an_unknown_payout_status_is_refused() -> None:
    with pytest.raises(ReadError, match="unknown payout status"):
        _read(_file("api_payouts").replace("RETRYABLE_FAILED", "PERHAPS"))


def test_a_page_says_itself_whether_it_is_whole() -> None:
    page = json.loads(_file("api_transactions"))
    assert all(r.ties for r in _read(json.dumps(page)) if isinstance(r, Totals))
    page["transactions"].pop(3)
    assert not any(r.ties for r in _read(json.dumps(page)) if isinstance(r, Totals))


def test_the_same_id_of_two_types_is_two_transactions() -> None:
    ids = [r.external_id for r in _read(_file("api_transactions")) if isinstance(r, Line)]
    assert {"DISPUTE:D-1", "ADJUSTMENT:D-1"} <= set(ids)


# --- the report ----------------------------------------------------------------------


def test_the_rows_of_a_payout_in_a_report_add_up_to_it() -> None:
    records = _read(_file("report"))
    payout = next(r for r in records if isinstance(r, Payout))
    # 88.18 − 3.12 − 42.31 − 6.40 − 6.40 + 67.39 − 5.00
    assert _by_payout(records)[payout.external_id] == payout.amount == Decimal("92.34")


def test_rows_keep_their_ids_when_they_get_a_payout_or_columns_move() -> None:
    def ids(text: str) -> list[str]:
        return [record.external_id for record in _read(text) if isinstance(record, Line)]

    text = _file("report")
    rows = [line for line in text.splitlines() if ",Payout," not in line]
    unpaid = "\n".join(rows).replace("7001112223", "--") + "\n"
    assert ids(unpaid) == ids(text)[1:]
    assert ids(_file("report_fewer_columns")) == ids(text)[1:8]


def test_a_day_begins_in_the_zone_of_the_store() -> None:
    lines = [r for r in _read(_file("report"), zone="Europe/Berlin") if isinstance(r, Line)]
    assert lines[0].event_at == datetime(2026, 9, 7, 22, tzinfo=UTC)
    with pytest.raises(ReadError, match="no such time zone"):
        _read(_file("report"), zone="Mars/Olympus")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (",88.18,", ",88.17,", "Net amount 88.17 is not 103.90 with fees of -15.72"),
        (",-0.44,", ",0.44,", "Net amount"),
        (",88.18,", ",--,", "an amount without a net amount"),
        (",88.18,", ",NaN,", "not an amount"),
        (",88.18,", ",1e9999,", "not an amount"),
        (",88.18,USD,", ",88.18,EUR,", "EUR in a report in USD"),
        ('"Sep 2, 2026"', "2026-09-02", "not a day"),
        ('"Sep 2, 2026"', '"Sep 31, 2026"', "not a day"),
        ('"Sep 2, 2026"', '"Sept 2, 2026"', "not a day"),
        (",-92.34,", ",92.34,", "Net amount|positive net amount"),
        ("International fee", "Final Value Fee - fixed", "twice"),
    ],
)
def test_a_row_that_does_not_add_up_is_refused(old: str, new: str, reason: str) -> None:
    text = _file("report")
    assert old in text
    with pytest.raises(ReadError, match=reason):
        _read(text.replace(old, new, 1))


def test_a_fee_column_nobody_knows_is_never_dropped() -> None:
    text = _file("report").replace("International fee", "Fee of tomorrow")
    with pytest.raises(ReadError, match=r"Net amount 88\.18 is not 103\.90 with fees of -14\.16"):
        _read(text)


# --- notifications ---------------------------------------------------------------------

CASE = FIXTURES / "ebay" / "hook_published_vector"
FACTS: dict[str, Any] = json.loads((CASE / "hook.json").read_text())
HOOK = RawHook(headers=FACTS["headers"], body=(CASE / "body.bin").read_bytes())
LINK = Link(secrets=FACTS["secrets"])
NOW = datetime(2026, 9, 1, tzinfo=UTC)


def _verify(header: bytes | str, body: bytes = HOOK.body) -> None:
    value = header if isinstance(header, str) else base64.b64encode(header).decode()
    hook = dataclasses.replace(HOOK, headers={"x-ebay-signature": value}, body=body)
    registry.pushes(EBAY).verify(hook, LINK, NOW)


def test_a_json_body_that_only_means_the_same_is_refused() -> None:
    spaced = json.dumps(json.loads(HOOK.body)).encode()
    with pytest.raises(BadSignatureError, match="does not fit"):
        _verify(FACTS["headers"]["x-ebay-signature"], spaced)


@pytest.mark.parametrize(
    "vector",
    [vector for vector in VECTORS if vector["kind"] == "notification_must_fail"],
    ids=lambda vector: str(vector["id"]),
)
def test_the_notifications_published_as_forged_are_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(BadSignatureError, match="does not fit"):
        _verify(vector["header_value"], vector["body"].encode())


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("not base64!", "not base64"),
        (b"not json", "not JSON"),
        (b"[]", "no object"),
        (b'{"digest":"MD5","signature":"AAAA"}', "another digest"),
        (b'{"signature":"AAAA"}', "another digest"),
        (b'{"digest":"SHA1"}', "not base64|does not fit"),
        (b'{"digest":"SHA1","signature":"AAAA"}', "does not fit"),
        (b'{"digest":"SHA1","digest":"SHA1","signature":"AAAA"}', "not JSON"),
    ],
)
def test_a_signature_header_is_read_strictly(header: bytes | str, reason: str) -> None:
    with pytest.raises(BadSignatureError, match=reason):
        _verify(header)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"notification":{"notificationId":7}}'])
def test_a_body_that_is_no_notification_is_a_named_error(body: bytes) -> None:
    with pytest.raises(BadSignatureError):
        registry.pushes(EBAY).delivery_id(RawHook(headers={}, body=body))


def test_the_published_challenge() -> None:
    vector = _vector("endpoint_challenge")
    assert vector["expected"] == push.challenge_response(
        challenge_code=vector["challenge_code"],
        verification_token=vector["verification_token"],
        endpoint=vector["endpoint"],
    )


def _asked(url: str, token: str, *, method: str = "GET") -> Reply | None:
    hook = RawHook(headers={}, body=b"", url=url, method=method)
    assert isinstance(EBAY, Challenges)
    return EBAY.challenge(hook, Link(secrets={"verification_token": token}))


def test_a_new_endpoint_answers_the_challenge() -> None:
    vector = _vector("endpoint_challenge")
    code, token, url = (vector[n] for n in ("challenge_code", "verification_token", "endpoint"))
    answer = f'{{"challengeResponse":"{vector["expected"]}"}}'.encode()
    expected = Reply(status=200, body=answer, content_type="application/json")
    assert _asked(f"{url}?challenge_code={code}", token) == expected
    assert _asked(f"{url}?challenge_code={code}", f"{token}\nolder") == expected
    assert _asked(f"{url}?challenge_code={code}", "another") != expected
    assert _asked(f"{url}/2?challenge_code={code}", token) != expected
    assert _asked(url, token) is None
    assert _asked(f"{url}?challenge_code={code}", token, method="POST") is None


@pytest.mark.parametrize(
    ("url", "token", "reason"),
    [
        ("/h?challenge_code=a", " ", "no verification_token"),
        ("/h?challenge_code=", "t", "no challenge_code, or several"),
        ("/h?challenge_code=a&challenge_code=b", "t", "no challenge_code, or several"),
        ("http://[x?challenge_code=a", "t", "cannot be read"),
    ],
)
def test_a_challenge_that_cannot_be_answered_is_a_named_error(
    url: str, token: str, reason: str
) -> None:
    with pytest.raises(BadSignatureError, match=reason):
        _asked(url, token)


# --- requests --------------------------------------------------------------------------


def _signed(body: bytes, **changed: str) -> dict[str, str]:
    vector = _vector("request_http_message_signature")
    arguments = {
        "method": "POST",
        "path": "/verifysignature",
        "authority": "localhost:8080",
        "signature_key": vector["headers"]["x-ebay-signature-key"],
        "private_key": vector["private_key_pkcs8_b64"],
        **changed,
    }
    return request.sign(body=body, created=1658440308, **arguments)


def test_the_published_request_signature() -> None:
    vector = _vector("request_http_message_signature")
    headers = _signed(vector["body"].encode())
    assert headers["signature"] == f"sig1=:{vector['expected']}:"
    for name, value in vector["headers"].items():
        assert headers[name.lower()] == value


def test_a_request_without_a_body_signs_no_digest() -> None:
    vector = _vector("request_http_message_signature")
    headers = _signed(b"", method="get", path="/sell/finances/v1/payout", authority="APIZ.ebay.com")
    assert "content-digest" not in headers
    covered = '("x-ebay-signature-key" "@method" "@path" "@authority");created=1658440308'
    assert headers["signature-input"] == f"sig1={covered}"
    # Written out anew, so that the two cannot be wrong together.
    base = (
        f'"x-ebay-signature-key": {vector["headers"]["x-ebay-signature-key"]}\n'
        '"@method": GET\n"@path": /sell/finances/v1/payout\n"@authority": apiz.ebay.com\n'
        f'"@signature-params": {covered}'
    )
    key = load_der_public_key(base64.b64decode(vector["public_key_spki_b64"]))
    assert isinstance(key, Ed25519PublicKey)
    signature = base64.b64decode(headers["signature"].removeprefix("sig1=:").removesuffix(":"))
    key.verify(signature, base.encode())


@pytest.mark.parametrize("key", ["", "AAAA", "no base64!"])
def test_a_key_that_cannot_sign_is_refused(key: str) -> None:
    with pytest.raises(UnauthorisedError):
        _signed(b"", private_key=key)
