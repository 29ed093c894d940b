"""Plain functions that build what a test needs."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connections, transaction

from accounts.access import acting_for
from accounts.models import BankAccount, Merchant, Store, User
from accounts.onboarding import register_merchant
from settlement.models import ColumnProfile, ReconRun, SourceDocument
from settlement.money_in import ingest
from settlement.proof import reconcile


def a_user(**fields: object) -> User:
    """A user with an address of its own."""
    return User.objects.create_user(f"{uuid.uuid4().hex}@example.com", "a long password", **fields)


def a_merchant(name: str = "a merchant") -> Merchant:
    """A merchant with one owner."""
    return register_merchant(name=name, owner=a_user())


@contextmanager
def in_book(book: uuid.UUID) -> Iterator[None]:
    """One transaction that sees this ledger book only."""
    with transaction.atomic(), connections["default"].cursor() as cursor:
        cursor.execute("SELECT set_config('tributary.tenant', %s, true)", [str(book)])
        yield


def upload(
    merchant_id: uuid.UUID,
    path: Path,
    *,
    store: Store | None = None,
    bank_account: BankAccount | None = None,
    column_profile: ColumnProfile | None = None,
) -> SourceDocument:
    """Send a file as the upload page does."""
    with path.open("rb") as stream:
        return ingest.receive(
            merchant_id=merchant_id,
            stream=stream,
            name=path.name,
            store=store,
            bank_account=bank_account,
            column_profile=column_profile,
        )


def work_off(merchant_id: uuid.UUID) -> None:
    """Do what the workers would do, until nothing waits."""
    while _waiting(SourceDocument, "stored", merchant_id) or _waiting(
        ReconRun, "queued", merchant_id
    ):
        for id in _waiting(SourceDocument, "stored", merchant_id):
            ingest.read(merchant_id=merchant_id, document_id=id)
        for id in _waiting(ReconRun, "queued", merchant_id):
            reconcile.carry_out(merchant_id=merchant_id, run_id=id)


def _waiting(
    model: type[SourceDocument] | type[ReconRun], state: str, merchant_id: uuid.UUID
) -> list[uuid.UUID]:
    with acting_for(merchant_id):
        return list(model.objects.filter(state=state).order_by("id").values_list("id", flat=True))
