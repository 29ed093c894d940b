"""A client of the killed ledger: `python -m tests.faults.client SEED NUMBER BOOK`.

It does its deeds one after the other, each as often as it takes until the ledger acknowledges it.
At first, when its connection is lost and at its end it says so in a line of JSON (`Report`); then
it waits for a line, which says after how many more deeds to end, or nothing for no end.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections.abc import Iterator
from typing import TypedDict
from uuid import UUID

import django
from django.db import DatabaseError, connection

SERVER_IS_GONE = ("08", "57")
"""SQLSTATE classes: connection exceptions, and a server that shuts down or has crashed."""


class Report(TypedDict):
    """What a client has to tell."""

    acknowledged: list[list[str]]
    """The ids that each deed since the last report returned."""
    began: float | None
    """When the deed began that was cut off, on the clock all processes share."""


def main(seed: str, client: int, book: UUID) -> None:
    """Work until told to end."""
    django.setup()
    from tests.faults.deeds import carry_out, deeds

    acknowledged: list[list[str]] = []
    left = _told_to_go(acknowledged)
    for number, deed in enumerate(deeds(seed, client)):
        while True:
            began = None
            try:
                connection.ensure_connection()
                began = time.monotonic()
                told = carry_out(book, deed, number)
            except DatabaseError as error:
                if not _server_is_gone(error):
                    raise
                connection.close()
                left = _told_to_go(acknowledged, began)
            else:
                break
        acknowledged.append([str(id) for id in told])
        if next(left, None) is None:
            break
    _say(acknowledged)


def _server_is_gone(error: DatabaseError) -> bool:
    """A broken connection has no SQLSTATE; a deadlock has one, and is a failure."""
    sqlstate = getattr(error.__cause__, "sqlstate", None)
    return sqlstate is None or sqlstate.startswith(SERVER_IS_GONE)


def _told_to_go(acknowledged: list[list[str]], began: float | None = None) -> Iterator[int]:
    """Report, forget what was reported, and wait; as many numbers as there are deeds left."""
    _say(acknowledged, began)
    more = sys.stdin.readline().strip()
    return iter(range(int(more))) if more else itertools.count()


def _say(acknowledged: list[list[str]], began: float | None = None) -> None:
    print(json.dumps(Report(acknowledged=acknowledged, began=began)), flush=True)
    acknowledged.clear()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), UUID(sys.argv[3]))
