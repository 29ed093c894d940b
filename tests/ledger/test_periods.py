"""A closed day stays what it was, and who opened it again is on record."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connections, transaction

from ledger.balances import balance
from ledger.book import credit, debit, post, post_many, reverse
from ledger.errors import (
    BookNotOpenError,
    InvalidClosingError,
    InvalidDraftError,
    LedgerError,
    PeriodClosedError,
    PeriodOrderError,
)
from ledger.models import Closing
from ledger.periods import close, closed_through, first_open_day, late_entries, reopen
from tests.ledger.build import (
    CASH,
    INCOME,
    NOW,
    OWED,
    TODAY,
    WALLET,
    a_book,
    a_draft,
    broken,
    fold,
    in_book,
    refused,
)

pytestmark = pytest.mark.usefixtures("database")

DAY = timedelta(days=1)
FEBRUARY = date(2026, 2, 28)
WHO: dict[str, Any] = {"by": "Ann", "reason": "month's end", "now": NOW}
TWO: dict[str, Any] = {"by": "Ann", "approved_by": "Bob", "reason": "an invoice", "now": NOW + DAY}


def february(**fields: Any) -> Any:
    return a_draft(booked_on=FEBRUARY, **fields)


def a_closed_book(through: date = FEBRUARY) -> UUID:
    """100 in February, 100 in March, and February closed."""
    book = a_book()
    with in_book(book):
        post_many(book=book, drafts=[february(reference="feb"), a_draft()], now=NOW - DAY)
        assert close(book=book, through=through, **WHO) == 1
    return book


def test_nothing_is_booked_on_a_closed_day() -> None:
    book = a_closed_book()
    with in_book(book):
        for draft in (february(), a_draft(booked_on=FEBRUARY - 30 * DAY)):
            with pytest.raises(PeriodClosedError):
                post(book=book, draft=draft, now=NOW)
        many = [a_draft(), february(), a_draft()]
        with pytest.raises(PeriodClosedError):
            post_many(book=book, drafts=many, now=NOW)
        guarded = (debit(CASH, 5, "CNY"), credit(WALLET, 5, "CNY"))
        with pytest.raises(PeriodClosedError):
            post(book=book, draft=a_draft(*guarded, booked_on=FEBRUARY), now=NOW)
        with pytest.raises(PeriodClosedError):
            reverse(book=book, reference="feb", reason="", now=NOW, booked_on=FEBRUARY)
        assert balance(book=book, code=CASH) == 200
        post(book=book, draft=a_draft(booked_on=FEBRUARY + DAY), now=NOW)
        reverse(book=book, reference="feb", reason="", now=NOW, booked_on=FEBRUARY + DAY)
        assert balance(book=book, code=CASH) == 200
    assert broken("ops", book) == {}


def test_what_is_there_already_is_no_new_entry_on_a_closed_day() -> None:
    book = a_book()
    draft = february()
    with in_book(book):
        entry = post(book=book, draft=draft, now=NOW)
        close(book=book, through=FEBRUARY, **WHO)
        assert post(book=book, draft=draft, now=NOW + DAY) == entry


def test_another_book_is_not_closed() -> None:
    a_closed_book()
    other = a_book()
    with in_book(other):
        assert closed_through(book=other) is None
        assert first_open_day(book=other) is None
        post(book=other, draft=february(), now=NOW)


def test_closings_go_forward_and_reopenings_back() -> None:
    book = a_closed_book()
    with in_book(book):
        assert closed_through(book=book) == FEBRUARY
        assert first_open_day(book=book) == date(2026, 3, 1)
        for through in (FEBRUARY, FEBRUARY - DAY):
            with pytest.raises(PeriodOrderError, match="goes forward"):
                close(book=book, through=through, **WHO)
        for day in (FEBRUARY, FEBRUARY + DAY):
            with pytest.raises(PeriodOrderError, match="back from there"):
                reopen(book=book, through=day, **TWO)
        assert close(book=book, through=TODAY, **WHO) == 2
        assert reopen(book=book, through=FEBRUARY - DAY, **TWO) == 3
        assert closed_through(book=book) == FEBRUARY - DAY
        post(book=book, draft=february(), now=NOW)
        with pytest.raises(PeriodClosedError):
            post(book=book, draft=a_draft(booked_on=FEBRUARY - DAY), now=NOW)
        assert reopen(book=book, through=None, **TWO) == 4
        assert closed_through(book=book) is None
        with pytest.raises(PeriodOrderError):
            reopen(book=book, through=None, **TWO)
        assert close(book=book, through=FEBRUARY, **WHO) == 5
        rows = Closing.objects.filter(book=book).order_by("number")
        assert [(c.number, c.action, c.through) for c in rows] == [
            (1, "close", FEBRUARY),
            (2, "close", TODAY),
            (3, "reopen", FEBRUARY - DAY),
            (4, "reopen", None),
            (5, "close", FEBRUARY),
        ]
    assert broken("ops", book) == {}


@pytest.mark.parametrize(
    ("call", "more", "error"),
    [
        (close, {"through": TODAY, "by": ""}, InvalidClosingError),
        (close, {"through": TODAY, "by": "x" * 201}, InvalidDraftError),
        (close, {"through": TODAY, "reason": "x" * 2001}, InvalidDraftError),
        (close, {"through": None}, InvalidClosingError),
        (close, {"through": NOW}, InvalidDraftError),
        (close, {"through": TODAY, "now": NOW.replace(tzinfo=None)}, InvalidDraftError),
        (close, {"through": TODAY + 2 * DAY}, InvalidClosingError),
        (reopen, {"through": None, "approved_by": "Ann"}, InvalidClosingError),
        (reopen, {"through": None, "approved_by": " ann "}, InvalidClosingError),
        (reopen, {"through": None, "approved_by": ""}, InvalidClosingError),
        (reopen, {"through": None, "reason": ""}, InvalidClosingError),
        (reopen, {"through": None, "by": ""}, InvalidClosingError),
    ],
)
def test_a_closing_that_lacks_something_is_refused(
    call: Callable[..., int], more: dict[str, object], error: type[LedgerError]
) -> None:
    book = a_closed_book()
    with in_book(book):
        usual = WHO if call is close else TWO
        with pytest.raises(error):
            call(book=book, **usual | more)
        assert closed_through(book=book) == FEBRUARY
    with in_book(a_book()), pytest.raises(BookNotOpenError):
        call(book=book, **usual | {"through": None if call is reopen else TODAY})


def test_the_digest_is_the_trial_balance_in_length_prefixed_text() -> None:
    book = a_book()
    with in_book(book):
        post(book=book, draft=february(), now=NOW)
        seven = (debit(INCOME, 7, "CNY"), credit(WALLET, 7, "CNY"))
        post(book=book, draft=a_draft(*seven, booked_on=FEBRUARY), now=NOW)
    fold(book, 1)
    with in_book(book):
        post(book=book, draft=a_draft(), now=NOW)
        post(book=book, draft=february(), now=NOW)
        close(book=book, through=FEBRUARY, **WHO)
        digest = bytes(Closing.objects.get(book=book).digest)
    fields = ["closing-1", str(book), "2026-02-28"]
    fields += [CASH, "CNY", "200", "0", INCOME, "CNY", "7", "0"]
    fields += [OWED, "CNY", "0", "200", WALLET, "CNY", "0", "7"]
    text = "".join(f"{len(field)}:{field}" for field in fields)
    assert digest == hashlib.sha256(text.encode()).digest()
    fold(book)
    assert broken("ops", book) == {}


def test_a_reopened_day_may_change_and_a_closed_one_is_proved() -> None:
    book = a_closed_book()
    with in_book(book):
        close(book=book, through=TODAY - DAY, **WHO)
        reopen(book=book, through=FEBRUARY - DAY, **TWO)
        post(book=book, draft=february(reference="late"), now=NOW + 2 * DAY)
        post(book=book, draft=a_draft(reference="on time"), now=NOW + 2 * DAY)
    for _ in range(2):
        assert broken("ops", book) == {}
        with in_book(book):
            [late] = late_entries(book=book, through=TODAY)
            assert (late.reference, late.booked_on) == ("late", FEBRUARY)
            assert (late.known_at, late.closed_at) == (NOW + 2 * DAY, NOW)
            assert late_entries(book=book, through=FEBRUARY - DAY) == []
        fold(book)
    with in_book(book):
        close(book=book, through=TODAY, **WHO)
    assert broken("ops", book) == {}


def test_every_closing_waits_to_be_sealed() -> None:
    book = a_closed_book()
    with in_book(book) as cursor:
        cursor.execute(
            "SELECT ids FROM ledger_arrival WHERE book = %s AND kind = 'closing'", [book]
        )
        [(ids,)] = cursor.fetchall()
        assert ids == [Closing.objects.get(book=book).id]


# --- Past the ledger's own code -----------------------------------------------------------

_INSERT = """
INSERT INTO ledger_closing (id, book, number, action, through, closed_by, approved_by, reason,
    closed_at, digest) VALUES (gen_random_uuid(), %s, %s, %s, %s, %s, %s, %s, %s, sha256('x'))
