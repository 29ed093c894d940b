"""Lazada's three answers about money: transaction details, payout status, the wallet.

Source: platforms-global.md §11 (the vendor's field lists and examples; no real answer was
seen). All values are texts. The details are signed and are the store's books. A payout
status announces the transfers. The wallet states what the statements pay into it once
more, so it is evidence.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime, time
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from platforms.adapters._english_days import english_day
from platforms.adapters._json import (
    Item,
    answer_of,
    holds,
    store_currency,
    store_zone,
)
from platforms.adapters.lazada import words
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
from platforms.reading import amount, currency, local_time, shown
from platforms.values import EXACT

DETAILS: Final = "transaction_details"
PAYOUTS: Final = "payout_status"
WALLET: Final = "account_transactions"
# Lazada's clock is GMT+8 in the one answer that prints its zone (logistics fees); a
# store of another zone says so in its context.
ZONE: Final = "Asia/Singapore"
WALLET_ACCOUNT: Final = "wallet"

_DETAILS: Final = ("transaction_number", "fee_type", "paid_status", "orderItem_no")
_PAYOUTS: Final = ("statement_number", "item_revenue", "closing_balance", "payout")
_WALLET: Final = ("transaction_number", "pmt_reference", "tracking_list", "sub_type")

_PAID: Final = {"0": PayoutStatus.SCHEDULED, "1": PayoutStatus.PAID}


def recognises(document: Document) -> bool:
    """Whether the first row has the field names of one of the three."""
    return any(holds(document, names) for names in (_DETAILS, _PAYOUTS, _WALLET))


def read(document: Document) -> Iterator[Record]:
    """Yield Statement and records; `row` is the ordinal in the list. Raises ReadError."""
    answer = answer_of(document)
    if answer.id("code") != "0" or answer.source.get("success") in (False, "false"):
        said = answer.id("code"), answer.said("message") or answer.said("error_code")
        raise ReadError(f"Lazada answered an error: {shown(' '.join(said))}", row=1)
    zone = store_zone(document, ZONE)
    if holds(document, _DETAILS):
        return _details(answer.items("data"), store_currency(document), zone)
    if holds(document, _PAYOUTS):
        return _payouts(answer.items("data"), zone)
    return _wallet(answer.child("data").items("transactions"), zone)


# --- transaction details ----------------------------------------------------


def _details(items: list[Item], unit: str, zone: ZoneInfo) -> Iterator[Record]:
    yield Statement(account="", currency=unit, profile=DETAILS)
    seen: set[str] = set()
    for item in items:
        number = item.required_id("transaction_number")
        if number in seen:
            raise ReadError(f"transaction {shown(number)} occurs twice", row=item.row)
        seen.add(number)
        yield Line(
            external_id=number,
            kind=words.FEE_TYPES.get(item.id("fee_type"), LineKind.UNKNOWN),
            amount=item.money("amount"),
            currency=unit,
            event_at=_midnight(item, "transaction_date", zone),
            row=item.row,
            order_ref=item.id("order_no"),
            remittance=item.said("payment_ref_id"),
            label=_label(item),
        )
    # A page states no sums.
    yield Totals()


def _label(item: Item) -> str:
    """The fee's name; and the tax withheld beside the amount, which the amount lacks."""
    name = item.said("fee_name") or item.said("transaction_type")
    withheld = item.money_if_any("WHT_amount")
    included = item.said("WHT_included_in_amount")
    if not withheld or included == "Yes":
        return name
    if included != "No":
        raise ReadError(f"withholding tax {withheld} neither in the amount nor out", row=item.row)
    return f"{name} (withholding tax {withheld:f} not in the amount)"


def _midnight(item: Item, name: str, zone: ZoneInfo) -> datetime:
    """`17 May 2016`, the month in English, as the instant that day begins."""
    return datetime.combine(english_day(item.text(name), row=item.row), time.min, zone)


# --- payout status ----------------------------------------------------------


def _payouts(items: list[Item], zone: ZoneInfo) -> Iterator[Record]:
    for unit, run in itertools.groupby(items, key=lambda item: _payout_of(item)[1]):
        yield Statement(account="", currency=unit, profile=PAYOUTS)
        ties = True
        for item in run:
            value, _ = _payout_of(item)
            ties = _adds_up(item) and ties
            number, status = item.required_id("statement_number"), _status(item)
            at = local_time(item.text("created_at"), zone, row=item.row)
            # A statement that pays nothing is no transfer.
            if value:
                yield Payout(
                    external_id=number,
                    amount=value,
                    currency=unit,
                    status=status,
                    announced_at=at,
                    row=item.row,
                )
        yield Totals(ties=ties)


def _payout_of(item: Item) -> tuple[Decimal, str]:
    """`3962.41 EUR`: the amount and its currency."""
    value, _, unit = item.text("payout").partition(" ")
    return amount(value, row=item.row), currency(unit, row=item.row)


def _status(item: Item) -> PayoutStatus:
    word = item.id("paid")
    if word not in _PAID:
        raise ReadError(f"paid is neither 0 nor 1: {shown(word)}", row=item.row)
    return _PAID[word]


def _adds_up(item: Item) -> bool:
    """subtotal1 = item revenue + other revenue − fees; subtotal2 = subtotal1 − refunds.

    That is the vendor's text. Its own example has a positive subtotal1 that is reached
    only by adding the fees: whether fees and refunds are printed with their sign is not
    confirmed, so both ways count as adding up.
    """
    revenue = EXACT.add(item.money("item_revenue"), item.money("other_revenue_total"))
    first, second = item.money("subtotal1"), item.money("subtotal2")
    fees, refunds = item.money("fees_total"), item.money("refunds")
    return abs(EXACT.subtract(first, revenue)) == abs(fees) and abs(
        EXACT.subtract(second, first)
    ) == abs(refunds)


# --- the wallet -------------------------------------------------------------


def _wallet(items: list[Item], zone: ZoneInfo) -> Iterator[Record]:
    for unit, run in itertools.groupby(items, key=Item.currency):
        yield Statement(
            account="",
            currency=unit,
            profile=WALLET,
            cash_account=WALLET_ACCOUNT,
            books=False,
        )
        for item in run:
            kinds, word = words.WALLET, item.said("sub_type")
            states = [state.said("name") for state in item.parts("tracking_list")]
            known = [kinds[name] for name in (word, *states) if name in kinds]
            yield Line(
                external_id=f"wallet:{item.required_id('transaction_number')}",
                kind=known[0] if known else LineKind.UNKNOWN,
                amount=item.money("amount"),
                currency=unit,
                event_at=local_time(item.text("transaction_time"), zone, row=item.row),
                row=item.row,
                remittance=item.said("pmt_reference"),
                label=word or item.said("type"),
            )
        yield Totals()
