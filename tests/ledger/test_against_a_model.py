"""Thousands of random steps, one after the other, in PostgreSQL and in a model of plain Python.

After every step both must have the same balances; what the model refuses the ledger must refuse,
with the same name. A failure is printed as the shortest story that fails, with the line that
replays it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

import pytest
from django.db import connections
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from ledger import holds as promises
from ledger.balances import balances, by_subject, funds, statement, trial_balance
from ledger.book import (
    Draft,
    Movement,
    credit,
    debit,
    post_many,
    reverse,
)
from ledger.errors import DuplicateReferenceError, HoldSettledError, LedgerError
from tests.ledger.build import NOW, TODAY, a_book, broken, in_book
from tests.ledger.choices import (
    CODES,
    CURRENCIES,
    GUARDED,
    SPECS,
    SUBJECTS,
    amounts,
    contents,
    days,
    moments,
    ticks,
)
from tests.ledger.model import Entry, Model, Promise, Refusals

pytestmark = pytest.mark.usefixtures("database")

LEAST_STEPS = 5000
STORIES = 110
STEPS_A_STORY = 50
taken: Counter[str] = Counter()
"""How often each rule was carried out."""
T = TypeVar("T")


def step(**arguments: Any) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """A rule that is counted."""

    def counted(function: Callable[..., T]) -> Callable[..., T]:
        @wraps(function)
        def carry_out(*given: Any, **named: Any) -> T:
            taken[function.__name__] += 1
            return function(*given, **named)

        return rule(**arguments)(carry_out)

    return counted


# --- The stories ------------------------------------------------------------------------------


class Books(RuleBasedStateMachine):
    """A book, its model, and what can be done to both."""

    entries: Bundle[str] = Bundle("entries")
    holds: Bundle[str] = Bundle("holds")

    def __init__(self) -> None:
        super().__init__()
        self.book = a_book(*SPECS)
        self.model = Model(SPECS)
        self.clock = NOW
        self.named = 0

    def name(self, kind: str) -> str:
        """A reference nobody has used."""
        self.named += 1
        return f"{kind}:{self.named}"

    def draft(self, content: dict[str, Any]) -> Draft:
        return Draft(reference=self.name("fact"), kind="test", **content)

    def passes(self, seconds: int) -> datetime:
        self.clock += timedelta(seconds=seconds)
        return self.clock

    def done(self, refusals: Refusals, call: Callable[[], T]) -> T | None:
        """Whatever the call returns, or nothing where the model wants it refused, and it is."""
        with in_book(self.book):
            return self.done_alone(refusals, call)

    def done_alone(self, refusals: Refusals, call: Callable[[], T]) -> T | None:
        """The same outside of a transaction."""
        if not refusals:
            return call()
        with pytest.raises(LedgerError) as refused:
            call()
        assert type(refused.value) in refusals
        return None

    def wrote(
        self, drafts: list[Draft], ids: list[UUID] | None, **more: Any
    ) -> MultipleResults[str]:
        """Note in the model what was written; the references that are new."""
        fresh = {}
        for draft, id in zip(drafts, ids or [], strict=ids is not None):
            if draft.reference not in self.model.entries:
                fresh[draft.reference] = Entry(id=id, draft=draft, known_at=self.clock, **more)
            assert (fresh | self.model.entries)[draft.reference].id == id
        self.model.entries |= fresh
        return multiple(*fresh)

    @initialize(target=entries, amount=amounts)
    def begin(self, amount: int) -> Any:
        """With some money."""
        drafts = []
        for currency in CURRENCIES:
            legs = [credit(f"{name}:{currency}", amount, currency) for name in ("wallet", "card")]
            legs.append(debit(f"cash:{currency}", 2 * amount, currency))
            content = {"movements": tuple(legs), "event_at": NOW, "booked_on": TODAY}
            drafts.append(self.draft(content))
        return self.posted(drafts, 0, alone=True)

    # --- Entries ---

    @step(target=entries, content=contents, tick=ticks, alone=st.booleans())
    def post(self, content: dict[str, Any], tick: int, alone: bool) -> Any:
        return self.posted([self.draft(content)], tick, alone)

    @step(
        target=entries,
        fresh=st.lists(contents, min_size=1, max_size=4),
        old=st.lists(entries, max_size=2),
        tick=ticks,
        alone=st.booleans(),
    )
    def post_many(self, fresh: list[dict[str, Any]], old: list[str], tick: int, alone: bool) -> Any:
        """Old references among new ones write nothing."""
        again = [self.model.entries[reference].draft for reference in old]
        return self.posted([*again, *map(self.draft, fresh)], tick, alone)

    @step(reference=entries, tick=ticks)
    def post_again(self, reference: str, tick: int) -> None:
        self.posted([self.model.entries[reference].draft], tick, alone=True)

    @step(reference=entries, tick=ticks)
    def post_something_else_by_an_old_name(self, reference: str, tick: int) -> None:
        draft = replace(self.model.entries[reference].draft, memo="another")
        self.posted([draft], tick, alone=False)

    def posted(self, batch: list[Draft], tick: int, alone: bool) -> MultipleResults[str]:
        self.passes(tick)
        done = self.done_alone if alone else self.done
        ids = done(
            self.model.refuses(batch),
            lambda: post_many(book=self.book, drafts=batch, now=self.clock),
        )
        return self.wrote(batch, ids)

    @step(target=entries, reference=entries, booked_on=days, tick=ticks)
    def reverse(self, reference: str, booked_on: date, tick: int) -> Any:
        self.passes(tick)
        mirror = self.mirror(reference, booked_on)
        known = self.model.entries.get(mirror.reference)
        id = self.done(
            set() if known else self.model.refuses([mirror], reverses=reference),
            lambda: reverse(
                book=self.book, reference=reference, reason="", now=self.clock, booked_on=booked_on
            ),
        )
        if known:
            assert id == known.id
            return multiple()
        return self.wrote([mirror], id and [id], reverses=reference)

    def mirror(self, reference: str, booked_on: date) -> Draft:
        movements = [
            replace(movement, side=movement.side.other)
            for movement in self.model.entries[reference].draft.movements
        ]
        return Draft(
            reference=f"{reference}:reversed",
            kind="reversal",
            movements=tuple(movements),
            event_at=self.clock,
            booked_on=booked_on,
        )

    # --- Holds ---

    @step(target=holds, account=st.sampled_from(GUARDED), amount=amounts, tick=ticks)
    def place(self, account: str, amount: int, tick: int) -> Any:
        self.passes(tick)
        reference = self.name("hold")
        id = self.done(
            self.model.refuses_to_hold(account, amount),
            lambda: self.placing(reference, account, amount),
        )
        if id is None:
            return multiple()
        self.model.holds[reference] = Promise(id=id, account=account, amount=amount)
        return reference

    def placing(self, reference: str, account: str, amount: int) -> UUID:
        return promises.place(
            book=self.book,
            reference=reference,
            account=account,
            amount=amount,
            currency=account[-3:],
            subject=None,
            now=self.clock,
        )

    @step(reference=holds, more=st.integers(0, 1), tick=ticks)
    def place_again(self, reference: str, more: int, tick: int) -> None:
        """The same gives the old hold, live or settled; another amount is another promise."""
        self.passes(tick)
        known = self.model.holds[reference]
        id = self.done(
            {DuplicateReferenceError} if more else set(),
            lambda: self.placing(reference, known.account, known.amount + more),
        )
        assert id in (known.id, None)

    @step(target=entries, reference=holds, booked_on=days, tick=ticks)
    def post_hold(self, reference: str, booked_on: date, tick: int) -> Any:
        self.passes(tick)
        hold = self.model.holds[reference]
        draft = self.taking(hold, hold.amount, booked_on)
        refusals = self.model.refuses([draft], hold=reference)
        id = self.done(
            refusals if hold.state == "held" else {HoldSettledError},
            lambda: promises.post(book=self.book, reference=reference, draft=draft, now=self.clock),
        )
        if id:
            hold.state = "posted"
        return self.wrote([draft], id and [id], hold=reference)

    def taking(self, hold: Promise, amount: int, booked_on: date) -> Draft:
        currency = hold.account[-3:]
        side = self.model.accounts[hold.account].normal_side
        legs = (
            Movement(side.other, hold.account, amount, currency),
            Movement(side, f"cash:{currency}", amount, currency),
        )
        return Draft(
            reference=self.name("kept"),
            kind="test",
            movements=legs,
            event_at=self.clock,
            booked_on=booked_on,
        )

    @step(reference=holds, tick=ticks)
    def release(self, reference: str, tick: int) -> None:
        self.passes(tick)
        hold = self.model.holds[reference]
        self.done(
            {HoldSettledError} if hold.state == "posted" else set(),
            lambda: promises.release(
                book=self.book, reference=reference, reason="", now=self.clock
            ),
        )
        hold.state = "posted" if hold.state == "posted" else "released"

    @step(share=st.integers(0, 3))
    def fold(self, share: int) -> None:
        """Some of what has arrived, or all."""
        with connections["owner"].cursor() as cursor:
            cursor.execute(
                "DELETE FROM ledger_arrival WHERE book = %s AND hashtext(ids::text) %% 4 <= %s",
                [self.book, share],
            )

    # --- Reading ---

    @step(as_of=moments)
    def look_back(self, as_of: datetime) -> None:
        with in_book(self.book):
            found = balances(book=self.book, codes=CODES, as_of=as_of)
        known = self.model.balances(lambda entry: entry.known_at <= as_of)
        assert {code: found[code].amount for code in CODES} == known

    @step(code=st.sampled_from(CODES))
    def read_a_statement(self, code: str) -> None:
        with in_book(self.book):
            rows = statement(book=self.book, code=code, limit=1000)
        assert [
            (row.reference, row.position.line_no, row.amount, row.side, row.balance)
            for row in reversed(rows)
        ] == [
            (entry.draft.reference, number, movement.amount, movement.side, balance)
            for entry, number, movement, balance in self.model.history(code)
        ]

    # --- What always holds ---

    @invariant()
    def balances_agree(self) -> None:
        with in_book(self.book):
            found = balances(book=self.book, codes=CODES)
            left = {code: funds(book=self.book, code=code) for code in GUARDED}
        known, held = self.model.balances(), self.model.held()
        assert {code: found[code].amount for code in CODES} == known
        assert {code: (left[code].balance, left[code].held) for code in GUARDED} == {
            code: (known[code], held[code]) for code in GUARDED
        }

    def teardown(self) -> None:
        with in_book(self.book):
            totals = trial_balance(book=self.book)
            sums = by_subject(book=self.book, prefix="", subjects=SUBJECTS)
        assert all(both.debits == both.credits for both in totals.values())
        found = {(about, c): net for about, nets in sums.items() for c, net in nets.items() if net}
        assert found == self.model.by_subject()
        assert broken("ops", self.book) == {}


def test_the_books_agree_with_the_model() -> None:
    run_state_machine_as_test(
        Books,
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
