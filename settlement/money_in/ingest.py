"""Documents come in: bytes first, then meaning; whole or not at all.

`receive` keeps the bytes and makes the row that says "read this". `read`
recognises, streams, ties out, stores and books in one transaction; whatever
goes wrong leaves only the document and its report.
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, TypedDict
from uuid import UUID

from django.conf import settings
from django.db import DataError, connection
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import acting_for
from accounts.models import BankAccount, Store, User
from accounts.queries import number_of
from platforms import registry
from platforms.contract import Adapter, Document, Payout, ReadError, Record
from settlement import bookings
from settlement.errors import AlreadyStoredError, FractionError, RefusedError
from settlement.models import BankLine as BankLineRow
from settlement.models import (
    BankStatement,
    ColumnProfile,
    DocumentState,
    PayoutState,
    Reason,
    SourceDocument,
)
from settlement.money_in import originals, requests
from settlement.money_in.merging import merge_lines
from settlement.money_in.payouts import store_payouts
from settlement.money_in.sections import Section, read_sections
from settlement.money_in.staging import staged_lines
from settlement.money_in.statements import find_accounts, staged_bank_lines, store_statements
from settlement.money_in.wallets import store_wallets
from settlement.work import DOCUMENT, Lease, claim, kept_alive

log = logging.getLogger(__name__)
HEAD_BYTES = 64 * 1024
READING_CHANGES = [
    "code", "unverified", "numbering", "state", "bytes_read", "readings", "rows_kept", "rows_known",
    "rows_restated", "lease_until", "lease_token", "loaded_at",
]  # fmt: skip


def receive(
    *,
    merchant_id: UUID,
    stream: BinaryIO,
    name: str,
    store: Store | None,
    uploaded_by: User | None = None,
    origin: str = "upload",
    now: datetime | None = None,
    bank_account: BankAccount | None = None,
    column_profile: ColumnProfile | None = None,
) -> SourceDocument:
    """Keep the bytes and ask for them to be read; `store` is None for a bank's file.

    `bank_account` is the one a bank's file is of, where it does not say so itself;
    `column_profile` reads a bank's CSV that no built-in layout fits. A file refused
    before may be sent again and is read anew. Raises AlreadyStoredError if the bytes
    are here already, RefusedError if they are empty or too many.
    """
    try:
        original = originals.keep(
            stream, merchant_id=merchant_id, limit=settings.DOCUMENT_MAX_BYTES
        )
    except ValueError as error:
        raise RefusedError(str(error)) from error
    if not original.size:
        raise RefusedError(_("the file is empty"))
    with acting_for(merchant_id):
        belongs = _Belongs(
            store=store, bank_account=bank_account, column_profile=column_profile, context={}
        )
        document = _row(merchant_id, original, name, belongs, uploaded_by, origin, now)
        requests.reading_wanted(document)
    return document


def keep_fetched(
    original: originals.Original, *, document: Document, store: Store, now: datetime
) -> bool:
    """Make the row of a fetched document whose bytes are kept; False if it was here already.

    Inside `acting_for`, in the transaction that moves the cursor past it. Raises RefusedError
    where another store has brought the very same bytes: they would count for one of them only.
    """
    belongs = _Belongs(
        store=store, bank_account=None, column_profile=None, context=dict(document.context)
    )
    try:
        row = _row(store.merchant_id, original, document.name, belongs, None, document.origin, now)
    except AlreadyStoredError as error:
        if SourceDocument.objects.filter(id=error.document_id, store=store).exists():
            return False
        raise RefusedError(_("another store has brought the very same document")) from error
    requests.reading_wanted(row)
    return True


class _Belongs(TypedDict):
    """Whose a document is, and how it is read; all of it may be given anew after a refusal."""

    store: Store | None
    bank_account: BankAccount | None
    column_profile: ColumnProfile | None
    context: dict[str, str]


def _row(
    merchant_id: UUID,
    original: originals.Original,
    name: str,
    belongs: _Belongs,
    uploaded_by: User | None,
    origin: str,
    now: datetime | None,
) -> SourceDocument:
    document, created = SourceDocument.objects.exclude(state=DocumentState.WITHDRAWN).get_or_create(
        merchant_id=merchant_id,
        sha256=original.sha256,
        defaults={
            "size": original.size,
            "name": Path(name).name[:255],
            **belongs,
            "origin": origin,
            "uploaded_by": uploaded_by,
            "known_at": now or timezone.now(),
        },
    )
    if created:
        return document
    if document.state != DocumentState.REFUSED:
        raise AlreadyStoredError(document.id)
    document.state = DocumentState.STORED
    for field, value in belongs.items():
        setattr(document, field, value)
    document.attempts = 0
    document.error_row, document.error_reason = None, ""
    document.save(
        update_fields=["state", *belongs, "attempts", "error_row", "error_reason"],
    )
    return document


def read(*, merchant_id: UUID, document_id: UUID) -> None:
    """Read a stored document; safe to call twice, by two workers, or after a crash.

    Does nothing when the document is read already or another worker reads it.
    """
    lease = claim(DOCUMENT, merchant_id=merchant_id, id=document_id)
    if lease is None:
        return
    try:
        if lease.exhausted:
            raise RefusedError(_("reading this file failed again and again; tell the operator"))
        with kept_alive(lease), acting_for(merchant_id):
            _read(lease)
    except ReadError as error:
        _refuse(lease, error.reason, error.row)
    except RefusedError as error:
        _refuse(lease, error.reason, error.row)
    except FractionError as error:
        _refuse(lease, str(error), None)
    except DataError as error:
        # PostgreSQL's own bounds (a date, a number, a NUL in a text) are the last reader.
        _refuse(lease, str(error).splitlines()[0], None)


def _refuse(lease: Lease, reason: str, row: int | None) -> None:
    log.info("document %s refused: %s (row %s)", lease.id, reason, row)
    with acting_for(lease.merchant_id):
        lease.still_held()
        SourceDocument.objects.filter(id=lease.id).update(
            state=DocumentState.REFUSED,
            error_reason=reason,
            error_row=row,
            lease_until=None,
            lease_token=None,
        )


def _read(lease: Lease) -> None:
    """One transaction from the first byte to the books."""
    document = SourceDocument.objects.select_related(
        "store__merchant", "store__settlement_account", "bank_account", "column_profile"
    ).get(id=lease.id)
    contract = _document(document, lease)
    adapter = registry.recognise(contract)
    _check_place(document, adapter)
    document.code = adapter.code
    document.readings += 1
    now = timezone.now()
    load = _load_bank if adapter.family == "bank" else _load_platform
    sections = load(document, adapter.read(contract), now)
    profiles = {section.statement.profile for section in sections}
    document.unverified = ", ".join(sorted(profiles & adapter.unverified.keys()))
    lease.still_held()
    document.state = DocumentState.LOADED
    document.bytes_read = document.size
    document.loaded_at = now
    document.lease_until = document.lease_token = None
    document.save(update_fields=READING_CHANGES)


def _document(document: SourceDocument, lease: Lease) -> Document:
    def opened() -> BinaryIO:
        return open_watched(document, lease)

    with opened() as stream:
        head = stream.read(HEAD_BYTES)
    return Document(
        name=document.name,
        head=head,
        open=opened,
        origin=document.origin,
        context=context_of(document),
    )


def context_of(document: SourceDocument) -> dict[str, str]:
    """What an adapter is told of where the document belongs. Inside `acting_for`."""
    context = dict(document.context)
    if document.store is not None:
        context["zone"] = document.store.merchant.zone
    if document.bank_account is not None:
        context["account"] = number_of(document.bank_account)
        context["currency"] = document.bank_account.currency
    if document.column_profile is not None:
        context["column_profile"] = json.dumps(document.column_profile.definition)
    return context


def open_watched(document: SourceDocument, lease: Lease) -> BinaryIO:
    """The kept bytes, telling the lease how far they have been read."""
    path = originals.open_original(merchant_id=document.merchant_id, sha256=document.sha256).name
    return io.BufferedReader(_Watched(path, lease), buffer_size=originals.CHUNK)


class _Watched(io.FileIO):
    def __init__(self, path: str, lease: Lease) -> None:
        super().__init__(path, "rb")
        self._lease = lease

    def readinto(self, buffer: Any) -> int:
        count: int = super().readinto(buffer)
        self._lease.progress = self.tell()
        return count


def _check_place(document: SourceDocument, adapter: Adapter) -> None:
    if adapter.family == "bank":
        if document.store_id is not None:
            raise RefusedError(
                _("this is a bank statement (%(format)s); upload it as one, without a store")
                % {"format": adapter.name}
            )
    elif document.store is None:
        raise RefusedError(
            _("this is a file of %(format)s; say which store it belongs to")
            % {"format": adapter.name}
        )
    elif document.store.platform != adapter.code:
        raise RefusedError(
            _("this is a file of %(format)s, and the store %(store)s is not there")
            % {"format": adapter.name, "store": document.store.name}
        )


# --- a platform's document ----------------------------------------------------------------


def _load_platform(
    document: SourceDocument, records: Iterator[Record], now: datetime
) -> list[Section]:
    store = document.store
    assert store is not None
    stated: list[Payout] = []
    with staged_lines(document.id) as write:
        sections = read_sections(records, write=write, payouts=stated)
    lock("store", store.id)
    _check_numbering(document, sections)
    merged = merge_lines(
        document,
        store_id=store.id,
        booking=[i for i, section in enumerate(sections) if section.statement.books],
        zone=store.merchant.zone,
    )
    payouts = store_payouts(document, store=store, stated=stated)
    document.rows_kept += merged.kept
    document.rows_known = merged.known
    document.rows_restated += merged.restated
    store_wallets(document, store=store, sections=sections, now=now)
    bookings.lines_loaded(document, store=store, moved=merged.moved, now=now)
    bookings.payouts_retired(payouts.replaced, reason="restated", now=now)
    sent = [p for p in payouts.new if p.state != PayoutState.RETURNED]
    bookings.payouts_announced(sent, store=store, now=now)
    if any(moved.unknown for moved in merged.moved):
        requests.exception_wanted(
            document, reason=Reason.UNKNOWN_KIND, account_id=store.settlement_account_id, now=now
        )
    requests.reconciliation_wanted(
        merchant_id=document.merchant_id, account_id=store.settlement_account_id, now=now
    )
    return sections


def _check_numbering(document: SourceDocument, sections: list[Section]) -> None:
    """One sale under two numbers would be owed twice."""
    document.numbering = next((s.statement.numbering for s in sections), "")
    others = SourceDocument.objects.filter(
        store=document.store, state=DocumentState.LOADED
    ).exclude(numbering__in=["", document.numbering])
    if document.numbering and others.exists():
        raise RefusedError(
            _("this store's lines were loaded from another kind of export, which numbers the "
              "same sales differently; stay with one kind, or withdraw the other documents")
        )  # fmt: skip


# --- a bank's document --------------------------------------------------------------------


def _load_bank(document: SourceDocument, records: Iterator[Record], now: datetime) -> list[Section]:
    with staged_bank_lines() as write:
        sections = read_sections(records, write=write, payouts=[])
    accounts = find_accounts(document, sections)
    for account_id in sorted({account.id for account in accounts}):
        lock("bank", account_id)
    earliest = {account.id: opening_statement(account) for account in accounts}
    stored = store_statements(document, sections=sections, accounts=accounts)
    document.rows_kept += stored.kept
    document.rows_known = stored.known
    _book_openings(stored.statements, earliest, now)
    lines = BankLineRow.objects.filter(document=document, live=True, books=True).order_by("id")
    bookings.bank_lines_booked(
        lines.iterator(chunk_size=2000), merchant_id=document.merchant_id, now=now
    )
    for account_id in sorted({account.settlement_account_id for account in accounts}):
        requests.reconciliation_wanted(
            merchant_id=document.merchant_id, account_id=account_id, now=now
        )
    return sections


def opening_statement(account: BankAccount) -> BankStatement | None:
    """The statement whose opening balance stands in the books."""
    return (
        BankStatement.objects.filter(bank_account=account, live=True, books=True)
        .exclude(opening=None)
        .order_by("period_from", "id")
        .first()
    )


def _book_openings(
    statements: list[BankStatement], earliest: dict[UUID, BankStatement | None], now: datetime
) -> None:
    """Book the opening of an account's earliest statement, once."""
    first: dict[UUID, BankStatement] = {}
    for statement in sorted(statements, key=lambda s: s.period_from):
        if statement.books and statement.opening is not None:
            first.setdefault(statement.bank_account_id, statement)
    for account_id, statement in first.items():
        before = earliest[account_id]
        if before is None or statement.period_from < before.period_from:
            bookings.statement_opened(statement, before=before, now=now)


def lock(what: str, id: UUID) -> None:
    """One document of a store (or bank account) at a time compares itself with the rest."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"ingest:{what}:{id}"]
        )
