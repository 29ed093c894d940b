"""How money, days and pictures are written. Pure: no database."""

from __future__ import annotations

import io
import re
from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from django.utils import translation
from djmoney.money import Money

from accounts.models import Store
from settlement.models import BankLine, Payout
from settlement.queries import Part, StoreRow, Waterfall
from web.dashboard import excerpt, flow, flow_sources
from web.dashboard.cascade import cascade
from web.dashboard.templatetags.tributary import bcp47, clip, count, day, filesize, money, spoken


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        ("1234.5", "CNY", "¥1,234.50 CNY"),
        ("-0.01", "USD", "−$0.01 USD"),
        ("0", "CNY", "¥0.00 CNY"),
        ("1234567", "JPY", "¥1,234,567 JPY"),
        ("1.234", "KWD", "1.234 KWD"),
        ("0.00000001", "CNY", "¥0.00000001 CNY"),
        ("123456789012345.67", "EUR", "€123,456,789,012,345.67 EUR"),
        ("1000", "XYZ", "1,000.00 XYZ"),
    ],
)
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_an_amount_is_exact_grouped_and_has_its_currency(
    amount: str, currency: str, written: str, language: str
) -> None:
    if currency == "XYZ":
        currency, written = "CHF", written.replace("XYZ", "CHF")
    with translation.override(language):
        assert spoken(Money(amount, currency)) == written
        plain = re.sub(r"<[^>]+>", "", money(Money(amount, currency)))
        assert plain == written


def test_an_amount_carries_its_machine_value_and_sign() -> None:
    assert 'value="-12.00 CNY"' in money(Money("-12", "CNY"))
    assert ">+¥5.00<" in money(Money("5", "CNY"), "signed").replace(" <", "<")
    assert "CNY<" not in money(Money("5", "CNY"), "plain")
    assert "—" in money(None)


def test_counts_sizes_and_days_are_written_for_the_reader() -> None:
    with translation.override("zh-hans"):
        assert count(1234567) == "1,234,567"
        assert ">2026-11-03<" in day(date(2026, 11, 3))
    with translation.override("en"):
        assert ">3 Nov 2026<" in day(date(2026, 11, 3))
        assert filesize(1536) == "1.5 KB"
        assert filesize(12) == "12 B"
    assert bcp47("zh-hans") == "zh-Hans"
    assert bcp47("en") == "en"
    assert clip("云溪家居旗舰店", 8) == "云溪家居…"
    assert clip("short", 8) == "short"


# --- the flow -----------------------------------------------------------------------------


def _row(
    name: str, *, arrived: int, way: int = 0, missing: int = 0, platform: str = "a"
) -> StoreRow:
    def of(amount: int) -> Money:
        return Money(amount, "CNY")

    return StoreRow(
        store=Store(platform=platform, name=name),
        owed=of(0),
        in_transit=of(way),
        arrived=of(arrived),
        missing=of(missing),
        difference=of(0),
    )


def test_the_flow_is_in_proportion_and_adds_up() -> None:
    rows = [_row("one", arrived=300, way=100), _row("two", arrived=500, missing=100, platform="b")]
    drawn = flow.picture(rows, currency="CNY", measures=flow.WIDE)
    assert drawn is not None
    heights = {node.name: node.height for node, _ribbon in drawn.stores}
    assert heights["two"] / heights["one"] == pytest.approx(600 / 400, rel=0.01)
    assert [node.name for node in drawn.outcomes] == ["arrived", "way", "lost"]
    assert sum(node.amount.amount for node in drawn.outcomes) == Decimal(1000)
    assert sum(ribbon.amount.amount for ribbon in drawn.ribbons) == Decimal(1000)
    assert drawn.platforms[0].name == "b"
    bottoms = [node.y + node.height for node in (*drawn.platforms, *drawn.outcomes)]
    assert max(bottoms) < drawn.height


def _out(ready: int, leaving: int, gone: int, fees: int = 0, returned: int = 0) -> flow.Out:
    amounts = (Money(amount, "CNY") for amount in (ready, leaving, gone, fees, returned))
    names = ("ready", "leaving", "gone", "fees", "returned")
    return flow.Out(**dict(zip(names, amounts, strict=True)))


