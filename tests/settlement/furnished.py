"""A merchant with a row in every table."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connections
from djmoney.money import Money

from accounts.access import acting_for
from accounts.models import BankAccount, Member, Merchant, SettlementAccount, Store
from accounts.onboarding import add_bank_account, add_payee, add_store, open_settlement_account
from ledger import book, heads, holds, periods, seals
from ledger.book import AccountSpec, Draft, Link, Side, credit, debit
from settlement.models import (
    BankLine,
    BankStatement,
    FeeQuote,
    FeeSchedule,
    Hook,
    Match,
    MatchItem,
    PaymentAttempt,
    Payout,
    PullDay,
    QuotaUse,
    ReconException,
    ReconRun,
    SourceDocument,
    WaiverRule,
    WalletStatement,
    Withdrawal,
)
from tests.build import a_merchant
from tests.money import FIRST_THREE, the_tariff

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
TODAY = date(2026, 11, 20)
SIX: Any = Money(6, "CNY")


@dataclass(frozen=True)
class Rows:
    """One merchant with a row in every table, by its table's name."""

    merchant: Merchant
    ids: dict[str, UUID]


def furnished() -> Rows:
    """A merchant with a row in every table."""
    merchant = a_merchant()
    with acting_for(merchant.id):
        account = open_settlement_account(merchant, name="main")
        store = add_store(account, platform="wechatpay", name="shop")
        rows = [merchant, account, store, store.links.get(), Member.objects.get()]
        rows += the_business(account, store)
        rows += fetched(store)
        ids = {row._meta.db_table: row.pk for row in rows}
        add_line(ids)
        an_entry(merchant)
        sealed_and_closed(merchant)
    heads.export(using="ops", now=NOW)
    return Rows(merchant, ids)


def the_business(account: SettlementAccount, store: Store) -> list[Any]:
    """One of everything: a document, a payout, a bank line, their match, an exception, a run."""
    of = {"merchant_id": account.merchant_id}
    bank = add_bank_account(account, bank="B", holder="H", number=uuid.uuid4().hex, currency="CNY")
    document = SourceDocument.objects.create(
        **of, store=store, sha256=uuid.uuid4().hex * 2, size=1, name="f", known_at=NOW
    )
    row = {**of, "document": document, "known_at": NOW}
    wallet = WalletStatement.objects.create(
        **row, store=store, opening=SIX, closing=SIX, first_at=NOW, last_at=NOW
    )
    payout = Payout.objects.create(
        **row, store=store, row=1, external_id="P", amount=SIX, state="reconciled", announced_at=NOW
    )
    statement = BankStatement.objects.create(
        **row, bank_account=bank, opening=SIX, closing=SIX, period_from=TODAY, period_to=TODAY
    )
    line = BankLine.objects.create(
        **row, bank_account=bank, statement=statement, row=1, line_key="k", amount=SIX,
        booked_on=TODAY,
    )  # fmt: skip
    match = Match.objects.create(
        **of, settlement_account=account, state="confirmed", rule="amount", made_at=NOW
    )
    MatchItem.objects.create(**of, match=match, bank_line=line, amount=SIX)
    item = MatchItem.objects.create(**of, match=match, payout=payout, amount=SIX)
    exception = ReconException.objects.create(
        **of, settlement_account=account, reason="short", subject=payout.pk, payout=payout,
        difference=SIX, opened_at=NOW,
    )  # fmt: skip
    run = ReconRun.objects.create(**of, settlement_account=account, requested_at=NOW)
    rows = [bank, document, wallet, payout, statement, line, match, item, exception, run]
    return rows + money_out(account, bank)


def fetched(store: Store) -> list[Any]:
    """A fetched day, and a hook."""
    of = {"merchant_id": store.merchant_id, "link": store.links.get()}
    day = PullDay.objects.create(**of, day=TODAY)
    hook = Hook.objects.create(**of, delivery_id="d", body=b"{}", url="", received_at=NOW)
    return [day, hook]


