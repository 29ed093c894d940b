"""What a caller asks the ledger to write, checked before the database is asked.

Amounts are whole minor units (cents, yen, fils) and always positive; the side gives the sign.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from uuid import UUID

from ledger.errors import (
    IncompleteEntryError,
    InvalidAmountError,
    InvalidDraftError,
    UnbalancedError,
)
from ledger.models import Side

# Python looks an enum's member up by a function; once is enough.
_DEBIT, _CREDIT = Side.DEBIT, Side.CREDIT

AMOUNT_LIMIT = 10**15
POSTINGS_LIMIT = 32_767
"""`posting_count` is a smallint."""


@dataclass(frozen=True, slots=True)
class Movement:
    """`amount` minor units of `currency` on one side of the account with the code `account`.

    `subject` is what the money is about, for sums by subject.
    """

    side: Side
    account: str
    amount: int
    currency: str
    subject: UUID | None = None


def debit(account: str, amount: int, currency: str, *, subject: UUID | None = None) -> Movement:
    """A movement on the debit side."""
    return Movement(Side.DEBIT, account, amount, currency, subject)


def credit(account: str, amount: int, currency: str, *, subject: UUID | None = None) -> Movement:
    """A movement on the credit side."""
    return Movement(Side.CREDIT, account, amount, currency, subject)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """How an entry relates to an earlier one of the book, which `reference` names.

    With an account and an amount it is lineage: of what the entry takes from that guarded account,
    `amount` minor units are money the earlier one brought there.
    """

    relation: str
    reference: str
    account: str | None = None
    amount: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An entry to be: balanced movements under a reference that names the fact once and for all.

    `event_at` is when it happened; `booked_on`, a day in the book's zone, decides the period.
    `metadata` is text by name, kept and hashed, without a meaning to the ledger.
    """

    reference: str
    kind: str
    movements: tuple[Movement, ...]
    event_at: datetime
    booked_on: date
    memo: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSpec:
    """An account to be open.

    `floor` is the least the available balance may be, in minor units and in the sense of the
    normal side, at most 0. None leaves the account unguarded, and cheaper to post to. Facts may go
    down to the floor; promises (holds) may take what is available `overdraft` minor units below
    zero, at most down to the floor.
    """

    code: str
    currency: str
    normal_side: Side
    floor: int | None = None
    overdraft: int = 0


def check(draft: Draft) -> None:
    """Return if the draft can become an entry of its own accord.

    Raises InvalidDraftError, InvalidAmountError, IncompleteEntryError or UnbalancedError.
    """
    check_text("reference", draft.reference, least=1, most=200)
    check_text("kind", draft.kind, least=1, most=100)
    check_text("memo", draft.memo, least=0, most=2000)
    check_instant("event_at", draft.event_at)
    check_day("booked_on", draft.booked_on)
    if draft.metadata or draft.links:
        _check_extras(draft)
    if not 2 <= len(draft.movements) <= POSTINGS_LIMIT:
        raise IncompleteEntryError(f"{draft.reference}: {len(draft.movements)} movements")
    net: defaultdict[str, int] = defaultdict(int)
    for movement in draft.movements:
        check_amount(draft.reference, movement.amount)
        if movement.side is _DEBIT:
            net[movement.currency] += movement.amount
        elif movement.side is _CREDIT:
            net[movement.currency] -= movement.amount
        else:
            raise InvalidDraftError(f"{draft.reference}: no side {movement.side!r}")
    if any(net.values()):
        off = {currency: amount for currency, amount in net.items() if amount}
        raise UnbalancedError(f"{draft.reference}: debits less credits are {off}")


def _check_extras(draft: Draft) -> None:
    for name, value in draft.metadata.items():
        check_text("metadata name", name, least=1, most=100)
        check_text(f"metadata {name}", value, least=0, most=2000)
    for link in draft.links:
        check_text("relation", link.relation, least=1, most=100)
        if (link.account is None) != (link.amount is None):
            raise InvalidDraftError(f"{draft.reference}: lineage has an account and an amount")
        if link.amount is not None:
            check_amount(draft.reference, link.amount)


