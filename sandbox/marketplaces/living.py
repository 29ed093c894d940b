"""How a store lives: it sells, is charged, gives back, and is paid out, day after day.

Each platform states in a `Manner` how it numbers and charges, and when it pays; the rest
is alike. What is not paid out yet is the balance, so the lines of a payout always add up
to it: a payout that would not be positive is not made, and its money waits for the next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

from sandbox import money
from sandbox.days import Period, business_days_later
from sandbox.marketplaces.model import NOTHING, Life, Movement, Payout, Store, major

_RETURNED_AFTER = timedelta(days=2, hours=3)


@dataclass(frozen=True, kw_only=True)
class Extra:
    """Something besides sales: how often a day, how much, and of which sign (1 comes in).

    `back_after` days later the same money comes back as `back` (a reserve's release).
    """

    kind: str
    chance: float
    between: tuple[int, int]
    sign: int = -1
    detail: str = ""
    back: str = ""
    back_detail: str = ""
    back_after: int = 0


@dataclass(frozen=True, kw_only=True)
class Manner:
    """A platform's way: amounts in minor units of a currency with two decimals."""

    number: Callable[[Random, str, datetime], str]
    order: Callable[[Random, datetime], str]
    reference: Callable[[Random, str, datetime], str]
    payout_number: Callable[[Random, datetime], str]
    fee_per_mille: int = 0
    fee_fixed: int = 0
    fee_is_row: bool = False
    orders: tuple[int, int] = (3, 7)
    median: int = 12_000
    extras: Sequence[Extra] = ()
    lag: int = 0
    """Business days after which money may be paid out; 0: at once."""
    paid_at: time = time(20, 30)
    paydays: Sequence[int] = (0, 1, 2, 3, 4)
    numbers_payout_row: bool = True
    """Whether the payout's own row has a number that is not the payout's."""
    fails: float = 0.0


def live(store: Store, period: Period, manner: Manner, rng: Random) -> Life:
    """Lives through the period; the same stream gives the same life."""
    return _Living(store, period, manner, rng).live()


class _Living:
    def __init__(self, store: Store, period: Period, manner: Manner, rng: Random) -> None:
        self.store = store
        self.period = period
        self.manner = manner
        self.rng = rng
        self.zone = ZoneInfo(store.zone)
        self.movements: list[Movement] = []
        self.payouts: list[Payout] = []
        self.waiting: list[Movement] = []

    def live(self) -> Life:
        for day in self.period.days():
            self._trade(day)
            self._charge(day)
        self.waiting.sort(key=lambda movement: movement.at)
        self.waiting = [m for m in self.waiting if m.at.date() <= self.period.last]
        for day in self.period.days():
            self._pay(day)
        self.movements += self.waiting
        self.movements.sort(key=lambda movement: movement.at)
        return Life(movements=tuple(self.movements), payouts=tuple(self.payouts))

    def _trade(self, day: date) -> None:
        for _ in range(self.rng.randint(*self.manner.orders)):
            at = self._moment(day)
            units = max(100, round(self.manner.median * self.rng.lognormvariate(0, 0.5)))
            sale = self._sell(at, self._whole(units))
            if self.rng.random() < 0.08:
                self._give_back(sale)

    def _sell(self, at: datetime, units: int) -> Movement:
        manner = self.manner
        order = manner.order(self.rng, at)
        reference = manner.reference(self.rng, "sale", at)
        fee = money.per_mille(units, manner.fee_per_mille) + manner.fee_fixed
        inside = 0 if manner.fee_is_row else fee
        sale = self._row("sale", units, at, order=order, reference=reference, fee=inside)
        self.waiting.append(sale)
        if manner.fee_is_row and fee:
            self.waiting.append(self._row("commission", -fee, at, order=order, reference=reference))
        return sale

    def _give_back(self, sale: Movement) -> None:
        at = sale.at + timedelta(days=self.rng.randint(1, 4), seconds=self.rng.randrange(7200))
        units = round(sale.amount.scaleb(money.exponent(sale.currency)))
        part = units if self.rng.random() < 0.7 else units // 2
        reference = self.manner.reference(self.rng, "refund", at)
        self.waiting.append(
            replace(
                self._row("refund", -part, at, order=sale.order, reference=reference),
                detail=sale.reference,
            )
        )

    def _charge(self, day: date) -> None:
        for extra in self.manner.extras:
            if self.rng.random() >= extra.chance:
                continue
            at = self._moment(day)
            units = self._whole(self.rng.randint(*extra.between)) * extra.sign
            self.waiting.append(self._extra(extra.kind, units, at, extra.detail))
            if extra.back:
                later = at + timedelta(days=extra.back_after)
                self.waiting.append(self._extra(extra.back, -units, later, extra.back_detail))

    def _extra(self, kind: str, units: int, at: datetime, detail: str) -> Movement:
        reference = self.manner.reference(self.rng, kind, at)
        return replace(self._row(kind, units, at, reference=reference), detail=detail)

    def _pay(self, day: date) -> None:
        if day.weekday() not in self.manner.paydays:
            return
        at = datetime.combine(day, self.manner.paid_at, self.zone)
        due = [movement for movement in self.waiting if self._is_due(movement, at)]
        total = sum((movement.net for movement in due), NOTHING)
        if total <= 0:
            return
        payout = self._payout(at, total)
        paid = {movement.id for movement in due}
        self.waiting = [movement for movement in self.waiting if movement.id not in paid]
        self.movements += [replace(movement, payout=payout.id) for movement in due]
        self.movements.append(self._payout_row(payout, at))
        self.payouts.append(payout)
        if payout.status == "failed":
            self._return(payout)

    def _is_due(self, movement: Movement, at: datetime) -> bool:
        if not self.manner.lag:
            return movement.at < at
        return business_days_later(movement.at.date(), self.manner.lag) <= at.date()

    def _payout(self, at: datetime, total: Decimal) -> Payout:
        arrives = business_days_later(at.date(), 1)
        came = self.period.last + timedelta(days=1) >= arrives
        gone = at + _RETURNED_AFTER
        failed = self.rng.random() < self.manner.fails and gone.date() <= self.period.last
        return Payout(
            id=self.manner.payout_number(self.rng, at),
            amount=total,
            currency=self.store.currency,
            status="failed" if failed else "paid" if came else "in_transit",
            at=at,
            arrives_on=arrives,
            reference=self.manner.reference(self.rng, "payout", at),
            row=self.manner.number(self.rng, "payout", at),
        )

    def _payout_row(self, payout: Payout, at: datetime) -> Movement:
        return Movement(
            id=payout.row if self.manner.numbers_payout_row else payout.id,
            kind="payout",
            amount=-payout.amount,
            currency=payout.currency,
            at=at,
            payout=payout.id,
            reference=payout.reference,
        )

    def _return(self, payout: Payout) -> None:
        """The money of a failed payout comes back, and waits for the next one."""
        at = payout.at + _RETURNED_AFTER
        back = Movement(
            id=self.manner.number(self.rng, "payout_returned", at),
            kind="payout_returned",
            amount=payout.amount,
            currency=payout.currency,
            at=at,
            reference=self.manner.reference(self.rng, "payout_returned", at),
            detail=payout.id,
        )
        self.waiting.append(back)

    def _row(
        self,
        kind: str,
        units: int,
        at: datetime,
        *,
        order: str = "",
        reference: str = "",
        fee: int = 0,
    ) -> Movement:
        currency = self.store.currency
        return Movement(
            id=self.manner.number(self.rng, kind, at),
            kind=kind,
            amount=self._money(units),
            currency=currency,
            at=at,
            order=order,
            fee=self._money(fee),
            reference=reference,
        )

    def _money(self, units: int) -> Decimal:
        return major(units, self.store.currency)

    def _whole(self, units: int) -> int:
        """Hundredths as minor units of the store's currency."""
        exponent = money.exponent(self.store.currency)
        return units * 10 ** (exponent - 2) if exponent >= 2 else units

    def _moment(self, day: date) -> datetime:
        """An instant of the shop's day, in whole seconds."""
        begins = datetime.combine(day, time(8), self.zone)
        return begins + timedelta(seconds=self.rng.randrange(12 * 3600))
