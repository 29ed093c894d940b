"""The promises the Celery settings must keep, whichever broker is used."""

import inspect

import amqp
import pytest
from kombu.transport.redis import Channel

from config.celery import QUEUES, TIME_LIMIT, VISIBILITY_TIMEOUT, app, broker_settings


def test_work_is_acknowledged_after_it_is_done() -> None:
    conf = app.conf
    assert conf.task_acks_late
    assert conf.task_reject_on_worker_lost
    assert conf.worker_prefetch_multiplier == 1
    assert conf.accept_content == ["json"]
    assert str(conf.timezone) == "UTC"
    assert {queue.name for queue in conf.task_queues} == set(QUEUES)


def test_no_task_can_outlive_the_time_after_which_its_message_is_delivered_again() -> None:
    assert app.conf.task_soft_time_limit < app.conf.task_time_limit == TIME_LIMIT
    assert TIME_LIMIT * 2 <= VISIBILITY_TIMEOUT


@pytest.mark.parametrize("url", ["redis://host/0", "rediss://host/0", "redis+socket:///a.sock"])
def test_redis_options_are_ones_kombu_knows(url: str) -> None:
    """Kombu ignores a misspelt option in silence."""
    options = broker_settings(url)["broker_transport_options"]
    assert set(options) <= set(Channel.from_transport_options)
    assert options["visibility_timeout"] == VISIBILITY_TIMEOUT
    assert options["unacked_restore_interval"] * options["unacked_restore_throttle"] <= 10


def test_rabbitmq_gets_quorum_queues_and_confirms() -> None:
    chosen = broker_settings("amqp://host//")
    options = chosen["broker_transport_options"]
    assert options["confirm_publish"] is True
    assert set(options) <= set(inspect.signature(amqp.Connection).parameters)
    assert {queue.queue_arguments["x-queue-type"] for queue in chosen["task_queues"]} == {"quorum"}
    assert "visibility_timeout" not in str(chosen)


def test_the_ticks_name_tasks_that_exist() -> None:
    app.loader.import_default_modules()
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= set(app.tasks)
