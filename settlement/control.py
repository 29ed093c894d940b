"""The clockwork: wakes workers for rows that lie too long, and makes room ahead of time."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Q, QuerySet, Window
from django.db.models.functions import RowNumber

from accounts.access import acting_for
from accounts.models import BankAccount, StoreLink
from ledger import heads, seals
from settlement import bookings
from settlement.models import (
    DocumentState,
    Hook,
    PullDay,
    ReconRun,
    RunState,
    SourceDocument,
    Withdrawal,
)
from settlement.money_in import originals, pulling
from settlement.money_in.requests import wake
from settlement.money_out import gateway
from settlement.work import HOOK, PAYMENT, PULL

log = logging.getLogger(__name__)

GRACE = timedelta(seconds=10)
"""How long a fresh row is left to the message that was sent with it."""
BATCH = 1000
HOLDS_SECONDS = 60
"""How often holds are expired."""
DAYS_SECONDS = 15
"""How often days that are due are fetched."""
HOOKS_SECONDS = 2
"""How often hooks that came are handled."""
MONTHS_AHEAD = 4


def sweep(*, now: datetime) -> int:
    """Publish again whatever waits without a living worker; returns how many rows.

    Reads across merchants with the operator's role, which may read and no more.
    """
    late_enough = now - GRACE
    documents = _abandoned(
        SourceDocument.objects.using("ops").filter(
            state__in=[DocumentState.STORED, DocumentState.READING], known_at__lt=late_enough
        ),
        now,
    )
    for merchant_id, id in documents:
        wake("settlement.tasks.read_document", merchant_id=merchant_id, document_id=id)
    runs = _abandoned(
        ReconRun.objects.using("ops").filter(
            state__in=[RunState.QUEUED, RunState.RUNNING], requested_at__lt=late_enough
        ),
        now,
    )
    for merchant_id, id in runs:
        wake("settlement.tasks.reconcile", merchant_id=merchant_id, run_id=id)
    payments = _abandoned(
        Withdrawal.objects.using("ops").filter(
            state__in=[*PAYMENT.waiting, PAYMENT.working], requested_at__lt=late_enough
        ),
        now,
    )
    for merchant_id, id in payments:
        wake("settlement.tasks.pay", merchant_id=merchant_id, withdrawal_id=id)
    return len(documents) + len(runs) + len(payments)


def queue_days(*, now: datetime) -> int:
    """Make the rows of days that have begun and wake workers for those due; returns how many."""
    pulling.queue_days(now=now)
    pending = StoreLink.objects.using("ops").exclude(pending_sealed=None)
    for merchant_id, id in pending.values_list("merchant_id", "id")[:BATCH]:
        wake(
            "settlement.tasks.prove_link",
            expires=DAYS_SECONDS,
            merchant_id=merchant_id,
            link_id=id,
        )
    waiting = PullDay.objects.using("ops").filter(state__in=[*PULL.waiting, PULL.working])
    # One day of every link, then a second one: a long past that is fetched keeps nobody waiting.
    turn = Window(RowNumber(), partition_by="link_id", order_by="day")
    days = _abandoned(waiting, now, first=(turn,))
    for merchant_id, id in days:
        wake("settlement.tasks.pull", expires=DAYS_SECONDS, merchant_id=merchant_id, day_id=id)
    return len(days)


def sweep_hooks(*, now: datetime) -> int:
    """Wake workers for hooks that wait; returns how many.

    Hooks are not published as they come: what keeps one does nothing but keep it.
    """
    waiting = Hook.objects.using("ops").filter(state__in=[*HOOK.waiting, HOOK.working])
    hooks = _abandoned(waiting, now)
    for merchant_id, id in hooks:
        wake(
            "settlement.tasks.handle_hook",
            expires=HOOKS_SECONDS * 5,
            merchant_id=merchant_id,
            hook_id=id,
        )
    return len(hooks)


def sweep_holds(*, now: datetime) -> int:
    """Wake a worker for every book with holds whose time has come; returns how many books."""
    books = bookings.books_with_due_promises(now=now)
    for book in books:
        wake("settlement.tasks.expire_holds", expires=HOLDS_SECONDS, merchant_id=book)
    return len(books)


def expire_holds(*, merchant_id: UUID, now: datetime) -> int:
    """Give back what was held until now at the longest; returns how many holds that were.

    A transaction for each batch: a balance that many wait for is locked for a moment only.
    """
    expired = 0
    while True:
        with acting_for(merchant_id):
            batch = bookings.promises_expired(merchant_id, now=now)
        if not batch:
            return expired
        expired += batch


def seal_books(*, now: datetime) -> int:
    """Seal what arrived in every book and write the new heads off; returns how many records.

    Book after book, each in a transaction of its own, and so much of one at a time that a large
    one does not make the others late. A book that cannot be sealed is logged and tried again at
    the next tick; the others do not wait for it.
    """
    sealed = 0
    books = seals.waiting("ops")
    while books:
        counts = {book: _seal(book, now) for book in books}
        sealed += sum(counts.values())
        books = [book for book, count in counts.items() if count >= seals.MOST]
    heads.export(using="ops", now=now)
    return sealed


def _seal(book: UUID, now: datetime) -> int:
    try:
        return seals.seal(book=book, now=now)
    except DatabaseError:
        log.exception("book %s was not sealed", book)
        return 0


def collect_statements() -> int:
    """Ask the connected bank for every account's new statements; returns how many accounts."""
    if not gateway.connected():
        return 0
    accounts = list(BankAccount.objects.using("ops").values_list("merchant_id", "id"))
    for merchant_id, id in accounts:
        wake(
            "settlement.tasks.collect",
            expires=settings.BANK_COLLECT_SECONDS,
            merchant_id=merchant_id,
            bank_account_id=id,
        )
    return len(accounts)


def _abandoned(
    rows: QuerySet,  # type: ignore[type-arg]
    now: datetime,
    *,
    first: tuple[Window, ...] = (),
) -> list[tuple]:  # type: ignore[type-arg]
    free = rows.filter(Q(lease_until=None) | Q(lease_until__lt=now))
    return list(free.order_by(*first, "id").values_list("merchant_id", "id")[:BATCH])


def tidy(*, now: datetime) -> None:
    """Once a day: make room for the coming months, remove what killed uploads left."""
    ensure_partitions(now=now)
    originals.sweep_drafts(before=now - timedelta(days=1))


def ensure_partitions(*, now: datetime) -> None:
    """Make this month's and the coming months' partitions of the large tables."""
    with connection.cursor() as cursor:
        for function in ("settlement_ensure_partitions", "ledger_ensure_partitions"):
            cursor.execute(f"SELECT {function}(%s, %s)", [now.date(), MONTHS_AHEAD])
