"""Wrong holds by SQL while the guards are up: refused, whoever tries."""

from __future__ import annotations

import uuid
from typing import Any
from uuid import UUID

import pytest
from django.db import ProgrammingError, connections
from django.db.backends.utils import CursorWrapper

from ledger.balances import funds
from ledger.book import credit, debit, post
from ledger.holds import post as post_hold
from ledger.holds import release
from tests.ledger.build import (
    CASH,
    NOW,
    OWED,
    WALLET,
    RolledBackError,
    a_book,
    a_draft,
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
POST = (
    "UPDATE ledger_hold SET state = 'posted', settled_at = now(), entry_id = %s"
    " WHERE reference = 'r' AND book = %s"
)
LINK = "UPDATE ledger_hold SET entry_id = %s WHERE reference = 'r' AND book = %s"


def insert_holds(cursor: CursorWrapper, book: UUID, *rows: dict[str, Any]) -> None:
    """Holds as an attacker would write them, in one statement."""
    columns = ("id", "book", "reference", "account_id", "currency", "amount", "placed_at",
               "content_hash", "state", "settled_at", "entry_id")  # fmt: skip
    values: list[Any] = []
    for row in rows:
        id = uuid.uuid4()
        usual = {"id": id, "book": book, "reference": f"raw:{id}", "currency": "CNY", "amount": 1,
                 "placed_at": NOW, "content_hash": b"x" * 32, "state": "held",
                 "settled_at": None, "entry_id": None}  # fmt: skip
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
    ({"state": "posted", "settled_at": NOW}, "hold_is_held_when_placed"),
    ({"state": "kept", "settled_at": NOW}, "hold_is_held_posted_or_released"),
    ({"settled_at": NOW}, "hold_is_settled_at_an_instant"),
    ({"entry_id": uuid.uuid4()}, "hold_has_an_entry_only_if_posted"),
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
    with tampering(book, using, "posted_hold_has_its_entry") as (cursor, _):
        cursor.execute(SETTLE, ["posted", book])


@pytest.mark.parametrize("using", ROLES)
def test_nor_where_the_open_book_is_changed_before_the_end(using: str) -> None:
    book = a_held_book()
    with tampering(book, using, "posted_hold_has_its_entry") as (cursor, _):
        cursor.execute(SETTLE, ["posted", book])
        cursor.execute("SELECT set_config('tributary.tenant', '', true)")


OTHERS = {
    "less": [debit(WALLET, 29, "CNY"), credit(CASH, 29, "CNY")],
    "more": [debit(WALLET, 31, "CNY"), credit(CASH, 31, "CNY")],
    "gives": [debit(CASH, 30, "CNY"), credit(WALLET, 30, "CNY")],
    "elsewhere": [debit(OWED, 30, "CNY"), credit(CASH, 30, "CNY")],
}


@pytest.mark.parametrize("using", ROLES)
@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("at_once", [True, False])
def test_a_hold_posted_by_an_entry_that_took_something_else(
    using: str, other: str, at_once: bool
) -> None:
    book = a_held_book(30)
    with in_book(book):
        entry = post(book=book, draft=a_draft(*OTHERS[other]), now=NOW)
    with tampering(book, using, "posted_hold_took_what_was_held") as (cursor, _):
        if at_once:
            cursor.execute(POST, [entry, book])
        else:
            cursor.execute(SETTLE, ["posted", book])
            cursor.execute(LINK, [entry, book])


@pytest.mark.parametrize("using", ROLES)
def test_a_hold_posted_by_another_books_entry(using: str) -> None:
    other, book = a_funded_book(60), a_held_book()
    with in_book(other):
        theirs = post(book=other, draft=spending(60), now=NOW)
    with tampering(book, using, "posted_hold_took_what_was_held") as (cursor, _):
        cursor.execute(POST, [theirs, book])


@pytest.mark.parametrize("using", ROLES)
def test_an_entry_that_posts_two_holds(using: str) -> None:
    book = a_held_book(40)
    with in_book(book):
        hold(book, 40, reference="other")
        entry = post_hold(book=book, reference="other", draft=spending(40), now=NOW)
    with tampering(book, using, "one_hold_per_entry") as (cursor, _):
        cursor.execute(POST, [entry, book])


@pytest.mark.parametrize("using", ROLES)
def test_a_released_hold_with_an_entry(using: str) -> None:
    book = a_held_book()
    with in_book(book):
        entry = post(book=book, draft=a_draft(), now=NOW)
    sql = POST.replace("'posted'", "'released'")
    with tampering(book, using, "hold_has_an_entry_only_if_posted") as (cursor, _):
        cursor.execute(sql, [entry, book])


CHANGES = [
    "state = 'held', settled_at = NULL, entry_id = NULL",
    "state = 'released', entry_id = NULL",
    "state = 'posted'",
    "settled_at = now()",
    "reason = 'other'",
    "entry_id = NULL",
    "entry_id = gen_random_uuid()",
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
]


def settled_books() -> list[UUID]:
    """A book whose hold was posted, and one whose hold was released."""
    posted, released = a_held_book(), a_held_book()
    with in_book(posted):
        post_hold(book=posted, reference="r", draft=spending(60), now=NOW)
    with in_book(released):
        release(book=released, reference="r", reason="", now=NOW)
    return [posted, released]


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
