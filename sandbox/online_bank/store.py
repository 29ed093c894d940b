"""The bank's memory: one SQLite file, written through before anything is answered.

WAL with synchronous FULL: a committed transaction is on the disk, so that killing the
process loses nothing that was answered. One connection under one lock: requests of
many threads take turns, which also makes "seen before?" and "write" one step.
"""

from __future__ import annotations

import fcntl
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (
    number TEXT PRIMARY KEY,
    currency TEXT NOT NULL,
    holder TEXT NOT NULL,
    opening INTEGER NOT NULL,
    first_sequence INTEGER NOT NULL,
    balance INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS messages (
    identifier TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    answer BLOB NOT NULL,
    received_at TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL REFERENCES accounts,
    kind TEXT NOT NULL,
    amount INTEGER NOT NULL,
    booked_on TEXT NOT NULL,
    reference TEXT NOT NULL UNIQUE,
    batch TEXT NOT NULL,
    details TEXT NOT NULL,
    statement TEXT REFERENCES statements
) STRICT;
CREATE INDEX IF NOT EXISTS entries_not_stated ON entries (account) WHERE statement IS NULL;
CREATE TABLE IF NOT EXISTS payments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    end_to_end_id TEXT NOT NULL UNIQUE,
    message TEXT NOT NULL,
    message_name TEXT NOT NULL,
    block TEXT NOT NULL,
    batch INTEGER NOT NULL,
    instruction TEXT NOT NULL,
    account TEXT NOT NULL,
    amount INTEGER,
    creditor TEXT NOT NULL,
    creditor_account TEXT NOT NULL,
    texts TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('ACCP', 'ACSC', 'RJCT')),
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    reference TEXT NOT NULL,
    received_at TEXT NOT NULL,
    book_at TEXT NOT NULL,
    entry INTEGER REFERENCES entries,
    return_entry INTEGER REFERENCES entries,
    CHECK (status = 'RJCT' OR amount > 0),
    CHECK ((status = 'ACSC') = (entry IS NOT NULL))
) STRICT;
CREATE INDEX IF NOT EXISTS payments_waiting ON payments (book_at) WHERE status = 'ACCP';
CREATE TABLE IF NOT EXISTS statements (
    name TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts,
    sequence INTEGER NOT NULL,
    closing INTEGER NOT NULL,
    body BLOB NOT NULL,
    UNIQUE (account, sequence)
) STRICT;
CREATE TABLE IF NOT EXISTS switches (name TEXT PRIMARY KEY, remaining INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS rejections (part TEXT PRIMARY KEY, code TEXT NOT NULL) STRICT;
"""


class StateInUseError(Exception):
    """Another process works with this directory."""


class Store:
    """The open state of a bank in a directory that it keeps to itself."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._claim = (directory / "lock").open("w")
        try:
            fcntl.flock(self._claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._claim.close()
            raise StateInUseError(f"{directory} is in use by another process") from error
        self._turn = threading.Lock()
        self._connection = sqlite3.connect(
            directory / "bank.sqlite3", isolation_level=None, check_same_thread=False
        )
        self._connection.row_factory = sqlite3.Row
        for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            self._connection.execute(f"PRAGMA {setting}")
        self._connection.executescript(_SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, one at a time; on disk when it is left without an error."""
        with self._turn:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """Waits for the transaction under way and lets the directory go."""
        with self._turn:
            self._connection.close()
            self._claim.close()
