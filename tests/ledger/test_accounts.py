"""Opening accounts."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.balances import balance, balances
from ledger.book import AccountSpec, Draft, Side, credit, debit, open_accounts, post
from ledger.errors import AccountConflictError, InsufficientFundsError, InvalidDraftError
from tests.ledger.build import CASH, NOW, OWED, SPECS, a_book, a_draft, in_book

pytestmark = pytest.mark.usefixtures("database")


def test_opening_accounts_again_changes_nothing() -> None:
    book = a_book()
    with in_book(book):
        post(book=book, draft=a_draft(), now=NOW)
        open_accounts(book=book, specs=[*SPECS, SPECS[0]], now=NOW)
        assert len(balances(book=book)) == len(SPECS)
        assert balance(book=book, code=CASH) == 100
        open_accounts(book=book, specs=[], now=NOW)


@pytest.mark.parametrize(
    "change",
    [{"currency": "USD"}, {"normal_side": Side.CREDIT}, {"floor": 0}],
)
def test_an_account_cannot_be_opened_as_something_else(change: dict[str, Any]) -> None:
    book = a_book()
    usual: dict[str, Any] = {"code": CASH, "currency": "CNY", "normal_side": Side.DEBIT}
    new = AccountSpec(code="new", currency="CNY", normal_side=Side.DEBIT)
    with in_book(book):
        with pytest.raises(AccountConflictError):
            open_accounts(book=book, specs=[new, AccountSpec(**usual | change)], now=NOW)
        assert "new" not in balances(book=book)
        with pytest.raises(AccountConflictError):
            specs = [AccountSpec(**usual | {"code": "two"} | c) for c in ({}, change)]
            open_accounts(book=book, specs=specs, now=NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"code": ""},
        {"code": "x" * 201},
        {"currency": "cny"},
        {"currency": "CNYX"},
        {"currency": "C1Y"},
        {"normal_side": "X"},
        {"floor": 1},
        {"floor": -(10**15)},
    ],
)
def test_a_malformed_account_is_refused(change: dict[str, Any]) -> None:
    book = a_book()
    fields: dict[str, Any] = {"code": "x", "currency": "CNY", "normal_side": Side.DEBIT}
    with in_book(book), pytest.raises(InvalidDraftError):
        open_accounts(book=book, specs=[AccountSpec(**fields | change)], now=NOW)


def test_an_overdraft_is_a_floor_below_zero() -> None:
    overdraft = AccountSpec(code="overdraft", currency="CNY", normal_side=Side.DEBIT, floor=-50)
    book = a_book(overdraft)

    def spend(amount: int) -> Draft:
        return a_draft(credit("overdraft", amount, "CNY"), debit(OWED, amount, "CNY"))

    with in_book(book):
        post(book=book, draft=spend(50), now=NOW)
        with pytest.raises(InsufficientFundsError):
            post(book=book, draft=spend(1), now=NOW)
        assert balance(book=book, code="overdraft") == -50
