"""Celery's entrances: translate, one call, no logic. Every task is safe to run twice.

Their queues are named in config/celery.py.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from settlement import control
from settlement.money_in import consent, inbox, ingest, pulling
from settlement.money_out import gateway
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
def pay(*, merchant_id: str, withdrawal_id: str, **_later: Any) -> None:
    """Bring a withdrawal to the bank, or ask what became of it."""
    gateway.pay(merchant_id=UUID(merchant_id), withdrawal_id=UUID(withdrawal_id))


@shared_task
def collect(*, merchant_id: str, bank_account_id: str, **_later: Any) -> None:
    """Fetch what the bank has stated since."""
    gateway.collect(merchant_id=UUID(merchant_id), bank_account_id=UUID(bank_account_id))


@shared_task
def pull(*, merchant_id: str, day_id: str, **_later: Any) -> None:
    """Fetch what is missing of a day."""
    pulling.pull(merchant_id=UUID(merchant_id), day_id=UUID(day_id))


@shared_task
def prove_link(*, merchant_id: str, link_id: str, **_later: Any) -> None:
    """Prove keys or a consent by a call to the platform."""
    consent.prove(merchant_id=UUID(merchant_id), link_id=UUID(link_id))


@shared_task
def handle_hook(*, merchant_id: str, hook_id: str, **_later: Any) -> None:
    """Do what a kept hook asks for."""
    inbox.handle(merchant_id=UUID(merchant_id), hook_id=UUID(hook_id))


@shared_task
def queue_days(**_later: Any) -> None:
    """Ask for the days that have begun, and wake workers for those that are due."""
    control.queue_days(now=timezone.now())


@shared_task
def sweep_hooks(**_later: Any) -> None:
    """Wake workers for hooks that wait."""
    control.sweep_hooks(now=timezone.now())


@shared_task
def watch_permissions(**_later: Any) -> None:
    """Say of permissions that end soon that they do."""
    consent.watch(now=timezone.now())


@shared_task
def sweep(**_later: Any) -> None:
    """Wake workers for what lies too long, and queue what the calendar asks for."""
    control.sweep(now=timezone.now())


@shared_task
def sweep_holds(**_later: Any) -> None:
    """Wake workers for holds whose time has come."""
    control.sweep_holds(now=timezone.now())


@shared_task
def expire_holds(*, merchant_id: str, **_later: Any) -> None:
    """Give back what was held until an instant that has come."""
    control.expire_holds(merchant_id=UUID(merchant_id), now=timezone.now())


@shared_task
def seal_books(**_later: Any) -> None:
    """Seal what has arrived in the books, and write the heads off."""
    control.seal_books(now=timezone.now())


@shared_task
def collect_statements(**_later: Any) -> None:
    """Ask the bank for new statements of every account."""
    control.collect_statements()


@shared_task
def tidy(**_later: Any) -> None:
    """Do what is due once a day."""
    control.tidy(now=timezone.now())
