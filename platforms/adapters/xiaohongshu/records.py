"""The answer of `finance.querySellerAccountRecords`: what moved a store's wallets.

Yuan as text; times in Unix milliseconds. Every record states the balance before and
after it, which its income and outgo must lead from one to the other. Source:
platforms-cn.md §8.4.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Final, NamedTuple

from platforms.adapters._json import Item, holds
from platforms.adapters.xiaohongshu import words
from platforms.adapters.xiaohongshu.requests import rows
from platforms.contract import (
    Document,
    Line,
    LineKind,
    Payout,
    PayoutStatus,
    Record,
    Statement,
    Totals,
)
from platforms.reading import shown
from platforms.values import EXACT

PROFILE: Final = "account_records"

_MARKS: Final = ("records", "tradeNo", "balanceBefore", "fundType")


class _Movement(NamedTuple):
    line: Line
    before: Decimal
    after: Decimal


def recognises(document: Document) -> bool:
    """Whether it is a JSON object with the fields of such records."""
    return holds(document, _MARKS)


def read(document: Document) -> Iterator[Record]:
    """Yield Statement, Lines and Payouts, Totals for each wallet, in its first record's order.

    A page of all wallets mixes them; `row` is the record's ordinal in the page. Raises
    ReadError, also where a record's balances do not fit what it moved.
    """
    wallets: dict[str, list[_Movement]] = {}
    for record in rows(document, "records"):
        wallets.setdefault(_wallet(record), []).append(_movement(record))
    for wallet, moved in wallets.items():
        yield Statement(
            account=document.context.get("account", ""),
            currency=words.CURRENCY,
            profile=PROFILE,
            cash_account=wallet,
        )
        for movement in moved:
            yield movement.line
            if movement.line.kind is LineKind.PAYOUT and movement.line.amount < 0:
                yield _payout(movement.line)
        yield _totals(moved)


def _wallet(record: Item) -> str:
    wallet = record.required_id("fundType")
    if wallet not in words.WALLETS:
        raise record.refused(f"unknown wallet {shown(wallet)}")
    return wallet


def _movement(record: Item) -> _Movement:
    for name in ("balanceBefore", "balanceAmount"):
        if not record.states(name):
            raise record.refused(f"no {name}")
    before, after = record.money_if_any("balanceBefore"), record.money_if_any("balanceAmount")
    signed = _signed(record)
    if EXACT.add(before, signed) != after:
        raise record.refused(f"{before} and {signed} do not come to the balance {after}")
    word, remark = record.required_id("type"), record.id("remark")
    kind = words.kind(word, (signed > 0) - (signed < 0))
    said = record.id("typeDesc") or word
    number = record.required_id("tradeNo")
    line = Line(
        # Whether a transfer has one number in both of its wallets is not documented.
        external_id=f"{number}|{word}|{record.required_id('fundType')}",
        kind=kind,
        amount=signed,
        currency=words.CURRENCY,
        event_at=_moment(record),
        row=record.row,
        order_ref=_order(record, kind),
        payout_ref=number if kind is LineKind.PAYOUT and signed < 0 else "",
        remittance=record.id("businessNo"),
        label=f"{said}/{remark}" if remark else said,
    )
    return _Movement(line, before, after)


def _signed(record: Item) -> Decimal:
    names = ("incomeAmount", "outcomeAmount")
    if not any(record.states(name) for name in names):
        raise record.refused("the record has no amount")
    came, went = map(record.money_if_any, names)
    if came and went:
        raise record.refused(f"the record has income {came} and outgo {went}")
    if came < 0 or went < 0:
        raise record.refused(f"the amount is negative: {came or went}")
    return came or (-went if went else went)


def _moment(record: Item) -> datetime:
    moment = record.millis_if_any("createdTime", words.ZONE)
    if moment is None:
        raise record.refused("no createdTime")
    return moment


def _order(record: Item, kind: LineKind) -> str:
    """The business number, where the business is an order's."""
    return record.id("businessNo") if kind in (LineKind.SALE, LineKind.REFUND) else ""


def _payout(line: Line) -> Payout:
    # The record says that the money left, never that it arrived.
    return Payout(
        external_id=line.payout_ref,
        amount=-line.amount,
        currency=line.currency,
        status=PayoutStatus.IN_TRANSIT,
        announced_at=line.event_at,
        row=line.row,
        remittance=line.remittance,
    )


def _totals(moved: list[_Movement]) -> Totals:
    """Opening and closing where every record begins with what the one before it left.

    A page that was asked for by type leaves records out: then each record is proved
    by its own balances, and nothing is said of the wallet.
    """
    pairs = list(pairwise(moved))
    forward = all(early.after == late.before for early, late in pairs)
    backward = all(late.before == early.after for late, early in pairs)
    if forward and backward and pairs:
        # Movements that undo one another fit both ways: then the time decides.
        forward = moved[0].line.event_at < moved[-1].line.event_at
        backward = moved[0].line.event_at > moved[-1].line.event_at
    if forward:
        return Totals(opening=moved[0].before, closing=moved[-1].after, ties=True)
    if backward:
        return Totals(opening=moved[-1].before, closing=moved[0].after, ties=True)
    return Totals(ties=True)
