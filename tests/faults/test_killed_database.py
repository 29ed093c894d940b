"""PostgreSQL itself is killed in the middle of an import; the rows are the same as without."""

from __future__ import annotations

import os
import signal

import pytest

from tests.faults.harness import Arena, Scene, until
from tests.faults.rows import Rows, differences

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
                trial.kill_server("postgres")
            else:
                os.kill(backend.pid, signal.SIGKILL)  # PostgreSQL ends all others and recovers
            until(trial.severed, "every connection is lost")
        trial.start_servers()
        until(trial.answers, "PostgreSQL answers again")
        seen = trial.only()
        assert (seen.state, seen.attempts, seen.readings) == ("reading", 1, 0)
        assert differences(rows_of_the_document, trial.finished()) == []
        assert worker.pids, "the worker goes on by itself"
        assert trial.only().attempts == 2
