"""Loaded before Django's settings (see addopts): a real PostgreSQL and broker for the session.

TEST_POSTGRES names the directory of another PostgreSQL's programs, such as
/usr/lib/postgresql/15/bin, to use instead of the embedded one.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import tempfile
from pathlib import Path

import psycopg

from config.stack import temporary
from tests import postgres

_life = contextlib.ExitStack()
atexit.register(_life.close)

os.environ["TRIBUTARY_HOME"] = _life.enter_context(tempfile.TemporaryDirectory(prefix="trib-home-"))
if programs := os.environ.get("TEST_POSTGRES"):
    os.environ.update(_life.enter_context(postgres.running(Path(programs))))
else:
    os.environ.update(_life.enter_context(temporary(durable=False)).urls().as_environment())


def pytest_report_header() -> str:
    """Which server the tests are about to use."""
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as connection:
        return f"PostgreSQL {connection.info.parameter_status('server_version')}"
