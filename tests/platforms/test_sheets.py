"""The reader of .xlsx: exact texts of numbers, dates, formulas, and the walls against bombs."""

from __future__ import annotations

import datetime
import io
import zipfile
from decimal import Decimal
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from platforms import sheets
from platforms.contract import ReadError
from platforms.reading import Workbook, amount, xlsx_rows

CELL = '<c r="{at}" {rest}</c>'
RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Type="http://x/worksheet" Target="worksheets/sheet1.xml"/>'
    "</Relationships>"
)
WORKBOOK = (
    '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>'
)


def packed(sheet: str | bytes, **parts: str) -> bytes:
    """A workbook of one sheet whose rows are given as XML."""
    if isinstance(sheet, str):
        sheet = f"<worksheet><sheetData>{sheet}</sheetData></worksheet>".encode()
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", parts.get("workbook", WORKBOOK))
        archive.writestr("xl/_rels/workbook.xml.rels", parts.get("relations", RELATIONS))
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
        if "strings" in parts:
            archive.writestr("xl/sharedStrings.xml", parts["strings"])
    return made.getvalue()


def rows(data: bytes) -> list[tuple[int, list[str]]]:
    return list(xlsx_rows(io.BytesIO(data)))


def refused(data: bytes) -> str:
    with pytest.raises(ReadError) as caught:
        rows(data)
    return str(caught.value)


def cell(inner: str, rest: str = "") -> bytes:
    return packed(f'<row r="1"><c r="A1" {rest}>{inner}</c></row>')


