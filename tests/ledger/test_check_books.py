"""An owner can switch every guard off. What is done then, check_books finds.

Each test tampers as the owner in a transaction that is rolled back.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connections, transaction
from django.db.backends.utils import CursorWrapper

from ledger.book import credit, debit, post, reverse
from ledger.checks import prove
from ledger.errors import BookNotOpenError
from ledger.management.commands.check_books import Command
from ledger.totals import Totals, trial_balance
from tests.ledger.build import (
    CASH,
    INCOME,
    NOW,
    OWED,
    TODAY,
    WALLET,
    RolledBackError,
    a_book,
    a_draft,
    in_book,
)
from tests.ledger.build import broken as broken_in

pytestmark = pytest.mark.usefixtures("database")

BALANCED = "every entry balances in every currency"
COUNTED = "every entry has the postings it states, numbered from 1"
ENTRY = "every posting has an entry of its book, and its times"
ACCOUNT = "every posting has an account of its book and currency"
AMOUNT = "every amount is positive and has a side"
HASH = "every entry is what it was when it was posted"
REFERENCE = "every reference names one entry"
CODE = "every code names one account"
MIRROR = "every reversal mirrors its original"
ONCE = "every entry is reversed at most once"
GUARDED = "every balance is the sum of its postings, those just arrived included"
DAILY = "every day's totals are the sums of its postings"
FUNDS = "no entry funds more than it brought"
LINKS = "every entry has the links it states"
CLOSINGS = "every closing follows the one before"
CLOSED = "every closed day is what it was when it was closed"
FLOOR = "no guarded account is below its floor"
HELD = "what is held is the sum of the live holds"
HOLD = "every hold is what it was when it was placed, on a guarded account"
POSTED = "every posted hold has an entry of its own that took what was held, and no other has one"
HOLD_REFERENCE = "every reference names one hold"
TRIGGERS = "every guard trigger is in place and always on"
CONSTRAINTS = "every constraint is in place"
ISOLATION = "every table keeps books apart, for its owner too"
APP = "the application can add and settle, never change"
OPS = "the operator can read, nothing else"
BODIES = "every guard does what it was written to do"
RIGHTS = "nobody can borrow the guards' rights"
NEXT_MONTH = "next month's postings have a partition"

TABLES = [
    "ledger_ledgeraccount",
    "ledger_journalentry",
    "ledger_posting",
    "ledger_balance",
    "ledger_hold",
    "ledger_link",
    "ledger_arrival",
    "ledger_daily",
    "ledger_closing",
]


@contextmanager
def tampering(*, guards: bool = True) -> Iterator[CursorWrapper]:
    """The owner at work, with the triggers off or on; nothing of it stays."""
    with (
        pytest.raises(RolledBackError),
        transaction.atomic(using="owner"),
        connections["owner"].cursor() as cursor,
    ):
        for table in TABLES if not guards else []:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        yield cursor
        raise RolledBackError


@dataclass
class Books:
    """A book with a plain entry, one on the guarded wallet, and a reversed one."""

    book: UUID
    plain: UUID
    wallet: UUID
    undone: UUID
    reversal: UUID


def some_books() -> Books:
    book = a_book()
    undone = a_draft(reference="undone")
    with in_book(book):
        return Books(
            book=book,
            plain=post(book=book, draft=a_draft(reference="plain"), now=NOW),
            wallet=post(
                book=book,
                draft=a_draft(debit(CASH, 50, "CNY"), credit(WALLET, 50, "CNY")),
                now=NOW,
            ),
            undone=post(book=book, draft=undone, now=NOW),
            reversal=reverse(book=book, reference="undone", reason="", now=NOW, booked_on=TODAY),
        )


def test_sound_books_pass() -> None:
    books = some_books()
    findings = prove("ops", books.book)
    assert {f.invariant for f in findings} == {
        BALANCED, COUNTED, ENTRY, ACCOUNT, AMOUNT, HASH, REFERENCE, CODE, MIRROR, ONCE, GUARDED,
        DAILY, FUNDS, LINKS, CLOSINGS, CLOSED, FLOOR, HELD, HOLD, POSTED, HOLD_REFERENCE,
        TRIGGERS, CONSTRAINTS, ISOLATION, APP, OPS, BODIES, RIGHTS, NEXT_MONTH,
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
    ("ALTER TABLE ledger_posting DROP CONSTRAINT posting_amount_is_positive;"
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


CATALOGUE = [
    ("ALTER TABLE ledger_posting DISABLE TRIGGER postings_make_whole_entries", TRIGGERS),
    ("ALTER TABLE ledger_posting ENABLE TRIGGER posting_never_changes", TRIGGERS),
    ("ALTER TABLE ledger_posting_2026_03 DISABLE TRIGGER posting_never_changes", TRIGGERS),
    ("ALTER TABLE ledger_posting_2026_03 DISABLE TRIGGER partition_is_closed", TRIGGERS),
    ("DROP TRIGGER partition_is_closed ON ledger_posting_2026_03", TRIGGERS),
    ("DROP TRIGGER entries_have_their_postings ON ledger_journalentry", TRIGGERS),
    ("ALTER TABLE ledger_ledgeraccount ENABLE REPLICA TRIGGER accounts_never_vanish", TRIGGERS),
    ("DROP TRIGGER balances_never_vanish ON ledger_balance", TRIGGERS),
    ("CREATE FUNCTION harmless() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
     " CREATE OR REPLACE TRIGGER entry_never_changes BEFORE UPDATE OR DELETE"
     " ON ledger_journalentry FOR EACH ROW EXECUTE FUNCTION harmless();"
     " ALTER TABLE ledger_journalentry ENABLE ALWAYS TRIGGER entry_never_changes", TRIGGERS),
    ("CREATE TABLE ledger_posting_1990_01 PARTITION OF ledger_posting"
     " FOR VALUES FROM ('1990-01-01') TO ('1990-02-01')", TRIGGERS),
    ("ALTER TABLE ledger_balance DROP CONSTRAINT available_is_never_below_its_floor", CONSTRAINTS),
    ("ALTER TABLE ledger_journalentry DROP CONSTRAINT reversal_has_its_original", CONSTRAINTS),
    ("ALTER TABLE ledger_journalentry DROP CONSTRAINT entry_has_at_least_two_postings,"
     " ADD CONSTRAINT entry_has_at_least_two_postings CHECK (posting_count >= 2) NOT VALID",
     CONSTRAINTS),
    ("DROP INDEX one_reversal_per_entry", CONSTRAINTS),
    ("ALTER TABLE ledger_posting NO FORCE ROW LEVEL SECURITY", ISOLATION),
    ("ALTER TABLE ledger_balance DISABLE ROW LEVEL SECURITY", ISOLATION),
    ("ALTER TABLE ledger_posting_2026_03 DISABLE ROW LEVEL SECURITY", ISOLATION),
    ("CREATE POLICY p ON ledger_posting FOR SELECT TO tributary_app USING (true)", ISOLATION),
    ("CREATE POLICY p ON ledger_posting FOR INSERT TO tributary_app WITH CHECK (true)", ISOLATION),
    ("CREATE POLICY p ON ledger_journalentry FOR SELECT USING (true)", ISOLATION),
    ("ALTER POLICY only_the_open_book ON ledger_ledgeraccount"
     " USING (book = NULLIF(current_setting('tributary.tenant', true), '')::uuid OR true)",
     ISOLATION),
    ("GRANT UPDATE ON ledger_posting TO tributary_app", APP),
    ("GRANT DELETE ON ledger_journalentry TO PUBLIC", APP),
    ("GRANT TRUNCATE ON ledger_ledgeraccount TO tributary_app", APP),
    ("GRANT TRIGGER ON ledger_journalentry TO tributary_app", APP),
    ("GRANT UPDATE (memo) ON ledger_journalentry TO tributary_app", APP),
    ("GRANT INSERT ON ledger_balance TO tributary_app", APP),
    ("GRANT INSERT ON ledger_posting_2026_03 TO tributary_app", APP),
    ("ALTER ROLE tributary_app BYPASSRLS", APP),
    ("ALTER ROLE tributary_ops BYPASSRLS", APP),
    ("GRANT CREATE ON SCHEMA public TO tributary_app", APP),
    ("CREATE ROLE another; ALTER TABLE ledger_balance OWNER TO another;"
     " GRANT another TO tributary_app", APP),
    ("GRANT INSERT ON ledger_posting TO tributary_ops", OPS),
    ("GRANT UPDATE (memo) ON ledger_journalentry TO tributary_ops", OPS),
    ("GRANT EXECUTE ON FUNCTION ledger_check_postings() TO tributary_app", RIGHTS),
    ("GRANT EXECUTE ON FUNCTION ledger_check_entries() TO PUBLIC", RIGHTS),
    ("GRANT EXECUTE ON FUNCTION ledger_open_balances() TO tributary_ops", RIGHTS),
    ("ALTER TABLE ledger_closing DISABLE TRIGGER closing_follows_the_last_one", TRIGGERS),
    ("DROP TRIGGER closings_arrive ON ledger_closing", TRIGGERS),
    ("ALTER TABLE ledger_closing DROP CONSTRAINT reopening_takes_two_persons", CONSTRAINTS),
    ("GRANT EXECUTE ON FUNCTION ledger_check_closing() TO tributary_app", RIGHTS),
    ("CREATE OR REPLACE FUNCTION ledger_trial_balance_digest(its_book uuid, last_day date)"
     " RETURNS bytea LANGUAGE sql AS 'SELECT sha256(''x'')'", BODIES),
    ("CREATE OR REPLACE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql"
     " AS 'BEGIN RETURN NEW; END'", BODIES),
    ("DROP FUNCTION ledger_check_entries() CASCADE", BODIES),
    ("DROP FUNCTION ledger_check_entries() CASCADE", TRIGGERS),
    ("ALTER FUNCTION ledger_check_postings() SECURITY INVOKER", RIGHTS),
    ("ALTER FUNCTION ledger_check_postings() RESET search_path", RIGHTS),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "expected"), CATALOGUE)
def test_a_guard_taken_away_is_found(sql: str, expected: str) -> None:
    with tampering() as cursor:
        cursor.execute(sql)
        assert expected in broken_in("owner", uuid.uuid4())


def test_a_month_that_nobody_prepared_is_found() -> None:
    with tampering() as cursor:
        cursor.execute("SELECT 'ledger_posting_' || to_char(now() + interval '1 month', 'YYYY_MM')")
        [(name,)] = cursor.fetchall()
        cursor.execute(f"ALTER TABLE ledger_posting DETACH PARTITION {name}")
        assert broken_in("owner", uuid.uuid4())[NEXT_MONTH].examples == (name,)


# --- Who proves ---------------------------------------------------------------------------


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
    assert len(lines) == 29
    assert all(line.startswith("ok            0  ") for line in lines)


def test_the_command_fails_on_broken_books() -> None:
    books, out = some_books(), StringIO()
    with tampering(guards=False) as cursor:
        cursor.execute("UPDATE ledger_journalentry SET memo = 'x' WHERE id = %s", [books.plain])
        with pytest.raises(CommandError, match="2 of 29 invariants are broken"):
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
