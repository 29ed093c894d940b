"""The strict readers: what they accept exactly, and the hostile text they refuse."""

from __future__ import annotations

import io
import re
import time
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platforms import reading
from platforms.contract import ReadError
from platforms.reading import amount

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")


# --- amounts ---


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", "0"),
        ("-1598.70", "-1598.70"),
        ("+5", "5"),
        ("0.00000001", "0.00000001"),
        ("9999999999999999.99999999", "9999999999999999.99999999"),
    ],
)
def test_an_amount_is_read_exactly(text: str, value: str) -> None:
    assert f"{amount(text):f}" == value


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "-",
            ".",
            "1.",
            ".5",
            "1..2",
            "12..34",
            "--1",
            "1-",
            "+-1",
            "(5.00)",
            "$5",
            "5 €",
        ),
        *("1,000", "1,234.56", "1_000", "1 000", "1\u00a0000", " 1", "1 ", "1\n", "\ufeff1"),
        *("1e5", "1E400000", "1e1000000", "0x10", "NaN", "sNaN", "nan", "Infinity", "-inf"),
        *("１２３", "１２３.４５", "٣", "३", "−5", "5％"),  # full-width, Arabic, Devanagari, U+2212
        *("1.123456789", "12345678901234567", "1" * 41, "0" * 41, "1." + "0" * 39),
    ],
)
def test_hostile_text_is_no_amount(text: str) -> None:
    with pytest.raises(ReadError, match="not an amount"):
        amount(text)


def test_a_negative_nothing_is_nothing() -> None:
    assert str(amount("-0.00")) == "0.00"


@pytest.mark.parametrize(
    ("text", "value"),
    [("1.234,56", "1234.56"), ("1234,56", "1234.56"), ("-1.234.567", "-1234567"), ("0,5", "0.5")],
)
def test_declared_marks_are_understood(text: str, value: str) -> None:
    assert str(amount(text, thousands=".", decimal=",")) == value


@pytest.mark.parametrize("text", ["1.23,4", "1.2345", "12.34.567", ".123", "1,234.56", "1.234,"])
def test_incomplete_groups_are_refused(text: str) -> None:
    with pytest.raises(ReadError):
        amount(text, thousands=".", decimal=",")


@given(st.text(max_size=60))
def test_only_plain_ascii_amounts_are_ever_accepted(text: str) -> None:
    try:
        value = amount(text)
    except ReadError:
        return
    assert re.fullmatch(r"[+-]?[0-9]{1,16}(\.[0-9]{1,8})?", text)
    assert value == Decimal(text) and value.is_finite()


@given(st.from_regex(r"[+-]?\d{1,16}(\.\d{1,8})?", fullmatch=True))
def test_digits_of_other_scripts_are_refused(text: str) -> None:
    if text.isascii():
        assert amount(text) == Decimal(text)
    else:
        with pytest.raises(ReadError):
            amount(text)


@given(st.decimals(min_value=-(10**15), max_value=10**15, places=8))
def test_every_exact_decimal_survives(value: Decimal) -> None:
    assert amount(f"{value:f}") == value


@given(st.integers(0, 10**15 - 1), st.integers(0, 99))
def test_grouped_and_plain_are_the_same_amount(whole: int, cents: int) -> None:
    grouped = f"{whole:,}.{cents:02}"
    assert amount(grouped, thousands=",") == amount(f"{whole}.{cents:02}")


def test_a_bomb_costs_no_time() -> None:
    begin = time.perf_counter()
    for bomb in ("1e1000000", "9" * 10_000_000, "1" * 39 + "e9"):
        with pytest.raises(ReadError):
            amount(bomb)
    assert time.perf_counter() - begin < 1


def test_the_error_names_the_row_and_shows_a_short_text() -> None:
    with pytest.raises(ReadError) as caught:
        amount("x" * 1000, row=7)
    assert caught.value.row == 7
    assert len(caught.value.reason) < 80


def test_amounts_are_parsed_once_and_the_cache_is_bounded() -> None:
    amounts = reading.Amounts()
    assert amounts["1.50"] is amounts["1.50"]
    for number in range(70_000):
        amounts[str(number)]
    assert len(amounts) <= 65_536
    with pytest.raises(ReadError):
        amounts["1e5"]
    assert "1e5" not in amounts


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("20", 20), ("20.0", 20), ("17.00", 17)])
def test_counts(text: str, value: int) -> None:
    assert reading.count(text) == value


@pytest.mark.parametrize("text", ["", "-1", "1.5", "1e3", "２０", "20.", "1" * 13, " 2"])
def test_what_is_no_count(text: str) -> None:
    with pytest.raises(ReadError):
        reading.count(text)