def money_out(account: SettlementAccount, bank: BankAccount) -> list[Any]:
    """A payee, and one of everything a withdrawal leaves behind."""
    of = {"merchant_id": account.merchant_id}
    the_tariff()
    rule = WaiverRule.objects.get(program__code=FIRST_THREE)
    payee = add_payee(
        account.merchant, holder="P", bank="B", number=uuid.uuid4().hex, currency="CNY"
    )
    amounts: Any = {"amount": SIX, "fee": SIX, "waived": SIX}
    quote = FeeQuote.objects.create(
        **of, **amounts, settlement_account=account, bank_account=bank, quoted_at=NOW,
        expires_at=NOW, schedule=FeeSchedule.objects.get(currency="CNY"), rule=rule,
        period=TODAY, ordinal=1, trace={},
    )  # fmt: skip
    withdrawal = Withdrawal.objects.create(
        **of, **amounts, settlement_account=account, bank_account=bank, payee=payee, quote=quote,
        number=f"TW{uuid.uuid4().hex[:20].upper()}", key="k", requested_at=NOW,
    )  # fmt: skip
    attempt = PaymentAttempt.objects.create(
        **of, withdrawal=withdrawal, message_id=uuid.uuid4().hex, sha256="", made_at=NOW
    )
    use = QuotaUse.objects.create(
        **of, rule=rule, quota=3, period=TODAY, ordinal=1, withdrawal=withdrawal
    )
    return [payee, quote, withdrawal, attempt, use]


LINE = """
INSERT INTO settlement_line (merchant_id, document_id, id, known_at, store_id, "row", version,
    external_id, kind, amount, amount_currency, event_at, order_ref, payout_ref, remittance, label,
    books, live)
VALUES (%(merchant)s, %(document)s, %(line)s, %(known_at)s, %(store)s, 1, %(version)s, 'L', 'sale',
    %(amount)s, 'CNY', %(known_at)s, '', '', '', '', true, true)
"""
KEY = """
INSERT INTO settlement_linekey (merchant_id, store_id, external_id, version, document_id, known_at,
    line_id)
VALUES (%(merchant)s, %(store)s, 'L', 1, %(document)s, %(known_at)s, %(line)s)
"""


def a_line(ids: dict[str, UUID], **fields: Any) -> dict[str, Any]:
    """What the statements above are given."""
    return {
        "merchant": ids["accounts_merchant"],
        "document": ids["settlement_sourcedocument"],
        "store": ids["accounts_store"],
        "line": uuid.uuid4(),
        "known_at": NOW,
        "version": 1,
        "amount": 6,
    } | fields


def add_line(ids: dict[str, UUID]) -> None:
    """A settlement line and its key."""
    given = a_line(ids)
    with connections["default"].cursor() as cursor:
        cursor.execute(LINE, given)
        cursor.execute(KEY, given)
    ids["settlement_line"] = given["line"]


def an_entry(merchant: Merchant, *, hold_expires_at: datetime | None = None) -> None:
    """A balanced entry on two accounts, one of them guarded, and a hold on that."""
    specs = [
        AccountSpec(code=code, currency="CNY", normal_side=side, floor=floor)
        for code, side, floor in (("a", Side.DEBIT, None), ("b", Side.CREDIT, 0))
    ]
    book.open_accounts(book=merchant.id, specs=specs, now=NOW)
    movements = (debit("a", 1, "CNY"), credit("b", 1, "CNY"))
    draft = Draft(reference="r", kind="k", movements=movements, event_at=NOW, booked_on=TODAY)
    book.post(book=merchant.id, draft=draft, now=NOW)
    holds.place(
        book=merchant.id,
        reference="h",
        account="b",
        amount=1,
        currency="CNY",
        subject=None,
        now=NOW,
        expires_at=hold_expires_at,
    )


def sealed_and_closed(merchant: Merchant) -> None:
    """An entry linked to the one above, all of it sealed, and then a closing, which has arrived."""
    movements = (debit("a", 1, "CNY"), credit("b", 1, "CNY"))
    linked = Draft(
        reference="l", kind="k", movements=movements, event_at=NOW, booked_on=TODAY,
        links=(Link(relation="follows", reference="r"),),
    )  # fmt: skip
    book.post(book=merchant.id, draft=linked, now=NOW)
    seals.seal(book=merchant.id, now=NOW)
    yesterday = TODAY - timedelta(days=1)
    periods.close(book=merchant.id, through=yesterday, by="Ann", reason="furnished", now=NOW)
