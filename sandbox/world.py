"""A whole simulated world: one merchant, its stores, its bank account, and the truth beside them.

Everything follows from the seed: the same arguments write the same bytes. Each
store and account draws from a stream of its own, so that one more store does not
change the lives of the others' orders.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from sandbox import (
    alipay,
    bank,
    everyday,
    fates,
    judge,
    ledgers,
    money,
    names,
    pinduoduo,
    plan,
    shopify,
    wechatpay,
)
from sandbox.days import Period
from sandbox.fates import UnsoundWorldError
from sandbox.ledgers import StoreBalance
from sandbox.model import (
    BankAccount,
    Entry,
    Fate,
    Merchant,
    Outcome,
    Platform,
    Store,
    Trouble,
    WorldFile,
)
from sandbox.truth import truth
from sandbox.writing import WorldWriter

Life = TypeVar("Life")
LEAST_DAYS = 21
LEAST_STORES = plan.LEAST_STORES


class OutputNotEmptyError(Exception):
    """The directory to write into holds something already."""


@dataclass(kw_only=True)
class World:
    """A world as it was lived and written; `truth` is what truth.json says."""

    seed: int
    out: Path
    period: Period
    merchant: Merchant
    accounts: tuple[BankAccount, ...]
    stores: list[Store]
    fates: list[Fate] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    balances: list[StoreBalance] = field(default_factory=list)
    files: list[WorldFile] = field(default_factory=list)
    truth: dict[str, Any] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Data rows and bank lines in all files together."""
        return sum(file.rows for file in self.files)


def write_world(
    *,
    seed: int,
    out: Path,
    ends_on: date,
    days: int = 30,
    stores: int = LEAST_STORES,
    small: bool = False,
) -> World:
    """Lives and writes a world into the new or empty directory `out`.

    `ends_on` is the last day of every file and the day the truth is as of; `small`
    quarters the orders. Raises ValueError for fewer than 21 days or 20 stores (the
    troubles would not fit), OutputNotEmptyError, and UnsoundWorldError if the truth
    would not follow from the files.
    """
    if days < LEAST_DAYS or stores < LEAST_STORES:
        raise ValueError(f"a world needs {LEAST_DAYS} days and {LEAST_STORES} stores at least")
    if out.exists() and any(out.iterdir()):
        raise OutputNotEmptyError(str(out))
    period = Period(first=ends_on - timedelta(days=days - 1), last=ends_on)
    accounts = plan.bank_accounts(_stream(seed, "accounts"))
    world = World(
        seed=seed,
        out=out,
        period=period,
        merchant=names.MERCHANT,
        accounts=accounts,
        stores=plan.stores(stores, accounts, ends_on, small=small, rng=_stream(seed, "stores")),
    )
    _live_and_write(world)
    return world


@dataclass(frozen=True, kw_only=True)
class _Lives:
    """The stores' lives by platform."""

    wallets: list[wechatpay.Wallet]
    purses: list[alipay.Purse]
    tills: list[pinduoduo.Till]
    shops: list[shopify.Shop]


_Balance = wechatpay.Wallet | alipay.Purse | pinduoduo.Till


def _live_and_write(world: World) -> None:
    taken = money.Taken()
    taken.add(world.accounts[0].currency, pinduoduo.TWIN_AMOUNT)
    lives = _Lives(
        wallets=_lived(world, Platform.WECHATPAY, wechatpay.live, taken),
        purses=_lived(world, Platform.ALIPAY, alipay.live, taken),
        tills=_lived(world, Platform.PINDUODUO, pinduoduo.live, taken),
        shops=_lived(world, Platform.SHOPIFY, shopify.live, taken),
    )
    twins_on = _make_twins(world, lives.shops, taken)
    balances: list[_Balance] = [*lives.wallets, *lives.purses, *lives.tills]
    for balance in balances:
        _close_balance(world, balance, taken)
    for shop in lives.shops:
        _close_shop(world, shop, twins_on, taken)
    _book(world, taken)
    _require_sound(world)
    _write(world, lives)


def _lived(
    world: World,
    platform: Platform,
    live: Callable[[Store, Period, Random, money.Taken], Life],
    taken: money.Taken,
) -> list[Life]:
    return [
        live(store, world.period, _stream(world.seed, store.code), taken)
        for store in world.stores
        if store.platform is platform
    ]


