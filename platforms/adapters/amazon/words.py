"""Amazon's words: amount-types, amount-descriptions, transaction-types, breakdowns.

Source: platforms-global.md §1.2, a dump of a production system in which case and
spaces are lost; so case, spaces, hyphens and underscores are not compared. The closing
fees and FBAWeightBasedFee are from Amazon's sandbox and a published mapping of V1 to V2.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Final

from platforms.contract import LineKind

# amount-type (or, in the API, a breakdown) that says it all, whatever stands below it.
TYPES: Final[Mapping[str, LineKind]] = {
    "ItemWithheldTax": LineKind.TAX,
    "FBA Inventory Reimbursement": LineKind.ADJUSTMENT,
    "MCF Inventory Reimbursement": LineKind.ADJUSTMENT,
    "Capacity Reservation Fee": LineKind.SHIPPING,
    "Amazon Warehousing & Distribution (AWD)": LineKind.SHIPPING,
    "Inbound Defect Fee": LineKind.PENALTY,
    "FBA Customer Returns Fee": LineKind.SHIPPING,
    "FBA Removal Order: Disposal Fee": LineKind.SHIPPING,
    "FBA Removal Order: Return Fee": LineKind.SHIPPING,
    "FBA Inventory Storage Fee": LineKind.SHIPPING,
    "FBA Long-Term Storage Fee": LineKind.SHIPPING,
    "FBA Amazon-Partnered Carrier Shipment Fee": LineKind.SHIPPING,
    "AWD Transportation Fee": LineKind.SHIPPING,
    "AWD Processing Fee": LineKind.SHIPPING,
    "AWD Storage Fee": LineKind.SHIPPING,
    "Vine Enrollment Fee": LineKind.ADVERTISING,
    "Cost of Advertising": LineKind.ADVERTISING,
    "Refund for Advertiser": LineKind.ADVERTISING,
    "Deals": LineKind.ADVERTISING,
    "CouponRedemptionFee": LineKind.ADVERTISING,
    "Micro Deposit": LineKind.ADJUSTMENT,
    # The last four may also be transaction-types: the dump does not say which.
    "Liquidations Adjustments": LineKind.ADJUSTMENT,
    "SAFE-T Reimbursement": LineKind.ADJUSTMENT,
    "Commingling VAT": LineKind.TAX,
    "Seller Rewards": LineKind.SUBSIDY,
}

# What moves no trade. Where these rows put `other-transaction` is not known (both
# were seen), so they are known by their description alone. A reserve is held at the
# end of one settlement (−) and given back in the next (+).
CARRIED: Final[Mapping[str, LineKind]] = {
    "Current Reserve Amount": LineKind.RESERVE_HELD,
    "Previous Reserve Amount Balance": LineKind.RESERVE_RELEASED,
    # A negative balance, carried over or collected from the merchant's card.
    "Payable to Amazon": LineKind.ADJUSTMENT,
    "Successful charge": LineKind.DEPOSIT,
    # Followed by a colon and a reason.
    "Transfer of funds unsuccessful": LineKind.PAYOUT_RETURNED,
}

# amount-description under the transaction-types that are known.
DESCRIPTIONS: Final[Mapping[str, LineKind]] = {
    "Principal": LineKind.SALE,
    "Shipping": LineKind.SALE,
    "GiftWrap": LineKind.SALE,
    "Goodwill": LineKind.REFUND,
    "RestockingFee": LineKind.REFUND,
    "ReturnShipping": LineKind.REFUND,
    "PointsGranted": LineKind.SALE,
    "Tax": LineKind.TAX,
    "ShippingTax": LineKind.TAX,
    "GiftWrapTax": LineKind.TAX,
    "TaxDiscount": LineKind.TAX,
    "Commission": LineKind.COMMISSION,
    "RefundCommission": LineKind.COMMISSION,
    "DigitalServicesFee": LineKind.COMMISSION,
    "SalesTaxServiceFee": LineKind.COMMISSION,
    "VariableClosingFee": LineKind.COMMISSION,
    "FixedClosingFee": LineKind.COMMISSION,
    "GiftWrapChargeback": LineKind.COMMISSION,
    "ShippingChargeback": LineKind.SHIPPING,
    "FBAPerUnitFulfillmentFee": LineKind.SHIPPING,
    "FBAPerOrderFulfillmentFee": LineKind.SHIPPING,
    "FBAWeightBasedFee": LineKind.SHIPPING,
    "RemoteFulfillmentCredit": LineKind.SHIPPING,
    "Subscription Fee": LineKind.COMMISSION,
    "Paid Services Fee": LineKind.COMMISSION,
    "NonSubscriptionFeeAdj": LineKind.COMMISSION,
    "Storage Fee": LineKind.SHIPPING,
    "StorageRenewalBilling": LineKind.SHIPPING,
    "DisposalComplete": LineKind.SHIPPING,
    "RemovalComplete": LineKind.SHIPPING,
    "FBA Inbound Placement Service Fee": LineKind.SHIPPING,
    "FBAInboundTransportationFee": LineKind.SHIPPING,
    "AGSGlobalInboundTransportation": LineKind.SHIPPING,
    "Shipping label purchase for return": LineKind.SHIPPING,
    "MiscAdjustment": LineKind.ADJUSTMENT,
    "BuyerRecharge": LineKind.ADJUSTMENT,
    "Adjustment": LineKind.ADJUSTMENT,
    "Income Tax Charged": LineKind.TAX,
    "Promotion Adjustment": LineKind.ADJUSTMENT,
}

# Breakdowns of the Finances API that are no descriptions of a settlement report.
BREAKDOWNS: Final[Mapping[str, LineKind]] = {
    "ProductCharges": LineKind.SALE,
    "AmazonFees": LineKind.COMMISSION,
    "FBA fees": LineKind.SHIPPING,
}

# transactionType of the Finances API, where a transaction has no breakdown.
TRANSACTIONS: Final[Mapping[str, LineKind]] = {"Shipment": LineKind.SALE}

KINDS: Final[Mapping[str, LineKind]] = {
    **TYPES,
    **CARRIED,
    **DESCRIPTIONS,
    **BREAKDOWNS,
    **TRANSACTIONS,
}

_REFUNDS: Final = ("Refund", "A-to-z Guarantee Refund", "Chargeback Refund", "Refund_Retrocharge")
# transaction-type: what a description may stand under.
_KNOWN: Final = (
    *("Order", "Order_Retrocharge", "other-transaction", "Transfers", "ServiceFee"),
    *("FBAFees", "AmazonFees", "Promotion Fee", *_REFUNDS),
)

_IGNORED: Final = re.compile(r"[\s_-]+")


def plain(word: str) -> str:
    """A word as it is compared."""
    return _IGNORED.sub("", word).upper()


@functools.lru_cache(maxsize=4_096)
def kind(transaction: str, type_: str, description: str) -> LineKind:
    """What a row of a settlement report is, by its three words."""
    what, under = plain(description.partition(":")[0]), plain(transaction)
    if found := _CARRIED.get(what):
        return found
    if found := _TYPES.get(plain(type_)) or _TYPES.get(under):
        return found
    found = _DESCRIPTIONS.get(plain(description)) if under in _PLAIN_KNOWN else None
    return refunded(found or LineKind.UNKNOWN, transaction)


def breakdown(word: str) -> LineKind | None:
    """What a breakdown of the Finances API is, None if its word is not known."""
    return _BREAKDOWNS.get(plain(word))


def refunded(kind: LineKind, transaction: str) -> LineKind:
    """The same words serve for a sale and for its refund: the transaction-type tells."""
    if kind is LineKind.SALE and plain(transaction) in _PLAIN_REFUNDS:
        return LineKind.REFUND
    return kind


def _plain(table: Mapping[str, LineKind]) -> dict[str, LineKind]:
    return {plain(word): kind for word, kind in table.items()}


_TYPES: Final = _plain(TYPES)
_CARRIED: Final = _plain(CARRIED)
_DESCRIPTIONS: Final = _plain(DESCRIPTIONS)
_BREAKDOWNS: Final = _plain({**TYPES, **DESCRIPTIONS, **BREAKDOWNS})
_PLAIN_KNOWN: Final = frozenset(plain(word) for word in _KNOWN)
_PLAIN_REFUNDS: Final = frozenset(plain(word) for word in _REFUNDS)
