"""Wrong entries by SQL while the guards are up: refused, whoever tries."""

from __future__ import annotations

import uuid
from datetime import timedelta
from uuid import UUID

import pytest

from ledger.book import AccountSpec, Side, credit, debit, post, reverse
from tests.ledger.build import (
    CASH,
    DOLLARS,
    NOW,
    OWED,
    TODAY,
    WALLET,
    Line,
    a_book,
    a_draft,
    accounts_of,
    in_book,
    insert_entry,
    insert_entry_alone,
    insert_postings,
    refused,
    tampering,
    trying,
)

pytestmark = pytest.mark.usefixtures("database")

ROLES = ["default", "owner"]


def a_posted_entry(book: UUID) -> UUID:
    with in_book(book):
        return post(book=book, draft=a_draft(), now=NOW)


# --- Whole entries ------------------------------------------------------------------------


@pytest.mark.parametrize("using", ROLES)
def test_a_good_entry_by_hand_is_accepted(using: str) -> None:
    book = a_book()
    with trying(book, using) as cursor:
        ids = accounts_of(cursor, book)
        insert_entry(cursor, book, [Line(ids[CASH], "D"), Line(ids[OWED], "C")])
        cursor.execute("SELECT count(*), sum(amount) FROM ledger_posting WHERE book = %s", [book])
        assert cursor.fetchone() == (2, 200)


@pytest.mark.parametrize("using", ROLES)
def test_an_unbalanced_entry(using: str) -> None:
    with tampering(book := a_book(), using, "entry_is_balanced") as (cursor, ids):
        insert_entry(cursor, book, [Line(ids[CASH], "D", 100), Line(ids[OWED], "C", 99)])


@pytest.mark.parametrize("using", ROLES)
def test_currencies_that_balance_only_together(using: str) -> None:
    with tampering(book := a_book(), using, "entry_is_balanced") as (cursor, ids):
        lines = [Line(ids[CASH], "D", 100), Line(ids[DOLLARS], "C", 100, "USD")]
        insert_entry(cursor, book, lines)


@pytest.mark.parametrize("using", ROLES)
def test_one_currency_that_balances_does_not_excuse_another(using: str) -> None:
    with tampering(book := a_book(), using, "entry_is_balanced") as (cursor, ids):
        lines = [Line(ids[CASH], "D"), Line(ids[OWED], "C"), Line(ids[DOLLARS], "D", 5, "USD")]
        insert_entry(cursor, book, lines)


@pytest.mark.parametrize("using", ROLES)
@pytest.mark.parametrize("posting_count", [1, 3])
def test_an_entry_that_states_another_number(using: str, posting_count: int) -> None:
    with tampering(book := a_book(), using, "entry_has_a") as (cursor, ids):
        lines = [Line(ids[CASH], "D"), Line(ids[OWED], "C")]
        insert_entry(cursor, book, lines, posting_count=posting_count)


@pytest.mark.parametrize("using", ROLES)
def test_an_empty_entry_is_refused_at_once(using: str) -> None:
    with tampering(book := a_book(), using, "entry_has_all_its_postings") as (cursor, _):
        insert_entry_alone(cursor, book)


@pytest.mark.parametrize("using", ROLES)
@pytest.mark.parametrize("numbers", [(2, 3), (0, 1), (1, 3)])
def test_lines_that_are_not_numbered_from_one(using: str, numbers: tuple[int, int]) -> None:
    match = "entry_has_all_its_postings|posting_line_numbers_begin_at_one"
    with tampering(book := a_book(), using, match) as (cursor, ids):
        first, second = numbers
        lines = [Line(ids[CASH], "D", line_no=first), Line(ids[OWED], "C", line_no=second)]
        insert_entry(cursor, book, lines)


