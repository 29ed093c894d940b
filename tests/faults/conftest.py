"""One arena for all fault tests, and the scenes that are played in it again and again."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests import rabbitmq
from tests.faults.brokers import Broker, RabbitBroker
from tests.faults.harness import Arena, Scene
from tests.faults.harness import arena as an_arena
from tests.faults.rows import Rows, standing_rows

LARGE, SMALL = 60_000, 3_000
"""Rows: enough to catch a worker in the stream, and enough for what a lock parks anyway."""


@pytest.fixture(scope="package")
def arena() -> Iterator[Arena]:
    """PostgreSQL and a broker that may be killed."""
    with an_arena() as place:
        yield place


@pytest.fixture(scope="package")
def rabbit() -> Iterator[RabbitBroker]:
    """RabbitMQ: that of TEST_RABBITMQ_URL, which is the tests' alone, or one of our own."""
    if url := os.environ.get("TEST_RABBITMQ_URL"):
        yield RabbitBroker(url)
    elif program := rabbitmq.program():
        with rabbitmq.running(program) as server:
            yield RabbitBroker(server.url, server)
    else:
        pytest.skip("RabbitMQ is not installed (rabbitmq-server), nor named by TEST_RABBITMQ_URL")


@pytest.fixture(
    scope="package", params=["valkey", pytest.param("rabbitmq", marks=pytest.mark.rabbitmq)]
)
def broker(request: pytest.FixtureRequest, arena: Arena) -> Broker:
    """Every broker a hub may run on, one after the other."""
    if request.param == "valkey":
        return arena.valkey
    rabbit: RabbitBroker = request.getfixturevalue("rabbit")
    return rabbit


@pytest.fixture(scope="package")
def large_document(arena: Arena) -> Scene:
    """A store and a fund flow that takes its time, waiting to be read."""
    return arena.scene("large", "fund_flow", str(LARGE))


@pytest.fixture(scope="package")
def rows_of_the_large_document(arena: Arena, large_document: Scene) -> Rows:
    """What comes of it when nothing happens."""
    return arena.undisturbed(large_document)


@pytest.fixture(scope="package")
def document(arena: Arena) -> Scene:
    """A store and its fund flow, waiting to be read."""
    return arena.scene("small", "fund_flow", str(SMALL))


@pytest.fixture(scope="package")
def rows_of_the_document(arena: Arena, document: Scene) -> Rows:
    """What comes of it when nothing happens."""
    return arena.undisturbed(document)


@pytest.fixture(scope="package")
def many_documents(arena: Arena) -> Scene:
    """Twelve stores, two bank accounts and all their files, waiting to be read."""
    return arena.scene("many", "world")


@pytest.fixture(scope="package")
def reconciliation(arena: Arena, many_documents: Scene) -> Scene:
    """The same with all files read and nothing reconciled."""
    return arena.later(many_documents, "run", "read")


@pytest.fixture(scope="package")
def rows_of_the_reconciliation(arena: Arena, reconciliation: Scene) -> Rows:
    """What comes of it when nothing happens."""
    return arena.undisturbed(reconciliation)


@pytest.fixture(scope="package")
def rows_of_many_documents(arena: Arena, reconciliation: Scene) -> Rows:
    """What stands at the end of them when all are read and then reconciled."""
    return arena.undisturbed(reconciliation, rows=standing_rows)
