"""Loaded before Django's settings (see addopts): a real PostgreSQL and broker for the session.

TEST_DATABASE_OWNER_URL names a server to use instead (a superuser's address of an empty
database); TEST_BROKER_URL a broker.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import tempfile
from pathlib import Path

from config.stack import temporary

_life = contextlib.ExitStack()
atexit.register(_life.close)

os.environ["TRIBUTARY_HOME"] = _life.enter_context(tempfile.TemporaryDirectory(prefix="trib-home-"))
STACK = _life.enter_context(temporary(durable=False))
STACK.create_database("pristine", template="tributary")
os.environ.update(STACK.urls().as_environment())


def fresh_environment(name: str) -> dict[str, str]:
    """The environment of a process that works on another database of the test server."""
    home = Path(os.environ["TRIBUTARY_HOME"])
    return {**os.environ, **STACK.urls(name).as_environment(), "TRIBUTARY_HOME": str(home)}
