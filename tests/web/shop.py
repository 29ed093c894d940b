"""Builds a merchant with something on every page, row by row."""

from __future__ import annotations

import io
import uuid
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.test import Client
from django.utils import timezone
from djmoney.money import Money

from accounts.access import acting_for
from accounts.models import (
    BankAccount,
    Member,
    Payee,
    Role,
    SettlementAccount,
    Store,
    User,
    new_id,
)
from accounts.onboarding import (
    add_bank_account,
    add_payee,
    add_store,
    open_settlement_account,
    register_merchant,
)
from settlement.models import (
    BankLine,
    BankStatement,
    DocumentState,
    FeeQuote,
    FeeSchedule,
    Line,
    Match,
    MatchItem,
    MatchRule,
    MatchState,
    Payout,
    PayoutState,
    Reason,
    ReconException,
    ReconRun,
    RunState,
    SourceDocument,
    WaiverRule,
    Withdrawal,
    WithdrawalState,
)
from settlement.money_in import ingest
from settlement.money_out.withdrawals import number_of
from tests.build import a_user
from tests.money import FIRST_THREE, the_tariff

TODAY = date(2026, 11, 20)
LINES = ["number,what,amount", *(f"row {n},sale,{n}.00" for n in range(2, 40))]


@dataclass(kw_only=True)
class Shop:
    """A merchant and what was built for it."""

    owner: User
    merchant_id: uuid.UUID
    account: SettlementAccount
    bank_account: BankAccount
    stores: list[Store]
    documents: dict[str, SourceDocument] = field(default_factory=dict)
    payouts: dict[str, Payout] = field(default_factory=dict)
    statement: BankStatement | None = None
    bank_lines: list[BankLine] = field(default_factory=list)
    withdrawals: dict[str, Withdrawal] = field(default_factory=dict)
    given: dict[str, Any] = field(default_factory=dict)

    @property
    def payee(self) -> Payee:
        """Whom it has paid."""
        payee: Payee = self.given["payee"]
        return payee

    @property
    def quote(self) -> FeeQuote:
        """A quote nobody has ordered."""
        quote: FeeQuote = self.given["quote"]
        return quote

    def a_member(self, role: Role) -> User:
        """Another user acting for this merchant."""
        user = a_user()
        with acting_for(self.merchant_id):
            Member.objects.create(merchant_id=self.merchant_id, user=user, role=role)
        return user

    def client(self, *, language: str = "en", user: User | None = None) -> Client:
        """A browser in which the owner (or another user) is signed in."""
        client = Client(headers={"accept-language": language})
        client.force_login(user or self.owner, backend="django.contrib.auth.backends.ModelBackend")
        return client


def an_empty_shop(*, stores: int = 0, name: str = "a merchant") -> Shop:
    """A merchant with a settlement account, a bank account and stores, without documents."""
    owner = a_user()
    merchant = register_merchant(name=name, owner=owner)
    with acting_for(merchant.id):
        account = open_settlement_account(merchant, name="main")
        bank_account = add_bank_account(
            account,
            bank="A Bank",
            holder=name,
            number=f"62{uuid.uuid4().int % 10**17:017d}",
            currency="CNY",
        )
        platforms = ("wechatpay", "shopify")
        made = [
            add_store(account, platform=platforms[n % 2], name=f"store {n + 1}")
            for n in range(stores)
        ]
    return Shop(
        owner=owner,
        merchant_id=merchant.id,
        account=account,
        bank_account=bank_account,
        stores=made,
    )


def a_shop(*, stores: int = 2, name: str = "a merchant") -> Shop:
    """A merchant with documents, payouts and exceptions in every state and of every reason."""
    shop = an_empty_shop(stores=stores, name=name)
    for state in DocumentState:
        a_document(shop, state=state, store=shop.stores[0])
    a_document(shop, state=DocumentState.LOADED, store=None, key="bank")
    with acting_for(shop.merchant_id):
        for number, store in enumerate(shop.stores):
            for state in PayoutState:
                payout = _payout(shop, store, state, number)
                shop.payouts.setdefault(state.value, payout)
        _lines(shop)
        _bank(shop)
        _exceptions(shop)
        _money_out(shop)
        ReconRun.objects.create(
            merchant_id=shop.merchant_id,
            settlement_account=shop.account,
            state=RunState.DONE,
            requested_at=timezone.now(),
            finished_at=timezone.now(),
        )
    return shop


