"""The walk over runs of pages: whatever hangs on what, any cursor leads to just what follows."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platforms.adapters._asking import END_OF_ALL, Page, Run, pieces, walk
from platforms.contract import Document, UnavailableError
from tests.platforms.page_pulls import instant


@dataclass(frozen=True)
class Tree:
    """A run of pages: the rows of each, and the runs that hang on it."""

    pages: Sequence[tuple[int, Sequence[Tree]]]


@dataclass
class Asked:
    """Which pages were asked for, by their names."""

    names: list[str] = field(default_factory=list)

    def runs(self, trees: Sequence[Tree], prefix: str) -> list[Run]:
        return [self.run(tree, f"{prefix}{number}") for number, tree in enumerate(trees)]

    def run(self, tree: Tree, name: str) -> Run:
        def ask(place: str) -> Page:
            number = int(place or "0")
            rows, parts = tree.pages[number]
            self.names.append(f"{name}-{number + 1}")
            after = str(number + 1) if number + 1 < len(tree.pages) else ""
            below = self.runs(parts, f"{name}.{number}.")
            return Page(body=self.names[-1].encode(), rows=rows, after=after, parts=below)

        return Run(key=name, name=name, ask=ask, context={"of": name})


LEAVES = st.builds(
    Tree, st.lists(st.tuples(st.integers(0, 2), st.just(())), min_size=1, max_size=3)
)
TREES = st.builds(
    Tree,
    st.lists(st.tuples(st.integers(0, 2), st.lists(LEAVES, max_size=2)), min_size=1, max_size=3),
)


def shown(documents: Sequence[Document]) -> list[tuple[str, bytes, str]]:
    return [(found.name, found.open().read(), found.cursor) for found in documents]


@given(st.lists(TREES, max_size=3))
def test_from_any_cursor_come_just_the_documents_that_follow_it(trees: list[Tree]) -> None:
    whole = list(walk(Asked().runs(trees, ""), ""))
    assert len({found.cursor for found in whole}) == len(whole)
    for number, found in enumerate(whole, start=1):
        assert shown(list(walk(Asked().runs(trees, ""), found.cursor))) == shown(whole[number:])


@given(st.lists(TREES, max_size=3))
def test_a_page_that_was_kept_is_not_asked_for_again(trees: list[Tree]) -> None:
    whole = list(walk(Asked().runs(trees, ""), ""))
    for number, found in enumerate(whole, start=1):
        asked = Asked()
        list(walk(asked.runs(trees, ""), found.cursor))
        kept = {one.name.removesuffix(".json") for one in whole[:number]}
        assert not kept & set(asked.names)


@given(
    st.lists(TREES, max_size=3), st.text() | st.sampled_from(["[]", '["0","1"]', '["0","²",""]'])
)
def test_a_cursor_of_something_else_loses_nothing(trees: list[Tree], cursor: str) -> None:
    whole = shown(list(walk(Asked().runs(trees, ""), "")))
    assert shown(list(walk(Asked().runs(trees, ""), cursor))) == whole


def test_behind_the_last_document_nothing_is_asked() -> None:
    asked = Asked()
    assert list(walk(asked.runs([Tree([(1, ())])], ""), END_OF_ALL)) == []
    assert asked.names == []


def test_a_document_is_its_page_and_opens_twice() -> None:
    (found,) = walk(Asked().runs([Tree([(1, ())])], "x"), "")
    assert found.head == found.open().read() == found.open().read() == b"x0-1"
    assert isinstance(found.open(), io.BytesIO)
    assert (found.name, found.origin, found.context) == ("x0-1.json", "pull", {"of": "x0"})
    assert found.cursor == END_OF_ALL


def test_a_head_is_the_first_64_kib() -> None:
    body = b"x" * 100_000
    run = Run(key="a", name="a", ask=lambda _: Page(body=body, rows=1))
    (found,) = walk([run], "")
    assert found.head == body[:65536] and found.open().read() == body


def test_pages_that_go_in_a_circle_are_no_answer() -> None:
    run = Run(key="a", name="a", ask=lambda _: Page(body=b"", rows=0, after="again"))
    with pytest.raises(UnavailableError, match="a: the platform answers with the same page again"):
        list(walk([run], ""))


def test_pieces_meet_and_are_not_too_long() -> None:
    begin, end = instant("2026-03-01T00:00"), instant("2026-03-08T00:00")
    three = instant("2026-03-04T00:00") - begin
    assert pieces(begin, end, three) == [
        (begin, instant("2026-03-04T00:00")),
        (instant("2026-03-04T00:00"), instant("2026-03-07T00:00")),
        (instant("2026-03-07T00:00"), end),
    ]
    assert pieces(begin, begin, three) == []