@pytest.mark.parametrize("using", ROLES)
def test_a_gap_in_the_middle_of_an_entry(using: str) -> None:
    """First and last line are there and balance: only the count tells that one is missing."""
    with tampering(book := a_book(), using, "entry_has_all_its_postings") as (cursor, ids):
        lines = [Line(ids[CASH], "D", line_no=1), Line(ids[OWED], "C", line_no=3)]
        insert_entry(cursor, book, lines, posting_count=3)


@pytest.mark.parametrize("using", ROLES)
@pytest.mark.parametrize("line_no", [1, 3])
def test_a_late_posting(using: str, line_no: int) -> None:
    book = a_book()
    entry = a_posted_entry(book)
    match = "one_posting_per_line|_pkey|entry_has_all_its_postings"
    with tampering(book, using, match) as (cursor, ids):
        insert_postings(cursor, book, entry, [Line(ids[CASH], "D", line_no=line_no)])


@pytest.mark.parametrize("using", ROLES)
def test_a_late_balanced_pair(using: str) -> None:
    book = a_book()
    entry = a_posted_entry(book)
    with tampering(book, using, "entry_has_all_its_postings") as (cursor, ids):
        pair = [Line(ids[CASH], "D", line_no=3), Line(ids[OWED], "C", line_no=4)]
        insert_postings(cursor, book, entry, pair)


@pytest.mark.parametrize("using", ROLES)
def test_the_same_lines_again_at_another_time(using: str) -> None:
    """The primary key of a partitioned table contains known_at, so alone it would let these in."""
    book = a_book()
    entry = a_posted_entry(book)
    with tampering(book, using, "posting_has_the_times_of_its_entry") as (cursor, ids):
        later = NOW + timedelta(seconds=1)
        pair = [Line(ids[CASH], "D", known_at=later), Line(ids[OWED], "C", known_at=later)]
        insert_postings(cursor, book, entry, pair)


@pytest.mark.parametrize("using", ROLES)
def test_postings_in_two_statements_of_one_transaction(using: str) -> None:
    with tampering(book := a_book(), using, "entry_has_all_its_postings") as (cursor, ids):
        insert_entry(cursor, book, [Line(ids[CASH], "D")], posting_count=2)
        insert_postings(cursor, book, uuid.uuid4(), [Line(ids[OWED], "C")])


@pytest.mark.parametrize("using", ROLES)
def test_constraints_set_immediate_open_no_gap(using: str) -> None:
    with tampering(book := a_book(), using, "entry_has_all_its_postings") as (cursor, ids):
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        entry = insert_entry(cursor, book, [Line(ids[CASH], "D"), Line(ids[OWED], "C")])
        pair = [Line(ids[CASH], "D", line_no=3), Line(ids[OWED], "C", line_no=4)]
        insert_postings(cursor, book, entry, pair)


@pytest.mark.parametrize("using", ROLES)
def test_postings_without_an_entry(using: str) -> None:
    with tampering(book := a_book(), using, "posting_has_an_entry_of_its_book") as (cursor, ids):
        lines = [Line(ids[CASH], "D"), Line(ids[OWED], "C")]
        insert_postings(cursor, book, uuid.uuid4(), lines)


@pytest.mark.parametrize("using", ROLES)
def test_a_posting_in_another_currency_than_its_account(using: str) -> None:
    match = "posting_has_the_currency_of_its_account"
    with tampering(book := a_book(), using, match) as (cursor, ids):
        lines = [Line(ids[CASH], "D", currency="USD"), Line(ids[OWED], "C", currency="USD")]
        insert_entry(cursor, book, lines)


@pytest.mark.parametrize("using", ROLES)
def test_a_posting_on_another_books_account(using: str) -> None:
    other = a_book()
    with in_book(other) as cursor:
        theirs = accounts_of(cursor, other)[CASH]
    match = "posting_has_an_account_of_its_book"
    with tampering(book := a_book(), using, match) as (cursor, ids):
        insert_entry(cursor, book, [Line(theirs, "D"), Line(ids[OWED], "C")])


