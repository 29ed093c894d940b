"""An owner can switch every guard off. What is done then to the business, check_books finds.

One merchant's world is loaded once; each test tampers as the owner in a transaction that is rolled
back. What a tamper breaks is stated exactly, so that an invariant that sees too much fails too.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from accounts.access import acting_for
from accounts.models import Merchant, Store
from accounts.onboarding import add_bank_account, add_store, open_settlement_account
from ledger import book
from ledger.book import AccountSpec, Draft, Side, credit, debit
from ledger.checks import EXAMPLES
from ledger.errors import BookNotOpenError
from sandbox.world import write_world
from settlement.catalogue import CATALOGUE
from settlement.checks import BALANCES, MONEY_OUT, ROWS, prove
from settlement.models import BankStatement, Line, Payout, SourceDocument
from settlement.money_in import ingest
from settlement.money_in.withdrawing import withdraw
from tests.build import a_merchant, upload, work_off
from tests.settlement.attempts import APP, rolled_back, tampering

(OWED, TRANSIT, BANK, UNRELATED, PENDING, AVAILABLE, FEES, WAIVED, OPENING, SUSPENSE, ELSEWHERE,
 LATEST) = BALANCES  # fmt: skip
(EQUAL, CONFIRMED, FITS, RECONCILED, CLAIMED_ONCE, LOST_SIDE, ONE_LIVE, STORED_ONCE, LOADED,
 KNOWN) = ROWS  # fmt: skip
SHUT, PARTITIONS, GRANTS, NEXT_MONTH = CATALOGUE


@dataclass(frozen=True)
class World:
    """A merchant with everything loaded, and some of its rows by name."""

    merchant: Merchant
    stores: dict[str, Store]
    truth: dict[str, Any]
    folder: Path

    def send(self, file: dict[str, Any]) -> SourceDocument:
        store = self.stores.get(file.get("store", ""))
        return upload(self.merchant.id, self.folder / file["path"], store=store)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checks") / "files"
    write_world(seed=11, out=folder, ends_on=date(2026, 11, 20), days=21, small=True)
    return folder


@pytest.fixture(scope="module")
def world(files: Path, migrated: None, django_db_blocker: Any) -> Iterator[World]:
    with django_db_blocker.unblock():
        world = onboarded(files)
        for file in world.truth["files"]:
            world.send(file)
        work_off(world.merchant.id)
        yield world


def onboarded(folder: Path) -> World:
    """The merchant of the sandbox's truth, with its stores and bank accounts."""
    truth = json.loads((folder / "truth.json").read_text())
    merchant = a_merchant(truth["merchant"]["name"])
    with acting_for(merchant.id):
        account = open_settlement_account(merchant, name="everything")
        for each in truth["bank_accounts"]:
            add_bank_account(account, bank=truth["bank"], holder=each["holder"],
                             number=each["number"], currency=each["currency"])  # fmt: skip
        stores = {
            store["code"]: add_store(account, platform=store["platform"], name=store["name"])
            for store in truth["stores"]
        }
    return World(merchant, stores, truth, folder)


def broken(using: str, merchant: UUID) -> set[str]:
    return {finding.invariant for finding in prove(using, merchant) if finding.violations}


# --- sound books --------------------------------------------------------------------------


def test_a_whole_world_is_sound(world: World, database: None) -> None:
    findings = prove("ops", world.merchant.id)
    assert len(findings) == len(BALANCES | ROWS | MONEY_OUT | CATALOGUE)
    assert all(finding.violations == 0 and finding.examples == () for finding in findings)
    assert broken("owner", world.merchant.id) == set()


def test_the_world_has_what_the_tampers_below_need(world: World, database: None) -> None:
    with acting_for(world.merchant.id):
        assert set(Payout.objects.values_list("state", flat=True)) >= {"reconciled", "in_transit"}
        assert Line.objects.filter(books=True).exists()


