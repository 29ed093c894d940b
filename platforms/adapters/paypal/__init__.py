"""PayPal: settlement report (STL), transaction detail report (TRR), Transaction Search, webhooks.

Source: reference platforms-global.md §4. The settlement report states everything that
moved the balance and is booked; the transaction detail report states the same movements
and others that moved nothing, and is evidence. The Transaction Search states them by API,
numbered apart: a store has the reports or the search, never both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import ClassVar, Final

from platforms.adapters._parts import PullsBy, Source
from platforms.adapters.paypal import pull, push, report, search, words
from platforms.contract import (
    Adapter,
    Document,
    LineKind,
    Link,
    Pushes,
    RawHook,
    Record,
    Reply,
)
from platforms.pulling import Terms


class PayPal(Adapter, Pushes, PullsBy):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "paypal"
    name: ClassVar[str] = "PayPal"
    family: ClassVar[str] = "platform"
    # Every time in the reports states its offset.
    zone: ClassVar[str] = "UTC"
    cash_accounts: ClassVar[tuple[str, ...]] = ("",)
    credentials: ClassVar[tuple[str, ...]] = (
        *("app_key", "secret"),
        *("public_key", "webhook_id"),
    )
    kinds: ClassVar[Mapping[str, LineKind]] = words.KINDS
    unverified: ClassVar[Mapping[str, str]] = {
        report.SETTLEMENT: "the order of the balances in its footers is from another program's "
        "parser, two implied decimals for yen from PayPal's wording; no complete real file seen",
        report.DETAIL: "which rows its totals cover is not confirmed, so only its counts are "
        "checked; no complete real file seen",
        search.PROFILE: "fields and words from the vendor's API description, rows of it seen in "
        "other programs' tests; that pending rows have moved nothing, and that no two rows of two "
        "pages are alike in everything, is assumed",
        "pull": "the calls are the vendor's description, never made: whether the search finds rows "
        "by the day they began or by their last change is not said, nor how many calls are free",
    }
    source: ClassVar[Source] = pull
    terms: ClassVar[Terms] = pull.TERMS

    def recognises(self, document: Document) -> bool:
        """Whether it begins with a report header, or is an answer of the Transaction Search."""
        return report.recognises(document) or search.recognises(document)

    def read(self, document: Document) -> Iterator[Record]:
        """Read a report or a page of the Transaction Search. Raises ReadError."""
        if search.recognises(document):
            return search.read(document)
        return report.read(document)

    def verify(self, hook: RawHook, link: Link, now: datetime) -> None:
        """Raise BadSignatureError unless PayPal signed this delivery for the link's webhook."""
        push.verify(hook, link)

    def unwrap(self, hook: RawHook, link: Link) -> Document:
        """The event as it came. It is a hint: the resource is to be read again."""
        return push.unwrap(hook)

    def delivery_id(self, hook: RawHook) -> str:
        """The transmission id, which is signed. Raises BadSignatureError."""
        return push.delivery_id(hook)

    def reply(self, accepted: bool) -> Reply:
        """200 or 401, both with an empty body."""
        return push.reply(accepted)


ADAPTER: Final = PayPal()
