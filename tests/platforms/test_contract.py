"""The exam every adapter sits. Cases are found, so a new adapter is examined by its fixtures."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from platforms import registry
from platforms.contract import Adapter, Line, LineKind, ReadError, Record, Statement
from tests.platforms.cases import Case, documents, verdicts
from tests.platforms.golden import expected, records_of, rendered

CASES = documents()
CUTS = 20
DAMAGE = [
    b"",
    b"\n",
    b"\0",
    b"`",
    b",",
    b'"',
    b"<",
    b"&x;",
    b"-",
    b"9",
    b"\xff",
    b"\xe9",
    "退".encode(),
]

every_case = pytest.mark.parametrize("case", CASES, ids=str)
every_adapter = pytest.mark.parametrize(
    "adapter", registry.all(), ids=lambda adapter: str(adapter.code)
)


@every_adapter
def test_an_adapter_has_a_fixture(adapter: Adapter) -> None:
    assert any(case.code == adapter.code for case in CASES)


@every_case
def test_it_reads_what_the_golden_file_says(case: Case) -> None:
    assert rendered(records_of(case)) == expected(case)


@every_case
def test_reading_twice_is_equal(case: Case) -> None:
    assert records_of(case) == records_of(case)


@every_case
def test_exactly_its_own_adapter_recognises_it(case: Case) -> None:
    assert registry.recognise(case.document()).code == case.code


@every_case
def test_it_ties_out_or_is_marked_partial(case: Case) -> None:
    found = verdicts(records_of(case))
    if case.partial:
        assert False in found
    elif case.totals:
        assert found and set(found) == {True}
    else:
        assert False not in found


@every_case
def test_external_ids_are_unique_and_rows_are_of_the_file(case: Case) -> None:
    records = records_of(case)
    ids = [record.external_id for record in records if isinstance(record, Line)]
    assert len(ids) == len(set(ids))
    assert isinstance(records[0], Statement)
    last = case.data.count(b"\n") + 1
    rows = [record.row for record in records if isinstance(record, Line)]
    assert all(1 <= row <= last for row in rows)


@every_case
def test_a_cut_never_gives_a_quiet_subset(case: Case) -> None:
    data, whole = case.data, records_of(case)
    places = {len(data) * step // (CUTS + 1) for step in range(1, CUTS + 1)}
    # The last bytes are where a cut hides best: in a final amount.
    places |= set(range(max(1, len(data) - 8), len(data)))
    for place in sorted(places):
        assert _is_noticed(case, data[:place], whole), f"cut at byte {place} of {len(data)}"


def _is_noticed(case: Case, cut: bytes, whole: list[Record]) -> bool:
    adapter = registry.get(case.code)
    try:
        records = list(adapter.read(case.document(cut)))
    except ReadError:
        return True
    if records == whole or False in verdicts(records):
        return True
    # The documented exception: rows without totals, cut exactly between two.
    return not case.totals and cut.endswith(b"\n")


@every_case
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_damage_is_read_or_refused_and_nothing_else(case: Case, data: st.DataObject) -> None:
    """Whatever bytes are changed, an adapter raises ReadError or nothing."""
    damaged = bytearray(case.data)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place : place + data.draw(st.integers(0, 3))] = data.draw(st.sampled_from(DAMAGE))
    with contextlib.suppress(ReadError):
        list(registry.get(case.code).read(case.document(bytes(damaged))))
    for adapter in registry.all():
        adapter.recognises(case.document(bytes(damaged)))


@pytest.mark.parametrize(
    ("adapter", "word"),
    [(adapter, word) for adapter in registry.all() for word in adapter.kinds],
    ids=lambda value: value if isinstance(value, str) else value.code,
)
def test_every_word_is_met_and_another_word_is_unknown(adapter: Adapter, word: str) -> None:
    cases = [case for case in CASES if case.code == adapter.code]
    assert any(_turns_unknown(case, adapter, word) for case in cases)


def _turns_unknown(case: Case, adapter: Adapter, word: str) -> bool:
    """Whether lines that mean `word` here become UNKNOWN under another word."""
    before = _kinds(list(adapter.read(case.document())))
    try:
        after = _kinds(list(adapter.read(case.document(_reworded(case.data, word)))))
    except ReadError:
        return False
    changed = [
        (before[row], after[row]) for row in before if row in after and before[row] != after[row]
    ]
    return bool(changed) and all(
        was is adapter.kinds[word] and now is LineKind.UNKNOWN
        for (was, *_), (now, *_) in changed
        if was is not LineKind.RESERVE_RELEASED
    )


def _kinds(records: list[Record]) -> dict[int, list[LineKind]]:
    kinds: dict[int, list[LineKind]] = {}
    for record in records:
        if isinstance(record, Line):
            kinds.setdefault(record.row, []).append(record.kind)
    return kinds


def _reworded(data: bytes, word: str) -> bytes:
    """The word replaced wherever it is a whole value: a CSV or TSV field or a JSON text."""
    for before, after in ((b"`", b","), (b",", b","), (b"\t", b"\t"), (b'"', b'"')):
        data = data.replace(before + word.encode() + after, before + b"never_heard_of" + after)
    return data
