"""What is done and claimed in many trials."""

from __future__ import annotations

from tests.faults.harness import Backend, Trial
from tests.faults.rows import Rows, differences
from tests.faults.workers import Worker, until

BOOKS = "LOCK TABLE ledger_journalentry IN SHARE MODE"
"""Parks a worker that is about to book."""


def being_read(trial: Trial, *, progress: bool = True) -> None:
    """Somebody reads the document, for the first time, and nothing of it is to be seen."""
    if progress:
        until(lambda: trial.only().progress, "progress is to be seen")
    seen = trial.only()
    assert (seen.state, seen.attempts, seen.readings) == ("reading", 1, 0)
    assert progress or not seen.progress


def being_run(trial: Trial) -> None:
    """Somebody carries the reconciliation out, for the first time."""
    seen = trial.only("run")
    assert (seen.state, seen.attempts) == ("running", 1)


def has_written(trial: Trial, backend: Backend, table: str) -> bool:
    """Whether the backend's open transaction has written into a table."""
    return bool(
        trial.ask(
            "SELECT FROM pg_locks WHERE pid = %s AND mode = 'RowExclusiveLock' "
            "AND relation = %s::regclass",
            backend.pid,
            table,
        )
    )


def kill(worker: Worker) -> None:
    """Both the parent and its pool were alive, and are dead."""
    child = worker.child()
    killed = worker.kill()
    assert child in killed
    assert len(killed) == 2


def another_finishes(trial: Trial, expected: Rows, *, attempts: int = 2) -> None:
    """A new worker finishes the document, with the rows of an undisturbed one."""
    trial.worker()
    as_without(trial, expected)
    seen = trial.only()
    assert (seen.state, seen.attempts, seen.readings) == ("loaded", attempts, 1)


def another_reconciles(trial: Trial, expected: Rows, *, attempts: int = 2) -> None:
    """A new worker finishes the reconciliation, with the rows of an undisturbed one."""
    trial.worker()
    as_without(trial, expected)
    seen = trial.only("run")
    assert (seen.state, seen.attempts) == ("done", attempts)


def as_without(trial: Trial, expected: Rows) -> None:
    """All rows are those of a run to which nothing happened."""
    assert differences(expected, trial.finished()) == []
