"""Real commits on a real server.

Tests are kept apart the way merchants are: each acts for a merchant (or a
ledger book) of its own, and rows stay. Nothing is rolled back or truncated,
so triggers, deferred constraints and row-level security act as they do in
production.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.db import connections


@pytest.fixture(scope="session")
def migrated(django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """The session's database, with every migration applied by the owner."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        call_command("migrate", database="owner", verbosity=0)
        yield
        connections.close_all()


@pytest.fixture
def database(migrated: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """Access to the database; what a test commits stays."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        yield
        for connection in connections.all(initialized_only=True):
            assert not connection.in_atomic_block
            connection.close()
