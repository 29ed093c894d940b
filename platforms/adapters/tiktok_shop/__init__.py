"""TikTok Shop: statements, transactions, payments, withdrawals; pushes; request signing.

Source: reference platforms-global.md §9. Unverified throughout: the vendor's examples
contradict its formulas, so no sign is confirmed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import ClassVar, Final

from platforms.adapters import _app_key_push as push
from platforms.adapters._api_answer import Item, answer_of, holds
from platforms.adapters._parts import AuthorisesBy, Consent, PullsBy, Source
from platforms.adapters.tiktok_shop import consent, payments, pull, transactions, words
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
from platforms.reading import shown

_Reads = Callable[[Item, Document], Iterator[Record]]

_READERS: Final[tuple[tuple[tuple[str, ...], _Reads], ...]] = (
    (transactions.BY_ORDER_MARKS, transactions.read_order),
    (transactions.BY_STATEMENT_MARKS, transactions.read_statement),
    (payments.STATEMENTS_MARKS, payments.read_statements),
    (payments.PAYMENTS_MARKS, payments.read_payments),
    (payments.WITHDRAWALS_MARKS, payments.read_withdrawals),
)
# Estimates, recognised so that they are refused with a reason.
_UNSETTLED: Final = ("transactions", "est_settlement_amount", "est_revenue_amount")

_SIGNS: Final = "fields from the vendor's documentation, whose examples contradict its formulas"


class TikTokShop(Adapter, Pushes, PullsBy, AuthorisesBy):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "tiktok_shop"
    name: ClassVar[str] = "TikTok Shop"
    family: ClassVar[str] = "platform"
    # Every time is stated in epoch seconds; a statement's day begins at 00:00 UTC.
    zone: ClassVar[str] = "UTC"
    cash_accounts: ClassVar[tuple[str, ...]] = ("",)
    credentials: ClassVar[tuple[str, ...]] = (
        *("app_key", "secret", "shop"),
        *("access_token", "refresh_token"),
    )
    source: ClassVar[Source] = pull
    terms: ClassVar[Terms] = pull.TERMS
    application: ClassVar[tuple[str, ...]] = consent.APPLICATION
    consent: ClassVar[Consent] = consent
    kinds: ClassVar[Mapping[str, LineKind]] = words.KINDS
    unverified: ClassVar[Mapping[str, str]] = {
        transactions.BY_STATEMENT: f"{_SIGNS}: the sign of shipping, fees and adjustments is "
        "measured row by row",
        transactions.BY_ORDER: f"{_SIGNS}: the sign of shipping and fees is measured row by row",
        payments.STATEMENTS: f"{_SIGNS}: only the settlement is read, not its parts",
        payments.PAYMENTS: "fields from the vendor's documentation, no real answer seen",
        payments.WITHDRAWALS: "fields from the vendor's documentation, one example; the sign "
        "of a transfer is not stated",
        "push": "the signature's formula is that of an SDK and of a guide by others; the "
        "vendor's page names the header only",
        "pull": "the calls from the vendor's documentation, no real answer seen; others already "
        "use a newer version of the payments (202605)",
        "consent": "the calls from the vendor's documentation, no real answer seen; the codes of "
        "its refusals are not listed",
    }

    def recognises(self, document: Document) -> bool:
        """Whether the JSON has the field names of one of the answers."""
        known = [marks for marks, _ in _READERS]
        return any(holds(document, marks) for marks in (*known, _UNSETTLED))

    def read(self, document: Document) -> Iterator[Record]:
        """Read an API answer; `row` is the ordinal in its list. Raises ReadError."""
        if holds(document, _UNSETTLED):
            raise ReadError("unsettled transactions are estimates, not money", row=1)
        for marks, read in _READERS:
            if holds(document, marks):
                answer = Item(1, answer_of(document))
                if answer.id("code") != "0":
                    said = f"{answer.id('code')} {answer.said('message')}"
                    raise ReadError(f"TikTok Shop answered an error: {shown(said)}", row=1)
                return read(answer.child("data"), document)
        raise ReadError("no answer of TikTok Shop's finance APIs", row=1)

    def verify(self, hook: RawHook, link: Link, now: datetime) -> None:
        """Raise BadSignatureError unless the app secret signed the body; `now` is not used."""
        push.verify(hook, link)

    def unwrap(self, hook: RawHook, link: Link) -> Document:
        """The body as it came."""
        return push.unwrap(hook)

    def delivery_id(self, hook: RawHook) -> str:
        """A hash of the raw body: the platform's own id is not confirmed."""
        return push.delivery_id(hook)

    def reply(self, accepted: bool) -> Reply:
        """200 or 401, both with an empty body; TikTok Shop waits 3 s."""
        return push.reply(accepted)


ADAPTER: Final = TikTokShop()
