"""WeChat Store: words before numbers, and balances that must follow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from platforms import registry
from platforms.adapters.wechat_store import ADAPTER
from platforms.contract import (
    Line,
    LineKind,
    Payout,
    ReadError,
    Record,
    Statement,
    UnrecognisedError,
)
from tests.platforms.cases import document, documents, verdicts

HEADER = (
    "流水单号,记账时间,动帐类型,收支类型,收支金额,账户余额,"
    "关联订单号,关联售后单号,关联提现单号,关联保单号,详情"
)


def flow(**changes: object) -> bytes:
    movement = {
        "flow_id": "1",
        "funds_type": 1,
        "flow_type": 1,
        "amount": 15900,
        "balance": 15900,
        "bookkeeping_time": "2026-08-03 16:43:16",
        "funds_type_desc": "订单支付",
        **changes,
    }
    return json.dumps({"errcode": 0, "funds_flow": movement}).encode()


def orders(*changes: Mapping[str, object]) -> bytes:
    order = {
        "order_id": "37",
        "order_settle_state": 60,
        "order_paid_time": 1785000060,
        "mch_received_amount": 10000,
        "mch_settle_amount": 10000,
    }
    page = {"errcode": 0, "data_list": [{**order, **change} for change in changes]}
    return json.dumps(page).encode()


def row(way: str, amount: str, balance: str, **changes: str) -> str:
    values = {
        "flow": "1",
        "time": "2026-08-03 10:00:00",
        "type": "订单支付",
        "way": way,
        "amount": amount,
        "balance": balance,
        "order": "37",
        "aftersale": "",
        "withdrawal": "",
        "policy": "",
        "detail": "",
        **changes,
    }
    return ",".join(values.values())


def export(*rows: str) -> bytes:
    return "\n".join([HEADER, *rows, ""]).encode()


def read(data: bytes) -> list[Record]:
    return list(ADAPTER.read(document(data)))


def lines(data: bytes) -> list[Line]:
    return [record for record in read(data) if isinstance(record, Line)]


def case_named(name: str) -> bytes:
    return next(c.data for c in documents() if (c.code, c.name) == ("wechat_store", name))


# --- movements ----------------------------------------------------------------


def test_fen_become_yuan_and_the_flow_type_gives_the_sign() -> None:
    (income,) = lines(flow())
    (outgo,) = lines(flow(flow_type=2, funds_type=11, funds_type_desc="技术服务费", amount=1))
    assert (income.amount, outgo.amount) == (Decimal("159.00"), Decimal("-0.01"))


@pytest.mark.parametrize(
    ("number", "description", "direction", "kind"),
    [
        # 10 meant one thing in 2024 and another in 2026.
        (10, "联盟抽佣", 2, LineKind.ADVERTISING),
        (10, "小店抽佣", 2, LineKind.COMMISSION),
        (10, "达人佣金", 2, LineKind.ADVERTISING),
        (10, "", 2, LineKind.UNKNOWN),
        (1, "新的名目", 1, LineKind.UNKNOWN),
        (3, "", 2, LineKind.REFUND),
        (5, "提现退票", 1, LineKind.PAYOUT_RETURNED),
        (5, "提现退票", 2, LineKind.UNKNOWN),
        (4, "提现", 1, LineKind.UNKNOWN),
        (1, "订单支付", 2, LineKind.UNKNOWN),
        (14, "极速退款垫资", 1, LineKind.LOAN),
        (99, "分账", 2, LineKind.UNKNOWN),
    ],
)
def test_the_description_decides_and_the_number_does_not(
    number: int, description: str, direction: int, kind: LineKind
) -> None:
    data = flow(funds_type=number, funds_type_desc=description, flow_type=direction)
    assert lines(data)[0].kind is kind


def test_a_withdrawal_is_a_payout_under_its_own_number() -> None:
    related = [{"related_type": 3, "withdraw_id": "77"}]
    _, line, payout, _ = read(
        flow(funds_type=4, funds_type_desc="提现", flow_type=2, related_info_list=related)
    )
    assert isinstance(line, Line) and isinstance(payout, Payout)
    assert (line.payout_ref, payout.external_id, payout.numbered) == ("77", "77", True)
    assert payout.amount == -line.amount == Decimal("159.00")


def test_a_withdrawal_without_a_number_is_a_payout_without_one() -> None:
    payout = read(flow(funds_type=4, funds_type_desc="提现", flow_type=2))[2]
    assert isinstance(payout, Payout) and not payout.numbered


def test_several_related_orders_name_none() -> None:
    related = [{"order_id": "1"}, {"order_id": "2"}]
    assert lines(flow(related_info_list=related))[0].order_ref == ""


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"amount": 159.5}, "not in whole fen"),
        ({"amount": -1}, "no amount"),
        ({"amount": None}, "no amount"),
        ({"amount": True}, "no amount"),
        ({"flow_type": 3}, "unknown flow_type"),
        ({"flow_type": None}, "agency"),
        ({"flow_id": ""}, "no flow_id"),
        ({"bookkeeping_time": "1785000060"}, "not a time"),
        ({"related_info_list": [7]}, "not an object"),
    ],
)
def test_a_movement_that_cannot_be_read_is_refused(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(ReadError, match=reason):
        read(flow(**changes))


@pytest.mark.parametrize("number", ["NaN", "1e9999", "1e3", "9" * 50, "Infinity"])
def test_figures_that_are_no_amounts_are_refused(number: str) -> None:
    with pytest.raises(ReadError):
        read(flow().replace(b"15900", number.encode()))


def test_an_error_answer_is_no_document() -> None:
    with pytest.raises(ReadError, match="error 40001"):
        read(flow().replace(b'"errcode": 0', b'"errcode": 40001'))


def test_the_summary_of_a_shop_of_the_older_kind_is_not_claimed() -> None:
    older = b'{"funds_flow":{"bookkeeping_time":"2020-08-20 00:08:13","amount":"0.10"}}'
    with pytest.raises(UnrecognisedError):
        registry.recognise(document(older))


# --- orders -------------------------------------------------------------------


def test_the_lines_of_an_order_come_to_its_settlement() -> None:
    found = lines(case_named("order_flow_settled"))
    before = [line for line in found if ":after:" not in line.external_id]
    sums = {
        ref: sum(line.amount for line in before if line.order_ref.endswith(ref))
        for ref in ("001", "002")
    }
    assert sums == {"001": Decimal("135.15"), "002": Decimal("86.62")}
    assert verdicts(read(case_named("order_flow_settled"))) == [True]


def test_a_waived_fee_is_booked_gross_with_its_waiver() -> None:
    change = {
        "original_platform_commission_amount": 500,
        "freight_insurance_subsidy_amount": 100,
        "platform_commission_amount": 400,
        "mch_settle_amount": 9600,
    }
    assert [line.amount for line in lines(orders(change))] == [100, -5, 1]


@pytest.mark.parametrize(
    ("name", "kind", "amount"),
    [
        ("platform_commission_amount", LineKind.COMMISSION, -1),
        ("supplier_commission_amount", LineKind.ADVERTISING, -1),
        ("promoter_commission_amount", LineKind.ADVERTISING, -1),
        ("freight_insurance_amount", LineKind.SHIPPING, -1),
        ("freight_insurance_make_up_amount", LineKind.SHIPPING, -1),
        ("pre_freight_refund_amount", LineKind.SHIPPING, 1),
        ("other_expense_amount", LineKind.ADJUSTMENT, -1),
    ],
)
def test_each_part_of_an_order_has_its_kind_and_sign(
    name: str, kind: LineKind, amount: int
) -> None:
    data = orders({name: 100, "mch_settle_amount": 10000 + 100 * amount})
    assert [(line.kind, line.amount) for line in lines(data)][1:] == [(kind, Decimal(amount))]
    assert verdicts(read(data)) == [True]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("buyer_refund_amount", LineKind.REFUND),
        ("platform_discount_refund_amount", LineKind.SUBSIDY),
        ("promoter_refund_amount", LineKind.SUBSIDY),
        ("freight_insurance_make_up_amount", LineKind.SHIPPING),
    ],
)
def test_what_is_taken_after_the_settlement_stands_beside_it(name: str, kind: LineKind) -> None:
    data = orders({"post_settlement_expense": {name: 100}})
    assert [(line.kind, line.amount) for line in lines(data)][1:] == [(kind, Decimal(-1))]
    assert verdicts(read(data)) == [True]


def test_what_the_parts_do_not_explain_is_a_line_of_its_own() -> None:
    records = read(orders({"mch_settle_amount": 9000}))
    rest = [record for record in records if isinstance(record, Line)][-1]
    assert (rest.kind, rest.amount) == (LineKind.UNKNOWN, Decimal(-10))
    assert verdicts(records) == [None]


def test_orders_are_evidence_and_never_booked() -> None:
    statement = read(orders({}))[0]
    assert isinstance(statement, Statement) and not statement.books
    assert statement.profile in ADAPTER.unverified


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"new_fee_amount": 1}, "unknown sum 'new_fee_amount'"),
        ({"post_settlement_expense": {"new_amount": 1}}, "unknown sum 'new_amount'"),
        ({"supplier_platform_commission": {"settle_amount": 5}}, "supplier_platform_commission"),
        ({"order_settle_state": 7}, "unknown order_settle_state"),
        ({"mch_settle_amount": None}, "no mch_received_amount or no mch_settle_amount"),
        ({"order_paid_time": 1785000060000}, "not in Unix seconds"),
        ({"order_paid_time": 0}, "has no time"),
    ],
)
def test_a_sum_nobody_has_explained_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ReadError, match=reason):
        read(orders(change))
    assert read(orders({"new_fee_amount": 0}))


# --- the export ---------------------------------------------------------------


def test_balances_lead_through_an_export_in_either_order() -> None:
    late = row("支出", "4.40", "83.60", type="技术服务费", time="2026-08-03 10:00:01")
    early = row("收入", "88.00", "88.00")
    for data in (export(early, late), export(late, early)):
        totals = read(data)[-1]
        assert totals.opening == 0 and totals.closing == Decimal("83.60")  # type: ignore[union-attr]
        assert verdicts(read(data)) == [True]


def test_rows_that_undo_one_another_are_ordered_by_their_time() -> None:
    first = row("收入", "5.00", "105.00", flow="1")
    second = row("支出", "5.00", "100.00", flow="2", type="退款", time="2026-08-03 10:00:01")
    assert read(export(first, second))[-1].opening == 100  # type: ignore[union-attr]
    assert read(export(second, first))[-1].opening == 100  # type: ignore[union-attr]
    same_second = export(first, second.replace("10:00:01", "10:00:00"))
    assert read(same_second)[-1].opening is None  # type: ignore[union-attr]


def test_one_number_may_stand_in_several_rows() -> None:
    found = lines(case_named("export_12_columns_newest_first"))
    assert len({line.external_id for line in found}) == len(found) == 6
    assert sum(line.amount for line in found) == Decimal("-488.80")


def test_a_workbook_and_a_csv_of_the_same_rows_agree_on_every_id() -> None:
    names = ("export_12_columns_newest_first", "export_workbook")
    csv, workbook = (lines(case_named(name)) for name in names)
    assert [(line.external_id, line.amount) for line in workbook] == [
        (line.external_id, line.amount) for line in csv
    ]


def test_a_missing_row_is_noticed_by_the_balance_after_it() -> None:
    data = case_named("export_all_types").split(b"\r\n")
    with pytest.raises(ReadError, match="row 10: the balance does not follow"):
        read(b"\r\n".join([*data[:9], *data[10:]]))


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([row("收入", "5", "5")], "yuan or fen"),
        ([row("收入", "-5.00", "5.00")], "negative"),
        ([row("不计收支", "5.00", "5.00")], "unknown 收支类型"),
        ([row("收入", "5.00", "")], "not an amount"),
        ([row("收入", "５.00", "5.00")], "not an amount"),
        ([row("收入", "NaN", "5.00")], "not an amount"),
        ([row("收入", "1e9", "5.00")], "not an amount"),
        ([row("收入", "5.00", "5.00", flow="")], "no 流水单号"),
        ([row("收入", "5.00", "5.00", time="2026/8/3")], "not a time"),
        ([row("收入", "5.00", "5.00") + ",x"], "12 values under 11 columns"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(rows: list[str], reason: str) -> None:
    with pytest.raises(ReadError, match=rf"row 2: .*{reason}"):
        read(export(*rows))


def test_a_header_that_names_a_column_twice_is_refused() -> None:
    with pytest.raises(ReadError, match="names '详情' twice"):
        read(export().replace("详情".encode(), "详情,详情".encode()))


def test_the_export_is_unverified_and_numbered_apart_from_the_answers() -> None:
    exported, answered = read(export())[0], read(flow())[0]
    assert isinstance(exported, Statement) and isinstance(answered, Statement)
    assert exported.profile in ADAPTER.unverified
    assert exported.numbering != answered.numbering
