"""An adapter's head made of parts: modules that read, that check hooks, that fetch, that link.

Each part is a module (or object) with plain functions. The class that names them is the adapter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import ClassVar, Protocol

from platforms.contract import (
    Adapter,
    Challenges,
    Document,
    Link,
    Pushes,
    RawHook,
    ReadError,
    Record,
    Reply,
)
from platforms.pulling import Authorises, Http, Pulls, Tokens, Window


class Reader(Protocol):
    """One form of a platform's documents."""

    def recognises(self, document: Document) -> bool: ...
    def read(self, document: Document) -> Iterator[Record]: ...


class Readers(Adapter):
    """Reads by the first of its readers that recognises the document."""

    readers: ClassVar[tuple[Reader, ...]]
    refusal: ClassVar[str] = ""
    """What is said of a document that none of them recognises; "" where the last of them can say
    better what is wrong with it (a ZIP that is encrypted)."""

    def recognises(self, document: Document) -> bool:
        """Whether one of the readers knows the form."""
        return any(reader.recognises(document) for reader in self.readers)

    def read(self, document: Document) -> Iterator[Record]:
        """Read it. Raises ReadError."""
        for reader in self.readers:
            if reader.recognises(document):
                return reader.read(document)
        if not self.refusal:
            return self.readers[-1].read(document)
        raise ReadError(self.refusal, row=1)


class HookScheme(Protocol):
    """How a platform signs what it sends; see contract.Pushes."""

    def verify(self, hook: RawHook, link: Link, now: datetime) -> None: ...
    def unwrap(self, hook: RawHook, link: Link) -> Document: ...
    def delivery_id(self, hook: RawHook) -> str: ...
    def reply(self, accepted: bool) -> Reply: ...


class PushesBy(Pushes):
    """Receives hooks by a scheme."""

    hooks: ClassVar[HookScheme]

    def verify(self, hook: RawHook, link: Link, now: datetime) -> None:
        """Raise BadSignatureError unless the platform sent the hook to this link."""
        self.hooks.verify(hook, link, now)

    def unwrap(self, hook: RawHook, link: Link) -> Document:
        """The (decrypted) payload. Raises BadSignatureError."""
        return self.hooks.unwrap(hook, link)

    def delivery_id(self, hook: RawHook) -> str:
        """What the platform calls this delivery, or a hash where it has no name."""
        return self.hooks.delivery_id(hook)

    def reply(self, accepted: bool) -> Reply:
        """The byte-exact answer."""
        return self.hooks.reply(accepted)


class Challenger(Protocol):
    """How a platform tests an address; see contract.Challenges."""

    def challenge(self, hook: RawHook, link: Link) -> Reply | None: ...


class ChallengesBy(Challenges):
    """Answers such tests."""

    challenges: ClassVar[Challenger]

    def challenge(self, hook: RawHook, link: Link) -> Reply | None:
        """The byte-exact answer to a test; None for any other message."""
        return self.challenges.challenge(hook, link)


class Source(Protocol):
    """How a platform is asked; see pulling.Pulls."""

    def probe(self, http: Http, link: Link) -> str: ...
    def pull(self, http: Http, link: Link, window: Window) -> Iterator[Document]: ...


class PullsBy(Pulls):
    """Fetches from a source; `terms` stands in the adapter itself."""

    source: ClassVar[Source]

    def probe(self, http: Http, link: Link) -> str:
        """What the platform calls the shop, by the cheapest call."""
        return self.source.probe(http, link)

    def pull(self, http: Http, link: Link, window: Window) -> Iterator[Document]:
        """The window's documents."""
        return self.source.pull(http, link, window)


class Consent(Protocol):
    """How a platform asks the merchant; see pulling.Authorises."""

    def consent_url(self, link: Link, *, state: str, back: str) -> str: ...
    def exchange(
        self, http: Http, link: Link, *, answer: Mapping[str, str], back: str
    ) -> Tokens: ...
    def renew(self, http: Http, link: Link) -> Tokens: ...


class AuthorisesBy(Authorises):
    """Is linked by consent; `application` stands in the adapter itself."""

    consent: ClassVar[Consent]

    def consent_url(self, link: Link, *, state: str, back: str) -> str:
        """Where the merchant's browser is sent."""
        return self.consent.consent_url(link, state=state, back=back)

    def exchange(self, http: Http, link: Link, *, answer: Mapping[str, str], back: str) -> Tokens:
        """Redeem what the browser brought back."""
        return self.consent.exchange(http, link, answer=answer, back=back)

    def renew(self, http: Http, link: Link) -> Tokens:
        """Get new tokens for the kept ones."""
        return self.consent.renew(http, link)
