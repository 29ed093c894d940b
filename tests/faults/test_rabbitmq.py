"""What only RabbitMQ promises: replicated queues, and a word about every message."""

from __future__ import annotations

import pytest
from amqp.exceptions import PreconditionFailed
from celery import Celery
from django.test import Client
from kombu import Exchange, Queue
from kombu.exceptions import OperationalError
from pytest_django.fixtures import Settings

from config.celery import DELIVERY_LIMIT, QUEUES, broker_settings
from settlement.money_in.requests import ONCE_MORE
from tests.faults.brokers import RabbitBroker
from tests.faults.harness import Arena, Scene
from tests.faults.workers import until

pytestmark = pytest.mark.rabbitmq


def test_a_worker_makes_quorum_queues(arena: Arena, rabbit: RabbitBroker, document: Scene) -> None:
    with arena.trial(document, rabbit) as trial:
        rabbit.wipe()
        trial.worker()
        for name in QUEUES:
            until(lambda name=name: rabbit.has(name), f"{name} is there")
            with rabbit.channel() as channel, pytest.raises(PreconditionFailed) as refused:
                channel.queue_declare(
                    name,
                    durable=True,
                    auto_delete=False,
                    arguments={"x-queue-type": "classic", "x-delivery-limit": DELIVERY_LIMIT},
                )
            assert "received 'classic' but current is 'quorum'" in str(refused.value)


def test_a_message_rabbitmq_refuses_is_heard_of(rabbit: RabbitBroker) -> None:
    """The second does not fit; whoever publishes work (settlement) expects this error."""
    arguments = {"x-max-length": 1, "x-overflow": "reject-publish", "x-expires": 60_000}
    small = Queue("small", Exchange("small", type="topic"), "small", queue_arguments=arguments)
    app = Celery(broker=rabbit.url, set_as_current=False)
    app.conf.update(**broker_settings(rabbit.url))
    app.send_task("first", queue=small)
    with pytest.raises(OperationalError):
        app.send_task("second", queue=small, retry_policy=ONCE_MORE)


@pytest.mark.usefixtures("database")
def test_a_hub_on_rabbitmq_is_ready_while_it_answers(
    rabbit: RabbitBroker, settings: Settings
) -> None:
    settings.BROKER_URL = rabbit.url
    assert Client().get("/readyz").status_code == 200
    with rabbit.silent():
        response = Client().get("/readyz")
    assert response.status_code == 503
    assert set(response.json()["reasons"]) == {"broker"}
