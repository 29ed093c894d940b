"""Databases beside the one a benchmark works in, on the same server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

from django.db import connections

MIGRATED = "tributary"
"""The database the benchmarks' own ones are copied from: migrated, empty, nobody connected."""
ADDRESSES = ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_OPS_URL")


@contextmanager
def database(name: str, *, template: str = "template1") -> Iterator[dict[str, str]]:
    """Create a database and drop it after the block; yields the environment that leads to it."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield {variable: _address(os.environ[variable], name) for variable in ADDRESSES}
    finally:
        with connections["owner"].cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _address(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
