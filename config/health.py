"""Two answers for whoever watches: is the process alive, and can it do its work.

`/healthz` asks nobody, so that a database that is away does not get web processes killed.
`/readyz` asks the database and the broker; take a process that is not ready out of the rotation.
"""

import logging
import threading
from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu import Connection
from kombu.exceptions import KombuError

logger = logging.getLogger(__name__)

BROKER_SECONDS = 2


class NotReadyError(Exception):
    """Why this process should not get requests; a few words that reveal no addresses."""


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Say that this process answers."""
    return JsonResponse({"status": "alive"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Say whether this process can do its work: 200, or 503 with the reasons."""
    reasons = {name: reason for name, check in _CHECKS.items() if (reason := _reason(check))}
    if reasons:
        logger.warning("not ready: %s", reasons)
        return JsonResponse({"status": "not ready", "reasons": reasons}, status=503)
    return JsonResponse({"status": "ready"})


def _reason(check: Callable[[], None]) -> str:
    try:
        check()
    except NotReadyError as error:
        return str(error)
    return ""


def _check_database() -> None:
    try:
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT 1")
        waiting = _waiting_migrations()
    except DatabaseError as error:
        raise NotReadyError(f"no answer ({type(error).__name__})") from error
    if waiting:
        raise NotReadyError(f"{waiting} migrations are not applied")


def _waiting_migrations() -> int:
    """Count migrations this code has and the database has not.

    A database that was complete once stays so for this process, so the files are read only until
    then: the loader takes a tenth of a second and probes come every few seconds.
    """
    if _complete.is_set():
        return 0
    executor = MigrationExecutor(connections["default"])
    waiting = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if not waiting:
        _complete.set()
    return waiting


def _check_broker() -> None:
    try:
        with Connection(settings.BROKER_URL, connect_timeout=BROKER_SECONDS) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=BROKER_SECONDS)
    except (KombuError, OSError) as error:
        raise NotReadyError(f"no answer ({type(error).__name__})") from error


_complete = threading.Event()
_CHECKS = {"database": _check_database, "broker": _check_broker}
