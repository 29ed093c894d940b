"""Alipay fund bills: every file adds up, in 12 and 16 columns, plain and zipped."""

from __future__ import annotations

import zipfile
from collections import Counter
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from io import BytesIO
from pathlib import Path

import pytest

from sandbox import World

from .reading_back import Row, files, truth_of

STORES = ["A01", "A02", "A03", "A04"]
COLUMNS = {"A01": 16, "A02": 12, "A03": 16, "A04": 16}
UNSIGNED = {"A02"}
CENT = Decimal("0.01")


@dataclass(frozen=True, kw_only=True)
class FundBill:
    """A fund bill: the comments before, the header as it stands, the rows, the comments after."""

    before: list[str]
    header: str
    rows: list[Row]
    after: list[str]


def read(content: bytes) -> FundBill:
    """Reads an unpacked bill; rows in the file's own order."""
    lines = content.decode("gb18030").split("\r\n")
    assert lines.pop() == ""
    start = next(i for i, line in enumerate(lines) if not line.startswith("#"))
    end = next(i for i, line in enumerate(lines) if "列表结束" in line)
    names = lines[start].replace("(", "（").replace(")", "）").split(",")
    rows = [dict(zip(names, line.split(","), strict=True)) for line in lines[start + 1 : end]]
    return FundBill(before=lines[:start], header=lines[start], rows=rows, after=lines[end:])


def unpacked(path: Path) -> bytes:
    if path.suffix != ".zip":
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        return archive.read(archive.namelist()[1])


def bills(world: World, store: str) -> list[FundBill]:
    return [
        read(unpacked(world.out / file["path"])) for file in files(world, "alipay_fund_bill", store)
    ]


def in_order(world: World, store: str) -> list[Row]:
    """All rows of a store as they were booked; the classic export is newest first."""
    return [
        row
        for bill in bills(world, store)
        for row in (bill.rows[::-1] if COLUMNS[store] == 12 else bill.rows)
    ]


def signed(row: Row) -> Decimal:
    return Decimal(row["收入金额（+元）"]) - abs(Decimal(row["支出金额（-元）"]))


def told(line: str) -> tuple[int, Decimal]:
    """`#支出合计：3笔，共-12.00元` as count and amount."""
    count, _, amount = line.partition("：")[2].partition("笔，共")
    return int(count), Decimal(amount.removesuffix("元"))


@pytest.mark.parametrize("store", STORES)
def test_each_footer_counts_and_sums_its_rows(world: World, store: str) -> None:
    for bill in bills(world, store):
        outgo = [Decimal(row["支出金额（-元）"]) for row in bill.rows if signed(row) < 0]
        income = [Decimal(row["收入金额（+元）"]) for row in bill.rows if signed(row) > 0]
        assert len(outgo) + len(income) == len(bill.rows)
        assert told(bill.after[1]) == (len(outgo), sum(outgo))
        assert told(bill.after[2]) == (len(income), sum(income))
        assert all((amount > 0) == (store in UNSIGNED) for amount in outgo)


@pytest.mark.parametrize("store", STORES)
def test_the_running_balance_leads_from_opening_to_owed(world: World, store: str) -> None:
    (truth,) = (b for b in truth_of(world.out)["balances"] if b["store"] == store)
    balance = Decimal(truth["opening"])
    for row in in_order(world, store):
        balance += signed(row)
        assert Decimal(row["账户余额（元）"]) == balance >= 0
    assert balance == Decimal(truth["owed"])


@pytest.mark.parametrize("store", STORES)
def test_the_withdrawals_are_the_payouts(world: World, store: str) -> None:
    withdrawals = {
        (row["账务流水号"].strip(), row["业务流水号"].strip(), -signed(row))
        for row in in_order(world, store)
        if row["业务类型"] == "提现"
    }
    payouts = {
        (p["external_id"], p["flow_no"], Decimal(p["amount"]))
        for p in truth_of(world.out)["payouts"]
        if p["store"] == store
    }
    assert withdrawals == payouts
    assert withdrawals


@pytest.mark.parametrize("store", STORES)
def test_an_entry_number_names_a_row_and_a_trade_number_a_sale(world: World, store: str) -> None:
    rows = in_order(world, store)
    assert len({row["账务流水号"] for row in rows}) == len(rows)
    sales = {r["业务流水号"]: r for r in rows if r["业务类型"] in ("交易付款", "在线支付")}
    of_sales = [row for row in rows if row["业务类型"] in ("收费", "交易分账")]
    assert len(of_sales) > len(sales) / 2
    for row in of_sales:
        assert row["商户订单号"] == sales[row["业务流水号"]]["商户订单号"]


