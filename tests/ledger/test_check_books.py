"""An owner can switch every guard off. What is done then, check_books finds.

Each test tampers as the owner in a transaction that is rolled back.
"""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from ledger.book import credit, debit, post
from ledger.checks import prove
from ledger.errors import BookNotOpenError
from ledger.management.commands.check_books import Command
from ledger.totals import Totals, trial_balance
from tests.ledger.build import (
    CASH,
    INCOME,
    NOW,
    OWED,
    a_book,
    a_draft,
    in_book,
)
from tests.ledger.build import broken as broken_in
from tests.ledger.tampering import (
    ACCOUNT,
    AMOUNT,
    APP,
    BALANCED,
    BODIES,
    CLOSED,
    CLOSINGS,
    CODE,
    CONSTRAINTS,
    COUNTED,
    DAILY,
    ENTRY,
    FLOOR,
    FUNDS,
    GUARDED,
    HASH,
    HELD,
    HOLD,
    HOLD_REFERENCE,
    ISOLATION,
    LINKS,
    MIRROR,
    NEXT_MONTH,
    ONCE,
    OPS,
    POSTED,
    REFERENCE,
    RIGHTS,
    SETTLED,
    TAKEN,
    TRIGGERS,
    TWO_HOLDS,
    some_books,
    tampering,
)

pytestmark = pytest.mark.usefixtures("database")


def test_sound_books_pass() -> None:
    books = some_books()
    findings = prove("ops", books.book)
    assert {f.invariant for f in findings} == {
        BALANCED, COUNTED, ENTRY, ACCOUNT, AMOUNT, HASH, REFERENCE, CODE, MIRROR, ONCE, GUARDED,
        DAILY, FUNDS, LINKS, CLOSINGS, CLOSED, FLOOR, HELD, HOLD, TAKEN, TWO_HOLDS,
        SETTLED, POSTED, HOLD_REFERENCE, TRIGGERS, CONSTRAINTS, ISOLATION, APP, OPS,
        BODIES, RIGHTS, NEXT_MONTH,
    }  # fmt: skip
    assert all(f.violations == 0 and f.examples == () for f in findings)
    assert broken_in("owner", None) == {}


