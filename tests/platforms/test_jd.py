"""JD: signs, what is settled, refunds that are no negative sales, the wallet, a signature."""

from __future__ import annotations

import datetime
import hashlib
import io
import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from platforms.adapters.jd import ADAPTER, request
from platforms.contract import Line, LineKind, Pushes, ReadError, Record, Statement, Totals
from tests.platforms.cases import FIXTURES, document, documents

DETAIL = (
    "订单编号,单据编号,单据类型,商品编号,商户订单号,商品名称,结算状态,费用发生时间,费用计费时间,"
    "费用结算时间,费用项,金额,币种,商家应收/应付,钱包结算备注,店铺号,京东门店编号,品牌门店编号,"
    "门店名称,备注,收支方向,商品数量,对账日期"
)
EXPORT = (
    "订单编号,父单号,订单状态,订单下单时间,订单完成时间,售后服务单号,售后退款时间,商品编号,商品名称,"
    "商品数量,扣点类型,佣金比例,费用名称,应结金额,币种,收支方向,结算状态,预计结算时间,账单生成时间,"
    "到账时间,商户订单号,资金动账备注"
)
FUNDS = (
    "商户号,账户代码,账户名称,日期,商户订单号,"
    "账户余额(元),收入金额(元),支出金额(元),交易备注,账单日期"
)


def detail(**changes: str) -> dict[str, str]:
    return {
        "订单编号": '="1"',
        "单据编号": '="11"',
        "结算状态": "结算完成",
        "币种": "CNY",
        "费用发生时间": "2026-05-10 14:41:34",
        "费用结算时间": "2026-05-21 02:10:33",
        "费用项": "货款",
        "金额": "36.80",
        "收支方向": "收入",
        **changes,
    }


def exported(**changes: str) -> dict[str, str]:
    return {
        "订单编号": "1",
        "订单下单时间": "2026-05-10 14:41:34",
        "佣金比例": "0.05",
        "费用名称": "货款",
        "应结金额": "36.80",
        "币种": "CNY",
        "收支方向": "收入",
        "结算状态": "已结算",
        "到账时间": "2026-07-09 12:08:53",
        **changes,
    }


def funds(**changes: str) -> dict[str, str]:
    return {
        "商户号": "110",
        "账户代码": "101",
        "日期": "2026-05-21 03:00:00",
        "商户订单号": "9",
        "账户余额(元)": "100.00",
        "收入金额(元)": "5.00",
        "支出金额(元)": "--",
        **changes,
    }


def made(*rows: dict[str, str], header: str = DETAIL) -> bytes:
    names = header.split(",")
    lines = [header, *(",".join(row.get(name, "") for name in names) for row in rows), ""]
    return "\r\n".join(lines).encode()


def api(*rows: dict[str, Any], **around: Any) -> bytes:
    return json.dumps({"code": "0", "data": {"list": list(rows)}, **around}).encode()


BILL: dict[str, Any] = {
    "detailNo": "11",
    "feeName": "货款",
    "bal": "36.80",
    "direction": 1,
    "orderId": 1,
    "happenTime": 1778395294000,
    "finishTime": 1779300633123,
}
RECORD: dict[str, Any] = {
    "memberId": "110",
    "incomeAmount": "5.00",
    "expendAmount": None,
    "accountBalance": "9.00",
    "detailCreateTime": "2026-05-21 03:00:00",
}


def read(data: bytes) -> list[Record]:
    return list(ADAPTER.read(document(data)))


def lines(data: bytes) -> list[Line]:
    return [record for record in read(data) if isinstance(record, Line)]


def refused(data: bytes) -> str:
    with pytest.raises(ReadError) as caught:
        read(data)
    return str(caught.value)


def sums(data: bytes) -> dict[bool, Decimal]:
    """What a document's statements add up to: booked, and only told."""
    found = {True: Decimal(0), False: Decimal(0)}
    books = True
    for record in read(data):
        if isinstance(record, Statement):
            books = record.books
        elif isinstance(record, Line):
            found[books] += record.amount
    return found


