"""WooCommerce: webhooks with an order, read as evidence only.

A WooCommerce shop has no settlement data of its own: the money comes from its gateway
(Stripe, PayPal, WooPayments). Sources: reference platforms-global.md §12
(woocommerce/woocommerce, class-wc-webhook.php) and, for the order's fields, the same
repository's class-wc-rest-orders-v2-controller.php.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

from platforms import signing
from platforms.adapters._json import Item, answer_of, holds
from platforms.contract import (
    Adapter,
    BadSignatureError,
    Document,
    Line,
    LineKind,
    Link,
    Pushes,
    RawHook,
    ReadError,
    Record,
    Reply,
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
_PING: Final = re.compile(rb"webhook_id=[0-9]{1,20}", re.ASCII)
# What wp_specialchars_decode(…, ENT_QUOTES) knows, decoded once and not again.
_ENTITY: Final = re.compile(
    r"&(?:amp|#0*38|#[xX]0*26);|&(?:lt|#0*60);|&(?:gt|#0*62);"
    r"|&(?:quot|#0*34|#[xX]0*22);|&(?:#0*39|#[xX]0*27);"
)
_CHARACTERS: Final = {
    **dict.fromkeys(("amp", "38", "x26"), "&"),
    **dict.fromkeys(("lt", "60"), "<"),
    **dict.fromkeys(("gt", "62"), ">"),
    **dict.fromkeys(("quot", "34", "x22"), '"'),
    **dict.fromkeys(("39", "x27"), "'"),
}


class WooCommerce(Adapter, Pushes):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "woocommerce"
    name: ClassVar[str] = "WooCommerce"
    family: ClassVar[str] = "platform"
    # The order states its times in GMT as well.
    zone: ClassVar[str] = "UTC"
    cash_accounts: ClassVar[tuple[str, ...]] = ("",)
    credentials: ClassVar[tuple[str, ...]] = ("secret",)
    kinds: ClassVar[Mapping[str, LineKind]] = STATUSES
    unverified: ClassVar[Mapping[str, str]] = {
        PROFILE: "fields from the vendor's source, no real webhook seen; a refund states no "
        "time and is dated by the order's last change",
    }

    def recognises(self, document: Document) -> bool:
        """Whether the JSON has the fields of an order."""
        return holds(document, _MARKS)

    def read(self, document: Document) -> Iterator[Record]:
        """Yield Statement, a Line of what was paid and one a refund: never booked.

        An order that is not paid has no line. Raises ReadError.
        """
        if not self.recognises(document):
            raise ReadError("no order of WooCommerce; its money is in its gateway's files", row=1)
        return _order(answer_of(document))

    def verify(self, hook: RawHook, link: Link, now: datetime) -> None:
        """Raise BadSignatureError unless a secret signed the raw body; `now` is not used.

        The unsigned ping of a new webhook is refused as well: it proves nothing (see
        `is_ping`).
        """
        secrets = signing.values(link.secrets.get("secret", ""))
        if not secrets:
            raise BadSignatureError("the link has no secret")
        given = hook.headers.get("x-wc-webhook-signature", "")
        if not given:
            raise BadSignatureError("the header x-wc-webhook-signature is missing")
        fits = [
            signing.same(given=given, expected=_signature(secret, hook.body)) for secret in secrets
        ]
        if not any(fits):
            raise BadSignatureError("the signature does not fit the body")

    def unwrap(self, hook: RawHook, link: Link) -> Document:
        """The body as it came; the context names the topic and the shop."""
        body, headers = hook.body, hook.headers
        return Document(
            name=self.delivery_id(hook),
            head=body,
            open=lambda: io.BytesIO(body),
            origin="hook",
            context={
                "topic": headers.get("x-wc-webhook-topic", ""),
                "source": headers.get("x-wc-webhook-source", ""),
            },
        )

    def delivery_id(self, hook: RawHook) -> str:
        """The delivery's id: there are no retries, so each is new. Raises BadSignatureError."""
        found = hook.headers.get("x-wc-webhook-delivery-id", "")
        if not found:
            raise BadSignatureError("the header x-wc-webhook-delivery-id is missing")
        return found

    def reply(self, accepted: bool) -> Reply:
        """200 or 401, both with an empty body; a shop gives up after five failures."""
        return Reply(status=200 if accepted else 401)


def is_ping(hook: RawHook) -> bool:
    """Whether this is the unsigned ping of a webhook being set up.

    The shop wants 200 for it; it says nothing, and nothing is to be stored.
    """
    unsigned = not hook.headers.get("x-wc-webhook-signature")
    return unsigned and _PING.fullmatch(hook.body) is not None


def decoded_secret(secret: str) -> str:
    """The secret as the shop signs with it: HTML entities decoded, once."""
    return _ENTITY.sub(_character, secret)


def _character(match: re.Match[str]) -> str:
    text = match.group()[1:-1].lower()
    if not text.startswith("#"):
        return _CHARACTERS[text]
    if text.startswith("#x"):
        return _CHARACTERS["x" + text[2:].lstrip("0")]
    return _CHARACTERS[text[1:].lstrip("0")]


def _signature(secret: str, body: bytes) -> str:
    return signing.hmac_sha256_base64(secret=decoded_secret(secret), message=body)


def _order(order: Item) -> Iterator[Record]:
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


ADAPTER: Final = WooCommerce()