@pytest.mark.parametrize("measures", [flow.WIDE, flow.NARROW], ids=["wide", "narrow"])
def test_what_arrived_flows_on_to_what_is_ready_leaving_and_gone(measures: flow.Measures) -> None:
    drawn = flow.picture(
        [_row("one", arrived=1000, way=200)],
        currency="CNY",
        measures=measures,
        out=_out(ready=500, leaving=100, gone=395, fees=5),
    )
    assert drawn is not None
    assert [node.name for node in drawn.exits] == ["ready", "leaving", "gone", "fees"]
    assert drawn.exits[0].height / drawn.exits[1].height == pytest.approx(5, rel=0.02)
    onward = [ribbon for ribbon in drawn.ribbons if ribbon.outcome in flow.EXITS]
    assert sum(ribbon.amount.amount for ribbon in onward) == Decimal(1000)
    assert all(node.y >= measures.top and node.right <= measures.width for node in drawn.exits)
    assert drawn.back is None
    columns = [drawn.outcomes, drawn.exits]
    for upper, lower in (pair for column in columns for pair in pairwise(column)):
        assert lower.middle - upper.middle >= 30


def test_what_came_back_is_a_line_back_even_if_nothing_else_went_out() -> None:
    drawn = flow.picture(
        [_row("one", arrived=1000)],
        currency="CNY",
        measures=flow.WIDE,
        out=_out(ready=1000, leaving=0, gone=0, returned=300),
    )
    assert drawn is not None
    assert drawn.back is not None
    assert drawn.back.amount == Money(300, "CNY")
    assert [node.name for node in drawn.exits] == ["ready", "gone"]


def test_nothing_withdrawn_or_overdrawn_draws_no_way_out() -> None:
    drawn = flow.picture(
        [_row("one", arrived=1000)],
        currency="CNY",
        measures=flow.WIDE,
        out=_out(ready=-20, leaving=0, gone=0),
    )
    assert drawn is not None
    assert drawn.exits == []
    assert [node.label for node in drawn.outcomes] == ["beside"]


def test_nothing_announced_draws_nothing_and_other_currencies_stay_out() -> None:
    assert flow.picture([_row("one", arrived=0)], currency="CNY", measures=flow.WIDE) is None
    assert flow.picture([_row("one", arrived=5)], currency="USD", measures=flow.WIDE) is None


def test_fifty_stores_stay_readable() -> None:
    rows = [_row(f"s{n}", arrived=n + 1, platform="ab"[n % 2]) for n in range(50)]
    drawn = flow.picture(rows, currency="CNY", measures=flow.WIDE)
    assert drawn is not None
    assert len(drawn.stores) == flow_sources.MOST_STORES + 2
    merged = [
        node.source.stores for node, _r in drawn.stores if node.source and not node.source.store
    ]
    assert sum(merged) == 50 - flow_sources.MOST_STORES
    tops = [node.middle for node, _ribbon in drawn.stores]
    assert all(later - earlier >= 20 for earlier, later in pairwise(tops))
    total = sum(node.amount.amount for node, _ribbon in drawn.stores)
    assert total == sum(range(1, 51))


def test_what_a_platform_collected_back_is_no_negative_ribbon() -> None:
    drawn = flow.picture([_row("one", arrived=10, way=-4)], currency="CNY", measures=flow.NARROW)
    assert drawn is not None
    assert [node.name for node in drawn.outcomes] == ["arrived"]
    assert drawn.stores == []


# --- the waterfall ------------------------------------------------------------------------


def _waterfall(*parts: tuple[str, str], payout: str) -> Waterfall:
    given = [Part(kind=k, amount=Money(a, "CNY"), count=1) for k, a in parts]
    nothing = Money(0, "CNY")
    gross = sum((p.amount for p in given if p.amount > nothing), nothing)
    fees = sum((p.amount for p in given if p.amount < nothing), nothing)
    amount = Money(payout, "CNY")
    return Waterfall(
        payout=Payout(amount=amount),
        parts=given,
        gross=gross,
        fees=fees,
        net=gross + fees,
        carried=amount - gross - fees,
        bank_lines=[BankLine(amount=amount)],
        by_reference=True,
    )


def test_the_waterfall_steps_down_to_the_bank_line() -> None:
    drawn = cascade(
        _waterfall(("sale", "100"), ("refund", "-5"), ("commission", "-20"), payout="75")
    )
    roles = [bar.step.role for bar in drawn.bars]
    assert roles == ["in", "out", "out", "net", "payout", "bank"]
    assert [bar.step.kind for bar in drawn.bars[:3]] == ["sale", "commission", "refund"]
    assert drawn.bars[0].width == 1000
    assert drawn.bars[1].x == pytest.approx(800)
    assert drawn.bars[3].width == drawn.bars[4].width == drawn.bars[5].width == 750


