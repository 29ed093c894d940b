"""The simulated bank's lines: deposits of the payouts, and everyday lines between them.

A deposit names its payer and, for WeChat and Alipay, the payout's reference in its text;
a Pinduoduo deposit, and that of most Shopify stores, says nothing but who paid (amount
and date must do). How Alipay's and Pinduoduo's deposits read on a bank statement is in
no source: the words are assumed. Texts keep to the 140 characters a Ustrd element
holds. Amounts are cents, credit positive.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from itertools import groupby
from random import Random

from sandbox import numbers
from sandbox.days import business_days_later
from sandbox.model import BankAccount, Detail, Entry, Fate, Platform, Store, Trouble
from sandbox.names import ALIPAY_PAYER, PINDUODUO_PAYER, SHOPIFY_PAYER, TENPAY, TENPAY_LATIN

NOT_PROVIDED = "NOTPROVIDED"
CUT_AT = 16
_USTRD = 140
_RECEIVED = ("PMNT", "RCDT", "DMCT")
_RECEIVED_ABROAD = ("PMNT", "RCDT", "XBCT")
# Payer and words of a deposit, by platform; WeChat's depend on the payout's trouble.
_SAID = {
    Platform.ALIPAY: (ALIPAY_PAYER, f"{ALIPAY_PAYER} 支付宝提现"),
    Platform.PINDUODUO: (PINDUODUO_PAYER, f"{PINDUODUO_PAYER} 货款提现"),
    Platform.SHOPIFY: (SHOPIFY_PAYER, f"{SHOPIFY_PAYER} TRANSFER"),
}


def deposits(account: BankAccount, store: Store, fates: Iterable[Fate], rng: Random) -> list[Entry]:
    """The bank lines of one store's payouts; merged payouts share a line."""
    arrived = [fate for fate in fates if fate.arrived_on is not None]
    merged = [fate for fate in arrived if fate.trouble is Trouble.MERGED]
    single = [fate for fate in arrived if fate.trouble is not Trouble.MERGED]
    one_by_one = [_deposit(account, store, [fate], rng) for fate in single]
    return one_by_one + ([_deposit(account, store, merged, rng)] if merged else [])


def numbered(account: BankAccount, entries: Iterable[Entry]) -> list[Entry]:
    """The account's lines in booking order, each with the bank's own reference.

    The reference has the 16 characters an MT940 line holds. Lines of one day stand in
    an order of their own, so that a reader cannot lean on the order in which payouts
    were announced.
    """
    ordered = sorted(entries, key=lambda entry: (entry.booked_on, abs(entry.amount) % 997))
    numbered: list[Entry] = []
    for day, lines in groupby(ordered, key=lambda entry: entry.booked_on):
        numbered += [
            replace(entry, reference=f"SB{account.currency}{day:%y%m%d}{number:05d}")
            for number, entry in enumerate(lines, start=1)
        ]
    return numbered


def _deposit(account: BankAccount, store: Store, fates: Sequence[Fate], rng: Random) -> Entry:
    booked_on = _arrived_on(fates[0])
    abroad = store.platform is Platform.SHOPIFY
    details = tuple(_detail(store, fate, rng) for fate in fates)
    return Entry(
        account=account.number,
        currency=account.currency,
        kind="payout",
        amount=sum(detail.amount for detail in details),
        booked_on=booked_on,
        value_on=_value_day(booked_on, rng) if abroad else booked_on,
        bank_code=_RECEIVED_ABROAD if abroad else _RECEIVED,
        details=details,
        info=f"批量入账 {len(details)} 笔" if len(details) > 1 else "",
        payouts=tuple(fate.payout.reference for fate in fates),
    )


def _detail(store: Store, fate: Fate, rng: Random) -> Detail:
    if fate.received is None:
        raise ValueError(f"payout {fate.payout.reference} has not arrived")
    end_to_end_id = NOT_PROVIDED
    payer, texts = _payer_and_texts(store, fate)
    if store.platform is Platform.WECHATPAY:
        end_to_end_id = numbers.end_to_end_id(rng, _arrived_on(fate))
    return Detail(
        amount=fate.received, counterparty=payer, end_to_end_id=end_to_end_id, texts=texts
    )


def _payer_and_texts(store: Store, fate: Fate) -> tuple[str, tuple[str, ...]]:
    if store.platform is Platform.WECHATPAY:
        return _from_tenpay(fate)
    payer, words = _SAID[store.platform]
    numbers_of = (fate.payout.reference, fate.payout.flow_no) if store.names_payouts else ()
    return payer, (" ".join(filter(None, (words, *numbers_of))),)


def _from_tenpay(fate: Fate) -> tuple[str, tuple[str, ...]]:
    """The payer's name and the texts of a WeChat deposit, as the trouble has left them."""
    reference = fate.payout.reference
    if fate.trouble is Trouble.CUT_REFERENCE:
        return TENPAY, (f"{TENPAY} 微信支付提现 {reference[:CUT_AT]}",)
    if fate.trouble is Trouble.SPACED_REFERENCE:
        groups = " ".join(reference[i : i + 4] for i in range(0, len(reference), 4))
        return TENPAY_LATIN, (f"{TENPAY_LATIN} WEIXIN ZHIFU TIXIAN {groups}",)
    if fate.trouble is Trouble.SPLIT_REFERENCE:
        lead = f"{TENPAY_LATIN} WEIXIN ZHIFU TIXIAN "
        text = f"{lead}{'/' * (_USTRD - len(lead) - 10)}{reference}"
        return TENPAY_LATIN, (text[:_USTRD], text[_USTRD:])
    return TENPAY, (f"{TENPAY} 微信支付提现 {reference}",)


def _arrived_on(fate: Fate) -> date:
    if fate.arrived_on is None:
        raise ValueError(f"payout {fate.payout.reference} has not arrived")
    return fate.arrived_on


def _value_day(booked_on: date, rng: Random) -> date:
    """Money from abroad is sometimes valued a day after it is booked."""
    if rng.random() < 0.25:
        return business_days_later(booked_on, 1)
    return booked_on
