"""A book and its model, and every step that writes into both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import wraps
from typing import Any, TypeVar
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    multiple,
    rule,
)

from ledger import holds, periods, seals
from ledger.book import Draft, Movement, credit, debit, post_many, reverse
from ledger.errors import DuplicateReferenceError, HoldSettledError, LedgerError
from tests.ledger.build import NOW, TODAY, a_book, in_book
from tests.ledger.choices import CURRENCIES, GUARDED, SPECS, amounts, contents, days, edges, ticks
from tests.ledger.model import Entry, Model, Promise, Refusals

taken: Counter[str] = Counter()
"""How often each step was carried out."""
T = TypeVar("T")


def step(**arguments: Any) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """A rule that is counted."""

    def counted(function: Callable[..., T]) -> Callable[..., T]:
        @wraps(function)
        def carry_out(*given: Any, **named: Any) -> T:
            taken[function.__name__] += 1
            return function(*given, **named)

        made: Callable[..., T] = rule(**arguments)(carry_out)
        return made

    return counted


class Books(RuleBasedStateMachine):
    """One book twice: in PostgreSQL, and in the model that says what must become of each step."""

    entries: Bundle[str] = Bundle("entries")
    promises: Bundle[str] = Bundle("promises")

    def __init__(self) -> None:
        super().__init__()
        self.book = a_book(*SPECS)
        self.model = Model(SPECS)
        self.clock = NOW
        self.named = 0

    @initialize(target=entries, amount=amounts)
    def begin(self, amount: int) -> MultipleResults[str]:
        """With some money."""
        legs = [
            part
            for currency in CURRENCIES
            for part in (
                debit(f"cash:{currency}", 2 * amount, currency),
                credit(f"wallet:{currency}", amount, currency),
                credit(f"card:{currency}", amount, currency),
            )
        ]
        draft = self.draft(movements=tuple(legs), event_at=NOW, booked_on=TODAY)
        return self.posted([draft], 0, alone=True)

    @initialize(target=promises, amount=amounts, limited=st.booleans())
    def promise(self, amount: int, limited: bool) -> MultipleResults[str]:
        """And with some of it promised."""
        self.begin(amount)
        lasts = 3600 if limited else None
        placed = [self.promised(f"wallet:{c}", amount, lasts, 0) for c in CURRENCIES]
        return multiple(*filter(None, placed))

    # --- Entries ---

    @step(target=entries, content=contents, tick=ticks, alone=st.booleans())
    def post(self, content: dict[str, Any], tick: int, alone: bool) -> MultipleResults[str]:
        return self.posted([self.draft(**content)], tick, alone)

    @step(
        target=entries,
        fresh=st.lists(contents, min_size=1, max_size=4),
        old=st.lists(entries, max_size=2),
        tick=ticks,
        alone=st.booleans(),
    )
    def post_many(
        self, fresh: list[dict[str, Any]], old: list[str], tick: int, alone: bool
    ) -> MultipleResults[str]:
        """Old references among new ones write nothing."""
        again = [self.model.entries[reference].draft for reference in old]
        return self.posted([*again, *(self.draft(**each) for each in fresh)], tick, alone)

    @step(reference=entries, memo=st.sampled_from(["", "another"]), tick=ticks)
    def post_again(self, reference: str, memo: str, tick: int) -> None:
        """The same, or something else by the old name."""
        draft = replace(self.model.entries[reference].draft, memo=memo)
        self.posted([draft], tick, alone=True)

    @step(target=entries, account=st.sampled_from(GUARDED), edge=edges, booked_on=days, tick=ticks)
    def spend(
        self, account: str, edge: int | None, booked_on: date, tick: int
    ) -> MultipleResults[str]:
        """All that an account has down to its floor, one less or one more."""
        floor = self.model.accounts[account].floor or 0
        amount = max(1, self.model.free(account) - floor + (edge or 0))
        return self.posted([self.taking(account, amount, booked_on)], tick, alone=True)

    @step(target=entries, reference=entries, booked_on=days, tick=ticks)
    def reverse(self, reference: str, booked_on: date, tick: int) -> MultipleResults[str]:
        now, mirror = self.passes(tick), self.mirror(reference, booked_on)
        known = self.model.entries.get(mirror.reference)
        if known is not None:
            mirror = known.draft
        id = self.done(
            self.model.refuses([mirror], reverses=reference),
            lambda: reverse(
                book=self.book, reference=reference, reason="", now=now, booked_on=booked_on
            ),
        )
        return self.wrote([mirror], [id] if id else None, reverses=reference)

    # --- Holds ---

    @step(
        target=promises,
        account=st.sampled_from(GUARDED),
        amount=amounts,
        edge=edges,
        lasts=st.sampled_from([None, 0, 3600, 86_400]),
        tick=ticks,
    )
    def place(
        self, account: str, amount: int, edge: int | None, lasts: int | None, tick: int
    ) -> Any:
        """Some amount, or just what can be promised, one less or one more."""
        if edge is not None:
            most = self.model.free(account) + self.model.accounts[account].overdraft
            amount = max(1, most + edge)
        reference = self.promised(account, amount, lasts, tick)
        return multiple() if reference is None else reference

    @step(reference=promises, more=st.integers(0, 1), tick=ticks)
    def place_again(self, reference: str, more: int, tick: int) -> None:
        """The same gives the old hold, live or settled; another amount is another promise."""
        self.passes(tick)
        known = self.model.holds[reference]
        id = self.done(
            {DuplicateReferenceError} if more else set(),
            lambda: self.placed(reference, known.account, known.amount + more, known.expires_at),
        )
        assert id == (None if more else known.id)

    @step(
        target=entries,
        reference=promises,
        share=st.sampled_from([1, 2, 3, 4, 4, 5]),
        part=st.booleans(),
        booked_on=days,
        tick=ticks,
    )
    def post_hold(
        self, reference: str, share: int, part: bool, booked_on: date, tick: int
    ) -> MultipleResults[str]:
        """Quarters of what is left, all of it, or more."""
        hold = self.model.holds[reference]
        amount = max(1, hold.left * share // 4)
        return self.took(reference, self.taking(hold.account, amount, booked_on), part, tick)

    @step(reference=entries, tick=ticks)
    def post_hold_again(self, reference: str, tick: int) -> None:
        """Whatever has become of the hold, what was posted from it stays posted."""
        entry = self.model.entries[reference]
        if entry.hold is not None:
            self.took(entry.hold, entry.draft, part=False, tick=tick)

    @step(reference=promises, tick=ticks)
    def release(self, reference: str, tick: int) -> None:
        now, hold = self.passes(tick), self.model.holds[reference]
        self.done(
            {HoldSettledError} if hold.state in ("posted", "expired") else set(),
            lambda: holds.release(book=self.book, reference=reference, reason="", now=now),
        )
        hold.state = "released" if hold.state == "held" else hold.state

    # --- The book ---

    @step(
        what=st.sampled_from(["seal", "expire", "close"]),
        most=st.sampled_from([1, 5, 50_000]),
        through=st.none() | days,
        again=st.booleans(),
        tick=ticks,
    )
    def keep(self, what: str, most: int, through: date | None, again: bool, tick: int) -> None:
        """What is done to a book from time to time."""
        now = self.passes(tick)
        with in_book(self.book):
            if what == "seal":
                # Some of what has arrived, or all; no figure may show it.
                seals.seal(book=self.book, now=now, most=most)
            elif what == "expire":
                self.expire(most)
            else:
                self.close(through, again, now)

    def expire(self, limit: int) -> None:
        """Let expire what is due, when the next hold is: in one call or in many."""
        ends = {
            name: hold.expires_at
            for name, hold in self.model.holds.items()
            if hold.state == "held" and hold.expires_at is not None
        }
        self.clock = now = max(self.clock, min(ends.values(), default=self.clock))
        due = [self.model.holds[name] for name, end in ends.items() if end <= now]
        count, expired = limit, 0
        while count == limit:
            count = holds.expire(book=self.book, now=now, limit=limit)
            expired += count
        assert expired == len(due)
        for hold in due:
            hold.state = "expired"

    def close(self, through: date | None, again: bool, now: datetime) -> None:
        """Close the book through a day; or have it reopened beyond one, or whole."""
        about: dict[str, Any] = {"book": self.book, "through": through, "now": now}
        about |= {"by": "ann", "reason": "late"}
        if again or through is None:
            refusals = self.model.refuses_to_reopen(through)
            self.done_alone(refusals, lambda: periods.reopen(**about, approved_by="bob"))
        else:
            refusals = self.model.refuses_to_close(through, now)
            self.done_alone(refusals, lambda: periods.close(**about))
        if not refusals:
            self.model.closed = through

    # --- How ---

    def name(self, kind: str) -> str:
        """A reference nobody has used."""
        self.named += 1
        return f"{kind}:{self.named}"

    def draft(self, **content: Any) -> Draft:
        """An entry that was not there."""
        return Draft(reference=self.name("fact"), kind="test", **content)

    def mirror(self, reference: str, booked_on: date) -> Draft:
        """What reverses an entry."""
        movements = self.model.entries[reference].draft.movements
        return Draft(
            reference=f"{reference}:reversed",
            kind="reversal",
            movements=tuple(replace(each, side=each.side.other) for each in movements),
            event_at=self.clock,
            booked_on=booked_on,
        )

    def taking(self, account: str, amount: int, booked_on: date) -> Draft:
        """An entry that takes so much from an account."""
        currency, side = account[-3:], self.model.accounts[account].normal_side
        legs = (
            Movement(side.other, account, amount, currency),
            Movement(side, f"cash:{currency}", amount, currency),
        )
        return self.draft(movements=legs, event_at=self.clock, booked_on=booked_on)

    def passes(self, seconds: int) -> datetime:
        """Let time pass; what time it is then."""
        self.clock = max(self.clock + timedelta(seconds=seconds), NOW - timedelta(days=7))
        return self.clock

    def done(self, refusals: Refusals, call: Callable[[], T]) -> T | None:
        """What the call returns; nothing where the model wants it refused, and it is."""
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

    def posted(self, batch: list[Draft], tick: int, alone: bool) -> MultipleResults[str]:
        """Post a batch; the references that are new."""
        now = self.passes(tick)
        done = self.done_alone if alone else self.done
        ids = done(
            self.model.refuses(batch), lambda: post_many(book=self.book, drafts=batch, now=now)
        )
        return self.wrote(batch, ids)

    def promised(self, account: str, amount: int, lasts: int | None, tick: int) -> str | None:
        """Place a new hold; its reference unless it is refused."""
        now, reference = self.passes(tick), self.name("hold")
        expires_at = None if lasts is None else now + timedelta(seconds=lasts)
        id = self.done(
            self.model.refuses_to_hold(account, amount),
            lambda: self.placed(reference, account, amount, expires_at),
        )
        if id is None:
            return None
        promise = Promise(id=id, account=account, amount=amount, expires_at=expires_at)
        self.model.holds[reference] = promise
        return reference

    def placed(
        self, reference: str, account: str, amount: int, expires_at: datetime | None
    ) -> UUID:
        """Place a hold."""
        return holds.place(
            book=self.book,
            reference=reference,
            account=account,
            amount=amount,
            currency=account[-3:],
            subject=None,
            now=self.clock,
            expires_at=expires_at,
        )

    def took(self, reference: str, draft: Draft, part: bool, tick: int) -> MultipleResults[str]:
        """Post a draft in a hold's stead; its reference if it is new."""
        now, hold = self.passes(tick), self.model.holds[reference]
        id = self.done(
            self.model.refuses_to_take(reference, draft, part=part),
            lambda: holds.post(
                book=self.book, reference=reference, draft=draft, now=now, part=part
            ),
        )
        if id is not None and draft.reference not in self.model.entries:
            hold.taken -= self.model.net([draft])[hold.account]
            hold.state = "posted" if hold.taken == hold.amount else "held"
        return self.wrote([draft], [id] if id else None, hold=reference)

    def wrote(
        self, drafts: list[Draft], ids: list[UUID] | None, **more: Any
    ) -> MultipleResults[str]:
        """Note in the model what was written; the references that are new."""
        fresh: dict[str, Entry] = {}
        for draft, id in zip(drafts, ids or [], strict=ids is not None):
            known = self.model.entries.get(draft.reference) or fresh.get(draft.reference)
            if known is None:
                known = Entry(id=id, draft=draft, known_at=self.clock, **more)
                fresh[draft.reference] = known
            assert known.id == id
        self.model.entries |= fresh
        return multiple(*fresh)
