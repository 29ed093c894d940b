"""What an owner does to holds with every guard off, check_books finds."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest

from ledger.book import post
from ledger.holds import expire, release
from ledger.holds import post as post_hold
from tests.ledger.build import NOW, a_funded_book, broken, hold, in_book, spending
from tests.ledger.tampering import (
    APP,
    BODIES,
    CONSTRAINTS,
    FLOOR,
    GUARDED,
    HASH,
    HELD,
    HOLD,
    HOLD_REFERENCE,
    ISOLATION,
    POSTED,
    RIGHTS,
    SETTLED,
    TAKEN,
    TRIGGERS,
    TWO_HOLDS,
    tampering,
)

pytestmark = pytest.mark.usefixtures("database")

LATER = NOW + timedelta(hours=1)


@dataclass
class Holds:
    """A book with a hold of each state, and one that an older book would have posted."""

    book: UUID
    filling: UUID
    live: UUID
    """Of 20, of which 3 were taken."""
    posted: UUID
    released: UUID
    expired: UUID
    old: UUID
    """Of 4, posted by an entry that does not say so."""
    part: UUID
    """The entry that took a part of the live hold."""
    taken: UUID
    """The entry of the posted hold."""


def some_holds() -> Holds:
    book = a_funded_book(50)
    with in_book(book) as cursor:
        cursor.execute("SELECT id FROM ledger_journalentry")
        [(filling,)] = cursor.fetchall()
        holds = Holds(
            book=book,
            filling=filling,
            live=hold(book, 20, reference="live", subject=uuid.uuid4(), expires_at=LATER),
            posted=hold(book, 5, reference="posted"),
            released=hold(book, 7, reference="released"),
            expired=hold(book, 6, reference="expired", expires_at=NOW),
            old=hold(book, 4, reference="old"),
            part=post_hold(book=book, reference="live", draft=spending(3), now=NOW, part=True),
            taken=post_hold(book=book, reference="posted", draft=spending(5), now=NOW),
        )
        release(book=book, reference="released", reason="", now=NOW)
        expire(book=book, now=NOW)
        old_entry = post(book=book, draft=spending(4), now=NOW)
    post_as_an_older_book(book, holds.old, old_entry)
    return holds


def post_as_an_older_book(book: UUID, id: UUID, entry: UUID) -> None:
    """Make of a live hold what the migration makes of one that was posted before it."""
    with in_book(book, "owner") as cursor:
        cursor.execute(
            "ALTER TABLE ledger_hold DISABLE TRIGGER hold_is_settled_once;"
            "UPDATE ledger_hold SET state = 'posted', taken = amount, settled_at = placed_at,"
            f" posted_by = '{entry}' WHERE id = '{id}' AND book = '{book}';"
            "ALTER TABLE ledger_hold ENABLE ALWAYS TRIGGER hold_is_settled_once"
        )


def without(constraint: str, sql: str) -> str:
    """What can be done once this constraint is gone."""
    return f"ALTER TABLE ledger_hold DROP CONSTRAINT {constraint}; {sql}"


def change(which: str, values: str) -> str:
    """An UPDATE of one of the holds above."""
    return f"UPDATE ledger_hold SET {values} WHERE id = %({which})s AND book = %(book)s"


ALL_TAKEN, STATES = "hold_is_posted_when_all_is_taken", "hold_is_held_posted_released_or_expired"
INSTANT, TIME = "hold_is_settled_at_an_instant", "hold_expires_when_its_time_has_come"
RANGE, OLD = "no_more_is_taken_than_was_held", "hold_has_an_entry_only_if_posted"
ENTRY = "UPDATE ledger_journalentry SET hold_id = "

ROWS = [
    # What is held.
    ("UPDATE ledger_balance SET held = held - 1 WHERE book = %(book)s AND floor = 0", {HELD}),
    ("UPDATE ledger_balance SET held = 1 WHERE book = %(book)s AND floor IS NULL", {HELD}),
    ("DELETE FROM ledger_balance WHERE book = %(book)s AND floor = 0", {HELD, GUARDED}),
    ("DELETE FROM ledger_hold WHERE id = %(live)s", {HELD, TAKEN, HASH}),
    # What a hold says.
    (change("live", "amount = amount + 1"), {HELD, HOLD}),
    (change("live", "amount = 46"), {HELD, HOLD, FLOOR}),
    (change("released", "amount = amount + 1"), {HOLD}),
    (change("live", "reference = 'other'"), {HOLD, HASH}),
    (change("released", "reference = 'other'"), {HOLD}),
    (change("live", "subject = NULL"), {HOLD}),
    (change("live", "currency = 'USD'"), {HOLD}),
    (change("live", "expires_at = NULL"), {HOLD}),
    (change("live", "expires_at = expires_at + interval '1 microsecond'"), {HOLD}),
    (change("live", "content_hash = sha256('')"), {HOLD}),
    ("UPDATE ledger_hold h SET account_id = a.id FROM ledger_ledgeraccount a"
     " WHERE h.id = %(released)s AND a.book = h.book AND a.code = 'cash:CNY'", {HOLD}),
    ("UPDATE ledger_hold h SET account_id = a.id FROM ledger_ledgeraccount a"
     " WHERE h.id = %(live)s AND a.book = h.book AND a.code = 'owed:CNY'", {HELD, HOLD, TAKEN}),
    # What was taken of it.
    (change("live", "taken = taken + 1"), {HELD, TAKEN}),
    (change("live", "taken = 0"), {HELD, TAKEN}),
    (change("released", "taken = 1"), {TAKEN}),
    (change("expired", "taken = 1"), {TAKEN}),
    (without(ALL_TAKEN, change("posted", "taken = 4")), {TAKEN, SETTLED, CONSTRAINTS}),
    (without(RANGE, change("released", "taken = -1")), {TAKEN, SETTLED, CONSTRAINTS}),
    (without(RANGE, change("released", "taken = 8")), {TAKEN, SETTLED, CONSTRAINTS}),
    (without(ALL_TAKEN, change("posted", "amount = amount + 1")), {HOLD, SETTLED, CONSTRAINTS}),
    (f"{ENTRY} NULL WHERE id = %(part)s", {TAKEN, HASH}),
    (f"{ENTRY} NULL WHERE id = %(taken)s", {TAKEN, HASH, POSTED}),
    (f"{ENTRY} %(released)s WHERE id = %(part)s", {TAKEN, HASH}),
    (f"{ENTRY} gen_random_uuid() WHERE id = %(part)s", {TAKEN, HASH}),
    (f"{ENTRY} %(released)s WHERE id = %(filling)s", {TAKEN, HASH}),
    # Something is brought in the hold's name: the sum is right, the entries are not.
    (f"{ENTRY} %(live)s WHERE id = %(filling)s;"
     + without(RANGE, change("live", "taken = 3 - 50")),
     {TAKEN, HASH, HELD, FLOOR, SETTLED, CONSTRAINTS}),
    # What became of it.
    (change("live", "state = 'released', settled_at = now()"), {HELD}),
    (change("released", "state = 'held', settled_at = NULL"), {HELD}),
    (without(ALL_TAKEN, change("released", "state = 'posted'")), {SETTLED, POSTED, CONSTRAINTS}),
    (without(ALL_TAKEN, change("posted", "state = 'released'")), {SETTLED, CONSTRAINTS}),
    (without(STATES, change("released", "state = 'lost'")), {SETTLED, CONSTRAINTS}),
    (without(INSTANT, change("released", "settled_at = NULL")), {SETTLED, CONSTRAINTS}),
    (without(INSTANT, change("posted", "settled_at = NULL")), {SETTLED, POSTED, CONSTRAINTS}),
    (without(INSTANT, change("live", "settled_at = now()")), {SETTLED, CONSTRAINTS}),
    (without(TIME, change("released", "state = 'expired'")), {SETTLED, CONSTRAINTS}),
    (without(TIME, change("expired", "settled_at = expires_at - interval '1 second'")),
     {SETTLED, CONSTRAINTS}),
    (change("posted", "settled_at = settled_at + interval '1 second'"), {POSTED}),
    # Holds of older books, and holds made to look like one.
    (change("old", "posted_by = NULL"), {TAKEN, POSTED}),
    (change("old", "posted_by = %(filling)s"), {TAKEN}),
    (change("old", "posted_by = gen_random_uuid()"), {TAKEN}),
    (change("old", "posted_by = %(taken)s"), {TAKEN, TWO_HOLDS}),
    (change("posted", "posted_by = %(taken)s"), {TAKEN, TWO_HOLDS}),
    (without(OLD, change("live", "posted_by = %(filling)s")), {TAKEN, SETTLED, CONSTRAINTS}),
    ("ALTER TABLE ledger_hold DROP CONSTRAINT one_hold_per_reference;"
     + change("released", "reference = 'live'"), {HOLD, HOLD_REFERENCE, CONSTRAINTS}),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "expected"), ROWS)
def test_tampering_with_the_guards_off_is_found(sql: str, expected: set[str]) -> None:
    holds = some_holds()
    assert broken("ops", holds.book) == {}
    with tampering(guards=False) as cursor:
        cursor.execute(sql, vars(holds))
        found = broken("owner", holds.book)
        assert found.keys() == expected | {TRIGGERS}
        assert all(f.violations >= 1 and f.examples for f in found.values())


CATALOGUE = [
    ("ALTER TABLE ledger_hold DISABLE TRIGGER holds_need_money_that_is_there", TRIGGERS),
    ("ALTER TABLE ledger_hold ENABLE TRIGGER settled_holds_give_back", TRIGGERS),
    ("DROP TRIGGER hold_is_settled_once ON ledger_hold", TRIGGERS),
    ("ALTER TABLE ledger_hold ENABLE REPLICA TRIGGER settled_holds_give_back", TRIGGERS),
    ("ALTER TABLE ledger_hold DROP CONSTRAINT hold_is_posted_when_all_is_taken", CONSTRAINTS),
    ("ALTER TABLE ledger_hold DROP CONSTRAINT no_more_is_taken_than_was_held", CONSTRAINTS),
    ("ALTER TABLE ledger_hold NO FORCE ROW LEVEL SECURITY", ISOLATION),
    ("CREATE POLICY p ON ledger_hold FOR UPDATE TO tributary_app USING (true)", ISOLATION),
    ("GRANT UPDATE ON ledger_hold TO tributary_app", APP),
    ("GRANT UPDATE (amount) ON ledger_hold TO tributary_app", APP),
    ("GRANT UPDATE (taken) ON ledger_hold TO tributary_app", APP),
    ("GRANT UPDATE (posted_by) ON ledger_hold TO tributary_app", APP),
    ("GRANT DELETE ON ledger_hold TO tributary_app", APP),
    ("GRANT EXECUTE ON FUNCTION ledger_place_holds() TO tributary_app", RIGHTS),
    ("ALTER FUNCTION ledger_settle_holds() RESET search_path", RIGHTS),
    ("CREATE OR REPLACE FUNCTION ledger_lock_balances(accounts uuid[]) RETURNS void"
     " LANGUAGE plpgsql AS 'BEGIN END'", BODIES),
    ("CREATE OR REPLACE FUNCTION ledger_expire(its_book uuid, its_settled_at timestamptz, most int)"
     " RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 0; END'", BODIES),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "expected"), CATALOGUE)
def test_a_guard_taken_away_is_found(sql: str, expected: str) -> None:
    with tampering() as cursor:
        cursor.execute(sql)
        assert expected in broken("owner", uuid.uuid4())
