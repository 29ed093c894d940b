"""Alipay's fund bill: what proves it, in which order it runs, and what is refused."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from platforms.adapters.alipay import ADAPTER, words
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

HEADER = (
    "账务流水号,业务流水号,商户订单号,商品名称,发生时间,对方账号,"
    "收入金额（+元）,支出金额（-元）,账户余额（元）,交易渠道,业务类型,备注"
)
BEGIN = "#-----------------账务明细列表-----------------"
END = "#-----------------账务明细列表结束-----------------"
PREAMBLE = ("#支付宝账务明细查询", "#账号：[20886012345678900156]")


def row(number: str, income: str, outgo: str, balance: str, **changes: str) -> str:
    values = {
        "entry": number,
        "business": "B1",
        "order": "O1",
        "goods": "茶盘",
        "time": "2026-10-09 08:15:02",
        "who": "",
        "income": income,
        "outgo": outgo,
        "balance": balance,
        "channel": "支付宝",
        "type": "在线支付" if income else "收费",
        "remark": "",
        **changes,
    }
    return ",".join(values.values())


def bill(*rows: str, totals: tuple[str, str] = ("1笔，共-2.00元", "1笔，共5.00元")) -> bytes:
    outgo, income = totals
    closing = (END, f"#支出合计：{outgo}", f"#收入合计：{income}", "#导出时间：[…]", "")
    return "\r\n".join([*PREAMBLE, BEGIN, HEADER, *rows, *closing]).encode("gb18030")


def unframed(*rows: str) -> bytes:
    lines = ["#支付宝账务明细查询", "账号:[a@example.com]", "-" * 60, HEADER, *rows, ""]
    return "\n".join(lines).encode("gbk")


OLDEST_FIRST = (row("1", "5.00", "0.00", "15.00"), row("2", "", "-2.00", "13.00"))


def read(data: bytes) -> list[Record]:
    return list(ADAPTER.read(document(data)))


def refused(data: bytes) -> ReadError:
    with pytest.raises(ReadError) as caught:
        read(data)
    return caught.value


def lines(data: bytes) -> list[Line]:
    return [record for record in read(data) if isinstance(record, Line)]


def totals_of(data: bytes) -> Totals:
    last = read(data)[-1]
    assert isinstance(last, Totals)
    return last


def balances(data: bytes) -> tuple[Decimal | None, Decimal | None]:
    totals = totals_of(data)
    return totals.opening, totals.closing


def case_named(name: str) -> bytes:
    return next(c.data for c in documents() if (c.code, c.name) == ("alipay", name))


# --- amounts and their proof --------------------------------------------------


@pytest.mark.parametrize("outgo", ["-2.00", "2.00", "-2.00\t", "2"])
def test_outgo_leaves_the_account_whatever_its_sign(outgo: str) -> None:
    data = bill(OLDEST_FIRST[0], row("2", "0.00", outgo, "13.00", type="收费"))
    assert [line.amount for line in lines(data)] == [Decimal(5), Decimal(-2)]
    assert verdicts(read(data)) == [True]


def test_balances_run_in_either_direction() -> None:
    ten, thirteen = Decimal(10), Decimal(13)
    assert balances(bill(*OLDEST_FIRST)) == (ten, thirteen)
    assert balances(bill(*reversed(OLDEST_FIRST))) == (ten, thirteen)


def test_rows_that_undo_one_another_run_by_their_time() -> None:
    early = row("1", "5.00", "", "5.00", time="2026-10-09 08:00:00")
    late = row("2", "", "-5.00", "0.00", time="2026-10-09 09:00:00")
    stated = ("1笔，共-5.00元", "1笔，共5.00元")
    assert balances(bill(early, late, totals=stated)) == (Decimal(0), Decimal(0))
    # The same two balances newest first: 5.00 before, then 0.00, then 5.00 again.
    late = row("2", "5.00", "", "5.00", time="2026-10-09 09:00:00")
    early = row("1", "", "-5.00", "0.00", time="2026-10-09 08:00:00")
    assert balances(bill(late, early, totals=stated)) == (Decimal(5), Decimal(5))


def test_rows_of_one_second_stand_in_the_order_of_the_file() -> None:
    data = case_named("zip_summary_first")
    times = {line.event_at for line in lines(data)}
    assert len(times) == 1
    assert balances(data) == (Decimal("853.08"), Decimal("1080.65"))


def test_balances_that_do_not_follow_are_left_out_where_the_totals_prove_the_rows() -> None:
    for balance in ("13.01", "", "\t"):
        data = bill(OLDEST_FIRST[0], row("2", "", "-2.00", balance))
        assert balances(data) == (None, None)
        assert verdicts(read(data)) == [True]


def test_without_totals_the_balance_is_the_only_proof() -> None:
    whole = unframed(*OLDEST_FIRST)
    assert balances(whole) == (Decimal(10), Decimal(13))
    assert verdicts(read(whole)) == [True]
    for balance in ("13.01", "17.00", ""):
        error = refused(unframed(OLDEST_FIRST[0], row("2", "", "-2.00", balance)))
        assert "balance does not follow" in error.reason
        assert error.row == 6


def test_totals_that_do_not_fit_are_yielded_not_raised() -> None:
    for stated in (
        ("1笔，共-2.01元", "1笔，共5.00元"),
        ("1笔，共-2.00元", "1笔，共4.00元"),
        ("2笔，共-2.00元", "1笔，共5.00元"),
        ("1笔，共-2.00元", "0笔，共5.00元"),
    ):
        assert verdicts(read(bill(*OLDEST_FIRST, totals=stated))) == [False]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"income": "1.00"}, "income 1.00 and outgo -2.00"),
        ({"income": "-1.00", "outgo": "0"}, "income is negative"),
        ({"outgo": ""}, "no amount"),
        ({"outgo": "２.00"}, "not an amount"),
        ({"outgo": "-2e0"}, "not an amount"),
        ({"outgo": '"-2,000.00"'}, "not an amount"),
        ({"balance": "13.00元"}, "not an amount"),
        ({"time": "2026-10-09"}, "not a time"),
        ({"entry": "\t"}, "no 账务流水号"),
        ({"goods": "茶,盘"}, "13 values under 12 columns"),
        ({"goods": '"茶"盘'}, "not a CSV row"),
        ({"goods": '"茶\n盘"'}, "not a CSV row"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(changed: dict[str, str], reason: str) -> None:
    bad = {"number": "2", "income": "", "outgo": "-2.00", "balance": "13.00"}
    fields = {**bad, **{key: value for key, value in changed.items() if key in bad}}
    rest = {key: value for key, value in changed.items() if key not in bad}
    error = refused(bill(OLDEST_FIRST[0], row(**fields, **rest)))
    assert reason in error.reason
    assert error.row == 6


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("#支出合计：1笔，共-2.00元\r\n", "", "closing line #支出合计 is missing"),
        ("#收入合计：1笔，共5.00元\r\n", "", "closing line #收入合计 is missing"),
        ("共5.00元", "共5.00", "closing line #收入合计 is missing"),
        ("共5.00元", "共5.0.0元", "not an amount"),
        ("共5.00元", "共-5.00元", "income adds up to -5.00"),
        ("#导出时间：[…]", "#收入合计：1笔，共5.00元", "stated twice"),
        ("#导出时间：[…]", OLDEST_FIRST[0], "a row after the end"),
        (f"{END}\r\n", "", ""),
        (",备注", ",业务类型", "twice"),
        ("账户余额（元）", "余额", "header lacks 账户余额(元)"),
        ("发生时间", "时间", "no header"),
    ],
)
def test_a_file_that_is_not_whole_is_refused(before: str, after: str, reason: str) -> None:
    text = bill(*OLDEST_FIRST).decode("gb18030")
    assert text.count(before) == 1
    data = text.replace(before, after).encode("gb18030")
    if reason:
        assert reason in refused(data).reason
    else:
        assert verdicts(read(data)) == [True]


def test_a_framed_file_that_ends_after_a_row_was_cut() -> None:
    text = bill(*OLDEST_FIRST).decode("gb18030")
    error = refused(text[: text.index(END)].encode("gb18030"))
    assert "was cut" in error.reason and error.row == 6


def test_copies_of_a_spreadsheet_with_empty_rows_and_trailing_commas() -> None:
    commas = "," * 11
    text = bill(OLDEST_FIRST[0], commas, OLDEST_FIRST[1]).decode("gb18030")
    data = text.replace("元\r\n", f"元{commas}\r\n").replace(END, END + commas)
    assert verdicts(read(data.encode("utf-8-sig"))) == [True]


def test_account_and_period_of_the_preamble() -> None:
    (statement, *_) = read(case_named("classic_newest_first"))
    assert isinstance(statement, Statement)
    assert statement.account == "20886012345678900156"
    assert (statement.period_from, statement.period_to) == (date(2026, 10, 9), date(2026, 10, 9))


def test_layouts_known_from_secondary_sources_are_marked() -> None:
    profiles = {}
    for case in documents():
        if case.code == "alipay":
            statement = read(case.data)[0]
            assert isinstance(statement, Statement)
            profiles[case.name] = statement.profile in ADAPTER.unverified
    assert profiles == {
        "classic_newest_first": False,
        "classic_no_rows": False,
        "classic_row_missing": False,
        "current_16_columns": True,
        "account_log_page": False,
        "account_log_page_short": False,
        "without_totals": True,
        "zip_summary_first": True,
    }


# --- words --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "description", "remark", "direction", "kind"),
    [
        ("交易付款", "", "", 1, LineKind.SALE),
        ("交易付款", "", "", -1, LineKind.UNKNOWN),
        ("交易退款", "", "", -1, LineKind.REFUND),
        ("交易退款", "", "", 1, LineKind.UNKNOWN),
        ("提现", "", "", -1, LineKind.PAYOUT),
        ("提现", "", "提现退回", 1, LineKind.UNKNOWN),
        # An advance is paid like a sale and is none.
        ("交易付款", "0010022|交易收款-提前收款", "", 1, LineKind.UNKNOWN),
        # The same code means another thing at Pinduoduo.
        ("转账", "0010002|交易收入-订单收入", "", 1, LineKind.UNKNOWN),
        ("转账", "", "代扣款（扣款用途：天猫佣金（类目）{5116}）", -1, LineKind.COMMISSION),
        ("转账", "", "天猫保证金-迁移", 1, LineKind.RESERVE_RELEASED),
        ("转账", "", "天猫保证金-解冻", -1, LineKind.UNKNOWN),
        ("转账", "", "商家保证金理赔", -1, LineKind.UNKNOWN),
        ("理财", "", "余利宝-基金申购", -1, LineKind.UNKNOWN),
    ],
)
def test_what_a_row_is(
    type_: str, description: str, remark: str, direction: int, kind: LineKind
) -> None:
    assert words.kind(type_, description, remark, direction) is kind


@pytest.mark.parametrize(
    ("base", "number", "remark", "kind", "order"),
    [
        ("5116", "T200P999", "", LineKind.SALE, "5116"),
        ("", "T200P5116032541422009305", "", LineKind.SALE, "5116032541422009305"),
        ("", "HJCOM_a==b==c==5116", "", LineKind.COMMISSION, "5116"),
        ("", "HJCAE1==2==3==5116", "", LineKind.COMMISSION, "5116"),
        ("", "CAE_POINT_5116_x", "", LineKind.COMMISSION, "5116"),
        ("", "GXFZ_7_5116", "", LineKind.SHIPPING, "5116"),
        ("", "2026", "淘宝客佣金代扣款[5116]", LineKind.ADVERTISING, "5116"),
        ("", "2026", "淘宝客佣金退款[5116]", LineKind.ADVERTISING, "5116"),
        ("", "2026", "扣款用途：天猫佣金（类目）{5116}", LineKind.COMMISSION, "5116"),
        ("", "2026", "售后支付-T200P5116-x", LineKind.REFUND, "5116"),
        ("", "2026", "A1A2A5116", LineKind.REFUND, "5116"),
        # A merchant outside Taobao numbers its orders itself; a fee's number is no order.
        ("", "WD-1", "", LineKind.REFUND, "WD-1"),
        ("", "WD-1", "", LineKind.COMMISSION, ""),
        ("", "T200P5116", "", LineKind.PAYOUT, ""),
    ],
)
def test_which_order_a_row_belongs_to(
    base: str, number: str, remark: str, kind: LineKind, order: str
) -> None:
    assert words.order_ref(base, number, remark, kind) == order


def test_a_withdrawal_is_also_a_payout_on_its_way() -> None:
    payouts = [
        record for record in read(case_named("classic_newest_first")) if isinstance(record, Payout)
    ]
    (payout,) = payouts
    assert (payout.amount, payout.status.value) == (Decimal(5000), "in_transit")
    assert payout.external_id == "90110026100900005" and payout.arrives_on is None
    assert payout.remittance == "2026100923001400010004"
