"""Shopify's CSV exports: payment transactions in three generations, and payouts.

Source: platforms-global.md 2.3: 17 columns, 18 with `VAT` (EU shops), 19 with the
business entity; dates in the shop's zone with its offset; the fee is positive and
Net = Amount − Fee; the presentment amount is positive also for refunds and in the
buyer's currency; pending rows have no Payout ID; some exports hold the payout
itself as a row with a negative net.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from sandbox import money
from sandbox.names import MERCHANT
from sandbox.shopify import Shop, Transaction

BASE_17 = [
    "Transaction Date",
    "Type",
    "Order",
    "Card Brand",
    "Card Source",
    "Payout Status",
    "Payout Date",
    "Payout ID",
    "Available On",
    "Amount",
    "Fee",
    "Net",
    "Checkout",
    "Payment Method Name",
    "Presentment Amount",
    "Presentment Currency",
    "Currency",
]
PAYOUT_COLUMNS = [
    "Payout Date",
    "Status",
    "Charges",
    "Refunds",
    "Adjustments",
    "Reserved Funds",
    "Fees",
    "Retried Amount",
    "Total",
    "Currency",
]
# What each generation adds to the 17 columns: the names and what stands in every row.
_ADDED: dict[str, tuple[list[str], list[str]]] = {
    "17": ([], []),
    "18": (["VAT"], ["0.00"]),
    "19": (
        ["Business Entity Name", "Business Entity ID"],
        [MERCHANT.name_en, "MTY5NDEwMDAwMDAx"],
    ),
}
PAYOUT_ROWS = "+payouts"


def transactions_export(shop: Shop, statuses: Mapping[str, str]) -> str:
    """The transactions export; `statuses` is each payout's status by its reference.

    The store's dialect names the generation (`17`, `18`, `19`), with `+payouts`
    where the export holds the payout rows. Payouts come oldest first, what is
    pending comes last.
    """
    generation = shop.store.dialect.removesuffix(PAYOUT_ROWS)
    names, values = _ADDED[generation]
    rows = [[*row, *values] for row in _rows(shop, statuses)]
    return _csv([BASE_17 + names, *rows])


def payouts_export(shop: Shop, statuses: Mapping[str, str]) -> str:
    """The payouts export, newest first, without any payout id.

    Fees are negative here, so that the columns add up to Total. The reference does
    not state the sign; public readers of this export show it so.
    """
    rows = [_summary(shop, day, statuses) for day in reversed(shop.paid_days())]
    return _csv([PAYOUT_COLUMNS, *rows])


def _rows(shop: Shop, statuses: Mapping[str, str]) -> list[list[str]]:
    rows: list[list[str]] = []
    for day in shop.paid_days():
        reference = shop.references[day]
        status = statuses[reference]
        rows += [_row(shop, t, status, reference) for t in shop.batches[day]]
        if shop.store.dialect.endswith(PAYOUT_ROWS):
            rows.append(_payout_row(shop, day, status))
    return rows + [_row(shop, t, "pending", "") for t in shop.pending()]


def _row(shop: Shop, transaction: Transaction, status: str, reference: str) -> list[str]:
    return [
        f"{transaction.at:%Y-%m-%d %H:%M:%S %z}",
        transaction.kind,
        transaction.order,
        transaction.brand,
        "online",
        status,
        transaction.payout_on.isoformat(),
        reference,
        transaction.available_on.isoformat(),
        money.text(transaction.amount),
        money.text(transaction.fee),
        money.text(transaction.net),
        transaction.checkout,
        "card",
        money.text(abs(transaction.amount) * transaction.rate // 100),
        transaction.presented_in,
        shop.store.currency,
    ]


def _payout_row(shop: Shop, day: date, status: str) -> list[str]:
    midnight = datetime.combine(day, time(), ZoneInfo(shop.store.zone))
    taken = money.text(-shop.net(day))
    fixed = [f"{midnight:%Y-%m-%d %H:%M:%S %z}", "payout", "", "", "", status]
    dates = [day.isoformat(), shop.references[day], day.isoformat()]
    amounts = [taken, "0.00", taken, "", "", money.text(shop.net(day))]
    return [*fixed, *dates, *amounts, shop.store.currency, shop.store.currency]


def _summary(shop: Shop, day: date, statuses: Mapping[str, str]) -> list[str]:
    batch = shop.batches[day]
    charges = sum(t.amount for t in batch if t.kind == "charge")
    refunds = sum(t.amount for t in batch if t.kind == "refund")
    fees = -sum(t.fee for t in batch)
    amounts = [charges, refunds, 0, 0, fees, 0, shop.net(day)]
    status = statuses[shop.references[day]]
    return [day.isoformat(), status, *map(money.text, amounts), shop.store.currency]


def _csv(rows: Sequence[Sequence[str]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()
