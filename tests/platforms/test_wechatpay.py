"""WeChat Pay's bills: what is read, and what is refused rather than guessed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from platforms.adapters.wechatpay import ADAPTER
from platforms.contract import Line, LineKind, Payout, ReadError, Record, Statement, Totals
from tests.platforms.cases import document, documents, verdicts

HEADER = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,"
    "收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号"
)
SUMMARY = "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额"


def row(**changes: str) -> str:
    values = {
        "time": "2026-10-09 08:15:02",
        "business": "B1",
        "flow": "F1",
        "name": "交易",
        "type": "交易",
        "way": "收入",
        "amount": "5.00",
        "balance": "15.00",
        "who": "system",
        "remark": "",
        "voucher": "V1",
        **changes,
    }
    return ",".join(f"`{value}" for value in values.values())


def flow(*rows: str, summary: str = "`1,`1,`5.00,`0,`0.00") -> bytes:
    return "\n".join([HEADER, *rows, SUMMARY, summary, ""]).encode()


def read(data: bytes, **context: str) -> list[Record]:
    return list(ADAPTER.read(document(data, **context)))


def refused(data: bytes, **context: str) -> ReadError:
    with pytest.raises(ReadError) as caught:
        read(data, **context)
    return caught.value


def test_a_fund_flow_is_read() -> None:
    statement, line, totals = read(flow(row(remark="十月, 第一笔")), account="1500000001")
    assert isinstance(statement, Statement) and statement.books
    assert (statement.account, statement.cash_account) == ("1500000001", "BASIC")
    assert isinstance(line, Line)
    assert (line.amount, line.kind, line.row) == (Decimal("5.00"), LineKind.SALE, 2)
    assert line.external_id == "B1|F1|交易"
    assert line.label == "交易/十月, 第一笔"
    assert isinstance(totals, Totals) and totals.ties


def test_a_withdrawal_is_also_a_payout_on_its_way() -> None:
    out = row(type="提现", way="支出", business="W1")
    _, line, payout, _ = read(flow(out, summary="`1,`0,`0.00,`1,`5.00"))
    assert isinstance(line, Line) and isinstance(payout, Payout)
    assert (line.kind, line.amount, line.payout_ref) == (LineKind.PAYOUT, Decimal("-5.00"), "W1")
    assert (payout.amount, payout.status.value, payout.arrives_on) == (
        Decimal("5.00"),
        "in_transit",
        None,
    )
    assert payout.remittance == payout.external_id == "W1"


def test_a_withdrawal_that_comes_in_is_not_understood() -> None:
    _, line, *rest = read(flow(row(type="提现")))
    assert isinstance(line, Line) and line.kind is LineKind.UNKNOWN
    assert not [record for record in rest if isinstance(record, Payout)]


def test_a_wrong_summary_is_yielded_not_raised() -> None:
    for summary in ("`2,`2,`5.00,`0,`0.00", "`1,`1,`5.01,`0,`0.00", "`1,`1,`5.00,`1,`0.00"):
        assert verdicts(read(flow(row(), summary=summary))) == [False]


def test_counts_as_the_documentation_prints_them() -> None:
    assert verdicts(read(flow(row(), summary="`1.0,`1.0,`5.00,`0.0,`0"))) == [True]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"amount": "1e3"}, "not an amount"),
        ({"amount": ""}, "not an amount"),
        ({"amount": "５.００"}, "not an amount"),
        ({"amount": "-5.00"}, "no direction"),
        ({"way": "中性"}, "no direction"),
        ({"way": ""}, "no direction"),
        ({"time": "2026-10-09 08:15"}, "not a time"),
        ({"time": "2014-11-10 16：33：45"}, "not a time"),
        ({"business": "", "flow": ""}, "no number of its own"),
        ({"remark": "a,`b"}, "12 values under 11 columns"),
        ({"remark": "a\nb"}, "values under 11 columns"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(change: dict[str, str], reason: str) -> None:
    error = refused(flow(row(), row(**change)))
    assert reason in error.reason
    assert error.row == 3


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (HEADER.encode(), "summary is missing"),
        (flow(row()).rsplit(b"\n", 2)[0], "summary is not whole"),
        (flow(row(), summary="`1,`1,`5.00,`0"), "summary is not whole"),
        (flow(row(), summary="1,1,5.00,0,0"), "summary is not whole"),
        (flow(row(), summary="`x,`1,`5.00,`0,`0"), "not a count"),
        (flow(row()) + b"`1\n", "after the summary"),
        (flow(row(), "free text"), "neither a row nor the summary"),
        (flow(row()).replace("支出笔数".encode(), "支出数".encode()), "lacks 支出笔数"),
        (flow(row()).replace("业务凭证号".encode(), "凭证".encode()), "header lacks 业务凭证号"),
        (flow(row()).replace("备注".encode(), "业务类型".encode()), "twice"),
        (b"a,b\n1,2\n", "neither a fund flow nor a trade bill"),
    ],
)
def test_a_file_that_is_not_whole_is_refused(data: bytes, reason: str) -> None:
    assert reason in refused(data).reason


def test_an_unknown_wallet_is_refused() -> None:
    assert "no wallet" in refused(flow(row()), cash_account="SAVINGS").reason


def test_columns_may_come_in_another_order_with_new_ones() -> None:
    data = flow(row()).decode().replace(HEADER, f"{HEADER},新列").replace("`V1", "`V1,`x")
    assert verdicts(read(data.encode())) == [True]


def _bill(name: str) -> bytes:
    return next(case for case in documents() if case.name == name).data


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("`6,`1557.90", "`7,`1557.90"),
        ("`1557.90,`67.90", "`1557.90,`67.91"),
        ("`8.99940", "`8.99941"),
        ("`1572.90,`67.90", "`1572.91,`67.90"),
        ("`1572.90,`67.90", "`1572.90,`67.89"),
        ("`67.90,`0.00,`8", "`67.90,`0.01,`8"),
    ],
)
def test_each_of_the_seven_totals_is_recomputed(before: str, after: str) -> None:
    data = _bill("trade_bill_all").decode()
    assert data.count(before) == 1
    assert verdicts(read(data.replace(before, after).encode())) == [False]


def test_a_trade_bill_is_evidence_and_never_booked() -> None:
    statements = [
        record
        for case in documents()
        if case.name.startswith("trade_bill")
        for record in read(case.data)
        if isinstance(record, Statement)
    ]
    assert statements and not any(statement.books for statement in statements)


def test_a_trade_has_one_id_in_every_variant() -> None:
    ids = [
        {record.external_id for record in read(_bill(name)) if isinstance(record, Line)}
        for name in ("trade_bill_all", "trade_bill_success", "trade_bill_refund")
    ]
    assert ids[1] | ids[2] < ids[0]


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("`CNY,`1299.90", "`USD,`1299.90", "USD in a bill in CNY"),
        ("`CNY,`258.00", "`元,`258.00", "not a currency"),
        ("`1299.90,`10.00", "`x,`10.00", "应结订单金额: not an amount"),
        ("`4200000920202610090000000002", "`", "the row has no 微信订单号"),
        ("2026-10-09 09:40:31", "2026-10-09", "not a time"),
    ],
)
def test_a_trade_that_cannot_be_read_is_named(before: str, after: str, reason: str) -> None:
    error = refused(_bill("trade_bill_all").decode().replace(before, after).encode())
    assert reason in error.reason
    assert error.row in (2, 3)
