"""Every figure at every instant, folded or not, against a plain sum over all that was posted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.balances import Axis, balance, balances
from ledger.book import Draft, Side, credit, debit, post_many
from ledger.errors import InvalidDraftError, InvalidPeriodError, UnknownAccountError
from ledger.statements import Position, StatementRow, account_statement, statement
from ledger.totals import Totals, period_totals, period_trial_balance, trial_balance
from tests.ledger.build import (
    CASH,
    NOW,
    OWED,
    SPECS,
    TODAY,
    WALLET,
    a_book,
    a_draft,
    broken,
    fold,
    in_book,
)

pytestmark = pytest.mark.usefixtures("database")

CODES = (CASH, OWED, WALLET)
NORMAL = {spec.code: spec.normal_side for spec in SPECS}
TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MIDNIGHT = datetime(2026, 4, 1, tzinfo=UTC)
# Few instants, on two days and in three partitions: what is alike is what can be mixed up.
INSTANTS = [
    MIDNIGHT - 12 * HOUR,
    MIDNIGHT - TICK,
    MIDNIGHT,
    MIDNIGHT + TICK,
    MIDNIGHT + 12 * HOUR,
    MIDNIGHT + 39 * DAY,
]
DAYS = [date(2026, 3, 31) + n * DAY for n in range(3)]


@dataclass(frozen=True, slots=True)
class Fact:
    """A posting as it was ordered."""

    code: str
    side: Side
    amount: int
    known_at: datetime
    event_at: datetime
    booked_on: date
    place: tuple[UUID, int]

    @property
    def net(self) -> int:
        """Positive on the account's normal side."""
        return self.amount if self.side is NORMAL[self.code] else -self.amount


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    """Out of the wallet goes nothing: what the floor refuses is another test's subject."""
    taken, given_ = draw(st.permutations([CASH, OWED]))
    given_ = draw(st.sampled_from([given_, WALLET]))
    amount = draw(st.integers(1, 10**13))
    return a_draft(
        debit(taken, amount, "CNY"),
        debit(taken, 1, "CNY"),
        credit(given_, amount + 1, "CNY"),
        event_at=draw(st.sampled_from(INSTANTS)),
        booked_on=draw(st.sampled_from(DAYS)),
    )


steps = st.lists(
    st.tuples(
        st.lists(drafts(), min_size=1, max_size=3),
        st.sampled_from(INSTANTS),
        st.sampled_from([None, 0, 1, 2]),
    ),
    min_size=1,
    max_size=6,
)


def written(book: UUID, batches: list[tuple[list[Draft], datetime, int | None]]) -> list[Fact]:
    """Post the batches, folding some arrivals after each, and return what was posted."""
    facts = []
    for batch, known_at, folded in batches:
        with in_book(book):
            ids = post_many(book=book, drafts=batch, now=known_at)
        facts += [
            Fact(m.account, m.side, m.amount, known_at, d.event_at, d.booked_on, (id, line))
            for id, d in zip(ids, batch, strict=True)
            for line, m in enumerate(d.movements, start=1)
        ]
        fold(book, folded)
    return facts


def summed(facts: list[Fact], counts: Callable[[Fact], bool]) -> dict[str, tuple[int, int]]:
    """Debits and credits by code of the facts that count."""
    return {
        code: (
            sum(f.amount for f in facts if f.code == code and f.side == "D" and counts(f)),
            sum(f.amount for f in facts if f.code == code and f.side == "C" and counts(f)),
        )
        for code in NORMAL
    }


def read(book: UUID, as_of: datetime | None, by: Axis) -> dict[str, tuple[int, int]]:
    found = balances(book=book, as_of=as_of, by=by)
    return {code: (x.debits, x.credits) for code, x in found.items()}


many = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@many
@given(steps)
def test_any_instant_by_either_time_is_the_sum_of_what_counts(
    batches: list[tuple[list[Draft], datetime, int | None]],
) -> None:
    book = a_book()
    facts = written(book, batches)
    with in_book(book):
        assert read(book, None, Axis.KNOWN) == summed(facts, lambda f: True)
        for instant in INSTANTS:
            known = summed(facts, lambda f: f.known_at <= instant)  # noqa: B023
            assert read(book, instant, Axis.KNOWN) == known, instant
            happened = summed(facts, lambda f: f.event_at <= instant)  # noqa: B023
            assert read(book, instant, Axis.EVENT) == happened, instant
    assert broken("ops", book) == {}


@many
@given(steps, st.sampled_from(DAYS), st.sampled_from(DAYS))
def test_any_days_are_the_sum_of_what_is_booked_on_them(
    batches: list[tuple[list[Draft], datetime, int | None]], one: date, other: date
) -> None:
    start, end = sorted([one, other])
    book = a_book()
    facts = written(book, batches)
    opening = summed(facts, lambda f: f.booked_on < start)
    moved = summed(facts, lambda f: start <= f.booked_on <= end)
    with in_book(book):
        found = period_totals(book=book, start=start, end=end)
        assert {code: (x.debits, x.credits) for code, x in found.items()} == moved
        for code, (debits, credits) in opening.items():
            way = 1 if NORMAL[code] is Side.DEBIT else -1
            assert found[code].opening == way * (debits - credits)
            turnover = moved[code][0] - moved[code][1]
            assert found[code].closing == found[code].opening + way * turnover
        through = summed(facts, lambda f: f.booked_on <= end)
        level = sum(debits for debits, _ in through.values())
        assert trial_balance(book=book, through=end) == (
            {"CNY": Totals(level, level)} if level else {}
        )
        sheet = period_trial_balance(book=book, start=start, end=end)
        assert [row for row in found.values() if row.opening or row.debits or row.credits] == list(
            sheet.rows
        )
        for pair in sheet.totals.values():
            assert pair.opening.debits == pair.opening.credits
            assert pair.turnover.debits == pair.turnover.credits
            assert pair.closing.debits == pair.closing.credits


