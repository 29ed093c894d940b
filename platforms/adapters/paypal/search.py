"""An answer of the Transaction Search API: what moved the balance, page by page.

Amounts are signed decimals in the major unit, the fee apart. `transaction_status` is S
(succeeded), V (succeeded and later reversed: the reversal is a row of its own), P (pending) or
D (denied); the last two have moved nothing yet and are evidence. The API numbers no movement
(one transaction has several, and the reports state another time of them), so its lines are
numbered apart from the reports'. Source: developer.paypal.com, Transaction Search API v1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from platforms.adapters._json import Item, answer_of, holds
from platforms.adapters.paypal import body
from platforms.contract import Document, ReadError, Record, Statement, Totals
from platforms.reading import shown

PROFILE: Final = "transaction_search"
NUMBERING: Final = "search"

_MARKS: Final = ("transaction_details", "transaction_info", "transaction_event_code")
_MOVED: Final = frozenset({"S", "V"})
_UNMOVED: Final = frozenset({"P", "D"})
_TIME: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:?\d\d)", re.ASCII
)


def recognises(document: Document) -> bool:
    """Whether it begins as an object that holds transactions with event codes."""
    return holds(document, _MARKS)


def read(document: Document) -> Iterator[Record]:
    """Yield Statement, Lines and Payouts, Totals each time the currency changes.

    A page states no sum, and its rows are those of any currency. Raises ReadError.
    """
    answer = answer_of(document)
    account, ids = answer.id("account_number"), body.Ids()
    run: tuple[str, bool] | None = None
    for item in answer.items("transaction_details"):
        entry = _entry(item.child("transaction_info"))
        if run != (entry.currency, entry.moved):
            if run:
                yield Totals()
            run = entry.currency, entry.moved
            yield _statement(account, *run)
        # What moves later must not be taken for the row that said it had not moved.
        suffix = "" if entry.moved else ":unmoved"
        yield from body.records(entry, ids.of(entry) + suffix)
    if not run:
        yield _statement(account, "", True)
    yield Totals()


def _statement(account: str, unit: str, moved: bool) -> Statement:
    return Statement(
        account=account, currency=unit, profile=PROFILE, numbering=NUMBERING, books=moved
    )


def _entry(item: Item) -> body.Entry:
    amount = item.child("transaction_amount")
    unit = amount.currency("currency_code")
    return body.Entry(
        row=item.row,
        id=item.text("transaction_id"),
        code=item.text("transaction_event_code"),
        at=_instant(item),
        gross=amount.money("value"),
        fee=_fee(item, unit),
        currency=unit,
        invoice=item.said("invoice_id"),
        bank_reference=item.said("bank_reference_id"),
        moved=_moved(item),
    )


def _moved(item: Item) -> bool:
    status = item.text("transaction_status")
    if status not in _MOVED | _UNMOVED:
        raise ReadError(f"unknown transaction_status {shown(status)}", row=item.row)
    return status in _MOVED


def _fee(item: Item, unit: str) -> Decimal:
    if item.source.get("fee_amount") is None:
        return Decimal(0)
    fee = item.child("fee_amount")
    value = fee.money("value")
    if value and fee.currency("currency_code") != unit:
        raise ReadError(f"a fee in {fee.currency('currency_code')} on {unit}", row=item.row)
    return value


def _instant(item: Item) -> datetime:
    """When it was begun: the time of its last change is another one in each answer."""
    text = item.text("transaction_initiation_date")
    if not _TIME.fullmatch(text):
        raise ReadError(f"not a time with an offset: {shown(text)}", row=item.row)
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ReadError(f"not a time: {shown(text)}", row=item.row) from error