@pytest.mark.parametrize("text", ["", "eur", "EURO", "E1R", "ＥＵＲ", "EUR\n"])
def test_what_is_no_currency(text: str) -> None:
    assert reading.currency("EUR") == "EUR"
    with pytest.raises(ReadError):
        reading.currency(text)


# --- times ---


def test_a_local_time_is_the_wall_clock_of_its_zone() -> None:
    at = reading.local_time("2026-10-09 08:15:02", SHANGHAI)
    assert at.astimezone(UTC) == datetime(2026, 10, 9, 0, 15, 2, tzinfo=UTC)


def test_a_time_that_happens_twice_is_the_first() -> None:
    at = reading.local_time("2026-10-25 02:30:00", BERLIN)
    assert at.utcoffset() == timedelta(hours=2)


def test_a_time_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ReadError, match="no such time"):
        reading.local_time("2026-03-29 02:30:00", BERLIN)


@pytest.mark.parametrize(
    "text",
    [
        *("", "2026-10-09", "2026-10-09T08:15:02", "2026-10-09 08:15", "2026-13-01 00:00:00"),
        *("2026-02-30 00:00:00", "2026-10-09 24:00:00", "2026-10-09 08:15:60"),
        *(
            "２０26-10-09 08:15:02",
            "2014-11-10 16：33：45",
            "2026-10-09 08:15:02 ",
            "26-10-09 08:15:02",
        ),
    ],
)
def test_what_is_no_local_time(text: str) -> None:
    with pytest.raises(ReadError):
        reading.local_time(text, SHANGHAI)
    with pytest.raises(ReadError):
        reading.LocalTimes(SHANGHAI)(text)


@given(st.dates(date(1992, 1, 1), date(2100, 1, 1)), st.times())
def test_the_cached_reader_gives_the_same_instants(on: date, at: clock) -> None:
    text = f"{on} {at:%H:%M:%S}"
    times = reading.LocalTimes(SHANGHAI)
    assert times(text) == times(text) == reading.local_time(text, SHANGHAI)


def test_the_minute_cache_is_bounded_and_right_after_a_clear() -> None:
    times = reading.LocalTimes(SHANGHAI)
    begin = datetime(2026, 1, 1, tzinfo=SHANGHAI)
    for minute in range(20_005):
        at = begin + timedelta(minutes=minute, seconds=minute % 60)
        assert times(at.strftime("%Y-%m-%d %H:%M:%S")) == at


def test_an_offset_time_keeps_its_offset() -> None:
    at = reading.offset_time("2026-08-30 16:59:53 +0400")
    assert at == datetime(2026, 8, 30, 12, 59, 53, tzinfo=UTC)
    for text in ("2026-08-30 16:59:53", "2026-08-30 16:59:53 +04:00", "2026-08-32 16:59:53 +0400"):
        with pytest.raises(ReadError):
            reading.offset_time(text)


def test_days() -> None:
    assert reading.day("2026-08-30") == date(2026, 8, 30)
    for text in ("2026-8-30", "20260830", "2026-02-30", "2026-W35-1", "２０２６-08-30"):
        with pytest.raises(ReadError):
            reading.day(text)


# --- text ---


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("退款".encode(), "退款"),
        (b"\xef\xbb\xbf" + "退款".encode(), "退款"),
        ("退款".encode("gb18030"), "退款"),
        (b"\xff\xfe" + "退款".encode("utf-16-le"), "退款"),
        (b"\xfe\xff" + "退款".encode("utf-16-be"), "退款"),
    ],
)
def test_the_bom_decides_then_utf8_then_the_declared_encoding(data: bytes, text: str) -> None:
    assert reading.decode(data, encoding="gb18030") == text
    assert _lines(data + b"\n" if data[0] < 0xFE else data, "gb18030") == [text]


def test_nothing_is_guessed() -> None:
    with pytest.raises(ReadError, match="not utf-8 text") as caught:
        reading.decode("a\nb\n退款".encode("gb18030"))
    assert caught.value.row == 3
    with pytest.raises(ReadError) as caught:
        _lines(b"a\nb\n" + "退款".encode("gb18030") + b"\n", "utf-8")
    assert caught.value.row == 3


def test_a_character_cut_in_half_is_an_error() -> None:
    with pytest.raises(ReadError):
        _lines("退款".encode()[:-1], "utf-8")


def test_binary_data_is_refused() -> None:
    with pytest.raises(ReadError, match="binary") as caught:
        _lines(b"a\nb\n\0c\n", "utf-8")
    assert caught.value.row == 3


def test_only_lf_and_crlf_end_a_line() -> None:
    assert _lines("a\x0bb\u2028c\x85d\r\ne\rf\n\ng".encode(), "utf-8") == [
        "a\x0bb\u2028c\x85d",
        "e\rf",
        "",
        "g",
    ]


