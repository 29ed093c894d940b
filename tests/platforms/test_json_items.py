"""The one reader of JSON objects: what is optional, what is refused, which row it names."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from platforms.adapters._json import Answer, Item, NoRows, answer_of, holds
from platforms.contract import ReadError
from tests.platforms.cases import document

CHINA = ZoneInfo("Asia/Shanghai")


def item(text: str) -> Item:
    return Item(7, answer_of(document(text.encode())).source)


@pytest.mark.parametrize("text", ["{}", '{"x": null}'])
def test_what_is_left_out_or_null_is_nothing_where_it_is_optional(text: str) -> None:
    one = item(text)
    assert (one.said("x"), one.id("x"), one.scalar("x")) == ("", "", "")
    assert (one.count("x"), one.stated_money("x"), one.child_if_any("x")) == (None, None, None)
    assert (one.money_if_any("x"), one.fen_if_any("x"), one.parts("x")) == (0, 0, [])
    assert one.seconds_if_any("x", CHINA) is None
    assert one.millis_if_any("x", CHINA) is None
    assert not one.has("x")
    assert not one.states("x")


@pytest.mark.parametrize("name", ["text", "required_id", "whole", "money", "currency", "child"])
@pytest.mark.parametrize("text", ["{}", '{"x": ""}', '{"x": true}', '{"x": []}'])
def test_what_is_required_raises_and_names_row_and_field(name: str, text: str) -> None:
    with pytest.raises(ReadError, match=r"row 7: "):
        getattr(item(text), name)("x")


def test_an_id_is_a_text_or_a_whole_number_however_it_is_written() -> None:
    assert [item(f'{{"x": {x}}}').id("x") for x in ('" 17 "', "17", "17.0")] == ["17"] * 3
    for wrong in ("1.5", "true", "[]"):
        with pytest.raises(ReadError, match="x is no id"):
            item(f'{{"x": {wrong}}}').id("x")


def test_a_text_is_no_number() -> None:
    with pytest.raises(ReadError, match="x is no text"):
        item('{"x": 5}').said("x")


def test_a_scalar_is_what_a_file_would_say() -> None:
    assert item('{"x": " a ", "y": 5.10}').scalar("x") == " a "
    assert item('{"y": 5.10}').scalar("y") == "5.10"


def test_amounts_are_exact_as_texts_and_as_numbers() -> None:
    assert item('{"x": "-12.30"}').money("x") == Decimal("-12.30")
    assert item('{"x": 0.1}').money("x") == Decimal("0.1")
    assert item('{"x": 1250}').fen_if_any("x") == Decimal("12.50")
    assert str(item('{"x": 0.00}').money_if_any("x")) == "0.00"
    for wrong in ('"1e3"', '"1,000.00"', '"１"', "true", "{}"):
        with pytest.raises(ReadError, match=r"not an amount|no amount"):
            item(f'{{"x": {wrong}}}').money("x")
    with pytest.raises(ReadError, match="not in whole fen"):
        item('{"x": 12.5}').fen_if_any("x")


def test_an_instant_is_told_by_its_format() -> None:
    noon = datetime(2026, 3, 14, 12, tzinfo=UTC)
    assert item('{"x": "2026-03-14T13:00:00+01:00"}').instant("x") == noon
    assert item('{"x": 1773489600}').seconds("x") == noon
    assert item('{"x": "1773489600"}').seconds_if_any("x", CHINA) == noon
    assert item('{"x": 1773489600000}').millis_if_any("x", CHINA) == noon
    for wrong in ("1773489600000", "true", '"soon"'):
        with pytest.raises(ReadError, match=r"no time|not in Unix seconds"):
            item(f'{{"x": {wrong}}}').seconds_if_any("x", CHINA)
    with pytest.raises(ReadError, match="no time"):
        item('{"x": 1773489600000}').seconds("x")


def test_rows_are_counted_and_parts_belong_to_their_row() -> None:
    one = item('{"x": [{"y": [{"z": 1}, {"z": 2}]}, {}]}')
    assert [row.row for row in one.items("x")] == [1, 2]
    assert [part.row for part in one.items("x")[0].parts("y")] == [1, 1]
    with pytest.raises(ReadError, match=r"x\[1\] is not an object"):
        item('{"x": [{}, 5]}').parts("x")


def test_an_answer_is_known_by_its_names_and_one_without_rows_is_refused_with_a_reason() -> None:
    found = document(json.dumps({"a": 1, "b": []}).encode())
    assert holds(found, ("a", "b"))
    assert not holds(found, ("a", "c"))
    assert not holds(document(b'["a", "b"]'), ("a", "b"))
    reader = Answer(("a", "b"), answer_of, lambda answer, _: iter(()))
    assert reader.recognises(found)
    assert list(reader.read(found)) == []
    with pytest.raises(ReadError, match="row 1: a sum, no rows"):
        NoRows(("a",), "a sum, no rows").read(found)
