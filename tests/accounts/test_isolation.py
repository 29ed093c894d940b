"""A merchant never sees another's rows, whatever the code forgets."""

import uuid

import pytest
from django.db import ProgrammingError, connections

from accounts import vault
from accounts.access import acting_for, membership
from accounts.errors import NoSuchMerchantError, VaultError
from accounts.models import Store
from accounts.onboarding import (
    add_bank_account,
    add_store,
    open_settlement_account,
    register_merchant,
)
from tests.build import a_merchant, a_user

pytestmark = pytest.mark.usefixtures("database")


def test_without_a_merchant_no_row_is_seen() -> None:
    merchant = a_merchant()
    with acting_for(merchant.id):
        account = open_settlement_account(merchant, name="main")
        add_store(account, platform="wechatpay", name="shop")
        assert Store.objects.count() == 1
    assert Store.objects.count() == 0


def test_another_merchants_rows_do_not_exist() -> None:
    mine, yours = a_merchant(), a_merchant()
    with acting_for(mine.id):
        add_store(open_settlement_account(mine, name="main"), platform="shopify", name="mine")
    with acting_for(yours.id):
        assert list(Store.objects.all()) == []
        with acting_for(mine.id):
            assert Store.objects.get().name == "mine"
        assert list(Store.objects.all()) == []


def test_an_error_inside_leaves_the_outer_merchant_acting() -> None:
    mine, yours = a_merchant(), a_merchant()
    with acting_for(yours.id):
        add_store(open_settlement_account(yours, name="main"), platform="shopify", name="yours")
        with pytest.raises(ZeroDivisionError), acting_for(mine.id):
            assert not Store.objects.exists()
            raise ZeroDivisionError
        assert Store.objects.get().name == "yours"
    with pytest.raises(ZeroDivisionError), acting_for(yours.id):
        raise ZeroDivisionError
    assert Store.objects.count() == 0


def test_a_row_for_another_merchant_cannot_be_written() -> None:
    mine, yours = a_merchant(), a_merchant()
    with acting_for(mine.id):
        account = open_settlement_account(mine, name="main")
    with pytest.raises(ProgrammingError, match="row-level security"), acting_for(yours.id):
        Store.objects.create(
            merchant=mine, settlement_account=account, platform="shopify", name="theirs"
        )


def test_a_user_is_found_only_in_its_own_merchants() -> None:
    user, other = a_user(), a_user()
    merchant = register_merchant(name="mine", owner=user)
    assert membership(user).merchant_id == merchant.id
    with pytest.raises(NoSuchMerchantError):
        membership(other, merchant_id=merchant.id)


def test_a_bank_account_number_is_unreadable_in_the_database() -> None:
    merchant = a_merchant()
    number = f"62{uuid.uuid4().int % 10**17:017d}"
    with acting_for(merchant.id):
        account = open_settlement_account(merchant, name="main")
        bank_account = add_bank_account(
            account, bank="Bank", holder="Holder", number=number, currency="CNY"
        )
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT accounts_bankaccount::text FROM accounts_bankaccount")
            [[row]] = cursor.fetchall()
    assert number not in row
    assert number.encode().hex() not in row
    assert bank_account.masked == f"•••• {number[-4:]}"
    assert vault.unseal(bank_account.number_sealed, context="bank_account.number") == number


def test_a_sealed_value_opens_only_where_it_belongs() -> None:
    with pytest.raises(VaultError):
        vault.unseal(vault.seal("x", context="here"), context="there")