def check_account(spec: AccountSpec) -> None:
    """Return if the account can be opened. Raises InvalidDraftError."""
    check_text("code", spec.code, least=1, most=200)
    if re.fullmatch("[A-Z]{3}", spec.currency) is None:
        raise InvalidDraftError(f"{spec.code}: no currency code {spec.currency!r}")
    if not isinstance(spec.normal_side, Side):
        raise InvalidDraftError(f"{spec.code}: no side {spec.normal_side!r}")
    if spec.floor is not None and not -AMOUNT_LIMIT < spec.floor <= 0:
        raise InvalidDraftError(f"{spec.code}: a floor of {spec.floor} cannot be kept from nothing")
    if not 0 <= spec.overdraft <= -(spec.floor or 0):
        raise InvalidDraftError(f"{spec.code}: overdraft {spec.overdraft} is beyond its floor")


def check_amount(whose: str, value: int) -> None:
    """Raise InvalidAmountError unless the amount is a whole number between 1 and 10^15 - 1."""
    if type(value) is not int or not 0 < value < AMOUNT_LIMIT:
        raise InvalidAmountError(f"{whose}: {value!r} minor units")


def check_instant(name: str, value: datetime) -> None:
    """Raise InvalidDraftError unless the instant is aware."""
    if value.tzinfo is None:
        raise InvalidDraftError(f"{name} is a naive time")


def check_day(name: str, value: date) -> None:
    """Raise InvalidDraftError for a datetime, which Python takes for a date: whose day is it?"""
    if isinstance(value, datetime):
        raise InvalidDraftError(f"{name} is an instant, not a day")


def check_text(name: str, value: str, *, least: int, most: int) -> None:
    """Raise InvalidDraftError unless the text is storable and has so many characters."""
    if not least <= len(value) <= most or "\0" in value:
        raise InvalidDraftError(f"{name} is empty, too long or not plain text: {value[:50]!r}")
    if value.isascii():
        return
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidDraftError(f"{name} is no Unicode text") from error


# --- The content hash ---------------------------------------------------------------------
#
# SHA-256 over the fields in order, each as its length in characters, a colon and its text; an
# absent one is a dash. Lengths instead of separators: no two contents share an encoding. The
# entry's id and known_at stay out, so that a repeated request finds the same hash. What few entries
# have (a hold, metadata, links) follows the movements under its name, and is left out otherwise.
# CONTENT_HASH_SQL and HOLD_HASH_SQL are the same computed from the rows.

VERSION = "entry-1"
HOLD_VERSION = "hold-1"
ABSENT = "-"


def content_hash(
    *, book: UUID, draft: Draft, reverses: UUID | None = None, hold: str | None = None
) -> bytes:
    """The SHA-256 of everything an entry says, by which a repeated request is recognised.

    `hold` is the reference of the hold it posts.
    """
    # Fields of a length that never changes are written out: batches are hashed entry by entry.
    parts = [
        f"7:{VERSION}36:{_book(book)}{len(draft.reference)}:{draft.reference}{len(draft.kind)}:{draft.kind}"
        f"26:{instant(draft.event_at)}10:{draft.booked_on.isoformat()}{len(draft.memo)}:{draft.memo}"
        f"{ABSENT if reverses is None else f'36:{reverses}'}"
    ]
    for movement in draft.movements:
        account, currency, subject = movement.account, movement.currency, movement.subject
        digits = str(movement.amount)
        parts.append(
            f"1:{'D' if movement.side is _DEBIT else 'C'}{len(account)}:{account}"
            f"{len(digits)}:{digits}{len(currency)}:{currency}"
            f"{ABSENT if subject is None else f'36:{subject}'}"
        )
    if hold is not None or draft.metadata or draft.links:
        parts.append(_extras(draft, hold))
    return hashlib.sha256("".join(parts).encode()).digest()


def _extras(draft: Draft, hold: str | None) -> str:
    fields: list[str | None] = []
    if hold is not None:
        fields += ["hold", hold]
    if draft.metadata:
        fields += ["metadata", str(len(draft.metadata))]
        for name in sorted(draft.metadata):
            fields += [name, draft.metadata[name]]
    if draft.links:
        fields += ["links", str(len(draft.links))]
        for link in draft.links:
            amount = None if link.amount is None else str(link.amount)
            fields += [link.relation, link.reference, link.account, amount]
    return canonical(fields)


def hold_hash(
    *,
    book: UUID,
    reference: str,
    account: str,
    amount: int,
    currency: str,
    subject: UUID | None,
    expires_at: datetime | None,
) -> bytes:
    """The SHA-256 of everything a hold was asked to be; `placed_at` stays out, as known_at does."""
    return _sha256(
        [
            HOLD_VERSION,
            str(book),
            reference,
            account,
            str(amount),
            currency,
            None if subject is None else str(subject),
            None if expires_at is None else instant(expires_at),
        ]
    )


