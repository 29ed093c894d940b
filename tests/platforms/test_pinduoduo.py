"""Pinduoduo's bills: rows without an id, signs as they are written, and their proof."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from decimal import Decimal

import pytest

from platforms.adapters.pinduoduo import ADAPTER
from platforms.adapters.pinduoduo.gateway import sign
from platforms.contract import Line, LineKind, Payout, ReadError, Record, Statement
from tests.platforms.cases import FIXTURES, document, documents, verdicts

HEADER = "商户订单号,发生时间,收入金额（+元）,支出金额（-元）,账务类型,备注,业务描述"
MARKETING = "商户订单号,入账时间,账务类型,收入金额（+元）,支出金额（-元）,备注,业务描述"
SALE = "0010002|交易收入-订单收入"
FEE = "0030002|技术服务费-基础技术服务费"
WITHDRAWAL = "0080001|提现-提现申请"


def row(income: str, outgo: str, what: str = SALE, **changes: str) -> str:
    values = {
        "order": "260620-662941284701219",
        "time": "2026-06-30 23:30:43",
        "income": income,
        "outgo": outgo,
        "type": "交易收入",
        "remark": "-",
        "what": what,
        **changes,
    }
    return ",".join(values.values())


def bill(*rows: str, outgo: str = "0笔0.00元", income: str = "1笔5.00元") -> bytes:
    lines = [
        *(
            "拼多多店铺账务明细查询",
            "",
            "起始时间：2026-06-01 00:00:00  终止时间：2026-06-30 23:59:59",
        ),
        *("----------交易记录明细列表---------", HEADER, *rows),
        *(f"#支出合计：{outgo}", f"#收入合计：{income}", "#导出时间：2026-07-01 10:09:55", ""),
    ]
    return "\r\n".join(lines).encode("gb18030")


def read(data: bytes) -> list[Record]:
    return list(ADAPTER.read(document(data)))


def refused(data: bytes) -> ReadError:
    with pytest.raises(ReadError) as caught:
        read(data)
    return caught.value


def lines(data: bytes) -> list[Line]:
    return [record for record in read(data) if isinstance(record, Line)]


def ids(data: bytes) -> set[str]:
    return {line.external_id for line in lines(data)}


def case_named(name: str) -> bytes:
    return next(c.data for c in documents() if (c.code, c.name) == ("pinduoduo", name))


# --- rows without an id -------------------------------------------------------


def test_equal_rows_are_both_kept_and_an_overlapping_export_adds_neither() -> None:
    first, second = case_named("store_bill"), case_named("store_bill_overlapping")
    shared = [line for line in lines(first) if line.event_at.date() == date(2026, 6, 30)]
    assert [count for count in Counter(_said(line) for line in shared).values() if count > 1] == [
        2,
        3,
    ]
    # The second export runs the other way round and knows a day more, one day less.
    assert ids(first) & ids(second) == {line.external_id for line in shared}
    assert len(ids(first) | ids(second)) == len(lines(first)) + 2


def _said(line: Line) -> tuple[object, ...]:
    return line.event_at, line.amount, line.order_ref, line.label


def test_three_equal_rows_after_two_are_one_more() -> None:
    two = bill(row("5", "0"), row("5", "0"), income="2笔10元")
    three = bill(*[row("5.00", "0.00")] * 3, income="3笔15.00元")
    assert len(ids(two)) == 2
    assert ids(two) < ids(three) and len(ids(three)) == 3


@pytest.mark.parametrize(
    "change",
    [
        {"order": "260620-662941284701220"},
        {"time": "2026-06-30 23:30:44"},
        {"income": "5.01"},
        {"type": "交易"},
        {"remark": "补"},
        {"what": FEE},
    ],
)
def test_whatever_a_row_says_makes_it_another(change: dict[str, str]) -> None:
    fields = {"income": "5.00", "outgo": "0", **change}
    assert not ids(bill(row("5.00", "0"))) & ids(bill(row(**fields)))


def test_the_two_ledgers_never_share_an_id() -> None:
    cells = row("5.00", "0", type="评价有礼", what="x").split(",")
    there = ",".join([*cells[:2], cells[4], *cells[2:4], *cells[5:]])
    other = bill(there).decode("gb18030").replace(HEADER, MARKETING).encode("gb18030")
    statement, line, _ = read(other)
    assert isinstance(statement, Statement) and statement.cash_account == "marketing"
    assert isinstance(line, Line) and line.amount == 5
    assert line.external_id not in ids(bill(",".join(cells)))


# --- amounts, words, payouts --------------------------------------------------


def test_signs_are_taken_as_written() -> None:
    data = bill(
        row("5.00", "0"),
        row("0", "-2.00", FEE),
        row("", "-1.00", FEE),
        outgo="2笔-3.00元",
    )
    assert [line.amount for line in lines(data)] == [Decimal(5), Decimal(-2), Decimal(-1)]
    assert verdicts(read(data)) == [True]


def test_a_fee_given_back_stays_a_commission_and_is_positive() -> None:
    (back,) = lines(bill(row("5.00", "0", FEE, remark="基础技术服务费返还")))
    assert (back.kind, back.amount) == (LineKind.COMMISSION, Decimal(5))
    assert back.label == "技术服务费-基础技术服务费/基础技术服务费返还"


@pytest.mark.parametrize(
    ("income", "outgo", "what", "changes", "kind"),
    [
        ("5.00", "0", SALE, {}, LineKind.SALE),
        ("0", "-5.00", SALE, {}, LineKind.UNKNOWN),
        ("0", "-5.00", "0020002|交易退款-订单退款", {}, LineKind.REFUND),
        ("5.00", "0", "0020002|交易退款-订单退款", {}, LineKind.UNKNOWN),
        ("0", "-5.00", "0010002|交易收款-预售定金（买家责任不退还）", {}, LineKind.UNKNOWN),
        ("5.00", "0", WITHDRAWAL, {}, LineKind.UNKNOWN),
        ("5.00", "0", "其他收入", {"remark": "网商贷-放款"}, LineKind.LOAN),
        ("0", "-5.00", "", {"type": "贷款还款"}, LineKind.LOAN),
        ("0", "-5.00", "0140028|其他支出-合作费追回", {}, LineKind.UNKNOWN),
    ],
)
def test_what_a_row_is(
    income: str, outgo: str, what: str, changes: dict[str, str], kind: LineKind
) -> None:
    (line,) = lines(bill(row(income, outgo, what, **changes)))
    assert line.kind is kind


def test_a_withdrawal_is_also_a_payout_without_a_number() -> None:
    out = row("0", "-99600.00", WITHDRAWAL, order="", type="提现", remark="提现到招商银行")
    _, line, payout, _ = read(bill(out))
    assert isinstance(line, Line) and isinstance(payout, Payout)
    assert (line.kind, line.payout_ref) == (LineKind.PAYOUT, payout.external_id)
    assert (payout.amount, payout.numbered) == (Decimal(99600), False)
    assert (payout.status.value, payout.arrives_on) == ("in_transit", None)


# --- the proof ----------------------------------------------------------------


def test_closing_lines_count_rows_of_nothing_too() -> None:
    nothing = row("0", "0", "0040002|售后费用-售后补偿消费者")
    assert verdicts(read(bill(row("5.00", "0"), nothing, outgo="1笔0.00元"))) == [True]
    assert verdicts(read(bill(row("5.00", "0"), nothing, income="2笔5.00元"))) == [True]
    assert verdicts(read(bill(row("5.00", "0"), nothing))) == [False]


@pytest.mark.parametrize(
    ("outgo", "income"),
    [("0笔0.00元", "1笔5.01元"), ("0笔-1.00元", "1笔5.00元"), ("1笔0.00元", "1笔5.00元")],
)
def test_totals_that_do_not_fit_are_yielded_not_raised(outgo: str, income: str) -> None:
    assert verdicts(read(bill(row("5.00", "0"), outgo=outgo, income=income))) == [False]


def test_rows_are_numbered_over_every_line_of_the_file() -> None:
    (line,) = lines(bill(row("5.00", "0")))
    assert line.row == 6
    blank = bill(row("5.00", "0")).decode("gb18030").replace("查询\r\n", "查询\r\n\r\n")
    (line,) = lines(blank.encode("gb18030"))
    assert line.row == 7


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row("0", "5.00", FEE), "outgo is positive"),
        (row("5.00", "-5.00"), "income 5.00 and outgo -5.00"),
        (row("-5.00", "0"), "income is negative"),
        (row("", ""), "no amount"),
        (row("5.00元", "0"), "not an amount"),
        (row("5.00", "0", time="2026/06/30 23:30"), "not a time"),
        (row("5.00", "0") + ",x", "8 values under 7 columns"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(bad: str, reason: str) -> None:
    error = refused(bill(row("5.00", "0"), bad))
    assert reason in error.reason
    assert error.row == 7


def test_a_bill_without_its_closing_lines_is_refused() -> None:
    text = bill(row("5.00", "0")).decode("gb18030")
    for name in ("收入", "支出"):
        without = [line for line in text.split("\r\n") if not line.startswith(f"#{name}合计")]
        error = refused("\r\n".join(without).encode("gb18030"))
        assert f"#{name}合计 is missing" in error.reason and error.row == 6


def test_both_bills_are_unverified() -> None:
    for case in documents():
        if case.code == "pinduoduo":
            statement = read(case.data)[0]
            assert isinstance(statement, Statement)
            assert statement.profile in ADAPTER.unverified


def test_requests_are_signed_as_published() -> None:
    (vector,) = json.loads((FIXTURES / "known_answer_vectors.json").read_text())["pinduoduo"]
    parameters = dict(reversed(vector["params"].items()))
    assert sign(parameters, secret=vector["secret"]) == vector["expected"]
    # What is sent is what is signed, but for the signature itself.
    assert sign({**parameters, "sign": "x"}, secret=vector["secret"]) == vector["expected"]
    assert sign({**parameters, "version": "V1"}, secret=vector["secret"]) != vector["expected"]
    assert sign(parameters, secret="another") != vector["expected"]
