"""What an owner does to holds with every guard off, check_books finds."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from uuid import UUID

import pytest

from ledger.holds import post, release
from tests.ledger.build import NOW, a_funded_book, broken, hold, in_book, spending
from tests.ledger.test_check_books import (
    APP,
    BODIES,
    CONSTRAINTS,
    FLOOR,
    HELD,
    HOLD,
    HOLD_REFERENCE,
    ISOLATION,
    POSTED,
    RIGHTS,
    TRIGGERS,
    tampering,
)

pytestmark = pytest.mark.usefixtures("database")


@dataclass
class Holds:
    """A book of 50 with a hold of each state."""

    book: UUID
    filling: UUID
    live: UUID
    posted: UUID
    released: UUID
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
            live=hold(book, 20, reference="live", subject=uuid.uuid4(), expires_at=NOW),
            posted=hold(book, 5, reference="posted"),
            released=hold(book, 7, reference="released"),
            taken=post(book=book, reference="posted", draft=spending(5), now=NOW),
        )
        release(book=book, reference="released", reason="", now=NOW)
    return holds


ROWS = [
    ("UPDATE ledger_balance SET held = held - 1 WHERE book = %(book)s", {HELD}),
    ("UPDATE ledger_hold SET amount = amount + 1 WHERE id = %(live)s", {HELD, HOLD}),
    ("UPDATE ledger_hold SET amount = 46 WHERE id = %(live)s", {HELD, HOLD, FLOOR}),
    ("UPDATE ledger_hold SET amount = amount + 1 WHERE id = %(released)s", {HOLD}),
    ("UPDATE ledger_hold SET amount = amount + 1 WHERE id = %(posted)s", {HOLD, POSTED}),
    ("UPDATE ledger_hold SET reference = 'other' WHERE id = %(live)s", {HOLD}),
    ("UPDATE ledger_hold SET subject = NULL WHERE id = %(live)s", {HOLD}),
    ("UPDATE ledger_hold SET currency = 'USD' WHERE id = %(live)s", {HOLD}),
    ("UPDATE ledger_hold SET expires_at = NULL WHERE id = %(live)s", {HOLD}),
    ("UPDATE ledger_hold SET expires_at = expires_at + interval '1 microsecond'"
     " WHERE id = %(live)s", {HOLD}),
    ("UPDATE ledger_hold SET content_hash = sha256('') WHERE id = %(live)s", {HOLD}),
    ("UPDATE ledger_hold h SET account_id = a.id FROM ledger_ledgeraccount a WHERE h.id = %(live)s"
     " AND a.book = h.book AND a.code = 'cash:CNY'", {HELD, HOLD}),
    ("DELETE FROM ledger_hold WHERE id = %(live)s", {HELD}),
    ("UPDATE ledger_hold SET state = 'released', settled_at = now() WHERE id = %(live)s", {HELD}),
    ("UPDATE ledger_hold SET state = 'held', settled_at = NULL WHERE id = %(released)s", {HELD}),
    ("UPDATE ledger_hold SET state = 'posted' WHERE id = %(released)s", {POSTED}),
    ("UPDATE ledger_hold SET entry_id = NULL WHERE id = %(posted)s", {POSTED}),
    ("UPDATE ledger_hold SET entry_id = %(filling)s WHERE id = %(posted)s", {POSTED}),
    ("UPDATE ledger_hold SET entry_id = gen_random_uuid() WHERE id = %(posted)s", {POSTED}),
    ("ALTER TABLE ledger_hold DROP CONSTRAINT one_hold_per_entry; UPDATE ledger_hold"
     " SET amount = 5, state = 'posted', entry_id = %(taken)s WHERE id = %(released)s",
     {HOLD, POSTED, CONSTRAINTS}),
    ("ALTER TABLE ledger_hold DROP CONSTRAINT hold_is_settled_at_an_instant;"
     " UPDATE ledger_hold SET settled_at = NULL WHERE id = %(released)s", {POSTED, CONSTRAINTS}),
    ("ALTER TABLE ledger_hold DROP CONSTRAINT hold_has_an_entry_only_if_posted;"
     " UPDATE ledger_hold SET entry_id = %(filling)s WHERE id = %(live)s", {POSTED, CONSTRAINTS}),
    ("ALTER TABLE ledger_hold DROP CONSTRAINT one_hold_per_reference;"
     " UPDATE ledger_hold SET reference = 'live' WHERE id = %(released)s",
     {HOLD, HOLD_REFERENCE, CONSTRAINTS}),
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
    ("ALTER TABLE ledger_hold ENABLE REPLICA TRIGGER posted_hold_has_its_entry", TRIGGERS),
    ("ALTER TABLE ledger_hold DROP CONSTRAINT one_hold_per_entry", CONSTRAINTS),
    ("ALTER TABLE ledger_hold NO FORCE ROW LEVEL SECURITY", ISOLATION),
    ("CREATE POLICY p ON ledger_hold FOR UPDATE TO tributary_app USING (true)", ISOLATION),
    ("GRANT UPDATE ON ledger_hold TO tributary_app", APP),
    ("GRANT UPDATE (amount) ON ledger_hold TO tributary_app", APP),
    ("GRANT DELETE ON ledger_hold TO tributary_app", APP),
    ("GRANT EXECUTE ON FUNCTION ledger_place_holds() TO tributary_app", RIGHTS),
    ("ALTER FUNCTION ledger_settle_holds() RESET search_path", RIGHTS),
    ("CREATE OR REPLACE FUNCTION ledger_lock_balances(accounts uuid[]) RETURNS void"
     " LANGUAGE plpgsql AS 'BEGIN END'", BODIES),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "expected"), CATALOGUE)
def test_a_guard_taken_away_is_found(sql: str, expected: str) -> None:
    with tampering() as cursor:
        cursor.execute(sql)
        assert expected in broken("owner", uuid.uuid4())
