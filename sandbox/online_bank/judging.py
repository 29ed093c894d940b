"""What the bank refuses, and with which code.

Codes are of ISO 20022's external code set ExternalStatusReason1Code (the labels beside
them are the list's own). A whole file is refused for its sums and counts, a block for
its debtor, an order for itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sandbox import money, numbers
from sandbox.online_bank.orders import Block, Message, Order

LARGEST = 10**14
"""The most one order may move, in minor units."""

_AMOUNT = re.compile(r"([0-9]{1,18})(?:\.([0-9]{1,5}))?")
_SUM = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,17})?")
_ACCOUNT = re.compile(r"[A-Za-z0-9-]{4,34}")
_LONGEST_ID = 35
_LONGEST_TEXT = 140


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why something is refused: the code and words for people."""

    code: str
    text: str


def of_message(message: Message) -> Reason | None:
    """Why the whole file is refused; None if it is not.

    BE05 UnrecognisedInitiatingParty, FF01 InvalidFileFormat, DU02
    DuplicatePaymentInformationID, AM19 InvalidGroupNumberOfTransactions, AM10
    InvalidControlSum, AM20 InvalidPaymentInfoNumberOfTransactions, AM17
    InvalidPaymentInfoControlSum.
    """
    orders = list(message.orders)
    if not message.initiator:
        return Reason(code="BE05", text="InitgPty names nobody")
    if not orders or not all(block.orders and block.identifier for block in message.blocks):
        return Reason(code="FF01", text="a payment information is missing, unnamed or empty")
    names = [block.identifier for block in message.blocks]
    if len(set(names)) < len(names):
        return Reason(code="DU02", text="two payment informations have one PmtInfId")
    if message.count != str(len(orders)):
        return Reason(code="AM19", text=f"NbOfTxs says {message.count!r}, found {len(orders)}")
    if not _sums_to(message.control_sum, orders):
        return Reason(code="AM10", text=f"CtrlSum {message.control_sum} is not the sum")
    for block in message.blocks:
        if block.count and block.count != str(len(block.orders)):
            return Reason(code="AM20", text=f"NbOfTxs of {block.identifier} is wrong")
        if not _sums_to(block.control_sum, block.orders):
            return Reason(code="AM17", text=f"CtrlSum of {block.identifier} is wrong")
    return None


def of_block(block: Block, *, account_currency: str | None) -> Reason | None:
    """Why all orders of a block are refused; `account_currency` None: no such account.

    FF03 InvalidPaymentTypeInformation, AC02 InvalidDebtorAccountNumber, AC10
    InvalidDebtorAccountCurrency, DT01 InvalidDate.
    """
    if block.method != "TRF":
        return Reason(code="FF03", text=f"PmtMtd {block.method!r} is not offered")
    if account_currency is None:
        return Reason(code="AC02", text=f"no account {block.debtor_account!r} here")
    if block.debtor_currency not in ("", account_currency):
        return Reason(code="AC10", text=f"the account is in {account_currency}")
    if execution_day(block) is None:
        return Reason(code="DT01", text=f"ReqdExctnDt {block.execution_day!r} is no day")
    return None


def of_order(order: Order, *, account_currency: str) -> Reason | None:
    """Why an order is refused for what it says.

    FF08 InvalidEndToEndId, CH16 ElementContentFormallyIncorrect, BE22
    MissingCreditorName, BE20 InvalidNameLength, AC01 IncorrectAccountNumber, CH15
    ElementContentIncludesMoreThan140Characters, and the codes of amounts.
    """
    if not has_a_name(order):
        return Reason(code="FF08", text="EndToEndId is missing or longer than 35 characters")
    if len(order.instruction) > _LONGEST_ID:
        return Reason(code="CH16", text="InstrId is longer than 35 characters")
    if not order.creditor:
        return Reason(code="BE22", text="the creditor has no name")
    if len(order.creditor) > _LONGEST_TEXT:
        return Reason(code="BE20", text="the creditor's name is longer than 140 characters")
    if not (numbers.is_iban if order.is_iban else _ACCOUNT.fullmatch)(order.account):
        return Reason(code="AC01", text=f"{order.account!r} is no account number")
    if any(len(text) > _LONGEST_TEXT for text in order.texts):
        return Reason(code="CH15", text="a Ustrd is longer than 140 characters")
    return _of_amount(order, account_currency)


def _of_amount(order: Order, account_currency: str) -> Reason | None:
    """AM12 InvalidAmount, AM03 NotAllowedCurrency, CH20
    DecimalPointsNotCompatibleWithCurrency, AM01 ZeroAmount, AM02 NotAllowedAmount."""
    found = _AMOUNT.fullmatch(order.amount)
    if found is None:
        return Reason(code="AM12", text=f"{order.amount!r} is no amount")
    if order.currency != account_currency:
        return Reason(code="AM03", text=f"the account pays {account_currency} only")
    if len(found.group(2) or "") > money.exponent(order.currency):
        return Reason(code="CH20", text=f"too many decimals for {order.currency}")
    amount = minor(order)
    if amount == 0:
        return Reason(code="AM01", text="nothing to pay")
    if amount > LARGEST:
        return Reason(code="AM02", text="more than one order may move")
    return None


def has_a_name(order: Order) -> bool:
    """Whether its EndToEndId can stand for this order and no other."""
    return (
        order.end_to_end_id not in ("", "NOTPROVIDED") and len(order.end_to_end_id) <= _LONGEST_ID
    )


def readable_amount(order: Order) -> int | None:
    """The amount in minor units; None if it could not be paid in its own currency."""
    return None if _of_amount(order, order.currency) else minor(order)


def minor(order: Order) -> int:
    """The amount in minor units of its currency; for amounts found readable only."""
    whole, _, part = order.amount.partition(".")
    decimals = money.exponent(order.currency)
    return int(whole + part.ljust(decimals, "0"))


def execution_day(block: Block) -> date | None:
    """The requested day; None if it is missing or no day."""
    try:
        return date.fromisoformat(block.execution_day)
    except ValueError:
        return None


def _sums_to(control_sum: str, orders: list[Order] | tuple[Order, ...]) -> bool:
    """A control sum is optional; it adds amounts of whatever currency.

    An amount that cannot be read is refused by itself, and proves no sum.
    """
    if not control_sum:
        return True
    amounts = [order.amount for order in orders]
    if not _SUM.fullmatch(control_sum) or not all(map(_AMOUNT.fullmatch, amounts)):
        return False
    return Decimal(control_sum) == sum(map(Decimal, amounts))
