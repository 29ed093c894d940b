"""Lazada: answers of the finance APIs, push messages, request signing.

Source: reference platforms-global.md §11. Unverified throughout: the fields are the
vendor's own, but no real answer was seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import ClassVar, Final

from platforms.adapters import _app_key_push as push
from platforms.adapters._parts import AuthorisesBy, Consent, PullsBy, Source
from platforms.adapters.lazada import answers, consent, pull, words
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


class Lazada(Adapter, Pushes, PullsBy, AuthorisesBy):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "lazada"
    name: ClassVar[str] = "Lazada"
    family: ClassVar[str] = "platform"
    zone: ClassVar[str] = answers.ZONE
    cash_accounts: ClassVar[tuple[str, ...]] = ("", answers.WALLET_ACCOUNT)
    credentials: ClassVar[tuple[str, ...]] = (
        *("app_key", "secret", "region"),
        *("access_token", "refresh_token"),
    )
    source: ClassVar[Source] = pull
    terms: ClassVar[Terms] = pull.TERMS
    application: ClassVar[tuple[str, ...]] = consent.APPLICATION
    consent: ClassVar[Consent] = consent
    kinds: ClassVar[Mapping[str, LineKind]] = words.KINDS
    unverified: ClassVar[Mapping[str, str]] = {
        answers.DETAILS: "fields and fee types from the vendor's documentation, no real answer "
        "seen; the time zone of its days is not stated",
        answers.PAYOUTS: "fields from the vendor's documentation, no real answer seen; its own "
        "example does not follow its formula, so the sign of fees and refunds is open",
        answers.WALLET: "fields from the vendor's documentation; its words are translated and "
        "only a few are known, and how it relates to the statements is not stated",
        "pull": "the calls from the vendor's documentation, no real answer seen; whether the last "
        "day of a window is included, and the limit of calls, are not stated",
        "consent": "the calls from the vendor's documentation, no real answer seen",
    }

    def recognises(self, document: Document) -> bool:
        """Whether the first row of the JSON has the fields of one of the answers."""
        return answers.recognises(document)

    def read(self, document: Document) -> Iterator[Record]:
        """Read an API answer. Raises ReadError."""
        if not answers.recognises(document):
            raise ReadError("no answer of Lazada's finance APIs", row=1)
        return answers.read(document)

    def verify(self, hook: RawHook, link: Link, now: datetime) -> None:
        """Raise BadSignatureError unless the app secret signed the body; `now` is not used."""
        push.verify(hook, link)

    def unwrap(self, hook: RawHook, link: Link) -> Document:
        """The body as it came."""
        return push.unwrap(hook)

    def delivery_id(self, hook: RawHook) -> str:
        """A hash of the raw body: the platform states no id."""
        return push.delivery_id(hook)

    def reply(self, accepted: bool) -> Reply:
        """200 or 401, both with an empty body; Lazada waits 500 ms, then retries for hours."""
        return push.reply(accepted)


ADAPTER: Final = Lazada()
