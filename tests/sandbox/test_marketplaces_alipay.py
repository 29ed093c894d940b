"""Simulated Alipay over real HTTP: RSA2 both ways, the bill's ZIP, the log, notifies."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qsl

import pytest
from cryptography.exceptions import InvalidSignature

from sandbox.marketplaces import Mischief, Running, Store, make_world, serve
from sandbox.marketplaces.sending import spoilt

from .market import (
    BILL_METHOD,
    ENDS_ON,
    LOG_METHOD,
    NOW,
    SHANGHAI,
    alipay,
    alipay_node,
    call,
    holds,
    store_of,
    truth,
)

DAY = {"bill_type": "signcustomer", "bill_date": "2026-03-10"}
WHOLE = {"start_time": "2026-03-01 00:00:00", "end_time": "2026-03-14 23:59:59"}


@pytest.fixture(scope="module")
def market() -> Iterator[Running]:
    world = make_world(seed=7, stores=2, days=14, ends_on=ENDS_ON, platforms=["alipay"])
    with serve(world, now=lambda: NOW) as running:
        yield running


@pytest.fixture
def store(market: Running) -> Store:
    return store_of(market, "alipay")


def test_the_days_bills_hold_every_line_once(market: Running, store: Store) -> None:
    want = [(line["id"], Decimal(line["amount"])) for line in truth(market, store)["lines"]]
    found = []
    for back in range(13, -1, -1):
        day = f"{ENDS_ON - timedelta(days=back)}"
        node = alipay_node(
            alipay(market, store, BILL_METHOD, DAY | {"bill_date": day}), BILL_METHOD
        )
        if node["code"] == "10000":
            found += _bill(market, node["bill_download_url"])
    assert found == want


def test_the_log_states_the_same_in_pages(market: Running, store: Store) -> None:
    node = alipay_node(alipay(market, store, LOG_METHOD, WHOLE), LOG_METHOD)
    want = [(line["id"], Decimal(line["amount"])) for line in truth(market, store)["lines"]]
    items = node["detail_list"]
    assert [(i["account_log_id"], Decimal(i["trans_amount"])) for i in items] == want
    assert node["total_size"] == f"{len(want)}"
    assert {i["direction"] for i in items if i["trans_amount"].startswith("-")} == {"支出"}
    beyond = alipay(market, store, LOG_METHOD, WHOLE | {"page_no": "2"})
    assert "detail_list" not in alipay_node(beyond, LOG_METHOD)
    small = alipay(market, store, LOG_METHOD, WHOLE | {"page_size": "999"})
    assert alipay_node(small, LOG_METHOD)["code"] == "40004"
    balance = "alipay.data.bill.balance.query"
    told = alipay_node(alipay(market, store, balance, {}), balance)
    assert Decimal(told["total_amount"]) == sum(amount for _, amount in want)


def test_answers_are_signed_over_the_very_text(market: Running, store: Store) -> None:
    for content in (DAY, DAY | {"bill_date": "2026-02-01"}):
        came = alipay(market, store, BILL_METHOD, content)
        begin = came.text.index(":") + 1
        text = came.text[begin : came.text.rindex(',"sign"')]
        holds(store.secrets["public_key"], text.encode(), came.json()["sign"])


def test_whoever_is_not_the_application_is_refused(market: Running, store: Store) -> None:
    other = store_of(market, "alipay", 1)
    cases = {
        "isv.invalid-signature": [
            alipay(market, other, BILL_METHOD, DAY, app_id=store.secrets["app_id"]),
            alipay(market, store, BILL_METHOD, DAY, biz_content="{}"),
            alipay(market, store, BILL_METHOD, DAY, sign="AAAA"),
        ],
        "isv.invalid-app-id": [alipay(market, store, BILL_METHOD, DAY, app_id="2021000")],
        "isv.invalid-timestamp": [
            alipay(market, store, BILL_METHOD, DAY, at=NOW - timedelta(minutes=11)),
        ],
        "isv.missing-signature": [alipay(market, store, BILL_METHOD, DAY, sign="")],
    }
    for sub_code, answers in cases.items():
        for came in answers:
            assert came.status_code == 200
            assert alipay_node(came, BILL_METHOD)["sub_code"] == sub_code
    unknown = alipay(market, store, "alipay.nothing", {}).json()["error_response"]
    assert unknown["sub_code"] == "isv.invalid-method"


@pytest.mark.parametrize(
    ("content", "sub_code"),
    [
        ({"bill_date": "2026-02-01"}, "isp.bill_not_exist"),
        ({"bill_date": "2026-03-15"}, "invalid_arguments"),
        ({"bill_date": "10/03/2026"}, "invalid_arguments"),
        ({"bill_type": "trade"}, "isv.insufficient-isv-permissions"),
    ],
)
def test_a_bill_that_cannot_be_had_says_why(
    market: Running, store: Store, content: dict[str, str], sub_code: str
) -> None:
    came = alipay(market, store, BILL_METHOD, DAY | content)
    assert alipay_node(came, BILL_METHOD)["sub_code"] == sub_code


def test_a_month_is_one_bill_once_it_is_over(market: Running, store: Store) -> None:
    later = datetime(2026, 4, 3, 10, tzinfo=SHANGHAI)
    content = DAY | {"bill_date": "2026-03"}
    with serve(market.world, now=lambda: later) as other:
        node = alipay_node(alipay(other, store, BILL_METHOD, content, at=later), BILL_METHOD)
        want = [(line["id"], Decimal(line["amount"])) for line in truth(other, store)["lines"]]
        assert _bill(other, node["bill_download_url"]) == want


def test_a_link_lives_half_a_minute(market: Running, store: Store) -> None:
    with serve(market.world, now=lambda: NOW) as other:
        node = alipay_node(alipay(other, store, BILL_METHOD, DAY), BILL_METHOD)
        wish = {"at": (NOW + timedelta(seconds=31)).isoformat()}
        call(other, "POST", "http://control.sandbox/clock", json=wish)
        assert call(other, "GET", node["bill_download_url"]).status_code == 404


def test_a_notify_is_signed_without_sign_type(market: Running, store: Store) -> None:
    message = market.hook(store, "trade_status_sync")
    _verify(store, message.body)
    for mischief in (Mischief.WRONG_SIGNATURE, Mischief.FLIPPED_BYTE):
        with pytest.raises(InvalidSignature):
            _verify(store, spoilt(message, mischief).body)


def _verify(store: Store, body: bytes) -> None:
    values = dict(parse_qsl(body.decode(), keep_blank_values=True))
    signature = values.pop("sign")
    values.pop("sign_type")
    text = "&".join(f"{name}={values[name]}" for name in sorted(values))
    holds(store.secrets["public_key"], text.encode(), signature)


def _bill(market: Running, url: str) -> list[tuple[str, Decimal]]:
    """Numbers and amounts of the detail file, which stands second in the ZIP."""
    came = call(market, "GET", url).raise_for_status()
    with zipfile.ZipFile(io.BytesIO(came.content), metadata_encoding="gbk") as archive:
        summary, detail = archive.namelist()
        assert "汇总" in summary
        text = archive.read(detail).decode("gb18030")
    lines = [line for line in text.splitlines() if line[0] != "#"]
    header = lines[0].split(",")
    rows = [dict(zip(header, line.split(","), strict=True)) for line in lines[1:]]
    return [
        (
            row["账务流水号"].strip(),
            Decimal(row["收入金额（+元）"]) + Decimal(row["支出金额（-元）"]),
        )
        for row in rows
    ]
