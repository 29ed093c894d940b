"""A bank's CSV does not say whose it is: the uploader does, and is held to it."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connections
from django.test import Client
from django.urls import reverse
from djmoney.money import Money

from accounts.access import acting_for
from accounts.models import BankAccount, Merchant, SettlementAccount, Store
from accounts.onboarding import add_bank_account, add_store, open_settlement_account
from ledger.checks import prove
from settlement import queries
from settlement.models import (
    BankLine,
    BankStatement,
    ColumnProfile,
    DocumentState,
    Payout,
    SourceDocument,
)
from tests.build import a_merchant, a_user, upload, work_off
from tests.settlement.files import camt053, fund_flow

pytestmark = pytest.mark.usefixtures("database")

HEADER = "记账日期,货币,交易金额,联机余额,交易摘要,对手信息,客户摘要"
PAYER = "财付通支付科技有限公司"
ROWS = [
    ("2026-11-01", "-20.00"),
    ("2026-11-02", "149.90"),
    ("2026-11-03", "-5.00"),
    ("2026-11-03", "-5.00"),
    ("2026-11-04", "7.50"),
]
OWN = {
    "code": "village_bank", "version": 1, "name": "Village bank", "delimiter": ";",
    "header": ["Tag", "Betrag", "Text"], "dates": "DD.MM.YYYY", "decimal": ",",
    "columns": {"booked_on": "Tag", "amount": "Betrag", "remittance": ["Text"]},
}  # fmt: skip


@dataclass
class Shop:
    """A merchant with a WeChat Pay store and two bank accounts."""

    merchant: Merchant
    account: SettlementAccount
    store: Store
    banks: list[BankAccount]
    numbers: list[str]

    def give(self, path: Path, **of: Any) -> SourceDocument:
        """Upload a file, let the workers finish, and look at the document."""
        document = upload(self.merchant.id, path, **of)
        work_off(self.merchant.id)
        with acting_for(self.merchant.id):
            document.refresh_from_db()
        return document

    def in_bank(self) -> Decimal:
        """What the books say the first bank account holds."""
        with acting_for(self.merchant.id):
            accounts = queries.overview(self.account).banks
            (found,) = [bank for bank in accounts if bank.bank_account == self.banks[0]]
            return found.booked.amount


@pytest.fixture
def shop() -> Shop:
    merchant = a_merchant()
    numbers = [f"62{uuid.uuid4().int % 10**17:017d}" for _ in range(2)]
    with acting_for(merchant.id):
        account = open_settlement_account(merchant, name="main")
        banks = [
            add_bank_account(account, bank="招商银行", holder="H", number=number, currency="CNY")
            for number in numbers
        ]
        store = add_store(account, platform="wechatpay", name="shop")
    return Shop(merchant, account, store, banks, numbers)


def export(path: Path, rows: list[tuple[str, str]], *, opening: str) -> Path:
    """An export as China Merchants Bank writes it, newest first."""
    balance, lines = Decimal(opening), []
    for day, amount in rows:
        balance += Decimal(amount)
        lines.append(f'{day},CNY,"{Decimal(amount):,}","{balance:,}",汇入汇款,{PAYER},货款')
    path.write_text("\n".join([HEADER, *reversed(lines)]) + "\n", encoding="gb18030")
    return path


def test_an_export_of_the_chosen_account_is_booked_and_reconciled(
    shop: Shop, tmp_path: Path
) -> None:
    flows = [("09:00:00", "1", "交易", "149.90"), ("10:00:00", "2", "提现", "-149.90")]
    shop.give(fund_flow(tmp_path / "a.csv", flows), store=shop.store)
    path = export(tmp_path / "b.csv", ROWS, opening="1000.00")
    document = shop.give(path, bank_account=shop.banks[0])

    assert (document.state, document.code, document.rows_kept) == ("loaded", "bank_csv", 5)
    assert document.unverified == "cmb_debit"
    assert shop.in_bank() == Decimal("1127.40")
    with acting_for(shop.merchant.id):
        statement = BankStatement.objects.get()
        assert (statement.bank_account, statement.balanced) == (shop.banks[0], True)
        assert (statement.opening, statement.closing) == (
            Money(1000, "CNY"),
            Money("1127.4", "CNY"),
        )
        assert Payout.objects.get().state == "reconciled"
        line = BankLine.objects.get(match_items__live=True)
        assert (line.amount.amount, line.counterparty, line.remittance) == (
            Decimal("149.90"),
            PAYER,
            "货款 汇入汇款",
        )
    assert [f for f in prove(using="ops", book=shop.merchant.id) if f.violations] == []


def test_without_the_account_it_is_refused_and_may_be_sent_again_with_it(
    shop: Shop, tmp_path: Path
) -> None:
    path = export(tmp_path / "b.csv", ROWS, opening="1000.00")
    document = shop.give(path)
    assert document.state == DocumentState.REFUSED
    assert document.error_reason == (
        "the file does not say which account it is of: choose the bank account it belongs to"
    )
    again = shop.give(path, bank_account=shop.banks[0])
    assert (again.id, again.state, again.rows_kept) == (document.id, "loaded", 5)


def test_overlapping_exports_add_nothing_twice(shop: Shop, tmp_path: Path) -> None:
    """Two true twins on one day stay two."""
    first = export(tmp_path / "a.csv", ROWS[:4], opening="1000.00")
    second = export(tmp_path / "b.csv", ROWS[1:], opening="980.00")
    for path, kept, known in ((first, 4, 0), (second, 1, 3)):
        document = shop.give(path, bank_account=shop.banks[0])
        assert (document.state, document.rows_kept, document.rows_known) == ("loaded", kept, known)
    assert shop.in_bank() == Decimal("1127.40")
    with acting_for(shop.merchant.id):
        assert not queries.open_exceptions(shop.account).filter(reason="statement_gap").exists()


def test_a_file_that_states_its_account_must_be_of_the_chosen_one(
    shop: Shop, tmp_path: Path
) -> None:
    path = camt053(
        tmp_path / "a.xml", shop.numbers[0], [("2026-11-02", "R", "5.00", "t")], opening="0.00"
    )
    document = shop.give(path, bank_account=shop.banks[1])
    assert document.state == DocumentState.REFUSED
    assert "not of the one you chose" in document.error_reason
    assert shop.numbers[0] not in document.error_reason
    assert shop.give(path, bank_account=shop.banks[0]).state == "loaded"


def test_a_changed_export_leaves_nothing(shop: Shop, tmp_path: Path) -> None:
    path = export(tmp_path / "b.csv", ROWS, opening="1000.00")
    path.write_bytes(path.read_bytes().replace(b'"149.90"', b'"249.90"'))
    document = shop.give(path, bank_account=shop.banks[0])
    assert (document.state, document.error_row) == ("refused", 6)
    with acting_for(shop.merchant.id):
        assert not BankLine.objects.exists()


# --- the operator's own profiles ----------------------------------------------------------


@pytest.fixture
def own(database: None) -> ColumnProfile:
    definition = OWN | {"code": f"bank_{uuid.uuid4().hex[:12]}"}
    made = ColumnProfile.objects.using("ops").create(
        code=definition["code"], version=1, definition=definition, made_by=a_user()
    )
    return ColumnProfile.objects.get(id=made.id)


def test_a_profile_of_the_operator_reads_what_no_built_in_one_does(
    shop: Shop, own: ColumnProfile, tmp_path: Path
) -> None:
    path = tmp_path / "own.csv"
    path.write_text("Tag;Betrag;Text\n02.11.2026;1234,50;Auszahlung\n")
    assert shop.give(path).state == DocumentState.REFUSED
    document = shop.give(path, bank_account=shop.banks[0], column_profile=own)
    assert (document.state, document.unverified) == ("loaded", "own_profile")
    with acting_for(shop.merchant.id):
        assert BankLine.objects.get().amount == Money("1234.50", "CNY")


def test_the_command_takes_account_and_profile(
    shop: Shop, own: ColumnProfile, tmp_path: Path
) -> None:
    path = tmp_path / "own.csv"
    path.write_text("Tag;Betrag;Text\n02.11.2026;1234,50;Auszahlung\n")
    out, merchant = StringIO(), f"--merchant={shop.merchant.id}"
    chosen = [f"--bank-account={shop.numbers[0]}", f"--column-profile={own.code}"]
    for wrong in (
        [chosen[0], "--currency=EUR"],
        ["--bank-account=1"],
        ["--column-profile=none"],
        [*chosen, "--store=shop"],
    ):
        with pytest.raises(CommandError):
            call_command("ingest", str(path), merchant, *wrong)
    call_command("ingest", str(path), merchant, *chosen, stdout=out)
    assert "bank_csv, 1 new" in out.getvalue()


@pytest.mark.parametrize("using", ["default", "ops", "owner"])
def test_a_profile_never_changes(own: ColumnProfile, using: str) -> None:
    for attempt in ("UPDATE {} SET version = 2", "DELETE FROM {}", "TRUNCATE {} CASCADE"):
        with pytest.raises(DatabaseError), connections[using].cursor() as cursor:
            cursor.execute(attempt.format("settlement_columnprofile"))
    assert ColumnProfile.objects.using(using).get(id=own.id).version == 1


def test_a_merchant_makes_no_profile() -> None:
    user = a_user()
    with pytest.raises(DatabaseError, match="permission denied"):
        ColumnProfile.objects.create(code="x", version=1, definition=OWN, made_by=user)


def test_a_documents_bank_account_is_of_its_merchant_and_not_beside_a_store(
    shop: Shop, tmp_path: Path
) -> None:
    path = export(tmp_path / "b.csv", ROWS, opening="1000.00")
    other = a_merchant()
    with pytest.raises(DatabaseError, match="document_and_bank_account_share_the_merchant"):
        upload(other.id, path, bank_account=shop.banks[0])
    with pytest.raises(DatabaseError, match="document_is_of_a_store_or_of_a_bank_account"):
        upload(shop.merchant.id, path, bank_account=shop.banks[0], store=shop.store)


@pytest.fixture
def operator() -> tuple[Client, Any]:
    client, user = Client(), a_user(is_staff=True, is_superuser=True)
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client, user


def test_the_operator_adds_a_profile_and_looks_at_it(operator: tuple[Client, Any]) -> None:
    client, user = operator
    code = f"bank_{uuid.uuid4().hex[:12]}"
    add = reverse("admin:settlement_columnprofile_add")
    given = {"definition": json.dumps(OWN | {"code": code, "version": 3})}
    assert client.post(add, given).status_code == 302
    made = ColumnProfile.objects.using("ops").get(code=code)
    assert (made.version, made.made_by_id, made.definition["name"]) == (3, user.pk, "Village bank")
    page = client.get(reverse("admin:settlement_columnprofile_change", args=[made.id]))
    assert "Village bank" in page.content.decode()
    # The same version a second time, and one that is not sound.
    assert "already" in client.post(add, given).content.decode()
    unsound = {"definition": json.dumps(OWN | {"code": code, "decimal": "!"})}
    assert "decimal is neither" in client.post(add, unsound).content.decode()
    assert ColumnProfile.objects.using("ops").filter(code=code).count() == 1


# --- ./manage.py inspect ------------------------------------------------------------------


def test_inspect_is_told_what_an_uploader_would_choose(tmp_path: Path) -> None:
    path = export(tmp_path / "b.csv", ROWS, opening="1000.00")
    (found,) = inspected(str(path), "--account=62220001")
    assert (found["account"], found["lines"], found["balanced"]) == ("62220001", 5, True)
    own, profile = tmp_path / "own.csv", tmp_path / "profile.json"
    own.write_text("Tag;Betrag;Text\n02.11.2026;1234,50;Auszahlung\n")
    profile.write_text(json.dumps(OWN))
    (found,) = inspected(str(own), "--account=1", "--currency=EUR", f"--column-profile={profile}")
    assert (found["currency"], found["credit"]) == ("EUR", "1234.50")
    profile.write_text("{}")
    with pytest.raises(CommandError, match="missing required field"):
        inspected(str(own), f"--column-profile={profile}")


def inspected(*arguments: str) -> list[dict[str, Any]]:
    out = StringIO()
    call_command("inspect", *arguments, stdout=out)
    return list(json.loads(out.getvalue()))
