"""The two brokers, seen and mistreated in the same way."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
from collections.abc import Iterator
from typing import Any, Protocol

import pytest
import redis
from amqp.exceptions import NotFound
from kombu import Connection

from config.celery import QUEUES, broker_settings
from config.servers import Valkey
from tests.faults.workers import until
from tests.rabbitmq import RabbitMQ


class Broker(Protocol):
    """What a trial does to the broker it works with."""

    @property
    def url(self) -> str:
        """Its address in the form Celery takes."""

    def fresh(self) -> None:
        """Forget every message."""

    def wipe(self) -> None:
        """Lose everything, as a broker does whose disk is lost, whoever works with it."""

    def waiting(self, queue: str) -> int:
        """How many messages nobody has been given yet."""

    def given_back(self, queue: str) -> int:
        """Have delivered again what dead workers did not acknowledge; how many messages."""

    def triple(self, queue: str, *, seed: int) -> int:
        """Let every waiting message wait three times, in any order; how many there were."""

    def kill(self) -> None:
        """kill -9."""

    def start(self) -> None:
        """Start it after a kill, as a supervisor does."""

    def silent(self) -> contextlib.AbstractContextManager[None]:
        """Until the end of the block it takes connections and answers nobody."""


class ValkeyBroker:
    """The embedded stack's."""

    def __init__(self, server: Valkey) -> None:
        self._server = server
        self.url = server.url
        self._client = redis.Redis.from_url(self.url.replace("redis+socket:", "unix:", 1))

    def fresh(self) -> None:
        self._client.flushall()

    def wipe(self) -> None:
        self._client.flushall()
        assert self._client.dbsize() == 0

    def waiting(self, queue: str) -> int:
        return int(self._client.llen(queue))  # type: ignore[arg-type]

    def given_back(self, queue: str) -> int:
        """As Kombu does after the visibility timeout, which is an hour."""
        unacknowledged: dict[str, Any] = self._client.hgetall("unacked")  # type: ignore[assignment]
        for tag, packed in unacknowledged.items():
            message, _exchange, routing_key = json.loads(packed)
            assert routing_key == queue
            self._client.rpush(queue, json.dumps(message))
            self._client.hdel("unacked", tag)
            self._client.zrem("unacked_index", tag)
        return len(unacknowledged)

    def triple(self, queue: str, *, seed: int) -> int:
        messages: list[Any] = self._client.lrange(queue, 0, -1)  # type: ignore[assignment]
        self._client.delete(queue)
        self._client.rpush(queue, *shuffled(messages * 3, seed))
        return len(messages)

    def kill(self) -> None:
        assert self._server.process is not None
        self._server.process.kill()
        self._server.process.wait()

    def start(self) -> None:
        self._server.start()

    @contextlib.contextmanager
    def silent(self) -> Iterator[None]:
        assert self._server.pid is not None
        os.kill(self._server.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._server.pid, signal.SIGCONT)


class RabbitBroker:
    """RabbitMQ with the queues of our settings; only one that is ours can be killed."""

    def __init__(self, url: str, server: RabbitMQ | None = None) -> None:
        self.url = url
        self._server = server

    @property
    def _own(self) -> RabbitMQ:
        if self._server is None:
            pytest.skip("the server of TEST_RABBITMQ_URL is not ours to kill")
        return self._server

    @contextlib.contextmanager
    def channel(self) -> Iterator[Any]:
        """A channel of a connection of its own."""
        with Connection(self.url) as connection, connection.channel() as channel:
            yield channel

    def fresh(self) -> None:
        self.wipe()
        with self.channel() as channel:
            for queue in broker_settings(self.url)["task_queues"]:
                queue(channel).declare()

    def wipe(self) -> None:
        """Delete queues and exchanges; who consumes from one is told that it is gone."""
        with self.channel() as channel:
            for name in QUEUES:
                channel.queue_delete(name)
                channel.exchange_delete(name)

    def has(self, queue: str) -> bool:
        """Whether there is such a queue."""
        try:
            self.waiting(queue)
        except NotFound:
            return False
        return True

    def waiting(self, queue: str) -> int:
        with self.channel() as channel:
            return int(channel.queue_declare(queue, passive=True).message_count)

    def given_back(self, queue: str) -> int:
        """RabbitMQ does so itself when it sees that the connection is lost."""
        return until(lambda: self.waiting(queue), "RabbitMQ has the message back")

    def triple(self, queue: str, *, seed: int) -> int:
        with self.channel() as channel:
            messages = list(iter(lambda: channel.basic_get(queue, no_ack=True), None))
            for message in shuffled(messages * 3, seed):
                channel.basic_publish(message, exchange="", routing_key=queue)
        until(lambda: self.waiting(queue) == 3 * len(messages), "RabbitMQ has all of them")
        return len(messages)

    def kill(self) -> None:
        self._own.kill()

    def start(self) -> None:
        self._own.start()

    def silent(self) -> contextlib.AbstractContextManager[None]:
        return self._own.frozen()


def shuffled(messages: list[Any], seed: int) -> list[Any]:
    """The same messages in another order."""
    random.Random(seed).shuffle(messages)
    return messages
