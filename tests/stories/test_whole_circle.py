"""The whole circle: sale, settlement, payout, bank, a free withdrawal, and its return.

One merchant, one store, one bank account. The platform's files are written by hand, the bank is
a simulated one that speaks pain.001 and camt.053 over HTTP. After every step the money is in
one place, and at the end it is where it began.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from accounts.access import acting_for
from ledger import balances
from ledger.checks import prove
from sandbox.online_bank import RunningBank
from settlement import bookings, checks, queries
from settlement.models import FeeQuote, Payout, PayoutState, Withdrawal, WithdrawalState
from settlement.money_out import queries as money_out
from settlement.money_out import quotes
from tests.bank import close_day, collect, connected_bank, open_account, pay, switch, truth
from tests.build import upload, work_off
from tests.money import FIRST_THREE, Shop, a_shop, ordered, quoted, statement
from tests.settlement.files import Flow, fund_flow

pytestmark = pytest.mark.usefixtures("database")

PAYOUT_NUMBER = "5030" + "5".zfill(20)


@dataclass(frozen=True, kw_only=True)
class Money:
    """Where the merchant's money is, as text: 0.00 where there is none."""

    owed: str = "0.00"
    in_transit: str = "0.00"
    available: str = "0.00"
    held: str = "0.00"
    bank: str = "1000.00"


@pytest.fixture
def shop(database: None, tmp_path: Path) -> Shop:
    """A merchant whose bank account held 1,000.00 before all this."""
    shop = a_shop("Yunxi Home")
    upload(shop.id, statement(shop, tmp_path / "before.xml", [], opening="1000.00"))
    work_off(shop.id)
    return shop


@pytest.fixture
def bank(shop: Shop, tmp_path: Path, settings: Any) -> Iterator[RunningBank]:
    with connected_bank(tmp_path, settings) as bank:
        open_account(bank, shop, opening=1000_00, first_sequence=2)
        yield bank


def test_from_a_sale_to_the_bank_and_out_and_back(
    shop: Shop, bank: RunningBank, tmp_path: Path
) -> None:
    # A customer buys, another returns something, and the platform takes its fee.
    sales: list[Flow] = [
        ("10:00:00", "1", "交易", "3000.00"),
        ("11:00:00", "2", "扣除交易手续费", "-18.00"),
        ("12:00:00", "3", "退款", "-200.00"),
    ]
    the_platform_gives(shop, fund_flow(tmp_path / "sales.csv", sales))
    assert where_it_is(shop) == Money(owed="2782.00")

    # The platform announces that it pays all of it out.
    payout: list[Flow] = [("20:00:00", "5", "提现", "-2782.00")]
    the_platform_gives(shop, fund_flow(tmp_path / "payout.csv", payout, opening="2782.00"))
    assert where_it_is(shop) == Money(in_transit="2782.00")

    # The bank shows it: payout and bank line are the same money, to the cent.
    the_bank_receives(bank, shop, "2782.00", text=f"财付通提现 {PAYOUT_NUMBER}")
    assert collect(shop) == 1
    assert the_payout(shop).state == PayoutState.RECONCILED
    assert where_it_is(shop) == Money(available="2782.00", bank="3782.00")

    # The merchant asks what taking out 2,500.00 would cost: nothing, and it is told why.
    now = timezone.now()
    quote = quoted(shop, "2500.00", now=now)
    assert sentence(quote).endswith(
        f"“First 3 of a month free” forgives 5.00 CNY, as number 1 of 3 in {now:%B %Y}: "
        "you pay 0.00 CNY."
    )
    assert where_it_is(shop) == Money(available="2782.00", bank="3782.00")

    # It orders: the money is still there, and promised.
    withdrawal = ordered(shop, quote, now=now, text="to our savings")
    assert where_it_is(shop) == Money(available="282.00", held="2500.00", bank="3782.00")

    # A worker brings the order to the bank, which accepts it.
    assert pay(shop, withdrawal).state == WithdrawalState.ACCEPTED
    assert where_it_is(shop) == Money(available="282.00", held="2500.00", bank="3782.00")

    # The next statement shows the debit: it is paid, the fee and its waiver are booked.
    close_day(bank)
    assert collect(shop) == 1
    assert state(shop, withdrawal) == WithdrawalState.SUCCEEDED
    assert where_it_is(shop) == Money(available="282.00", bank="1282.00")
    assert fees(shop) == {"income": "5.00", "waived": "5.00"}
    with acting_for(shop.id):
        [saved] = money_out.saved(shop.account)
        assert (saved.count, str(saved.waived), str(saved.paid)) == (1, "CN¥5.00", "CN¥0.00")

    # Days later the payee's bank sends it back: balance, fee and free withdrawal are restored.
    switch(bank, **{"return": withdrawal.number})
    close_day(bank)
    assert collect(shop) == 1
    assert state(shop, withdrawal) == WithdrawalState.RETURNED
    assert where_it_is(shop) == Money(available="2782.00", bank="3782.00")
    assert fees(shop) == {"income": "0.00", "waived": "0.00"}
    assert quoted(shop, "2500.00", now=timezone.now()).ordinal == 1

    books_bank_and_truth_are_one(shop, bank)