@given(st.lists(st.text(alphabet='a退\x85 ,"', max_size=8), max_size=30), st.integers(1, 20))
def test_blocks_of_any_size_give_the_same_lines(lines: list[str], block: int) -> None:
    data = "\r\n".join([*lines, ""]).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "BLOCK", block)
        assert _lines(data, "utf-8") == lines


def test_an_endless_line_is_refused() -> None:
    with pytest.raises(ReadError, match="too long"):
        _lines(b"x" * (2 * 1024 * 1024), "utf-8")


def _lines(data: bytes, encoding: str) -> list[str]:
    blocks = reading.line_blocks(io.BytesIO(data), encoding=encoding)
    return [line for block in blocks for line in block]


# --- rows ---


def test_csv_rows_are_numbered_as_a_spreadsheet_shows_them() -> None:
    data = b'a,b\n\n"1,2","x\ny"\n3,4\n'
    rows = list(reading.csv_rows(io.BytesIO(data)))
    assert rows == [(1, ["a", "b"]), (3, ["1,2", "x\ny"]), (4, ["3", "4"])]


@pytest.mark.parametrize("data", [b'a\n"b', b'a\n"b"c\n', b'a\n"b\nc'])
def test_bad_quoting_is_refused_with_its_row(data: bytes) -> None:
    with pytest.raises(ReadError) as caught:
        list(reading.csv_rows(io.BytesIO(data)))
    assert caught.value.row == 2


def test_a_file_must_end_with_a_line_end_where_that_is_required() -> None:
    reading.require_line_end(io.BytesIO(b"a\n"))
    for data in (b"a", b"", b"a\nb"):
        with pytest.raises(ReadError, match="cut"):
            reading.require_line_end(io.BytesIO(data))


def test_columns_are_bound_by_name() -> None:
    assert reading.columns(["b", "a"], ["a"]) == {"b": 0, "a": 1}
    with pytest.raises(ReadError, match="lacks c, d"):
        reading.columns(["a"], ["c", "a", "d"])
    with pytest.raises(ReadError, match="'a' twice"):
        reading.columns(["a", "b", "a"], ["a"])


# --- JSON ---


def test_json_fractions_are_exact() -> None:
    assert reading.json_value(b'{"a": 0.10, "b": 3}') == {"a": Decimal("0.10"), "b": 3}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{"a":1}x',
        b'{"a":1,"a":2}',
        b'{"x":{"a":1,"a":1}}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":1e5}',
        b'{"a":1e1000000}',
        b'{"a":1.5e3}',
        b'{"a":0.123456789}',
        b'{"a":' + b"9" * 5000 + b"}",
        b"[" * 65 + b"]" * 65,
        b'{"a":' * 100_000,
        '{"a":"退"}'.encode("gb18030"),
    ],
)
def test_json_that_is_refused(data: bytes) -> None:
    with pytest.raises(ReadError):
        reading.json_value(data)


def test_brackets_in_texts_are_not_nesting() -> None:
    data = b'{"a":"' + b"[" * 500 + b'\\"{{{"}'
    assert reading.json_value(data) == {"a": "[" * 500 + '"{{{'}


def test_depth_is_counted_exactly_and_siblings_are_not_depth() -> None:
    siblings = b"[],{}," * 200
    assert reading.json_value(b"[" + siblings + b"[" * 63 + b"]" * 64) is not None
    with pytest.raises(ReadError, match="nested too deeply"):
        reading.json_value(b"[" + siblings + b"[" * 64 + b"]" * 65)


def test_json_rows_are_objects_of_a_list() -> None:
    assert list(reading.json_rows({"a": [{"b": 1}]}, "a")) == [(1, {"b": 1})]
    documents: list[dict[str, object]] = [{}, {"a": {}}, {"a": [1]}]
    for document in documents:
        with pytest.raises(ReadError):
            list(reading.json_rows(document, "a"))


def test_a_json_document_is_an_object_of_a_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reading.json_document(io.BytesIO(b"{}")) == {}
    with pytest.raises(ReadError, match="not an object"):
        reading.json_document(io.BytesIO(b"[]"))
    monkeypatch.setattr(reading, "MAX_JSON", 10)
    with pytest.raises(ReadError, match="too large"):
        reading.json_document(io.BytesIO(b'{"a":"0123456789"}'))


def test_the_first_line_of_a_head() -> None:
    assert reading.first_line("\ufeffa,b\r\nc".encode()) == "a,b"
    assert reading.first_line("退款\n".encode("gbk")) == ""
    assert reading.first_line("退款\n".encode("gbk"), encoding="gb18030") == "退款"
