"""What pulls share: spans without gaps, cursors that are understood, errors without secrets."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platforms.adapters._fetch import Feed, Piece, Refusals, Span, secret, spans, walk
from platforms.adapters._fetch import without_secrets as hidden
from platforms.contract import Link, RateLimitedError, UnauthorisedError, UnavailableError
from platforms.pulling import RefusedCallError, Window
from tests.platforms.pulls import DAY, answered, content, window

CHINA = ZoneInfo("Asia/Shanghai")


@given(hours=st.integers(0, 200), longest=st.integers(1, 100))
def test_spans_cover_a_window_without_gap_or_overlap(hours: int, longest: int) -> None:
    asked = Window(begin=DAY, end=DAY + timedelta(hours=hours))
    found = spans(asked, timedelta(hours=longest))
    bounds = [asked.begin, *(span.end for span in found)]
    assert [span.begin for span in found] == bounds[:-1]
    assert bounds[-1] == asked.end
    assert all(span.begin < span.end <= span.begin + timedelta(hours=longest) for span in found)


def pieces(span: Span, place: str) -> Iterator[Piece]:
    """Three pieces in each span, each at the place of its number."""
    for number in range(int(place or "0"), 3):
        body = f"{span.begin:%d}/{number}".encode()
        yield Piece(body=body, after=None if number == 2 else f"{number + 1}")


def feeds() -> list[Feed]:
    return [
        Feed(name="one", longest=timedelta(days=1), pieces=pieces),
        Feed(name="two", longest=timedelta(days=9), pieces=pieces),
    ]


def walked(asked: Window) -> list[tuple[str, bytes, str]]:
    found = walk(feeds(), asked, prefix="shop", zone=CHINA)
    return [(document.name, content(document), document.cursor) for document in found]


def test_feeds_are_asked_span_by_span_and_named_by_the_days_of_the_zone() -> None:
    found = walked(window(days=2))
    assert [(name, body) for name, body, _ in found[2:5]] == [
        ("shop-one-2026-03-14-3.json", b"13/2"),
        ("shop-one-2026-03-15-1.json", b"14/0"),
        ("shop-one-2026-03-15-2.json", b"14/1"),
    ]
    assert [cursor for _, _, cursor in found[1:4]] == ["0:3:2", "1:1:", "1:2:1"]
    assert len(found) == 9
    assert walked(window(found[-1][2], days=2)) == []


@given(days=st.integers(1, 4), kept=st.integers(0, 14))
def test_every_cut_leaves_exactly_the_rest(days: int, kept: int) -> None:
    whole = walked(window(days=days))
    at = kept % len(whole)
    assert walked(window(whole[at][2], days=days)) == whole[at + 1 :]


@pytest.mark.parametrize(
    "cursor", ["x", "1", "1:1", "a:1:", "1:b:", "-1:1:", "1:\u0661:", "4:1:", "9999999999:1:"]
)
def test_a_cursor_that_is_not_understood_is_refused(cursor: str) -> None:
    with pytest.raises(RefusedCallError, match="cursor"):
        walked(window(cursor, days=2))


def test_a_document_gives_its_bytes_again_and_again() -> None:
    body = bytes(100_000)

    def large(span: Span, place: str) -> Iterator[Piece]:
        yield Piece(body=body, after=None)

    feed = Feed(name="large", longest=timedelta(days=1), pieces=large)
    [document] = walk([feed], window(), prefix="shop", zone=ZoneInfo("UTC"))
    assert (document.head, document.origin) == (body[:65536], "pull")
    assert content(document) == content(document) == body
    assert DAY.tzinfo is UTC and "2026-03-13" in document.name


# --- answers --------------------------------------------------------------------------


def test_no_line_of_any_secret_stays_in_what_is_said() -> None:
    link = Link(secrets={"secret": "long-secret\nlong", "token": "abc", "empty": ""})
    assert hidden("a long-secret, longer, abc", link) == "a …, …er, abc"
    assert hidden("x" * 500, link) == "x" * 200


def test_the_first_code_that_is_known_decides() -> None:
    refusals = Refusals(
        platform="Shop",
        unauthorised=frozenset({"1"}),
        unavailable=frozenset({"2"}),
        slower={"3": 30},
    )
    link = Link()
    assert isinstance(refusals.error(link, "w", "1", "2"), UnauthorisedError)
    assert isinstance(refusals.error(link, "w", "", "2"), UnavailableError)
    slower = refusals.error(link, "w", "9", "3")
    assert isinstance(slower, RateLimitedError) and slower.retry_after == 30
    unknown = refusals.error(link, "no", "9", "")
    assert isinstance(unknown, RefusedCallError) and str(unknown) == "Shop: 9 no"


def test_only_a_json_object_is_an_answer() -> None:
    refusals = Refusals(platform="Shop")
    assert refusals.answer(answered({"a": 1})) == {"a": 1}
    for body in (b"", b"no", [1], "text", None):
        with pytest.raises(UnavailableError, match="Shop"):
            refusals.answer(answered(body))
    for status in (302, 400, 404):
        with pytest.raises(RefusedCallError, match=str(status)):
            refusals.answer(answered({}, status=status))


def test_the_first_line_of_a_secret_counts() -> None:
    assert secret(Link(secrets={"token": " \n new \nold"}), "token") == "new"
    for secrets in ({}, {"token": ""}, {"token": " \n"}):
        with pytest.raises(UnauthorisedError, match="no token"):
            secret(Link(secrets=secrets), "token")
