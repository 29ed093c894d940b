"""Random entries against a few lines of Python that keep the same books in a dictionary."""

from __future__ import annotations

from collections import Counter
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.balances import balances, by_subject, funds
from ledger.book import AccountSpec, Draft, Movement, Side, credit, debit, post_many, reverse
from ledger.errors import InsufficientFundsError
from ledger.holds import post as post_hold
from ledger.holds import release
from ledger.statements import statement
from ledger.totals import trial_balance
from tests.ledger.build import NOW, TODAY, a_book, a_draft, broken, hold, in_book

pytestmark = pytest.mark.usefixtures("database")

CURRENCIES = ("CNY", "JPY", "KWD")
CODES = {currency: [f"{n}:{currency}" for n in range(4)] for currency in CURRENCIES}
NORMAL = {f"{n}:{c}": (Side.DEBIT, Side.CREDIT)[n % 2] for n in range(4) for c in CURRENCIES}
GUARDED = {f"3:{c}": -1000 for c in CURRENCIES}
SPECS = [
    AccountSpec(code=code, currency=code[2:], normal_side=side, floor=GUARDED.get(code))
    for code, side in NORMAL.items()
]
SUBJECTS = [UUID(int=n) for n in range(3)]


@st.composite
def movements(draw: st.DrawFn) -> list[Movement]:
    """One to five movements of one currency, and what balances them on one more account."""
    currency = draw(st.sampled_from(CURRENCIES))
    account = st.sampled_from(CODES[currency])
    subject = st.none() | st.sampled_from(SUBJECTS)
    amount = st.integers(1, 500) | st.integers(1, 10**13)
    legs = [
        draw(st.sampled_from([debit, credit]))(
            draw(account), draw(amount), currency, subject=draw(subject)
        )
        for _ in range(draw(st.integers(1, 5)))
    ]
    net = sum(x.amount if x.side is Side.DEBIT else -x.amount for x in legs)
    balancing = credit if net > 0 else debit
    if net:
        legs.append(balancing(draw(account), abs(net), currency))
    elif len(legs) < 2:
        legs.append(balancing(draw(account), 1, currency))
    return draw(st.permutations(legs))


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    """An entry of one or two currencies."""
    return a_draft(*draw(movements()), *draw(st.just([]) | movements()))


promises = st.lists(
    st.tuples(
        st.sampled_from(list(GUARDED)),
        st.integers(1, 500) | st.integers(1, 10**13),
        st.sampled_from(["left", "posted", "released"]),
    ),
    max_size=3,
)
batches = st.lists(
    st.tuples(st.lists(drafts(), min_size=1, max_size=6), st.booleans(), promises), max_size=6
)


class Model:
    """The same books in memory."""

    def __init__(self) -> None:
        self.net: Counter[str] = Counter()
        self.subjects: Counter[tuple[UUID, str]] = Counter()
        self.held: Counter[str] = Counter()

    def applied(self, batch: list[Draft], sign: int = 1) -> Model:
        """The books after the batch, or after its reversal (sign -1)."""
        after = Model()
        after.net, after.subjects = self.net.copy(), self.subjects.copy()
        after.held = self.held.copy()
        for movement in (m for draft in batch for m in draft.movements):
            amount = movement.amount * sign * (1 if movement.side is Side.DEBIT else -1)
            after.net[movement.account] += amount
            if movement.subject is not None:
                after.subjects[movement.subject, movement.currency] += amount
        return after

    def balance(self, code: str) -> int:
        """Positive on the normal side."""
        return self.net[code] * (1 if NORMAL[code] is Side.DEBIT else -1)

    @property
    def sound(self) -> bool:
        """No guarded account is below its floor, what is held of it left aside."""
        return all(self.available(code) >= floor for code, floor in GUARDED.items())

    def available(self, code: str) -> int:
        """What is neither held nor spent."""
        return self.balance(code) - self.held[code]


def posted(book: UUID, batch: list[Draft], model: Model) -> Model:
    """Post the batch; the database and the model must agree whether it can be."""
    after = model.applied(batch)
    if after.sound:
        post_many(book=book, drafts=batch, now=NOW)
        return after
    with pytest.raises(InsufficientFundsError):
        post_many(book=book, drafts=batch, now=NOW)
    return model


def reversed_last(book: UUID, batch: list[Draft], model: Model) -> Model:
    """Reverse the batch's last entry likewise."""
    after = model.applied(batch[-1:], sign=-1)
    reference = batch[-1].reference
    if after.sound:
        reverse(book=book, reference=reference, reason="", now=NOW, booked_on=TODAY)
        return after
    with pytest.raises(InsufficientFundsError):
        reverse(book=book, reference=reference, reason="", now=NOW, booked_on=TODAY)
    return model


def promised(book: UUID, model: Model, code: str, amount: int, end: str) -> Model:
    """Hold so much, if it is there, and leave, post or release the hold."""
    reference = f"hold:{uuid4()}"
    if model.available(code) < amount:
        with pytest.raises(InsufficientFundsError):
            hold(book, amount, code, reference=reference, currency=code[2:])
        return model
    hold(book, amount, code, reference=reference, currency=code[2:])
    if end == "left":
        model.held[code] += amount
    elif end == "released":
        release(book=book, reference=reference, reason="", now=NOW)
    else:
        currency = code[2:]
        draft = a_draft(debit(code, amount, currency), credit(f"0:{currency}", amount, currency))
        post_hold(book=book, reference=reference, draft=draft, now=NOW)
        return model.applied([draft])
    return model


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(batches)
def test_the_books_agree_with_the_model(
    steps: list[tuple[list[Draft], bool, list[tuple[str, int, str]]]],
) -> None:
    book, model = a_book(*SPECS), Model()
    with in_book(book):
        for batch, undo, asked in steps:
            before = model
            model = posted(book, batch, model)
            taken = model is not before
            for code, amount, end in asked:
                model = promised(book, model, code, amount, end)
            if undo and taken:
                model = reversed_last(book, batch, model)

        found = balances(book=book)
        assert {c: found[c].amount for c in NORMAL} == {c: model.balance(c) for c in NORMAL}
        for code in GUARDED:
            assert funds(book=book, code=code).available == model.available(code)
            assert funds(book=book, code=code).held == model.held[code]
        assert all(totals.debits == totals.credits for totals in trial_balance(book=book).values())
        for code in NORMAL:
            rows = statement(book=book, code=code, limit=1)
            assert (rows[0].balance if rows else 0) == model.balance(code)
        sums = by_subject(book=book, prefix="", subjects=SUBJECTS)
        flat = {(s, c): net for s, nets in sums.items() for c, net in nets.items()}
        assert all(net == model.subjects[key] for key, net in flat.items())
        assert all(key in flat for key, net in model.subjects.items() if net)
    assert broken("ops", book) == {}