def test_the_proof_holds_at_every_commit(files: Path, database: None) -> None:
    """Also between a withdrawal and the reconciliation that takes its matches back."""
    world = onboarded(files)
    merchant = world.merchant.id
    for count, file in enumerate(world.truth["files"]):
        ingest.read(merchant_id=merchant, document_id=world.send(file).id)
        if count % 5 == 0:
            assert broken("ops", merchant) == set(), file
    assert broken("ops", merchant) == set()
    work_off(merchant)
    with acting_for(merchant):
        a_statement = BankStatement.objects.order_by("period_from")[1].document_id
        first = BankStatement.objects.order_by("period_from")[0].document_id
        of_store = SourceDocument.objects.filter(rows_kept__gt=0, payouts__state="reconciled")[0].id
    for document in (a_statement, of_store, first):
        withdraw(merchant_id=merchant, document_id=document, now=timezone.now())
        assert broken("ops", merchant) == set()
        work_off(merchant)
        assert broken("ops", merchant) == set()


# --- rows ---------------------------------------------------------------------------------

A_LINE = """(
    SELECT id FROM settlement_line WHERE merchant_id = %(merchant)s AND live AND books
        AND kind = 'sale' AND store_id = %(store)s ORDER BY id LIMIT 1)"""
A_PAYOUT = """(
    SELECT id FROM settlement_payout WHERE merchant_id = %(merchant)s AND live AND state = '{}'
        AND amount > 2 ORDER BY id LIMIT 1)"""
WAITING, PAID = A_PAYOUT.format("in_transit"), A_PAYOUT.format("reconciled")
AN_ITEM = f"(SELECT id FROM settlement_matchitem WHERE live AND payout_id = {PAID})"
ITS_MATCH = f"(SELECT match_id FROM settlement_matchitem WHERE live AND payout_id = {PAID})"
A_BANK_LINE = """(
    SELECT id FROM settlement_bankline b WHERE merchant_id = %(merchant)s AND live AND books
        AND {} EXISTS (SELECT FROM settlement_matchitem i WHERE i.bank_line_id = b.id AND i.live)
    ORDER BY id LIMIT 1)"""
CLAIMED, UNCLAIMED = A_BANK_LINE.format(""), A_BANK_LINE.format("NOT")
A_STATEMENT = """(
    SELECT id FROM settlement_bankstatement WHERE merchant_id = %(merchant)s AND live
    ORDER BY bank_account_id, period_from {}, id LIMIT 1)"""
EARLIEST, NEWEST = A_STATEMENT.format("ASC"), A_STATEMENT.format("DESC")
A_WALLET = """(
    SELECT id FROM settlement_walletstatement WHERE merchant_id = %(merchant)s AND live
        AND store_id = %(store)s ORDER BY first_at LIMIT 1)"""
A_DOCUMENT = """(
    SELECT document_id FROM settlement_line WHERE merchant_id = %(merchant)s AND live
        AND store_id = %(store)s ORDER BY id LIMIT 1)"""
ANOTHER = "settlement_sourcedocument WHERE merchant_id = %(merchant)s AND store_id <> %(store)s"
COPY = """INSERT INTO {0}
    SELECT (jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid()) || '{1}')).*
    FROM {0} t WHERE id = {2}"""

