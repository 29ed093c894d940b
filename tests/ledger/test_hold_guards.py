"""Wrong holds by SQL while the guards are up: refused, whoever tries."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import ProgrammingError, connections
from django.db.backends.utils import CursorWrapper

from ledger.balances import Funds, funds
from ledger.holds import expire, release
from ledger.holds import post as post_hold
from tests.ledger.build import (
    CASH,
    NOW,
    WALLET,
    RolledBackError,
    a_book,
    a_funded_book,
    accounts_of,
    broken,
    hold,
    in_book,
    refused,
    spending,
    tampering,
    trying,
)

pytestmark = pytest.mark.usefixtures("database")

ROLES = ["default", "owner"]
SETTLE = "UPDATE ledger_hold SET state = %s, settled_at = now() WHERE reference = 'r' AND book = %s"
TAKE = (
    "UPDATE ledger_hold SET taken = %s, state = %s, settled_at = %s"
    " WHERE reference = 'r' AND book = %s"
)


def insert_holds(cursor: CursorWrapper, book: UUID, *rows: dict[str, Any]) -> None:
    """Holds as an attacker would write them, in one statement."""
    columns = ("id", "book", "reference", "account_id", "currency", "amount", "placed_at",
               "content_hash", "state", "settled_at", "taken", "posted_by",
               "expires_at")  # fmt: skip
    values: list[Any] = []
    for row in rows:
        id = uuid.uuid4()
        usual = {"id": id, "book": book, "reference": f"raw:{id}", "currency": "CNY", "amount": 1,
                 "placed_at": NOW, "content_hash": b"x" * 32, "state": "held",
                 "settled_at": None, "taken": 0, "posted_by": None,
                 "expires_at": None}  # fmt: skip
        values += [(usual | row)[column] for column in columns]
    marks = ", ".join([f"({', '.join(['%s'] * len(columns))})"] * len(rows))
    cursor.execute(f"INSERT INTO ledger_hold ({', '.join(columns)}) VALUES {marks}", values)


def a_held_book(amount: int = 60) -> UUID:
    """A wallet with 100, of which so much is held under the reference r."""
    book = a_funded_book(100)
    with in_book(book):
        hold(book, amount, reference="r")
    return book


# --- Placing ------------------------------------------------------------------------------


@pytest.mark.parametrize("using", ROLES)
def test_a_good_hold_by_hand_is_accepted(using: str) -> None:
    book = a_funded_book(100)
    with trying(book, using) as cursor:
        ids = accounts_of(cursor, book)
        insert_holds(cursor, book, *[{"account_id": ids[WALLET], "amount": 50}] * 2)
        assert funds(book=book, code=WALLET, using=using).available == 0


WRONG = [
    ({"amount": 101}, "hold_needs_money_that_is_there|available_is_never_below_its_floor"),
    ({"amount": 0}, "hold_amount_is_positive"),
    ({"amount": -1}, "hold_amount_is_positive"),
    ({"amount": 10**15}, "hold_amount_is_below_a_quadrillion"),
    ({"account": CASH}, "hold_has_a_guarded_account"),
    ({"account_id": uuid.uuid4()}, "hold_has_an_account_of_its_book"),
    ({"currency": "USD"}, "hold_has_the_currency_of_its_account"),
    ({"state": "released", "settled_at": NOW}, "hold_is_held_when_placed"),
    ({"state": "posted", "settled_at": NOW, "taken": 1}, "hold_is_held_when_placed"),
    ({"state": "posted", "settled_at": NOW}, "hold_is_posted_when_all_is_taken"),
    ({"state": "expired", "settled_at": NOW, "expires_at": NOW}, "hold_is_held_when_placed"),
    ({"state": "expired", "settled_at": NOW}, "hold_expires_when_its_time_has_come"),
    ({"state": "kept", "settled_at": NOW}, "hold_is_held_posted_released_or_expired"),
    ({"settled_at": NOW}, "hold_is_settled_at_an_instant"),
    ({"taken": 1, "amount": 2}, "hold_is_held_when_placed"),
    ({"taken": 1}, "hold_is_posted_when_all_is_taken"),
    ({"taken": 2}, "no_more_is_taken_than_was_held"),
    ({"taken": -1}, "no_more_is_taken_than_was_held"),
    ({"posted_by": uuid.uuid4()}, "hold_has_an_entry_only_if_posted"),
    ({"reference": ""}, "hold_reference_is_not_empty"),
    ({"content_hash": b""}, "hold_content_hash_is_sha256"),
]


@pytest.mark.parametrize("using", ROLES)
@pytest.mark.parametrize(("row", "match"), WRONG)
def test_a_hold_that_is_none(using: str, row: dict[str, Any], match: str) -> None:
    with tampering(book := a_funded_book(100), using, match) as (cursor, ids):
        account = ids[row.get("account", WALLET)]
        insert_holds(cursor, book, {"account_id": account} | row)


@pytest.mark.parametrize("using", ROLES)
def test_holds_that_are_too_much_together(using: str) -> None:
    with tampering(book := a_funded_book(100), using, "never_below|that_is_there") as (cursor, ids):
        rows = [{"account_id": ids[WALLET], "amount": amount} for amount in (60, 41)]
        insert_holds(cursor, book, *rows)


@pytest.mark.parametrize("using", ROLES)
def test_a_hold_of_another_books_account(using: str) -> None:
    other = a_funded_book(100)
    with in_book(other) as cursor:
        theirs = accounts_of(cursor, other)[WALLET]
    with tampering(a_book(), using, "hold_has_an_account_of_its_book") as (cursor, _):
        cursor.execute("SELECT current_setting('tributary.tenant')")
        [(mine,)] = cursor.fetchall()
        insert_holds(cursor, UUID(mine), {"account_id": theirs})


@pytest.mark.parametrize("using", ROLES)
def test_a_second_hold_for_a_reference(using: str) -> None:
    book = a_held_book()
    with tampering(book, using, "one_hold_per_reference") as (cursor, ids):
        insert_holds(cursor, book, {"account_id": ids[WALLET], "reference": "r"})


def test_a_replica_holds_no_more_than_there_is() -> None:
    """session_replication_role = replica switches ordinary triggers off; ours are ALWAYS."""
    with tampering(book := a_book(), "owner", "that_is_there|never_below") as (cursor, ids):
        cursor.execute("SET LOCAL session_replication_role = replica")
        insert_holds(cursor, book, {"account_id": ids[WALLET]})


def test_a_shadow_table_does_not_fool_the_guard() -> None:
    with tampering(book := a_book(), "default", "that_is_there|never_below") as (cursor, ids):
        cursor.execute(
            "CREATE TEMPORARY TABLE ledger_balance ON COMMIT DROP AS SELECT book, account_id, 0"
            " AS debits, 999 AS credits, 0 AS held, normal_side FROM public.ledger_balance"
        )
        insert_holds(cursor, book, {"account_id": ids[WALLET]})


# --- Settling -----------------------------------------------------------------------------


@pytest.mark.parametrize("using", ROLES)
def test_a_hold_is_not_posted_without_an_entry(using: str) -> None:
    book = a_held_book()
    with tampering(book, using, "the ledger is only ever added to") as (cursor, _):
        cursor.execute(SETTLE, ["posted", book])


@pytest.mark.parametrize(
    ("taken", "state", "settled_at"), [(60, "posted", NOW), (20, "held", None)]
)
def test_nobody_says_by_hand_what_was_taken(
    taken: int, state: str, settled_at: datetime | None
) -> None:
    book = a_held_book()
    with tampering(book, "owner", "the ledger is only ever added to") as (cursor, _):
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(TAKE, [taken, state, settled_at, book])
    with refused("permission denied", ProgrammingError), in_book(book) as cursor:
        cursor.execute(TAKE, [taken, state, settled_at, book])


def test_nor_does_the_application_from_within_a_trigger_of_its_own() -> None:
    """Inside a trigger the depth is what it is for postings; the right is still missing."""
    book = a_held_book()
    with refused("permission denied", ProgrammingError), in_book(book) as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE mine (n int) ON COMMIT DROP;"
            "CREATE FUNCTION pg_temp.take() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " UPDATE ledger_hold SET taken = 20; RETURN NEW; END $$;"
            "CREATE TRIGGER t AFTER INSERT ON mine FOR EACH ROW EXECUTE FUNCTION pg_temp.take();"
            "INSERT INTO mine VALUES (1)"
        )
    assert broken("ops", book) == {}


def test_a_release_from_within_a_trigger_gives_back_all_the_same() -> None:
    book = a_held_book()
    with in_book(book) as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE mine (n int) ON COMMIT DROP;"
            "CREATE FUNCTION pg_temp.release() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " UPDATE ledger_hold SET state = 'released', settled_at = now(); RETURN NEW; END $$;"
            "CREATE TRIGGER t AFTER INSERT ON mine FOR EACH ROW"
            " EXECUTE FUNCTION pg_temp.release();"
            "INSERT INTO mine VALUES (1)"
        )
        assert funds(book=book, code=WALLET).held == 0
    assert broken("ops", book) == {}


@pytest.mark.parametrize("using", ROLES)
def test_a_hold_does_not_expire_before_its_time(using: str) -> None:
    book = a_held_book()
    with in_book(book):
        hold(book, 40, reference="later", expires_at=NOW)
    sql = "UPDATE ledger_hold SET state = 'expired', settled_at = %s WHERE reference = %s"
    for reference in ("r", "later"):
        with tampering(book, using, "hold_expires_when_its_time_has_come") as (cursor, _):
            cursor.execute(sql + " AND book = %s", [NOW - timedelta(seconds=1), reference, book])


CHANGES = [
    "state = 'held', settled_at = NULL",
    "state = 'released'",
    "state = 'posted'",
    "state = 'expired'",
    "settled_at = now()",
    "reason = 'other'",
    "state = state",
]
FACTS = [
    "amount = amount + 1",
    "book = gen_random_uuid()",
    "id = gen_random_uuid()",
    "reference = 'other'",
    "account_id = gen_random_uuid()",
    "currency = 'USD'",
    "subject = gen_random_uuid()",
    "placed_at = now()",
    "expires_at = now()",
    "content_hash = sha256('')",
    "taken = 1",
    "posted_by = gen_random_uuid()",
]


def settled_books() -> list[UUID]:
    """Books whose hold was posted, released, released after a part was taken, and has expired."""
    posted, released, part = a_held_book(), a_held_book(), a_held_book()
    expired = a_funded_book(100)
    with in_book(posted):
        post_hold(book=posted, reference="r", draft=spending(60), now=NOW)
    with in_book(released):
        release(book=released, reference="r", reason="", now=NOW)
    with in_book(part):
        post_hold(book=part, reference="r", draft=spending(20), now=NOW, part=True)
        release(book=part, reference="r", reason="", now=NOW)
    with in_book(expired):
        hold(expired, 60, reference="r", expires_at=NOW)
        expire(book=expired, now=NOW)
    return [posted, released, part, expired]


@pytest.mark.parametrize("using", ROLES)
@pytest.mark.parametrize("change", CHANGES)
def test_a_settled_hold_never_changes_again(using: str, change: str) -> None:
    for book in settled_books():
        with tampering(book, using, "the ledger is only ever added to") as (cursor, _):
            cursor.execute(f"UPDATE ledger_hold SET {change} WHERE book = %s", [book])


@pytest.mark.parametrize("settling", ["", ", state = 'released', settled_at = now()"])
@pytest.mark.parametrize("change", FACTS)
def test_what_a_hold_says_never_changes(change: str, settling: str) -> None:
    book = a_held_book()
    sql = f"UPDATE ledger_hold SET {change}{settling} WHERE book = %s"
    with tampering(book, "owner", "the ledger is only ever added to") as (cursor, _):
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql, [book])
    for using in ("default", "ops"):
        with refused("permission denied", ProgrammingError), in_book(book, using) as cursor:
            cursor.execute(sql, [book])


@pytest.mark.parametrize("using", ROLES)
def test_what_is_given_back_is_what_was_not_taken(using: str) -> None:
    book = a_held_book()
    with in_book(book):
        hold(book, 30)
        post_hold(book=book, reference="r", draft=spending(20), now=NOW, part=True)
    with trying(book, using) as cursor:
        cursor.execute(SETTLE, ["released", book])
        assert funds(book=book, code=WALLET, using=using) == Funds(balance=80, held=30)


@pytest.mark.parametrize("change", ["reason = 'x'", "state = state", "settled_at = settled_at"])
def test_a_live_hold_is_settled_or_left_alone(change: str) -> None:
    for using in ROLES:
        with tampering(book := a_held_book(), using, "only ever added to") as (cursor, _):
            cursor.execute(f"UPDATE ledger_hold SET {change} WHERE book = %s", [book])


@pytest.mark.parametrize("using", ROLES)
def test_settling_many_by_hand_gives_back_the_sum(using: str) -> None:
    book = a_held_book()
    with in_book(book):
        hold(book, 30)
    with trying(book, using) as cursor:
        cursor.execute(
            "UPDATE ledger_hold SET state = 'released', settled_at = now() WHERE book = %s", [book]
        )
        assert funds(book=book, code=WALLET, using=using).held == 0


# --- Another book -------------------------------------------------------------------------


def test_another_books_holds_are_out_of_reach() -> None:
    book, mine = a_held_book(), a_held_book()
    with in_book(mine) as cursor:
        cursor.execute("SELECT count(*) FROM ledger_hold")
        assert cursor.fetchone() == (1,)
        cursor.execute(SETTLE, ["released", book])
        assert cursor.rowcount == 0
        ids = accounts_of(cursor, mine)
    with refused("row-level security", ProgrammingError), in_book(mine) as cursor:
        insert_holds(cursor, book, {"account_id": ids[WALLET]})
    assert broken("ops", book) == {}


def test_another_books_balance_is_not_locked() -> None:
    other, mine = a_funded_book(1), a_book()
    with in_book(other) as cursor:
        theirs = accounts_of(cursor, other)[WALLET]
    with in_book(mine) as cursor:
        cursor.execute("SELECT ledger_lock_balances(%s)", [[theirs]])
        with pytest.raises(RolledBackError), in_book(other, "owner") as owner:
            owner.execute(
                "SELECT FROM ledger_balance WHERE account_id = %s FOR UPDATE NOWAIT", [theirs]
            )
            assert owner.rowcount == 1
            raise RolledBackError


def test_the_operator_locks_nothing() -> None:
    with refused("permission denied", ProgrammingError), connections["ops"].cursor() as cursor:
        cursor.execute("SELECT ledger_lock_balances('{}')")
