"""Answers of the API: pages of balance transactions and payouts, one payout, payout events.

Amounts are signed integers of the smallest unit, fee is positive, net = amount − fee;
times are Unix seconds (platforms-global.md §5). Only automatic payouts can be itemised:
the page asked for one payout (context "payout") gives its lines the payout's id.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from platforms.adapters._json import Item, answer_of
from platforms.adapters.stripe import words
from platforms.contract import Document, Payout, ReadError, Record, Statement, Totals
from platforms.reading import shown
from platforms.values import EXACT, NOTHING

TRANSACTIONS: Final = "api_transactions"
PAYOUTS: Final = "api_payouts"
EVENT: Final = "payout_event"

_START: Final = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*\{")
_FORMS: Final = (
    (rb'"object"\s*:\s*"balance_transaction"', rb'"available_on"\s*:', rb'"fee"\s*:'),
    (rb'"object"\s*:\s*"payout"', rb'"arrival_date"\s*:', rb'"automatic"\s*:'),
    (rb'"object"\s*:\s*"list"', rb'"url"\s*:\s*"/v1/(?:balance_transactions|payouts)[/?"]'),
)
_BALANCE: Final = "payments"


def recognises(document: Document) -> bool:
    """Whether the head of the JSON has the distinctive fields of one of the answers."""
    if not _START.match(document.head):
        return False
    return any(all(re.search(mark, document.head) for mark in form) for form in _FORMS)


def read(document: Document) -> Iterator[Record]:
    """Yield Statement, Lines and Payouts, Totals for each currency in turn.

    `row` is the ordinal in the list. Raises ReadError, also for a payout in test mode:
    it never moved money.
    """
    answer = answer_of(document)
    match answer.source.get("object"):
        case "list":
            return _list(answer, document.context)
        case "payout":
            return _payouts([answer], PAYOUTS, books=True)
        case "event":
            # Events come in any order: an older one must not undo a newer one.
            return _payouts([_event(answer)], EVENT, books=False)
        case other:
            raise ReadError(f"the answer is no list, payout or event: {shown(str(other))}", row=1)


def _list(answer: Item, context: Mapping[str, str]) -> Iterator[Record]:
    items = answer.items("data")
    if not items:
        unit = context.get("currency", "")
        return iter([Statement(account="", currency=unit, profile=TRANSACTIONS), Totals()])
    objects = {item.text("object") for item in items}
    if objects == {"balance_transaction"}:
        return _transactions(items, context.get("payout", ""))
    if objects == {"payout"}:
        return _payouts(items, PAYOUTS, books=True)
    raise ReadError(f"a list of {', '.join(sorted(objects))}", row=1)


def _transactions(items: list[Item], payout: str) -> Iterator[Record]:
    for unit, run in itertools.groupby(items, key=_currency):
        yield Statement(account="", currency=unit, profile=TRANSACTIONS)
        net, paid = NOTHING, 0
        for item in run:
            movement = _movement(item, unit, payout)
            yield from words.records(movement)
            net = EXACT.add(net, movement.net)
            paid += movement.category == words.PAYOUT
        # A page may hold a part of a payout only: what does not add up is not yet wrong.
        yield Totals(ties=True if payout and paid == 1 and net == 0 else None)


def _payouts(items: list[Item], profile: str, *, books: bool) -> Iterator[Record]:
    for unit, run in itertools.groupby(items, key=_currency):
        yield Statement(account="", currency=unit, profile=profile, books=books)
        for item in run:
            yield _payout(item, unit)
        yield Totals()


def _event(answer: Item) -> Item:
    inner = answer.child("data").child("object")
    if inner.source.get("object") != "payout":
        raise ReadError("the event is not about a payout", row=1)
    return inner


def _movement(item: Item, unit: str, payout: str) -> words.Movement:
    """A balance transaction. Raises ReadError, also for one of another balance."""
    _check_balance(item)
    movement = words.Movement(
        id=item.text("id"),
        category=item.text("reporting_category"),
        gross=_money(item, "amount", unit),
        fee=_money(item, "fee", unit),
        net=_money(item, "net", unit),
        currency=unit,
        at=item.seconds("created"),
        row=item.row,
        source=_reference(item, "source"),
        payout=payout,
    )
    _check_fees(item, unit, movement.fee)
    return movement


def _payout(item: Item, unit: str) -> Payout:
    """A payout; negative where Stripe collects from the bank account."""
    if item.source.get("livemode") is not True:
        raise item.refused("a payout in test mode: it moved no money")
    return Payout(
        external_id=item.text("id"),
        amount=_money(item, "amount", unit),
        currency=unit,
        status=words.status(item.text("status"), row=item.row),
        announced_at=item.seconds("created"),
        row=item.row,
        # The day the money should arrive, at midnight UTC.
        arrives_on=item.seconds("arrival_date").date(),
        remittance=_trace(item),
    )


def _check_balance(item: Item) -> None:
    """Refuse the other balances (Issuing, prefunding): they are other money."""
    balance = item.source.get("balance_type") or _BALANCE
    if balance != _BALANCE:
        raise item.refused(f"a movement of the balance {shown(str(balance))}")


def _check_fees(item: Item, unit: str, fee: Decimal) -> None:
    """The fee's parts, where they are listed, add up to it."""
    parts = item.parts("fee_details")
    for part in parts:
        if _currency(part) != unit:
            raise item.refused(f"a fee in {_currency(part)} on {unit}")
    total = sum((_money(part, "amount", unit) for part in parts), NOTHING)
    if parts and total != fee:
        raise item.refused(f"the fee's parts are {total}, the fee is {fee}")


def _reference(item: Item, name: str) -> str:
    """An id, that of an expanded object too; "" where there is none."""
    is_expanded = isinstance(item.source.get(name), dict)
    return item.child(name).text("id") if is_expanded else item.said(name)


def _trace(item: Item) -> str:
    """The bank's trace number, "" while it is pending or not supported."""
    trace = item.source.get("trace_id")
    value = trace.get("value") if isinstance(trace, dict) else None
    return value if isinstance(value, str) else ""


def _money(item: Item, name: str, unit: str) -> Decimal:
    return words.major(item.source.get(name), unit, name=name, row=item.row)


def _currency(item: Item) -> str:
    """The object's currency in capitals."""
    return words.unit(item.text("currency"), row=item.row)