ROWS = [
    # One amount, or all of an entry alike: the second still balances.
    ("UPDATE ledger_posting SET amount = 101 WHERE entry_id = %(plain)s AND line_no = 1",
     {BALANCED, HASH, GUARDED}),
    ("UPDATE ledger_posting SET amount = 101 WHERE entry_id = %(plain)s", {HASH, GUARDED}),
    ("UPDATE ledger_posting SET side = CASE side WHEN 'D' THEN 'C' ELSE 'D' END"
     " WHERE entry_id = %(plain)s", {HASH, GUARDED}),
    ("UPDATE ledger_posting SET subject = gen_random_uuid() WHERE entry_id = %(plain)s", {HASH}),
    ("UPDATE ledger_posting SET line_no = line_no + 5 WHERE entry_id = %(plain)s", {COUNTED}),
    ("UPDATE ledger_posting SET booked_on = booked_on + 1 WHERE entry_id = %(plain)s", {ENTRY}),
    ("UPDATE ledger_posting SET known_at = known_at + interval '1 month'"
     " WHERE entry_id = %(plain)s", {ENTRY, HASH}),
    ("UPDATE ledger_posting SET currency = 'USD' WHERE entry_id = %(plain)s", {ACCOUNT, HASH}),
    ("UPDATE ledger_posting SET account_id = gen_random_uuid()"
     " WHERE entry_id = %(plain)s AND line_no = 1", {ACCOUNT, HASH, GUARDED}),
    ("UPDATE ledger_posting p SET account_id = a.id FROM ledger_ledgeraccount a"
     " WHERE entry_id = %(plain)s AND line_no = 1 AND a.book <> p.book AND a.code = 'cash:CNY'",
     {ACCOUNT, HASH, GUARDED}),
    ("UPDATE ledger_posting p SET account_id = a.id FROM ledger_ledgeraccount a"
     " WHERE entry_id = %(plain)s AND line_no = 2 AND a.book = p.book AND a.code = 'income:CNY'",
     {HASH, GUARDED}),
    # Rows gone, or come late.
    ("DELETE FROM ledger_posting WHERE entry_id = %(plain)s AND line_no = 2",
     {BALANCED, COUNTED, HASH, GUARDED}),
    ("DELETE FROM ledger_posting WHERE entry_id = %(plain)s", {COUNTED, HASH, GUARDED}),
    ("DELETE FROM ledger_journalentry WHERE id = %(plain)s", {ENTRY}),
    ("DELETE FROM ledger_ledgeraccount WHERE book = %(book)s AND code = 'owed:CNY'",
     {ACCOUNT, HASH, GUARDED}),
    ("INSERT INTO ledger_posting SELECT book, entry_id, account_id, subject, amount, known_at,"
     " booked_on, line_no + 2, currency, side FROM ledger_posting WHERE entry_id = %(plain)s",
     {COUNTED, HASH, GUARDED}),
    ("INSERT INTO ledger_posting SELECT book, entry_id, account_id, subject, amount,"
     " known_at + interval '1 second', booked_on, line_no, currency, side FROM ledger_posting"
     " WHERE entry_id = %(plain)s", {COUNTED, ENTRY, GUARDED}),
    ("INSERT INTO ledger_posting SELECT book, gen_random_uuid(), account_id, subject, amount,"
     " known_at, booked_on, line_no, currency, side FROM ledger_posting"
     " WHERE entry_id = %(plain)s AND line_no = 1", {BALANCED, ENTRY, GUARDED}),
    ("ALTER TABLE ledger_posting DETACH PARTITION ledger_posting_2026_03",
     {COUNTED, HASH, GUARDED}),
    # What an entry says.
    ("UPDATE ledger_journalentry SET memo = 'other' WHERE id = %(plain)s", {HASH}),
    ("UPDATE ledger_journalentry SET kind = 'other' WHERE id = %(plain)s", {HASH}),
    ("UPDATE ledger_journalentry SET reference = 'other' WHERE id = %(plain)s", {HASH}),
    ("UPDATE ledger_journalentry SET event_at = event_at - interval '1 microsecond'"
     " WHERE id = %(plain)s", {HASH}),
    ("UPDATE ledger_journalentry SET booked_on = booked_on + 1 WHERE id = %(plain)s",
     {ENTRY, HASH}),
    ("UPDATE ledger_journalentry SET known_at = known_at + interval '1 microsecond'"
     " WHERE id = %(plain)s", {ENTRY, HASH}),
    ("UPDATE ledger_journalentry SET posting_count = 3 WHERE id = %(plain)s", {COUNTED}),
    ("UPDATE ledger_journalentry SET content_hash = sha256('') WHERE id = %(plain)s", {HASH}),
    ("UPDATE ledger_journalentry SET reverses = NULL WHERE id = %(reversal)s", {HASH}),
    ("UPDATE ledger_journalentry SET reverses = %(wallet)s WHERE id = %(reversal)s",
     {HASH, MIRROR}),
    ("UPDATE ledger_journalentry SET reverses = gen_random_uuid() WHERE id = %(reversal)s",
     {HASH, MIRROR}),
    ("DROP INDEX one_reversal_per_entry;"
     " UPDATE ledger_journalentry SET reverses = %(undone)s WHERE id = %(plain)s",
     {HASH, MIRROR, ONCE, CONSTRAINTS}),
    ("UPDATE ledger_posting SET amount = 99 WHERE entry_id = %(undone)s", {HASH, MIRROR, GUARDED}),
    ("ALTER TABLE ledger_journalentry DROP CONSTRAINT one_entry_per_reference;"
     " UPDATE ledger_journalentry SET reference = 'plain' WHERE id = %(wallet)s",
     {HASH, REFERENCE, CONSTRAINTS}),
    # Amounts no constraint would let in.
    ("ALTER DOMAIN ledger_amount DROP CONSTRAINT posting_amount_is_positive;"
     " UPDATE ledger_posting SET amount = -100 WHERE entry_id = %(plain)s",
     {AMOUNT, HASH, CONSTRAINTS, GUARDED}),
    # Accounts and guarded balances.
    ("UPDATE ledger_ledgeraccount SET code = 'x' WHERE book = %(book)s AND code = 'owed:CNY'",
     {HASH}),
    ("UPDATE ledger_ledgeraccount SET currency = 'USD' WHERE book = %(book)s AND code = 'owed:CNY'",
     {ACCOUNT}),
    ("ALTER TABLE ledger_ledgeraccount DROP CONSTRAINT one_account_per_code; UPDATE"
     " ledger_ledgeraccount SET code = 'cash:CNY' WHERE book = %(book)s AND code = 'cash:USD'",
     {CODE, CONSTRAINTS}),
    ("UPDATE ledger_ledgeraccount SET floor = -1 WHERE book = %(book)s AND code = 'wallet:CNY'",
     {GUARDED}),
    ("UPDATE ledger_ledgeraccount SET floor = NULL WHERE book = %(book)s AND code = 'wallet:CNY'",
     {GUARDED}),
    ("UPDATE ledger_ledgeraccount SET floor = 0 WHERE book = %(book)s AND code = 'owed:CNY'",
     {GUARDED}),
    ("UPDATE ledger_balance SET credits = credits + 1 WHERE book = %(book)s", {GUARDED}),
    ("UPDATE ledger_balance SET debits = 1, credits = credits + 1 WHERE book = %(book)s",
     {GUARDED}),
    ("UPDATE ledger_balance SET floor = -1 WHERE book = %(book)s", {GUARDED}),
    ("DELETE FROM ledger_balance WHERE book = %(book)s", {GUARDED}),
    ("UPDATE ledger_posting SET side = CASE side WHEN 'D' THEN 'C' ELSE 'D' END"
     " WHERE entry_id = %(wallet)s", {HASH, GUARDED, FLOOR}),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "expected"), ROWS)