TAMPERS = [
    # Lines
    (f"UPDATE settlement_line SET amount = amount + 1 WHERE id = {A_LINE}", {OWED, PENDING, KNOWN}),
    (f"UPDATE settlement_line SET label = 'x' WHERE id = {A_LINE}", {KNOWN}),
    (f"UPDATE settlement_line SET kind = 'unknown' WHERE id = {A_LINE}",
     {PENDING, SUSPENSE, KNOWN}),
    (f"UPDATE settlement_line SET live = false WHERE id = {A_LINE}", {OWED, PENDING, KNOWN}),
    (f"UPDATE settlement_line SET books = false WHERE id = {A_LINE}", {OWED, PENDING}),
    (f"UPDATE settlement_line SET store_id = %(other)s WHERE id = {A_LINE}", {OWED, LOADED, KNOWN}),
    (f"UPDATE settlement_line SET document_id = (SELECT id FROM {ANOTHER} LIMIT 1)"
     f" WHERE id = {A_LINE}", {LOADED, KNOWN}),
    (f"DELETE FROM settlement_line WHERE id = {A_LINE}", {OWED, PENDING, KNOWN}),
    (f"DELETE FROM settlement_linekey WHERE line_id = {A_LINE}", {KNOWN}),
    (f"UPDATE settlement_linekey SET fingerprint = NULL WHERE line_id = {A_LINE}", {KNOWN}),
    (f"UPDATE settlement_linekey SET version = 0 WHERE line_id = {A_LINE}", {KNOWN}),
    (f"UPDATE settlement_linekey SET external_id = 'x' WHERE line_id = {A_LINE}", {KNOWN}),
    # Wallets
    (f"UPDATE settlement_walletstatement SET opening = opening + 1 WHERE id = {A_WALLET}",
     {OWED, PENDING}),
    # Payouts
    (f"UPDATE settlement_payout SET amount = amount + 1 WHERE id = {WAITING}", {OWED, TRANSIT}),
    (f"UPDATE settlement_payout SET amount = amount + 1 WHERE id = {PAID}", {OWED, TRANSIT}),
    (f"UPDATE settlement_payout SET amount = amount - 1 WHERE id = {PAID}", {OWED, TRANSIT, FITS}),
    (f"UPDATE settlement_payout SET amount_currency = 'JPY' WHERE id = {WAITING}",
     {OWED, TRANSIT}),
    (f"UPDATE settlement_payout SET store_id = %(other)s WHERE id = {WAITING}", {OWED, TRANSIT}),
    (f"UPDATE settlement_payout SET state = 'reconciled' WHERE id = {WAITING}", {RECONCILED}),
    (f"UPDATE settlement_payout SET state = 'missing' WHERE id = {PAID}", {RECONCILED}),
    (f"UPDATE settlement_payout SET state = 'returned' WHERE id = {WAITING}", {OWED, TRANSIT}),
    (f"UPDATE settlement_payout SET live = false WHERE id = {WAITING}", {OWED, TRANSIT}),
    (f"UPDATE settlement_payout SET live = false WHERE id = {PAID}", {OWED, TRANSIT, LOST_SIDE}),
    (f"DELETE FROM settlement_payout WHERE id = {WAITING}", {OWED, TRANSIT}),
    ("DROP INDEX payout_has_one_live_version;"
     + COPY.format("settlement_payout", '{"version": 9}', WAITING), {OWED, TRANSIT, ONE_LIVE}),
    # The bank
    (f"UPDATE settlement_bankline SET amount = amount * 2 WHERE id = {UNCLAIMED}",
     {BANK, UNRELATED}),
    (f"UPDATE settlement_bankline SET live = false WHERE id = {UNCLAIMED}", {BANK, UNRELATED}),
    (f"UPDATE settlement_bankline SET live = false WHERE id = {CLAIMED}",
     {BANK, UNRELATED, LOST_SIDE}),
    (f"UPDATE settlement_bankline SET books = false WHERE id = {UNCLAIMED}", {BANK, UNRELATED}),
    (f"DELETE FROM settlement_bankline WHERE id = {UNCLAIMED}", {BANK, UNRELATED}),
    (f"UPDATE settlement_bankstatement SET opening = opening + 1 WHERE id = {EARLIEST}",
     {BANK, OPENING}),
    (f"UPDATE settlement_bankstatement SET closing = closing + 1 WHERE id = {NEWEST}", {LATEST}),
    # Matches
    (f"UPDATE settlement_matchitem SET amount = amount - 1 WHERE id = {AN_ITEM}",
     {TRANSIT, PENDING, AVAILABLE, EQUAL}),
    (f"UPDATE settlement_matchitem SET amount = -amount WHERE id = {AN_ITEM}",
     {TRANSIT, PENDING, AVAILABLE, EQUAL, FITS}),
    (f"UPDATE settlement_matchitem SET amount_currency = 'JPY' WHERE id = {AN_ITEM}",
     {TRANSIT, PENDING, AVAILABLE, EQUAL, FITS}),
    (f"UPDATE settlement_matchitem SET live = false WHERE id = {AN_ITEM}",
     {TRANSIT, PENDING, AVAILABLE, EQUAL, CONFIRMED, RECONCILED}),
    (f"DELETE FROM settlement_matchitem WHERE id = {AN_ITEM}",
     {TRANSIT, PENDING, AVAILABLE, EQUAL, RECONCILED}),
    (f"UPDATE settlement_match SET state = 'revoked' WHERE id = {ITS_MATCH}", {CONFIRMED}),
    (f"DELETE FROM settlement_match WHERE id = {ITS_MATCH}",
     {TRANSIT, PENDING, AVAILABLE, CONFIRMED}),
    ("DROP INDEX payout_is_matched_once;" + COPY.format("settlement_matchitem", "{}", AN_ITEM),
     {TRANSIT, PENDING, AVAILABLE, EQUAL, RECONCILED}),
    ("DROP INDEX bank_line_is_matched_once;" + COPY.format(
        "settlement_matchitem", "{}",
        f"(SELECT id FROM settlement_matchitem WHERE live AND bank_line_id = {CLAIMED})"),
     {UNRELATED, EQUAL, CLAIMED_ONCE}),
    # Documents
    (f"UPDATE settlement_sourcedocument SET state = 'withdrawn' WHERE id = {A_DOCUMENT}", {LOADED}),
    (f"UPDATE settlement_sourcedocument SET state = 'stored', readings = 0 WHERE id = {A_DOCUMENT}",
     {LOADED}),
    (f"DELETE FROM settlement_sourcedocument WHERE id = {A_DOCUMENT}", {LOADED}),
    (f"UPDATE settlement_sourcedocument SET known_at = known_at - interval '1 day'"
     f" WHERE id = {A_DOCUMENT}", {LOADED}),
    ("DROP INDEX document_is_stored_once;"
     + COPY.format("settlement_sourcedocument", "{}", A_DOCUMENT), {STORED_ONCE}),
    # The catalogue
    ("ALTER TABLE settlement_payout DISABLE ROW LEVEL SECURITY", {SHUT}),
    ("ALTER TABLE settlement_payout NO FORCE ROW LEVEL SECURITY", {SHUT}),
    ("DROP POLICY only_the_acting_merchant ON accounts_merchant;"
     "DROP POLICY own_merchants ON accounts_merchant", {SHUT}),
    ("CREATE POLICY a_hole ON accounts_store TO tributary_app USING (true)", {SHUT}),
    ("CREATE POLICY a_hole ON ledger_posting FOR INSERT WITH CHECK (true)", {SHUT}),
    ("CREATE TABLE forgotten (merchant_id uuid)", {SHUT}),
    ("GRANT SELECT ON {partition} TO tributary_app", {PARTITIONS}),
    ("GRANT UPDATE (amount) ON {partition} TO tributary_ops", {PARTITIONS}),
    ("GRANT DELETE ON settlement_payout TO tributary_app", {GRANTS}),
    ("GRANT UPDATE ON settlement_payout TO PUBLIC", {GRANTS}),
    ("DROP TABLE {next_month}", {NEXT_MONTH}),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "found"), TAMPERS, ids=range(len(TAMPERS)))
