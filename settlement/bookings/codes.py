"""The addresses of the books, and amounts as they stand there (whole minor units)."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from djmoney.money import Money
from moneyed import get_currency

from ledger.book import Side
from settlement.errors import FractionError


def minor(amount: Decimal, currency: str) -> int:
    """An amount in major units as whole minor units; FractionError if it is none."""
    scaled = amount * get_currency(currency).sub_unit
    whole = int(scaled)
    if whole != scaled:
        raise FractionError(f"{amount} {currency} is not a whole number of minor units")
    return whole


def minor_of(amount: Money) -> int:
    """A sum of money as whole minor units; FractionError if it is none."""
    return minor(amount.amount, str(amount.currency))


def major(units: int, currency: str) -> Money:
    """Minor units of the books as money."""
    return Money(Decimal(units) / get_currency(currency).sub_unit, currency)


def receivable(store_id: UUID, currency: str) -> str:
    """The code of what the platform owes for a store."""
    return f"store:{store_id}:receivable:{currency}"


def in_transit(store_id: UUID, currency: str) -> str:
    """The code of what is announced for a store and not yet at the bank."""
    return f"store:{store_id}:in_transit:{currency}"


def bank(bank_account_id: UUID, currency: str) -> str:
    """The code of what the bank holds."""
    return f"bank:{bank_account_id}:{currency}"


def unrelated(bank_account_id: UUID, currency: str) -> str:
    """The code of bank entries that are no payout."""
    return f"bank:{bank_account_id}:unrelated:{currency}"


def pending(settlement_account_id: UUID, currency: str) -> str:
    """The code of the merchant's money on its way."""
    return f"merchant:{settlement_account_id}:pending:{currency}"


def available(settlement_account_id: UUID, currency: str) -> str:
    """The code of the merchant's money that has arrived."""
    return f"merchant:{settlement_account_id}:available:{currency}"


def opening(bank_account_id: UUID, currency: str) -> str:
    """The code of what the bank held before the first statement."""
    return f"opening:{bank_account_id}:{currency}"


def suspense(settlement_account_id: UUID, currency: str) -> str:
    """The code of lines whose meaning is not known."""
    return f"suspense:{settlement_account_id}:{currency}"


def fee_income(currency: str) -> str:
    """The code of what withdrawals have cost, gross."""
    return f"fee:income:{currency}"


def waiver(program: str, currency: str) -> str:
    """The code of what a programme has forgiven: what it cost the operator."""
    return f"waiver:{program}:{currency}"


def normal_side(code: str) -> Side:
    """The side on which an account of this code grows."""
    kind = code.split(":")
    owned = kind[0] in {"store", "waiver"} or (kind[0] == "bank" and kind[2] != "unrelated")
    return Side.DEBIT if owned else Side.CREDIT