def test_tampering_with_the_guards_off_is_found(sql: str, expected: set[str]) -> None:
    books = some_books()
    with tampering(guards=False) as cursor:
        cursor.execute(sql, vars(books))
        found = broken_in("owner", books.book)
        assert found.keys() - {TRIGGERS} == expected - {TRIGGERS}
        assert TRIGGERS in found
        assert all(f.violations >= 1 and f.examples for f in found.values())
    assert broken_in("ops", books.book) == {}


def test_only_the_book_asked_for_is_proved() -> None:
    mine, other = some_books(), some_books()
    with tampering(guards=False) as cursor:
        cursor.execute(
            "UPDATE ledger_posting SET amount = amount + 1 WHERE book = %s AND line_no = 1",
            [other.book],
        )
        assert BALANCED not in broken_in("owner", mine.book)
        assert broken_in("owner", other.book)[BALANCED].violations == 4
        assert broken_in("owner", None)[BALANCED].violations == 4


def test_the_application_proves_its_own_book_and_no_other() -> None:
    mine, other = some_books().book, some_books().book
    with in_book(mine):
        assert broken_in("default", mine) == {}
        with pytest.raises(BookNotOpenError):
            prove("default", other)
        with pytest.raises(BookNotOpenError):
            prove("default")
    with pytest.raises(BookNotOpenError):
        prove("default", mine)


def test_the_command_prints_a_line_per_invariant() -> None:
    books, out = some_books(), StringIO()
    call_command(Command(), book=str(books.book), stdout=out)
    lines = out.getvalue().splitlines()
    assert len(lines) == 32
    assert all(line.startswith("ok            0  ") for line in lines)


def test_the_command_fails_on_broken_books() -> None:
    books, out = some_books(), StringIO()
    with tampering(guards=False) as cursor:
        cursor.execute("UPDATE ledger_journalentry SET memo = 'x' WHERE id = %s", [books.plain])
        with pytest.raises(CommandError, match="2 of 32 invariants are broken"):
            call_command(Command(), book=books.book, using="owner", stdout=out)
    assert f"BROKEN        1  {HASH}\n                 entry {books.plain}\n" in out.getvalue()


def test_a_trial_balance_shows_what_does_not_balance() -> None:
    books = some_books()
    with tampering(guards=False) as cursor:
        cursor.execute("SELECT set_config('tributary.tenant', %s, true)", [str(books.book)])
        assert trial_balance(book=books.book, using="owner")["CNY"] == Totals(350, 350)
        cursor.execute(
            "UPDATE ledger_balance b SET debits = b.debits + 7 FROM ledger_ledgeraccount a"
            " WHERE a.book = b.book AND a.id = b.account_id AND a.code = %s AND b.book = %s",
            [CASH, books.book],
        )
        assert trial_balance(book=books.book, using="owner")["CNY"] == Totals(357, 350)


def test_at_most_five_examples_are_given() -> None:
    book = a_book()
    with in_book(book):
        for _ in range(7):
            draft = a_draft(debit(CASH, 5, "CNY"), credit(OWED, 4, "CNY"), credit(INCOME, 1, "CNY"))
            post(book=book, draft=draft, now=NOW)
    with tampering(guards=False) as cursor:
        cursor.execute("UPDATE ledger_journalentry SET memo = 'x' WHERE book = %s", [book])
        finding = broken_in("owner", book)[HASH]
        assert (finding.violations, len(finding.examples)) == (7, 5)