def case_named(name: str) -> bytes:
    return next(case.data for case in documents() if str(case) == f"jd/{name}")


# --- sums and signs ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "booked", "told"),
    [
        ("settlement_detail", "120.34", "0"),
        # 128 − 6.40 − 28 + 1.40 + 10; not settled 59.90 − 3 and void 77.
        ("settlement_detail_open", "105.00", "133.90"),
        # 36.80 − 1.84 − 0.10 − 0.10 − 13.80 + 0.69 − 6 − 0.86; not settled 20.
        ("settlement_export", "14.79", "20.00"),
        # 36.8 − 1.84 − 13.8; in the wallet 34.96 − 13.8 − 1000.
        ("wallet", "21.16", "-978.84"),
        ("api_bills", "116.07", "59.9"),
        ("api_account_records", "0", "-978.84"),
    ],
)
def test_each_form_adds_up_to_what_was_summed_by_hand(name: str, booked: str, told: str) -> None:
    assert sums(case_named(name)) == {True: Decimal(booked), False: Decimal(told)}


def test_goods_that_go_out_are_a_refund_and_never_a_negative_sale() -> None:
    back = {"金额": "-13.80", "收支方向": "支出"}
    assert [line.kind for line in lines(made(detail(**back)))] == [LineKind.REFUND]
    out = exported(应结金额="-13.80", 收支方向="支出")
    assert [line.kind for line in lines(made(out, header=EXPORT))] == [LineKind.REFUND]


def test_outgo_is_written_with_a_minus_in_all_rows_or_in_none() -> None:
    plus, minus = (
        {"金额": f"{sign}1.00", "收支方向": "支出", "费用项": "佣金"} for sign in ("", "-")
    )
    for way in (plus, minus):
        assert [line.amount for line in lines(made(detail(**way), detail(**way)))] == [-1, -1]
    assert "row 3: outgo is -1.00 here" in refused(made(detail(**plus), detail(**minus)))
    signed = exported(应结金额="1.00", 收支方向="支出")
    assert "row 2: outgo is 1.00 here" in refused(made(signed, header=EXPORT))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"金额": "-36.80"}, "no direction: '收入' -36.80"),
        ({"收支方向": "不详"}, "no direction: '不详'"),
        ({"收支方向": ""}, "no direction: ''"),
        ({"商家应收/应付": "应付"}, "the row is 收入 and 应付"),
        ({"金额": "1e9999"}, "not an amount"),
        ({"金额": "NaN"}, "not an amount"),
        ({"金额": ""}, "not an amount: ''"),
        ({"币种": "USD"}, "'USD' in a bill in CNY"),
        ({"币种": ""}, "'' in a bill in CNY"),
        ({"单据编号": ""}, "no 单据编号"),
        ({"费用项": ""}, "no 费用项"),
        ({"费用结算时间": "2026-02-30 00:00:00"}, "not a time"),
        ({"费用结算时间": ""}, "the row is 结算完成 and has no time of it"),
    ],
)
def test_a_row_that_cannot_be_read_is_refused(change: dict[str, str], reason: str) -> None:
    found = refused(made(detail(), detail(**change)))
    assert reason in found and found.startswith("row 3: ")


def test_the_direction_is_taken_from_the_other_column_where_it_is_blank() -> None:
    (line,) = lines(made(detail(**{"收支方向": "", "商家应收/应付": "应付"})))
    assert line.amount == Decimal("-36.80")


def test_an_unknown_column_of_money_is_refused_and_one_of_names_is_not() -> None:
    row = detail(新补贴="5.00", 仓库编码="77", 说明="x")
    header = DETAIL + ",仓库编码,说明"
    assert lines(made(row, header=header)) == lines(made(detail()))
    assert "'新补贴' is '5.00'" in refused(made(row, header=header + ",新补贴"))
    nothing = detail(新补贴="0.00")
    assert lines(made(nothing, header=header + ",新补贴")) == lines(made(detail()))


