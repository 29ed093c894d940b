"""One arena for all fault tests, and the scenes that are played in it again and again."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

from tests.faults.harness import Arena, Scene
from tests.faults.harness import arena as an_arena
from tests.faults.rows import Rows

ROWS = 60_000


@pytest.fixture(scope="package")
def arena() -> Iterator[Arena]:
    """PostgreSQL and a broker that may be killed."""
    with an_arena() as place:
        yield place


@pytest.fixture(scope="package")
def one_large_document(arena: Arena) -> Scene:
    """A store and its fund flow, waiting to be read."""
    return arena.scene("large", "fund-flow", str(ROWS))


@pytest.fixture(scope="package")
def many_documents(arena: Arena) -> Scene:
    """Twelve stores, two bank accounts and all their files, waiting to be read."""
    return arena.scene("many", "world")


@pytest.fixture(scope="package")
def one_reconciliation(arena: Arena, many_documents: Scene) -> Scene:
    """The same with all files read and nothing reconciled."""
    return arena.later(many_documents, "run", "read")
