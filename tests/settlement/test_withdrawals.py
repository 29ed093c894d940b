"""Ordering money out: what was quoted is honoured or refused, and nothing is given twice."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError, IntegrityError, connection, connections, transaction
from djmoney.money import Money

from accounts.access import acting_for
from ledger.checks import Finding
from settlement import checks
from settlement.errors import (
    AmountError,
    IllegalTransitionError,
    KeyConflictError,
    NotEnoughError,
    QuotaExhaustedError,
    QuoteExpiredError,
    WithdrawalError,
)
from settlement.models import FeeQuote, QuotaUse, Withdrawal, WithdrawalState
from settlement.money_out import queries, quotes, withdrawals
from tests.money import Shop, a_shop, ordered, quoted, with_money

pytestmark = pytest.mark.usefixtures("database")
NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)


def cny(amount: str) -> Money:
    return Money(amount, "CNY")


def available(shop: Shop) -> Money:
    with acting_for(shop.id):
        return queries.funds(shop.account)[0].available


def sentence(quote: FeeQuote, shop: Shop) -> str:
    with acting_for(shop.id):
        loaded = FeeQuote.objects.select_related("rule__program").get(id=quote.id)
        return str(quotes.explain(loaded)).replace("\N{NO-BREAK SPACE}", " ")


def violations(shop: Shop) -> list[Finding]:
    return [found for found in checks.prove("owner", shop.id) if found.violations]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A merchant with 9,000.00 available and 10,000.00 at the bank."""
    return with_money(a_shop(), tmp_path)


def test_a_quote_says_in_a_sentence_what_it_costs_and_why(shop: Shop) -> None:
    quote = quoted(shop, "8000", now=NOW)
    assert (quote.fee, quote.waived) == (cny("5"), cny("5"))
    assert sentence(quote, shop) == (
        "The tariff (version 1) asks 5.00 CNY for amounts up to 10,000.00 CNY. “First 3 of a month "
        "free” forgives 5.00 CNY, as number 1 of 3 in November 2026: you pay 0.00 CNY."
    )


def test_an_e_commerce_merchant_pays_nothing_and_uses_up_nothing(tmp_path: Path) -> None:
    shop = with_money(a_shop(segment="e_commerce"), tmp_path)
    for _turn in range(4):
        quote = quoted(shop, "100", now=NOW)
        assert quote.waived == quote.fee == cny("5")
        ordered(shop, quote, now=NOW)
    assert "“E-commerce free” forgives 5.00 CNY: you pay 0.00 CNY." in sentence(quote, shop)
    with acting_for(shop.id):
        assert not QuotaUse.objects.exists()


def test_the_fourth_of_a_month_costs_the_fee_and_the_next_month_is_free_again(shop: Shop) -> None:
    for turn in range(1, 4):
        quote = quoted(shop, "100", now=NOW)
        assert quote.ordinal == turn
        ordered(shop, quote, now=NOW)
    fourth = quoted(shop, "100", now=NOW)
    assert fourth.waived == cny("0")
    assert sentence(fourth, shop).endswith("No programme forgives it: you pay 5.00 CNY.")
    ordered(shop, fourth, now=NOW)
    assert available(shop) == cny("9000") - cny("400") - cny("5")
    # 1 December in Shanghai is still 30 November in UTC.
    december = datetime(2026, 11, 30, 16, 1, tzinfo=UTC)
    assert quoted(shop, "100", now=december).waived == cny("5")
    assert not violations(shop)


def test_what_is_ordered_is_held_and_what_is_cancelled_is_free_again(shop: Shop) -> None:
    withdrawal = ordered(shop, quoted(shop, "8000", now=NOW), now=NOW)
    assert available(shop) == cny("1000")
    with acting_for(shop.id):
        withdrawals.cancel(withdrawal, now=NOW)
    assert available(shop) == cny("9000")
    assert quoted(shop, "100", now=NOW).ordinal == 1
    with acting_for(shop.id), pytest.raises(IllegalTransitionError):
        withdrawals.cancel(withdrawal, now=NOW)
    assert not violations(shop)


def test_a_refused_order_leaves_nothing_even_where_its_error_is_caught(shop: Shop) -> None:
    quote = quoted(shop, "9500", now=NOW)
    with acting_for(shop.id):
        with pytest.raises(NotEnoughError):
            ordered(shop, quote, now=NOW)
        assert not Withdrawal.objects.exists()
    assert quoted(shop, "100", now=NOW).ordinal == 1
    assert not violations(shop)


@pytest.mark.parametrize("amount", ["9000.01", "9500", "100000"])
def test_more_than_there_is_cannot_be_ordered(shop: Shop, amount: str) -> None:
    with pytest.raises(NotEnoughError):
        ordered(shop, quoted(shop, amount, now=NOW), now=NOW)
    assert available(shop) == cny("9000")
    with acting_for(shop.id):
        assert not Withdrawal.objects.exists()
        assert not QuotaUse.objects.exists()


def test_the_fee_too_must_be_there(shop: Shop) -> None:
    for _turn in range(3):
        ordered(shop, quoted(shop, "1", now=NOW), now=NOW)
    with pytest.raises(NotEnoughError):
        ordered(shop, quoted(shop, "8997", now=NOW), now=NOW)
    ordered(shop, quoted(shop, "8992", now=NOW), now=NOW)
    assert available(shop) == cny("0")


@pytest.mark.parametrize("amount", ["0", "-5", "0.001", "NaN", "Infinity", "99999999999999"])
def test_an_amount_that_cannot_be_paid_is_not_quoted(shop: Shop, amount: str) -> None:
    with pytest.raises(AmountError):
        quoted(shop, amount, now=NOW)


