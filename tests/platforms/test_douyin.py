"""Douyin: fen and yuan, parts that must make up their movement, waivers, wallets."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from platforms.adapters.douyin import ADAPTER
from platforms.contract import (
    Line,
    LineKind,
    Payout,
    ReadError,
    Record,
    Statement,
    Totals,
)
from tests.platforms.cases import document, documents, verdicts

ITEM: dict[str, Any] = {
    "bill_time": "2026-07-01 09:01:07",
    "account_trade_no": "AS1_IN",
    "fund_flow": 0,
    "account_amount": 9600,
    "account_type": 4,
    "trans_scene": "货款结算入账",
    "shop_order_id": "6954",
    "pay_amount": 10000,
    "platform_service_fee": -300,
    "commission": -100,
}
BILL: dict[str, Any] = {
    "settle_time": "2026-07-05 11:05:56",
    "request_no": "R1",
    "shop_order_id": "6954",
    "order_id": "69541",
    "settle_amount": 97,
    "pay_type_desc": "聚合账户",
    "trade_type": 0,
    "total_income": 102,
    "platform_service_fee": 5,
    "total_outcome": 5,
}
HEADER = (
    "动账时间,动帐流水号,动账方向,动账金额,动账账户,动账场景,子订单号,订单号,"
    "订单实付应结,平台服务费,佣金,是否免佣,免佣金额,备注"
)
ROW = "2026-07-01 09:01:07,'F1,入账,170.05,聚合账户,货款结算入账,'61,'6,179,-8.95,0,否,0,"


def page(*rows: dict[str, Any], **changes: Any) -> bytes:
    data = {"code": "100000", "code_msg": "SUCCESS", "data": list(rows), **changes}
    return json.dumps({"code": 10000, "msg": "success", "data": data}).encode()


def export(*rows: str, header: str = HEADER) -> bytes:
    return "\r\n".join([header, *rows, ""]).encode()


def read(data: bytes) -> list[Record]:
    return list(ADAPTER.read(document(data)))


def lines(data: bytes) -> list[Line]:
    return [record for record in read(data) if isinstance(record, Line)]


def refused(data: bytes) -> str:
    with pytest.raises(ReadError) as caught:
        read(data)
    return str(caught.value)


def amounts(data: bytes) -> dict[str, str]:
    """The lines by the last part of their id."""
    return {line.external_id.rpartition(":")[2]: str(line.amount) for line in lines(data)}


# --- fen ------------------------------------------------------------------------


def test_fen_become_yuan_to_the_last_digit() -> None:
    assert amounts(page(ITEM)) == {
        "pay_amount": "100.00",
        "platform_service_fee": "-3.00",
        "commission": "-1.00",
    }
    one = {
        **ITEM,
        "account_amount": "1",
        "pay_amount": 1,
        "platform_service_fee": "0",
        "commission": 0,
    }
    assert amounts(page(one)) == {"pay_amount": "0.01"}


@pytest.mark.parametrize(
    "value", ["96.00", 96.5, "1e4", "NaN", True, [1], "99999999999999999", "９６"]
)
def test_what_is_no_whole_number_of_fen_is_refused(value: Any) -> None:
    assert refused(page({**ITEM, "account_amount": value}))


# --- parts ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flow", "amount", "paid", "fee", "expected"),
    [
        (0, 97, 102, -5, ("1.02", "-0.05")),
        (0, 97, 102, 5, ("1.02", "-0.05")),
        (1, 97, -102, 5, ("-1.02", "0.05")),
        (1, -97, -102, 5, ("-1.02", "0.05")),
        # The official example: a movement out whose parts are written without its sign.
        (1, 97, 102, -5, ("-1.02", "0.05")),
        (1, 97, 102, 5, ("-1.02", "0.05")),
    ],
)
def test_the_signs_are_those_under_which_the_parts_make_up_the_movement(
    flow: int, amount: int, paid: int, fee: int, expected: tuple[str, str]
) -> None:
    move = {"fund_flow": flow, "account_amount": amount, "trans_scene": "退款-结算后退款-退用户"}
    parts = {"pay_amount": paid, "platform_service_fee": fee, "commission": 0}
    assert tuple(amounts(page({**ITEM, **move, **parts})).values()) == expected


def test_parts_that_do_not_make_up_the_movement_are_refused() -> None:
    reason = refused(page(ITEM, {**ITEM, "account_amount": 9601}))
    assert reason == (
        "row 2: the parts do not make up 96.01: 订单实付应结 100.00, 平台服务费 -3.00, 佣金 -1.00"
    )


@given(
    paid=st.integers(0, 10**9), fees=st.lists(st.integers(-(10**6), 10**6), min_size=2, max_size=2)
)
def test_the_lines_of_a_row_always_sum_to_its_movement(paid: int, fees: list[int]) -> None:
    moved = paid + sum(fees)
    row = {
        **ITEM,
        "fund_flow": int(moved < 0),
        "account_amount": abs(moved),
        "pay_amount": paid,
        "platform_service_fee": fees[0],
        "commission": fees[1],
    }
    assert sum(line.amount for line in lines(page(row))) == Decimal(moved) / 100


def test_a_new_column_of_money_is_refused_and_a_new_fact_is_not() -> None:
    assert "'new_subsidy' is '7'" in refused(page({**ITEM, "new_subsidy": 7}))
    assert "'amount_paid' is '7'" in refused(page({**ITEM, "amount_paid": "7"}))
    assert "'销售收入' is '5.00'" in refused(export(ROW + ",5.00", header=f"{HEADER},销售收入"))
    facts = {"new_subsidy": 0, "other_subsidy": "", "author_uid_id": 77, "note": "x", "list": [1]}
    assert lines(page({**ITEM, **facts})) == lines(page(ITEM))


def test_a_waived_fee_is_kept_as_a_fact_and_moves_nothing() -> None:
    waived = {"free_commission_flag": "是", "real_free_commission_amount": 120}
    *others, told = lines(page({**ITEM, **waived}))
    assert sum(line.amount for line in others) == Decimal("96.00")
    assert (told.kind, str(told.amount)) == (LineKind.COMMISSION, "0")
    assert told.label == "货款结算入账/免佣金额 1.20"
    flagged = lines(page({**ITEM, "free_commission_flag": "是"}))
    assert all(line.label.endswith("/免佣") for line in flagged)


# --- kinds and wallets -----------------------------------------------------------


def test_each_wallet_is_a_statement_of_its_own_whose_lines_are_its_movements() -> None:
    case = next(c for c in documents() if str(c) == "douyin/api_account_items")
    stated: dict[str, int] = defaultdict(int)
    names = {1: "wechat", 2: "alipay", 3: "hezhong", 4: "aggregate"}
    for item in json.loads(case.data)["data"]["data"]:
        sign = -1 if item["fund_flow"] else 1
        stated[names[item["account_type"]]] += sign * item["account_amount"]
    summed: dict[str, Decimal] = defaultdict(Decimal)
    wallet = ""
    for record in read(case.data):
        if isinstance(record, Statement):
            wallet = record.cash_account
        elif isinstance(record, Line):
            summed[wallet] += record.amount
    assert summed == {name: Decimal(fen) / 100 for name, fen in stated.items()}


def test_an_unknown_wallet_or_direction_is_refused() -> None:
    assert "no such account" in refused(page({**ITEM, "account_type": 5}))
    assert "no direction: '2'" in refused(page({**ITEM, "fund_flow": 2}))
    assert "no direction: '出账 0'" in refused(page({**ITEM, "fund_flow_desc": "出账"}))
    assert "no direction: '0' -96.00" in refused(page({**ITEM, "account_amount": -9600}))


@pytest.mark.parametrize(
    ("scene", "flow", "kind"),
    [
        ("货款结算入账", 1, LineKind.UNKNOWN),
        ("提现", 0, LineKind.UNKNOWN),
        ("提现退票", 1, LineKind.UNKNOWN),
        ("提现退票", 0, LineKind.PAYOUT_RETURNED),
        ("放心借·贷款还款", 1, LineKind.LOAN),
        ("充值保证金", 1, LineKind.DEPOSIT),
        ("充值千川广告费", 1, LineKind.ADVERTISING),
        ("物流赔付", 0, LineKind.UNKNOWN),
        ("", 0, LineKind.UNKNOWN),
    ],
)
def test_a_word_counts_as_far_as_the_direction_bears_it_out(
    scene: str, flow: int, kind: LineKind
) -> None:
    none = {"pay_amount": 0, "platform_service_fee": 0, "commission": 0}
    (line,) = lines(page({**ITEM, **none, "trans_scene": scene, "fund_flow": flow}))
    assert line.kind is kind


def test_only_a_withdrawal_that_leaves_is_a_payout() -> None:
    none = {"pay_amount": 0, "platform_service_fee": 0, "commission": 0}
    out = {**ITEM, **none, "trans_scene": "提现", "fund_flow": 1}
    (payout,) = [record for record in read(page(out)) if isinstance(record, Payout)]
    assert (payout.external_id, payout.amount) == ("AS1_IN", Decimal("96.00"))
    assert not [
        record for record in read(page({**out, "fund_flow": 0})) if isinstance(record, Payout)
    ]


# --- pages ------------------------------------------------------------------------


def test_a_page_with_fewer_rows_than_it_says_does_not_tie() -> None:
    ends = {"next_start_index": "0", "is_end": 1}
    assert verdicts(read(page(ITEM, data_size=1))) == [True]
    assert verdicts(read(page(ITEM, data_size=2))) == [False]
    assert verdicts(read(page(data_size=1, **ends))) == [False]
    assert verdicts(read(page(data_size=0, **ends))) == [True]
    assert verdicts(read(page(ITEM))) == [None]


@pytest.mark.parametrize(
    "answer",
    [
        {"code": 40004, "msg": "非法的参数", "data": None},
        {"err_no": 30001, "message": "非法的参数"},
        {"code": 10000, "data": {"code": "100010", "code_msg": "非法的参数", "data": []}},
    ],
)
def test_a_refused_query_says_why(answer: dict[str, Any]) -> None:
    padded = {**answer, "marks": ["account_trade_no", "fund_flow", "account_amount"]}
    assert "Douyin refused the query: '非法的参数'" in refused(json.dumps(padded).encode())


def test_rows_of_two_shops_are_refused() -> None:
    rows = ({**ITEM, "shop_id": "1"}, {**ITEM, "shop_id": "2"})
    assert "several shops" in refused(page(*rows))
    statement, *_ = read(page({**ITEM, "account_trade_no": "AS2"}, rows[0]))
    assert isinstance(statement, Statement) and statement.account == "1"


# --- settlement bill ----------------------------------------------------------------


def test_the_settlement_bill_is_evidence_whose_parts_add_up() -> None:
    statement, income, fee, _ = read(page(BILL))
    assert isinstance(statement, Statement) and not statement.books
    assert isinstance(income, Line) and isinstance(fee, Line)
    assert (str(income.amount), str(fee.amount)) == ("1.02", "-0.05")
    assert (income.kind, fee.kind) == (LineKind.SALE, LineKind.COMMISSION)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"settle_amount": 98}, "the parts do not make up 0.98"),
        ({"total_outcome": 6}, "the fees do not add up to total_outcome 0.06"),
        ({"order_id": ""}, "no order_id"),
        ({"pay_type_desc": "银行"}, "no such account"),
        ({"rebate_amount": 3}, "'rebate_amount' is '3'"),
    ],
)
def test_a_settlement_that_does_not_add_up_is_refused(change: dict[str, Any], reason: str) -> None:
    assert reason in refused(page({**BILL, **change}))


# --- files --------------------------------------------------------------------------


def test_a_file_without_a_decimal_point_is_refused_as_its_unit_is_not_confirmed() -> None:
    whole = ROW.replace("170.05", "170").replace("-8.95", "-9")
    assert "yuan or fen" in refused(export(whole))
    assert [str(line.amount) for line in lines(export(whole, ROW.replace("F1", "F2")))] == [
        *("179", "-9", "179", "-8.95"),
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("170.05", "170.06"), "row 2: the parts do not make up 170.06"),
        (("入账,", "转账,"), "row 2: no direction: '转账'"),
        (("聚合账户", "银行卡"), "row 2: no such account"),
        (("'F1", ""), "row 2: the row has no account_trade_no"),
        (("170.05", "1e9999"), "row 2: not an amount"),
        (("2026-07-01 ", "2026/07/01 "), "row 2: not a time"),
        (("179,", "179,1,"), "row 2: 15 values under 14 columns"),
    ],
)
def test_a_row_that_cannot_be_read_is_refused(change: tuple[str, str], reason: str) -> None:
    assert reason in refused(export(ROW.replace(*change), ROW))


def test_a_missing_or_double_column_is_refused() -> None:
    assert "lacks 动账方向" in refused(export(ROW, header=HEADER.replace("动账方向", "方向")))
    double = HEADER.replace("备注", "佣金")
    assert "names 'commission' twice" in refused(export(ROW, header=double))
    assert "it was cut" in refused(export(ROW).rstrip())


def test_a_header_saved_with_empty_columns_has_only_blanks_under_them() -> None:
    wide = HEADER + ",,"
    assert lines(export(ROW + ",,", header=wide)) == lines(export(ROW))
    assert "row 2: 16 values under 14 columns" in refused(export(ROW + ",,5.00", header=wide))
    assert "row 2: 15 values under 14 columns" in refused(export(ROW + ",", header=wide))


def test_a_workbook_with_two_tables_is_refused() -> None:
    packed = io.BytesIO()
    with xlsxwriter.Workbook(packed) as book:
        for name in ("六月", "七月"):
            book.add_worksheet(name).write_row(0, 0, HEADER.split(","))
    assert "several tables: 六月, 七月" in refused(packed.getvalue())


def test_columns_are_bound_by_name_in_any_order_and_encoding() -> None:
    rows = list(csv.reader(io.StringIO(export(ROW).decode())))
    turned = "\r\n".join(",".join(reversed(row)) for row in rows) + "\r\n"
    for encoding in ("gb18030", "utf-8-sig"):
        assert lines(turned.encode(encoding)) == lines(export(ROW))


def test_the_import_template_of_a_program_is_an_empty_file_of_this_form() -> None:
    case = next(c for c in documents() if str(c) == "douyin/fund_flow_export")
    header = case.data.partition(b"\n")[0] + b"\n"
    statement, totals = read(header)
    assert ADAPTER.recognises(document(header)) and totals == Totals()
    assert isinstance(statement, Statement) and not statement.books