def written(*values: Any) -> bytes:
    """A workbook as a well-known writer saves it."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made) as book:
        book.set_properties({"created": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)})
        book.add_worksheet().write_row(0, 0, values)
    return made.getvalue()


def test_texts_numbers_dates_and_ids_come_as_a_person_sees_them() -> None:
    made = io.BytesIO()
    with xlsxwriter.Workbook(made) as book:
        sheet = book.add_worksheet("结算表")
        time = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        day = book.add_format({"num_format": '"on" yyyy/m/d'})
        sheet.write_row(0, 0, ["订单", "金额"])
        sheet.write_number(2, 2, 36.8)
        sheet.write_datetime(3, 0, datetime.datetime(2026, 5, 1, 8, 30, 1), time)  # noqa: DTZ001
        sheet.write_datetime(3, 1, datetime.datetime(2026, 5, 1), day)  # noqa: DTZ001
        sheet.write_formula(4, 0, '="0012"', None, "0012")
        sheet.write_rich_string(5, 0, "a", time, "b")
        sheet.write_boolean(5, 3, True)
    assert rows(made.getvalue()) == [
        (1, ["订单", "金额"]),
        (3, ["", "", "36.8"]),
        (4, ["2026-05-01 08:30:01", "2026-05-01"]),
        (5, ["0012"]),
        (6, ["ab", "", "", "TRUE"]),
    ]


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("36.80", "36.80"),
        ("36.799999999999997", "36.8"),
        ("0.30000000000000004", "0.3"),
        ("1234.5600000000001", "1234.56"),
        ("-23.899999999999999", "-23.9"),
        ("32.01000000000001", "32.01"),
        ("1E-2", "0.01"),
        ("1.5E+3", "1500"),
        ("999999999999999", "999999999999999"),
    ],
)
def test_a_number_is_the_decimal_that_was_meant(stored: str, shown: str) -> None:
    assert rows(cell(f"<v>{stored}</v>")) == [(1, [shown])]


@pytest.mark.parametrize("stored", ["4.7783451763202202E+18", "3553498017448001", "1e99"])
def test_what_a_spreadsheet_has_rounded_is_refused(stored: str) -> None:
    assert "more than 15 digits" in refused(cell(f"<v>{stored}</v>"))


@pytest.mark.parametrize("stored", ["0.1000000001234567", "0.09999999999999432", "1E-9"])
def test_what_is_no_sum_of_cents_is_no_amount(stored: str) -> None:
    """100.1 − 100 in binary: its error is too large to be mistaken for a rounding."""
    ((_, (text,)),) = rows(cell(f"<v>{stored}</v>"))
    with pytest.raises(ReadError, match="not an amount"):
        amount(text)


@settings(max_examples=300, deadline=None)
@given(cents=st.integers(-(10**14) + 1, 10**14 - 1))
def test_every_amount_survives_a_binary_spreadsheet(cents: int) -> None:
    value = Decimal(cents) / 100
    assert amount(sheets.number(f"{float(value):.17g}")) == value
    assert amount(sheets.number(repr(float(value)))) == value


@pytest.mark.parametrize(
    "stored", ["NaN", "INF", "1_0", "１", "--1", "1e", "0x10", "1,5", "1e999", ""]
)
def test_what_is_no_number_is_refused(stored: str) -> None:
    if stored:
        assert "not a number" in refused(cell(f"<v>{stored}</v>"))
    else:
        assert rows(cell("<v></v>")) == []


def test_computed_numbers_errors_and_unsaved_formulas_are_refused() -> None:
    assert "computed number" in refused(cell("<f>A2*2</f><v>5</v>"))
    assert "without its value" in refused(cell("<f>A2</f>"))
    assert "a cell in error" in refused(cell("<v>#REF!</v>", 't="e"'))


def test_texts_beyond_the_table_are_refused() -> None:
    strings = "<sst><si><t>a</t><phoneticPr/></si><si><r><t>b</t></r><rPh><t>x</t></rPh></si></sst>"
    sheet = '<row r="1"><c t="s"><v>{}</v></c><c t="s"><v>1</v></c></row>'
    assert rows(packed(sheet.format(0), strings=strings)) == [(1, ["a", "b"])]
    for place in ("2", "-1", "x", "99999999"):
        assert "does not hold" in refused(packed(sheet.format(place), strings=strings))


def test_a_changed_byte_is_noticed_even_in_a_text_that_no_cell_shows() -> None:
    many = "".join(f"<si><t>{number}</t></si>" for number in range(20_000))
    strings = f"<sst><si><t>shown</t></si>{many}<si><t>never shown</t></si></sst>"
    sheet = '<row r="1"><c t="s"><v>0</v></c><c><v>36.8</v></c></row>'
    stored = io.BytesIO(packed(sheet, strings=strings))
    again = io.BytesIO()
    with zipfile.ZipFile(stored) as given, zipfile.ZipFile(again, "w") as taken:
        for name in given.namelist():
            taken.writestr(name, given.read(name))
    assert rows(again.getvalue()) == [(1, ["shown", "36.8"])]
    for before, after in ((b"never shown", b"never shOwn"), (b"36.8", b"63.8")):
        assert "damaged" in refused(again.getvalue().replace(before, after))


def test_rows_and_cells_out_of_order_are_refused() -> None:
    assert "not in order" in refused(packed('<row r="2"/><row r="2"/>'))
    assert "not in order" in refused(packed('<row r="1048577"/>'))
    assert "out of its row" in refused(packed('<row r="1"><c r="A2"><v>1</v></c></row>'))
    twice = '<row r="1"><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>'
    assert "not in order" in refused(packed(twice))
    assert "too many" in refused(packed('<row r="1"><c r="XFD1"><v>1</v></c></row>'))


def test_a_sheet_is_asked_for_by_name_where_there_are_several() -> None:
    made = io.BytesIO()
    with xlsxwriter.Workbook(made) as book:
        for name in ("结算表", "资金表"):
            book.add_worksheet(name).write(0, 0, name)
    assert Workbook(made).names == ("结算表", "资金表")
    assert list(xlsx_rows(made, sheet="资金表")) == [(1, ["资金表"])]
    assert "2 sheets: 结算表, 资金表" in refused(made.getvalue())
    with pytest.raises(ReadError, match="no sheet '别的'"):
        list(xlsx_rows(made, sheet="别的"))


def test_entities_and_other_encodings_never_reach_the_parser() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet><sheetData/></worksheet>'
    assert "no plain XML" in refused(packed(bomb))
    assert "not in UTF-8" in refused(packed(b'<?xml version="1.0" encoding="utf-7"?><worksheet/>'))
    assert "no plain XML" in refused(packed("<worksheet/>".encode("utf-16")))
    assert "damaged" in refused(packed(b"<worksheet><sheetData>"))
    assert "damaged" in refused(packed(cell_of_entity()))


def cell_of_entity() -> bytes:
    return (
        b'<worksheet><sheetData><row r="1"><c t="str"><v>&a;</v></c></row></sheetData></worksheet>'
    )


def test_bombs_are_refused_before_they_fill_the_memory() -> None:
    assert "far more than its size" in refused(packed(" " * 5_000_000))
    assert "too many" in refused(packed("<row>" + "<c/>" * 5_000 + "</row>"))
    # Larger than a row may be, and not so alike that it gives itself away by its size.
    noise = "".join(f"<v>{number * number}</v>" for number in range(500_000))
    for bomb in (f'<row r="1"><c>{noise}</c></row>', f"<row/>{noise}<row/>"):
        assert "too large" in refused(packed(bomb))


def test_texts_are_held_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    strings = "<sst><si><t>abc</t></si><si><t>def</t></si></sst>"
    data = packed('<row r="1"><c t="s"><v>1</v></c></row>', strings=strings)
    for limit, most in (("MAX_TEXT", 6), ("MAX_STRINGS", 2)):
        monkeypatch.setattr(sheets, limit, most)
        assert rows(data) == [(1, ["def"])]
        monkeypatch.setattr(sheets, limit, most - 1)
        assert "too much text" in refused(data)
        monkeypatch.undo()


@pytest.mark.parametrize("serial", ["60", "-1", "2958465", "1E9"])
def test_a_number_that_can_be_no_day_is_refused(serial: str) -> None:
    with pytest.raises(ReadError, match="not a day"):
        sheets.date_text(serial, "day")


def test_the_first_and_the_last_day_and_the_last_second_are_read() -> None:
    assert sheets.date_text("61", "day") == "1900-03-01"
    assert sheets.date_text("2958464", "day") == "9999-12-30"
    assert sheets.date_text("46143.99998842592", "time") == "2026-05-01 23:59:59"


@pytest.mark.parametrize("form", ['"yd"0.00', "[$y-d]0.00", "0.00_y_d", r"\y\d0"])
def test_letters_in_a_format_that_are_not_its_code_make_no_date(form: str) -> None:
    made = io.BytesIO()
    with xlsxwriter.Workbook(made) as book:
        book.add_worksheet().write_number(0, 0, 100.5, book.add_format({"num_format": form}))
    assert rows(made.getvalue()) == [(1, ["100.5"])]


def test_what_is_no_workbook_says_so() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("a.csv", "a")
    assert "no workbook" in refused(made.getvalue())
    assert "from 1904" in refused(
        packed("", workbook=WORKBOOK.replace("<sheets>", '<workbookPr date1904="1"/><sheets>'))
    )


# Made once: a workbook holds the second it was made in, and examples must be alike.
SOUND = written("订单", 36.8, "x")


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damage_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    damaged = bytearray(SOUND)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place : place + 1] = data.draw(st.binary(max_size=3))
    try:
        rows(bytes(damaged))
    except ReadError:
        return
