"""The fund bill as pages of Alipay's API: signs, pages that lack rows, and one id in both forms."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from platforms.adapters.alipay import ADAPTER
from platforms.contract import Line, LineKind, Payout, ReadError, Record, Totals
from tests.platforms.cases import document, verdicts

ROW = {
    "trans_dt": "2026-05-01 09:10:11",
    "account_log_id": "353402817991100001",
    "alipay_order_no": "2026050122001457561400000001",
    "merchant_order_no": "T200P5116032541422009305",
    "trans_amount": "128.00",
    "direction": "收入",
    "balance": "not continuous, not read",
    "type": "交易付款",
}


def page(*rows: dict[str, Any], **changes: Any) -> bytes:
    answer = {"code": "10000", "msg": "Success", "detail_list": list(rows), **changes}
    return json.dumps({"alipay_data_bill_accountlog_query_response": answer}).encode()


def read(data: bytes) -> list[Record]:
    return list(ADAPTER.read(document(data)))


def lines(data: bytes) -> list[Line]:
    return [record for record in read(data) if isinstance(record, Line)]


def refused(data: bytes) -> str:
    with pytest.raises(ReadError) as caught:
        read(data)
    return str(caught.value)


@pytest.mark.parametrize(
    ("amount", "way", "signed"),
    [("5.10", "收入", "5.10"), ("5.10", "支出", "-5.10"), ("-5.10", "支出", "-5.10")],
)
def test_the_direction_gives_the_sign(amount: str, way: str, signed: str) -> None:
    (line,) = lines(page({**ROW, "trans_amount": amount, "direction": way}))
    assert line.amount == Decimal(signed)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"trans_amount": "-5.10"}, "row 1: no direction: '收入' -5.10"),
        ({"direction": "不计收支"}, "no direction: '不计收支'"),
        ({"direction": None}, "no direction: ''"),
        ({"trans_amount": "1e999"}, "not an amount"),
        ({"trans_amount": "NaN"}, "not an amount"),
        ({"trans_amount": None}, "not an amount: ''"),
        ({"trans_amount": 5}, "trans_amount is no text"),
        ({"account_log_id": ""}, "no account_log_id"),
        ({"trans_dt": "2026-05-01"}, "not a time"),
    ],
)
def test_what_cannot_be_read_is_refused(change: dict[str, Any], reason: str) -> None:
    assert reason in refused(page({**ROW, **change}))


def test_a_refused_query_says_why() -> None:
    answer = page(code="40004", msg="Business Failed", sub_msg="查询时间跨度超限")
    assert "Alipay refused the query: '查询时间跨度超限'" in refused(answer)


def test_a_page_that_holds_fewer_rows_than_its_numbers_say_does_not_tie() -> None:
    numbers = {"page_no": "2", "page_size": "1000", "total_size": "1001"}
    assert verdicts(read(page(ROW, **numbers))) == [True]
    assert verdicts(read(page(**numbers))) == [False]
    assert verdicts(read(page(ROW, **{**numbers, "page_no": "1"}))) == [False]
    assert verdicts(read(page(ROW))) == [None]


def test_an_empty_page_is_whole() -> None:
    numbers = {"page_no": "1", "page_size": "1000", "total_size": "0"}
    data = json.loads(page(**numbers))
    del data["alipay_data_bill_accountlog_query_response"]["detail_list"]
    *_, totals = read(json.dumps(data).encode())
    assert isinstance(totals, Totals) and totals.ties is True


def test_a_row_has_the_id_it_has_in_the_downloaded_bill() -> None:
    header = (
        "账务流水号,业务流水号,商户订单号,商品名称,发生时间,对方账号,收入金额（+元）,"
        "支出金额（-元）,账户余额（元）,交易渠道,业务类型,备注"
    )
    row = (
        "353402817991100001,2026050122001457561400000001,T200P5116032541422009305,,"
        "2026-05-01 09:10:11,,128.00,0.00,500.00,支付宝,交易付款,"
    )
    bill = [
        *("#支付宝账务明细查询", "#账号：[2088001]", "#-----账务明细列表-----", header, row),
        *(
            "#-----账务明细列表结束-----",
            "#支出合计：0笔，共0.00元",
            "#收入合计：1笔，共128.00元",
            "",
        ),
    ]
    (downloaded,) = lines("\r\n".join(bill).encode("gb18030"))
    (fetched,) = lines(page(ROW))
    assert (fetched.external_id, fetched.amount, fetched.order_ref, fetched.label) == (
        *(downloaded.external_id, downloaded.amount, downloaded.order_ref, downloaded.label),
    )


def test_a_withdrawal_announces_a_payout_and_its_return_is_not_guessed() -> None:
    out = {**ROW, "type": "提现", "direction": "支出"}
    _, line, payout, _ = read(page(out))
    assert isinstance(line, Line) and line.payout_ref == "353402817991100001"
    assert isinstance(payout, Payout) and payout.amount == Decimal("128.00")
    (back,) = lines(page({**out, "direction": "收入"}))
    assert (back.kind, back.payout_ref) == (LineKind.UNKNOWN, "")
