"""What an owner does to sealed books with every guard off is found, by us and by a stranger.

The attacker knows how hashes are made and makes them anew. Each case is committed, looked at by
`check_books --chain` and by docs/verify_chain.py, and taken back.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from datetime import timedelta
from io import StringIO
from pathlib import Path
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings
from django.utils import timezone

from ledger import heads, partitions
from ledger.book import credit, debit, post
from ledger.chain import CHAIN_INVARIANTS, EQUAL, EXPORTED, SIGNED, prove_chain
from ledger.drafts import content_hash
from ledger.management.commands.check_books import Command
from ledger.seals import seal
from ledger.writing import Entry, write
from tests.ledger.build import CASH, NOW, WALLET, a_draft, accounts_of, in_book
from tests.ledger.sealed import (
    LATER,
    REHASH,
    ROOT,
    Sealed,
    a_sealed_book,
    broken_chain,
    reseal,
    tampered,
    verified,
)

pytestmark = pytest.mark.usefixtures("database")

RECORD, ONCE, HEAD, ORDER, LATE = CHAIN_INVARIANTS


@pytest.fixture
def sealed(tmp_path: Path) -> Sealed:
    return a_sealed_book(tmp_path)


def test_a_sound_chain_passes_both_proofs(sealed: Sealed) -> None:
    assert broken_chain(sealed) == {}
    status, said = verified(sealed)
    assert (status, said.split(", ")[1]) == (0, "4 seals")


NOBODY = "'00000000-0000-7000-8000-000000000000'"
SWAP = """
UPDATE ledger_journalentry SET id = %s WHERE book = %%(book)s AND id = %s;
UPDATE ledger_posting SET entry_id = %s WHERE book = %%(book)s AND entry_id = %s
"""
OF_FIRST = "WHERE book = %(book)s AND entry_id = %(first)s"

# What is done, then in which invariants it is found and whom both proofs name.
ROWS = [
    ("an amount", f"UPDATE ledger_posting SET amount = 1 {OF_FIRST}", {RECORD}, "first"),
    ("an amount on one line", f"UPDATE ledger_posting SET amount = 1 {OF_FIRST} AND line_no = 1",
     {RECORD}, "first"),
    ("an account", f"UPDATE ledger_posting SET account_id = (SELECT id FROM ledger_ledgeraccount"
     f" WHERE book = %(book)s AND code = 'income:CNY') {OF_FIRST} AND side = 'C'",
     {RECORD}, "first"),
    ("line numbers", f"UPDATE ledger_posting SET line_no = line_no + 10 {OF_FIRST};"
     f" UPDATE ledger_posting SET line_no = 13 - line_no {OF_FIRST}", {RECORD}, "first"),
    ("numbers from two on", f"UPDATE ledger_posting SET line_no = line_no + 10 {OF_FIRST};"
     f" UPDATE ledger_posting SET line_no = line_no - 9 {OF_FIRST}", {RECORD}, "first"),
    ("a posting more", "INSERT INTO ledger_posting SELECT book, entry_id, account_id, subject,"
     " amount, known_at, booked_on, (line_no + 2)::smallint, currency, side FROM ledger_posting"
     f" {OF_FIRST}", {RECORD}, "first"),
    ("a memo", "UPDATE ledger_journalentry SET memo = 'other' WHERE id = %(first)s",
     {RECORD}, "first"),
    ("a day", "UPDATE ledger_journalentry SET booked_on = booked_on + 1 WHERE id = %(first)s;"
     f" UPDATE ledger_posting SET booked_on = booked_on + 1 {OF_FIRST}", {RECORD}, "first"),
    ("when it was known", "UPDATE ledger_journalentry SET known_at = known_at + interval '1 s'"
     " WHERE id = %(first)s;"
     f" UPDATE ledger_posting SET known_at = known_at + interval '1 s' {OF_FIRST}",
     {RECORD}, "first"),
    ("metadata", "UPDATE ledger_journalentry SET metadata = metadata || '{\"a\": \"2\"}'"
     " WHERE id = %(first)s", {RECORD}, "first"),
    ("a link", "UPDATE ledger_link SET target_id = %(second)s WHERE entry_id = %(linked)s"
     " AND link_no = 1", {RECORD}, "linked"),
    ("the order of links", "UPDATE ledger_link SET link_no = link_no + 10"
     " WHERE entry_id = %(linked)s; UPDATE ledger_link SET link_no = 13 - link_no"
     " WHERE entry_id = %(linked)s", {RECORD}, "linked"),
    ("whom it reverses", "UPDATE ledger_journalentry SET reverses = %(second)s"
     " WHERE id = %(reversal)s", {RECORD}, "reversal"),
    ("an entry away", f"DELETE FROM ledger_posting {OF_FIRST};"
     " DELETE FROM ledger_journalentry WHERE book = %(book)s AND id = %(first)s",
     {RECORD}, "first"),
    ("times of two swapped", "UPDATE ledger_posting p SET known_at = e.known_at"
     " FROM ledger_journalentry e WHERE p.entry_id IN (%(first)s, %(third)s)"
     " AND e.id IN (%(first)s, %(third)s) AND e.id <> p.entry_id;"
     " UPDATE ledger_journalentry x SET known_at = e.known_at FROM ledger_journalentry e"
     " WHERE x.id IN (%(first)s, %(third)s) AND e.id IN (%(first)s, %(third)s) AND e.id <> x.id",
     {RECORD}, "third"),
    ("ids of two swapped", ";".join(SWAP % (new, old, new, old) for new, old in (
        (NOBODY, "%(first)s"), ("%(first)s", "%(second)s"), ("%(second)s", NOBODY))),
     {RECORD}, "second"),
    ("a hold", "UPDATE ledger_hold SET amount = amount + 1 WHERE id = %(kept)s", {RECORD}, "kept"),
    ("when a hold was placed", "UPDATE ledger_hold SET placed_at = placed_at - interval '1 s'"
     " WHERE id = %(kept)s", {RECORD}, "kept"),
    ("what became of a hold", "UPDATE ledger_hold SET state = 'expired', expires_at = settled_at"
     " WHERE id = %(kept)s", {RECORD}, "kept"),
    ("why a hold was given back", "UPDATE ledger_hold SET reason = 'other' WHERE id = %(kept)s",
     {RECORD}, "kept"),
    ("a hold live again", "UPDATE ledger_hold SET state = 'held', settled_at = NULL"
     " WHERE id = %(kept)s", {RECORD}, "kept"),
    ("a hold away", "DELETE FROM ledger_hold WHERE book = %(book)s AND id = %(kept)s",
     {RECORD}, "kept"),
    ("which hold an entry posts", "UPDATE ledger_journalentry SET hold_id = %(kept)s"
     " WHERE id = %(spent)s", {RECORD}, "spent"),
    ("who closed", "UPDATE ledger_closing SET closed_by = 'Bob' WHERE id = %(closing)s",
     {RECORD}, "closing"),
    ("a closing away", "DELETE FROM ledger_closing WHERE book = %(book)s", {RECORD}, "closing"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("sql", "expected", "who"), [case[1:] for case in ROWS], ids=[case[0] for case in ROWS]
)
def test_a_changed_row_is_named(sealed: Sealed, sql: str, expected: set[str], who: str) -> None:
    with tampered(sealed, sql, REHASH):
        named(sealed, expected, str(vars(sealed)[who]))


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE ledger_ledgeraccount SET floor = -9, overdraft = 5",
        "UPDATE ledger_ledgeraccount SET code = 'purse:CNY'",
        "UPDATE ledger_ledgeraccount SET opened_at = opened_at - interval '1 day'",
    ],
)
def test_a_changed_account_is_named(sealed: Sealed, sql: str) -> None:
    with in_book(sealed.book) as cursor:
        wallet = str(accounts_of(cursor, sealed.book)[WALLET])
    sql += " WHERE book = %(book)s AND code = 'wallet:CNY'"
    with tampered(sealed, sql, REHASH):
        named(sealed, {RECORD}, wallet)


FAKE = """
INSERT INTO ledger_journalentry SELECT (e).* FROM (
    SELECT jsonb_populate_record(e, '{"id": "00000000-0000-7000-8000-00000000fa4e",
        "reference": "fake"}') AS e FROM ledger_journalentry e WHERE e.id = %(first)s) AS made;
INSERT INTO ledger_posting SELECT (p).* FROM (
    SELECT jsonb_populate_record(p, '{"entry_id": "00000000-0000-7000-8000-00000000fa4e"}') AS p
    FROM ledger_posting p WHERE p.entry_id = %(first)s) AS made
"""
NUMBERED = "UPDATE ledger_seal SET number = %s WHERE book = %%(book)s AND number = %s"
MOVED = """
UPDATE ledger_seal s SET kinds = s.kinds || 'entry'::text, ids = s.ids || o.ids[2],
    digests = s.digests || o.digests[2]
    FROM ledger_seal o
    WHERE s.book = %(book)s AND s.number = 3 AND o.book = s.book AND o.number = 2;
UPDATE ledger_seal SET kinds = kinds[:1], ids = ids[:1], digests = digests[:1]
    WHERE book = %(book)s AND number = 2
"""
SEALS = [
    ("a fake old entry", FAKE, {ONCE}, "fa4e"),
    ("an entry arrives again", "INSERT INTO ledger_arrival (book, kind, ids)"
     " VALUES (%(book)s, 'entry', ARRAY[%(first)s]::uuid[])", {ONCE}, "first"),
    ("the newest seal away", "DELETE FROM ledger_anchor WHERE book = %(book)s AND number = 4;"
     " DELETE FROM ledger_seal WHERE book = %(book)s AND number = 4", {ONCE, EQUAL}, "seal 4"),
    ("a seal in between away", "DELETE FROM ledger_seal WHERE book = %(book)s AND number = 2",
     {ONCE, ORDER, EQUAL}, "first"),
    ("two seals swapped", ";".join(NUMBERED % pair for pair in ((9, 2), (2, 3), (3, 9))),
     {HEAD, ORDER, EQUAL}, "seal 2"),
    ("a seal renumbered", NUMBERED % (5, 4), {HEAD, ORDER, EQUAL, EXPORTED}, "seal 5"),
    ("the first seals away", "DELETE FROM ledger_seal WHERE book = %(book)s AND number = 1",
     {ONCE, ORDER, EQUAL}, "seal 2"),
    ("an entry moved to the next seal", MOVED, {HEAD}, "seal 3"),
    ("two records of a seal swapped", "UPDATE ledger_seal SET ids = ARRAY[ids[2], ids[1]],"
     " digests = ARRAY[digests[2], digests[1]] WHERE book = %(book)s AND number = 2",
     {HEAD}, "seal 2"),
    ("a record twice in a seal", "UPDATE ledger_seal SET kinds = kinds || kinds[1],"
     " ids = ids || ids[1], digests = digests || digests[1] WHERE book = %(book)s AND number = 2",
     {HEAD, ONCE}, "first"),
    ("a digest", "UPDATE ledger_seal SET digests = ARRAY[sha256('?'), digests[2]]"
     " WHERE book = %(book)s AND number = 2", {RECORD, HEAD}, "first"),
    ("when it was sealed", "UPDATE ledger_seal SET sealed_at = sealed_at + interval '1 s'"
     " WHERE book = %(book)s AND number = 2", {HEAD}, "seal 2"),
    ("a head", "UPDATE ledger_seal SET head = sha256('?') WHERE book = %(book)s AND number = 2",
     {HEAD, ORDER, EQUAL}, "seal 2"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("sql", "expected", "who"), [case[1:] for case in SEALS], ids=[case[0] for case in SEALS]
)
def test_a_touched_chain_is_named(sealed: Sealed, sql: str, expected: set[str], who: str) -> None:
    with tampered(sealed, sql, REHASH):
        named(sealed, expected, str(vars(sealed).get(who, who)))


def named(sealed: Sealed, expected: set[str], who: str) -> None:
    """Both proofs find it and name it, by its id or its seal; ours says what is broken."""
    found = broken_chain(sealed)
    assert found.keys() == expected
    assert any(who in places for places in found.values()), found
    status, said = verified(sealed)
    assert status == 1
    assert any(who in line for line in said.splitlines() if line.startswith("BROKEN")), said


# --- Only what has left the database tells ------------------------------------------------

REWRITTEN = [
    "UPDATE ledger_posting SET amount = 1 WHERE book = %(book)s AND entry_id = %(first)s",
    "DELETE FROM ledger_posting WHERE book = %(book)s AND entry_id = %(linked)s;"
    " DELETE FROM ledger_link WHERE book = %(book)s AND entry_id = %(linked)s;"
    " DELETE FROM ledger_journalentry WHERE book = %(book)s AND id = %(linked)s",
    f"{FAKE}; UPDATE ledger_seal SET kinds = kinds || 'entry'::text,"
    " ids = ids || '00000000-0000-7000-8000-00000000fa4e'::uuid, digests = digests || digests[1]"
    " WHERE book = %(book)s AND number = 2",
]


@pytest.mark.parametrize("sql", REWRITTEN, ids=["an amount", "the last entry", "a fake entry"])
def test_a_chain_rewritten_from_end_to_end_is_found_by_its_heads_alone(
    sealed: Sealed, sql: str
) -> None:
    with tampered(sealed, sql, REHASH, reseal):
        assert broken_chain(sealed, with_heads=False) == {}
        named(sealed, {EQUAL}, "seal 4")


def test_a_head_signed_with_another_key_is_none(sealed: Sealed) -> None:
    other = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    for path in sealed.heads.rglob("*.jsonl"):
        path.unlink()
    with (
        tampered(sealed, "DELETE FROM ledger_anchor WHERE book = %(book)s"),
        override_settings(LEDGER_SEAL_KEY=other, LEDGER_HEADS=sealed.heads),
    ):
        heads.export(using="ops", now=LATER)
        found, (status, said) = broken_chain(sealed), verified(sealed)
    assert found.keys() == {SIGNED, EXPORTED}
    assert (status, "not signed by the key" in said) == (1, True)


def test_a_head_that_was_changed_or_lost_is_named(sealed: Sealed) -> None:
    [path] = sealed.heads.rglob("*.jsonl")
    lines = path.read_text().splitlines(keepends=True)
    path.chmod(0o640)
    path.write_text("".join([lines[0].replace('"number":1', '"number":7'), lines[1][:50]]))
    mine = [line for line in lines if str(sealed.book) in line]
    found = broken_chain(sealed)
    assert len(mine) == 4
    assert found.keys() == {EQUAL, SIGNED, EXPORTED}


def test_sealing_that_stands_still_is_named(sealed: Sealed) -> None:
    with in_book(sealed.book):
        post(book=sealed.book, draft=a_draft(), now=NOW)
    assert broken_chain(sealed) == {}
    late = prove_chain("ops", sealed.book, now=timezone.now() + timedelta(minutes=6))
    assert [f.invariant for f in late if f.violations] == [LATE]
    seal(book=sealed.book, now=timezone.now())


# --- The command --------------------------------------------------------------------------


def checked(sealed: Sealed, **options: object) -> str:
    out = StringIO()
    command = Command()
    call_command(command, book=sealed.book, chain=True, stdout=out, **options)
    return out.getvalue()


def test_the_command_proves_rows_chain_and_heads(sealed: Sealed) -> None:
    said = checked(sealed, heads=sealed.heads, public_key=sealed.key)
    for invariant in (*CHAIN_INVARIANTS, EQUAL, SIGNED, EXPORTED):
        assert f"ok            0  {invariant}\n" in said
    assert EQUAL not in checked(sealed)
    assert EQUAL in checked(sealed, heads=sealed.heads)


def test_the_command_fails_on_a_broken_chain(sealed: Sealed) -> None:
    sql = "UPDATE ledger_journalentry SET memo = 'x' WHERE book = %(book)s AND id = %(first)s"
    with tampered(sealed, sql, REHASH), pytest.raises(CommandError, match="1 of"):
        checked(sealed)


def test_the_command_refuses_what_it_cannot_use(sealed: Sealed, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.pem"
    nothing.write_text("no key")
    with pytest.raises(CommandError, match="go with --chain"):
        call_command(Command(), heads=sealed.heads)
    with pytest.raises(CommandError, match="is no directory"):
        checked(sealed, heads=tmp_path / "nowhere")
    with pytest.raises(CommandError, match="no Ed25519 public key"):
        checked(sealed, heads=sealed.heads, public_key=nothing)


def test_the_public_key_is_printed_for_whoever_checks(sealed: Sealed) -> None:
    out = StringIO()
    call_command("seal_key", stdout=out)
    assert out.getvalue().encode() == sealed.key.read_bytes()


# --- The documentation --------------------------------------------------------------------


def test_the_example_in_the_documentation_is_what_a_book_gives() -> None:
    section = (ROOT / "docs" / "ledger.md").read_text().partition("### An example")[2]
    lines = re.findall(r"^    (\S.*)$", section.partition("\n## ")[0], re.MULTILINE)
    texts, hashes = lines[::2], lines[1::2]
    assert [hashlib.sha256(text.encode()).hexdigest() for text in texts] == hashes
    book, cash, wallet, entry = (
        UUID(f"{n}0000000-0000-7000-8000-00000000000{n}") for n in range(1, 5)
    )
    partitions.ensure(NOW, months=1)
    movements = (debit(CASH, 700, "CNY"), credit(WALLET, 700, "CNY"))
    draft = a_draft(*movements, reference="arrival:42", kind="arrival")
    with in_book(book) as cursor:
        cursor.execute(
            "INSERT INTO ledger_ledgeraccount (id, book, code, currency, normal_side, floor,"
            " opened_at)"
            " VALUES (%s, %s, %s, 'CNY', 'D', NULL, %s), (%s, %s, %s, 'CNY', 'C', 0, %s)",
            [cash, book, CASH, NOW, wallet, book, WALLET, NOW],
        )
        content = content_hash(book=book, draft=draft)
        assert write(book, [Entry(entry, draft, content)], NOW) == {}
        sealed_at = NOW.replace(microsecond=0) + timedelta(seconds=10)
        assert seal(book=book, now=sealed_at) == 3
        cursor.execute("SELECT digests, head FROM ledger_seal WHERE book = %s", [book])
        [(digests, head)] = cursor.fetchall()
    found = [digest.hex() for digest in (*digests[:2], content, digests[2], head)]
    assert found == hashes
