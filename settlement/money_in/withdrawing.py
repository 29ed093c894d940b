"""A document was uploaded wrongly: its bookings are reversed, its rows void, its bytes kept.

What it had restated is live again as it was before; what it had merely said
first is read again from the other documents that say it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Max, Q, QuerySet
from django.utils.translation import gettext as _

from accounts.access import acting_for
from accounts.models import Store
from settlement import bookings
from settlement.errors import SettledError
from settlement.models import (
    OPEN_STATES,
    BankLine,
    BankStatement,
    DocumentState,
    ExceptionState,
    Payout,
    PayoutState,
    ReconException,
    SourceDocument,
    Withdrawal,
)
from settlement.money_in import requests
from settlement.money_in.ingest import lock, opening_statement
from settlement.money_in.staging import says
from settlement.money_in.wallets import take_back_wallets
from settlement.states import check_step

VOID_LINES = """
UPDATE settlement_line SET live = false
WHERE merchant_id = %(merchant)s AND document_id = %(document)s AND live
"""

# The version before, where another loaded document has one.
BEFORE = """
CREATE TEMPORARY TABLE line_before ON COMMIT DROP AS
SELECT DISTINCT ON (l.external_id) l.external_id, l.document_id, l.id, l.known_at
FROM settlement_linekey k
JOIN settlement_line l ON l.merchant_id = k.merchant_id AND l.store_id = k.store_id
    AND l.external_id = k.external_id
JOIN settlement_sourcedocument d ON d.id = l.document_id AND d.state = 'loaded'
WHERE k.merchant_id = %(merchant)s AND k.store_id = %(store)s
    AND k.document_id = %(document)s AND k.version > 1 AND l.document_id <> k.document_id
ORDER BY l.external_id, l.version DESC
"""

REVIVE_LINES = """
UPDATE settlement_line l SET live = true FROM line_before b
WHERE l.merchant_id = %(merchant)s AND l.document_id = b.document_id AND l.id = b.id
    AND l.known_at = b.known_at
"""

REVIVE_KEYS = f"""
UPDATE settlement_linekey k
SET fingerprint = {says("s")}, document_id = s.document_id, known_at = s.known_at, line_id = s.id
FROM line_before b JOIN settlement_line s ON s.merchant_id = %(merchant)s
    AND s.document_id = b.document_id AND s.id = b.id AND s.known_at = b.known_at
