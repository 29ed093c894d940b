"""Pinduoduo store bills: rows without an id, of which identical ones are all real."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from sandbox import World

from .reading_back import files, truth_of

STORES = ["P01", "P02", "P03", "P04"]
HEADER = "商户订单号,发生时间,收入金额（+元）,支出金额（-元）,账务类型,备注,业务描述"
Cells = tuple[str, ...]


def lines_of(path: Path) -> list[str]:
    lines = path.read_bytes().decode("gb18030").split("\n")
    assert lines.pop() == ""
    return lines


def rows_of(path: Path) -> list[Cells]:
    return [tuple(line.split(",")) for line in lines_of(path)[5:] if not line.startswith("#")]


def own_rows(world: World, store: str) -> list[Cells]:
    """All rows of a store, without the overlapping files."""
    found = [file for file in files(world, "pdd_bill", store) if not file["overlaps"]]
    return [row for file in found for row in rows_of(world.out / file["path"])]


def signed(row: Cells) -> Decimal:
    return Decimal(row[2]) + Decimal(row[3])


def test_the_header_is_on_line_five_after_a_blank_one(world: World) -> None:
    for file in files(world, "pdd_bill"):
        lines = lines_of(world.out / file["path"])
        assert lines[:2] == ["拼多多店铺账务明细查询", ""]
        assert lines[2] == f"起始时间：{file['from']} 00:00:00  终止时间：{file['to']} 23:59:59"
        assert lines[3].strip("-") == "交易记录明细列表"
        assert lines[4] == HEADER


def test_the_counts_of_both_sides_are_all_rows(world: World) -> None:
    for file in files(world, "pdd_bill"):
        path = world.out / file["path"]
        rows = rows_of(path)
        outgo, income, exported = lines_of(path)[-3:]
        paid = [signed(row) for row in rows if signed(row) < 0]
        assert outgo == f"#支出合计：{len(paid)}笔{sum(paid)}元"
        got = sum(signed(row) for row in rows if signed(row) > 0)
        assert income == f"#收入合计：{len(rows) - len(paid)}笔{got}元"
        assert exported.startswith("#导出时间：")
        assert file["rows"] == len(rows)


def test_one_side_of_a_row_is_nothing_and_outgo_is_negative(world: World) -> None:
    rows = [row for store in STORES for row in own_rows(world, store)]
    assert all("0" in row[2:4] for row in rows)
    assert all(not row[2].startswith("-") for row in rows)
    assert all(row[3] == "0" or row[3].startswith("-") for row in rows)
    assert [row for row in rows if signed(row) == 0]


@pytest.mark.parametrize("store", STORES)
def test_the_rows_sum_to_what_is_owed_only_if_identical_ones_all_count(
    world: World, store: str
) -> None:
    (truth,) = (b for b in truth_of(world.out)["balances"] if b["store"] == store)
    rows = own_rows(world, store)
    assert sum(map(signed, rows)) == Decimal(truth["owed"])
    assert sum(map(signed, set(rows))) != Decimal(truth["owed"])
    assert truth["opening"] == "0.00"


@pytest.mark.parametrize("store", STORES)
def test_the_balance_never_falls_below_nothing(world: World, store: str) -> None:
    balance = Decimal(0)
    for row in own_rows(world, store):
        balance += signed(row)
        assert balance >= 0


def test_overlapping_exports_hold_the_same_rows_as_often(world: World) -> None:
    """The largest count of a row in any one file is how often it happened."""
    found = files(world, "pdd_bill", "P01")
    counts = [Counter(rows_of(world.out / file["path"])) for file in found]
    most: Counter[Cells] = Counter()
    for count in counts:
        most |= count
    assert most == Counter(own_rows(world, "P01"))
    first, second = (count for file, count in zip(found, counts, strict=True) if file["overlaps"])
    shared = first & second
    assert max(shared.values()) == 2
    assert len(shared) < min(len(first), len(second))


def test_a_span_crosses_the_end_of_a_month(world: World) -> None:
    overlapping = [file for file in files(world, "pdd_bill", "P01") if file["overlaps"]]
    assert any(file["from"][:7] < file["to"][:7] for file in overlapping)


@pytest.mark.parametrize("store", STORES)
def test_the_withdrawals_are_the_payouts(world: World, store: str) -> None:
    withdrawals = {
        (row[1], -signed(row))
        for row in own_rows(world, store)
        if row[6] == "0080001|提现-提现申请"
    }
    payouts = {
        (p["announced_at"].replace("T", " ").removesuffix("+08:00"), Decimal(p["amount"]))
        for p in truth_of(world.out)["payouts"]
        if p["store"] == store
    }
    assert withdrawals == payouts
    assert withdrawals


def test_every_code_occurs_and_a_service_fee_goes_both_ways(world: World) -> None:
    rows = [row for store in STORES for row in own_rows(world, store)]
    sides: dict[str, set[int]] = {}
    for row in rows:
        sides.setdefault(row[6], set()).add((signed(row) > 0) - (signed(row) < 0))
        assert row[6].partition("|")[2].startswith(f"{row[4]}-")
        assert (row[0] == "") == (row[4] in ("转账", "提现"))
    assert sides == {
        "0010002|交易收入-订单收入": {1},
        "0010005|交易收入-优惠券结算": {0, 1},
        "0020002|交易退款-订单退款": {-1},
        "0030001|技术服务费-技术服务费": {-1, 1},
        "0060001|营销费用-多多进宝": {-1},
        "0070004|转账-广告账户": {-1},
        "0080001|提现-提现申请": {-1},
    }
