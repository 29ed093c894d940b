"""The only writer of the ledger: opens accounts, posts entries, reverses them.

Every function works inside the caller's transaction, in which `tributary.tenant` is the book, and
within a savepoint or subtransaction of its own: after a named error the caller's transaction is as
it was. Outside of a transaction `post` and `post_many` open the book for themselves and are done,
durably, when they return: one statement. `now` is when the ledger learns the fact (`known_at`); no
function reads a clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from operator import attrgetter
from uuid import UUID

from django.db import connection, transaction
from uuid_utils.compat import uuid7

from ledger.drafts import (
    AccountSpec,
    Draft,
    Link,
    Movement,
    check,
    check_account,
    check_day,
    check_instant,
    check_text,
    content_hash,
    credit,
    debit,
)
from ledger.errors import (
    AccountConflictError,
    CurrencyMismatchError,
    DuplicateReferenceError,
    UnknownAccountError,
    UnknownEntryError,
    named,
)
from ledger.models import Side
from ledger.reading import ALWAYS, OPEN_BOOK, open_book, rows_of_open_book
from ledger.single import write_one
from ledger.writing import Broken, Earlier, Entry, write, write_pieces

__all__ = [
    "AccountSpec",
    "Draft",
    "Link",
    "Movement",
    "Side",
    "credit",
    "debit",
    "open_accounts",
    "post",
    "post_hold",
    "post_many",
    "reverse",
]

PIECE = 500
"""Entries PostgreSQL writes while as many are made ready. A socket holds what is sent of them (some
200 kB): more would not be sent before the next."""


def post(*, book: UUID, draft: Draft, now: datetime) -> UUID:
    """Post one entry and return its id; errors as for `post_many`."""
    return post_many(book=book, drafts=[draft], now=now)[0]


def post_many(*, book: UUID, drafts: Iterable[Draft], now: datetime) -> list[UUID]:
    """Post all drafts or none and return the entries' ids in the drafts' order.

    A draft whose reference is posted already, with the same content, writes nothing and gives the
    old entry's id. Raises DuplicateReferenceError for other content, the errors of `drafts.check`,
    UnknownAccountError, CurrencyMismatchError, InsufficientFundsError, MissingPartitionError and
    BookNotOpenError.
    """
    check_instant("now", now)
    drafts = list(drafts)
    if len(drafts) >= PIECE * 2 and (posted := _in_pieces(book, drafts, now)):
        return [posted[draft.reference] for draft in drafts]
    batch = [_entry(book, draft) for draft in drafts]
    waiting = _one_per_reference(batch)
    ids = {entry.draft.reference: entry.id for entry in waiting}
    while waiting and (earlier := _write(book, waiting, now)):
        ids |= _ids_if_the_same(earlier, waiting)
        waiting = [entry for entry in waiting if entry.draft.reference not in earlier]
    return [ids[entry.draft.reference] for entry in batch]


def post_hold(*, book: UUID, hold: UUID, reference: str, draft: Draft, now: datetime) -> UUID:
    """Post one entry that takes what it takes from a hold, and return its id.

    `reference` is the hold's. For `ledger.holds.post`, which knows how much is left. Raises the
    errors of `post_many`, UnknownHoldError, HoldSettledError and HoldMismatchError.
    """
    entry = Entry(uuid7(), draft, content_hash(book=book, draft=draft, hold=reference))
    earlier = _write(book, [entry], now, hold=hold)
    return _ids_if_the_same(earlier, [entry]).get(draft.reference, entry.id)


def reverse(*, book: UUID, reference: str, reason: str, now: datetime, booked_on: date) -> UUID:
    """Post the mirror of an entry, under `<reference>:reversed`, and return its id.

    An entry is reversed once: a second call returns the first reversal, whatever its reason and
    day. Raises UnknownEntryError, and the errors of `post_many`.
    """
    check_instant("now", now)
    check_day("booked_on", booked_on)
    check_text("reason", reason, least=0, most=2000)
    original, reversal = _entry_and_reversal(book, reference)
    if reversal is not None:
        return reversal
    mirrored = Draft(
        reference=f"{reference}:reversed",
        kind="reversal",
        movements=_mirror(book, original),
        event_at=now,
        booked_on=booked_on,
        memo=reason,
    )
    entry = Entry(uuid7(), mirrored, content_hash(book=book, draft=mirrored, reverses=original))
    if not _write(book, [entry], now, reverses=original):
        return entry.id
    # Somebody else came first while we waited for the unique key.
    _, reversal = _entry_and_reversal(book, reference)
    if reversal is None:
        raise DuplicateReferenceError(f"{mirrored.reference} is taken by another entry")
    return reversal


def open_accounts(*, book: UUID, specs: Iterable[AccountSpec], now: datetime) -> None:
    """Open the accounts that are not open yet.

    Raises AccountConflictError when one is open with another currency, normal side or floor,
    InvalidDraftError for a malformed one, and BookNotOpenError.
    """
    check_instant("now", now)
    wanted: dict[str, AccountSpec] = {}
    for spec in specs:
        check_account(spec)
        if wanted.setdefault(spec.code, spec) != spec:
            raise AccountConflictError(f"{spec.code} is asked for in two ways")
    if not wanted:
        return
    with transaction.atomic():
        missing = wanted.keys() - _open_specs(book, wanted).keys()
        if missing:
            _insert_accounts(book, [wanted[code] for code in sorted(missing)], now)
        for code, found in _open_specs(book, wanted).items():
            if found != wanted[code]:
                raise AccountConflictError(f"{code} is open as {found}, not {wanted[code]}")


# --- Preparing ----------------------------------------------------------------------------


def _entry(book: UUID, draft: Draft) -> Entry:
    check(draft)
    return Entry(uuid7(), draft, content_hash(book=book, draft=draft))


def _one_per_reference(batch: Iterable[Entry]) -> list[Entry]:
    """The batch without repetitions, by reference: everybody waits for unique keys in one order."""
    first: dict[str, Entry] = {}
    for entry in batch:
        if first.setdefault(entry.draft.reference, entry).hash != entry.hash:
            raise DuplicateReferenceError(f"{entry.draft.reference} occurs with two contents")
    return [first[reference] for reference in sorted(first)]


# --- Reading ------------------------------------------------------------------------------

_ACCOUNTS = f"""
SELECT {OPEN_BOOK}, a.code, a.id, a.currency, a.normal_side, a.floor,
    a.overdraft
