"""PostgreSQL is killed in the middle of an import, or a connection cut; the rows are the same."""

from __future__ import annotations

import os
import signal
import time

import pytest

from tests.faults.harness import LEASE_SECONDS, Arena, Scene
from tests.faults.rows import Rows, differences
from tests.faults.workers import until

CUT_THE_LEASE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND state = 'idle'
    AND query LIKE '%UPDATE settlement_sourcedocument SET lease_until%'
"""
BOOKS = "LOCK TABLE ledger_journalentry IN SHARE MODE"


@pytest.mark.parametrize("victim", ["the postmaster", "one backend"])
def test_killed_in_the_middle_of_booking(
    arena: Arena, document: Scene, rows_of_the_document: Rows, victim: str
) -> None:
    with arena.trial(document) as trial:
        worker = trial.worker()
        with trial.parked(BOOKS) as waiting:
            backend = waiting()
            assert trial.only().state == "reading"
            if victim == "the postmaster":
                trial.kill_postgres()
            else:
                os.kill(backend.pid, signal.SIGKILL)  # PostgreSQL ends all others and recovers
            until(trial.severed, "every connection is lost")
        trial.start_postgres()
        until(trial.answers, "PostgreSQL answers again")
        seen = trial.only()
        assert (seen.state, seen.attempts, seen.readings) == ("reading", 1, 0)
        assert differences(rows_of_the_document, trial.finished()) == []
        assert worker.pids, "the worker goes on by itself"
        assert trial.only().attempts == 2


def test_killed_while_the_file_streams_in(
    arena: Arena, large_document: Scene, rows_of_the_large_document: Rows
) -> None:
    with arena.trial(large_document) as trial:
        worker = trial.worker()
        trial.freeze_while_copying(worker)
        trial.kill_postgres()
        until(trial.severed, "every connection is lost")
        trial.start_postgres()
        worker.thaw()
        assert differences(rows_of_the_large_document, trial.finished()) == []
        assert worker.pids, "the worker goes on by itself"
        assert trial.only().attempts == 2


def test_a_lease_outlives_its_connection(
    arena: Arena, document: Scene, rows_of_the_document: Rows
) -> None:
    with arena.trial(document) as trial:
        with trial.parked(BOOKS) as waiting:
            trial.worker()
            waiting()
            until(lambda: trial.ask(CUT_THE_LEASE), "the lease's connection is cut")
            over = time.monotonic() + LEASE_SECONDS + 1
            until(lambda: time.monotonic() > over or not trial.only().leased, "the lease is over")
            assert trial.only().leased
        assert differences(rows_of_the_document, trial.finished()) == []
        assert trial.only().attempts == 1
