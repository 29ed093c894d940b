"""What money_in asks of others: rows first, then a wake-up call to the broker.

The broker's message carries ids only and may be lost: tasks.sweep finds the
rows again.
"""

from __future__ import annotations

import logging
from datetime import datetime
from functools import partial
from uuid import UUID

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

from settlement.models import ReconException, ReconRun, RunState, SourceDocument
from settlement.models.matching import OPEN_STATES, Reason

log = logging.getLogger(__name__)
ONCE_MORE = {"max_retries": 1, "interval_start": 0}
"""A kept connection may be stale; who waits longer only keeps the user waiting."""


def reading_wanted(document: SourceDocument) -> None:
    """Wake a worker for the document once the transaction is committed."""
    wake_after_commit(
        "settlement.tasks.read_document",
        merchant_id=document.merchant_id,
        document_id=document.id,
    )


def reconciliation_wanted(*, merchant_id: UUID, account_id: UUID, now: datetime) -> None:
    """Queue one reconciliation of a settlement account, unless one waits already.

    The run is locked until the transaction ends: one that began before would not
    see what this transaction does, and no other would be asked for.
    """
    queued = ReconRun(merchant_id=merchant_id, settlement_account_id=account_id, requested_at=now)
    waiting = ReconRun.objects.select_for_update(no_key=True).filter(
        merchant_id=merchant_id, settlement_account_id=account_id, state=RunState.QUEUED
    )
    while (run := waiting.first()) is None:
        # Waits for another transaction that queues one; a worker may claim that one at once.
        ReconRun.objects.bulk_create([queued], ignore_conflicts=True)
    wake_after_commit("settlement.tasks.reconcile", merchant_id=merchant_id, run_id=run.id)


def exception_wanted(
    document: SourceDocument, *, reason: Reason, account_id: UUID, now: datetime
) -> None:
    """Open an exception about a document, once."""
    ReconException.objects.filter(state__in=OPEN_STATES).get_or_create(
        merchant_id=document.merchant_id,
        reason=reason,
        subject=document.id,
        defaults={
            "settlement_account_id": account_id,
            "document": document,
            "opened_at": now,
        },
    )


def wake_after_commit(task: str, **ids: UUID) -> None:
    """Publish a task by name when the transaction commits (now, outside of one)."""
    transaction.on_commit(partial(wake, task, expires=None, **ids), robust=True)


def wake(task: str, *, expires: float | None = None, **ids: UUID) -> None:
    """Publish a task. A silent broker delays the work and loses nothing.

    `expires`: seconds after which nobody need do it, because it is asked for again.
    """
    try:
        current_app.send_task(
            task,
            kwargs={name: str(id) for name, id in ids.items()},
            expires=expires,
            retry_policy=ONCE_MORE,
        )
    except OperationalError as error:
        log.warning("the broker does not answer (%s); the sweeper will find the work", error)