def test_what_was_carried_over_is_a_step_of_its_own() -> None:
    drawn = cascade(_waterfall(("sale", "100"), payout="130"))
    carried = next(bar for bar in drawn.bars if bar.step.role == "carried")
    assert carried.step.amount == Money(30, "CNY")
    assert carried.step.end == Decimal(130)


def test_a_payout_below_zero_and_one_without_lines_can_be_drawn() -> None:
    below = cascade(_waterfall(("refund", "-50"), payout="-50"))
    assert below.zero == 1000
    assert all(0 <= bar.x <= 1000 for bar in below.bars)
    alone = cascade(_waterfall(payout="10"))
    assert [bar.step.role for bar in alone.bars] == ["payout", "bank"]
    nothing = cascade(_waterfall(payout="0"))
    assert all(bar.width >= 2 for bar in nothing.bars)


# --- excerpts -----------------------------------------------------------------------------


def _rows(data: bytes, row: int, needle: str = "") -> dict[int, str]:
    found = excerpt.rows_around(io.BytesIO(data), row, needle=needle)
    assert [each.number for each in found if each.asked] in ([row], [])
    return {each.number: each.text for each in found}


def test_the_row_stands_among_its_neighbours() -> None:
    data = b"a,b,c\r\n" + b"".join(b"%d,x,y\r\n" % n for n in range(2, 100))
    assert _rows(data, 50) == {n: f"{n},x,y" for n in range(47, 54)}
    assert _rows(data, 1)[1] == "a,b,c"
    assert _rows(data, 500) == {}


def test_a_quoted_field_over_several_lines_is_one_row() -> None:
    data = b'a,b,c\n1,"two\nlines",3\n4,5,6\n'
    assert _rows(data, 2)[2] == '1,"two\nlines",3'
    assert _rows(data, 3)[3] == "4,5,6"


def test_rows_marked_by_back_ticks_are_never_quoted() -> None:
    data = b'a,b,c\n`1,`5" nail,`3\n`4,`5,`6\n'
    assert _rows(data, 3)[3] == "`4,`5,`6"


def test_a_json_row_is_an_item_of_its_list() -> None:
    data = b'{"payouts": [{"id": 1}, {"id": 2, "x": [1]},\n {"id": 3}]}'
    assert _rows(data, 2) == {1: '{"id": 1}', 2: '{"id": 2, "x": [1]}', 3: '{"id": 3}'}


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("时间,金额,a\n".encode("gb18030"), "时间,金额,a"),
        ("时间,金额,a\n".encode("utf-8-sig"), "时间,金额,a"),
        ("时间,金额,a\n".encode("utf-16"), "时间,金额,a"),
        (b'<?xml version="1.0" encoding="iso-8859-1"?><a>\xfc</a>\n', "ü"),
        (b'<?xml version="1.0" encoding="no-such"?><a/>\n', "no-such"),
        (b"\xff\x00\xfe,\x80,\n", ","),
    ],
)
def test_any_bytes_can_be_looked_at(data: bytes, text: str) -> None:
    assert text in _rows(data, 1)[1]
    assert excerpt.first_rows(io.BytesIO(data))[0]


def test_a_file_of_one_endless_line_is_shown_where_it_matters() -> None:
    data = b"<a>" + b"x" * 50_000 + b"NEEDLE" + b"y" * 50_000 + b"</a>"
    shown = _rows(data, 1, "NEEDLE")[1]
    assert "NEEDLE" in shown
    assert len(shown) <= excerpt.LONGEST


def test_a_preview_is_cells_where_the_file_has_columns() -> None:
    rows, cells = excerpt.first_rows(io.BytesIO(b"a,b,c\n`1,`2,`3\n"))
    assert (rows, cells) == ([["a", "b", "c"], ["1", "2", "3"]], True)
    rows, cells = excerpt.first_rows(io.BytesIO(b"<a>\n</a>\n"))
    assert (rows, cells) == ([["<a>"], ["</a>"]], False)
    assert excerpt.first_rows(io.BytesIO(b""))[0] == []
