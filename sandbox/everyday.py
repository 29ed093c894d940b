"""Bank lines that are no payouts: rent, charges, interest, suppliers, salaries, wholesale.

Credits among them take amounts of their own, so that none can be mistaken for a
payout. Amounts are cents, credit positive.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from random import Random

from sandbox import money, names
from sandbox.days import Period, is_business_day, on_or_after
from sandbox.model import BankAccount, Detail, Entry

_SENT = ("PMNT", "ICDT", "DMCT")
_SENT_ABROAD = ("PMNT", "ICDT", "XBCT")
_SALARY = ("PMNT", "ICDT", "SALA")
_RECEIVED = ("PMNT", "RCDT", "DMCT")
_CHARGE = ("ACMT", "MDOP", "CHRG")
_INTEREST = ("ACMT", "MCOP", "INTR")
_STORES_AS_BUSY = 10
_WHOLESALE_RATE = 0.2


@dataclass(frozen=True, kw_only=True)
class _Ways:
    """What is usual on an account: whom it pays, in what size, in what words."""

    suppliers: Sequence[str]
    supplier_code: tuple[str, str, str]
    supplier_text: str
    supplier_size: tuple[int, int]
    wholesale: Sequence[str]
    wholesale_text: str
    charge: int
    charge_text: str
    interest_text: str


_WAYS = {
    "CNY": _Ways(
        suppliers=names.SUPPLIERS_CNY,
        supplier_code=_SENT,
        supplier_text="货款 PO{number}",
        supplier_size=(80_000, 900_000),
        wholesale=names.WHOLESALE_CNY,
        wholesale_text="批发货款 合同 YX{number}",
        charge=2500,
        charge_text="账户管理费及转账手续费",
        interest_text="存款结息",
    ),
    "USD": _Ways(
        suppliers=names.SUPPLIERS_USD,
        supplier_code=_SENT_ABROAD,
        supplier_text="INVOICE {number}",
        supplier_size=(15_000, 220_000),
        wholesale=names.WHOLESALE_USD,
        wholesale_text="WHOLESALE ORDER {number}",
        charge=1500,
        charge_text="MONTHLY ACCOUNT AND WIRE CHARGES",
        interest_text="CREDIT INTEREST",
    ),
}


def lines(
    account: BankAccount, period: Period, rng: Random, taken: money.Taken, *, stores: int
) -> list[Entry]:
    """The everyday lines of a pocket in the period.

    With more stores there are more of them, each smaller, so that they remain a good
    part of all lines and the merchant remains solvent.
    """
    busy = max(1, stores // _STORES_AS_BUSY)
    entries = [
        *_suppliers(account, period, rng, busy),
        *_wholesale(account, period, rng, taken, busy),
    ]
    for first in _month_starts(period):
        entries += _monthly(account, first, period, rng, taken)
    return entries


def _suppliers(account: BankAccount, period: Period, rng: Random, busy: int) -> Iterator[Entry]:
    ways = _WAYS[account.currency]
    for day in period.days():
        if not is_business_day(day):
            continue
        for _ in range(busy * rng.choices((0, 1, 2, 3), (2, 4, 3, 1))[0]):
            text = ways.supplier_text.format(number=rng.randrange(1000, 9999))
            amount = -rng.randint(*ways.supplier_size) // busy
            payee = rng.choice(ways.suppliers)
            yield _line(account, "supplier", amount, day, ways.supplier_code, payee, text)


def _wholesale(
    account: BankAccount, period: Period, rng: Random, taken: money.Taken, busy: int
) -> Iterator[Entry]:
    """Customers who pay by bank transfer: credits that belong to no payout."""
    ways = _WAYS[account.currency]
    for day in filter(is_business_day, period.days()):
        for _ in range(busy):
            if rng.random() < _WHOLESALE_RATE:
                amount = taken.below(account.currency, rng.randint(*ways.supplier_size) // busy)
                text = ways.wholesale_text.format(number=rng.randrange(1000, 9999))
                payer = rng.choice(ways.wholesale)
                yield _line(account, "wholesale", amount, day, _RECEIVED, payer, text)


def _monthly(
    account: BankAccount, first: date, period: Period, rng: Random, taken: money.Taken
) -> Iterator[Entry]:
    ways = _WAYS[account.currency]
    charged_on = on_or_after(first)
    if charged_on in period:
        yield _line(account, "charge", -ways.charge, charged_on, _CHARGE, "", ways.charge_text)
    interest_on = on_or_after(first.replace(day=18))
    if interest_on in period:
        amount = taken.below(account.currency, rng.randint(800, 9000))
        yield _line(account, "interest", amount, interest_on, _INTEREST, "", ways.interest_text)
    if account.currency == "CNY":
        yield from _rent_and_salaries(account, first, period, rng)


def _rent_and_salaries(
    account: BankAccount, first: date, period: Period, rng: Random
) -> Iterator[Entry]:
    rent_on = on_or_after(first.replace(day=5))
    if rent_on in period:
        text = f"办公及仓库租金 {first.year}年{first.month}月"
        yield _line(account, "rent", -2_860_000, rent_on, _SENT, names.LANDLORD, text)
    paid_on = on_or_after(first.replace(day=10))
    if paid_on in period:
        yield _salaries(account, paid_on, first, rng)


def _salaries(account: BankAccount, day: date, month: date, rng: Random) -> Entry:
    """One booked line for the whole batch, one detail for each person."""
    details = tuple(
        Detail(
            amount=-rng.randint(620_000, 1_480_000),
            counterparty=person,
            end_to_end_id=f"GZ{day:%Y%m}{number:02d}",
            texts=(f"工资 {month.year}年{month.month}月",),
        )
        for number, person in enumerate(names.STAFF, start=1)
    )
    return Entry(
        account=account.number,
        currency=account.currency,
        kind="salary",
        amount=sum(detail.amount for detail in details),
        booked_on=day,
        value_on=day,
        bank_code=_SALARY,
        details=details,
        info=f"代发工资 {len(details)} 笔",
    )


def _line(
    account: BankAccount,
    kind: str,
    amount: int,
    day: date,
    code: tuple[str, str, str],
    party: str,
    text: str,
) -> Entry:
    """A single line; without a counterparty the bank itself speaks, in the entry's info."""
    detail = Detail(amount=amount, counterparty=party, end_to_end_id="NOTPROVIDED", texts=(text,))
    return Entry(
        account=account.number,
        currency=account.currency,
        kind=kind,
        amount=amount,
        booked_on=day,
        value_on=day,
        bank_code=code,
        details=(detail,) if party else (),
        info="" if party else text,
    )


def _month_starts(period: Period) -> list[date]:
    return sorted({day.replace(day=1) for day in period.days()})
