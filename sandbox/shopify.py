"""The life of a Shopify Payments store: charges, refunds and the payouts they fall into.

A charge becomes available two business days later and is paid out then (daily) or
on the next payday (weekly); a refund comes off the next payout after it. The net of
a payout's lines is the payout's amount (platforms-global.md 2.3). Amounts are cents.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from sandbox import money, numbers
from sandbox.days import Period, business_days_later, next_weekday
from sandbox.model import Payout, Store
from sandbox.names import CARD_BRANDS

_FEE_PER_MILLE = 29
_FEE_FIXED = 30
_LEAST_PAYOUT = 2000
_REFUND_RATE = 0.06
# Presentment currency and what a US dollar buys of it, in hundredths.
_PRESENTED = (("USD", 100), ("USD", 100), ("USD", 100), ("EUR", 92), ("GBP", 79), ("CAD", 136))


@dataclass(frozen=True, kw_only=True)
class Transaction:
    """One balance transaction; `amount` is signed, `fee` positive to subtract."""

    at: datetime
    kind: str
    order: str
    checkout: str
    brand: str
    amount: int
    fee: int
    presented_in: str
    rate: int
    available_on: date
    payout_on: date

    @property
    def net(self) -> int:
        """What the transaction adds to the store's balance."""
        return self.amount - self.fee


@dataclass(kw_only=True)
class Shop:
    """A store's balance as it lived: transactions by the day they are paid out."""

    store: Store
    last: date
    batches: dict[date, list[Transaction]] = field(default_factory=dict)
    references: dict[date, str] = field(default_factory=dict)

    def net(self, day: date) -> int:
        """The sum of the payout of that day."""
        return sum(transaction.net for transaction in self.batches[day])

    def paid_days(self) -> list[date]:
        """Days on which a payout was announced, in order; later ones are pending."""
        return sorted(day for day in self.batches if day <= self.last)

    def pending(self) -> list[Transaction]:
        """Transactions no payout has been announced for."""
        return [t for day in sorted(self.batches) if day > self.last for t in self.batches[day]]

    def raise_to(self, day: date, net: int) -> None:
        """Makes the payout of a day larger by selling more in its last charge."""
        batch = self.batches[day]
        index = max(i for i, t in enumerate(batch) if t.kind == "charge")
        batch[index] = _with_net(batch[index], batch[index].net + net - self.net(day))

    def payouts(self) -> list[Payout]:
        """The announced payouts, oldest first, dated at midnight of the shop."""
        return [self._payout(day) for day in self.paid_days()]

    def _payout(self, day: date) -> Payout:
        return Payout(
            store=self.store.code,
            reference=self.references[day],
            currency=self.store.currency,
            amount=self.net(day),
            announced_at=datetime.combine(day, time(), ZoneInfo(self.store.zone)),
            due_on=day,
        )


def live(store: Store, period: Period, rng: Random, taken: money.Taken) -> Shop:
    """Lives through the period; every announced payout gets an amount of its own."""
    shop = Shop(store=store, last=period.last)
    for transaction in _transactions(store, period, rng):
        _settle(shop, transaction)
    number = rng.randrange(140_000_000_000, 149_000_000_000)
    for day in shop.paid_days():
        number += rng.randrange(20_000, 9_000_000)
        shop.references[day] = str(number)
        _make_distinct(shop, day, taken)
    return shop


def make_twins(one: Shop, other: Shop, days: Period, taken: money.Taken) -> date:
    """Gives two shops payouts of the same amount on the same day; returns the day."""
    common = set(one.paid_days()) & set(other.paid_days())
    day = min(day for day in common if day in days)
    small, large = sorted((one, other), key=lambda shop: shop.net(day))
    small.raise_to(day, large.net(day))
    taken.add(small.store.currency, small.net(day))
    return day


def _make_distinct(shop: Shop, day: date, taken: money.Taken) -> None:
    net = shop.net(day)
    while (shop.store.currency, net) in taken:
        net += 1
    shop.raise_to(day, net)
    taken.add(shop.store.currency, net)


def _transactions(store: Store, period: Period, rng: Random) -> list[Transaction]:
    """Everything that happened before the period's last midnight in Shanghai, in order."""
    zone = ZoneInfo(store.zone)
    end = datetime.combine(period.last + timedelta(days=1), time(), ZoneInfo("Asia/Shanghai"))
    charges: list[Transaction] = []
    for day in period.days():
        count = max(1, round(store.orders_a_day * rng.uniform(0.6, 1.4)))
        clocks = sorted(rng.randrange(86_400) for _ in range(count))
        for clock in clocks:
            at = datetime.combine(day, time(), zone) + timedelta(seconds=clock)
            charges.append(_charge(store, rng, at, 1001 + len(charges)))
    refunds = [_refund(store, rng, charge) for charge in charges if rng.random() < _REFUND_RATE]
    everything = sorted([*charges, *refunds], key=lambda transaction: transaction.at)
    return [transaction for transaction in everything if transaction.at < end]


def _charge(store: Store, rng: Random, at: datetime, number: int) -> Transaction:
    available_on = business_days_later(at.date(), 2)
    amount = max(500, round(store.median * rng.lognormvariate(0, 0.5)))
    presented_in, rate = rng.choice(_PRESENTED)
    return Transaction(
        at=at,
        kind="charge",
        order=f"#{number}",
        checkout=f"#4{numbers.digits(rng, 13)}",
        brand=rng.choice(CARD_BRANDS),
        amount=amount,
        fee=_fee(amount),
        presented_in=presented_in,
        rate=rate,
        available_on=available_on,
        payout_on=_payout_day(store, available_on),
    )


def _refund(store: Store, rng: Random, charge: Transaction) -> Transaction:
    at = charge.at + timedelta(days=rng.randint(1, 6), seconds=rng.randrange(20_000))
    part = charge.amount if rng.random() < 0.7 else charge.amount // 2
    return replace(
        charge,
        at=at,
        kind="refund",
        amount=-part,
        fee=0,
        available_on=at.date(),
        payout_on=_payout_day(store, business_days_later(at.date(), 1)),
    )


def _settle(shop: Shop, transaction: Transaction) -> None:
    """Puts a transaction into its payout; a refund that would eat it up is not made."""
    batch = shop.batches.setdefault(transaction.payout_on, [])
    batch.append(transaction)
    if transaction.kind == "refund" and shop.net(transaction.payout_on) < _LEAST_PAYOUT:
        batch.pop()
        if not batch:
            del shop.batches[transaction.payout_on]


def _payout_day(store: Store, available_on: date) -> date:
    return available_on if store.payday is None else next_weekday(available_on, store.payday)


def _with_net(charge: Transaction, net: int) -> Transaction:
    """The charge whose net is exactly that: net grows by 0 or 1 cent per cent sold."""
    amount = charge.amount + (net - charge.net)
    while amount - _fee(amount) < net:
        amount += 1
    return replace(charge, amount=amount, fee=_fee(amount))


def _fee(amount: int) -> int:
    return money.per_mille(amount, _FEE_PER_MILLE) + _FEE_FIXED
