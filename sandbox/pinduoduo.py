"""The life of a Pinduoduo store's 货款 balance: orders, coupons, charges, refunds, withdrawals.

Source of the words: platforms-cn.md 4.4. No row has an id: an order that is settled in two
equal parts leaves two identical rows in the same second, and both are real. The file
shows no running balance; here it is kept, and never negative. Amounts are fen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from random import Random
from zoneinfo import ZoneInfo

from sandbox import money, numbers, trading
from sandbox.days import Period
from sandbox.model import Payout, Store, Trouble

SALE = "0010002|交易收入-订单收入"
COUPON = "0010005|交易收入-优惠券结算"
REFUND = "0020002|交易退款-订单退款"
SERVICE_FEE = "0030001|技术服务费-技术服务费"
MARKETING = "0060001|营销费用-多多进宝"
ADVERTISING = "0070004|转账-广告账户"
WITHDRAWAL = "0080001|提现-提现申请"
TWIN_AMOUNT = 5_000
_TWINS_AFTER = 8
_SAVED_FOR_TWINS = 4
_FEE_PER_MILLE = 6
_MARKETING_PER_MILLE = (10, 50)
_REFUND_RATE = 0.06
_COUPON_RATE = 0.25
_EMPTY_COUPON_RATE = 0.01
_MARKETING_RATE = 0.2
_TWO_PARTS_RATE = 0.04
_COUPON_AMOUNT = (100, 900)
_ADVERTISED_ON = (1, 4)
_ADVERTISING_PER_MILLE = 60
_LEAST_ADVERTISING = 500


@dataclass(frozen=True, kw_only=True)
class Sale:
    """One order as it is settled, in `parts` equal parts; `coupon` None means no coupon row."""

    at: datetime
    order: str
    part: int
    parts: int
    coupon: int | None
    marketing: int

    @property
    def fee(self) -> int:
        """The service fee on one part."""
        return money.per_mille(self.part, _FEE_PER_MILLE)


@dataclass(frozen=True, kw_only=True)
class Refund:
    """The price of one part given back to the buyer, with its service fee returned."""

    at: datetime
    sale: Sale


@dataclass(frozen=True, kw_only=True)
class BillRow:
    """One row of the store bill; `amount` signed, zero allowed; `order` may be empty."""

    at: datetime
    order: str
    amount: int
    description: str

    @property
    def kind(self) -> str:
        """账务类型: the first words of the description after its code."""
        return self.description.partition("|")[2].partition("-")[0]


@dataclass(kw_only=True)
class Till:
    """A store's balance as it lived."""

    store: Store
    taken: money.Taken
    balance: int = 0
    rows: list[BillRow] = field(default_factory=list)
    payouts: list[Payout] = field(default_factory=list)

    def sell(self, sale: Sale) -> None:
        """Books an order part by part, then what hangs on it, all in one second."""
        for _ in range(sale.parts):
            self._row(sale.at, SALE, sale.part, sale.order)
        if sale.coupon is not None:
            self._row(sale.at, COUPON, sale.coupon, sale.order)
        for _ in range(sale.parts if sale.fee else 0):
            self._row(sale.at, SERVICE_FEE, -sale.fee, sale.order)
        if sale.marketing:
            self._row(sale.at, MARKETING, -sale.marketing, sale.order)

    def give_back(self, refund: Refund) -> None:
        """Books a refund, unless the balance cannot pay it; the service fee comes back."""
        sale = refund.sale
        if sale.part > self.balance:
            return
        self._row(refund.at, REFUND, -sale.part, sale.order)
        if sale.fee:
            self._row(refund.at, SERVICE_FEE, sale.fee, sale.order)

    def advertise(self, at: datetime) -> None:
        """Moves a part of the balance to the advertising account."""
        amount = money.per_mille(self.balance, _ADVERTISING_PER_MILLE)
        if amount >= _LEAST_ADVERTISING:
            self._row(at, ADVERTISING, -amount, "")

    def withdraw(self, at: datetime, amount: int) -> None:
        """Pays an amount out. The platform gives the payout no number of its own."""
        self._row(at, WITHDRAWAL, -amount, "")
        self.payouts.append(
            Payout(
                store=self.store.code,
                reference=f"{self.store.code}-{at:%Y%m%d}",
                numbered=False,
                currency=self.store.currency,
                amount=amount,
                announced_at=at.replace(tzinfo=ZoneInfo(self.store.zone)),
            )
        )

    def _row(self, at: datetime, description: str, amount: int, order: str) -> None:
        self.balance += amount
        self.rows.append(BillRow(at=at, order=order, amount=amount, description=description))


def twins_on(period: Period) -> date:
    """The day on which the stores of the twin trouble withdraw the same round amount."""
    return period.first + timedelta(days=_TWINS_AFTER)


def live(store: Store, period: Period, rng: Random, taken: money.Taken) -> Till:
    """Lives through the period; every payout but the twins gets an amount of its own."""
    till = Till(store=store, taken=taken, balance=store.opening)
    coming: dict[date, list[Refund]] = {}
    for day in period.days():
        sales = [_sale(store, rng, at) for at in trading.moments(store, rng, day)]
        for sale in sales:
            _plan_refund(sale, rng, coming)
        events: list[Sale | Refund] = [*sales, *coming.pop(day, [])]
        trading.live_through(
            events,
            day,
            happen=partial(_happen, till),
            withdraw=partial(_pay_out, till, day, twins_on(period)),
        )
        if day.weekday() in _ADVERTISED_ON:
            till.advertise(trading.clock(day).replace(hour=23, minute=40))
    return till


def _happen(till: Till, event: Sale | Refund) -> None:
    if isinstance(event, Sale):
        till.sell(event)
    else:
        till.give_back(event)


def _pay_out(till: Till, day: date, twins: date) -> None:
    """Twins save up for four days, so that both can pay the same round amount."""
    at = trading.payout_at(day)
    if till.store.trouble is Trouble.TWIN_AMOUNT and 0 <= (twins - day).days <= _SAVED_FOR_TWINS:
        if day == twins and till.balance >= TWIN_AMOUNT:
            till.withdraw(at, TWIN_AMOUNT)
    elif trading.is_payday(till.store, day) and till.balance >= trading.LEAST_WITHDRAWAL:
        till.withdraw(at, till.taken.below(till.store.currency, till.balance))


def _sale(store: Store, rng: Random, at: datetime) -> Sale:
    amount = trading.price(store, rng)
    parts = 2 if rng.random() < _TWO_PARTS_RATE else 1
    share = rng.randint(*_MARKETING_PER_MILLE) if rng.random() < _MARKETING_RATE else 0
    return Sale(
        at=at,
        order=numbers.pinduoduo_order(rng, at.date()),
        part=amount // parts,
        parts=parts,
        coupon=_coupon(rng),
        marketing=money.per_mille(amount, share),
    )


def _coupon(rng: Random) -> int | None:
    """What the platform pays for its coupon; now and then a row of nothing."""
    if rng.random() < _EMPTY_COUPON_RATE:
        return 0
    return rng.randint(*_COUPON_AMOUNT) if rng.random() < _COUPON_RATE else None


def _plan_refund(sale: Sale, rng: Random, coming: dict[date, list[Refund]]) -> None:
    if rng.random() < _REFUND_RATE:
        refund = Refund(at=trading.refund_at(rng, sale.at), sale=sale)
        coming.setdefault(refund.at.date(), []).append(refund)