def test_a_posting_in_another_book_than_its_entry() -> None:
    book, other = a_book(), a_book()
    with tampering(book, "owner", "of_its_book|has_all_its_postings") as (cursor, ids):
        theirs = accounts_of(cursor, other)
        insert_entry(cursor, book, [Line(ids[CASH], "D"), Line(theirs[OWED], "C", book=other)])


@pytest.mark.parametrize("using", ROLES)
@pytest.mark.parametrize("amount", [0, -1, 10**15])
def test_an_amount_that_is_none(using: str, amount: int) -> None:
    with tampering(book := a_book(), using, "posting_amount_is") as (cursor, ids):
        insert_entry(cursor, book, [Line(ids[CASH], "D", amount), Line(ids[OWED], "C", amount)])


@pytest.mark.parametrize("using", ROLES)
def test_a_side_that_is_none(using: str) -> None:
    with tampering(book := a_book(), using, "posting_is_debit_or_credit") as (cursor, ids):
        insert_entry(cursor, book, [Line(ids[CASH], "D"), Line(ids[OWED], "X")])


@pytest.mark.parametrize("using", ROLES)
@pytest.mark.parametrize("line", [0, 1])
def test_a_posting_with_a_day_of_its_own(using: str, line: int) -> None:
    match = "posting_has_the_times_of_its_entry"
    with tampering(book := a_book(), using, match) as (cursor, ids):
        lines = [Line(ids[CASH], "D"), Line(ids[OWED], "C")]
        lines[line].booked_on = TODAY + timedelta(days=line * 2 - 1)
        insert_entry(cursor, book, lines)


@pytest.mark.parametrize("using", ROLES)
def test_a_second_entry_for_a_fact(using: str) -> None:
    book = a_book()
    with in_book(book):
        post(book=book, draft=a_draft(reference="the fact"), now=NOW)
    with tampering(book, using, "one_entry_per_reference") as (cursor, ids):
        lines = [Line(ids[CASH], "D"), Line(ids[OWED], "C")]
        insert_entry(cursor, book, lines, reference="the fact")


@pytest.mark.parametrize("using", ROLES)
def test_a_guarded_account_below_its_floor(using: str) -> None:
    match = "available_is_never_below_its_floor"
    with tampering(book := a_book(), using, match) as (cursor, ids):
        insert_entry(cursor, book, [Line(ids[WALLET], "D", 1), Line(ids[CASH], "C", 1)])


# --- Reversals ----------------------------------------------------------------------------


@pytest.mark.parametrize("using", ROLES)
@pytest.mark.parametrize(
    "change",
    ["nothing", "amount", "account", "side", "subject", "order", "fewer"],
)
def test_a_reversal_that_is_no_mirror(using: str, change: str) -> None:
    book, subject = a_book(), uuid.uuid4()
    movements = [debit(CASH, 100, "CNY", subject=subject), credit(OWED, 60, "CNY")]
    draft = a_draft(*movements, credit("income:CNY", 40, "CNY"))
    with in_book(book) as cursor:
        original = post(book=book, draft=draft, now=NOW)
        ids = accounts_of(cursor, book)
    lines = [
        Line(ids[CASH], "C", 100, subject=subject),
        Line(ids[OWED], "D", 60),
        Line(ids["income:CNY"], "D", 40),
    ]
    if change == "amount":
        lines[1].amount, lines[2].amount = 59, 41
    elif change == "account":
        lines[1].account = ids["income:CNY"]
    elif change == "side":
        lines = [Line(x.account, "D" if x.side == "C" else "C", x.amount) for x in lines]
        lines[0].subject = subject
    elif change == "subject":
        lines[0].subject = None
    elif change == "order":
        lines = [lines[0], lines[2], lines[1]]
    elif change == "fewer":
        lines = [Line(ids[CASH], "C", 60, subject=subject), lines[1]]
    if change == "nothing":
        with trying(book, using) as cursor:
            insert_entry(cursor, book, lines, reverses=original)
        return
    with tampering(book, using, "reversal_mirrors_its_original") as (cursor, _):
        insert_entry(cursor, book, lines, reverses=original)


