"""The life of a Taobao or Tmall store's Alipay account: sales, charges, refunds, withdrawals.

The buyer's money comes in when receipt is confirmed, and each charge on the sale is a
row of its own beside it (platforms-cn.md 1.4); rows of one sale share its 业务流水号.
The running balance is exact and never negative: a refund the account cannot pay is
not made. A withdrawal (提现) is the payout. Amounts are fen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from random import Random
from zoneinfo import ZoneInfo

from sandbox import money, names, numbers, trading
from sandbox.days import Period
from sandbox.model import Payout, Store

SALE = "交易付款"
SALE_ELSEWHERE = "在线支付"
REFUND = "交易退款"
CHARGE = "收费"
# What splits a trade's money, as in bills read by public code; the reference names 收费 only.
SHARE = "交易分账"
TRANSFER = "转账"
WITHDRAWAL = "提现"
ALIPAY = "支付宝"
SALE_DESCRIPTION = "0010001|交易收款-交易收款"
_COMMISSION_PER_MILLE = 50
_HUABEI_PER_MILLE = 10
_AFFILIATE_PER_MILLE = (15, 60)
_DEPOSIT = 30_000
_DEPOSIT_FROZEN_FOR = 10
_REFUND_RATE = 0.05
_ELSEWHERE_RATE = 0.08
_AFFILIATE_RATE = 0.25
_HUABEI_RATE = 0.35
_INSURANCE_RATE = 0.5
_INSURANCE = (30, 90)


@dataclass(frozen=True, kw_only=True)
class Sale:
    """One sale as its money is released, and what will be charged on it."""

    at: datetime
    trade_no: str
    tid: str
    kind: str
    amount: int
    product: str
    buyer: str
    commission: int
    affiliate: int
    huabei: int
    insurance: int


@dataclass(frozen=True, kw_only=True)
class Refund:
    """Money given back to the buyer of a sale, with the affiliate's share taken back."""

    at: datetime
    sale: Sale
    amount: int
    affiliate: int


@dataclass(frozen=True, kw_only=True)
class AccountRow:
    """One row of the fund bill; `amount` signed, `balance` after the row."""

    at: datetime
    entry_no: str
    business_no: str
    order_no: str
    product: str
    counterparty: str
    amount: int
    balance: int
    channel: str
    kind: str
    remark: str
    description: str
    tid: str


@dataclass(kw_only=True)
class Purse:
    """A store's Alipay account as it lived."""

    store: Store
    rng: Random
    taken: money.Taken
    balance: int = 0
    frozen: int = 0
    rows: list[AccountRow] = field(default_factory=list)
    payouts: list[Payout] = field(default_factory=list)

    def sell(self, sale: Sale) -> None:
        """Books a sale and each charge on it in the same second."""
        order_no = _order_no(sale)
        self._row(
            sale.at,
            sale.trade_no,
            sale.kind,
            sale.amount,
            order_no=order_no,
            product=sale.product,
            counterparty=sale.buyer,
            description=SALE_DESCRIPTION,
            tid=sale.tid,
        )
        charges = (
            (CHARGE, sale.commission, names.TMALL, f"天猫佣金（类目）{{{sale.tid}}}扣款"),
            (SHARE, sale.affiliate, names.TAOBAO_AFFILIATES, f"淘宝客佣金代扣款[{sale.tid}]"),
            (CHARGE, sale.huabei, names.HUABEI, f"花呗支付服务费[{sale.trade_no}]"),
            (CHARGE, sale.insurance, names.INSURER, _insurance_remark(sale)),
        )
        for kind, amount, counterparty, remark in charges:
            if amount:
                self._row(
                    sale.at,
                    sale.trade_no,
                    kind,
                    -amount,
                    order_no=order_no,
                    counterparty=counterparty,
                    remark=remark,
                    tid=sale.tid,
                )

    def give_back(self, refund: Refund) -> None:
        """Books a refund, unless the account cannot pay it."""
        if refund.amount > self.balance:
            return
        sale = refund.sale
        self._row(
            refund.at,
            sale.trade_no,
            REFUND,
            -refund.amount,
            order_no=_order_no(sale),
            product=sale.product,
            counterparty=sale.buyer,
            remark=f"售后退款-{sale.tid}",
            tid=sale.tid,
        )
        if refund.affiliate:
            self._row(
                refund.at,
                sale.trade_no,
                SHARE,
                refund.affiliate,
                order_no=_order_no(sale),
                counterparty=names.TAOBAO_AFFILIATES,
                remark=f"淘宝客佣金退款[{sale.tid}]",
                tid=sale.tid,
            )

    def freeze_deposit(self, at: datetime) -> None:
        """Moves the merchant's deposit (保证金) out, as far as the balance allows."""
        self.frozen = min(_DEPOSIT, self.balance)
        if self.frozen:
            self._deposit_row(at, -self.frozen, "商家保证金冻结")

    def release_deposit(self, at: datetime) -> None:
        """Moves what was frozen back."""
        if self.frozen:
            self._deposit_row(at, self.frozen, "商家保证金解冻")
            self.frozen = 0

    def withdraw(self, at: datetime) -> None:
        """Pays the whole balance out, or a fen less where that amount was paid before."""
        amount = self.taken.below(self.store.currency, self.balance)
        business_no = numbers.alipay_trade_no(self.rng, at.date())
        counterparty = f"{names.MERCHANT.name} ({names.BANK_NAME})"
        row = self._row(at, business_no, WITHDRAWAL, -amount, counterparty=counterparty)
        self.payouts.append(
            Payout(
                store=self.store.code,
                reference=row.entry_no,
                flow_no=business_no,
                currency=self.store.currency,
                amount=amount,
                announced_at=at.replace(tzinfo=ZoneInfo(self.store.zone)),
            )
        )

    def _deposit_row(self, at: datetime, amount: int, remark: str) -> None:
        business_no = numbers.alipay_trade_no(self.rng, at.date())
        self._row(at, business_no, TRANSFER, amount, counterparty=names.TMALL, remark=remark)

    def _row(
        self,
        at: datetime,
        business_no: str,
        kind: str,
        amount: int,
        *,
        order_no: str = "",
        product: str = "",
        counterparty: str = "",
        remark: str = "",
        description: str = "",
        tid: str = "",
    ) -> AccountRow:
        self.balance += amount
        row = AccountRow(
            at=at,
            entry_no=numbers.digits(self.rng, 15),
            business_no=business_no,
            order_no=order_no,
            product=product,
            counterparty=counterparty,
            amount=amount,
            balance=self.balance,
            channel=ALIPAY,
            kind=kind,
            remark=remark,
            description=description,
            tid=tid,
        )
        self.rows.append(row)
        return row