@many
@given(steps, st.sampled_from(DAYS), st.sampled_from(DAYS), st.integers(1, 4))
def test_statements_explain_every_balance_page_by_page(
    batches: list[tuple[list[Draft], datetime, int | None]], one: date, other: date, limit: int
) -> None:
    start, end = sorted([one, other])
    book = a_book()
    facts = written(book, batches)
    with in_book(book):
        for code in CODES:
            booked = account_statement(book=book, code=code, start=start, end=end)
            mine = [f for f in facts if f.code == code]
            mine.sort(key=lambda f: (f.booked_on, f.known_at, f.place))
            explained, left = [], sum(f.net for f in mine if f.booked_on < start)
            assert booked.opening == left
            for f in mine:
                if start <= f.booked_on <= end:
                    left += f.net
                    explained.append((f.booked_on, f.event_at, f.side, f.amount, left))
            assert booked.closing == left
            assert [as_told(row) for row in booked.rows] == explained
            assert booked.rows == tuple(pages_of_days(book, code, start, end, limit))

            mine.sort(key=lambda f: (f.known_at, f.place))
            explained, left = [], 0
            for f in mine:
                left += f.net
                explained.append((f.booked_on, f.event_at, f.side, f.amount, left))
            newest = statement(book=book, code=code, limit=1000)
            assert [as_told(row) for row in newest] == explained[::-1]
            assert newest == newest_pages(book, code, limit)


def as_told(row: StatementRow) -> tuple[date, datetime, Side, int, int]:
    return row.booked_on, row.event_at, row.side, row.amount, row.balance


def pages_of_days(book: UUID, code: str, start: date, end: date, limit: int) -> list[StatementRow]:
    rows: list[StatementRow] = []
    after: Position | None = None
    whole = account_statement(book=book, code=code, start=start, end=end)
    while True:
        page = account_statement(
            book=book, code=code, start=start, end=end, limit=limit, after=after
        )
        assert (page.opening, page.closing) == (whole.opening, whole.closing)
        if not page.rows:
            return rows
        assert after != page.rows[-1].position, "a page that leads nowhere"
        rows += page.rows
        after = page.rows[-1].position


def newest_pages(book: UUID, code: str, limit: int) -> list[StatementRow]:
    rows: list[StatementRow] = []
    before: Position | None = None
    while page := statement(book=book, code=code, limit=limit, before=before):
        assert before != page[-1].position, "a page that leads nowhere"
        rows += page
        before = page[-1].position
    return rows


def test_a_fact_learnt_late_counts_when_it_happened() -> None:
    book = a_book()
    late = a_draft(event_at=NOW - 30 * DAY, booked_on=TODAY - 30 * DAY)
    with in_book(book):
        post_many(book=book, drafts=[late], now=NOW + 40 * DAY)
    for _ in range(2):
        with in_book(book):
            assert balance(book=book, code=CASH, as_of=NOW) == 0
            assert balance(book=book, code=CASH, as_of=NOW, by=Axis.EVENT) == 100
            assert balance(book=book, code=CASH, as_of=late.event_at, by=Axis.EVENT) == 100
            before = late.event_at - TICK
            assert balance(book=book, code=CASH, as_of=before, by=Axis.EVENT) == 0
        fold(book)


@pytest.mark.parametrize("folded", range(4))
def test_one_day_half_folded_counts_once(folded: int) -> None:
    """Three facts of one day, learnt and booked on one day, of which some are folded."""
    book = a_book()
    for n in range(3):
        with in_book(book):
            fact = a_draft(event_at=NOW + n * TICK)
            post_many(book=book, drafts=[fact], now=NOW + n * TICK)
        fold(book, 1 if n < folded else 0)
    with in_book(book):
        for by in Axis:
            for n in range(3):
                as_of = NOW + n * TICK
                assert balance(book=book, code=CASH, as_of=as_of, by=by) == 100 * (n + 1)
        told = account_statement(book=book, code=CASH, start=TODAY, end=TODAY)
        assert [row.balance for row in told.rows] == [100, 200, 300]
        assert period_totals(book=book, start=TODAY, end=TODAY)[CASH].debits == 300


def test_the_end_of_time_is_now() -> None:
    book = a_book()
    with in_book(book):
        post_many(book=book, drafts=[a_draft()], now=NOW)
        for by in Axis:
            ever = datetime.max.replace(tzinfo=UTC)
            assert balance(book=book, code=CASH, as_of=ever, by=by) == 100


def test_a_question_without_a_meaning_is_refused() -> None:
    book = a_book()
    with in_book(book):
        with pytest.raises(InvalidDraftError, match="naive"):
            balances(book=book, as_of=NOW.replace(tzinfo=None))
        with pytest.raises(InvalidPeriodError):
            period_totals(book=book, start=TODAY, end=TODAY - DAY)
        with pytest.raises(InvalidPeriodError):
            account_statement(book=book, code=CASH, start=TODAY, end=TODAY - DAY)
        with pytest.raises(InvalidDraftError, match="not a day"):
            trial_balance(book=book, through=NOW)
        with pytest.raises(UnknownAccountError, match="nowhere"):
            account_statement(book=book, code="nowhere", start=TODAY, end=TODAY)
