"""Stripe's words for lines and payouts, its minor units, and what a transaction becomes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Final

import msgspec

from platforms.contract import Line, LineKind, Payout, PayoutStatus, ReadError
from platforms.reading import amount, currency, shown

PAYOUT: Final = "payout"
# One word for both directions: a debit and, later, a matching credit.
_RESERVES: Final = frozenset({"connect_reserved_funds", "risk_reserved_funds"})

# `reporting_category`, not `type`: it is the one both the API and the reports state
# (docs.stripe.com/reports/reporting-categories; the report run's enum in the SDKs). A
# dispute is the card scheme's doing, neither a refund nor a fine: it is an adjustment.
# Card spending of Stripe Issuing and climate orders are left UNKNOWN on purpose.
KINDS: Final[Mapping[str, LineKind]] = {
    "charge": LineKind.SALE,
    # The part of an authorisation that was never captured, against the first sale.
    "partial_capture_reversal": LineKind.SALE,
    "charge_failure": LineKind.ADJUSTMENT,
    "refund": LineKind.REFUND,
    "refund_failure": LineKind.REFUND,
    "dispute": LineKind.ADJUSTMENT,
    "dispute_reversal": LineKind.ADJUSTMENT,
    "fee": LineKind.COMMISSION,
    "network_cost": LineKind.COMMISSION,
    "tax": LineKind.TAX,
    PAYOUT: LineKind.PAYOUT,
    "payout_reversal": LineKind.PAYOUT_RETURNED,
    **dict.fromkeys(sorted(_RESERVES), LineKind.RESERVE_HELD),
    "advance": LineKind.LOAN,
    "advance_funding": LineKind.LOAN,
    "financing_payout": LineKind.LOAN,
    "financing_payout_reversal": LineKind.LOAN,
    "financing_paydown": LineKind.LOAN,
    "financing_paydown_reversal": LineKind.LOAN,
    "topup": LineKind.DEPOSIT,
    "topup_reversal": LineKind.DEPOSIT,
    "transfer": LineKind.ADJUSTMENT,
    "transfer_reversal": LineKind.ADJUSTMENT,
    "connect_collection_transfer": LineKind.ADJUSTMENT,
    "platform_earning": LineKind.ADJUSTMENT,
    "platform_earning_refund": LineKind.ADJUSTMENT,
    "other_adjustment": LineKind.ADJUSTMENT,
}

_STATUSES: Final[Mapping[str, PayoutStatus]] = {
    "pending": PayoutStatus.SCHEDULED,
    "in_transit": PayoutStatus.IN_TRANSIT,
    "paid": PayoutStatus.PAID,
    "failed": PayoutStatus.FAILED,
    "canceled": PayoutStatus.CANCELLED,
}

# docs.stripe.com/currencies. UGX and ISK have no decimals but are stated with two
# for old callers' sake; HUF and TWD have two, of which payouts use none.
_WITHOUT_DECIMALS: Final = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV"}
    | {"XAF", "XOF", "XPF"}
)
_THREE_DECIMALS: Final = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
# ISO 4217 gives these another number of decimals than two, Stripe's page says nothing.
_UNCONFIRMED: Final = frozenset({"CLF", "IQD", "LYD", "UYI", "UYW"})


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """One balance transaction, whatever document states it; amounts in the major unit.

    `gross` and `net` are signed, `fee` is positive where Stripe takes it.
    """

    id: str
    category: str
    gross: Decimal
    fee: Decimal
    net: Decimal
    currency: str
    at: datetime
    row: int
    source: str = ""
    payout: str = ""
    remittance: str = ""
    arrives_on: date | None = None


def records(movement: Movement) -> Iterator[Line | Payout]:
    """The lines of a movement, and its payout where it is one.

    Raises ReadError where net is not gross − fee.
    """
    if movement.net != movement.gross - movement.fee:
        raise ReadError(
            f"net {movement.net} is not gross {movement.gross} − fee {movement.fee}",
            row=movement.row,
        )
    kind = _kind(movement.category, movement.gross)
    yield _line(movement, movement.id, kind, movement.gross, movement.category)
    if movement.fee:
        # Stripe's own VAT on the fee is inside: reports do not state it apart.
        label = f"{movement.category} fee"
        yield _line(movement, f"{movement.id}:fee", LineKind.COMMISSION, -movement.fee, label)
    if movement.category == PAYOUT and movement.source:
        yield Payout(
            external_id=movement.source,
            # What reaches the bank: an instant payout's fee is taken on top of it.
            amount=-movement.gross,
            currency=movement.currency,
            # A transaction says that the money left, never that it arrived.
            status=PayoutStatus.IN_TRANSIT,
            announced_at=movement.at,
            row=movement.row,
            arrives_on=movement.arrives_on,
            remittance=movement.remittance,
        )


def status(word: str, *, row: int) -> PayoutStatus:
    """How far a payout is. Raises ReadError for a word that is not Stripe's."""
    found = _STATUSES.get(word)
    if found is None:
        raise ReadError(f"unknown payout status {shown(word)}", row=row)
    return found


def unit(text: str, *, row: int) -> str:
    """A currency, which Stripe writes in lower case. Raises ReadError."""
    return currency(text.upper() if text.isascii() else text, row=row)


def major(minor: object, unit: str, *, name: str, row: int) -> Decimal:
    """An integer of the smallest unit in the major one: 1100 USD are 11.00. Raises ReadError."""
    if isinstance(minor, bool) or not isinstance(minor, int):
        raise ReadError(f"{name} is no whole number: {shown(str(minor))}", row=row)
    if unit in _UNCONFIRMED:
        raise ReadError(f"how many decimals Stripe gives {unit} is not confirmed", row=row)
    digits = 0 if unit in _WITHOUT_DECIMALS else 3 if unit in _THREE_DECIMALS else 2
    return amount(str(minor), row=row).scaleb(-digits)


def _kind(category: str, gross: Decimal) -> LineKind:
    """What a category means; one word serves both ways for reserves: negative is held."""
    if category in _RESERVES and gross > 0:
        return LineKind.RESERVE_RELEASED
    return KINDS.get(category, LineKind.UNKNOWN)


def _line(movement: Movement, id: str, kind: LineKind, value: Decimal, label: str) -> Line:
    return Line(
        external_id=id,
        kind=kind,
        amount=value,
        currency=movement.currency,
        event_at=movement.at,
        row=movement.row,
        order_ref=movement.source,
        payout_ref=movement.source if movement.category == PAYOUT else movement.payout,
        label=label,
    )