def test_a_missing_or_double_column_is_refused() -> None:
    assert "lacks 商户订单号" in refused(made(detail(), header=DETAIL.replace("商户订单号,", "")))
    assert "'金额' twice" in refused(made(detail(), header=DETAIL.replace("门店名称", "金额")))
    assert "it was cut" in refused(made(detail())[:-2])


# --- settled or not ---------------------------------------------------------------


def test_the_time_of_settlement_counts_and_not_a_state_that_comes_late() -> None:
    late = detail(结算状态="付款中/待确认")
    assert sums(made(late)) == {True: Decimal("36.80"), False: 0}
    for state in ("付款失败", "作废", "数据作废"):
        assert sums(made(detail(结算状态=state))) == {True: 0, False: Decimal("36.80")}
        void = {**BILL, "settlementStatusDesc": state}
        assert sums(api(void)) == {True: 0, False: Decimal("36.80")}


def test_a_row_that_is_settled_later_is_another_line_and_is_booked_then() -> None:
    (open_,) = lines(made(detail(结算状态="付款中/待确认", 费用结算时间="")))
    (settled,) = lines(made(detail()))
    assert open_.external_id == f"open:{settled.external_id}"


# --- ids --------------------------------------------------------------------------


def test_one_row_has_one_id_in_every_form_that_numbers_it() -> None:
    (fetched,) = lines(api({**BILL, "finishTime": 1779300633000}))
    (downloaded,) = lines(made(detail()))
    assert msgspec.structs.replace(fetched, row=downloaded.row) == downloaded


def test_equal_rows_of_the_export_are_both_kept_in_every_order() -> None:
    fee = exported(费用名称="短信服务费", 应结金额="-0.10", 收支方向="支出")
    first = {line.external_id for line in lines(made(exported(), fee, fee, header=EXPORT))}
    again = {**fee, "应结金额": "-0.1", "订单状态": "已完成"}
    second = {line.external_id for line in lines(made(again, exported(), fee, header=EXPORT))}
    assert first == second and len(first) == 3


@pytest.mark.parametrize("name", ["订单编号", "父单号", "售后服务单号", "商品编号", "商户订单号"])
def test_whatever_an_exported_row_says_makes_it_another(name: str) -> None:
    (one,), (other,) = (
        lines(made(row, header=EXPORT)) for row in (exported(), exported(**{name: "2"}))
    )
    assert one.external_id != other.external_id


# --- wallet -----------------------------------------------------------------------


def test_the_wallet_is_evidence_with_balances_where_they_lead_from_row_to_row() -> None:
    rows = [
        funds(),
        funds(**{"账户余额(元)": "80.00", "收入金额(元)": "--", "支出金额(元)": "20.00"}),
    ]
    for order in (rows, rows[::-1]):
        statement, *_, totals = read(made(*order, header=FUNDS))
        assert isinstance(statement, Statement) and not statement.books
        assert isinstance(totals, Totals)
        assert (totals.opening, totals.closing) == (Decimal("95.00"), Decimal("80.00"))
    broken = [rows[0], funds(**{"账户余额(元)": "80.01", "收入金额(元)": "1.00"})]
    assert read(made(*broken, header=FUNDS))[-1] == Totals()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"支出金额(元)": "1.00"}, "income 5.00 and outgo 1.00"),
        ({"收入金额(元)": "-5.00"}, "the income is negative"),
        ({"账户代码": ""}, "no 账户代码"),
        ({"日期": "昨天"}, "not a time"),
    ],
)
def test_a_wallet_row_that_cannot_be_read_is_refused(change: dict[str, str], reason: str) -> None:
    assert reason in refused(made(funds(**change), header=FUNDS))


def workbook(**sheets: list[list[str]]) -> bytes:
    packed = io.BytesIO()
    with xlsxwriter.Workbook(packed) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for place, row in enumerate(rows):
                for column, text in enumerate(row):
                    sheet.write_string(place, column, text)
    return packed.getvalue()


