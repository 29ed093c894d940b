"""The history of withdrawals: filtered, and taken along as a spreadsheet."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.money import Shop, a_shop, with_money
from tests.web.pages import read
from tests.web.withdrawing import a_withdrawal, accepted, browser_of
from web.dashboard.views.withdrawals import harmless

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A merchant with 9,000.00 available."""
    return with_money(a_shop(), tmp_path)


def test_the_list_is_filtered_by_state_and_month(shop: Shop) -> None:
    client = browser_of(shop)
    waiting, gone = a_withdrawal(shop, "11"), accepted(a_withdrawal(shop, "22"))
    month = timezone.localdate().strftime("%Y-%m")
    for query, expected in (
        ("state=reserved", {waiting.id}),
        (f"month={month}", {waiting.id, gone.id}),
        ("month=2001-01", set()),
        ("month=9999-12&state=x", {waiting.id, gone.id}),
    ):
        links = read(client.get(f"{reverse('withdrawals')}?{query}").content.decode()).links
        found = {id for id in (waiting.id, gone.id) if reverse("withdrawal", args=[id]) in links}
        assert found == expected, query


def exported(client: Client, query: str = "") -> list[list[str]]:
    response = client.get(reverse("withdrawals_csv") + query)
    body = b"".join(response).decode()  # type: ignore[arg-type]
    assert body.startswith("\N{BYTE ORDER MARK}")
    return list(csv.reader(io.StringIO(body[1:])))


def test_the_list_goes_into_a_spreadsheet_without_becoming_formulas(shop: Shop) -> None:
    a_withdrawal(shop, "1234.5", text="=1+1")
    gone = accepted(a_withdrawal(shop, "22"))
    heads, newest, oldest = exported(browser_of(shop))
    assert (newest[0], oldest[4], oldest[5]) == (gone.number, "1234.50", "5.00")
    assert oldest[heads.index("Text")] == "'=1+1"
    assert [row[0] for row in exported(browser_of(shop), "?state=accepted")[1:]] == [gone.number]
    assert exported(browser_of(shop, language="zh-hans"))[0][0] == "编号"
    assert len(exported(browser_of(a_shop("another")))) == 1


@pytest.mark.parametrize("cell", ["=1", "+1", "-1", "@x", "\t=1", "\r=1"])
def test_no_cell_begins_like_a_formula(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"
    assert harmless(cell[::-1][:1] + "x") == cell[::-1][:1] + "x"
