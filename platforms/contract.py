"""The port: what an adapter is given and what it gives back (fetching: platforms/pulling.py).

An adapter turns documents (bytes) into records (frozen values). It knows no database, clock,
settings or network. Amounts are signed exact decimals in the currency's major unit: positive
increases what the merchant owns, negative decreases it. Instants are timezone-aware; days are
calendar days where the money moved.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import BinaryIO, ClassVar, Protocol, runtime_checkable

import msgspec


class LineKind(enum.StrEnum):
    """What a settlement line is, whatever the platform calls it."""

    SALE = "sale"
    REFUND = "refund"
    COMMISSION = "commission"
    ADVERTISING = "advertising"
    SHIPPING = "shipping"
    SUBSIDY = "subsidy"
    PENALTY = "penalty"
    RESERVE_HELD = "reserve_held"
    RESERVE_RELEASED = "reserve_released"
    LOAN = "loan"
    DEPOSIT = "deposit"
    TAX = "tax"
    PAYOUT = "payout"
    PAYOUT_RETURNED = "payout_returned"
    ADJUSTMENT = "adjustment"
    UNKNOWN = "unknown"


class PayoutStatus(enum.StrEnum):
    """How far the platform says a payout has come."""

    SCHEDULED = "scheduled"
    IN_TRANSIT = "in_transit"
    PAID = "paid"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """Opens a run of records that tie out together; `Totals` closes it.

    `books` is False for evidence that must never be booked alone (trade bills, intraday reports,
    notifications): the same money is stated elsewhere. `cash_account` names the platform's wallet
    the lines move ("" if none). `profile` names the layout that was read ("payouts_csv"); one that
    rests on secondary sources is listed in the adapter's `unverified`. `numbering` names where the
    lines' external ids come from, if the platform numbers one movement differently in its several
    documents: such are never mixed in a store.
    """

    account: str
    currency: str
    number: str = ""
    profile: str = ""
    numbering: str = ""
    cash_account: str = ""
    books: bool = True
    period_from: date | None = None
    period_to: date | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One signed movement of a store's balance at a platform.

    `external_id` is stable across overlapping exports and unique in a store. `payout_ref` is the
    external id of the payout that carries the line ("" if the platform does not say). `row` is the
    row of the source (1-based, counted over the file as a person sees it).
    """

    external_id: str
    kind: LineKind
    amount: Decimal
    currency: str
    event_at: datetime
    row: int
    order_ref: str = ""
    payout_ref: str = ""
    remittance: str = ""
    label: str = ""


class Payout(msgspec.Struct, frozen=True, kw_only=True):
    """One transfer from a platform to a bank account; amount positive = paid out.

    A negative amount is a platform collecting from the merchant. `derived` is True when the
    platform gave no payout row and the adapter summed the lines. `numbered` is False when it gave
    no number and the adapter made `external_id` of the day: another document may state it later.
    """

    external_id: str
    amount: Decimal
    currency: str
    status: PayoutStatus
    announced_at: datetime
    row: int
    arrives_on: date | None = None
    remittance: str = ""
    derived: bool = False
    numbered: bool = True


class Detail(msgspec.Struct, frozen=True, kw_only=True):
    """One transaction under a booked bank entry: evidence, never booked.

    `charges` is what the bank took (negative) or gave back. Whether `amount`
    already contains it differs from bank to bank: the entry's amount decides.
    """

    amount: Decimal | None = None
    currency: str = ""
    end_to_end_id: str = ""
    reference: str = ""
    counterparty: str = ""
    remittance: str = ""
    charges: Decimal | None = None


class BankLine(msgspec.Struct, frozen=True, kw_only=True):
    """One booked entry of a bank statement; amount positive = credit.

    `charges` stated for the entry as a whole: already inside `amount`. `row` is
    for people (the line of the source): an XML file may be one single line.
    """

    reference: str
    amount: Decimal
    currency: str
    booked_on: date | None
    row: int
    value_on: date | None = None
    counterparty: str = ""
    remittance: str = ""
    end_to_end_id: str = ""
    details: tuple[Detail, ...] = ()
    charges: Decimal | None = None


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """What the document itself says its statement adds up to; all optional.

    `credit` and `debit` are both positive; `opening` and `closing` are signed.
    """

    credit_count: int | None = None
    credit: Decimal | None = None
    debit_count: int | None = None
    debit: Decimal | None = None
    opening: Decimal | None = None
    closing: Decimal | None = None
    ties: bool | None = None
    """The adapter's own verdict where the format has a check of its own (a trade bill's totals)."""


class PaymentOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One payment a bank is to make; amount positive, in the currency's major unit.

    `number` is ours, unique for all time and at most 30 ASCII characters: it goes with the payment
    as its instruction and end-to-end id, and stands first in the remittance. Accounts are IBANs or
    a bank's own numbers. `creditor_bank` is a name, `creditor_agent` a BIC or a CNAPS code ("" if
    not known).
    """

    number: str
    amount: Decimal
    currency: str
    debtor_name: str
    debtor_account: str
    creditor_name: str
    creditor_account: str
    execute_on: date
    creditor_bank: str = ""
    creditor_agent: str = ""
    remittance: str = ""


class PaymentOutcome(enum.StrEnum):
    """How far a bank says an order has come. Only the statement proves that money moved."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    PENDING = "pending"
    BOOKED = "booked"
    REJECTED = "rejected"


class PaymentStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What a bank says of one order; or, with an empty `number`, of several at once.

    Without a number it speaks of every order of the message `message_id`, or of its block `block`
    only if that is given: a block is called by the number of its first order. Broader statuses come
    first, and later ones refine them. `word` is the bank's own for the outcome, `code` and `reason`
    why.
    """

    number: str
    outcome: PaymentOutcome
    code: str = ""
    reason: str = ""
    word: str = ""
    message_id: str = ""
    block: str = ""


Record = Statement | Line | Payout | BankLine | Totals


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Bytes as received. `open` gives a new seekable stream each time."""

    name: str
    head: bytes
    open: Callable[[], BinaryIO]
    origin: str = ""
    context: Mapping[str, str] = field(default_factory=dict)
    cursor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawHook:
    """A platform's message exactly as received; header names lower-case."""

    headers: Mapping[str, str]
    body: bytes
    url: str = ""
    """As it was registered at the platform, with its query."""
    method: str = "POST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What an adapter may know of a store link: secrets by their common names.

    Names: secret, app_key, app_id, token, aes_key, webhook_id, verification_token, public_key
    (PEM text); for calls of our own also app_secret, access_token, refresh_token, private_key (PEM
    text), serial (a certificate's number), shop (what the platform calls it, or its host), region
    (a country or site). Several values of one name (rotation) are separated by a newline, the one
    that signs first, except in a PEM, whose blocks follow one another.
    """

    secrets: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The byte-exact answer to a hook."""

    status: int
    body: bytes = b""
    content_type: str = ""


@runtime_checkable
class Adapter(Protocol):
    """What every module in adapters/ and banks/ offers as `ADAPTER`."""

    code: ClassVar[str]
    name: ClassVar[str]
    family: ClassVar[str]
    """"platform" or "bank"."""
    zone: ClassVar[str]
    cash_accounts: ClassVar[tuple[str, ...]]
    credentials: ClassVar[tuple[str, ...]]
    kinds: ClassVar[Mapping[str, LineKind]]
    unverified: ClassVar[Mapping[str, str]]
    """Profiles (`Statement.profile`) that rest on secondary sources, and why: shown to the user."""

    def recognises(self, document: Document) -> bool:
        """Whether the content (never the name) is this adapter's."""
        ...

    def read(self, document: Document) -> Iterator[Record]:
        """Yield Statement, records, Totals, … in file order.

        Raises ReadError(row) at the first thing that cannot be read; never a
        quiet subset.
        """
        ...


@runtime_checkable
class Pushes(Protocol):
    """An adapter whose platform calls us."""

    def verify(self, hook: RawHook, link: Link, now: datetime) -> None:
        """Return if the hook is authentic; raise BadSignatureError if not."""
        ...

    def unwrap(self, hook: RawHook, link: Link) -> Document:
        """Give the (decrypted) payload of a verified hook as a document."""
        ...

    def delivery_id(self, hook: RawHook) -> str:
        """The platform's own id of this delivery, for deduplication."""
        ...

    def reply(self, accepted: bool) -> Reply:
        """The answer the platform expects."""
        ...


@runtime_checkable
class Pays(Protocol):
    """A form in which a bank takes payment orders; a module in banks/ offers it as `ADAPTER`.

    It reads no statements: `registry.pays` finds it, `registry.recognise` does not.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    family: ClassVar[str]
    """"payment"."""

    def instruct(
        self, orders: Sequence[PaymentOrder], *, message_id: str, made_at: datetime
    ) -> Document:
        """Write the orders as one message; the same arguments give the same bytes.

        `message_id` is ours, unique for all time and at most 35 characters. Raises
        OrderError for an order the form cannot carry unchanged, and writes nothing.
        """
        ...

    def read_status(self, document: Document) -> Iterator[PaymentStatus]:
        """Yield what the bank says of earlier orders. Raises ReadError, before the first one."""
        ...


@runtime_checkable
class Challenges(Protocol):
    """An adapter whose platform tests the address before it sends what it signs."""

    def challenge(self, hook: RawHook, link: Link) -> Reply | None:
        """The byte-exact answer to such a test; None for any other message.

        Raises BadSignatureError for a test that is not the platform's.
        """
        ...


class AdapterError(Exception):
    """Base of the named errors an adapter raises."""


class ReadError(AdapterError):
    """A document cannot be read. `row` is 1-based as a person sees the file."""

    def __init__(self, reason: str, *, row: int | None = None) -> None:
        super().__init__(reason if row is None else f"row {row}: {reason}")
        self.reason = reason
        self.row = row


class UnrecognisedError(ReadError):
    """No adapter, or more than one, recognises the document."""


class OrderError(AdapterError):
    """A form cannot carry a payment order: its field `field` is too long, malformed, ….

    `number` is the order's, or "" where the fault is the message's.
    """

    def __init__(self, number: str, field: str, reason: str) -> None:
        super().__init__(f"{number}: {field} {reason}" if number else f"{field} {reason}")
        self.number = number
        self.field = field
        self.reason = reason


class BadSignatureError(AdapterError):
    """A hook is not authentic, too old, or malformed."""


class UnauthorisedError(AdapterError):
    """The platform refused our credentials."""


class RateLimitedError(AdapterError):
    """The platform asks to slow down; `retry_after` in seconds."""

    def __init__(self, reason: str, *, retry_after: int) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class UnavailableError(AdapterError):
    """The platform cannot answer now."""