"""


def test_numbers_and_digests_are_given_not_taken() -> None:
    book = a_closed_book()
    with in_book(book) as cursor:
        cursor.execute(_INSERT, [book, 77, "close", TODAY, "Ann", None, "", NOW])
        closing = Closing.objects.get(book=book, through=TODAY)
        assert closing.number == 2
    assert broken("ops", book) == {}


@pytest.mark.parametrize(
    ("action", "through", "by", "approved_by", "reason", "sentence"),
    [
        ("close", FEBRUARY, "Ann", None, "", "closing_goes_forward"),
        ("close", None, "Ann", None, "", "closing_has_a_last_day"),
        ("close", TODAY, "", None, "", "closing_has_a_name"),
        ("close", TODAY, "Ann", None, "x" * 2001, "closing_reason_is_not_endless"),
        ("close", TODAY + 9 * DAY, "Ann", None, "", "closing_is_of_days_that_have_begun"),
        ("open", TODAY, "Ann", None, "", "closing_closes_or_reopens"),
        ("reopen", FEBRUARY, "Ann", "Bob", "x", "reopening_goes_back"),
        ("reopen", None, "Ann", None, "x", "reopening_takes_two_persons"),
        ("reopen", None, "Ann", "ANN", "x", "reopening_takes_two_persons"),
        ("reopen", None, "Ann", "", "x", "approval_has_a_name"),
        ("reopen", None, "Ann", "Bob", "", "reopening_has_a_reason"),
    ],
)
@pytest.mark.parametrize("using", ["default", "owner"])
def test_postgresql_refuses_by_itself(
    using: str,
    action: str,
    through: date | None,
    by: str,
    approved_by: str | None,
    reason: str,
    sentence: str,
) -> None:
    book = a_closed_book()
    with refused(sentence), in_book(book, using) as cursor:
        cursor.execute(_INSERT, [book, 2, action, through, by, approved_by, reason, NOW])
    assert broken("ops", book) == {}


def test_a_book_is_closed_by_those_who_have_opened_it() -> None:
    book, other = a_book(), a_book()
    with refused("closing_is_of_the_open_book"), in_book(other) as cursor:
        cursor.execute(_INSERT, [book, 1, "close", FEBRUARY, "Ann", None, "", NOW])


@pytest.mark.parametrize(
    "verb", ["UPDATE ledger_closing SET reason = 'x'", "DELETE FROM ledger_closing"]
)
def test_a_closing_is_never_changed(verb: str) -> None:
    book = a_closed_book()
    with refused("only ever added to"), in_book(book, "owner") as cursor:
        cursor.execute(f"{verb} WHERE book = %s", [book])


def test_an_older_snapshot_closes_nothing() -> None:
    book = a_book()
    with transaction.atomic():
        with connections["default"].cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        with in_book(book), pytest.raises(Exception, match="READ COMMITTED"):
            close(book=book, through=FEBRUARY, **WHO)
        transaction.set_rollback(True)


# --- The operator's commands --------------------------------------------------------------


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_the_commands_close_and_reopen() -> None:
    book = str(a_closed_book())
    assert run("close_period", book, "2026-03-31", "--by=Ann") == (
        f"Book {book} is closed through 2026-03-31 (closing 2).\n"
        "The first open day is 2026-04-01.\n"
    )
    with pytest.raises(CommandError, match=r"The book was not closed\. A closing goes forward"):
        run("close_period", book, "2026-03-31", "--by=Ann")
    persons = ["--by=Ann", "--reason=an invoice"]
    with pytest.raises(CommandError, match=r"not reopened\. .* one person for two"):
        run("reopen_period", book, "--all", *persons, "--approved-by=Ann")
    assert run("reopen_period", book, "--through=2026-03-30", *persons, "--approved-by=Bob") == (
        f"Book {book} stays closed through 2026-03-30 (closing 3).\n"
        "The first open day is 2026-03-31.\n"
    )
    assert run("reopen_period", book, "--all", *persons, "--approved-by=Bob") == (
        f"Every day of book {book} is open (closing 4).\n"
    )
    with in_book(UUID(book)):
        later = datetime.now(UTC)
        post(book=UUID(book), draft=february(), now=later)
    said = run("close_period", book, "2026-02-28", "--by=Ann")
    assert said.endswith("Entries booked there after an earlier closing: 1.\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["close_period", "2026-02-28", "--by=Ann"],
        ["reopen_period", "--all", "--by=Ann", "--approved-by=Bob", "--reason=x"],
    ],
)
def test_a_book_nobody_has_is_not_closed(arguments: list[str]) -> None:
    book = str(uuid4())
    with pytest.raises(CommandError, match=f"There is no book {book}"):
        run(arguments[0], book, *arguments[1:])