def test_a_quote_is_honoured_for_a_while_and_once(shop: Shop) -> None:
    quote = quoted(shop, "100", now=NOW)
    with pytest.raises(QuoteExpiredError):
        ordered(shop, quote, now=NOW + timedelta(minutes=16))
    ordered(shop, quote, now=NOW + timedelta(minutes=14))
    with pytest.raises(QuoteExpiredError):
        ordered(shop, quote, now=NOW)
    assert available(shop) == cny("8900")


def test_the_same_key_is_the_same_order(shop: Shop) -> None:
    quote = quoted(shop, "100", now=NOW)
    first = ordered(shop, quote, now=NOW, key="k")
    assert ordered(shop, quote, now=NOW, key="k").id == first.id
    with pytest.raises(KeyConflictError):
        ordered(shop, quoted(shop, "100", now=NOW), now=NOW, key="k")
    assert available(shop) == cny("8900")


@pytest.mark.parametrize("text", ["x" * 81, "two\nlines", "nul\0"])
def test_a_text_the_bank_cannot_carry_is_refused(shop: Shop, text: str) -> None:
    with pytest.raises(WithdrawalError):
        ordered(shop, quoted(shop, "100", now=NOW), now=NOW, text=text)


def test_thirty_two_at_once_get_three_free_withdrawals_and_no_fourth(shop: Shop) -> None:
    """Every one of them was quoted the first free withdrawal of the month."""
    asked = [quoted(shop, "10", now=NOW) for _turn in range(32)]
    assert {quote.ordinal for quote in asked} == {1}
    together = threading.Barrier(len(asked))

    def order(quote: FeeQuote) -> Withdrawal | None:
        together.wait()
        try:
            return ordered(shop, quote, now=NOW)
        except QuotaExhaustedError:
            return None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(asked)) as crowd:
        got = [withdrawal for withdrawal in crowd.map(order, asked) if withdrawal]
    with acting_for(shop.id):
        uses = list(QuotaUse.objects.order_by("ordinal").values_list("ordinal", "live"))
        assert Withdrawal.objects.count() == len(got) == 3
    assert uses == [(1, True), (2, True), (3, True)]
    assert available(shop) == cny("8970")
    assert not violations(shop)


def test_sixteen_at_once_never_take_more_than_there_is(tmp_path: Path) -> None:
    shop = with_money(a_shop(segment="e_commerce"), tmp_path)
    asked = [quoted(shop, "1000", now=NOW) for _turn in range(16)]
    together = threading.Barrier(len(asked))

    def order(quote: FeeQuote) -> bool:
        together.wait()
        try:
            ordered(shop, quote, now=NOW)
        except NotEnoughError:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(len(asked)) as crowd:
        assert sum(crowd.map(order, asked)) == 9
    assert available(shop) == cny("0")
    assert not violations(shop)


@pytest.mark.parametrize(
    ("sql", "promise"),
    [
        ("UPDATE settlement_withdrawal SET amount = 1", "permission denied"),
        ("UPDATE settlement_feequote SET waived = 0", "permission denied"),
        ("DELETE FROM settlement_quotause", "permission denied"),
        ("UPDATE settlement_feetier SET fixed = 0", "permission denied"),
        ("UPDATE settlement_waiverrule SET state = 'active'", "permission denied"),
        (
            "INSERT INTO settlement_quotause SELECT gen_random_uuid(), 3, period, 4, 'reserved', "
            "true, merchant_id, rule_id, withdrawal_id FROM settlement_quotause",
            "within_its_quota",
        ),
    ],
)
def test_the_application_cannot_help_itself(shop: Shop, sql: str, promise: str) -> None:
    ordered(shop, quoted(shop, "100", now=NOW), now=NOW)
    with (
        pytest.raises(DatabaseError, match=promise),
        acting_for(shop.id),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)


@pytest.mark.parametrize(
    ("sql", "promise"),
    [
        ("UPDATE settlement_feetier SET fixed = 0", "make a new version"),
        ("DELETE FROM settlement_feeschedule", "make a new version"),
        ("UPDATE settlement_waiverrule SET quota = 99", "make a new version"),
        (
            "INSERT INTO settlement_feetier (id, fixed, rate, schedule_id) SELECT "
            "gen_random_uuid(), 0, 0, schedule_id FROM settlement_feequote LIMIT 1",
            "has been quoted",
        ),
        (
            "INSERT INTO settlement_waiverrule (id, version, segment, percent, valid, state, "
            "program_id) SELECT gen_random_uuid(), 2, '', 100, valid, 'active', program_id "
            "FROM settlement_waiverrule LIMIT 1",
            "waiver_rules_of_a_program_do_not_overlap",
        ),
    ],
)
def test_even_the_owner_cannot_change_what_was_in_force(shop: Shop, sql: str, promise: str) -> None:
    ordered(shop, quoted(shop, "100", now=NOW), now=NOW)
    with (
        pytest.raises(IntegrityError, match=promise),
        transaction.atomic("owner"),
        connections["owner"].cursor() as cursor,
    ):
        cursor.execute(sql)


def test_states_of_a_withdrawal_that_is_over_never_move(shop: Shop) -> None:
    withdrawal = ordered(shop, quoted(shop, "100", now=NOW), now=NOW)
    with acting_for(shop.id):
        withdrawals.reject(withdrawal, code="AC01", reason="no such account", now=NOW)
        withdrawal.refresh_from_db()
        assert (withdrawal.state, withdrawal.reason_code) == (WithdrawalState.REJECTED, "AC01")
        with pytest.raises(IllegalTransitionError):
            withdrawals.reject(withdrawal, code="AC01", reason="again", now=NOW)
    assert available(shop) == cny("9000")
    assert not violations(shop)
