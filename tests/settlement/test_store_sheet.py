"""A list of stores is read as people save it; what cannot be read is refused with what to do."""

from __future__ import annotations

import io
import resource
import zipfile
from datetime import date

import pytest
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from settlement.money_in import platform_names
from settlement.money_in.store_sheet import MOST_ROWS, Column, SheetError, read_rows, read_sheet
from settlement.money_in.store_template import template
from tests.settlement.sheets import CHINESE, ENGLISH, SHEET, a_csv, an_xlsx, filled, with_part

ROWS = [["微信支付", "云溪家居旗舰店", "00123456789", ""], ["Shopify", "Yunxi, Ltd", "", "main"]]


def said(data: bytes) -> list[tuple[int, str, str, str, str]]:
    rows = read_rows(data, name="stores")
    return [(row.row, row.platform, row.name, row.number, row.account) for row in rows]


AS_TYPED = [(2, *ROWS[0]), (3, *ROWS[1])]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("heading", [CHINESE, ENGLISH])
def test_a_csv_is_read_however_excel_saved_it(
    encoding: str, delimiter: str, heading: tuple[str, ...]
) -> None:
    assert said(a_csv(ROWS, heading=heading, encoding=encoding, delimiter=delimiter)) == AS_TYPED


def test_a_workbook_says_the_same_as_a_csv() -> None:
    assert said(an_xlsx(ROWS)) == AS_TYPED
    assert said(an_xlsx(ROWS, heading=CHINESE)) == AS_TYPED


def test_columns_stand_in_any_order_and_others_are_named() -> None:
    heading = (" 店铺名称（必填） ", "备注", "ＰＬＡＴＦＯＲＭ*")
    sheet = read_sheet(a_csv([["a shop", "note", "shopify"]], heading=heading), name="f")
    assert [(row.platform, row.name, row.number) for row in sheet.rows] == [
        ("shopify", "a shop", "")
    ]
    assert sheet.unused == ["备注"]


def test_rows_are_numbered_as_the_spreadsheet_shows_them() -> None:
    spread = [
        ["", "", "", ""],
        ROWS[0],
        ["", " ", "", ""],
        ["Shopify", "two\nlines", "", ""],
        ROWS[1],
    ]
    for data in (a_csv(spread), an_xlsx(spread)):
        assert [row for row, *_rest in said(data)] == [3, 5, 6]


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_our_own_template_filled_in_is_read_back(language: str) -> None:
    with translation.override(language):
        empty = template(choices=platform_names.choices(), accounts=["main"])
        with pytest.raises(SheetError):  # its example is not a store
            read_rows(empty, name="template")
        typed = [["Shopify", "a & b", "0042", "main"], ["微信支付", "c"]]
        assert said(filled(empty, typed)) == [
            (2, "Shopify", "a & b", "0042", "main"),
            (3, "微信支付", "c", "", ""),
        ]


def test_every_platform_the_template_offers_is_understood() -> None:
    for choice in platform_names.choices():
        for written in (choice.code, choice.name, *choice.also.split(", ")):
            found = platform_names.understood(f" {written.upper()} ")
            assert found is not None and found.code == choice.code and found.readable


def test_a_taobao_shop_is_an_alipay_account() -> None:
    for name in ("淘宝", "天 猫", "taobao"):
        found = platform_names.understood(name)
        assert found is not None and (found.code, found.paid_through) == ("alipay", True)
    assert platform_names.understood("集市") is None


@pytest.mark.parametrize(
    ("value", "sound"),
    [
        (123456789012345, True),  # 15 digits are kept
        (1234567890123456, False),  # the sixteenth was rounded
        (12.5, False),
        (date(2026, 11, 20), False),
        (True, False),
        ("00123", True),
    ],
)
def test_what_excel_has_made_of_a_number_is_marked(value: object, sound: bool) -> None:
    (row,) = read_rows(an_xlsx([["Shopify", "a shop", value]]), name="f")
    assert (row.damaged == frozenset()) is sound
    assert row.damaged <= {Column.NUMBER}
    if sound:
        assert row.number == str(value)