def live(store: Store, period: Period, rng: Random, taken: money.Taken) -> Purse:
    """Lives through the period; the same seed gives the same life.

    A store that withdraws weekly has its deposit frozen for ten days in the middle.
    """
    purse = Purse(store=store, rng=rng, taken=taken, balance=store.opening)
    coming: dict[date, list[Refund]] = {}
    for number, day in enumerate(period.days()):
        sales = [_sale(store, rng, at) for at in trading.moments(store, rng, day)]
        for sale in sales:
            _plan_refund(sale, rng, coming)
        events: list[Sale | Refund] = [*sales, *coming.pop(day, [])]
        trading.live_through(
            events,
            day,
            happen=partial(_happen, purse),
            withdraw=partial(_pay_out, purse, day),
        )
        if store.payday is not None:
            _move_deposit(purse, day, number)
    return purse


def _happen(purse: Purse, event: Sale | Refund) -> None:
    if isinstance(event, Sale):
        purse.sell(event)
    else:
        purse.give_back(event)


def _pay_out(purse: Purse, day: date) -> None:
    if trading.is_payday(purse.store, day) and purse.balance >= trading.LEAST_WITHDRAWAL:
        purse.withdraw(trading.payout_at(day))


def _move_deposit(purse: Purse, day: date, number: int) -> None:
    """Just before midnight, when all sales of the day are booked."""
    at = trading.clock(day).replace(hour=23, minute=30)
    if number == _DEPOSIT_FROZEN_FOR // 2:
        purse.freeze_deposit(at)
    elif number == _DEPOSIT_FROZEN_FOR // 2 + _DEPOSIT_FROZEN_FOR:
        purse.release_deposit(at)


def _sale(store: Store, rng: Random, at: datetime) -> Sale:
    """A sale; only Tmall takes a commission, Taobao does not."""
    amount = trading.price(store, rng)
    share = rng.randint(*_AFFILIATE_PER_MILLE) if rng.random() < _AFFILIATE_RATE else 0
    huabei = _HUABEI_PER_MILLE if rng.random() < _HUABEI_RATE else 0
    return Sale(
        at=at,
        trade_no=numbers.alipay_trade_no(rng, at.date()),
        tid=numbers.taobao_order(rng),
        kind=SALE_ELSEWHERE if rng.random() < _ELSEWHERE_RATE else SALE,
        amount=amount,
        product=rng.choice(names.PRODUCTS),
        buyer=f"{rng.choice(names.BUYERS)} (sbx***@example.com)",
        commission=money.per_mille(amount, _COMMISSION_PER_MILLE if _is_tmall(store) else 0),
        affiliate=money.per_mille(amount, share),
        huabei=money.per_mille(amount, huabei),
        insurance=rng.randint(*_INSURANCE) if rng.random() < _INSURANCE_RATE else 0,
    )


def _plan_refund(sale: Sale, rng: Random, coming: dict[date, list[Refund]]) -> None:
    if rng.random() >= _REFUND_RATE:
        return
    whole = rng.random() < 0.7
    refund = Refund(
        at=trading.refund_at(rng, sale.at),
        sale=sale,
        amount=sale.amount if whole else sale.amount // 2,
        affiliate=sale.affiliate if whole else 0,
    )
    coming.setdefault(refund.at.date(), []).append(refund)


def _is_tmall(store: Store) -> bool:
    return "天猫" in store.name


def _order_no(sale: Sale) -> str:
    return f"T200P{sale.tid}"


def _insurance_remark(sale: Sale) -> str:
    return f"保险承保-卖家版运费险保费收取:淘宝订单号{sale.tid}"
