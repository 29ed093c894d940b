"""PayPal's transaction event codes (T-codes) and what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from platforms.contract import LineKind

WITHDRAWAL: Final = "T0400"

# developer.paypal.com, transaction event codes. Left UNKNOWN on purpose: payouts that the
# merchant sends (T0001), buyer credit, bonuses, T9900 "other" and what is not confirmed.
KINDS: Final[Mapping[str, LineKind]] = {
    "T0000": LineKind.SALE,
    "T0002": LineKind.SALE,
    "T0003": LineKind.SALE,
    "T0004": LineKind.SALE,
    "T0005": LineKind.SALE,
    "T0006": LineKind.SALE,
    "T0007": LineKind.SALE,
    "T0010": LineKind.SALE,
    "T0011": LineKind.SALE,
    "T0012": LineKind.SALE,
    "T0013": LineKind.SALE,
    "T0018": LineKind.SALE,
    "T0019": LineKind.SALE,
    "T0008": LineKind.SHIPPING,
    "T0100": LineKind.COMMISSION,
    "T0101": LineKind.COMMISSION,
    "T0102": LineKind.COMMISSION,
    "T0103": LineKind.COMMISSION,
    "T0104": LineKind.COMMISSION,
    "T0106": LineKind.COMMISSION,
    "T0107": LineKind.COMMISSION,
    "T0113": LineKind.COMMISSION,
    # Two rows in two currencies, each of its own statement.
    "T0200": LineKind.ADJUSTMENT,
    "T0201": LineKind.ADJUSTMENT,
    WITHDRAWAL: LineKind.PAYOUT,
    # The money is the card scheme's or the buyer's bank's doing: neither refund nor fine.
    "T1106": LineKind.ADJUSTMENT,
    "T1107": LineKind.REFUND,
    "T1108": LineKind.COMMISSION,
    "T1109": LineKind.COMMISSION,
    "T1110": LineKind.RESERVE_HELD,
    "T1111": LineKind.RESERVE_RELEASED,
    "T1503": LineKind.RESERVE_HELD,
    "T1105": LineKind.RESERVE_RELEASED,
    "T1201": LineKind.ADJUSTMENT,
    "T1202": LineKind.ADJUSTMENT,
    "T1900": LineKind.ADJUSTMENT,
}


def kind(code: str, *, credit: bool, moved: bool) -> LineKind:
    """What a code means; a row that moved nothing is UNKNOWN.

    A payment code serves both parties: as a debit the merchant itself has paid, and only
    it knows what for.
    """
    found = KINDS.get(code, LineKind.UNKNOWN)
    if not moved or (found is LineKind.SALE and not credit):
        return LineKind.UNKNOWN
    return found
