"""The large fund-flow file is a valid one, only longer."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from sandbox import write_fund_flow

from .reading_back import bill, signed


@pytest.mark.parametrize("rows", [1, 2, 3, 82, 10_007, 25_000])
def test_the_file_has_so_many_rows_and_adds_up(rows: int, tmp_path: Path) -> None:
    path = tmp_path / "big.csv"
    write_fund_flow(path, rows=rows, seed=5)
    read = bill(path)
    income = [signed(row) for row in read.rows if row["收支类型"] == "收入"]
    outgo = [-signed(row) for row in read.rows if row["收支类型"] == "支出"]
    assert len(read.rows) == rows == int(read.summary["资金流水总笔数"])
    assert [int(read.summary["收入笔数"]), int(read.summary["支出笔数"])] == [
        len(income),
        len(outgo),
    ]
    assert Decimal(read.summary["收入金额"]) == sum(income)
    assert Decimal(read.summary["支出金额"]) == sum(outgo)
    balance = Decimal(0)
    for row in read.rows:
        balance += signed(row)
        assert Decimal(row["账户结余(元)"]) == balance >= 0


def test_ids_are_unique_times_ascend_and_every_kind_occurs(tmp_path: Path) -> None:
    path = tmp_path / "big.csv"
    write_fund_flow(path, rows=25_000, seed=5)
    rows = bill(path).rows
    times = [row["记账时间"] for row in rows]
    assert len({row["资金流水单号"] for row in rows}) == len(rows)
    assert times == sorted(times)
    assert {row["业务类型"] for row in rows} == {"交易", "扣除交易手续费", "退款", "提现"}
    assert times[0][:10] < times[-1][:10]


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_fund_flow(tmp_path / name, rows=5_000, seed=seed)
    a, b, c = ((tmp_path / name).read_bytes() for name in "abc")
    assert a == b != c


def test_no_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one row"):
        write_fund_flow(tmp_path / "none.csv", rows=0, seed=1)
