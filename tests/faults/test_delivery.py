"""What the brokers promise, and what becomes of it: at least one delivery, effects exactly once."""

from __future__ import annotations

import os
import signal
import time

from settlement.work import MAX_ATTEMPTS
from tests.faults.brokers import Broker
from tests.faults.harness import LEASE_SECONDS, Arena, Scene
from tests.faults.rows import Rows
from tests.faults.steps import BOOKS, another_finishes, as_without, being_read, kill
from tests.faults.workers import Worker, until

SEED = 31


def test_work_whose_worker_was_killed_is_delivered_again(
    arena: Arena, broker: Broker, document: Scene, rows_of_the_document: Rows
) -> None:
    with arena.trial(document, broker) as trial:
        with trial.parked(BOOKS) as waiting:
            worker = trial.worker()
            waiting()
            being_read(trial)
            assert broker.waiting("ingest") == 0
            kill(worker)
            assert broker.given_back("ingest") == 1
        another_finishes(trial, rows_of_the_document)


def test_killed_after_the_commit_and_before_the_acknowledgement(
    arena: Arena, broker: Broker, document: Scene, rows_of_the_document: Rows
) -> None:
    with arena.trial(document, broker) as trial:
        with trial.parked(BOOKS) as waiting:
            worker = trial.worker()
            waiting()
            worker.freeze(only_parent=True)
        until(lambda: trial.only().state == "loaded", "the document is loaded")
        kill(worker)
        assert broker.given_back("ingest") == 1
        another_finishes(trial, rows_of_the_document, attempts=1)
        assert broker.waiting("ingest") == 0


def test_killed_is_only_the_process_of_the_pool(
    arena: Arena, broker: Broker, document: Scene, rows_of_the_document: Rows
) -> None:
    with arena.trial(document, broker) as trial:
        worker = trial.worker()
        with trial.parked(BOOKS) as waiting:
            waiting()
            being_read(trial)
            kill_the_pool(worker)
        as_without(trial, rows_of_the_document)
        assert worker.pids
        assert trial.only().attempts == 2


def test_work_that_kills_every_worker_is_refused_and_comes_no_more(
    arena: Arena, broker: Broker, document: Scene
) -> None:
    with arena.trial(document, broker) as trial:
        worker = trial.worker()
        for attempt in range(1, MAX_ATTEMPTS + 1):
            with trial.parked(BOOKS) as waiting:
                trial.sweeping_until(
                    lambda attempt=attempt: trial.only().attempts == attempt, f"attempt {attempt}"
                )
                waiting()
                kill_the_pool(worker)
        trial.sweeping_until(lambda: trial.only().state == "refused", "it is given up")
        rows = trial.finished()
        assert not rows["lines"] + rows["entries"]
        assert trial.only().attempts == MAX_ATTEMPTS + 1
        assert trial.sweep() == 0
        assert broker.waiting("ingest") == 0


def test_long_work_that_is_delivered_again_meanwhile_is_done_by_one(
    arena: Arena, broker: Broker, document: Scene, rows_of_the_document: Rows
) -> None:
    """Its lease is renewed as long as it takes, so a second worker leaves it alone."""
    with arena.trial(document, broker) as trial:
        assert broker.triple("ingest", seed=SEED) == 1
        with trial.parked(BOOKS) as waiting:
            trial.worker()
            waiting()
            trial.worker()
            until(lambda: broker.waiting("ingest") == 0, "another worker was given it too")
            over = time.monotonic() + 2 * LEASE_SECONDS
            until(lambda: time.monotonic() > over, "a lease that is not renewed is over")
            seen = trial.only()
            assert (seen.state, seen.attempts, seen.leased) == ("reading", 1, True)
        as_without(trial, rows_of_the_document)
        seen = trial.only()
        assert (seen.state, seen.attempts, seen.readings) == ("loaded", 1, 1)


def kill_the_pool(worker: Worker) -> None:
    """Only the process that carries the task out is killed; its parent lives and notices."""
    child = worker.child()
    os.kill(child, signal.SIGKILL)
    until(lambda: child not in worker.pids, "the process of the pool is dead")