def test_tmall_takes_five_per_cent_and_taobao_nothing(world: World) -> None:
    tmall = {s["code"] for s in truth_of(world.out)["stores"] if "天猫" in s["name"]}
    for store in STORES:
        rows = in_order(world, store)
        sold = {
            r["业务流水号"]: signed(r) for r in rows if r["业务类型"] in ("交易付款", "在线支付")
        }
        fees = [r for r in rows if "天猫佣金" in r["备注"]]
        assert len(fees) == (len(sold) if store in tmall else 0)
        for fee in fees:
            five = sold[fee["业务流水号"]] * Decimal("0.05")
            assert -signed(fee) == five.quantize(CENT, ROUND_HALF_UP)


def test_every_word_of_the_reference_that_is_simulated_occurs(world: World) -> None:
    rows = [row for store in STORES for row in in_order(world, store)]
    assert {row["业务类型"] for row in rows} == {
        "交易付款", "在线支付", "交易退款", "收费", "交易分账", "转账", "提现",
    }  # fmt: skip
    for words in ("天猫佣金", "淘宝客佣金代扣款[", "淘宝客佣金退款[", "花呗支付服务费[",
                  "卖家版运费险保费收取", "商家保证金冻结", "商家保证金解冻"):  # fmt: skip
        assert any(words in row["备注"] for row in rows), words


def test_a_deposit_goes_out_and_comes_back_whole(world: World) -> None:
    moved = [(r["备注"], signed(r)) for r in in_order(world, "A01") if r["业务类型"] == "转账"]
    assert [remark for remark, _ in moved] == ["商家保证金冻结", "商家保证金解冻"]
    assert sum(amount for _, amount in moved) == 0


@pytest.mark.parametrize("store", STORES)
def test_columns_brackets_and_tabs_are_those_of_the_dialect(world: World, store: str) -> None:
    for bill in bills(world, store):
        assert len(bill.header.split(",")) == COLUMNS[store]
        assert ("(+元)" in bill.header) == (store == "A04")
        tabbed = ("账务流水号", "业务流水号", "商户订单号", "商品名称", "对方账号")
        for row in bill.rows:
            assert [name for name, value in row.items() if value.endswith("\t")] == list(tabbed)


@pytest.mark.parametrize("store", STORES)
def test_the_preamble_names_account_and_period(world: World, store: str) -> None:
    (account,) = (s["external_id"] for s in truth_of(world.out)["stores"] if s["code"] == store)
    found = list(zip(files(world, "alipay_fund_bill", store), bills(world, store), strict=True))
    assert len(found) == 2
    for file, bill in found:
        assert bill.before[:2] == ["#支付宝账务明细查询", f"#账号：[{account}]"]
        year, month, day = file["from"].split("-")
        assert f"起始日期：[{year}年{month}月{day}日 00:00:00]" in bill.before[2]
        days = {row["发生时间"][:10] for row in bill.rows}
        assert file["from"] <= min(days) <= max(days) <= file["to"]
    assert "终止日期：[2026年11月01日 00:00:00]" in found[0][1].before[2]


def test_a_zip_holds_the_summary_first_and_both_names_are_gbk(world: World) -> None:
    for file in files(world, "alipay_fund_bill", "A03"):
        content = (world.out / file["path"]).read_bytes()
        with zipfile.ZipFile(BytesIO(content), metadata_encoding="gbk") as archive:
            summary, detail = archive.namelist()
            assert archive.testzip() is None
            assert summary == detail.replace(".csv", "(汇总).csv")
            assert summary.encode("gbk") in content
            lines = archive.read(summary).decode("gb18030").splitlines()
            rows = read(archive.read(detail)).rows
        header = lines.index("类型,收入笔数,收入金额（+元）,支出笔数,支出金额（-元）,总金额（元）")
        table = [line.split(",") for line in lines[header + 1 :] if not line.startswith("#")]
        kinds = Counter(row["业务类型"] for row in rows)
        assert {kind: int(i) + int(o) for kind, i, _, o, _, _ in table[:-1]} == kinds
        assert Decimal(table[-1][-1]) == sum(map(signed, rows))


def test_only_one_store_is_zipped(world: World) -> None:
    zipped = {f["store"] for f in files(world, "alipay_fund_bill") if f["path"].endswith(".zip")}
    assert zipped == {"A03"}
