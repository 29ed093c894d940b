"""PostgreSQL is killed again and again under clients that post; every promise it made is kept.

kill -9 takes what PostgreSQL has in memory and has not handed to the kernel. What the kernel has
not handed to the disk is lost with the machine only: fsync is for that, and all that can be seen
without a machine to pull the plug of is that it is on.

TEST_SEED repeats the clients' deeds and the moments of the kills.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from config.processes import processes_in
from tests.faults.client import Report
from tests.faults.deeds import ENTRIES, HOLDS, Deed, Facts, deeds, opened
from tests.faults.harness import Arena
from tests.faults.workers import ROOT

SEED = os.environ.get("TEST_SEED") or secrets.token_hex(4)
DATABASE = "killed_ledger"
CLIENTS = 4
KILLS = 12
LONGEST = 0.7
"""Seconds from one start to the next kill, at most."""
MORE = 20
"""Deeds of each client after the last kill."""


class Client:
    """A process that posts, and the deeds it does."""

    def __init__(self, arena: Arena, number: int, book: str) -> None:
        self._stream = deeds(SEED, number)
        self.flying = next(self._stream)
        """The first deed that it was not told is done."""
        self.done = 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.client", SEED, str(number), book],
            cwd=ROOT,
            env=arena.environment(DATABASE, arena.valkey),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def report(self) -> tuple[list[tuple[Deed, list[str]]], float | None]:
        """Deeds acknowledged since the last report with their ids; when the one cut off began."""
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        assert said, "the client failed, see its traceback"
        report: Report = json.loads(said)
        done = []
        for ids in report["acknowledged"]:
            done.append((self.flying, ids))
            self.flying = next(self._stream)
        self.done += len(done)
        return done, report["began"]

    def go(self, more: int | None = None) -> None:
        """Let it repeat what was cut off, and do so many deeds more, or no end of them."""
        assert self._process.stdin is not None
        print("" if more is None else more, file=self._process.stdin, flush=True)

    def end(self) -> None:
        """Make sure that it is gone."""
        self._process.kill()
        self._process.communicate()


class Siege:
    """A book under load on a server that is killed, and what its clients were promised."""

    def __init__(self, arena: Arena) -> None:
        assert arena.stack.postgres is not None
        self.arena = arena
        self.server = arena.stack.postgres
        self.url = arena.stack.create_database(DATABASE, template="tributary")
        self.book: str = arena.inside(DATABASE, "plenty")
        self.clients = [Client(arena, number, self.book) for number in range(CLIENTS)]
        self.promised = opened()
        self.ids: dict[str, str] = {}
        self.cut_off = self.written = self.kills = 0

    def close(self) -> None:
        """Leave nothing behind."""
        for client in self.clients:
            client.end()
        self.arena.stack.drop_database(DATABASE)

    def __str__(self) -> str:
        return (
            f"{self.kills} kills cut off {self.cut_off} deeds, {self.written} of them written; "
            f"{len(self.ids)} entries and holds were acknowledged"
        )

    def go(self, more: int | None = None) -> None:
        """Let all clients go on."""
        for client in self.clients:
            client.go(more)

    def kill(self, dice: random.Random) -> float:
        """kill -9 the postmaster and all its children in any order; when that was."""
        server = self.server
        assert server.process is not None
        family = sorted({server.process.pid, *processes_in(server.data)})
        dice.shuffle(family)
        now = time.monotonic()
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        server.process.wait()
        return now

    def hear(self, killed_at: float = 0.0) -> None:
        """Note what each client was promised; a kill counts if it cut off at least one deed."""
        cut_off = 0
        for client in self.clients:
            acknowledged, began = client.report()
            for deed, ids in acknowledged:
                self.promised.add([deed])
                for reference, id in zip(deed.answers, ids, strict=True):
                    assert self.ids.setdefault(reference, id) == id, f"two ids of {reference}"
            cut_off += began is not None and began < killed_at
        self.cut_off += cut_off
        self.kills += cut_off > 0

    def examine(self) -> None:
        """All that was promised is there; of what was cut off each deed whole or not at all."""
        found, ids = self.found()
        written = [c.flying for c in self.clients if found.has(c.flying)]
        self.written += len(written)
        expected = Facts(dict(self.promised.entries), dict(self.promised.holds))
        expected.add(written)
        assert differences(expected.entries, found.entries) == []
        assert differences(expected.holds, found.holds) == []
        assert self.ids.items() <= ids.items()

    def found(self) -> tuple[Facts, dict[str, str]]:
        """What the book says, and every id by reference; a reference that is doubled fails."""
        with psycopg.connect(self.url) as connection:
            entries = connection.execute(ENTRIES, [self.book]).fetchall()
            holds = connection.execute(HOLDS, [self.book]).fetchall()
        ids = {reference: str(id) for reference, id, _ in [*entries, *holds]}
        assert len(ids) == len(entries) + len(holds)
        return Facts(_by_reference(entries), _by_reference(holds)), ids


def _by_reference(rows: list[tuple[Any, ...]]) -> dict[str, str]:
    return {reference: line for reference, _, line in rows}


def differences(expected: dict[str, str], found: dict[str, str]) -> list[str]:
    """The first references whose facts differ."""
    wrong = [key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)]
    return [f"{key}: {expected.get(key)} became {found.get(key)}" for key in sorted(wrong)[:5]]


@pytest.fixture
def siege(arena: Arena) -> Iterator[Siege]:
    """Four clients that wait for a word to begin."""
    with contextlib.closing(Siege(arena)) as siege:
        siege.hear()
        yield siege


def test_the_server_waits_for_the_disk(arena: Arena) -> None:
    with psycopg.connect(arena.stack.urls().database_url) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert connection.execute(f"SHOW {setting}").fetchone() == ("on",)


def test_no_acknowledged_entry_is_lost_and_none_is_halved_or_doubled(siege: Siege) -> None:
    print(f"TEST_SEED={SEED}")
    dice = random.Random(SEED)
    for _ in range(2 * KILLS):
        siege.go()
        # The random moment of the load; nothing waits for this.
        time.sleep(dice.uniform(0.0, LONGEST))
        siege.hear(siege.kill(dice))
        siege.server.start()
        siege.examine()
        if siege.kills == KILLS:
            break
    siege.go(MORE)
    siege.hear()
    siege.examine()
    print(siege)
    assert siege.kills == KILLS
    assert all(client.done > MORE for client in siege.clients)
    assert siege.arena.inside(DATABASE, "prove_chain", siege.book) == []
    assert siege.arena.inside(DATABASE, "prove") == []
    totals = siege.arena.inside(DATABASE, "trial_balance", siege.book)
    assert [debits - credits for debits, credits in totals.values()] == [0]
