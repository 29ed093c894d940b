"""An older PostgreSQL that the operating system brings, used the way a deployment would.

One plain login migrates and works: it may create databases and roles and is no superuser. Only
the tests' own tampering is done by the superuser.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from config.home import StackError
from config.servers import Postgres
from config.stack import Stack

ROOT = Path(__file__).resolve().parents[1]
LOGIN, PASSWORD = "plain_hub", "plain"
DATABASE = "plain_hub"


class InstalledPostgres(Postgres):
    """PostgreSQL 15 and later, of the programs in a directory."""

    locale = ("--locale=C.UTF-8",)
    """The built-in provider came with PostgreSQL 17."""

    def __init__(self, host: Stack, programs: Path) -> None:
        super().__init__(host, durable=False)
        self.programs = programs

    def complete(self) -> None:
        """Create the login; everything else is made by it."""
        with psycopg.connect(self._superuser("postgres"), autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN CREATEDB CREATEROLE PASSWORD {}").format(
                    sql.Identifier(LOGIN), sql.Literal(PASSWORD)
                )
            )

    def _superuser(self, database: str) -> str:
        assert isinstance(self.host, Stack)
        return self.host.urls(database).owner_url

    def _binary(self, name: str) -> str:
        return str(self.programs / name)


@contextlib.contextmanager
def running(programs: Path) -> Iterator[dict[str, str]]:
    """Run the server, migrated; yields the environment of the tests, and leaves nothing.

    Raises StackError when there are no such programs.
    """
    if not (programs / "initdb").exists():
        raise StackError(f"No PostgreSQL in {programs}: apt-get install postgresql-15")
    stack = Stack(Path(tempfile.mkdtemp(prefix="tributary-")), durable=False)
    stack.postgres = InstalledPostgres(stack, programs)
    try:
        stack.start()
        yield prepared(stack)
    finally:
        stack.destroy()


def prepared(stack: Stack) -> dict[str, str]:
    """Create the database and migrate it as the login alone; returns the tests' environment."""
    superuser = stack.urls(DATABASE).owner_url
    where = urlsplit(superuser)
    plain = where._replace(netloc=f"{LOGIN}:{PASSWORD}@{where.netloc.rpartition('@')[2]}")
    with psycopg.connect(urlunsplit(plain._replace(path="/postgres")), autocommit=True) as login:
        login.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
    only = {"DATABASE_URL": urlunsplit(plain), "BROKER_URL": stack.urls().broker_url}
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity=0", "--database=owner"],
        cwd=ROOT,
        env={**os.environ, **only, "DJANGO_SETTINGS_MODULE": "config.settings"},
        check=True,
    )
    return {**only, "DATABASE_OWNER_URL": superuser}
