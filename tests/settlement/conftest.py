"""Two merchants whose rows the tests of PostgreSQL's guards try to mix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.settlement.furnished import Rows, furnished


@pytest.fixture(scope="module")
def both(migrated: None, django_db_blocker: Any) -> Iterator[tuple[Rows, Rows]]:
    """Two merchants; refused attempts leave them as they are."""
    with django_db_blocker.unblock():
        yield furnished(), furnished()


@pytest.fixture
def mine(both: tuple[Rows, Rows], database: None) -> Rows:
    return both[0]


@pytest.fixture
def yours(both: tuple[Rows, Rows], database: None) -> Rows:
    return both[1]
