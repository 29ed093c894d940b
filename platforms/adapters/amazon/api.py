"""Answers of SP-API: Finances v0 event groups, Finances 2024-06-19, Transfers 2024-06-01.

Amounts are signed JSON numbers in the major unit. Source: platforms-global.md §1.3.

A settlement report numbers its lines and payouts by the settlement, and so does
Transfers; the Finances APIs number them by transaction and by event group. A store is
read from one of the two worlds, never from both (`Statement.numbering`).
"""

from __future__ import annotations

import functools
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Final

from platforms.adapters._json import Item, answer_of
from platforms.adapters.amazon import words
from platforms.adapters.amazon.settlement import NUMBERING
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

TRANSACTIONS: Final = "finances_transactions"
GROUPS: Final = "finances_v0_groups"
PAYOUTS: Final = "transfers_payouts"
FINANCES: Final = "finances"

_FIRST: Final = re.compile(
    rb'\A(?:\xef\xbb\xbf)?\s*\{\s*(?:"payload"\s*:\s*\{\s*)?'
    rb'(?:"[nN]extToken"\s*:\s*(?:"[^"\\]*"|null)\s*,\s*)?'
    rb'"(transactions|FinancialEventGroupList|FinancialEvents|payouts|expectedPayouts'
    rb'|balances|summaries)"\s*:'
)
_MARKS: Final[Mapping[bytes, tuple[bytes, ...]]] = {
    b"transactions": (b'"sellingPartnerMetadata"', b'"totalAmount"', b'"currencyAmount"'),
    b"FinancialEventGroupList": (b'"FinancialEventGroupId"', b'"OriginalTotal"'),
    b"FinancialEvents": (b'EventList"', b'"CurrencyAmount"'),
    b"payouts": (b'"partnerMetadata"', b'"currentStatus"', b'"currencyAmount"'),
    b"expectedPayouts": (b'"partnerMetadata"', b'"scheduledDate"', b'"currencyAmount"'),
    b"balances": (b'"partnerMetadata"', b'"balanceType"', b'"currencyAmount"'),
    b"summaries": (b'"partnerMetadata"', b'"netProceeds"', b'"currencyAmount"'),
}
_REFUSED: Final[Mapping[str, str]] = {
    "FinancialEvents": "the event lists of Finances v0 do not say which of their amounts add up; "
    "give the settlement report, or the transactions of Finances 2024-06-19",
    "expectedPayouts": "expected payouts are a forecast; give the payouts themselves (listPayouts)",
    "balances": "balances state no movement of money; give transactions and payouts",
    "summaries": "a summary states no single movement; give transactions and payouts",
}

_PAYOUT_STATUSES: Final[Mapping[str, PayoutStatus]] = {
    "STARTED": PayoutStatus.SCHEDULED,
    "IN_TRANSIT": PayoutStatus.IN_TRANSIT,
    "PAID": PayoutStatus.PAID,
    "FAILED": PayoutStatus.FAILED,
    "CANCELLED": PayoutStatus.CANCELLED,
}
_AT: Final = "postedDate"
_NO_PAYOUT: Final = "NO_PAYOUT"
_DEFERRED: Final = frozenset({"DEFERRED", "DEFERRED_RELEASED"})
_STATUSES: Final = _DEFERRED | {"RELEASED", ""}


def recognises(document: Document) -> bool:
    """Whether the JSON begins with one of the answers and has its fields."""
    match = _FIRST.match(document.head)
    if not match:
        return False
    return all(mark in document.head for mark in _MARKS[match.group(1)])


def read(document: Document) -> Iterator[Record]:
    """Yield a Statement for each currency with its records. Raises ReadError."""
    answer = answer_of(document)
    payload = answer.child("payload") if "payload" in answer.source else answer
    for name, reason in _REFUSED.items():
        if name in payload.source:
            raise ReadError(reason, row=1)
    for name, reads in _READERS.items():
        if name in payload.source:
            return reads(payload.items(name))
    raise ReadError("no answer of Amazon's that holds money", row=1)


# --- Finances 2024-06-19 --------------------------------------------------------


def _transactions(items: list[Item]) -> Iterator[Record]:
    """A deferred transaction and the one that releases it are the same money.

    The release has an id of its own and books it; what is deferred, released since or
    not, is evidence.
    """
    for (unit, deferred), run in itertools.groupby(items, key=_run):
        yield Statement(
            account="",
            currency=unit,
            profile=TRANSACTIONS,
            numbering=FINANCES,
            books=not deferred,
        )
        for item in run:
            yield from _transaction(item, unit)
        yield Totals()


def _run(item: Item) -> tuple[str, bool]:
    status = item.id("transactionStatus")
    if status not in _STATUSES:
        raise ReadError(f"unknown transaction status {shown(status)}", row=item.row)
    return _unit(item, "totalAmount"), status in _DEFERRED


