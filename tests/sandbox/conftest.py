"""One world for all these tests; nothing here needs Django or a database."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from sandbox import World, write_world

ENDS_ON = date(2026, 11, 20)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The default world of seed 7, as the demo shows it."""
    out: Path = tmp_path_factory.mktemp("world") / "out"
    return write_world(seed=7, out=out, ends_on=ENDS_ON)