# --- who does what ------------------------------------------------------------------------


def the_platform_gives(shop: Shop, path: Path) -> None:
    upload(shop.id, path, store=shop.store)
    work_off(shop.id)


def the_bank_receives(bank: RunningBank, shop: Shop, amount: str, *, text: str) -> None:
    cents = int(amount.replace(".", ""))
    credit = {"account": shop.number, "amount": cents, "payer": "财付通", "text": text}
    switch(bank, credit=credit)
    close_day(bank)


# --- what is seen -------------------------------------------------------------------------


def where_it_is(shop: Shop) -> Money:
    with acting_for(shop.id):
        overview = queries.overview(shop.account)
        [store] = overview.stores
        [bank] = overview.banks
        [funds] = money_out.funds(shop.account)
    assert bank.agrees, "the books equal the bank after every step"
    return Money(
        owed=f"{store.owed.amount:.2f}",
        in_transit=f"{store.in_transit.amount:.2f}",
        available=f"{funds.available.amount:.2f}",
        held=f"{funds.held.amount:.2f}",
        bank=f"{bank.booked.amount:.2f}",
    )


def the_payout(shop: Shop) -> Payout:
    with acting_for(shop.id):
        return Payout.objects.get(live=True)


def state(shop: Shop, withdrawal: Withdrawal) -> str:
    with acting_for(shop.id):
        withdrawal.refresh_from_db()
    return withdrawal.state


def sentence(quote: FeeQuote) -> str:
    with acting_for(quote.merchant_id):
        loaded = FeeQuote.objects.select_related("rule__program").get(id=quote.id)
        return str(quotes.explain(loaded)).replace("\N{NO-BREAK SPACE}", " ")


def fees(shop: Shop) -> dict[str, str]:
    with acting_for(shop.id):
        codes = {
            "income": bookings.fee_income("CNY"),
            "waived": bookings.waiver(FIRST_THREE, "CNY"),
        }
        found = balances.balances(book=shop.id, codes=list(codes.values()))
    return {name: f"{found[code].amount / 100:.2f}" for name, code in codes.items()}


def books_bank_and_truth_are_one(shop: Shop, bank: RunningBank) -> None:
    [account] = truth(bank)["accounts"]
    with acting_for(shop.id):
        code = bookings.bank(shop.bank_account.id, "CNY")
        assert balances.balances(book=shop.id, codes=[code])[code].amount == account["balance"]
    for findings in (prove(using="ops", book=shop.id), checks.prove("ops", shop.id)):
        assert [finding for finding in findings if finding.violations] == []