def test_a_number_rounded_by_a_csv_is_marked_and_a_guarded_one_is_not() -> None:
    rows = [["Shopify", "a", "7.00124E+11"], ["Shopify", "b", '="00123"'], ["Shopify", "E+12", ""]]
    rounded, guarded, name = read_rows(a_csv(rows), name="f")
    assert rounded.damaged == {Column.NUMBER}
    assert (guarded.number, guarded.damaged) == ("00123", frozenset())
    assert name.damaged == frozenset()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"\r\n ,, \r\n", "is empty"),
        (a_csv([]), "names no store"),
        (a_csv(ROWS, heading=("Platform", "Nom")), "none headed “Store name”"),
        (a_csv(ROWS, heading=("Platform", "Store name", "店铺", "x")), "Two columns are headed"),
        (a_csv([["Shopify", f"s{n}"] for n in range(MOST_ROWS + 1)]), "more than 2000 rows"),
        (b'Platform,Store name\r\nShopify,"open\r\n', "Row 2 of f cannot be read"),
        (b"\xd0\xcf\x11\xe0" + b"0" * 600, "old format"),
        (b"%PDF-1.7\n\0\xff\xff", "neither .xlsx nor .csv"),
        (b"PK\x03\x04 not a zip", "cannot be read as a workbook"),
        (b"x" * (2 * 1024 * 1024 + 1), "too large"),
    ],
)
def test_a_file_that_is_no_list_of_stores_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(SheetError, match=words):
        read_rows(data, name="f")


def test_as_many_rows_as_are_allowed_are_read() -> None:
    many = [["Shopify", f"s{n}"] for n in range(MOST_ROWS)]
    assert len(read_rows(an_xlsx(many), name="f")) == MOST_ROWS


def _sheet_of(cells: str, before: str = "") -> bytes:
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    part = f'{before}<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>'
    return with_part(an_xlsx(ROWS), SHEET, part.encode())


@pytest.mark.parametrize(
    "bomb",
    [
        _sheet_of(
            '<row r="1"><c r="A1"><v>1</v></c></row><row><c r="XFD1048576"><v>1</v></c></row>'
        ),
        _sheet_of('<row r="1048575"><c><v>1</v></c></row><row><c><v>1</v></c></row>'),
        _sheet_of("<row>" + "<c><v>1</v></c>" * 101 + "</row>"),
        _sheet_of("<row/>" * 400_001),
        _sheet_of("<row/>", before='<!DOCTYPE w [<!ENTITY a "aaaa">]>'),
        with_part(an_xlsx(ROWS), "xl/sharedStrings.xml", b"<sst>" + b" " * 9_000_000 + b"</sst>"),
    ],
    ids=["far", "far without address", "wide", "many", "entities", "unpacked"],
)
def test_a_small_file_that_grows_is_refused_before_it_has(bomb: bytes) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(bomb)) as given, zipfile.ZipFile(packed, "w", 8) as small:
        for name in given.namelist():
            small.writestr(name, given.read(name))
    assert len(packed.getvalue()) < 100_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(SheetError, match="cannot be read as a workbook"):
        read_rows(packed.getvalue(), name="f")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KB


def test_formatted_cells_far_below_are_no_values() -> None:
    styled = '<row r="1048576"><c r="A1048576"/></row>'
    cells = "".join(
        f'<row r="{row}"><c r="A{row}" t="inlineStr"><is><t>{a}</t></is></c>'
        f'<c r="B{row}" t="inlineStr"><is><t>{b}</t></is></c></row>'
        for row, (a, b) in enumerate([ENGLISH[:2], ("Shopify", "a shop")], start=1)
    )
    assert [row.name for row in read_rows(_sheet_of(cells + styled), name="f")] == ["a shop"]


TEMPLATE = an_xlsx(ROWS)


def test_a_workbook_with_one_wrong_byte_is_refused_or_read() -> None:
    refused = 0
    for place in range(0, len(TEMPLATE), 5):
        broken = TEMPLATE[:place] + b"\0" + TEMPLATE[place + 1 :]
        try:
            read_rows(broken, name="f")
        except SheetError:
            refused += 1
    assert refused > len(TEMPLATE) / 20


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_broken_file_is_refused_or_read_but_never_breaks_us(data: st.DataObject) -> None:
    original = data.draw(st.sampled_from([TEMPLATE, a_csv(ROWS), a_csv(ROWS, encoding="gb18030")]))
    broken = bytearray(original)
    for _ in range(data.draw(st.integers(1, 6))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    try:
        read_rows(bytes(broken[: data.draw(st.integers(1, len(broken)))]), name="f")
    except SheetError as error:
        assert str(error)
