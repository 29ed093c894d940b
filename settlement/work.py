"""Work as rows: who holds a piece of it, until when, and whether it still does.

The broker only wakes workers; these rows say what is to be done. A worker
takes a lease (counted and committed before it starts, so that work that kills
its worker is given up after `MAX_ATTEMPTS`), keeps it alive while it works,
and proves it still holds it in the transaction that finishes.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from accounts.access import acting_for
from settlement.errors import LeaseLostError

log = logging.getLogger(__name__)
MAX_ATTEMPTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Which table holds the work, and what its states are called there."""

    table: str
    waiting: tuple[str, ...]
    working: str
    progress: str = ""


DOCUMENT = Kind(
    table="settlement_sourcedocument",
    waiting=("stored",),
    working="reading",
    progress="bytes_read",
)
RUN = Kind(table="settlement_reconrun", waiting=("queued",), working="running")
PAYMENT = Kind(
    table="settlement_withdrawal", waiting=("reserved", "outcome_unknown"), working="submitted"
)
PULL = Kind(table="settlement_pullday", waiting=("waiting", "refused"), working="pulling")
HOOK = Kind(table="settlement_hook", waiting=("waiting",), working="handling")

CLAIM = """
UPDATE {table} SET state = %(working)s, attempts = attempts + 1, lease_token = %(token)s,
    lease_until = now() + %(seconds)s * interval '1 second'
WHERE merchant_id = %(merchant)s AND id = %(id)s AND state = ANY(%(claimable)s)
    AND (lease_until IS NULL OR lease_until < now())
RETURNING attempts
"""
BEAT = """
UPDATE {table} SET lease_until = now() + %(seconds)s * interval '1 second' {progress}
WHERE merchant_id = %(merchant)s AND id = %(id)s AND lease_token = %(token)s
"""
HELD = """
SELECT 1 FROM {table}
WHERE merchant_id = %(merchant)s AND id = %(id)s AND lease_token = %(token)s FOR UPDATE
"""


@dataclass(slots=True, kw_only=True)
class Lease:
    """A piece of work held by this process. `progress` is shown while it works."""

    kind: Kind
    merchant_id: UUID
    id: UUID
    token: UUID
    attempts: int
    progress: int = 0

    @property
    def exhausted(self) -> bool:
        """Whether the work has been tried often enough to be given up."""
        return self.attempts > MAX_ATTEMPTS

    def parameters(self) -> dict[str, Any]:
        """What the statements above are given."""
        return {
            "merchant": self.merchant_id,
            "id": self.id,
            "token": self.token,
            "seconds": settings.LEASE_SECONDS,
            "progress": self.progress,
        }

    def still_held(self) -> None:
        """Lock the work's row; raises LeaseLostError if another worker took it over."""
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute(HELD.format(table=self.kind.table), self.parameters())
            if cursor.fetchone() is None:
                raise LeaseLostError(f"{self.kind.table} {self.id} was taken over")


def claim(kind: Kind, *, merchant_id: UUID, id: UUID) -> Lease | None:
    """Take the work for LEASE_SECONDS, or None: it is done, or another worker holds it."""
    token = uuid.uuid4()
    with acting_for(merchant_id), connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(
            CLAIM.format(table=kind.table),
            {
                "working": kind.working,
                "claimable": [*kind.waiting, kind.working],
                "token": token,
                "seconds": settings.LEASE_SECONDS,
                "merchant": merchant_id,
                "id": id,
            },
        )
        row = cursor.fetchone()
    if row is None:
        return None
    return Lease(kind=kind, merchant_id=merchant_id, id=id, token=token, attempts=row[0])


@contextmanager
def kept_alive(lease: Lease) -> Iterator[None]:
    """Renew the lease and publish its progress from a thread with a connection of its own.

    The worker's own transaction stays invisible until it commits, so progress
    cannot be told from inside it.
    """
    with _Heart(lease):
        yield


class _Heart(threading.Thread):
    def __init__(self, lease: Lease) -> None:
        super().__init__(name="lease", daemon=True)
        self.lease = lease
        self.stopped = threading.Event()

    def run(self) -> None:
        connection = connections[DEFAULT_DB_ALIAS].copy()
        try:
            while not self.stopped.wait(settings.PROGRESS_SECONDS):
                try:
                    self._beat(connection)
                except Error as error:
                    # The lease outlives several beats; the next one makes a new connection.
                    log.warning("the lease of %s was not renewed: %s", self.lease.id, error)
                    connection.close()
        finally:
            connection.close()

    def _beat(self, connection: BaseDatabaseWrapper) -> None:
        lease = self.lease
        progress = f", {lease.kind.progress} = %(progress)s" if lease.kind.progress else ""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('tributary.tenant', %s, false)", [str(lease.merchant_id)]
            )
            cursor.execute(
                BEAT.format(table=lease.kind.table, progress=progress), lease.parameters()
            )

    def __enter__(self) -> None:
        self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stopped.set()
        self.join()