def test_a_sheet_of_rows_under_no_known_header_is_not_left_out_quietly() -> None:
    rows = [DETAIL.split(","), [detail().get(name, "") for name in DETAIL.split(",")]]
    told = [["说明"], ["金额单位为元"]]
    assert len(lines(workbook(结算表=rows, 说明=told))) == 1
    assert "'结算表2' holds rows under no header" in refused(
        workbook(结算表=rows, 结算表2=[["1"]] * 11)
    )


# --- the API ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"bal": "NaN"}, "not an amount"),
        ({"bal": None}, "not an amount: ''"),
        ({"bal": True}, "bal is no text or number: 'True'"),
        ({"direction": None}, "no direction"),
        ({"direction": 1, "bal": "-1.00"}, "no direction: '收入' -1.00"),
        ({"finishTime": 99999999999999}, "not a time"),
        ({"finishTime": None, "happenTime": None}, "not a time"),
        ({"currency": "USD"}, "'USD' in a bill in CNY"),
        ({"newMoney": "5.00"}, "'newMoney' is '5.00'"),
        ({"detailNo": ""}, "no detailNo"),
    ],
)
def test_an_answer_that_cannot_be_read_is_refused(change: dict[str, Any], reason: str) -> None:
    assert reason in refused(api({**BILL, **change}))


def test_the_time_of_the_api_is_read_to_the_millisecond() -> None:
    (line,) = lines(api(BILL))
    assert line.event_at.isoformat() == "2026-05-21T02:10:33.123000+08:00"
    assert line.event_at.utcoffset() == datetime.timedelta(hours=8)


def test_an_answer_with_two_lists_or_two_shops_is_refused() -> None:
    assert "2 lists" in refused(api(BILL, other=[BILL]))
    assert "several shops" in refused(api({**BILL, "venderId": 1}, {**BILL, "venderId": 2}))
    assert "several shops" in refused(made(detail(店铺号="1"), detail(店铺号="2")))
    assert "no row" in refused(api(BILL, 5))  # type: ignore[arg-type]


def test_records_of_the_wallet_are_evidence() -> None:
    statement, line, totals = read(api(RECORD))
    assert isinstance(statement, Statement) and not statement.books
    assert isinstance(line, Line) and line.kind is LineKind.UNKNOWN
    assert isinstance(totals, Totals) and totals.opening == Decimal("4.00")


# --- everything else ------------------------------------------------------------------


def test_the_personal_export_is_refused_with_a_sentence_that_helps() -> None:
    personal = (
        "导出信息：\n京东账号名：jd_1\n\n"
        "交易时间,商户名称,交易说明,金额,收/付款方式,交易状态,收/支,交易分类,交易订单号,商家订单号,备注\n"
    ).encode()
    assert ADAPTER.recognises(document(personal))
    assert "personal export of JD" in refused(personal)


def test_no_way_in_which_jd_calls_us_is_confirmed() -> None:
    assert not isinstance(ADAPTER, Pushes)


def test_a_request_is_signed_as_jd_publishes_it() -> None:
    (vector,) = json.loads((FIXTURES / "known_answer_vectors.json").read_text())["jd"]
    parameters = {**vector["params"], "format": "json", "sign_method": "md5", "sign": "x"}
    assert request.sign(parameters, secret=vector["secret"]) == vector["expected"]
    assert request.sign({**parameters, "v": "1.0"}, secret=vector["secret"]) != vector["expected"]


@given(
    parameters=st.dictionaries(st.text(max_size=8), st.text(max_size=12), max_size=6),
    secret=st.text(max_size=12),
)
def test_the_signature_is_what_a_second_implementation_makes(
    parameters: dict[str, str], secret: str
) -> None:
    digest = hashlib.md5(secret.encode())
    for name, value in sorted(parameters.items()):
        if name not in ("format", "sign_method", "sign"):
            digest.update(name.encode())
            digest.update(value.encode())
    digest.update(secret.encode())
    assert request.sign(parameters, secret=secret) == digest.hexdigest().upper()
