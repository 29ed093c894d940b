"""Answers of the Finances API: transactions and payouts.

Amounts are texts in the major unit, always positive: bookingEntry says which way. The
amount of a sale or refund is net of its fees. Source: platforms-global.md §3.4.
"""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from platforms.adapters._json import Item, answer_of, holds
from platforms.adapters.ebay import words
from platforms.contract import (
    Document,
    Line,
    LineKind,
    Payout,
    ReadError,
    Record,
    Statement,
    Totals,
)
from platforms.reading import shown
from platforms.values import EXACT, NOTHING

TRANSACTIONS: Final = "api_transactions"
PAYOUTS: Final = "api_payouts"

_MARKS: Final = (
    ("transactions", "transactionId", "transactionType", "bookingEntry"),
    ("payoutId", "payoutStatus", "payoutDate"),
)
_SIGNS: Final[Mapping[str, int]] = {"CREDIT": 1, "DEBIT": -1}


def recognises(document: Document) -> bool:
    """Whether it is a JSON object with the fields of transactions or of payouts."""
    return any(holds(document, marks) for marks in _MARKS)


def read(document: Document) -> Iterator[Record]:
    """Yield a Statement for each run of one currency with its records.

    `row` is the ordinal in the list. Raises ReadError.
    """
    answer = answer_of(document)
    if "transactions" in answer.source:
        return _transactions(answer)
    return _payouts(answer, answer.items("payouts") if "payouts" in answer.source else [answer])


def _transactions(answer: Item) -> Iterator[Record]:
    items = answer.items("transactions")
    whole = _is_whole(answer, len(items))
    for unit, run in itertools.groupby(items, key=_unit):
        yield Statement(account="", currency=unit, profile=TRANSACTIONS, numbering="api")
        for item in run:
            yield from _lines(item, unit)
        yield Totals(ties=whole)


def _is_whole(page: Item, found: int) -> bool | None:
    """Whether the page holds as many items as it says; None if it does not say."""
    total, limit, offset = (page.count(name) for name in ("total", "limit", "offset"))
    if total is None or limit is None:
        return None
    return found == max(0, min(limit, total - (offset or 0)))


def _unit(item: Item) -> str:
    return item.child("amount").currency("currency")


def _lines(item: Item, unit: str) -> Iterator[Line]:
    word, fee = item.required_id("transactionType"), item.id("feeType")
    status, entry = item.id("transactionStatus"), item.required_id("bookingEntry")
    if entry not in _SIGNS:
        raise ReadError(f"unknown bookingEntry {shown(entry)}", row=item.row)
    sign = _SIGNS[entry]
    amount, fees = _money(item, "amount", unit), list(_fees(item, unit))
    charged = functools.reduce(EXACT.add, (value for *_, value in fees), NOTHING)
    gross = EXACT.add(amount, charged)
    _check_basis(item, gross, unit)
    # The id alone is not unique: a refund may share it with another transaction.
    external_id = f"{word}:{item.required_id('transactionId')}"

    def line(suffix: str, kind: LineKind, value: Decimal, label: str) -> Line:
        return Line(
            external_id=external_id + suffix,
            kind=kind,
            amount=value,
            currency=unit,
            event_at=item.instant("transactionDate"),
            row=item.row,
            order_ref=item.id("orderId") or _reference(item, "ORDER_ID"),
            payout_ref=item.id("payoutId"),
            label=label,
        )

    # A status that changes as the money moves on is no news of the line.
    strange = "" if words.has_moved(status) else status
    told = "/".join(filter(None, (word, fee, item.id("transactionMemo"), strange)))
    yield line("", words.kind(word, fee, status), sign * gross, told)
    met = Counter[str]()
    for where, name, value in fees:
        met[where] += 1
        # Whatever it is called, it stands among the fees that eBay took for this sale.
        kind = words.FEES.get(name, LineKind.COMMISSION)
        suffix = f":{where}" if met[where] == 1 else f":{where}:{met[where]}"
        yield line(suffix, kind, -sign * value, f"{word}/{name}")


def _fees(item: Item, unit: str) -> Iterator[tuple[str, str, Decimal]]:
    """The fees inside the amount: where, name, positive value; their sum is totalFeeAmount.

    What the lines of the order do not explain is a fee of the whole order.
    """
    if not item.has("totalFeeAmount"):
        return
    rest = _money(item, "totalFeeAmount", unit)
    for order_line in item.parts("orderLineItems"):
        for fee in order_line.parts("marketplaceFees"):
            value = _money(fee, "amount", unit, signed=True)
            rest = EXACT.subtract(rest, value)
            name = fee.required_id("feeType")
            yield f"{order_line.id('lineItemId')}:{name}", name, value
    if rest:
        yield "totalFeeAmount", "totalFeeAmount", rest


def _check_basis(item: Item, gross: Decimal, unit: str) -> None:
    """totalFeeBasisAmount − totalFeeAmount = amount, in every real sale and refund seen."""
    if not (item.has("totalFeeBasisAmount") and item.has("totalFeeAmount")):
        return
    basis = _money(item, "totalFeeBasisAmount", unit)
    if basis != gross:
        raise ReadError(f"the amount and its fees are {gross}, not {basis}", row=item.row)


def _money(item: Item, name: str, unit: str, *, signed: bool = False) -> Decimal:
    part = item.child(name)
    if part.currency("currency") != unit:
        raise ReadError(f"{part.required_id('currency')} in a transaction in {unit}", row=item.row)
    value = part.money("value")
    if value < 0 and not signed:
        raise ReadError(f"{name} is negative: {value}", row=item.row)
    return value


def _reference(item: Item, type_: str) -> str:
    found = (
        each.required_id("referenceId")
        for each in item.parts("references")
        if each.id("referenceType") == type_
    )
    return next(found, "")


def _payouts(answer: Item, items: list[Item]) -> Iterator[Record]:
    whole = _is_whole(answer, len(items))
    for unit, run in itertools.groupby(items, key=_unit):
        yield Statement(account="", currency=unit, profile=PAYOUTS)
        for item in run:
            yield _payout(item, unit)
        yield Totals(ties=whole)


def _payout(item: Item, unit: str) -> Payout:
    word, value = item.required_id("payoutStatus"), _money(item, "amount", unit)
    if word not in words.PAYOUT_STATUSES:
        raise ReadError(f"unknown payout status {shown(word)}", row=item.row)
    return Payout(
        external_id=item.required_id("payoutId"),
        amount=value,
        currency=unit,
        status=words.PAYOUT_STATUSES[word],
        announced_at=item.instant("payoutDate"),
        row=item.row,
        remittance=item.id("bankReference"),
    )