def a_document(
    shop: Shop, *, state: DocumentState, store: Store | None, key: str = ""
) -> SourceDocument:
    """A document whose bytes are kept, put into a state without being read."""
    text = "\r\n".join([*LINES, str(uuid.uuid4())])
    document = ingest.receive(
        merchant_id=shop.merchant_id,
        stream=io.BytesIO(text.encode()),
        name=f"{state.value} file.csv",
        store=store,
        uploaded_by=shop.owner,
    )
    refused = {"error_row": 7, "error_reason": "not an amount"}
    changes = {
        "state": state,
        "code": "camt" if store is None else "wechatpay",
        "bytes_read": document.size // 2,
        **(refused if state == DocumentState.REFUSED else {}),
    }
    with acting_for(shop.merchant_id):
        SourceDocument.objects.filter(id=document.id).update(**changes)
        document.refresh_from_db()
    shop.documents[key or state.value] = document
    return document


def _payout(shop: Shop, store: Store, state: PayoutState, number: int) -> Payout:
    gone = state == PayoutState.RESTATED
    arrived = state == PayoutState.RECONCILED
    return Payout.objects.create(
        merchant_id=shop.merchant_id,
        store=store,
        document=shop.documents["loaded"],
        row=5,
        external_id=f"PAYOUT{number:04d}{'reconciled' if gone else state.value}",
        version=2 if gone else 1,
        amount=Money(Decimal("1234.50") + number, "CNY"),
        state=state,
        announced_at=timezone.now() - timedelta(days=9),
        arrives_on=TODAY - timedelta(days=5),
        arrived_on=TODAY - timedelta(days=3) if arrived else None,
        remittance=f"REF{number}{state.value}",
        known_at=timezone.now(),
        live=not gone,
    )


def _lines(shop: Shop) -> None:
    payout = shop.payouts["reconciled"]
    document = shop.documents["loaded"]
    given = [("sale", "1300.00"), ("refund", "-50.00"), ("commission", "-15.50")]
    for row, (kind, amount) in enumerate(given, start=2):
        Line.objects.create(
            id=new_id(),
            merchant_id=shop.merchant_id,
            document=document,
            store=shop.stores[0],
            known_at=document.known_at,
            row=row,
            external_id=f"line {row}",
            kind=kind,
            amount=Money(amount, "CNY"),
            event_at=payout.announced_at,
            order_ref="ORDER",
            payout_ref=payout.external_id,
        )


def _bank(shop: Shop) -> None:
    document = shop.documents["bank"]
    before, shop.statement = (
        BankStatement.objects.create(
            merchant_id=shop.merchant_id,
            bank_account=shop.bank_account,
            document=document,
            number=str(number),
            opening=Money(100 * number, "CNY"),
            closing=Money(100 * number + 1, "CNY"),
            period_from=TODAY - timedelta(days=20 - 10 * number),
            period_to=TODAY - timedelta(days=11 - 10 * number),
            balanced=True,
            known_at=timezone.now(),
        )
        for number in (0, 1)
    )
    shop.bank_lines = [
        BankLine.objects.create(
            merchant_id=shop.merchant_id,
            bank_account=shop.bank_account,
            statement=before,
            document=document,
            row=row,
            line_key=str(uuid.uuid4()),
            reference="BANKREF",
            amount=amount,
            booked_on=TODAY - timedelta(days=3),
            counterparty="Somebody",
            remittance="text",
            details=[
                {
                    "amount": "1.00",
                    "currency": "",
                    "end_to_end_id": "E2E",
                    "reference": "",
                    "counterparty": "Somebody else",
                    "remittance": "a part",
                    "charges": None,
                }
            ],
            known_at=timezone.now(),
        )
        for row, amount in (
            (3, shop.payouts["reconciled"].amount),
            (4, Money("-88.00", "CNY")),
            (5, shop.payouts["in_transit"].amount),
        )
    ]
    match = Match.objects.create(
        merchant_id=shop.merchant_id,
        settlement_account=shop.account,
        state=MatchState.CONFIRMED,
        rule=MatchRule.REFERENCE,
        made_at=timezone.now(),
    )
    line, payout = shop.bank_lines[0], shop.payouts["reconciled"]
    common = {"merchant_id": shop.merchant_id, "match": match, "amount": payout.amount}
    MatchItem.objects.create(payout=payout, **common)
    MatchItem.objects.create(bank_line=line, **common)


