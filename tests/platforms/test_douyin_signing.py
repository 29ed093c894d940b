"""Douyin's signatures: requests against the SDK's string, pushes against the formula."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platforms import signing
from platforms.adapters.douyin import ADAPTER, request
from platforms.contract import BadSignatureError, Link, RawHook
from tests.platforms.cases import FIXTURES

VECTORS = {
    vector["id"]: vector
    for vector in json.loads((FIXTURES / "known_answer_vectors.json").read_text())["douyin"]
}


def test_a_request_is_signed_as_the_sdk_signs_it() -> None:
    vector = VECTORS["doudian-hmac"]
    made = request.sign(
        app_key="ak",
        secret=vector["app_secret"],
        method="shop.info",
        param_json='{"b":2,"a":1}',
        timestamp="1700000000",
    )
    assert made == vector["expected_hmac_sha256"]
    assert signing.md5_hex(vector["canonical"].encode()) == vector["expected_md5"]


def test_parameters_are_sorted_at_every_level_and_written_once() -> None:
    given = {"b": [{"d": None, "c": "<&>店"}], "a": Decimal("2.0"), "z": True}
    assert request.param_json(given) == '{"a":2,"b":[{"c":"<&>店","d":null}],"z":true}'
    for value in (1.5, Decimal("1.5"), b"x"):
        with pytest.raises(TypeError):
            request.param_json({"a": value})


@given(secret=st.text(min_size=1, max_size=20), key=st.text(max_size=20), body=st.text(max_size=40))
def test_the_signature_is_what_a_second_implementation_makes(
    secret: str, key: str, body: str
) -> None:
    made = request.sign(app_key=key, secret=secret, method="m", param_json=body, timestamp="1")
    pieces = [
        secret,
        "app_key",
        key,
        "method",
        "m",
        "param_json",
        body,
        "timestamp",
        "1",
        "v2",
        secret,
    ]
    mac = hmac.new(secret.encode(), digestmod=hashlib.sha256)
    for piece in pieces:
        mac.update(piece.encode())
    assert made == mac.hexdigest()


def hook(body: str, **headers: str) -> RawHook:
    return RawHook(headers=headers, body=body.encode())


def test_a_push_without_its_header_or_with_half_a_key_is_refused() -> None:
    vector = VECTORS["doudian-push"]
    signed = hook(vector["body"], **{"event-sign": vector["expected_event_sign"]})
    link = Link(secrets={"app_key": "old\nak", "secret": "secret"})
    now = datetime.now(UTC)
    ADAPTER.verify(signed, link, now)
    with pytest.raises(BadSignatureError, match="missing"):
        ADAPTER.verify(dataclasses.replace(signed, headers={}), link, now)
    for half in ({"app_key": "ak"}, {"secret": "secret"}, {"app_key": "ak", "secret": " \n"}):
        with pytest.raises(BadSignatureError, match="the link has no"):
            ADAPTER.verify(signed, Link(secrets=half), now)


def test_several_messages_have_one_delivery_id_that_depends_on_each() -> None:
    def push(*ids: str) -> RawHook:
        return hook(json.dumps([{"tag": "110", "msg_id": one} for one in ids]))

    found = {ADAPTER.delivery_id(push(*ids)) for ids in _id_lists()}
    assert len(found) == 4 and "a" in found
    old = hook(json.dumps({"tag": 110, "msgId": "a", "data": {"pay_amount": 1}}))
    assert ADAPTER.delivery_id(old) == "a"
    assert ADAPTER.unwrap(old, Link()).context["tags"] == "110"
    for body in ("[]", "{}", "1", '[{"msg_id":5}]', "not json", '[{"msg_id":"a"}, 3]'):
        with pytest.raises(BadSignatureError):
            ADAPTER.delivery_id(hook(body))


def _id_lists() -> Iterator[tuple[str, ...]]:
    yield from (("a",), ("a", "b"), ("b", "a"), ("a", "b", "c"))
