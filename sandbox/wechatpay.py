"""The life of a WeChat Pay store: sales, fees, refunds and withdrawals of one wallet.

Every sale is followed by its fee row; a refund takes the refunded total less the
fee given back, both named in its remark; a withdrawal (提现) is the payout. The
running balance is exact and never negative: a refund the wallet cannot pay is
not made, as at the real platform. Amounts are fen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from random import Random
from zoneinfo import ZoneInfo

from sandbox import money, numbers, trading
from sandbox.days import Period
from sandbox.model import Payout, Store
from sandbox.names import PAYERS_BANKS, PRODUCTS

FEE_PER_MILLE = 6
WITHDRAWAL = "提现"
SHARED_FLOW_NO = "shared_flow_no"
_REFUND_RATE = 0.05


@dataclass(frozen=True, kw_only=True)
class Order:
    """One paid order."""

    at: datetime
    transaction_id: str
    trade_no: str
    amount: int
    fee: int
    product: str
    buyer: str
    buyers_bank: str


@dataclass(frozen=True, kw_only=True)
class Refund:
    """Money given back for an order: `amount` to the buyer, `fee` back to the shop."""

    at: datetime
    order: Order
    refund_id: str
    refund_no: str
    amount: int
    fee: int


@dataclass(frozen=True, kw_only=True)
class FundRow:
    """One row of the fund flow; `amount` signed, `balance` after the row."""

    at: datetime
    business_no: str
    flow_no: str
    name: str
    kind: str
    amount: int
    balance: int
    applicant: str
    remark: str
    voucher: str


@dataclass(kw_only=True)
class Wallet:
    """A store's wallet as it lived: rows, the trades behind them, its payouts."""

    store: Store
    rng: Random
    taken: money.Taken
    balance: int = 0
    rows: list[FundRow] = field(default_factory=list)
    trades: list[Order | Refund] = field(default_factory=list)
    payouts: list[Payout] = field(default_factory=list)

    def sell(self, order: Order) -> None:
        """Books a sale and, where it is not nil, its fee."""
        own = self.store.dialect == SHARED_FLOW_NO
        flow_no = order.transaction_id if own else self._flow_no(order.at)
        self._row(order.at, order.transaction_id, flow_no, "交易", order.amount, order.trade_no)
        if order.fee:
            flow_no = self._flow_no(order.at)
            self._row(
                order.at,
                order.transaction_id,
                flow_no,
                "扣除交易手续费",
                -order.fee,
                order.trade_no,
            )
        self.trades.append(order)

    def give_back(self, refund: Refund) -> None:
        """Books a refund, unless the wallet cannot pay it."""
        taken = refund.amount - refund.fee
        if taken > self.balance:
            return
        shared = self.store.dialect == SHARED_FLOW_NO
        self._row(
            refund.at,
            refund.refund_id,
            refund.order.transaction_id if shared else self._flow_no(refund.at),
            "退款",
            -taken,
            refund.refund_no,
            applicant=f"{self.store.external_id}API",
            remark=f"退款总金额{money.text(refund.amount)}元;含手续费{money.text(refund.fee)}元",
        )
        self.trades.append(refund)

    def withdraw(self, at: datetime) -> None:
        """Pays the whole balance out, or a fen less where that amount was paid before."""
        amount = self.taken.below(self.store.currency, self.balance)
        business_no = numbers.withdrawal_no(self.rng, at.date())
        flow_no = self._flow_no(at)
        voucher = numbers.trade_no(self.rng, f"{at:%Y%m%d%H%M%S}", "TX")
        self._row(at, business_no, flow_no, WITHDRAWAL, -amount, voucher)
        self.payouts.append(
            Payout(
                store=self.store.code,
                reference=business_no,
                flow_no=flow_no,
                currency=self.store.currency,
                amount=amount,
                announced_at=at.replace(tzinfo=ZoneInfo(self.store.zone)),
            )
        )

    def _flow_no(self, at: datetime) -> str:
        return numbers.flow_no(self.rng, self.store.external_id, at.date())

    def _row(
        self,
        at: datetime,
        business_no: str,
        flow_no: str,
        kind: str,
        amount: int,
        voucher: str,
        *,
        applicant: str = "system",
        remark: str = "",
    ) -> None:
        self.balance += amount
        self.rows.append(
            FundRow(
                at=at,
                business_no=business_no,
                flow_no=flow_no,
                # A fee row carries the name of the business it was charged for.
                name="交易" if kind == "扣除交易手续费" else kind,
                kind=kind,
                amount=amount,
                balance=self.balance,
                applicant=applicant,
                remark=remark,
                voucher=voucher,
            )
        )


def live(store: Store, period: Period, rng: Random, taken: money.Taken) -> Wallet:
    """Lives through the period; the same seed gives the same life."""
    wallet = Wallet(store=store, rng=rng, taken=taken, balance=store.opening)
    coming: dict[date, list[Refund]] = {}
    for day in period.days():
        orders = [_order(store, rng, at) for at in trading.moments(store, rng, day)]
        for order in orders:
            _plan_refund(order, rng, coming)
        events: list[Order | Refund] = [*orders, *coming.pop(day, [])]
        trading.live_through(
            events,
            day,
            happen=partial(_happen, wallet),
            withdraw=partial(_pay_out, wallet, day),
        )
    return wallet


def _happen(wallet: Wallet, event: Order | Refund) -> None:
    if isinstance(event, Order):
        wallet.sell(event)
    else:
        wallet.give_back(event)


def _pay_out(wallet: Wallet, day: date) -> None:
    if trading.is_payday(wallet.store, day) and wallet.balance >= trading.LEAST_WITHDRAWAL:
        wallet.withdraw(trading.payout_at(day))


def _order(store: Store, rng: Random, at: datetime) -> Order:
    day, amount = at.date(), trading.price(store, rng)
    return Order(
        at=at,
        transaction_id=numbers.transaction_id(rng, day),
        trade_no=numbers.trade_no(rng, f"{at:%Y%m%d%H%M%S}"),
        amount=amount,
        fee=money.per_mille(amount, FEE_PER_MILLE),
        product=rng.choice(PRODUCTS),
        buyer=f"oSBX{rng.getrandbits(96):024x}",
        buyers_bank=rng.choice(PAYERS_BANKS),
    )


def _plan_refund(order: Order, rng: Random, coming: dict[date, list[Refund]]) -> None:
    if rng.random() >= _REFUND_RATE:
        return
    at = trading.refund_at(rng, order.at)
    day = at.date()
    amount = order.amount if rng.random() < 0.7 else order.amount // 2
    refund = Refund(
        at=at,
        order=order,
        refund_id=numbers.refund_id(rng, day),
        refund_no=numbers.trade_no(rng, f"{at:%Y%m%d%H%M%S}", "R"),
        amount=amount,
        fee=order.fee if amount == order.amount else money.per_mille(amount, FEE_PER_MILLE),
    )
    coming.setdefault(day, []).append(refund)
