"""A merchant with money to withdraw, the operator's tariff, and a bank's statement by hand."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from djmoney.money import Money

from accounts.access import acting_for
from accounts.models import BankAccount, Merchant, Payee, SettlementAccount, Store
from accounts.onboarding import add_bank_account, add_payee, add_store, open_settlement_account
from settlement.models import (
    FeeQuote,
    FeeSchedule,
    FeeTier,
    PaymentAttempt,
    WaiverProgram,
    WaiverRule,
    Withdrawal,
    WithdrawalState,
)
from settlement.money_out import quotes, withdrawals
from tests.build import a_merchant, upload, work_off
from tests.settlement.files import camt053, fund_flow

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
FIRST_THREE, E_COMMERCE = "first-three", "e-commerce"


def the_tariff() -> None:
    """5.00 up to 10,000.00, 10.00 above; three a month free; e-commerce merchants pay nothing.

    The operator's, and so the same for every test: made once.
    """
    for currency in ("CNY", "USD"):
        schedule, made = FeeSchedule.objects.using("ops").get_or_create(
            currency=currency, version=1, defaults={"effective_from": LONG_AGO}
        )
        if made:
            for up_to, fixed in ((Decimal(10_000), 5), (None, 10)):
                FeeTier.objects.using("ops").create(schedule=schedule, up_to=up_to, fixed=fixed)
    for code, name, name_zh, terms in (
        (FIRST_THREE, "First 3 of a month free", "每月前3笔免费", {"quota": 3}),
        (E_COMMERCE, "E-commerce free", "电商商户全免", {"segment": "e_commerce"}),
    ):
        program, made = WaiverProgram.objects.using("ops").get_or_create(
            code=code, defaults={"name": name, "name_zh": name_zh}
        )
        if made:
            WaiverRule.objects.using("ops").create(
                program=program, version=1, valid=DateTimeTZRange(LONG_AGO, None), **terms
            )


@dataclass(frozen=True, kw_only=True)
class Shop:
    """A merchant with one store, one bank account and one payee."""

    merchant: Merchant
    account: SettlementAccount
    bank_account: BankAccount
    number: str
    payee: Payee
    store: Store

    @property
    def id(self) -> uuid.UUID:
        return self.merchant.id


def a_shop(name: str = "a shop", *, segment: str = "general", currency: str = "CNY") -> Shop:
    """A merchant who has sold nothing yet."""
    the_tariff()
    merchant = a_merchant(name)
    number = f"9900{uuid.uuid4().int % 10**15:015d}"
    with acting_for(merchant.id):
        merchant.segment = segment
        merchant.save(update_fields=["segment"])
        account = open_settlement_account(merchant, name="main")
        return Shop(
            merchant=merchant,
            account=account,
            bank_account=add_bank_account(
                account, bank="Sandbox Bank", holder=name, number=number, currency=currency
            ),
            number=number,
            payee=add_payee(
                merchant,
                holder="Wang Xiaolan",
                bank="Sandbox Bank",
                number=f"6222{uuid.uuid4().int % 10**12:012d}",
                currency=currency,
            ),
            store=add_store(account, platform="wechatpay", name="shop"),
        )


PAID = "5030" + "2".zfill(20)
"""The payout's number in the fund flow below, and so in the bank's text."""


def with_money(shop: Shop, folder: Path, *, amount: str = "9000.00") -> Shop:
    """It sells for `amount`, the platform pays it out, and the bank shows it: all is available."""
    folder.mkdir(exist_ok=True)
    flows = [("10:00:00", "1", "交易", amount), ("20:00:00", "2", "提现", f"-{amount}")]
    upload(shop.id, fund_flow(folder / "flow.csv", flows), store=shop.store)
    entries = [("2026-11-03", "B1", amount, f"财付通提现 {PAID}")]
    upload(shop.id, statement(shop, folder / "bank.xml", entries, opening="1000.00"))
    work_off(shop.id)
    return shop


def statement(
    shop: Shop,
    path: Path,
    entries: Sequence[tuple[str, str, str, str]],
    *,
    opening: str,
    day: str = "2026-11-03",
) -> Path:
    """The bank's camt.053 of one day for this shop's account."""
    return camt053(path, shop.number, entries, opening=opening, first=day, last=day)


def quoted(shop: Shop, amount: str, *, now: datetime) -> FeeQuote:
    """A quote for the shop's account."""
    with acting_for(shop.id):
        return quotes.quote_fee(
            BankAccount.objects.select_related("merchant").get(id=shop.bank_account.id),
            amount=Money(amount, shop.bank_account.currency),
            by=None,
            now=now,
        )


def ordered(
    shop: Shop, quote: FeeQuote, *, now: datetime, key: str = "", text: str = ""
) -> Withdrawal:
    """The quoted withdrawal, ordered."""
    with acting_for(shop.id):
        return withdrawals.request(
            quote=FeeQuote.objects.select_related("rule__program", "bank_account").get(id=quote.id),
            payee=shop.payee,
            key=key or uuid.uuid4().hex,
            by=None,
            now=now,
            text=text,
        )


def sent(withdrawal: Withdrawal, *, now: datetime) -> Withdrawal:
    """The withdrawal as if a worker had brought it to the bank, which accepted it."""
    with acting_for(withdrawal.merchant_id):
        withdrawal.state = WithdrawalState.ACCEPTED
        withdrawal.save(update_fields=["state"])
        PaymentAttempt.objects.create(
            merchant_id=withdrawal.merchant_id,
            withdrawal=withdrawal,
            message_id=uuid.uuid4().hex,
            sha256="",
            made_at=now,
            sent_at=now,
            answered_at=now,
            outcome="accepted",
        )
    return withdrawal
