"""WeChat Store's messages: the published vectors, and what a signature does not cover."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from platforms.adapters.wechat_store import ADAPTER, push
from platforms.contract import BadSignatureError, Challenges, Link, RawHook, Reply
from tests.platforms.cases import FIXTURES

VECTORS = {
    vector["id"]: vector
    for vector in json.loads((FIXTURES / "known_answer_vectors.json").read_text())["wechat_store"]
}


def test_the_published_signatures_come_out() -> None:
    for name in ("wxpush-url-verify", "wxpush-plain-post"):
        vector = VECTORS[name]
        made = push.signature(vector["token"], vector["timestamp"], vector["nonce"])
        assert made == vector["expected_signature"]
    for name, text in (("wxpush-safe-post", "encrypt"), ("wxpush-safe-reply", "expected_encrypt")):
        vector = VECTORS[name]
        parts = (vector["token"], vector["timestamp"], vector["nonce"], vector[text])
        assert push.signature(*parts) == vector["expected_msg_signature"]


@pytest.mark.parametrize(
    ("name", "sealed", "plain"),
    [
        ("wxpush-safe-post", "encrypt", "expected_plaintext"),
        ("wxpush-safe-reply", "expected_encrypt", "plaintext"),
        ("wxcrypt-aes-1", "expected_encrypt", "plaintext"),
    ],
)
def test_the_published_messages_open(name: str, sealed: str, plain: str) -> None:
    vector = VECTORS[name]
    secrets = {"aes_key": vector["encoding_aes_key"], "app_id": vector["appid"]}
    assert push._opened(vector[sealed], Link(secrets=secrets)).decode() == vector[plain]
    with pytest.raises(BadSignatureError, match="another app"):
        push._opened(vector[sealed], Link(secrets={**secrets, "app_id": "wx0"}))
    with pytest.raises(BadSignatureError, match="does not open"):
        push._opened(vector[sealed], Link(secrets={**secrets, "aes_key": "B" * 43}))


def test_a_new_url_is_answered_with_its_echo() -> None:
    vector = VECTORS["wxpush-url-verify"]
    url = (
        f"/hooks/1?signature={vector['expected_signature']}&timestamp={vector['timestamp']}"
        f"&nonce={vector['nonce']}&echostr={vector['echostr']}"
    )
    link = Link(secrets={"token": f"older\n{vector['token']}"})
    assert isinstance(ADAPTER, Challenges)
    answer = ADAPTER.challenge(asked(url), link)
    assert answer == Reply(status=200, body=vector["echostr"].encode(), content_type="text/plain")
    for bad, reason in (
        (url.replace("nonce=1", "nonce=2"), "does not fit"),
        (url.replace(f"echostr={vector['echostr']}", "echostr="), "echostr is missing"),
        (url.replace("signature=", "sig="), "signature is missing"),
        (url.replace(vector["echostr"], "<b>"), "no echostr"),
        (url + "&nonce=1", "twice"),
        ("http://[x?" + url, "cannot be read"),
        (url + "&a=1" * 99, "cannot be read"),
    ):
        with pytest.raises(BadSignatureError, match=reason):
            ADAPTER.challenge(asked(bad), link)
    with pytest.raises(BadSignatureError, match="the link has no token"):
        ADAPTER.challenge(asked(url), Link(secrets={"token": " "}))
    with pytest.raises(BadSignatureError, match="does not fit"):
        ADAPTER.challenge(asked(url), Link(secrets={"token": "another"}))
    for message in (asked(url.replace("echostr", "echo")), RawHook(headers={}, body=b"", url=url)):
        assert ADAPTER.challenge(message, link) is None


def asked(url: str) -> RawHook:
    return RawHook(headers={}, body=b"", url=url, method="GET")


def sealed(plain: bytes, *, app: str = "wx1", key: bytes = bytes(32)) -> str:
    """A message as WeChat seals it, written apart from the adapter."""
    text = b"0123456789abcdef" + len(plain).to_bytes(4) + plain + app.encode()
    padding = 32 - len(text) % 32
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    whole = encryptor.update(text + bytes([padding]) * padding) + encryptor.finalize()
    return base64.b64encode(whole).decode()


@pytest.mark.parametrize(
    ("plain", "reason"),
    [
        (b'{"ToUserName":"gh_2"}', "does not fit the one inside"),
        (b"[]", "not a message"),
        (b"not json", "not a message"),
    ],
)
def test_a_signed_message_must_be_for_its_recipient(plain: bytes, reason: str) -> None:
    encrypted = sealed(plain)
    url = f"/?timestamp=100&nonce=n&msg_signature={push.signature('t', '100', 'n', encrypted)}"
    body = json.dumps({"ToUserName": "gh_1", "Encrypt": encrypted}).encode()
    link = Link(secrets={"token": "t", "aes_key": "A" * 43, "app_id": "wx1"})
    with pytest.raises(BadSignatureError, match=reason):
        ADAPTER.verify(
            RawHook(headers={}, body=body, url=url), link, datetime.fromtimestamp(99, UTC)
        )


@pytest.mark.parametrize("stamp", ["abc", "１００", "-100", "1e2", "1" * 13])
def test_a_signed_time_must_be_unix_seconds(stamp: str) -> None:
    encrypted = sealed(b'{"ToUserName":"gh_1"}')
    query = f"timestamp={stamp}&nonce=n&msg_signature={push.signature('t', stamp, 'n', encrypted)}"
    body = json.dumps({"ToUserName": "gh_1", "Encrypt": encrypted}).encode()
    link = Link(secrets={"token": "t", "aes_key": "A" * 43, "app_id": "wx1"})
    hook = RawHook(headers={}, body=body, url=f"/?{query}")
    with pytest.raises(BadSignatureError, match="not Unix seconds"):
        ADAPTER.verify(hook, link, datetime.fromtimestamp(100, UTC))


def test_a_key_that_is_no_key_stands_in_nobodys_way() -> None:
    link = Link(secrets={"aes_key": f"not a key\n{'A' * 43}", "app_id": "wx1"})
    assert push._opened(sealed(b"{}"), link) == b"{}"


def test_a_message_whose_length_lies_is_refused() -> None:
    with pytest.raises(BadSignatureError, match="cut"):
        push._parts(b"0" * 16 + (99).to_bytes(4) + b"short")
