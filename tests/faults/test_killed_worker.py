"""A worker is killed at every kind of moment; the rows are the same as without.

Each test brings a real worker to one point, proves from outside that it is there, kills it with
SIGKILL (parent and pool at once), and lets another one go on.
"""

from __future__ import annotations

from tests.faults.harness import Arena, Scene
from tests.faults.rows import Rows
from tests.faults.steps import (
    BOOKS,
    another_finishes,
    another_reconciles,
    as_without,
    being_read,
    being_run,
    has_written,
    kill,
)
from tests.faults.workers import until

STORES = "LOCK TABLE accounts_store IN ACCESS EXCLUSIVE MODE"
ACCOUNTS = "LOCK TABLE accounts_settlementaccount IN ACCESS EXCLUSIVE MODE"
COMPARING = "SELECT pg_advisory_xact_lock(hashtextextended('ingest:store:' || %s, 0))"
LINES = "LOCK TABLE settlement_line IN SHARE MODE"


# --- an import ----------------------------------------------------------------------------


def test_killed_just_after_the_claim(
    arena: Arena, document: Scene, rows_of_the_document: Rows
) -> None:
    with arena.trial(document) as trial:
        with trial.parked(STORES) as waiting:
            worker = trial.worker()
            assert "settlement_sourcedocument" in waiting().query
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
            assert "ledger_post(" in backend.query
            assert has_written(trial, backend, "settlement_line")
            assert not trial.ask("SELECT FROM settlement_line LIMIT 1")
            being_read(trial)
            kill(worker)
        another_finishes(trial, rows_of_the_document)


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
            assert "ledger_post(" in backend.query
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
        assert trial.broker.given_back("reconcile") == 1
        another_reconciles(trial, rows_of_the_reconciliation, attempts=1)