@pytest.mark.parametrize("using", ROLES)
def test_a_reversal_of_one_half_of_an_entry(using: str) -> None:
    book, half = a_book(), [debit(CASH, 100, "CNY"), credit(OWED, 100, "CNY")]
    with in_book(book):
        original = post(book=book, draft=a_draft(*half, *half), now=NOW)
    with tampering(book, using, "reversal_mirrors_its_original") as (cursor, ids):
        lines = [Line(ids[CASH], "C"), Line(ids[OWED], "D")]
        insert_entry(cursor, book, lines, reverses=original)


@pytest.mark.parametrize("using", ROLES)
def test_a_second_reversal(using: str) -> None:
    book = a_book()
    with in_book(book):
        original = post(book=book, draft=a_draft(reference="once"), now=NOW)
        reverse(book=book, reference="once", reason="", now=NOW, booked_on=TODAY)
    with tampering(book, using, "one_reversal_per_entry") as (cursor, ids):
        mirror = [Line(ids[CASH], "C"), Line(ids[OWED], "D")]
        insert_entry(cursor, book, mirror, reverses=original)


@pytest.mark.parametrize("using", ROLES)
def test_an_entry_that_reverses_itself(using: str) -> None:
    with tampering(book := a_book(), using, "entry_does_not_reverse_itself") as (cursor, ids):
        lines = [Line(ids[CASH], "C"), Line(ids[OWED], "D")]
        own = uuid.uuid4()
        insert_entry(cursor, book, lines, reverses=own, entry=own)


@pytest.mark.parametrize("using", ROLES)
def test_a_reversal_of_an_entry_that_is_not_there(using: str) -> None:
    match = "reversal_has_its_original|reversal_mirrors_its_original"
    with tampering(book := a_book(), using, match) as (cursor, ids):
        lines = [Line(ids[CASH], "C"), Line(ids[OWED], "D")]
        insert_entry(cursor, book, lines, reverses=uuid.uuid4())


# --- Accounts -----------------------------------------------------------------------------


def test_accounts_refuse_what_the_code_refuses() -> None:
    book = a_book()
    bad = [
        ("''", "'CNY'", "'D'", "NULL"),
        ("'x'", "'cny'", "'D'", "NULL"),
        ("'x'", "'CNY'", "'X'", "NULL"),
        ("'x'", "'CNY'", "'D'", "1"),
        (f"'{CASH}'", "'CNY'", "'D'", "NULL"),
    ]
    for code, currency, side, floor in bad:
        with refused("account"), in_book(book) as cursor:
            cursor.execute(
                "INSERT INTO ledger_ledgeraccount (id, book, code, currency, normal_side, floor,"
                f" opened_at) VALUES (gen_random_uuid(), %s, {code}, {currency}, {side}, {floor},"
                " now())",
                [book],
            )


def test_a_guarded_balance_follows_its_postings() -> None:
    book = a_book(AccountSpec(code="till", currency="CNY", normal_side=Side.DEBIT, floor=-5))
    with in_book(book) as cursor:
        post(book=book, draft=a_draft(debit("till", 9, "CNY"), credit(WALLET, 9, "CNY")), now=NOW)
        post(book=book, draft=a_draft(debit(WALLET, 2, "CNY"), credit("till", 2, "CNY")), now=NOW)
        cursor.execute(
            "SELECT code, debits, credits, held, b.floor, b.normal_side FROM ledger_balance b"
            " JOIN ledger_ledgeraccount a ON a.id = b.account_id"
            " WHERE b.floor IS NOT NULL ORDER BY code"
        )
        assert cursor.fetchall() == [("till", 9, 2, 0, -5, "D"), (WALLET, 2, 9, 0, 0, "C")]