def _money_out(shop: Shop) -> None:
    """A payee, a quote, and a withdrawal in every state for each store: as many as there are."""
    the_tariff()
    shop.given["payee"] = add_payee(
        shop.account.merchant,
        holder="Somebody to pay",
        bank="Another Bank",
        number=f"{uuid.uuid4().int % 10**16:016d}",
        currency="CNY",
    )
    shop.given["quote"] = _quote(shop)
    for _store in shop.stores:
        for state in WithdrawalState:
            shop.withdrawals.setdefault(state.value, _withdrawal(shop, state))


def _quote(shop: Shop) -> FeeQuote:
    now = timezone.now()
    return FeeQuote.objects.create(
        merchant_id=shop.merchant_id,
        settlement_account=shop.account,
        bank_account=shop.bank_account,
        amount=Money("100.00", "CNY"),
        fee=Money("5.00", "CNY"),
        waived=Money("5.00", "CNY"),
        schedule=FeeSchedule.objects.get(currency="CNY", version=1),
        rule=WaiverRule.objects.get(program__code=FIRST_THREE),
        period=TODAY.replace(day=1),
        ordinal=1,
        trace={"tariff": 1, "tier": {"up_to": "10000", "fixed": "5", "rate": "0"}},
        quoted_at=now,
        expires_at=now + timedelta(hours=1),
    )


def _withdrawal(shop: Shop, state: WithdrawalState) -> Withdrawal:
    quote, id = _quote(shop), new_id()
    back = state == WithdrawalState.RETURNED
    out = back or state == WithdrawalState.SUCCEEDED
    return Withdrawal.objects.create(
        id=id,
        merchant_id=shop.merchant_id,
        settlement_account=shop.account,
        bank_account=shop.bank_account,
        payee=shop.payee,
        quote=quote,
        number=number_of(id),
        key=id.hex,
        amount=quote.amount,
        fee=quote.fee,
        waived=quote.waived,
        state=state,
        requested_by=shop.owner,
        requested_at=timezone.now(),
        paid_on=TODAY if out else None,
        returned_on=TODAY if back else None,
    )


def _exceptions(shop: Shop) -> None:
    less = Money("-12.00", "CNY")
    payouts, line = shop.payouts, shop.bank_lines[1]
    about: dict[Reason, dict[str, object]] = {
        Reason.MISSING: {"payout": payouts["missing"]},
        Reason.SHORT: {"payout": payouts["short"], "bank_line": line, "difference": less},
        Reason.OVER: {"payout": payouts["over"], "bank_line": line, "difference": -less},
        Reason.AMBIGUOUS: {"payout": payouts["in_transit"]},
        Reason.LINES_DIFFER: {"payout": payouts["late"], "difference": less},
        Reason.UNKNOWN_KIND: {"document": shop.documents["loaded"]},
        Reason.WITHDRAWAL_DIFFERS: {"bank_line": line, "difference": less},
        Reason.STATEMENT_GAP: {"statement": shop.statement, "difference": less},
    }
    for reason, given in about.items():
        subject = next(iter(given.values()))
        ReconException.objects.create(
            merchant_id=shop.merchant_id,
            settlement_account=shop.account,
            reason=reason,
            subject=subject.id,  # type: ignore[attr-defined]
            opened_at=timezone.now(),
            **given,
        )
