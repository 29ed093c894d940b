"""Stripe: balance transactions and payouts of the API, itemised report CSVs, webhooks.

Source: reference platforms-global.md §5. A transaction becomes two lines, the gross
amount and the fee, so that the lines of a payout add up to the payout. The API and the
reports give one movement the same ids and texts, so both may be loaded into one store.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import ClassVar, Final

from platforms.adapters._parts import PullsBy, Source
from platforms.adapters.stripe import api, pull, push, reports, words
from platforms.contract import (
    Adapter,
    Document,
    LineKind,
    Link,
    Pushes,
    RawHook,
    ReadError,
    Record,
    Reply,
)
from platforms.pulling import Terms


class Stripe(Adapter, Pushes, PullsBy):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "stripe"
    name: ClassVar[str] = "Stripe"
    family: ClassVar[str] = "platform"
    # The API states Unix seconds and reports UTC columns. Report columns without
    # `_utc` are in the account's zone, which must then be given (context "zone").
    zone: ClassVar[str] = "UTC"
    cash_accounts: ClassVar[tuple[str, ...]] = ("",)
    credentials: ClassVar[tuple[str, ...]] = ("access_token", "secret")
    kinds: ClassVar[Mapping[str, LineKind]] = words.KINDS
    unverified: ClassVar[Mapping[str, str]] = {
        reports.PROFILE: "columns from Stripe's report documentation and one public test file "
        "whose numbers were edited; no complete real file seen",
        "pull": "calls and answers as in Stripe's documentation; not tried with a real account",
    }
    terms: ClassVar[Terms] = pull.TERMS
    source: ClassVar[Source] = pull

    def recognises(self, document: Document) -> bool:
        """Whether the header or the JSON's `object` fields are Stripe's."""
        return reports.recognises(document) or api.recognises(document)

    def read(self, document: Document) -> Iterator[Record]:
        """Read a report (CSV) or an API answer (JSON). Raises ReadError."""
        if reports.recognises(document):
            return reports.read(document)
        if api.recognises(document):
            return api.read(document)
        raise ReadError(
            "neither an itemised report nor an API answer of Stripe (summaries state no "
            "single movements: download the itemised report)",
            row=1,
        )

    def verify(self, hook: RawHook, link: Link, now: datetime) -> None:
        """Raise BadSignatureError unless a secret signed this body within 300 s of `now`."""
        push.verify(hook, link, now)

    def unwrap(self, hook: RawHook, link: Link) -> Document:
        """The event as it came; Stripe encrypts nothing."""
        return push.unwrap(hook)

    def delivery_id(self, hook: RawHook) -> str:
        """The event's id, the same in every retry. Raises BadSignatureError."""
        return push.delivery_id(hook)

    def reply(self, accepted: bool) -> Reply:
        """200 or 401, both with an empty body."""
        return push.reply(accepted)


ADAPTER: Final = Stripe()
