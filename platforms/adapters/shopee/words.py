"""Shopee's words: types of wallet transactions, heads of bills, the terms of an escrow.

Source: platforms-global.md §10 (TransactionType and the escrow formula are the vendor's
own text). What is not explained there is left out and is UNKNOWN.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from platforms.contract import LineKind
from platforms.occurrences import Occurrences

IN: Final = 1
OUT: Final = -1

CREATED: Final = "WITHDRAWAL_CREATED"
COMPLETED: Final = "WITHDRAWAL_COMPLETED"
CANCELLED: Final = "WITHDRAWAL_CANCELLED"

# Each type with what it is and the direction the vendor's text gives it. Amounts of
# orders are net of all fees: the escrow detail tells them apart.
TRANSACTIONS: Final[Mapping[str, tuple[LineKind, int]]] = {
    "ESCROW_VERIFIED_ADD": (LineKind.SALE, IN),
    "ESCROW_VERIFIED_MINUS": (LineKind.SALE, OUT),
    CREATED: (LineKind.PAYOUT, OUT),
    CANCELLED: (LineKind.PAYOUT_RETURNED, IN),
    "ADJUSTMENT_ADD": (LineKind.ADJUSTMENT, IN),
    "ADJUSTMENT_MINUS": (LineKind.ADJUSTMENT, OUT),
    "FBS_ADJUSTMENT_ADD": (LineKind.ADJUSTMENT, IN),
    "FBS_ADJUSTMENT_MINUS": (LineKind.ADJUSTMENT, OUT),
    "ADJUSTMENT_CENTER_ADD": (LineKind.ADJUSTMENT, IN),
    "ADJUSTMENT_CENTER_DEDUCT": (LineKind.ADJUSTMENT, OUT),
    "FSF_COST_PASSING_DEDUCT": (LineKind.SHIPPING, OUT),
    "PERCEPTION_VAT_TAX_DEDUCT": (LineKind.TAX, OUT),
    "PERCEPTION_TURNOVER_TAX_DEDUCT": (LineKind.TAX, OUT),
    "ADJUSTMENT_FOR_RR_AFTER_ESCROW_VERIFIED": (LineKind.REFUND, OUT),
    "SELLER_COMPENSATE_ADD": (LineKind.ADJUSTMENT, IN),
    "CAMPAIGN_PACKAGE_ADD": (LineKind.COMMISSION, IN),
    "CAMPAIGN_PACKAGE_MINUS": (LineKind.COMMISSION, OUT),
    "PAID_ADS_CHARGE": (LineKind.ADVERTISING, OUT),
    "PAID_ADS_REFUND": (LineKind.ADVERTISING, IN),
    # An order's escrow paid early, in two parts.
    "FAST_ESCROW_DISBURSE": (LineKind.SALE, IN),
    "FAST_ESCROW_DISBURSE_REMAIN": (LineKind.SALE, IN),
    "FAST_ESCROW_DEDUCT": (LineKind.REFUND, OUT),
    "AFFILIATE_ADS_SELLER_FEE": (LineKind.ADVERTISING, OUT),
    "AFFILIATE_ADS_SELLER_FEE_REFUND": (LineKind.ADVERTISING, IN),
    "AFFILIATE_FEE_DEDUCT": (LineKind.ADVERTISING, OUT),
    # Repayment of the seller loan, and its disbursement.
    "SPM_DEDUCT_DIRECT": (LineKind.LOAN, OUT),
    "SPM_DISBURSE_ADD": (LineKind.LOAN, IN),
}

# `module` of an adjustment and `cost_header` of a bill: those of the vendor's examples.
HEADS: Final[Mapping[str, LineKind]] = {
    "Commission Fee": LineKind.COMMISSION,
    "Refund Amount": LineKind.REFUND,
}
# `billing_transaction_type`; an ADJUSTMENT is what its head says.
BILLS: Final[Mapping[str, LineKind]] = {"ESCROW": LineKind.SALE}
# `description` of an income.
INCOMES: Final[Mapping[str, LineKind]] = {
    "Order Income": LineKind.SALE,
    "Adjustment": LineKind.ADJUSTMENT,
}

KINDS: Final[Mapping[str, LineKind]] = {
    **{word: kind for word, (kind, _) in TRANSACTIONS.items()},
    **HEADS,
    **BILLS,
    **INCOMES,
}

# escrow_amount of a local order (not of a cross-border SIP affiliate) is the sum of
# these. The list grows: another field that is not zero is an error, never dropped.
TERMS: Final[Mapping[str, tuple[LineKind, int]]] = {
    "original_cost_of_goods_sold": (LineKind.SALE, IN),
    "original_shopee_discount": (LineKind.SUBSIDY, OUT),
    "seller_return_refund": (LineKind.REFUND, IN),
    "shopee_discount": (LineKind.SUBSIDY, IN),
    "voucher_from_seller": (LineKind.ADVERTISING, OUT),
    "seller_coin_cash_back": (LineKind.ADVERTISING, OUT),
    "buyer_paid_shipping_fee": (LineKind.SHIPPING, IN),
    "actual_shipping_fee": (LineKind.SHIPPING, OUT),
    "shopee_shipping_rebate": (LineKind.SUBSIDY, IN),
    "shipping_fee_discount_from_3pl": (LineKind.SHIPPING, IN),
    "reverse_shipping_fee": (LineKind.SHIPPING, OUT),
    "rsf_seller_protection_fee_claim_amount": (LineKind.ADJUSTMENT, IN),
    "final_return_to_seller_shipping_fee": (LineKind.SHIPPING, OUT),
    "seller_transaction_fee": (LineKind.COMMISSION, OUT),
    "service_fee": (LineKind.COMMISSION, OUT),
    "commission_fee": (LineKind.COMMISSION, OUT),
    "campaign_fee": (LineKind.COMMISSION, OUT),
    "shipping_seller_protection_fee_amount": (LineKind.SHIPPING, OUT),
    "delivery_seller_protection_fee_premium_amount": (LineKind.SHIPPING, OUT),
    "final_escrow_product_gst": (LineKind.TAX, OUT),
    "order_ams_commission_fee": (LineKind.ADVERTISING, OUT),
    "escrow_tax": (LineKind.TAX, OUT),
    "sales_tax_on_lvg": (LineKind.TAX, OUT),
    "reverse_shipping_fee_sst": (LineKind.TAX, OUT),
    "shipping_fee_sst": (LineKind.TAX, OUT),
    "withholding_tax": (LineKind.TAX, OUT),
    "overseas_return_service_fee": (LineKind.SHIPPING, OUT),
    "vat_on_imported_goods": (LineKind.TAX, OUT),
    "withholding_vat_tax": (LineKind.TAX, OUT),
    "withholding_pit_tax": (LineKind.TAX, OUT),
    "seller_order_processing_fee": (LineKind.COMMISSION, OUT),
    "buyer_paid_packaging_fee": (LineKind.SHIPPING, IN),
    "trade_in_bonus_by_seller": (LineKind.ADVERTISING, OUT),
    "fbs_fee": (LineKind.SHIPPING, OUT),
}
# Fields that the vendor calls the buyer's own, a price before discounts, an estimate, or
# a sum of others. They move nothing of the seller's, and the sum of the terms proves it.
TOLD: Final = frozenset(
    {
        *("escrow_amount", "escrow_amount_after_adjustment", "total_adjustment_amount"),
        *("buyer_total_amount", "buyer_transaction_fee", "cross_border_tax", "coins"),
        *("voucher_from_shopee", "payment_promotion", "credit_card_promotion"),
        *("order_original_price", "original_price", "order_discounted_price"),
        *("order_selling_price", "order_seller_discount", "seller_discount"),
        *("cost_of_goods_sold", "estimated_shipping_fee", "final_shipping_fee"),
        *("credit_card_transaction_fee", "final_product_protection", "order_chargeable_weight"),
        "prorated_coins_value_offset_return_items",
        "prorated_shopee_voucher_offset_return_items",
        "prorated_seller_voucher_offset_return_items",
        "prorated_payment_channel_promo_bank_offset_return_items",
        "prorated_payment_channel_promo_shopee_offset_return_items",
    }
)


class Ids:
    """Ids for rows that have none: all that is stable in a row, and its ordinal among equals.

    Equal rows of one second that stand on two pages would get one id: the answers name
    nothing else that could tell them apart.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._occurrences = Occurrences()

    def of(self, *parts: str | int | Decimal) -> str:
        """The id of a row that says this."""
        said = "\0".join(
            f"{part.normalize():f}" if isinstance(part, Decimal) else str(part) for part in parts
        )
        key = hashlib.blake2b(said.encode(), digest_size=16).digest()
        ordinal = self._occurrences.nth(int.from_bytes(key[:8]))
        return f"{self._prefix}:{key.hex()}-{ordinal}"
