"""Walmart Marketplace: the recon report (v1) as CSV, ZIP or JSON, performance webhooks.

Source: reference platforms-global.md §8. Requests carry a token and no signature.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import ClassVar, Final

from platforms.adapters._parts import PullsBy, Source
from platforms.adapters.walmart import pull, push, report, rows, words
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


class Walmart(Adapter, Pushes, PullsBy):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "walmart"
    name: ClassVar[str] = "Walmart Marketplace"
    family: ClassVar[str] = "platform"
    # The report has days only: read in the zone of the store (context "zone"), and in
    # this one where it is not given.
    zone: ClassVar[str] = "UTC"
    cash_accounts: ClassVar[tuple[str, ...]] = ("",)
    credentials: ClassVar[tuple[str, ...]] = ("app_key", "app_secret", "secret")
    kinds: ClassVar[Mapping[str, LineKind]] = words.KINDS
    unverified: ClassVar[Mapping[str, str]] = {
        report.PROFILE: "real rows seen, but no whole report; some amount types from programs "
        "that read real answers",
        "webhook": "how far a webhook's clock may differ is not published: 300 seconds are ours",
        "pull": "the calls are the vendor's guide and other programs', never made: when a report "
        "appears after the day it is named by, and how many calls are free, is not published",
    }
    source: ClassVar[Source] = pull
    terms: ClassVar[Terms] = pull.TERMS

    def recognises(self, document: Document) -> bool:
        """Whether the header, that of a file in the ZIP, or the JSON's fields are Walmart's."""
        return rows.recognises(document)

    def read(self, document: Document) -> Iterator[Record]:
        """Read a recon report. Raises ReadError."""
        if not rows.recognises(document):
            raise ReadError("no recon report (v1) of Walmart", row=1)
        return report.read(document)

    def verify(self, hook: RawHook, link: Link, now: datetime) -> None:
        """Raise BadSignatureError unless a secret signed this request within 300 s of `now`."""
        push.verify(hook, link, now)

    def unwrap(self, hook: RawHook, link: Link) -> Document:
        """The body as it came; Walmart encrypts nothing."""
        return push.unwrap(hook)

    def delivery_id(self, hook: RawHook) -> str:
        """The event's id, or the SHA-256 of the body where it has none."""
        return push.delivery_id(hook)

    def reply(self, accepted: bool) -> Reply:
        """200 or 401, both with an empty body."""
        return push.reply(accepted)


ADAPTER: Final = Walmart()