WHERE k.merchant_id = %(merchant)s AND k.store_id = %(store)s AND k.external_id = b.external_id
"""

FORGET_KEYS = """
UPDATE settlement_linekey SET fingerprint = NULL
WHERE merchant_id = %(merchant)s AND store_id = %(store)s AND document_id = %(document)s
"""


def withdraw(*, merchant_id: UUID, document_id: UUID, now: datetime) -> SourceDocument:
    """Withdraw a document.

    Raises IllegalTransitionError while it is being read, SettledError for a statement that
    proves a withdrawal of money.
    """
    with acting_for(merchant_id):
        document = SourceDocument.objects.select_for_update(of=("self",)).get(id=document_id)
        check_step(DocumentState(document.state), DocumentState.WITHDRAWN)
        if document.state == DocumentState.LOADED:
            _take_back(document, now)
        document.state = DocumentState.WITHDRAWN
        document.save(update_fields=["state"])
        ReconException.objects.filter(document=document, state__in=OPEN_STATES).update(
            state=ExceptionState.RESOLVED, closed_at=now
        )
    return document


def _take_back(document: SourceDocument, now: datetime) -> None:
    if document.store is not None:
        _take_back_lines(document, document.store)
        _take_back_payouts(document, document.store, now)
        take_back_wallets(document, store=document.store, now=now)
        bookings.document_withdrawn(document, reason="document withdrawn", now=now)
        accounts = {document.store.settlement_account_id}
    else:
        accounts = _take_back_statements(document, now)
    _read_again(document)
    for account_id in sorted(accounts):
        requests.reconciliation_wanted(
            merchant_id=document.merchant_id, account_id=account_id, now=now
        )


def _take_back_lines(document: SourceDocument, store: Store) -> None:
    lock("store", store.id)
    given: dict[str, Any] = {
        "merchant": document.merchant_id,
        "store": store.id,
        "document": document.id,
    }
    with connection.cursor() as cursor:
        for sql in (VOID_LINES, BEFORE, REVIVE_LINES, REVIVE_KEYS, FORGET_KEYS):
            cursor.execute(sql, given)


def _take_back_payouts(document: SourceDocument, store: Store, now: datetime) -> None:
    withdrawn = list(Payout.objects.filter(document=document, live=True))
    revived = [
        copy for payout in withdrawn if (copy := _version_before(payout, document)) is not None
    ]
    for payout in withdrawn:
        payout.live, payout.state = False, PayoutState.RESTATED
    Payout.objects.bulk_update(withdrawn, ["live", "state"], batch_size=500)
    Payout.objects.bulk_create(revived, batch_size=500)
    bookings.payouts_retired(withdrawn, reason="document withdrawn", now=now)
    bookings.payouts_announced(revived, store=store, now=now)


def _version_before(payout: Payout, document: SourceDocument) -> Payout | None:
    """A new version that says what the one before said, or None if there was none."""
    versions = Payout.objects.filter(store_id=payout.store_id, external_id=payout.external_id)
    before = (
        versions.filter(document__state=DocumentState.LOADED)
        .exclude(document=document)
        .order_by("-version")
        .first()
    )
    if before is None:
        return None
    highest = versions.aggregate(highest=Max("version"))["highest"]
    return Payout(
        merchant_id=before.merchant_id,
        store_id=before.store_id,
        document_id=before.document_id,
        row=before.row,
        external_id=before.external_id,
        version=highest + 1,
        amount=before.amount,
        state=PayoutState.IN_TRANSIT,
        announced_at=before.announced_at,
        arrives_on=before.arrives_on,
        remittance=before.remittance,
        derived=before.derived,
        numbered=before.numbered,
        known_at=before.known_at,
    )


def _take_back_statements(document: SourceDocument, now: datetime) -> set[UUID]:
    statements = list(
        BankStatement.objects.filter(document=document, live=True).select_related("bank_account")
    )
    accounts = {statement.bank_account_id: statement.bank_account for statement in statements}
    for account_id in sorted(accounts):
        lock("bank", account_id)
    before = {id: opening_statement(account) for id, account in accounts.items()}
    lines = BankLine.objects.filter(document=document, live=True)
    _refuse_to_unpay(lines)
    booked = list(lines.filter(books=True).exclude(amount=0).values_list("id", flat=True))
    lines.update(live=False)
    BankStatement.objects.filter(document=document).update(live=False)
    bookings.bank_lines_withdrawn(booked, merchant_id=document.merchant_id, now=now)
    for id, account in accounts.items():
        _reopen(before[id], opening_statement(account), now)
    return {account.settlement_account_id for account in accounts.values()}


def _refuse_to_unpay(lines: QuerySet[BankLine]) -> None:
    """An entry that names our own payment is no mistake of upload, and unproving it would let
    the same money go out twice."""
    claimed = Withdrawal.objects.filter(
        match_items__live=True,
        match_items__match__items__live=True,
        match_items__match__items__bank_line__in=lines,
    )
    if (withdrawal := claimed.first()) is not None:
        raise SettledError(
            _("this statement proves your withdrawal %(number)s and cannot be withdrawn")
            % {"number": withdrawal.number}
        )


def _reopen(before: BankStatement | None, after: BankStatement | None, now: datetime) -> None:
    """Another statement is now the earliest: its opening balance stands in the books."""
    if before is None or (after is not None and after.id == before.id):
        return
    if after is None:
        bookings.opening_withdrawn(before, now=now)
    else:
        bookings.statement_opened(after, before=before, now=now)


def _read_again(document: SourceDocument) -> None:
    """Documents that met rows known from elsewhere may now be the first to say them."""
    others = SourceDocument.objects.filter(
        Q(rows_known__gt=0) | Q(rows_restated__gt=0), state=DocumentState.LOADED
    ).exclude(id=document.id)
    if document.store is None:
        others = others.filter(store=None)
    else:
        others = others.filter(store=document.store)
    for other in others:
        other.state, other.attempts = DocumentState.STORED, 0
        other.save(update_fields=["state", "attempts"])
        requests.reading_wanted(other)
