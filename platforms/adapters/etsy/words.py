"""Etsy's words: what a ledger entry is, and the types of the monthly statement."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from platforms.contract import LineKind

ZONE: Final = "UTC"
DISBURSEMENT: Final = "disbursement"
DEPOSIT: Final = "Deposit"

# `description` of a ledger entry: the nine things the vendor's text lists.
LEDGER: Final[Mapping[str, LineKind]] = {
    "payment": LineKind.SALE,
    "refund": LineKind.REFUND,
    "reversal of a failed refund": LineKind.REFUND,
    DISBURSEMENT: LineKind.PAYOUT,
    "returned disbursement": LineKind.PAYOUT_RETURNED,
    "recoupment": LineKind.ADJUSTMENT,
    "miscellaneous credit": LineKind.ADJUSTMENT,
    "miscellaneous debit": LineKind.ADJUSTMENT,
    # The bill of Etsy's own fees.
    "bill payment": LineKind.COMMISSION,
}

# What the entries of real shops are called, in `description` and `ledger_type`: words that users
# of the API list in the vendor's tracker (etsy/open-api #225, #442, #531, #751). Money that moves
# between the account and the seller's card under other words (billing_payment) stays UNKNOWN.
_FEES: Final = (
    *("transaction", "transaction_quantity", "shipping_transaction", "gift_wrap_fees"),
    *("listing", "listing_private", "auto_renew_expired", "renew_expired"),
    *("renew_sold", "renew_sold_auto", "payment_processing_fee"),
)
_FEES_BACK: Final = (
    *("transaction_refund", "transaction_quantity_refund", "shipping_transaction_refund"),
    *("listing_refund", "listing_private_refund", "renew_sold_auto_refund"),
    "refund_processing_fee",
)
TYPES: Final[Mapping[str, LineKind]] = {
    "payment_gross": LineKind.SALE,
    "refund_gross": LineKind.REFUND,
    **dict.fromkeys((*_FEES, *_FEES_BACK), LineKind.COMMISSION),
    "offsite_ads_fee": LineKind.ADVERTISING,
    "offsite_ads_fee_refund": LineKind.ADVERTISING,
    "prolist": LineKind.ADVERTISING,
    "shipping_labels": LineKind.SHIPPING,
    "shipping_label_refund": LineKind.SHIPPING,
    "sales_tax": LineKind.TAX,
    "vat_seller_services": LineKind.TAX,
    "disburse2": LineKind.PAYOUT,
}

# `Type` of the statement: Sale, Marketing and VAT from real rows, Fee and Deposit from
# other people's tests.
STATEMENT: Final[Mapping[str, LineKind]] = {
    "Sale": LineKind.SALE,
    "Fee": LineKind.COMMISSION,
    "Marketing": LineKind.ADVERTISING,
    "VAT": LineKind.TAX,
    DEPOSIT: LineKind.PAYOUT,
}

_ENTRIES: Final[Mapping[str, LineKind]] = {**LEDGER, **TYPES}
KINDS: Final[Mapping[str, LineKind]] = {**_ENTRIES, **STATEMENT}


def entry_kind(description: str, ledger_type: str, *, back: bool) -> LineKind:
    """What a ledger entry is: by its type, else by its description; the case does not matter.

    The type is the finer of the two. A disbursement that comes `back` into the account returned.
    """
    said = ledger_type.casefold(), description.casefold()
    kind = next((_ENTRIES[word] for word in said if word in _ENTRIES), LineKind.UNKNOWN)
    return LineKind.PAYOUT_RETURNED if kind is LineKind.PAYOUT and back else kind


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The instant a day begins where no time is stated."""
    return datetime.combine(day, time.min, zone)