def test_a_tamper_is_found(world: World, database: None, statement: str, found: set[str]) -> None:
    stores = [store.id for store in world.stores.values() if store.platform == "wechatpay"]
    given = {"merchant": world.merchant.id, "store": stores[0], "other": stores[1]}
    with tampering() as cursor:
        for each in statement.split(";"):
            cursor.execute(_with_partitions(cursor, each), given)
            assert cursor.rowcount, "the tamper met no row"
        assert broken("owner", world.merchant.id) == found


def _with_partitions(cursor: CursorWrapper, statement: str) -> str:
    if "_month}" not in statement and "partition}" not in statement:
        return statement
    cursor.execute("SELECT to_char(now(), 'YYYYMM'), to_char(now() + interval '1 month', 'YYYYMM')")
    this, following = (f"settlement_line_{month}" for month in cursor.fetchone())
    return statement.format(partition=this, next_month=following)


@pytest.mark.parametrize(
    "doubt",
    [
        f"UPDATE settlement_bankstatement SET balanced = false WHERE id = {NEWEST}",
        f"UPDATE settlement_bankstatement SET closing = NULL WHERE id = {EARLIEST}",
        f"""
        UPDATE settlement_bankstatement t SET closing = t.closing - 1
        FROM settlement_bankstatement n WHERE n.id = {NEWEST}
          AND t.bank_account_id = n.bank_account_id AND t.period_to = n.period_from - 1
        """,
        COPY.format("settlement_bankstatement", '{"closing": 0}', NEWEST),
    ],
)
def test_statements_in_doubt_prove_nothing(world: World, database: None, doubt: str) -> None:
    """A gap, an unbalanced or an ambiguous last statement is for the exceptions desk to tell."""
    wrong = f"UPDATE settlement_bankstatement SET closing = closing + 1 WHERE id = {NEWEST}"
    with tampering() as cursor:
        cursor.execute(wrong, {"merchant": world.merchant.id})
        assert broken("owner", world.merchant.id) == {LATEST}
        cursor.execute(doubt, {"merchant": world.merchant.id})
        assert cursor.rowcount == 1
        assert broken("owner", world.merchant.id) == set()


