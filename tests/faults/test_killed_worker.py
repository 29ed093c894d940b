"""A worker is killed at every kind of moment; the rows are the same as without.

Each test brings a real worker to one point, proves from outside that it is there, kills it with
SIGKILL (parent and pool at once), and lets another one go on.
"""

from __future__ import annotations

import os
import signal

from tests.faults.harness import Arena, Backend, Scene, Trial, Worker, until
from tests.faults.rows import Rows, differences

STORES = "LOCK TABLE accounts_store IN ACCESS EXCLUSIVE MODE"
ACCOUNTS = "LOCK TABLE accounts_settlementaccount IN ACCESS EXCLUSIVE MODE"
COMPARING = "SELECT pg_advisory_xact_lock(hashtextextended('ingest:store:' || %s, 0))"
LINES = "LOCK TABLE settlement_line IN SHARE MODE"
BOOKS = "LOCK TABLE ledger_journalentry IN SHARE MODE"


# --- an import ----------------------------------------------------------------------------


def test_killed_just_after_the_claim(
    arena: Arena, document: Scene, rows_of_the_document: Rows
) -> None:
    with arena.trial(document) as trial:
        with trial.parked(STORES) as waiting:
            worker = trial.worker()
            assert "accounts_store" in waiting().query
            being_read(trial, progress=False)
            kill(worker)
        another_finishes(trial, rows_of_the_document)


def test_killed_while_it_streams_the_file_in(
    arena: Arena, large_document: Scene, rows_of_the_large_document: Rows
) -> None:
    with arena.trial(large_document) as trial:
        worker = trial.worker()
        trial.freeze_while_copying(worker)
        being_read(trial)
        kill(worker)
        another_finishes(trial, rows_of_the_large_document)


def test_killed_between_reading_and_comparing(
    arena: Arena, document: Scene, rows_of_the_document: Rows
) -> None:
    with arena.trial(document) as trial:
        with trial.parked(COMPARING, document.store) as waiting:
            worker = trial.worker()
            assert waiting().wait == "advisory"
            being_read(trial)
            kill(worker)
        another_finishes(trial, rows_of_the_document)


def test_killed_in_the_middle_of_merging(
    arena: Arena, document: Scene, rows_of_the_document: Rows
) -> None:
    with arena.trial(document) as trial:
        with trial.parked(LINES) as waiting:
            worker = trial.worker()
            backend = waiting()
            assert backend.query.lstrip().startswith("INSERT INTO settlement_line ")
            assert has_written(trial, backend, "settlement_linekey")
            being_read(trial)
            kill(worker)
        another_finishes(trial, rows_of_the_document)


def test_killed_in_the_middle_of_booking(
    arena: Arena, document: Scene, rows_of_the_document: Rows
) -> None:
    with arena.trial(document) as trial:
        with trial.parked(BOOKS) as waiting:
            worker = trial.worker()
            backend = waiting()
            assert "INSERT INTO ledger_journalentry" in backend.query
            assert has_written(trial, backend, "settlement_line")
            assert not trial.ask("SELECT FROM settlement_line LIMIT 1")
            being_read(trial)
            kill(worker)
        another_finishes(trial, rows_of_the_document)


def test_killed_after_the_commit_and_before_the_acknowledgement(
    arena: Arena, document: Scene, rows_of_the_document: Rows
) -> None:
    with arena.trial(document) as trial:
        with trial.parked(BOOKS) as waiting:
            worker = trial.worker()
            waiting()
            worker.freeze(only_parent=True)
        until(lambda: trial.only().state == "loaded", "the document is loaded")
        kill(worker)
        assert trial.given_back("ingest") == 1
        another_finishes(trial, rows_of_the_document, attempts=1)


def test_killed_is_only_the_process_of_the_pool(
    arena: Arena, document: Scene, rows_of_the_document: Rows
) -> None:
    with arena.trial(document) as trial:
        worker = trial.worker()
        with trial.parked(BOOKS) as waiting:
            waiting()
            being_read(trial)
            child = worker.child()
            os.kill(child, signal.SIGKILL)
            until(lambda: child not in worker.pids, "the process of the pool is dead")
        assert worker.pids
        as_without(trial, rows_of_the_document)


def test_a_frozen_worker_thaws_after_its_work_was_taken_over(
    arena: Arena, large_document: Scene, rows_of_the_large_document: Rows
) -> None:
    with arena.trial(large_document) as trial:
        slow = trial.worker()
        trial.freeze_while_copying(slow)
        being_read(trial)
        another_finishes(trial, rows_of_the_large_document)
        slow.thaw()
        until(lambda: "LeaseLostError" in slow.said(), "the slow worker gives up")
        as_without(trial, rows_of_the_large_document)


# --- a reconciliation ---------------------------------------------------------------------


def test_killed_just_after_it_claimed_a_reconciliation(
    arena: Arena, reconciliation: Scene, rows_of_the_reconciliation: Rows
) -> None:
    with arena.trial(reconciliation) as trial:
        with trial.parked(ACCOUNTS) as waiting:
            worker = trial.worker()
            assert "accounts_settlementaccount" in waiting().query
            being_run(trial)
            kill(worker)
        another_reconciles(trial, rows_of_the_reconciliation)


def test_killed_in_the_middle_of_a_reconciliation(
    arena: Arena, reconciliation: Scene, rows_of_the_reconciliation: Rows
) -> None:
    with arena.trial(reconciliation) as trial:
        with trial.parked(BOOKS) as waiting:
            worker = trial.worker()
            backend = waiting()
            assert "INSERT INTO ledger_journalentry" in backend.query
            assert has_written(trial, backend, "settlement_matchitem")
            assert not trial.ask("SELECT FROM settlement_match")
            being_run(trial)
            kill(worker)
        another_reconciles(trial, rows_of_the_reconciliation)


def test_killed_after_a_reconciliation_and_before_the_acknowledgement(
    arena: Arena, reconciliation: Scene, rows_of_the_reconciliation: Rows
) -> None:
    with arena.trial(reconciliation) as trial:
        with trial.parked(BOOKS) as waiting:
            worker = trial.worker()
            waiting()
            worker.freeze(only_parent=True)
        until(lambda: trial.only("run").state == "done", "the run is done")
        kill(worker)
        assert trial.given_back("reconcile") == 1
        another_reconciles(trial, rows_of_the_reconciliation, attempts=1)


# --- what is done and claimed -------------------------------------------------------------


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
