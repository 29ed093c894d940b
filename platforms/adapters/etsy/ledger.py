"""The payment account's ledger entries, as the API gives them.

Amounts are signed whole minor units; each entry states the balance after it, so a page
proves itself. Source: platforms-global.md §7 (Open API v3).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from platforms.adapters._json import Item, answer_of, holds
from platforms.adapters.etsy import words
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
from platforms.values import EXACT

PROFILE: Final = "ledger_entries"
_MARKS: Final = ("results", "entry_id", "ledger_id", "sequence_number", "balance")

# Currencies whose minor unit is not a hundredth. Whether Etsy's "minor units" follow
# ISO 4217 there is not confirmed, so they are refused.
_OTHER_UNITS: Final = (
    "BHD BIF CLP DJF GNF IQD ISK JOD JPY KMF KRW KWD LYD MGA MRU OMR PYG RWF TND UGX UYI "
    "VND VUV XAF XOF XPF"
)


def recognises(document: Document) -> bool:
    """Whether the first entry has the fields of a ledger entry."""
    return holds(document, _MARKS)


def read(document: Document) -> Iterator[Record]:
    """Yield Statement, a Line an entry (and a Payout for each disbursement), Totals.

    `row` is the ordinal in the page. Raises ReadError, also for two currencies.
    """
    items = answer_of(document).items("results")
    unit = items[0].currency() if items else ""
    if unit and unit in _OTHER_UNITS.split():
        raise ReadError(f"the minor unit of {unit} is not a hundredth", row=1)
    yield Statement(account="", currency=unit, profile=PROFILE, numbering="api")
    for item in items:
        if item.currency() != unit:
            raise ReadError(f"{item.currency()} in a ledger in {unit}", row=item.row)
        yield from _entry(item, unit)
    yield _totals(items)


def _entry(item: Item, unit: str) -> Iterator[Line | Payout]:
    said, number, value = item.text("description"), item.required_id("entry_id"), _money(item)
    kind = words.entry_kind(said, item.said("ledger_type"), back=value > 0)
    at = item.seconds("created_timestamp" if "created_timestamp" in item.source else "create_date")
    is_payout = kind is LineKind.PAYOUT and value
    yield Line(
        external_id=number,
        kind=kind,
        amount=value,
        currency=unit,
        event_at=at,
        row=item.row,
        payout_ref=number if is_payout else "",
        label="/".join(dict.fromkeys(filter(None, (said, item.said("ledger_type"))))),
    )
    if is_payout:
        # One disbursement is one deposit at the bank; nothing says that it arrived.
        yield Payout(
            external_id=number,
            amount=-value,
            currency=unit,
            status=PayoutStatus.IN_TRANSIT,
            announced_at=at,
            row=item.row,
        )


def _money(item: Item, name: str = "amount") -> Decimal:
    value = item.source.get(name)
    # `12.00` would be a hundredth of what it says: a fraction is another unit.
    if isinstance(value, bool) or not isinstance(value, int):
        raise ReadError(f"{name} is no whole number of minor units", row=item.row)
    return item.money(name).scaleb(-2)


def _totals(items: list[Item]) -> Totals:
    """The balance before the first and after the last entry, in the order of their numbers."""
    if not items:
        return Totals()
    ordered = sorted(items, key=lambda item: item.whole("sequence_number"))
    numbers = [item.whole("sequence_number") for item in ordered]
    follow = [
        EXACT.add(_money(before, "balance"), _money(after)) == _money(after, "balance")
        for before, after in itertools.pairwise(ordered)
    ]
    return Totals(
        opening=EXACT.subtract(_money(ordered[0], "balance"), _money(ordered[0])),
        closing=_money(ordered[-1], "balance"),
        ties=all(follow) and len(set(numbers)) == len(numbers),
    )
