"""The Celery application. Messages carry ids only; PostgreSQL holds the work (docs/decisions).

Run by `celery -A config worker` and `celery -A config beat`.
"""

import os
from typing import Any

from celery import Celery, signals
from celery.schedules import crontab
from django.conf import settings
from django.db import close_old_connections
from kombu import Exchange, Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

QUEUES = ("ingest", "pull", "reconcile", "default")
TIME_LIMIT = 1800
"""Seconds a task may take: a document of a million rows is read well within it."""
VISIBILITY_TIMEOUT = 3600
"""Seconds until Redis hands a message that nobody acknowledged to another worker. A task that
took longer would run twice at once, so this stays well above TIME_LIMIT."""
DELIVERY_LIMIT = 5
"""RabbitMQ drops a message after so many deliveries that killed their worker. Nothing is lost:
the row is still there, counts its attempts, and the sweeper publishes it again."""


def broker_settings(url: str) -> dict[str, Any]:
    """Return what depends on the kind of broker `url` names."""
    scheme = url.split(":", 1)[0]
    if scheme in {"amqp", "amqps", "pyamqp"}:
        return _rabbitmq()
    queues = [Queue(name) for name in QUEUES]
    if scheme.startswith(("redis", "sentinel")):
        options = {
            "visibility_timeout": VISIBILITY_TIMEOUT,
            # Kombu looks for abandoned messages every interval x throttle seconds, 100 unless told.
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
            "socket_connect_timeout": 5,
            # Without it a broker that accepts and never answers holds every upload for ever.
            "socket_timeout": 5,
        }
        return {"task_queues": queues, "broker_transport_options": options}
    return {"task_queues": queues}


def _rabbitmq() -> dict[str, Any]:
    arguments = {"x-queue-type": "quorum", "x-delivery-limit": DELIVERY_LIMIT}
    return {
        "task_queues": [
            Queue(name, Exchange(name, type="topic"), name, queue_arguments=arguments)
            for name in QUEUES
        ],
        "task_default_queue_type": "quorum",
        "task_default_exchange_type": "topic",
        "broker_native_delayed_delivery_queue_type": "quorum",
        "worker_detect_quorum_queues": True,
        "broker_transport_options": {
            # Without confirmation a message RabbitMQ refused vanishes in silence; without the
            # timeouts one that never answers, or is out of memory, holds every upload for ever.
            "confirm_publish": True,
            "read_timeout": 5,
            "write_timeout": 5,
        },
    }


app = Celery("tributary", broker=settings.BROKER_URL)
app.conf.update(
    accept_content=["json"],
    task_serializer="json",
    enable_utc=True,
    timezone="UTC",
    task_ignore_result=True,
    task_default_queue="default",
    task_default_delivery_mode="persistent",
    # Tasks are published by name, from processes that have not imported them.
    task_routes={
        "settlement.tasks.read_document": {"queue": "ingest"},
        "settlement.tasks.pull": {"queue": "pull"},
        "settlement.tasks.prove_link": {"queue": "pull"},
        "settlement.tasks.reconcile": {"queue": "reconcile"},
    },
    # Acknowledged after the work, also when the worker was killed: at least once, never less.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_time_limit=TIME_LIMIT,
    task_soft_time_limit=TIME_LIMIT - 60,
    # A message whose connection was lost is delivered elsewhere, so stop working on it here.
    worker_cancel_long_running_tasks_on_connection_loss=True,
    worker_max_tasks_per_child=500,
    worker_send_task_events=False,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    beat_schedule={
        # Beat only ticks; what is due is computed from rows. Two beats, or a missed tick, do no
        # harm.
        "sweep": {
            "task": "settlement.tasks.sweep",
            "schedule": 15.0,
            "options": {"queue": "default", "expires": 15},
        },
        "days": {
            "task": "settlement.tasks.queue_days",
            "schedule": 15.0,
            "options": {"queue": "default", "expires": 15},
        },
        "hooks": {
            "task": "settlement.tasks.sweep_hooks",
            "schedule": 2.0,
            "options": {"queue": "default", "expires": 2},
        },
        "permissions": {
            "task": "settlement.tasks.watch_permissions",
            "schedule": crontab(minute=40),
            "options": {"queue": "default", "expires": 3600},
        },
        "holds": {
            "task": "settlement.tasks.sweep_holds",
            "schedule": 60.0,
            "options": {"queue": "default", "expires": 60},
        },
        "seal": {
            "task": "settlement.tasks.seal_books",
            "schedule": 10.0,
            "options": {"queue": "default", "expires": 10},
        },
        "collect": {
            "task": "settlement.tasks.collect_statements",
            "schedule": settings.BANK_COLLECT_SECONDS,
            "options": {"queue": "default", "expires": 15},
        },
        "tidy": {
            "task": "settlement.tasks.tidy",
            "schedule": crontab(hour=1, minute=20),
            "options": {"queue": "default"},
        },
    },
    **broker_settings(settings.BROKER_URL),
)
# Celery closes database connections after every task, whatever CONN_MAX_AGE says (celery#10554);
# keeping them for a thousand tasks makes short tasks 2.7 times as fast. The key is written in
# capitals because the Django fixup reads it so.
app.conf["CELERY_DB_REUSE_MAX"] = 1000
app.autodiscover_tasks()


@signals.task_prerun.connect
def check_connections(**kwargs: object) -> None:
    """Let Django look at kept connections before each task, as it does before each request.

    Otherwise every worker would fail its first tasks after a restart of PostgreSQL.
    """
    close_old_connections()
