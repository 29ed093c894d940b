"""Simulated WeChat Pay over real HTTP: signatures, bills, hashes, sealed callbacks."""

from __future__ import annotations

import base64
import csv
import gzip
import hashlib
import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sandbox.marketplaces import Mischief, Running, Store, make_world, serve
from sandbox.marketplaces.sending import spoilt

from .market import ENDS_ON, NOW, SHANGHAI, WECHAT, call, holds, store_of, truth, wechat

BILL = f"{WECHAT}/v3/bill/fundflowbill?bill_date=2026-03-10"


@pytest.fixture(scope="module")
def market() -> Iterator[Running]:
    world = make_world(seed=7, stores=2, days=14, ends_on=ENDS_ON, platforms=["wechatpay"])
    with serve(world, now=lambda: NOW) as running:
        yield running


@pytest.fixture
def store(market: Running) -> Store:
    return store_of(market, "wechatpay")


def test_the_bills_of_all_days_hold_every_line_once(market: Running, store: Store) -> None:
    want = [
        (line["id"], Decimal(line["amount"]), line["at"][:19].replace("T", " "))
        for line in truth(market, store)["lines"]
    ]
    found = []
    for back in range(13, -1, -1):
        day = ENDS_ON - timedelta(days=back)
        for row in _fund_rows(_fetch(market, store, day)):
            sign = 1 if row[5] == "收入" else -1
            found.append((row[2], Decimal(row[6]) * sign, row[0]))
    assert found == want


def test_the_running_balance_leads_from_day_to_day(market: Running, store: Store) -> None:
    balance = Decimal(0)
    for back in range(13, -1, -1):
        for row in _fund_rows(_fetch(market, store, ENDS_ON - timedelta(days=back))):
            balance += Decimal(row[6]) * (1 if row[5] == "收入" else -1)
            assert Decimal(row[7]) == balance


def test_a_withdrawal_carries_the_payouts_number(market: Running, store: Store) -> None:
    rows = _fund_rows(_fetch(market, store, date(2026, 3, 10)))
    (paid,) = [row for row in rows if row[4] == "提现"]
    known = {payout["id"]: payout for payout in truth(market, store)["payouts"]}
    assert Decimal(known[paid[1]]["amount"]) == Decimal(paid[6])


def test_the_answer_is_signed_and_the_file_is_hashed_before_packing(
    market: Running, store: Store
) -> None:
    came = wechat(market, store, f"{BILL}&tar_type=GZIP")
    stamp, nonce = came.headers["Wechatpay-Timestamp"], came.headers["Wechatpay-Nonce"]
    message = f"{stamp}\n{nonce}\n".encode() + came.content + b"\n"
    holds(store.secrets["public_key"], message, came.headers["Wechatpay-Signature"])
    assert came.headers["Wechatpay-Serial"].startswith("PUB_KEY_ID_")
    file = wechat(market, store, came.json()["download_url"])
    assert "Wechatpay-Signature" not in file.headers
    content = gzip.decompress(file.content)
    assert hashlib.sha1(content).hexdigest() == came.json()["hash_value"]


def test_the_trade_bill_knows_the_same_sales(market: Running, store: Store) -> None:
    url = f"{WECHAT}/v3/bill/tradebill?bill_date=2026-03-10&bill_type=ALL"
    link = wechat(market, store, url).json()["download_url"]
    rows = _rows(wechat(market, store, link).content)
    sold = [row for row in rows if row[9] == "SUCCESS"]
    fund = _fund_rows(_fetch(market, store, date(2026, 3, 10)))
    assert {(r[5], r[12]) for r in sold} == {(r[1], r[6]) for r in fund if r[4] == "交易"}
    assert all(len(row) == 27 for row in rows)


def test_a_link_is_its_own_merchants_and_lives_five_minutes(market: Running, store: Store) -> None:
    link = wechat(market, store, BILL).json()["download_url"]
    assert call(market, "GET", link).status_code == 401
    assert wechat(market, store_of(market, "wechatpay", 1), link).status_code == 404
    with serve(market.world, now=lambda: NOW) as other:
        link = wechat(other, store, BILL).json()["download_url"]
        later = NOW + timedelta(minutes=6)
        wish = {"at": later.isoformat()}
        call(other, "POST", "http://control.sandbox/clock", json=wish)
        assert wechat(other, store, link, at=later).status_code == 404