def _make_twins(world: World, shops: list[shopify.Shop], taken: money.Taken) -> date:
    one, other = (shop for shop in shops if shop.store.trouble is Trouble.TWIN_AMOUNT)
    safe = Period(
        first=world.period.first + timedelta(days=5), last=world.period.last - timedelta(days=9)
    )
    return shopify.make_twins(one, other, safe, taken)


def _close_balance(world: World, balance: _Balance, taken: money.Taken) -> None:
    store, rng = balance.store, _stream(world.seed, balance.store.code, "fates")
    decided = fates.decide(store, balance.payouts, world.period, rng, taken)
    if store.trouble is Trouble.TWIN_AMOUNT:
        decided = fates.mark_twins(decided, pinduoduo.twins_on(world.period))
    moved = sum(row.amount for row in balance.rows)
    earned = moved + sum(payout.amount for payout in balance.payouts)
    _close(world, store, decided, earned=earned, owed=balance.balance, rng=rng)


def _close_shop(world: World, shop: shopify.Shop, twins_on: date, taken: money.Taken) -> None:
    store, rng = shop.store, _stream(world.seed, shop.store.code, "fates")
    decided = fates.decide(store, shop.payouts(), world.period, rng, taken)
    if store.trouble is Trouble.TWIN_AMOUNT:
        decided = fates.mark_twins(decided, twins_on)
    earned = sum(shop.net(day) for day in shop.batches)
    owed = sum(transaction.net for transaction in shop.pending())
    _close(world, store, decided, earned=earned, owed=owed, rng=rng)


def _close(
    world: World, store: Store, decided: list[Fate], *, earned: int, owed: int, rng: Random
) -> None:
    """Takes a store's fates and deposits into the world."""
    account = next(a for a in world.accounts if a.currency == store.currency)
    world.fates += decided
    world.entries += bank.deposits(account, store, decided, rng)
    world.balances.append(ledgers.balance(store, earned=earned, owed=owed, fates=decided))


def _book(world: World, taken: money.Taken) -> None:
    """Adds the everyday lines and gives every line its place and reference."""
    deposits, world.entries = world.entries, []
    for account in world.accounts:
        rng = _stream(world.seed, account.currency, "everyday")
        lines = everyday.lines(account, world.period, rng, taken, stores=len(world.stores))
        own = [entry for entry in deposits if account.holds(entry)]
        world.entries += bank.numbered(account, own + lines)


def _require_sound(world: World) -> None:
    judge.require_sound(world.fates, world.entries, world.period.last)
    astray = [balance.store.code for balance in world.balances if not balance.adds_up]
    if astray:
        raise UnsoundWorldError(f"balances do not add up: {astray}")
    suffered = {fate.trouble for fate in world.fates}
    if missed := set(Trouble) - suffered:
        raise UnsoundWorldError(f"troubles without a payout: {missed}")


def _write(world: World, lives: _Lives) -> None:
    writer = WorldWriter(out=world.out, period=world.period, files=world.files)
    for number, wallet in enumerate(lives.wallets):
        writer.fund_flows(wallet, daily=number == 0)
    writer.overlapping_fund_flow(lives.wallets[0])
    writer.trade_bills(lives.wallets[0])
    for purse in lives.purses:
        writer.fund_bills(purse)
    for till in lives.tills:
        writer.store_bills(till)
    writer.overlapping_store_bills(lives.tills[0])
    statuses = {fate.payout.reference: _shopify_status(fate) for fate in world.fates}
    for shop in lives.shops:
        writer.transactions_export(shop, statuses)
    writer.payouts_export(lives.shops[0], statuses)
    for account in world.accounts:
        writer.statements(account, [entry for entry in world.entries if account.holds(entry)])
    world.truth = truth(world)
    writer.text("truth.json", json.dumps(world.truth, ensure_ascii=False, indent=1) + "\n")
    writer.readme()


def _shopify_status(fate: Fate) -> str:
    return "in_transit" if fate.outcome is Outcome.IN_TRANSIT else "paid"


def _stream(seed: int, *path: str) -> Random:
    """A random stream of its own for each name; strings seed alike on every machine."""
    return Random(":".join(["tributary-sandbox", str(seed), *path]))