# Entries of a batch often share instants and always their book.
@lru_cache(maxsize=4096)
def instant(value: datetime) -> str:
    """An instant as every canonical text has it: UTC, microseconds, 26 characters."""
    return value.astimezone(UTC).isoformat("T", "microseconds")[:26]


@lru_cache(maxsize=16)
def _book(value: UUID) -> str:
    return str(value)


def canonical(fields: Iterable[str | None]) -> str:
    """Fields as one text that no other fields have; an absent one is None."""
    return "".join([ABSENT if each is None else f"{len(each)}:{each}" for each in fields])


def _sha256(fields: Iterable[str | None]) -> bytes:
    return hashlib.sha256(canonical(fields).encode()).digest()


def instant_sql(column: str) -> str:
    """`instant` in SQL."""
    return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')"""


def canonical_sql(*expressions: str) -> str:
    """`canonical` in SQL, of expressions that are text."""
    fields = (f"coalesce(length({e}) || ':' || {e}, '{ABSENT}')" for e in expressions)
    return " || ".join(fields)


_ENTRY_SQL = canonical_sql(
    f"'{VERSION}'",
    "e.book::text",
    "e.reference",
    "e.kind",
    instant_sql("e.event_at"),
    "to_char(e.booked_on, 'YYYY-MM-DD')",
    "e.memo",
    "e.reverses::text",
)
_POSTING_SQL = canonical_sql(
    "p.side::text", "a.code", "p.amount::text", "p.currency::text", "p.subject::text"
)

_HOLD_OF_ENTRY_SQL = f"""
    (SELECT {canonical_sql("'hold'", "o.reference")} FROM ledger_hold o
     WHERE o.book = e.book AND o.id = e.hold_id)"""
_METADATA_SQL = f"""
    (SELECT {canonical_sql("'metadata'", "count(*)::text")}
        || string_agg({canonical_sql("m.key", "m.value")}, '' ORDER BY m.key COLLATE "C")
     FROM jsonb_each_text(e.metadata) m HAVING count(*) > 0)"""
_LINKS_SQL = f"""
    (SELECT {canonical_sql("'links'", "count(*)::text")} || string_agg(
        {canonical_sql("l.relation", "t.reference", "c.code", "l.amount::text")},
        '' ORDER BY l.link_no)
     FROM ledger_link l
     LEFT JOIN ledger_journalentry t ON t.book = l.book AND t.id = l.target_id
     LEFT JOIN ledger_ledgeraccount c ON c.book = l.book AND c.id = l.account_id
     WHERE l.book = e.book AND l.entry_id = e.id HAVING count(*) > 0)"""
_EXTRAS_SQL = (
    f"coalesce({_HOLD_OF_ENTRY_SQL}, '') || coalesce({_METADATA_SQL}, '')"
    f" || coalesce({_LINKS_SQL}, '')"
)

CONTENT_HASH_SQL = (
    f"sha256(convert_to({_ENTRY_SQL} || string_agg({_POSTING_SQL}, '' ORDER BY p.line_no)"
    f" || {_EXTRAS_SQL}, 'UTF8'))"
)
"""Over entries `e` joined with postings `p` and accounts `a`, grouped by entry."""

_HOLD_SQL = canonical_sql(
    f"'{HOLD_VERSION}'",
    "h.book::text",
    "h.reference",
    "a.code",
    "h.amount::text",
    "h.currency::text",
    "h.subject::text",
    instant_sql("h.expires_at"),
)

HOLD_HASH_SQL = f"sha256(convert_to({_HOLD_SQL}, 'UTF8'))"
"""Over holds `h` joined with their accounts `a`."""

_CLOSING_SQL = canonical_sql("'closing-1'", "c.book::text", "to_char(c.through, 'YYYY-MM-DD')")
_TOTALS_SQL = canonical_sql(
    "t.code", "t.currency::text", "t.debits::bigint::text", "t.credits::bigint::text"
)

CLOSING_DIGEST_SQL = (
    f"sha256(convert_to({_CLOSING_SQL} || coalesce(string_agg({_TOTALS_SQL}, ''"
    """ ORDER BY t.code COLLATE "C") FILTER (WHERE t.code IS NOT NULL), ''), 'UTF8'))"""
)
"""Over closings `c` joined with the totals `t` of their accounts, grouped by closing."""