def test_a_wrong_signature_serial_merchant_or_clock_is_refused(
    market: Running, store: Store
) -> None:
    other = store_of(market, "wechatpay", 1)
    foreign = wechat(market, other, BILL, mchid=store.secrets["shop"])
    refused = [
        foreign,
        wechat(market, other, BILL, mchid=store.secrets["shop"], serial_no=store.secrets["serial"]),
        wechat(market, store, BILL, serial_no="00"),
        wechat(market, store, BILL, nonce_str="another"),
        wechat(market, store, BILL, signature="AAAA"),
        wechat(market, store, BILL, at=NOW - timedelta(seconds=301)),
        call(market, "GET", BILL),
    ]
    for came in refused:
        assert (came.status_code, came.json()["code"]) == (401, "SIGN_ERROR")
    unknown = wechat(market, store, BILL, mchid="1600000000")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "MCH_NOT_EXISTS")
    assert wechat(market, store, BILL, at=NOW - timedelta(seconds=299)).status_code == 200


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("bill_date=2026-03-15", "INVALID_REQUEST"),
        ("bill_date=2025-12-01", "INVALID_REQUEST"),
        ("bill_date=10.03.2026", "PARAM_ERROR"),
        ("bill_date=2026-03-10&account_type=GOLD", "PARAM_ERROR"),
        ("bill_date=2026-02-20", "NO_STATEMENT_EXIST"),
        ("bill_date=2026-03-10&account_type=FEES", "NO_STATEMENT_EXIST"),
    ],
)
def test_a_bill_that_cannot_be_had_says_why(
    market: Running, store: Store, query: str, code: str
) -> None:
    came = wechat(market, store, f"{WECHAT}/v3/bill/fundflowbill?{query}")
    assert (came.status_code, came.json()["code"]) == (400, code)


def test_yesterdays_bill_is_made_at_nine(market: Running, store: Store) -> None:
    early = datetime(2026, 3, 15, 8, 59, tzinfo=SHANGHAI)
    url = f"{WECHAT}/v3/bill/fundflowbill?bill_date=2026-03-14"
    with serve(market.world, now=lambda: early) as other:
        assert wechat(other, store, url, at=early).json()["code"] == "STATEMENT_CREATING"
    assert wechat(market, store, url).status_code == 200


def test_a_callback_is_signed_and_opens_with_the_key(market: Running, store: Store) -> None:
    message = market.hook(store, "TRANSACTION.SUCCESS")
    headers = message.headers
    text = f"{headers['Wechatpay-Timestamp']}\n{headers['Wechatpay-Nonce']}\n".encode()
    holds(store.secrets["public_key"], text + message.body + b"\n", headers["Wechatpay-Signature"])
    resource = json.loads(message.body)["resource"]
    key = AESGCM(store.secrets["aes_key"].encode())
    sealed = base64.b64decode(resource["ciphertext"])
    told = json.loads(key.decrypt(resource["nonce"].encode(), sealed, b"transaction"))
    assert told["mchid"] == store.secrets["shop"]
    assert told["trade_state"] == "SUCCESS"
    wrong = AESGCM(store_of(market, "wechatpay", 1).secrets["aes_key"].encode())
    with pytest.raises(InvalidTag):
        wrong.decrypt(resource["nonce"].encode(), sealed, b"transaction")


@pytest.mark.parametrize("mischief", [Mischief.WRONG_SIGNATURE, Mischief.FLIPPED_BYTE])
def test_a_spoilt_callback_does_not_verify(
    market: Running, store: Store, mischief: Mischief
) -> None:
    message = spoilt(market.hook(store, "REFUND.SUCCESS"), mischief)
    headers = message.headers
    text = f"{headers['Wechatpay-Timestamp']}\n{headers['Wechatpay-Nonce']}\n".encode()
    with pytest.raises(InvalidSignature):
        holds(
            store.secrets["public_key"], text + message.body + b"\n", headers["Wechatpay-Signature"]
        )


def _fetch(market: Running, store: Store, day: date) -> bytes:
    url = f"{WECHAT}/v3/bill/fundflowbill?bill_date={day}&account_type=BASIC"
    answer = wechat(market, store, url).raise_for_status().json()
    content = wechat(market, store, answer["download_url"]).raise_for_status().content
    assert hashlib.sha1(content).hexdigest() == answer["hash_value"]
    return content


def _rows(content: bytes) -> list[list[str]]:
    """The rows between header and summary, without their back-ticks."""
    lines = list(csv.reader(content.decode().splitlines()))
    return [[value.removeprefix("`") for value in line] for line in lines[1:-2]]


def _fund_rows(content: bytes) -> list[list[str]]:
    rows = _rows(content)
    assert all(len(row) == 11 for row in rows)
    return rows
