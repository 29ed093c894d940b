"""WeChat Pay bills: every file adds up, the files of a store follow one another."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

import pytest

from sandbox import World

from .reading_back import bill, files, fund_rows, signed, truth_of

STORES = [f"W{number:02d}" for number in range(1, 9)]
CENT = Decimal("0.01")


def _balance(row: dict[str, str]) -> Decimal:
    return Decimal(row["账户结余(元)"])


def test_each_summary_counts_its_rows(world: World) -> None:
    for file in files(world, "wechat_fund_flow"):
        read = bill(world.out / file["path"])
        income = [signed(row) for row in read.rows if row["收支类型"] == "收入"]
        outgo = [-signed(row) for row in read.rows if row["收支类型"] == "支出"]
        assert Decimal(read.summary["资金流水总笔数"]) == len(read.rows) == file["rows"]
        assert Decimal(read.summary["收入笔数"]) == len(income)
        assert Decimal(read.summary["支出笔数"]) == len(outgo)
        assert Decimal(read.summary["收入金额"]) == sum(income)
        assert Decimal(read.summary["支出金额"]) == sum(outgo)


@pytest.mark.parametrize("store", STORES)
def test_the_running_balance_leads_from_opening_to_owed(world: World, store: str) -> None:
    (truth,) = (b for b in truth_of(world.out)["balances"] if b["store"] == store)
    balance = Decimal(truth["opening"])
    for row in fund_rows(world, store):
        balance += signed(row)
        assert _balance(row) == balance >= 0
    assert balance == Decimal(truth["owed"])


@pytest.mark.parametrize("store", STORES)
def test_the_withdrawals_are_the_payouts(world: World, store: str) -> None:
    withdrawals = {
        (row["微信支付业务单号"], row["资金流水单号"], -signed(row))
        for row in fund_rows(world, store)
        if row["业务类型"] == "提现"
    }
    payouts = {
        (p["external_id"], p["flow_no"], Decimal(p["amount"]))
        for p in truth_of(world.out)["payouts"]
        if p["store"] == store
    }
    assert withdrawals == payouts


@pytest.mark.parametrize("store", STORES)
def test_every_sale_is_followed_by_its_fee_rounded_half_up(world: World, store: str) -> None:
    rows = fund_rows(world, store)
    sales = [(a, b) for a, b in pairwise(rows) if a["业务类型"] == "交易"]
    assert len(sales) > 50
    for sale, fee in sales:
        rate = Decimal("0.006")
        assert fee["业务类型"] == "扣除交易手续费"
        assert fee["微信支付业务单号"] == sale["微信支付业务单号"]
        assert -signed(fee) == (signed(sale) * rate).quantize(CENT, ROUND_HALF_UP)


def test_a_refund_takes_the_refunded_total_less_the_fee(world: World) -> None:
    refunds = [
        row for store in STORES for row in fund_rows(world, store) if row["业务类型"] == "退款"
    ]
    assert len(refunds) > 20
    for row in refunds:
        total, _, fee = row["备注"].removeprefix("退款总金额").partition("元;含手续费")
        assert -signed(row) == Decimal(total) - Decimal(fee.removesuffix("元"))


@pytest.mark.parametrize("store", STORES)
def test_business_and_flow_number_together_name_a_row(world: World, store: str) -> None:
    rows = fund_rows(world, store)
    assert len({(row["微信支付业务单号"], row["资金流水单号"]) for row in rows}) == len(rows)
    assert {len(row["资金流水单号"]) for row in rows} == {28}


def test_in_one_store_a_refund_carries_the_flow_number_of_its_sale(world: World) -> None:
    rows = fund_rows(world, "W03")
    sold = {row["资金流水单号"] for row in rows if row["业务类型"] == "交易"}
    refunded = {row["资金流水单号"] for row in rows if row["业务类型"] == "退款"}
    assert refunded
    assert refunded <= sold


def test_one_file_repeats_a_week_of_daily_files(world: World) -> None:
    (overlap,) = (f for f in files(world, "wechat_fund_flow") if f["overlaps"])
    repeated = bill(world.out / overlap["path"]).rows
    known = fund_rows(world, overlap["store"])
    assert len(repeated) > 200
    start = known.index(repeated[0])
    assert known[start : start + len(repeated)] == repeated
    assert {r["记账时间"][:10] for r in repeated} >= {overlap["from"], overlap["to"]}


def test_old_and_new_headers_both_occur(world: World) -> None:
    heads = {
        (world.out / file["path"]).read_text().splitlines()[0]
        for file in files(world, "wechat_fund_flow")
    }
    assert sorted("(元)" in head for head in heads) == [False, True]


def test_the_trade_bill_sums_up_and_agrees_with_the_fund_flow(world: World) -> None:
    bills = files(world, "wechat_trade_bill")
    assert len(bills) == 7
    sold = {r["微信支付业务单号"]: signed(r) for r in fund_rows(world, "W01")}
    for file in bills:
        read = bill(world.out / file["path"])
        orders = [row for row in read.rows if row["交易状态"] == "SUCCESS"]
        fees = sum(Decimal(row["手续费"]) for row in read.rows)
        refunds = sum(Decimal(row["退款金额"]) for row in read.rows)
        total = sum(Decimal(row["订单金额"]) for row in orders)
        assert int(read.summary["总交易单数"]) == len(read.rows)
        assert Decimal(read.summary["手续费总金额"]) == fees
        assert Decimal(read.summary["退款总金额"]) == refunds
        assert Decimal(read.summary["订单总金额"]) == total
        assert all(row["微信订单号"] in sold for row in orders)
        assert {len(row["手续费"].partition(".")[2]) for row in read.rows} == {5}
