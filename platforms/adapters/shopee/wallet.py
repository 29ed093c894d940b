"""`get_wallet_transaction_list`: what moved a local shop's wallet.

Amounts are mostly magnitudes: the direction comes from the type (the vendor's text) and
from `money_flow`; where both speak they must agree. Rows state no currency and no id.
Source: platforms-global.md §10.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from platforms.adapters._json import Item, store_currency
from platforms.adapters.shopee import words
from platforms.contract import (
    Document,
    Line,
    LineKind,
    Payout,
    PayoutStatus,
    ReadError,
    Record,
    Statement,
    Totals,
)
from platforms.reading import shown
from platforms.values import EXACT, NOTHING

WALLET: Final = "wallet"
PENDING: Final = "wallet_pending"
MARKS: Final = ("transaction_list", "transaction_type", "current_balance", "create_time")

_FLOWS: Final = {"": 0, "MONEY_IN": words.IN, "MONEY_OUT": words.OUT}
_DONE: Final = "COMPLETED"
_FAILED: Final = "FAILED"
_STATUSES: Final = frozenset({_DONE, _FAILED, "PENDING", "INITIAL"})
_FURTHEST: Final = (
    PayoutStatus.IN_TRANSIT,
    PayoutStatus.PAID,
    PayoutStatus.FAILED,
    PayoutStatus.CANCELLED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Move:
    """One row, read; `amount` signed, `balance` None where none is stated."""

    item: Item
    word: str
    kind: LineKind
    amount: Decimal
    done: bool
    at: datetime
    balance: Decimal | None
    withdrawal: str


def read(answer: Item, document: Document) -> Iterator[Record]:
    """Yield a Statement of what moved, and one of what is pending or failed. Raises ReadError."""
    unit = store_currency(document)
    moves = [_move(item) for item in answer.child("response").items("transaction_list")]
    withdrawn = _withdrawals(moves, unit)
    yield Statement(account="", currency=unit, profile=WALLET)
    ids = words.Ids("wallet")
    for move in moves:
        if move.done and move.word != words.COMPLETED:
            yield _line(move, ids, unit)
        if move.item.row in withdrawn:
            yield withdrawn[move.item.row]
    yield Totals(ties=_chained(moves) or None)
    if waiting := [move for move in moves if not move.done]:
        yield Statement(account="", currency=unit, profile=PENDING, books=False)
        ids = words.Ids("pending")
        yield from (_line(move, ids, unit) for move in waiting)
        yield Totals()


def _move(item: Item) -> _Move:
    status, word = item.text("status"), item.text("transaction_type")
    if status not in _STATUSES:
        raise ReadError(f"unknown status {shown(status)}", row=item.row)
    # Whether the fee is part of the amount is not stated anywhere.
    if fee := item.stated_money("transaction_fee"):
        raise ReadError(f"a transaction fee of {fee}: not known where it is booked", row=item.row)
    kind, value = _directed(item, word)
    withdrawal = item.id("withdrawal_id")
    if word in (words.CREATED, words.COMPLETED, words.CANCELLED) and withdrawal in ("", "0"):
        raise ReadError("a withdrawal without withdrawal_id", row=item.row)
    return _Move(
        item=item,
        word=word,
        kind=kind,
        amount=value,
        # A withdrawal is deducted when it is created, whatever becomes of it.
        done=status == _DONE or (word == words.CREATED and status != _FAILED),
        at=item.seconds("create_time"),
        balance=item.stated_money("current_balance"),
        withdrawal=withdrawal,
    )


def _directed(item: Item, word: str) -> tuple[LineKind, Decimal]:
    """The kind and the signed amount. Raises ReadError where the directions disagree."""
    kind, direction = words.TRANSACTIONS.get(word, (LineKind.UNKNOWN, 0))
    flow, value = item.said("money_flow"), item.money("amount")
    if flow not in _FLOWS:
        raise ReadError(f"unknown money_flow {shown(flow)}", row=item.row)
    if direction and _FLOWS[flow] not in (0, direction):
        raise ReadError(f"{word} with {flow}", row=item.row)
    direction = direction or _FLOWS[flow] or (words.OUT if value < 0 else 0)
    if word == words.COMPLETED:
        direction = words.OUT
    if not direction and value:
        raise ReadError(f"{shown(word)} says neither in nor out", row=item.row)
    if value < 0 and direction == words.IN:
        raise ReadError(f"{word} comes in with {value}", row=item.row)
    return kind, abs(value) * direction + NOTHING


def _line(move: _Move, ids: words.Ids, unit: str) -> Line:
    item = move.item
    order = item.said("order_sn")
    parts = (order, item.said("refund_sn"), move.withdrawal)
    reason = item.said("reason") or item.said("description")
    return Line(
        external_id=ids.of(item.whole("create_time"), move.word, move.amount, *parts),
        kind=move.kind,
        amount=move.amount,
        currency=unit,
        event_at=move.at,
        row=item.row,
        order_ref=order,
        payout_ref=move.withdrawal if move.word in (words.CREATED, words.CANCELLED) else "",
        label=f"{move.word}/{reason}" if reason else move.word,
    )


def _withdrawals(moves: list[_Move], unit: str) -> dict[int, Payout]:
    """Each withdrawal once, as far as the page says it has come, by the row that says so.

    WITHDRAWAL_COMPLETED moves nothing: the balance was reduced when it was created.
    """
    furthest: dict[str, tuple[PayoutStatus, _Move]] = {}
    for move in moves:
        status = _status(move)
        if status is None or not move.amount:
            continue
        known = furthest.get(move.withdrawal)
        if known is None or _FURTHEST.index(status) > _FURTHEST.index(known[0]):
            furthest[move.withdrawal] = status, move
    return {
        move.item.row: Payout(
            external_id=withdrawal,
            amount=abs(move.amount),
            currency=unit,
            status=status,
            announced_at=move.at,
            row=move.item.row,
        )
        for withdrawal, (status, move) in furthest.items()
    }


def _status(move: _Move) -> PayoutStatus | None:
    if move.word == words.CREATED:
        return PayoutStatus.IN_TRANSIT if move.done else PayoutStatus.FAILED
    if not move.done:
        return None
    return {
        words.COMPLETED: PayoutStatus.PAID,
        words.CANCELLED: PayoutStatus.CANCELLED,
    }.get(move.word)


def _chained(moves: list[_Move]) -> bool:
    """Whether each balance follows from the one before, newest first or last.

    What `current_balance` means for a row is not confirmed: a chain that holds proves
    the directions, one that does not proves nothing.
    """
    rows = [
        (move.balance, move.amount if move.done and move.word != words.COMPLETED else NOTHING)
        for move in moves
    ]
    return len(rows) > 1 and (_follows(rows) or _follows(rows[::-1]))


def _follows(rows: list[tuple[Decimal | None, Decimal]]) -> bool:
    before = rows[0][0]
    for balance, moved in rows[1:]:
        if before is None or balance is None or EXACT.add(before, moved) != balance:
            return False
        before = balance
    return True
