"""The only writer of the ledger: opens accounts, posts entries, reverses them.

Every function works inside the caller's transaction, in which `tributary.tenant` is the book, and
within a savepoint of its own: after a named error the caller's transaction is as it was. `now` is
when the ledger learns the fact (`known_at`); no function reads a clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import psycopg
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from uuid_utils.compat import uuid7

from ledger.drafts import (
    AccountSpec,
    Draft,
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
    named_errors,
)
from ledger.models import Side
from ledger.reading import ALWAYS, OPEN_BOOK, rows_of_open_book

__all__ = [
    "AccountSpec",
    "Draft",
    "Movement",
    "Side",
    "credit",
    "debit",
    "open_accounts",
    "post",
    "post_many",
    "reverse",
]


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
    batch = []
    for draft in drafts:
        check(draft)
        batch.append(_prepare(book, draft))
    if not batch:
        return []
    unique = _one_per_reference(batch)
    with named_errors(), transaction.atomic():
        accounts = _accounts(book, {m.account for entry in unique for m in entry.draft.movements})
        for entry in unique:
            _check_currencies(entry.draft, accounts)
        inserted = _insert(book, unique, accounts, now)
        ids = {entry.draft.reference: entry.id for entry in unique if entry.id in inserted}
        if len(ids) < len(unique):
            ids |= _earlier_ids(book, [entry for entry in unique if entry.id not in inserted])
    return [ids[entry.draft.reference] for entry in batch]


def reverse(*, book: UUID, reference: str, reason: str, now: datetime, booked_on: date) -> UUID:
    """Post the mirror of an entry, under `<reference>:reversed`, and return its id.

    An entry is reversed once: a second call returns the first reversal, whatever its reason and
    day. Raises UnknownEntryError, and the errors of `post_many`.
    """
    check_instant("now", now)
    check_day("booked_on", booked_on)
    check_text("reason", reason, least=0, most=2000)
    with named_errors(), transaction.atomic():
        original, reversal = _entry_and_reversal(book, reference)
        if reversal is not None:
            return reversal
        accounts, movements = _mirror(book, original)
        mirrored = Draft(
            reference=f"{reference}:reversed",
            kind="reversal",
            movements=movements,
            event_at=now,
            booked_on=booked_on,
            memo=reason,
        )
        entry = _prepare(book, mirrored, reverses=original)
        if _insert(book, [entry], accounts, now):
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


@dataclass(frozen=True, slots=True)
class _Entry:
    id: UUID
    draft: Draft
    hash: bytes
    reverses: UUID | None


@dataclass(frozen=True, slots=True)
class _Account:
    id: UUID
    currency: str


def _prepare(book: UUID, draft: Draft, reverses: UUID | None = None) -> _Entry:
    content = content_hash(book=book, draft=draft, reverses=reverses)
    return _Entry(uuid7(), draft, content, reverses)


def _one_per_reference(batch: Iterable[_Entry]) -> list[_Entry]:
    """The batch without repetitions, by reference: everybody waits for unique keys in one order."""
    first: dict[str, _Entry] = {}
    for entry in batch:
        if first.setdefault(entry.draft.reference, entry).hash != entry.hash:
            raise DuplicateReferenceError(f"{entry.draft.reference} occurs with two contents")
    return [first[reference] for reference in sorted(first)]


def _check_currencies(draft: Draft, accounts: dict[str, _Account]) -> None:
    for movement in draft.movements:
        account = accounts[movement.account]
        if movement.currency != account.currency:
            raise CurrencyMismatchError(
                f"{draft.reference}: {movement.currency} on {movement.account}"
            )


# --- Reading ------------------------------------------------------------------------------

_ACCOUNTS = f"""
SELECT {OPEN_BOOK}, a.code, a.id, a.currency, a.normal_side, a.floor
FROM {ALWAYS} LEFT JOIN ledger_ledgeraccount a ON a.book = %s AND a.code = ANY(%s)
"""


def _accounts(book: UUID, codes: Iterable[str]) -> dict[str, _Account]:
    wanted = list(codes)
    rows = rows_of_open_book(book, _ACCOUNTS, [book, wanted])
    found = {code: _Account(id, currency) for code, id, currency, _, _ in rows}
    if missing := sorted(set(wanted) - found.keys()):
        raise UnknownAccountError(f"no such account: {', '.join(missing[:10])}")
    return found


def _open_specs(book: UUID, codes: Iterable[str]) -> dict[str, AccountSpec]:
    rows = rows_of_open_book(book, _ACCOUNTS, [book, list(codes)])
    return {
        code: AccountSpec(code=code, currency=currency, normal_side=Side(side), floor=floor)
        for code, _, currency, side, floor in rows
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


def _mirror(book: UUID, entry: UUID) -> tuple[dict[str, _Account], tuple[Movement, ...]]:
    """The accounts an entry moves, and its movements with the sides exchanged."""
    sql = """
        SELECT p.side, a.code, p.amount, p.currency, p.subject, a.id
        FROM ledger_journalentry e
        JOIN ledger_posting p
          ON p.book = e.book AND p.entry_id = e.id AND p.known_at = e.known_at
        JOIN ledger_ledgeraccount a ON a.book = p.book AND a.id = p.account_id
        WHERE e.book = %s AND e.id = %s ORDER BY p.line_no
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [book, entry])
        rows = cursor.fetchall()
    accounts = {code: _Account(id, currency) for _, code, _, currency, _, id in rows}
    return accounts, tuple(
        Movement(Side(side).other, code, amount, currency, subject)
        for side, code, amount, currency, subject, _ in rows
    )


