"""Thousands of random steps in PostgreSQL and in a model of plain Python, which must agree.

After every step the balances are compared; what the model refuses the ledger must refuse, by the
same name. A failure is printed as the shortest story that fails, with the line that replays it when
put before the class Story.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, run_state_machine_as_test

from ledger.balances import Axis, balances, by_subject, funds
from ledger.chain import prove_chain
from ledger.models import Hold, Side
from ledger.periods import closed_through
from ledger.seals import seal
from ledger.statements import StatementRow, account_statement, statement
from ledger.totals import period_totals, trial_balance
from tests.ledger.books import Books, step, taken
from tests.ledger.build import broken, in_book
from tests.ledger.choices import CODES, GUARDED, SUBJECTS, days, moments
from tests.ledger.model import Row

pytestmark = pytest.mark.usefixtures("database")

LEAST_STEPS, LEAST_OF_EACH = 5000, 50
STORIES, STEPS_A_STORY = 135, 50


class Story(Books):
    """What is written, and after each step or now and then how it reads."""

    @invariant()
    def now(self) -> None:
        with in_book(self.book):
            found = balances(book=self.book, codes=CODES)
            left = {code: funds(book=self.book, code=code) for code in GUARDED}
            closed = closed_through(book=self.book)
        known, held = self.model.balances(), self.model.held()
        assert {code: found[code].amount for code in CODES} == known
        assert {code: (left[code].balance, left[code].held) for code in GUARDED} == {
            code: (known[code], held[code]) for code in GUARDED
        }
        assert closed == self.model.closed

    @step(code=st.sampled_from(CODES), page=st.integers(1, 9), as_of=moments, start=days, end=days)
    def read(self, code: str, page: int, as_of: datetime, start: date, end: date) -> None:
        """All there is to read, about one account, one instant and some days."""
        start, end = sorted([start, end])
        with in_book(self.book):
            self.look_back(as_of, Axis.KNOWN)
            self.look_back(as_of, Axis.EVENT)
            self.leaf_through(code, page)
            self.read_what_is_booked(code, start, end, page)
            self.sum_up(start, end, prefix=code[:page])
            self.weigh(end)
            self.weigh(None)

    def look_back(self, as_of: datetime, axis: Axis) -> None:
        found = balances(book=self.book, codes=CODES, as_of=as_of, by=axis)
        then = self.model.balances(
            lambda x: (x.known_at if axis is Axis.KNOWN else x.draft.event_at) <= as_of
        )
        assert {code: found[code].amount for code in CODES} == then

    def leaf_through(self, code: str, page: int) -> None:
        rows: list[StatementRow] = []
        while True:
            before = rows[-1].position if rows else None
            more = statement(book=self.book, code=code, limit=page, before=before)
            rows += more
            if len(more) < page:
                break
        assert list(map(shown, reversed(rows))) == list(map(expected, self.model.history(code)))

    def read_what_is_booked(self, code: str, start: date, end: date, page: int) -> None:
        found = account_statement(book=self.book, code=code, start=start, end=end)
        first = replace(found, rows=found.rows[:page])
        about: dict[str, Any] = {"book": self.book, "code": code, "limit": page}
        about |= {"start": start, "end": end}
        assert account_statement(**about) == first
        if first.rows:
            after = account_statement(**about, after=first.rows[-1].position)
            assert after == replace(found, rows=found.rows[page : 2 * page])
        rows = self.model.history(code, booked=True)
        earlier = [row for row in rows if row.entry.draft.booked_on < start]
        within = [row for row in rows if start <= row.entry.draft.booked_on <= end]
        assert found.opening == (earlier[-1].balance if earlier else 0)
        assert list(map(shown, found.rows)) == list(map(expected, within))
        assert found.closing == ([0] + [row.balance for row in earlier + within])[-1]

    def sum_up(self, start: date, end: date, prefix: str) -> None:
        found = period_totals(book=self.book, start=start, end=end, prefix=prefix)
        model = self.model
        opening = model.balances(lambda x: x.draft.booked_on < start)
        closing = model.balances(lambda x: x.draft.booked_on <= end)
        debits, credits = (
            model.turnover(side, lambda x: start <= x.draft.booked_on <= end) for side in Side
        )
        assert {
            code: (row.opening, row.debits, row.credits, row.closing)
            for code, row in found.items()
            if code in CODES
        } == {
            code: (opening[code], debits[code], credits[code], closing[code])
            for code in CODES
            if code.startswith(prefix)
        }

    def weigh(self, through: date | None) -> None:
        found = trial_balance(book=self.book, through=through)
        for side, sums in (
            (Side.DEBIT, {currency: totals.debits for currency, totals in found.items()}),
            (Side.CREDIT, {currency: totals.credits for currency, totals in found.items()}),
        ):
            turnover = self.model.turnover(
                side, lambda x: through is None or x.draft.booked_on <= through
            )
            assert sums == by_currency(turnover)

    def teardown(self) -> None:
        with in_book(self.book):
            sums = by_subject(book=self.book, prefix="", subjects=SUBJECTS)
            states = {hold.reference: (hold.state, hold.taken) for hold in Hold.objects.all()}
        found = {(about, c): net for about, nets in sums.items() for c, net in nets.items() if net}
        assert found == self.model.by_subject()
        assert states == {name: (x.state, x.taken) for name, x in self.model.holds.items()}
        seal(book=self.book, now=self.clock)
        self.now()
        chain = prove_chain("ops", self.book, now=self.clock)
        assert [finding for finding in chain if finding.violations] == []
        assert broken("ops", self.book) == {}


def shown(row: StatementRow) -> tuple[Any, ...]:
    """What a statement says of a posting."""
    return row.reference, row.position.line_no, row.side, row.amount, row.subject, row.balance


def expected(row: Row) -> tuple[Any, ...]:
    """What it must say."""
    about = row.movement
    reference = row.entry.draft.reference
    return reference, row.line, about.side, about.amount, about.subject, row.balance


def by_currency(sums: dict[str, int]) -> dict[str, int]:
    """Sums per account added up, without those of nothing."""
    totals: dict[str, int] = {}
    for code, amount in sums.items():
        if amount:
            totals[code[-3:]] = totals.get(code[-3:], 0) + amount
    return totals


@pytest.mark.timeout(600)
def test_the_books_agree_with_the_model() -> None:
    run_state_machine_as_test(
        Story,
        settings=settings(
            max_examples=STORIES,
            stateful_step_count=STEPS_A_STORY,
            deadline=None,
            print_blob=True,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
    print(taken.total(), dict(taken))
    assert taken.total() >= LEAST_STEPS
    assert min(taken.values()) >= LEAST_OF_EACH
