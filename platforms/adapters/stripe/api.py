"""Answers of the API: pages of balance transactions and payouts, one payout, payout events.

Amounts are signed integers of the smallest unit, fee is positive, net = amount − fee;
times are Unix seconds (platforms-global.md §5). Only automatic payouts can be itemised:
the page asked for one payout (context "payout") gives its lines the payout's id.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from platforms.adapters.stripe import words
from platforms.contract import Document, Payout, ReadError, Record, Statement, Totals
from platforms.reading import json_document, json_rows, shown
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
_LAST_SECOND: Final = 253_402_300_799


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
    with document.open() as stream:
        answer = json_document(stream)
    match answer.get("object"):
        case "list":
            return _list(answer, document.context)
        case "payout":
            return _payouts([_Item(1, answer)], PAYOUTS, books=True)
        case "event":
            # Events come in any order: an older one must not undo a newer one.
            return _payouts([_event(answer)], EVENT, books=False)
        case other:
            raise ReadError(f"the answer is no list, payout or event: {shown(str(other))}", row=1)


def _list(answer: Mapping[str, object], context: Mapping[str, str]) -> Iterator[Record]:
    items = [_Item(row, source) for row, source in json_rows(answer, "data")]
    if not items:
        unit = context.get("currency", "")
        return iter([Statement(account="", currency=unit, profile=TRANSACTIONS), Totals()])
    objects = {item.text("object") for item in items}
    if objects == {"balance_transaction"}:
        return _transactions(items, context.get("payout", ""))
    if objects == {"payout"}:
        return _payouts(items, PAYOUTS, books=True)
    raise ReadError(f"a list of {', '.join(sorted(objects))}", row=1)


def _transactions(items: list[_Item], payout: str) -> Iterator[Record]:
    for unit, run in itertools.groupby(items, key=_Item.currency):
        yield Statement(account="", currency=unit, profile=TRANSACTIONS)
        net, paid = NOTHING, 0
        for item in run:
            movement = item.movement(unit, payout)
            yield from words.records(movement)
            net = EXACT.add(net, movement.net)
            paid += movement.category == words.PAYOUT
        # A page may hold a part of a payout only: what does not add up is not yet wrong.
        yield Totals(ties=True if payout and paid == 1 and net == 0 else None)


def _payouts(items: list[_Item], profile: str, *, books: bool) -> Iterator[Record]:
    for unit, run in itertools.groupby(items, key=_Item.currency):
        yield Statement(account="", currency=unit, profile=profile, books=books)
        for item in run:
            yield item.payout(unit)
        yield Totals()


def _event(answer: Mapping[str, object]) -> _Item:
    data = answer.get("data")
    inner = data.get("object") if isinstance(data, dict) else None
    if not isinstance(inner, dict) or inner.get("object") != "payout":
        raise ReadError("the event is not about a payout", row=1)
    return _Item(1, inner)


class _Item:
    """One JSON object of a list, with readers that name its row and field."""

    def __init__(self, row: int, source: Mapping[str, object]) -> None:
        self.row = row
        self.source = source

    def movement(self, unit: str, payout: str) -> words.Movement:
        """A balance transaction. Raises ReadError, also for one of another balance."""
        self._check_balance()
        movement = words.Movement(
            id=self.text("id"),
            category=self.text("reporting_category"),
            gross=self._money("amount", unit),
            fee=self._money("fee", unit),
            net=self._money("net", unit),
            currency=unit,
            at=self._instant("created"),
            row=self.row,
            source=self._reference("source"),
            payout=payout,
        )
        self._check_fees(unit, movement.fee)
        return movement

    def payout(self, unit: str) -> Payout:
        """A payout; negative where Stripe collects from the bank account."""
        if self.source.get("livemode") is not True:
            raise ReadError("a payout in test mode: it moved no money", row=self.row)
        return Payout(
            external_id=self.text("id"),
            amount=self._money("amount", unit),
            currency=unit,
            status=words.status(self.text("status"), row=self.row),
            announced_at=self._instant("created"),
            row=self.row,
            # The day the money should arrive, at midnight UTC.
            arrives_on=self._day("arrival_date"),
            remittance=self._trace(),
        )

    def currency(self) -> str:
        """The object's currency in capitals."""
        return words.unit(self.text("currency"), row=self.row)

    def text(self, name: str) -> str:
        """A text that is there and not empty."""
        value = self.source.get(name)
        if not isinstance(value, str) or not value:
            raise ReadError(f"no {name}", row=self.row)
        return value

    def _check_balance(self) -> None:
        """Refuse the other balances (Issuing, prefunding): they are other money."""
        balance = self.source.get("balance_type") or _BALANCE
        if balance != _BALANCE:
            raise ReadError(f"a movement of the balance {shown(str(balance))}", row=self.row)

    def _check_fees(self, unit: str, fee: Decimal) -> None:
        """The fee's parts, where they are listed, add up to it."""
        if not self.source.get("fee_details"):
            return
        parts = [_Item(self.row, part) for _, part in json_rows(self.source, "fee_details")]
        for part in parts:
            if part.currency() != unit:
                raise ReadError(f"a fee in {part.currency()} on {unit}", row=self.row)
        total = sum((part._money("amount", unit) for part in parts), NOTHING)
        if total != fee:
            raise ReadError(f"the fee's parts are {total}, the fee is {fee}", row=self.row)

    def _reference(self, name: str) -> str:
        """An id, that of an expanded object too; "" where there is none."""
        value = self.source.get(name)
        if isinstance(value, dict):
            return _Item(self.row, value).text("id")
        if value is None:
            return ""
        if not isinstance(value, str):
            raise ReadError(f"{name} is no id: {shown(str(value))}", row=self.row)
        return value

    def _trace(self) -> str:
        """The bank's trace number, "" while it is pending or not supported."""
        trace = self.source.get("trace_id")
        value = trace.get("value") if isinstance(trace, dict) else None
        return value if isinstance(value, str) else ""

    def _money(self, name: str, unit: str) -> Decimal:
        return words.major(self.source.get(name), unit, name=name, row=self.row)

    def _instant(self, name: str) -> datetime:
        value = self.source.get(name)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _LAST_SECOND:
            raise ReadError(f"{name} is no Unix time: {shown(str(value))}", row=self.row)
        return datetime.fromtimestamp(value, UTC)

    def _day(self, name: str) -> date:
        return self._instant(name).date()