# --- Writing ------------------------------------------------------------------------------

_INSERT = """
WITH entry AS (
    INSERT INTO ledger_journalentry (id, reference, kind, content_hash, posting_count,
        event_at, booked_on, memo, reverses, book, known_at)
    SELECT *, %b, %b FROM unnest(%b::uuid[], %b::text[], %b::text[], %b::bytea[],
        %b::smallint[], %b::timestamptz[], %b::date[], %b::text[], %b::uuid[])
    ON CONFLICT DO NOTHING
    RETURNING id, book, known_at, booked_on
), posting AS (
    INSERT INTO ledger_posting (entry_id, book, known_at, booked_on, line_no, account_id,
        currency, side, amount, subject)
    SELECT entry.id, book, known_at, booked_on, line_no, account_id, currency, side, amount,
        subject
    FROM unnest(%b::uuid[], %b::smallint[], %b::uuid[], %b::text[], %b::text[], %b::bigint[],
        %b::uuid[]) AS m (id, line_no, account_id, currency, side, amount, subject)
    JOIN entry ON entry.id = m.id
)
SELECT id FROM entry
"""


def _insert(
    book: UUID, batch: list[_Entry], accounts: dict[str, _Account], now: datetime
) -> set[UUID]:
    """Insert the entries whose references are free, with their postings; returns their ids.

    One statement, as the database demands. It waits for whoever is writing the same reference.
    """
    entries = [
        (e.id, d.reference, d.kind, e.hash, len(d.movements), d.event_at, d.booked_on, d.memo,
         e.reverses)
        for e in batch
        for d in (e.draft,)
    ]  # fmt: skip
    postings = [
        (e.id, line, accounts[m.account].id, m.currency, m.side.value, m.amount, m.subject)
        for e in batch
        for line, m in enumerate(e.draft.movements, start=1)
    ]
    columns = [list(c) for rows in (entries, postings) for c in zip(*rows, strict=True)]
    # Django's own cursor writes parameters into the SQL text; as binary arrays they cost a fifth.
    with CursorWrapper(psycopg.Cursor(connection.connection), connection) as cursor:
        cursor.execute(_INSERT, [book, now, *columns])
        return {id for (id,) in cursor.fetchall()}


def _earlier_ids(book: UUID, batch: list[_Entry]) -> dict[str, UUID]:
    """Ids of entries posted before. Raises DuplicateReferenceError where the content differs."""
    sql = """
        SELECT reference, id, content_hash FROM ledger_journalentry
        WHERE book = %s AND reference = ANY(%s)
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [book, [entry.draft.reference for entry in batch]])
        found = {reference: (id, bytes(hash)) for reference, id, hash in cursor.fetchall()}
    for entry in batch:
        if found[entry.draft.reference][1] != entry.hash:
            raise DuplicateReferenceError(f"{entry.draft.reference} is posted with other content")
    return {reference: id for reference, (id, _) in found.items()}


def _insert_accounts(book: UUID, specs: list[AccountSpec], now: datetime) -> None:
    sql = """
        INSERT INTO ledger_ledgeraccount (id, code, currency, normal_side, floor, book, opened_at)
        SELECT *, %s, %s
        FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::text[], %s::bigint[])
        ON CONFLICT (book, code) DO NOTHING
    """
    rows = [(uuid7(), s.code, s.currency, s.normal_side.value, s.floor) for s in specs]
    with connection.cursor() as cursor:
        cursor.execute(sql, [book, now, *map(list, zip(*rows, strict=True))])
