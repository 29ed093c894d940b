"""The hook half of the exam: signatures, clocks, replies, published vectors."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from platforms import registry, signing
from platforms.contract import Adapter, BadSignatureError, Link, Pushes, RawHook
from tests.platforms.cases import FIXTURES, HookCase, hooks

every_hook = pytest.mark.parametrize("case", hooks(), ids=str)
every_pusher = pytest.mark.parametrize(
    "adapter",
    [adapter for adapter in registry.all() if isinstance(adapter, Pushes)],
    ids=lambda adapter: str(adapter.code),
)


@every_pusher
def test_a_platform_that_calls_us_has_a_recorded_hook(adapter: Adapter) -> None:
    assert any(case.code == adapter.code for case in hooks())


@every_hook
def test_it_is_accepted_at_its_time(case: HookCase) -> None:
    _verify(case, _hook(case))


@every_hook
def test_every_flipped_byte_is_refused(case: HookCase) -> None:
    """Of what is signed; of the headers, where the body is not (`body_unsigned`)."""
    if case.facts.get("body_unsigned"):
        assert "hook" in registry.get(case.code).unverified
        _every_flipped_header_is_refused(case)
        return
    signed = _signed(case)
    for place in range(0, len(signed), max(1, len(signed) // 40)):
        flipped = signed[:place] + bytes([signed[place] ^ 1]) + signed[place + 1 :]
        with pytest.raises(BadSignatureError):
            _verify(case, _altered(case, flipped))


def _every_flipped_header_is_refused(case: HookCase) -> None:
    headers = case.facts["headers"]
    for name in case.facts["needed_headers"]:
        for place, letter in enumerate(headers[name]):
            other = headers[name][:place] + chr(ord(letter) ^ 1) + headers[name][place + 1 :]
            hook = dataclasses.replace(_hook(case), headers={**headers, name: other})
            with pytest.raises(BadSignatureError):
                _verify(case, hook)


@every_hook
def test_a_longer_or_shorter_body_is_refused(case: HookCase) -> None:
    signed = _signed(case)
    for other in (signed + b"\n", signed[:-1], b""):
        with pytest.raises(BadSignatureError):
            _verify(case, _altered(case, other))


@every_hook
def test_a_stale_or_early_clock_is_refused_where_the_scheme_has_one(case: HookCase) -> None:
    window = case.facts["window"]
    if window is None:
        _verify(case, _hook(case), late=timedelta(days=3650))
        return
    for late in (timedelta(seconds=window), -timedelta(seconds=window)):
        with pytest.raises(BadSignatureError, match="timestamp"):
            _verify(case, _hook(case), late=late)
    _verify(case, _hook(case), late=timedelta(seconds=window - 1))


@every_hook
def test_another_stores_key_is_refused(case: HookCase) -> None:
    facts = case.facts
    other = facts.get("other") or {**facts["secrets"], "public_key": another_public_key()}
    with pytest.raises(BadSignatureError, match="does not fit"):
        _verify(case, _hook(case), secrets=other)


@every_hook
def test_no_key_at_all_is_refused(case: HookCase) -> None:
    for empty in ({}, {"secret": "", "public_key": ""}, {"secret": " \n ", "public_key": "x"}):
        with pytest.raises(BadSignatureError, match="the link has no"):
            _verify(case, _hook(case), secrets=empty)


@every_hook
def test_every_header_it_needs_is_missed(case: HookCase) -> None:
    headers = case.facts["headers"]
    carried = ("signature", "hmac-sha256", "-nonce", "-sign", "authorization")
    needed = [name for name in headers if name.endswith(carried)]
    for name in [*needed, *case.facts.get("needed_headers", [])]:
        rest = {key: value for key, value in headers.items() if key != name}
        with pytest.raises(BadSignatureError, match="missing"):
            _verify(case, dataclasses.replace(_hook(case), headers=rest))


@every_hook
def test_every_parameter_of_the_url_it_needs_is_missed_and_signed(case: HookCase) -> None:
    """Schemes that sign in the URL name in `needed` what must be there, and be as it came."""
    url = urlsplit(case.facts.get("url", ""))
    query = dict(parse_qsl(url.query))
    for name in case.facts.get("needed", []):
        rest = {key: value for key, value in query.items() if key != name}
        for changed, reason in ((rest, "missing"), ({**rest, name: query[name] + "0"}, "not")):
            hook = dataclasses.replace(
                _hook(case), url=url._replace(query=urlencode(changed)).geturl()
            )
            with pytest.raises(BadSignatureError, match=reason):
                _verify(case, hook)


@every_hook
def test_the_payload_comes_out(case: HookCase) -> None:
    facts = case.facts
    document = _pusher(case.code).unwrap(_hook(case), Link(secrets=facts["secrets"]))
    with document.open() as stream:
        assert stream.read().decode() == facts["payload"]
    assert document.head.decode() == facts["payload"]


@every_hook
def test_the_delivery_id_is_the_platforms_own(case: HookCase) -> None:
    assert _pusher(case.code).delivery_id(_hook(case)) == case.facts["delivery_id"]


@every_pusher
def test_the_reply_is_exact_to_the_byte(adapter: Adapter) -> None:
    replies = json.loads((FIXTURES / adapter.code / "replies.json").read_text())
    for accepted, name in ((True, "accepted"), (False, "refused")):
        reply = registry.pushes(adapter).reply(accepted)
        assert {
            "status": reply.status,
            "body": reply.body.decode(),
            "content_type": reply.content_type,
        } == replies[name]


VECTORS = json.loads((FIXTURES / "known_answer_vectors.json").read_text())


@pytest.mark.parametrize("vector", VECTORS["shopify"], ids=lambda vector: str(vector["expected"]))
def test_published_hmac_vectors(vector: dict[str, Any]) -> None:
    base64 = vector["encoding"] == "base64"
    make = signing.hmac_sha256_base64 if base64 else signing.hmac_sha256_hex
    made = make(secret=vector["secret"], message=vector["signed_string"].encode())
    assert signing.same(given=made, expected=vector["expected"])


@pytest.mark.parametrize("vector", VECTORS["wechatpay"], ids=lambda vector: str(vector["id"]))
def test_published_aes_gcm_vectors(vector: dict[str, Any]) -> None:
    plain = signing.aes_gcm_decrypt(
        key=vector["apiv3_key"].encode(),
        nonce=vector["nonce"].encode(),
        sealed=signing.from_base64(vector["ciphertext"], what="ciphertext"),
        associated=vector["associated_data"].encode(),
    )
    assert plain.decode() == vector["plaintext"]


@pytest.mark.parametrize("vector", VECTORS["alipay"], ids=lambda vector: str(vector["id"]))
def test_published_rsa2_vectors(vector: dict[str, Any]) -> None:
    signature = signing.from_base64(vector["signature"], what="signature")
    signed = vector["signed_string"].encode()
    for message, fits in ((signed, True), (signed.replace(b":", b": "), False)):
        assert fits is signing.rsa_sha256_verified(
            pem=vector["public_key"], message=message, signature=signature
        )


def test_shopify_signs_an_empty_body_too() -> None:
    """Computed in the reference: the MAC of nothing under `hush`."""
    mac = "Knm8rWjeSXNIt2H0AOMT7DQ8/YSy8sQi/pEjbuUmGMs="
    hook = RawHook(headers={"shopify-hmac-sha256": mac}, body=b"")
    _pusher("shopify").verify(hook, Link(secrets={"secret": "hush"}), datetime.now(UTC))


def test_shopify_falls_back_to_the_event_id_and_refuses_to_do_without() -> None:
    shopify = _pusher("shopify")
    both = {"x-shopify-webhook-id": "w", "x-shopify-event-id": "e"}
    assert shopify.delivery_id(RawHook(headers=both, body=b"")) == "w"
    assert shopify.delivery_id(RawHook(headers={"shopify-event-id": "e"}, body=b"")) == "e"
    with pytest.raises(BadSignatureError):
        shopify.delivery_id(RawHook(headers={}, body=b""))


def _wechat() -> HookCase:
    return next(case for case in hooks() if case.code == "wechatpay")


def test_wechat_pay_probes_are_refused() -> None:
    headers = {**_wechat().facts["headers"], "wechatpay-signature": "WECHATPAY/SIGNTEST/abc="}
    with pytest.raises(BadSignatureError, match="probe"):
        _verify(_wechat(), dataclasses.replace(_hook(_wechat()), headers=headers))


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("wechatpay-signature-type", "WECHATPAY2-SM2-WITH-SM3", "another type"),
        ("wechatpay-timestamp", "１６２４５２３８４６", "Unix seconds"),
        ("wechatpay-timestamp", "9" * 40, "Unix seconds"),
        ("wechatpay-timestamp", "-1624523846", "Unix seconds"),
        ("wechatpay-signature", "not base64!", "not base64"),
        ("wechatpay-nonce", "another nonce", "does not fit"),
    ],
)
def test_wechat_pay_headers_are_read_strictly(name: str, value: str, reason: str) -> None:
    headers = {**_wechat().facts["headers"], name: value}
    with pytest.raises(BadSignatureError, match=reason):
        _verify(_wechat(), dataclasses.replace(_hook(_wechat()), headers=headers))


def test_any_of_several_wechat_pay_keys_may_fit() -> None:
    secrets = dict(_wechat().facts["secrets"])
    secrets["public_key"] = another_public_key() + secrets["public_key"]
    key = secrets["aes_key"]
    secrets["aes_key"] = (
        f"an older APIv3 key, 32 bytes long\nanOlderKey000000\n{key}\nyetAnotherKey000"
    )
    _verify(_wechat(), _hook(_wechat()), secrets=secrets)
    document = _pusher("wechatpay").unwrap(_hook(_wechat()), Link(secrets=secrets))
    assert document.context["event_type"] == "PAYSCORE.USER_OPEN_SERVICE"


@pytest.mark.parametrize("key", ["testMchAPIv3Key1", "short", ""])
def test_a_wrong_apiv3_key_opens_nothing(key: str) -> None:
    secrets = {**_wechat().facts["secrets"], "aes_key": key}
    with pytest.raises(BadSignatureError):
        _pusher("wechatpay").unwrap(_hook(_wechat()), Link(secrets=secrets))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"not json",
        b'{"id": 7}',
        b'{"id":"1","id":"2"}',
        b'{"id":"1","resource":{"algorithm":"none"}}',
        b'{"id":"1","resource":{"algorithm":"AEAD_AES_256_GCM","nonce":"n","ciphertext":7}}',
    ],
)
def test_a_body_that_is_no_notification_is_a_named_error(body: bytes) -> None:
    hook = RawHook(headers={}, body=body)
    with pytest.raises(BadSignatureError):
        _pusher("wechatpay").unwrap(hook, Link(secrets=_wechat().facts["secrets"]))


def test_a_key_that_is_not_rsa_is_refused() -> None:
    from cryptography.hazmat.primitives.asymmetric import ec

    pem = _pem(ec.generate_private_key(ec.SECP256R1()).public_key())
    with pytest.raises(BadSignatureError, match="not an RSA key"):
        signing.public_keys(pem)
    broken = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"
    with pytest.raises(BadSignatureError, match="cannot be read"):
        signing.public_keys(broken)


def another_public_key() -> str:
    """The PEM of a key that signed none of the fixtures."""
    return _pem(rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key())


def _pem(key: Any) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return str(key.public_bytes(serialization.Encoding.PEM, form).decode())


def _pusher(code: str) -> Pushes:
    return registry.pushes(registry.get(code))


def _hook(case: HookCase) -> RawHook:
    facts = case.facts
    return RawHook(headers=facts["headers"], body=case.body, url=facts.get("url", ""))


def _signed(case: HookCase) -> bytes:
    """What is signed: the body, or, where a scheme leaves it out, a part of the URL."""
    return str(case.facts["signs"]).encode() if "signs" in case.facts else case.body


def _altered(case: HookCase, signed: bytes) -> RawHook:
    """The hook with other bytes in place of the signed ones."""
    hook = _hook(case)
    if "signs" not in case.facts:
        return dataclasses.replace(hook, body=signed)
    assert hook.url.count(case.facts["signs"]) == 1
    url = hook.url.replace(case.facts["signs"], quote(signed))
    return dataclasses.replace(hook, url=url)


def _verify(
    case: HookCase,
    hook: RawHook,
    *,
    late: timedelta = timedelta(0),
    secrets: dict[str, str] | None = None,
) -> None:
    facts = case.facts
    now = datetime.fromtimestamp(facts["now"], UTC) + late
    link = Link(secrets=facts["secrets"] if secrets is None else secrets)
    _pusher(case.code).verify(hook, link, now)
