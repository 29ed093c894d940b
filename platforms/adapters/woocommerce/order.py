"""An order of the shop: evidence, as its money is in the files of its gateway.

Source of the fields: woocommerce/woocommerce, class-wc-rest-orders-v2-controller.php.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from platforms.adapters._json import Item, answer_of, holds
from platforms.contract import (
    Document,
    Line,
    LineKind,
    ReadError,
    Record,
    Statement,
    Totals,
)
from platforms.reading import local_time, shown

PROFILE: Final = "order"
UTC: Final = ZoneInfo("UTC")

# Statuses in which a paid order counts as sold; shops and plugins add their own.
STATUSES: Final[Mapping[str, LineKind]] = {
    "processing": LineKind.SALE,
    "completed": LineKind.SALE,
    "refunded": LineKind.SALE,
}

_MARKS: Final = ("order_key", "status", "currency", "date_created_gmt", "total", "line_items")


def recognises(document: Document) -> bool:
    """Whether the JSON has the fields of an order."""
    return holds(document, _MARKS)


def read(document: Document) -> Iterator[Record]:
    """Yield Statement, a Line of what was paid and one a refund: never booked.

    An order that is not paid has no line. Raises ReadError.
    """
    order = answer_of(document)
    unit, number = order.currency(), order.required_id("id")
    yield Statement(account="", currency=unit, profile=PROFILE, books=False)
    if order.said("date_paid_gmt"):
        word, value = order.text("status"), order.money("total")
        if value < 0:
            raise ReadError(f"an order of {value}", row=1)
        kind = STATUSES.get(word, LineKind.UNKNOWN)
        label = "/".join(filter(None, (word, order.said("payment_method"))))
        yield _line(order, f"order:{number}", kind, value, "date_paid_gmt", label)
    for refund in order.parts("refunds"):
        value = refund.money("total")
        if value > 0:
            raise ReadError(f"a refund of {value}", row=1)
        refunded = f"order:{number}:refund:{refund.required_id('id')}"
        said = "/".join(filter(None, ("refund", refund.said("reason"))))
        yield _line(order, refunded, LineKind.REFUND, value, "date_modified_gmt", said)
    yield Totals()


def _line(
    order: Item, external_id: str, kind: LineKind, value: Decimal, time: str, label: str
) -> Line:
    return Line(
        external_id=external_id,
        kind=kind,
        amount=value,
        currency=order.currency(),
        event_at=_gmt(order, time),
        row=1,
        order_ref=order.id("number") or order.required_id("id"),
        remittance=order.id("transaction_id"),
        label=label,
    )


def _gmt(order: Item, name: str) -> datetime:
    """`2026-03-22T16:28:02`, without a zone because it is GMT."""
    day, mark, time = order.text(name).partition("T")
    if not mark:
        raise ReadError(f"{name} is no time: {shown(order.text(name))}", row=1)
    return local_time(f"{day} {time}", UTC, row=1)
