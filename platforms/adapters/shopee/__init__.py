"""Shopee: the wallet, escrows, payouts, bills and incomes; push messages; request signing.

Source: reference platforms-global.md §10. Unverified throughout: the fields are the
vendor's own, but no real answer was seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import ClassVar, Final

from platforms.adapters._api_answer import Item, answer_of, holds
from platforms.adapters._parts import AuthorisesBy, Consent, PullsBy, Source
from platforms.adapters.shopee import consent, escrow, payouts, pull, push, wallet, words
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

# The details of a payout hold a list of escrows too: they are asked first.
_READERS: Final[tuple[tuple[tuple[str, ...], _Reads], ...]] = (
    (wallet.MARKS, wallet.read),
    (payouts.DETAIL_MARKS, payouts.read_detail),
    (payouts.INFO_MARKS, payouts.read_info),
    (payouts.BILLING_MARKS, payouts.read_billing),
    (payouts.INCOME_MARKS, payouts.read_income),
    (escrow.DETAIL_MARKS, escrow.read_detail),
    (escrow.LIST_MARKS, escrow.read_list),
)
# Answers that hold no rows, recognised so that they are refused with a reason.
_NO_ROWS: Final[tuple[tuple[tuple[str, ...], str], ...]] = (
    (
        ("total_income", "pending_amount", "released_amount"),
        "the income overview states two sums and no rows; give the income detail",
    ),
    (
        ("file_link", "file_name", "generated_time"),
        "this answer only says where an income statement lies, and that is a PDF; "
        "give the wallet transactions or the income detail",
    ),
)
_NO_ERROR: Final = frozenset({"", "-"})

_FIELDS: Final = "fields from the vendor's documentation, no real answer seen"


class Shopee(Adapter, Pushes, PullsBy, AuthorisesBy):
    """The adapter; see platforms.contract for what its methods promise."""

    code: ClassVar[str] = "shopee"
    name: ClassVar[str] = "Shopee 虾皮"
    family: ClassVar[str] = "platform"
    # Every time is stated in epoch seconds.
    zone: ClassVar[str] = "UTC"
    cash_accounts: ClassVar[tuple[str, ...]] = ("",)
    credentials: ClassVar[tuple[str, ...]] = (
        *("app_id", "secret", "shop"),
        *("access_token", "refresh_token"),
    )
    source: ClassVar[Source] = pull
    terms: ClassVar[Terms] = pull.TERMS
    application: ClassVar[tuple[str, ...]] = consent.APPLICATION
    consent: ClassVar[Consent] = consent
    kinds: ClassVar[Mapping[str, LineKind]] = words.KINDS
    unverified: ClassVar[Mapping[str, str]] = {
        wallet.WALLET: f"{_FIELDS}; rows have no id, and amounts no sign of their own",
        wallet.PENDING: f"{_FIELDS}; what is not completed is not booked",
        escrow.LIST: _FIELDS,
        escrow.DETAIL: f"{_FIELDS}; the formula is that of local orders",
        payouts.DETAIL: f"{_FIELDS}; its own example does not add up",
        payouts.INFO: _FIELDS,
        payouts.BILLING: f"{_FIELDS}; two of its words are known",
        payouts.INCOME: f"{_FIELDS}; its words are translated",
        "pull": "the calls from the vendor's documentation, no real answer seen; how the wallet's "
        "pages are counted is contradictory, the limit of calls is not stated, and the details of "
        "payouts are no longer given in every region",
        "consent": "the tokens from the vendor's documentation, no real answer seen; the address "
        "without a signature from another of its guides",
    }

    def recognises(self, document: Document) -> bool:
        """Whether the JSON has the field names of one of the answers."""
        known = [marks for marks, _ in (*_READERS, *_NO_ROWS)]
        return any(holds(document, marks) for marks in known)

    def read(self, document: Document) -> Iterator[Record]:
        """Read an API answer; `row` is the ordinal in its list. Raises ReadError."""
        for marks, reason in _NO_ROWS:
            if holds(document, marks):
                raise ReadError(reason, row=1)
        for marks, read in _READERS:
            if holds(document, marks):
                answer = Item(1, answer_of(document))
                if answer.said("error") not in _NO_ERROR:
                    said = f"{answer.said('error')} {answer.said('message')}"
                    raise ReadError(f"Shopee answered an error: {shown(said)}", row=1)
                return read(answer, document)
        raise ReadError("no answer of Shopee's payment APIs", row=1)

    def verify(self, hook: RawHook, link: Link, now: datetime) -> None:
        """Raise BadSignatureError unless the partner key signed URL and body; no clock."""
        push.verify(hook, link)

    def unwrap(self, hook: RawHook, link: Link) -> Document:
        """The body as it came."""
        return push.unwrap(hook)

    def delivery_id(self, hook: RawHook) -> str:
        """A hash of the raw body: the platform states no id that is confirmed."""
        return push.delivery_id(hook)

    def reply(self, accepted: bool) -> Reply:
        """200 or 401, both with an empty body."""
        return push.reply(accepted)


ADAPTER: Final = Shopee()
