"""Celery's entrances: translate, one call, no logic. Every task is safe to run twice.

Their queues are named in config/celery.py.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from settlement import control
from settlement.money_in import ingest
from settlement.proof import reconcile as reconciling


@shared_task
def read_document(*, merchant_id: str, document_id: str, **_later: Any) -> None:
    """Read a stored document."""
    ingest.read(merchant_id=UUID(merchant_id), document_id=UUID(document_id))


@shared_task
def reconcile(*, merchant_id: str, run_id: str, **_later: Any) -> None:
    """Carry out a queued reconciliation."""
    reconciling.carry_out(merchant_id=UUID(merchant_id), run_id=UUID(run_id))


@shared_task
def sweep(**_later: Any) -> None:
    """Wake workers for what lies too long, and queue what the calendar asks for."""
    control.sweep(now=timezone.now())


@shared_task
def tidy(**_later: Any) -> None:
    """Do what is due once a day."""
    control.tidy(now=timezone.now())