def _transaction(item: Item, unit: str) -> Iterator[Line]:
    word, number = item.required_id("transactionType"), item.required_id("transactionId")
    at = item.instant(_AT)
    total = _money(item.child("totalAmount"), unit)
    parts = list(_parts(item, "", None, unit))
    if not parts:
        parts = [("", words.TRANSACTIONS.get(word), total)]
    if _sum(parts) != total:
        raise ReadError("the breakdowns do not add up to totalAmount", row=item.row)
    met = Counter[str]()
    for path, kind, value in parts:
        met[path] += 1
        yield Line(
            external_id=f"{number}{path}" if met[path] == 1 else f"{number}{path}:{met[path]}",
            kind=words.refunded(kind or LineKind.UNKNOWN, word),
            amount=value,
            currency=unit,
            event_at=at,
            row=item.row,
            order_ref=_related(item, "ORDER_ID"),
            payout_ref=_related(item, "FINANCIAL_EVENT_GROUP_ID"),
            label=word + path,
        )


_Part = tuple[str, LineKind | None, Decimal]


def _sum(parts: list[_Part]) -> Decimal:
    return functools.reduce(EXACT.add, (value for *_, value in parts), NOTHING)


def _parts(item: Item, path: str, above: LineKind | None, unit: str) -> Iterator[_Part]:
    """The leaves of the breakdowns, each of the deepest kind known on its way.

    Where the parts of a breakdown do not add up to it, it is taken whole: they are
    then remarks (a tax that is inside the price), no parts.
    """
    for part in item.parts("breakdowns"):
        word = part.required_id("breakdownType")
        here, kind = f"{path}/{word}", words.breakdown(word) or above
        value = _money(part.child("breakdownAmount"), unit)
        below = list(_parts(part, here, kind, unit))
        if below and _sum(below) == value:
            yield from below
        else:
            yield here, kind, value


# --- payouts --------------------------------------------------------------------


def _payouts(items: list[Item]) -> Iterator[Record]:
    paid = [item for item in items if item.required_id("currentStatus") != _NO_PAYOUT]
    for unit, run in itertools.groupby(paid, key=lambda item: _unit(item, "amount")):
        yield Statement(account="", currency=unit, profile=PAYOUTS, numbering=NUMBERING)
        for item in run:
            word = item.required_id("currentStatus")
            if word not in _PAYOUT_STATUSES:
                raise ReadError(f"unknown payout status {shown(word)}", row=item.row)
            yield Payout(
                # The same number as the settlement report's.
                external_id=_related(item, "SETTLEMENT_ID") or item.required_id("id"),
                amount=_money(item.child("amount"), unit),
                currency=unit,
                status=_PAYOUT_STATUSES[word],
                announced_at=item.instant("creationDate"),
                row=item.row,
                remittance=item.id("traceId"),
            )
        yield Totals()


def _groups(items: list[Item]) -> Iterator[Record]:
    """Only a group with a transfer is a payout: an open one has none yet, and one that
    ends with nothing or less pays nothing out."""
    sent = [item for item in items if item.has("FundTransferDate") and _unit_v0(item)[1] > 0]
    for unit, run in itertools.groupby(sent, key=lambda item: _unit_v0(item)[0]):
        yield Statement(account="", currency=unit, profile=GROUPS, numbering=FINANCES)
        for item in run:
            yield Payout(
                external_id=item.required_id("FinancialEventGroupId"),
                amount=_unit_v0(item)[1],
                currency=unit,
                # FundTransferStatus has no published list of words.
                status=PayoutStatus.IN_TRANSIT,
                announced_at=item.instant("FundTransferDate"),
                row=item.row,
                remittance=item.id("TraceId"),
            )
        yield Totals()


def _unit_v0(item: Item) -> tuple[str, Decimal]:
    """What is transferred: the converted total where the bank account has another currency."""
    name = "ConvertedTotal" if item.has("ConvertedTotal") else "OriginalTotal"
    total = item.child(name)
    return total.currency("CurrencyCode"), total.money("CurrencyAmount")


_READERS: Final[Mapping[str, Callable[[list[Item]], Iterator[Record]]]] = {
    "transactions": _transactions,
    "payouts": _payouts,
    "FinancialEventGroupList": _groups,
}


# --- fields ---------------------------------------------------------------------


def _related(item: Item, name: str) -> str:
    """The identifier of this name, "" if there is none. Raises ReadError for two."""
    found = {
        each.required_id("relatedIdentifierValue")
        for each in item.parts("relatedIdentifiers")
        if each.id("relatedIdentifierName") == name
    }
    if len(found) > 1:
        raise ReadError(f"two different {name}", row=item.row)
    return found.pop() if found else ""


def _unit(item: Item, name: str) -> str:
    return item.child(name).currency("currencyCode")


def _money(item: Item, unit: str) -> Decimal:
    if item.currency("currencyCode") != unit:
        raise ReadError(f"{item.required_id('currencyCode')} among amounts in {unit}", row=item.row)
    return EXACT.plus(item.money("currencyAmount"))
