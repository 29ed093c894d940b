"""Reading the books: balances, sums by subject, statements, and the past as it was known."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from ledger import balances as reading
from ledger import statements, totals
from ledger.balances import Axis, Balance
from ledger.book import AccountSpec, Side, credit, debit, post, post_many, reverse
from ledger.errors import BookNotOpenError, UnknownAccountError
from ledger.statements import Position, StatementRow
from ledger.totals import Totals
from tests.ledger.build import (
    CASH,
    DOLLARS,
    INCOME,
    NOW,
    OWED,
    TODAY,
    WALLET,
    a_book,
    a_draft,
    in_book,
)

pytestmark = pytest.mark.usefixtures("database")

HOUR = timedelta(hours=1)


def a_book_with_three_hours() -> UUID:
    """100 in the first hour, 20 more in the second, 5 back in the third."""
    book = a_book()
    with in_book(book):
        for hour, amount in enumerate([100, 20]):
            draft = a_draft(debit(CASH, amount, "CNY"), credit(OWED, amount, "CNY"))
            post(book=book, draft=draft, now=NOW + hour * HOUR)
        back = a_draft(credit(CASH, 5, "CNY"), debit(INCOME, 5, "CNY"), reference="back")
        post(book=book, draft=back, now=NOW + 2 * HOUR)
    return book


def test_a_balance_is_positive_on_the_normal_side() -> None:
    book = a_book_with_three_hours()
    with in_book(book):
        assert reading.balance(book=book, code=CASH) == 115
        assert reading.balance(book=book, code=OWED) == 120
        assert reading.balance(book=book, code=INCOME) == -5
        assert reading.balances(book=book, codes=[CASH]) == {
            CASH: Balance(code=CASH, currency="CNY", normal_side=Side.DEBIT, debits=120, credits=5)
        }


def test_all_balances_take_one_query() -> None:
    book = a_book_with_three_hours()
    with in_book(book), CaptureQueriesContext(connections["default"]) as queries:
        found = reading.balances(book=book)
    assert len(queries) == 1
    assert {code: b.amount for code, b in found.items()} == {
        CASH: 115,
        DOLLARS: 0,
        INCOME: -5,
        OWED: 120,
        WALLET: 0,
    }
    assert list(found) == sorted(found)


def test_a_prefix_is_text_not_a_pattern() -> None:
    specs = [
        AccountSpec(code=code, currency="CNY", normal_side=Side.DEBIT)
        for code in ("a_b:1", "a_b:2", "axb:1", "a%b", "x:a_b:1")
    ]
    book = a_book(*specs)
    with in_book(book):
        assert set(reading.balances(book=book, prefix="a_b:")) == {"a_b:1", "a_b:2"}
        assert set(reading.balances(book=book, prefix="a%")) == {"a%b"}
        assert reading.balances(book=book, prefix="none") == {}
        assert reading.balances(book=book, codes=[]) == {}


def test_an_unknown_account_is_never_zero() -> None:
    book = a_book()
    with in_book(book):
        with pytest.raises(UnknownAccountError, match="nowhere"):
            reading.balance(book=book, code="nowhere")
        with pytest.raises(UnknownAccountError, match="nowhere"):
            reading.balances(book=book, codes=[CASH, "nowhere"])
        with pytest.raises(UnknownAccountError):
            statements.statement(book=book, code="nowhere", limit=1)


@pytest.mark.parametrize(
    ("hours", "cash"), [(-0.001, 0), (0, 100), (0.5, 100), (1, 120), (2, 115), (99, 115)]
)
def test_as_of_is_what_was_known_then(hours: float, cash: int) -> None:
    book = a_book_with_three_hours()
    with in_book(book):
        as_of = NOW + hours * HOUR
        assert reading.balance(book=book, code=CASH, as_of=as_of) == cash
        assert reading.balances(book=book, as_of=as_of)[CASH].amount == cash


def test_a_fact_learnt_late_does_not_change_the_past() -> None:
    book = a_book()
    with in_book(book):
        late = a_draft(event_at=NOW - timedelta(days=30), booked_on=TODAY - timedelta(days=30))
        post(book=book, draft=late, now=NOW + timedelta(days=40))
        assert reading.balance(book=book, code=CASH, as_of=NOW) == 0
        assert reading.balance(book=book, code=CASH) == 100


def test_the_trial_balance_is_level_per_currency() -> None:
    dollars_owed = AccountSpec(code="owed:USD", currency="USD", normal_side=Side.CREDIT)
    book = a_book(dollars_owed)
    with in_book(book):
        assert totals.trial_balance(book=book) == {}
        dollars = a_draft(debit(DOLLARS, 7, "USD"), credit("owed:USD", 7, "USD"))
        post_many(book=book, drafts=[a_draft(), dollars], now=NOW)
        assert totals.trial_balance(book=book) == {
            "CNY": Totals(debits=100, credits=100),
            "USD": Totals(debits=7, credits=7),
        }


# --- Subjects -----------------------------------------------------------------------------


def test_what_came_and_went_rolls_up_to_zero_per_subject() -> None:
    transit = [
        AccountSpec(code=f"transit:{n}:{c}", currency=c, normal_side=Side.DEBIT)
        for n, c in [(1, "CNY"), (2, "CNY"), (2, "USD")]
    ]
    book = a_book(*transit)
    settled, under_way, strange = (uuid.uuid4() for _ in range(3))

    def moved(side: str, code: str, amount: int, subject: UUID, other: str = OWED) -> None:
        currency = code[-3:]
        this, that = (debit, credit) if side == "D" else (credit, debit)
        draft = a_draft(
            this(code, amount, currency, subject=subject),
            that(other, amount, currency, subject=subject),
        )
        post(book=book, draft=draft, now=NOW)

    with in_book(book):
        moved("D", "transit:1:CNY", 10, settled)
        moved("C", "transit:2:CNY", 10, settled)
        moved("D", "transit:1:CNY", 30, under_way)
        moved("C", "transit:1:CNY", 5, under_way)
        moved("D", "transit:2:USD", 8, under_way, other=DOLLARS)
        subjects = [settled, under_way, strange]
        with CaptureQueriesContext(connections["default"]) as queries:
            found = reading.by_subject(book=book, prefix="transit:", subjects=subjects)
        assert len(queries) == 1
        assert found == {settled: {"CNY": 0}, under_way: {"CNY": 25, "USD": 8}, strange: {}}
        assert reading.by_subject(book=book, prefix=OWED, subjects=[under_way]) == {
            under_way: {"CNY": -25}
        }
        assert reading.by_subject(book=book, prefix="transit:", subjects=[]) == {}


# --- Statements ---------------------------------------------------------------------------


def test_a_statement_explains_every_balance_newest_first() -> None:
    book = a_book_with_three_hours()
    with in_book(book):
        rows = statements.statement(book=book, code=CASH, limit=10)
        assert [(x.side, x.amount, x.balance) for x in rows] == [
            ("C", 5, 115),
            ("D", 20, 120),
            ("D", 100, 100),
        ]
        assert statements.statement(book=book, code=CASH, limit=1) == rows[:1]
        assert [x.balance for x in statements.statement(book=book, code=INCOME, limit=9)] == [-5]
        assert statements.statement(book=book, code=WALLET, limit=9) == []
    newest = rows[0]
    assert newest == StatementRow(
        position=newest.position,
        reference="back",
        kind="test",
        memo="",
        event_at=NOW,
        booked_on=TODAY,
        side=Side.CREDIT,
        amount=5,
        subject=None,
        balance=115,
    )
    assert newest.position.known_at == NOW + 2 * HOUR
    assert newest.position.line_no == 1


def test_pages_of_a_statement_meet_without_gap_or_overlap() -> None:
    book = a_book()
    with in_book(book):
        drafts = [
            a_draft(debit(CASH, n, "CNY"), debit(CASH, 1, "CNY"), credit(OWED, n + 1, "CNY"))
            for n in range(1, 8)
        ]
        post_many(book=book, drafts=drafts, now=NOW)
        reverse(book=book, reference=drafts[0].reference, reason="", now=NOW, booked_on=TODAY)
        whole = statements.statement(book=book, code=CASH, limit=100)
        pages: list[StatementRow] = []
        before: Position | None = None
        while page := statements.statement(book=book, code=CASH, limit=3, before=before):
            pages += page
            before = page[-1].position
    assert pages == whole
    assert len(whole) == 16
    assert whole[0].balance == sum(range(1, 8)) + 7 - 2


# --- Who reads ----------------------------------------------------------------------------


def test_the_operator_reads_the_book_it_has_opened() -> None:
    book = a_book_with_three_hours()
    with in_book(book, "ops"):
        assert reading.balances(book=book, using="ops")[CASH].amount == 115
        assert totals.trial_balance(book=book, using="ops")["CNY"].debits == 125
        assert len(statements.statement(book=book, code=CASH, limit=9, using="ops")) == 3
        subject = uuid.uuid4()
        found = reading.by_subject(book=book, prefix="", subjects=[subject], using="ops")
        assert found == {subject: {}}
    with pytest.raises(BookNotOpenError):
        reading.balances(book=book, using="ops")


DAYS = {"start": TODAY, "end": TODAY}


@pytest.mark.parametrize(
    ("read", "more"),
    [
        (reading.balances, {}),
        (reading.balances, {"as_of": NOW}),
        (reading.balances, {"as_of": NOW, "by": Axis.EVENT}),
        (reading.by_subject, {"prefix": "", "subjects": []}),
        (statements.statement, {"code": CASH, "limit": 1}),
        (statements.account_statement, {"code": CASH, **DAYS}),
        (totals.trial_balance, {}),
        (totals.trial_balance, {"through": TODAY}),
        (totals.period_totals, DAYS),
        (totals.period_trial_balance, DAYS),
    ],
)
def test_a_book_that_is_not_open_is_an_error_not_an_empty_answer(
    read: Callable[..., object], more: dict[str, object]
) -> None:
    book = a_book_with_three_hours()
    with in_book(a_book()), pytest.raises(BookNotOpenError):
        read(book=book, **more)