def test_every_invariant_has_a_tamper_it_finds() -> None:
    found: set[str] = set().union(*(names for _, names in TAMPERS))
    # Money booked past the business is posted below.
    # Money out has its own tampers, in test_outgoing.py.
    assert found | {ELSEWHERE} == set(BALANCES | ROWS | CATALOGUE) - {FEES, WAIVED}


# --- the books ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("from_", "to", "found"),
    [
        ("merchant:{account}:pending:CNY", "merchant:{account}:available:CNY",
         {PENDING, AVAILABLE}),
        ("bank:{bank}:unrelated:CNY", "merchant:{account}:available:CNY", {UNRELATED, AVAILABLE}),
        ("bank:{bank}:CNY", "opening:{bank}:CNY", {BANK, OPENING, LATEST}),
        ("store:{store}:receivable:CNY", "suspense:{account}:CNY", {OWED, SUSPENSE}),
        ("store:{store}:in_transit:CNY", "store:{store}:receivable:CNY", {TRANSIT, OWED}),
        ("merchant:{account}:pending:CNY", "pocket:{account}:CNY", {PENDING, ELSEWHERE}),
    ],
)  # fmt: skip
def test_a_sound_entry_that_no_fact_asked_for_is_found(
    world: World, database: None, from_: str, to: str, found: set[str]
) -> None:
    """The ledger is content with it: it balances. The application itself could post it."""
    merchant, now = world.merchant.id, timezone.now()
    with rolled_back(APP), acting_for(merchant):
        store = next(s for s in world.stores.values() if s.platform == "wechatpay")
        bank = store.settlement_account.bank_accounts.get(currency="CNY")
        places = {"account": store.settlement_account_id, "bank": bank.id, "store": store.id}
        source, target = from_.format(**places), to.format(**places)
        if target.startswith(("pocket", "suspense")):
            fresh = AccountSpec(code=target, currency="CNY", normal_side=Side.CREDIT)
            book.open_accounts(book=merchant, specs=[fresh], now=now)
        draft = Draft(
            reference=f"gift:{uuid.uuid4()}", kind="gift", event_at=now, booked_on=now.date(),
            movements=(debit(source, 1, "CNY"), credit(target, 1, "CNY")),
        )  # fmt: skip
        book.post(book=merchant, draft=draft, now=now)
        assert broken("default", merchant) == found


# --- the command --------------------------------------------------------------------------


def test_the_application_proves_its_own_merchant_and_no_other(world: World, database: None) -> None:
    with acting_for(world.merchant.id):
        assert broken("default", world.merchant.id) == set()
        for other in (None, a_merchant().id):
            with pytest.raises(BookNotOpenError):
                prove("default", other)
    with pytest.raises(BookNotOpenError):
        prove("default", world.merchant.id)


def test_the_command_proves_the_ledger_and_the_business(world: World, database: None) -> None:
    out = StringIO()
    call_command("check_books", book=str(world.merchant.id), stdout=out)
    lines = out.getvalue().splitlines()
    assert all(line.startswith("ok            0  ") for line in lines)
    said = {line[17:] for line in lines}
    assert said > set(BALANCES | ROWS | MONEY_OUT | CATALOGUE)
    assert "every entry balances in every currency" in said


def test_the_command_fails_on_broken_business(world: World, database: None) -> None:
    out = StringIO()
    with tampering() as cursor:
        cursor.execute(
            "UPDATE settlement_payout SET state = 'missing' WHERE merchant_id = %s AND live"
            " AND state = 'reconciled'", [world.merchant.id],
        )  # fmt: skip
        count = cursor.rowcount
        with pytest.raises(CommandError, match=r"1 of \d+ invariants are broken"):
            call_command("check_books", book=world.merchant.id, using="owner", stdout=out)
    assert f"BROKEN {count:>8}  {RECONCILED}\n                 payout " in out.getvalue()
    assert out.getvalue().count(" live items\n") == EXAMPLES