FROM {ALWAYS} LEFT JOIN ledger_ledgeraccount a ON a.book = %s AND a.code = ANY(%s)
"""


def _open_specs(book: UUID, codes: Iterable[str]) -> dict[str, AccountSpec]:
    rows = rows_of_open_book(book, _ACCOUNTS, [book, list(codes)])
    return {
        code: AccountSpec(
            code=code,
            currency=currency,
            normal_side=Side(side),
            floor=floor,
            overdraft=overdraft,
        )
        for code, _, currency, side, floor, overdraft in rows
    }


def _entry_and_reversal(book: UUID, reference: str) -> tuple[UUID, UUID | None]:
    sql = f"""
        SELECT {OPEN_BOOK}, e.id, r.id
        FROM {ALWAYS}
        LEFT JOIN ledger_journalentry e ON e.book = %s AND e.reference = %s
        LEFT JOIN ledger_journalentry r ON r.book = e.book AND r.reverses = e.id
    """
    rows = rows_of_open_book(book, sql, [book, reference])
    if not rows:
        raise UnknownEntryError(f"no entry has the reference {reference}")
    [(entry, reversal)] = rows
    return entry, reversal


def _mirror(book: UUID, entry: UUID) -> tuple[Movement, ...]:
    """An entry's movements with the sides exchanged."""
    sql = """
        SELECT p.side, a.code, p.amount, p.currency, p.subject
        FROM ledger_journalentry e
        JOIN ledger_posting p
          ON p.book = e.book AND p.entry_id = e.id AND p.known_at = e.known_at
        JOIN ledger_ledgeraccount a ON a.book = p.book AND a.id = p.account_id
        WHERE e.book = %s AND e.id = %s ORDER BY p.line_no
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [book, entry])
        return tuple(
            Movement(Side(side).other, code, amount, currency, subject)
            for side, code, amount, currency, subject in cursor.fetchall()
        )


# --- Writing ------------------------------------------------------------------------------


def _write(
    book: UUID,
    batch: list[Entry],
    now: datetime,
    reverses: UUID | None = None,
    hold: UUID | None = None,
) -> Earlier:
    """Write all entries and return nothing, or the earlier ones that keep them from it."""
    plain = reverses is None and hold is None and len(batch) == 1 and not batch[0].draft.links
    if plain and not connection.in_atomic_block:
        outcome = write_one(book, batch[0], now)
    else:
        outcome = write(book, batch, now, reverses=reverses, hold=hold)
    if not isinstance(outcome, Broken):
        return outcome
    if not connection.in_atomic_block:
        # It wrote in a transaction of its own, which is over; the book is closed again.
        with transaction.atomic():
            open_book(book)
            _check_accounts(book, [entry.draft for entry in batch])
    else:
        _check_accounts(book, [entry.draft for entry in batch])
    raise named(outcome.sentence, outcome.message or outcome.sentence)


class _RefusedError(Exception):
    """One of the pieces was refused, or is not for writing in pieces."""


def _in_pieces(book: UUID, drafts: list[Draft], now: datetime) -> dict[str, UUID]:
    """Post many drafts that are all new, a piece while the next is made ready; ids by reference.

    Empty, and nothing is posted, where it takes more than that: references posted before, guarded
    accounts, links, anything wrong but a malformed draft. Pieces are written in the order of their
    references, for which all wait in one order; balances, which all lock after that, would come in
    between.
    """
    posted: dict[str, UUID] = {}

    def pieces() -> Iterator[list[Entry]]:
        ordered = sorted(drafts, key=attrgetter("reference"))
        for first in range(0, len(ordered), PIECE):
            piece = [_entry(book, draft) for draft in ordered[first : first + PIECE]]
            posted.update({entry.draft.reference: entry.id for entry in piece})
            yield piece

    alone = not connection.in_atomic_block
    try:
        with transaction.atomic():
            if alone:
                open_book(book)
            if not (_are_plain(book, drafts) and write_pieces(book, pieces(), now)):
                raise _RefusedError
    except _RefusedError:
        return {}
    return posted


def _are_plain(book: UUID, drafts: list[Draft]) -> bool:
    """Whether no reference occurs twice, no draft has links, and no account is guarded."""
    if len({draft.reference for draft in drafts}) < len(drafts):
        return False
    if any(draft.links for draft in drafts):
        return False
    codes = {movement.account for draft in drafts for movement in draft.movements}
    specs = _open_specs(book, codes)
    return specs.keys() == codes and all(spec.floor is None for spec in specs.values())


def _check_accounts(book: UUID, drafts: list[Draft]) -> None:
    """Name what is wrong with the accounts: a book that is not open, unknown ones, currencies."""
    wanted = {movement.account for draft in drafts for movement in draft.movements}
    found = _open_specs(book, wanted)
    if missing := sorted(wanted - found.keys()):
        raise UnknownAccountError(f"no such account: {', '.join(missing[:10])}")
    for draft in drafts:
        for movement in draft.movements:
            if movement.currency != found[movement.account].currency:
                raise CurrencyMismatchError(
                    f"{draft.reference}: {movement.currency} on {movement.account}"
                )


def _ids_if_the_same(earlier: Earlier, batch: list[Entry]) -> dict[str, UUID]:
    """Ids of entries posted before. Raises DuplicateReferenceError where the content differs."""
    for entry in batch:
        reference = entry.draft.reference
        if reference in earlier and earlier[reference][1] != entry.hash:
            raise DuplicateReferenceError(f"{reference} is posted with other content")
    return {reference: id for reference, (id, _) in earlier.items()}


def _insert_accounts(book: UUID, specs: list[AccountSpec], now: datetime) -> None:
    sql = """
        INSERT INTO ledger_ledgeraccount (id, code, currency, normal_side, floor, overdraft, book,
            opened_at)
        SELECT *, %s, %s
        FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[])
        ON CONFLICT (book, code) DO NOTHING
    """
    rows = [(uuid7(), s.code, s.currency, s.normal_side.value, s.floor, s.overdraft) for s in specs]
    with connection.cursor() as cursor:
        cursor.execute(sql, [book, now, *map(list, zip(*rows, strict=True))])
