"""Xiaohongshu: wallets that two APIs number differently, records that prove themselves."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from platforms.adapters.xiaohongshu import ADAPTER, push, sign
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
    Totals,
)
from tests.platforms.cases import FIXTURES, document, verdicts

NOW = datetime.fromtimestamp(1785723536, UTC)


def answer(key: str, *rows: dict[str, object]) -> bytes:
    inner = {"code": 0, "success": True, "data": {"pageNum": 1, key: list(rows)}}
    return json.dumps({"success": True, "error_code": 0, "data": inner}).encode()


def record(**changes: object) -> dict[str, object]:
    return {
        "tradeNo": "A1",
        "type": "STATEMENT_IN",
        "incomeAmount": "85.50",
        "outcomeAmount": "0.00",
        "balanceBefore": "100.00",
        "balanceAmount": "185.50",
        "createdTime": 1785723536000,
        "fundType": "NOT_ER_QING",
        **changes,
    }


def outgo(word: str, **changes: object) -> dict[str, object]:
    amounts = {"incomeAmount": "", "outcomeAmount": "85.50", "balanceAmount": "14.50"}
    return record(**{"type": word, **amounts, **changes})


def transaction(**changes: object) -> dict[str, object]:
    return {
        "transactionId": 1,
        "packageId": "P1",
        "transactionBizType": 0,
        "settleBizType": 0,
        "erqingType": 0,
        "commonSettleStatus": 1,
        "settledTime": 1785723536000,
        "amount": "95.00",
        "payAmount": "100.00",
        "commissionAmount": "5.00",
        **changes,
    }


def expense(**changes: object) -> dict[str, object]:
    shared = ("settleBizType", "erqingType", "commonSettleStatus", "settledTime", "amount")
    base = {name: value for name, value in transaction().items() if name in shared}
    return {**base, "expenseId": 7, "baseBizType": "1", **changes}


def read(data: bytes) -> list[Record]:
    return list(ADAPTER.read(document(data)))


def lines(data: bytes) -> list[Line]:
    return [record for record in read(data) if isinstance(record, Line)]


def wallets(data: bytes) -> list[str]:
    return [record.cash_account for record in read(data) if isinstance(record, Statement)]


# --- wallets ------------------------------------------------------------------


def test_one_is_wechat_in_one_api_and_alipay_in_the_other() -> None:
    """fundType 1 微信, 2 支付宝; erqingType 1 支付宝, 2 微信."""
    assert wallets(answer("records", record(fundType="ER_QING_WECHAT"))) == ["ER_QING_WECHAT"]
    assert wallets(answer("transactions", transaction(erqingType=1))) == ["ER_QING_ALIPAY"]
    assert wallets(answer("transactions", transaction(erqingType="2"))) == ["ER_QING_WECHAT"]
    assert wallets(answer("expenses", expense(erqingType=2))) == ["ER_QING_WECHAT"]
    # A number is not taken for the other API's word.
    with pytest.raises(ReadError, match="unknown wallet '1'"):
        read(answer("records", record(fundType=1)))
    with pytest.raises(ReadError, match="unknown erqingType '3'"):
        read(answer("transactions", transaction(erqingType=3)))


def test_mixed_wallets_become_statements_of_their_own() -> None:
    rows = [
        record(fundType="ER_QING_WECHAT", tradeNo="1"),
        record(fundType="ER_QING_ALIPAY", tradeNo="2"),
        outgo("MESSAGE_FEE", fundType="ER_QING_WECHAT", tradeNo="3", createdTime=1785723537000)
        | {"balanceBefore": "185.50", "balanceAmount": "100.00"},
    ]
    data = answer("records", *rows)
    assert wallets(data) == ["ER_QING_WECHAT", "ER_QING_ALIPAY"]
    assert verdicts(read(data)) == [True, True]
    totals = [record for record in read(data) if isinstance(record, Totals)]
    assert [t.opening for t in totals] == [Decimal(100), Decimal(100)]
    assert [t.closing for t in totals] == [Decimal(100), Decimal("185.50")]


# --- records ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (record(), LineKind.SALE),
        (outgo("STATEMENT_IN"), LineKind.UNKNOWN),
        (outgo("STATEMENT_REFUND"), LineKind.REFUND),
        # 扣款退回: a fine given back.
        (record(type="REFUND"), LineKind.PENALTY),
        (outgo("SELLER_FINE"), LineKind.PENALTY),
        (outgo("PAY_SUCCESS"), LineKind.PAYOUT),
        (record(type="PAY_SUCCESS"), LineKind.UNKNOWN),
        (record(type="BOUNCE"), LineKind.PAYOUT_RETURNED),
        (outgo("BOUNCE"), LineKind.UNKNOWN),
        (record(type="COMMISION_RETURN"), LineKind.COMMISSION),
        (record(type="COMMISSION_RETURN"), LineKind.UNKNOWN),
    ],
)
def test_what_a_record_is(row: dict[str, object], kind: LineKind) -> None:
    assert lines(answer("records", row))[0].kind is kind


def test_a_withdrawal_is_a_payout_under_its_trade_number() -> None:
    _, line, payout, _ = read(answer("records", outgo("PAY_SUCCESS", businessNo="TX1")))
    assert isinstance(line, Line) and isinstance(payout, Payout)
    assert (line.payout_ref, payout.external_id, payout.remittance) == ("A1", "A1", "TX1")
    assert payout.amount == -line.amount == Decimal("85.50")


def test_a_transfer_may_have_one_number_in_two_wallets() -> None:
    data = answer(
        "records",
        outgo("TRANSFER_OUT"),
        record(type="TRANSFER_IN", fundType="ER_QING_WECHAT"),
    )
    assert len({line.external_id for line in lines(data)}) == 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        # The same figures in fen would not come to the balance in yuan.
        ({"incomeAmount": "8550"}, "do not come to the balance"),
        ({"outcomeAmount": "1.00"}, "income 85.50 and outgo 1.00"),
        ({"incomeAmount": "-85.50"}, "negative"),
        ({"incomeAmount": None, "outcomeAmount": ""}, "no amount"),
        ({"balanceBefore": ""}, "no balanceBefore"),
        ({"balanceAmount": None}, "no balanceAmount"),
        ({"incomeAmount": "NaN"}, "not an amount"),
        ({"incomeAmount": "1e9999"}, "not an amount"),
        ({"incomeAmount": "85,50"}, "not an amount"),
        ({"createdTime": 1785723536}, "not in Unix milliseconds"),
        ({"createdTime": 0}, "no createdTime"),
        ({"createdTime": True}, "no time"),
        ({"tradeNo": ""}, "no tradeNo"),
        ({"type": None}, "no type"),
    ],
)
def test_a_record_that_cannot_be_read_is_named(change: dict[str, object], reason: str) -> None:
    with pytest.raises(ReadError, match=rf"row 2: .*{reason}"):
        read(answer("records", record(tradeNo="A0"), record(**change)))


def test_records_with_gaps_prove_themselves_and_nothing_of_the_wallet() -> None:
    far = record(tradeNo="A9", balanceBefore="500.00", balanceAmount="585.50")
    totals = read(answer("records", record(), far))[-1]
    assert totals == Totals(ties=True)


def test_movements_of_one_time_that_undo_one_another_prove_no_order() -> None:
    back = outgo("MESSAGE_FEE", tradeNo="A2") | {
        "balanceBefore": "185.50",
        "balanceAmount": "100.00",
    }
    assert read(answer("records", record(), back))[-1] == Totals(ties=True)
    later = {**back, "createdTime": 1785723537000}
    for rows in ((record(), later), (later, record())):
        totals = read(answer("records", *rows))[-1]
        assert totals == Totals(opening=Decimal(100), closing=Decimal(100), ties=True)


def test_failures_are_no_answers_at_either_layer() -> None:
    data = answer("records", record())
    for before, after, reason in (
        (b'{"success": true, "error_code": 0', b'{"success": false, "error_code": 0', "failure"),
        (b'"error_code": 0', b'"error_code": 411', "error 411"),
        (b'"code": 0, "success": true', b'"code": 1, "success": false', "failure"),
        (b'"records"', b'"record": [], "x": "\\"records\\""', "no records|not an answer"),
    ):
        with pytest.raises(ReadError, match=reason):
            read(data.replace(before, after, 1))


# --- settlement ---------------------------------------------------------------


def test_the_lines_of_a_settlement_come_to_its_amount() -> None:
    (sale, fee) = lines(answer("transactions", transaction()))
    assert (sale.amount, fee.amount) == (Decimal("100.00"), Decimal("-5.00"))
    assert verdicts(read(answer("transactions", transaction()))) == [True]


@pytest.mark.parametrize("amount", ["95.00", "-95.00"])
@pytest.mark.parametrize("fee", ["5.00", "-5.00"])
def test_a_refund_takes_the_price_and_gives_the_fee_back(amount: str, fee: str) -> None:
    data = answer(
        "transactions",
        transaction(transactionBizType=3, settleBizType=1, amount=amount, commissionAmount=fee),
    )
    assert [(line.kind, line.amount) for line in lines(data)] == [
        (LineKind.REFUND, Decimal(-100)),
        (LineKind.COMMISSION, Decimal(5)),
    ]


def test_what_a_settlement_does_not_explain_is_a_line_of_its_own() -> None:
    records = read(answer("transactions", transaction(amount="90.00")))
    rest = [record for record in records if isinstance(record, Line)][-1]
    assert (rest.kind, rest.amount) == (LineKind.UNKNOWN, Decimal(-5))
    assert verdicts(records) == [None]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"newAmount": "0.01"}, "unknown sum 'newAmount'"),
        ({"newPromotion": "1"}, "unknown sum 'newPromotion'"),
        ({"amount": None}, "no amount"),
        ({"settleBizType": 2}, "unknown settleBizType"),
        ({"commonSettleStatus": 9}, "unknown commonSettleStatus"),
        ({"settledTime": None}, "has no time"),
        ({"transactionId": None}, "no transactionId"),
    ],
)
def test_a_settlement_with_something_unknown_is_refused(
    change: dict[str, object], reason: str
) -> None:
    with pytest.raises(ReadError, match=reason):
        read(answer("transactions", transaction(**change)))
    assert lines(answer("transactions", transaction(newAmount="0.00")))


def test_an_unknown_business_is_unknown_and_an_unknown_service_too() -> None:
    assert lines(answer("transactions", transaction(transactionBizType=9)))[0].kind is (
        LineKind.UNKNOWN
    )
    assert lines(answer("expenses", expense(baseBizType="9")))[0].kind is LineKind.UNKNOWN


def test_settlements_and_services_are_unverified_evidence_and_records_are_booked() -> None:
    books = {}
    for data in (
        answer("records", record()),
        answer("transactions", transaction()),
        answer("expenses", expense()),
    ):
        statement = read(data)[0]
        assert isinstance(statement, Statement)
        assert statement.profile in ADAPTER.unverified
        books[statement.profile] = statement.books
    assert books == {"account_records": True, "transactions": False, "expenses": False}


# --- messages and requests ----------------------------------------------------


def test_a_signature_covers_the_path_and_the_query_sorted_by_name() -> None:
    headers = {"app-key": "k", "timestamp": "1785723536"}
    text = "/h?app-key=k&empty=&store=7&timestamp=1785723536&z=1" + "s"
    expected = hashlib.md5(text.encode()).hexdigest()
    url = "https://hub.example/h?z=1&store=7&empty="
    assert push.signature(url, headers, secret="s") == expected
    assert push.signature("/other?z=1&store=7", headers, secret="s") != expected


@pytest.mark.parametrize(
    "stamp", ["abc", "１７８５７２３５３６", "-785723536", "178572353", "1" * 14]
)
def test_a_signed_time_must_be_a_unix_time(stamp: str) -> None:
    headers = {"app-key": "k", "timestamp": stamp}
    signed = {**headers, "sign": push.signature("/h", headers, secret="s")}
    hook = RawHook(headers=signed, body=b"[]", url="/h")
    with pytest.raises(BadSignatureError, match="no Unix time"):
        ADAPTER.verify(hook, Link(secrets={"secret": "s"}), NOW)


@pytest.mark.parametrize("url", ["http://[x", "/h?" + "a=1&" * 99])
def test_a_url_that_cannot_be_read_is_a_named_error(url: str) -> None:
    with pytest.raises(BadSignatureError, match="URL cannot be read"):
        push.signature(url, {}, secret="s")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"[7]",
        b'[{"msgTag":"t","sellerId":"s"}]',
        b'[{"msgTag":"t","sellerId":"s","data":{}}]',
        b'[{"msgTag":"t","sellerId":"s","data":"{}"}] ',
    ],
)
def test_a_body_that_holds_no_messages_is_refused_though_signed(body: bytes) -> None:
    headers = {"app-key": "k", "timestamp": "1785723536"}
    signed = {**headers, "sign": push.signature("/h", headers, secret="s")}
    with pytest.raises(BadSignatureError, match="the body holds"):
        ADAPTER.verify(
            RawHook(headers=signed, body=body, url="/h"), Link(secrets={"secret": "s"}), NOW
        )


def test_requests_are_signed_by_four_parameters_only() -> None:
    (vector,) = json.loads((FIXTURES / "known_answer_vectors.json").read_text())["xiaohongshu"]
    parameters = {
        "method": vector["method"],
        "appId": vector["app_id"],
        "timestamp": vector["timestamp"],
        "version": vector["version"],
    }
    secret, expected = vector["app_secret"], vector["expected"]
    assert sign(parameters, secret=secret) == expected
    # Neither the token nor what is asked is signed.
    assert sign({**parameters, "accessToken": "x", "pageNum": "1"}, secret=secret) == expected
    assert sign({**parameters, "method": "order.getOrderDetail"}, secret=secret) != expected
