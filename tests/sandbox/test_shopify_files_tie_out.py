"""Shopify exports: the net of a payout's lines is the payout, in every generation."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

import pytest

from sandbox import World

from .reading_back import exported, files, shopify_rows, truth_of

STORES = {"S01": 17, "S02": 18, "S03": 19, "S04": 17}
WITH_PAYOUT_ROWS = {"S02", "S04"}


def _payouts(world: World, store: str) -> dict[str, Decimal]:
    return {
        p["external_id"]: Decimal(p["amount"])
        for p in truth_of(world.out)["payouts"]
        if p["store"] == store
    }


@pytest.mark.parametrize(("store", "columns"), STORES.items())
def test_three_generations_of_columns(world: World, store: str, columns: int) -> None:
    rows = shopify_rows(world, store)
    assert {len(row) for row in rows} == {columns}
    assert ("VAT" in rows[0]) == (columns == 18)
    assert ("Business Entity ID" in rows[0]) == (columns == 19)


@pytest.mark.parametrize("store", STORES)
def test_the_lines_of_each_payout_sum_to_it(world: World, store: str) -> None:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in shopify_rows(world, store):
        assert Decimal(row["Net"]) == Decimal(row["Amount"]) - Decimal(row["Fee"])
        if row["Payout ID"] and row["Type"] != "payout":
            sums[row["Payout ID"]] += Decimal(row["Net"])
    assert sums == _payouts(world, store)


@pytest.mark.parametrize("store", STORES)
def test_only_some_exports_hold_the_payouts_themselves(world: World, store: str) -> None:
    stated = {
        row["Payout ID"]: -Decimal(row["Net"])
        for row in shopify_rows(world, store)
        if row["Type"] == "payout"
    }
    assert stated == (_payouts(world, store) if store in WITH_PAYOUT_ROWS else {})


@pytest.mark.parametrize("store", STORES)
def test_pending_rows_come_last_without_a_payout_and_are_what_is_owed(
    world: World, store: str
) -> None:
    rows = shopify_rows(world, store)
    pending = [row for row in rows if row["Payout Status"] == "pending"]
    (balance,) = (b for b in truth_of(world.out)["balances"] if b["store"] == store)
    assert pending == rows[-len(pending) :]
    assert [row for row in rows if not row["Payout ID"]] == pending
    assert sum(Decimal(row["Net"]) for row in pending) == Decimal(balance["owed"]) > 0


def test_presentment_is_positive_and_sometimes_in_another_currency(world: World) -> None:
    rows = [row for store in STORES for row in shopify_rows(world, store)]
    assert all(Decimal(row["Presentment Amount"]) > 0 for row in rows)
    assert {row["Presentment Currency"] for row in rows} > {"USD", "EUR"}
    assert {row["Currency"] for row in rows} == {"USD"}


def test_the_summer_time_change_shows_in_the_offsets(world: World) -> None:
    offsets = {row["Transaction Date"][-5:] for row in shopify_rows(world, "S02")}
    assert offsets == {"+0200", "+0100"}


def test_a_line_is_named_by_time_kind_order_and_amount(world: World) -> None:
    names = ("Transaction Date", "Type", "Order", "Amount")
    for store in STORES:
        rows = shopify_rows(world, store)
        assert len({tuple(row[name] for name in names) for row in rows}) == len(rows)


def test_the_payouts_export_adds_up_and_agrees(world: World) -> None:
    (file,) = files(world, "shopify_payouts")
    rows = exported(world.out / file["path"])
    columns = ("Charges", "Refunds", "Adjustments", "Reserved Funds", "Fees", "Retried Amount")
    for row in rows:
        assert sum(Decimal(row[column]) for column in columns) == Decimal(row["Total"])
    totals = [Decimal(row["Total"]) for row in reversed(rows)]
    assert totals == list(_payouts(world, file["store"]).values())
